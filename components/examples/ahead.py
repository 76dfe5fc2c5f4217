"""Whether the known-future covariates reach as far as a forecast needs them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from demandcast.components.examples.grid import Grid, ragged_ranges, sums_of_runs
from demandcast.components.examples.report import FutureGap, Report
from demandcast.components.examples.roles import Roles
from demandcast.schema.config import SeriesSpec
from demandcast.schema.errors import ContractError
from demandcast.schema.periods import date_of, days_of

__all__ = ["ended", "find_gaps", "gap_error"]


def ended(grid: Grid, cutoff: int, spec: SeriesSpec) -> npt.NDArray[np.bool_]:
    """Tells which series have come to an end, so that nobody needs their forecast.

    Nothing is recorded of them for as long as the horizon, and a covariate that should be known
    ahead has no row in all of it: what is no longer sold has no plan. Where no row means no sale
    (`data.missing_period: zero`), nothing ends.

    Args:
        grid: Histories, at least a horizon long, and what follows them.
        cutoff: Last known period.
        spec: Names and shapes.

    Returns:
        Shape [N].
    """
    horizon = spec.forecast.horizon
    end = np.clip(grid.offsets[:-1] + cutoff + 1 - grid.begin, grid.offsets[:-1], grid.offsets[1:])
    start = np.maximum(grid.offsets[:-1], end - horizon)
    silent = (grid.first <= cutoff) & (sums_of_runs(grid.observed, start, end) == 0)
    ahead = np.minimum(end + horizon, grid.offsets[1:])
    planless = [sums_of_runs(grid.given[name], end, ahead) == 0 for name in spec.known_future.names]
    return silent & np.logical_or.reduce([np.zeros_like(silent), *planless])


def find_gaps(
    grid: Grid, cutoff: int, spec: SeriesSpec, *, may_miss: frozenset[str]
) -> tuple[FutureGap, ...]:
    """Finds series whose covariates end before the horizon does.

    A period is covered if some table has a row for it. A number must be there as well, unless
    the column misses numbers in the history too: then the model has learned what that means.
    Series that have ended need none.

    Args:
        grid: Histories, at least a horizon long, and what follows them.
        cutoff: Last known period.
        spec: Names and shapes.
        may_miss: Numeric columns that miss values in the history.
    """
    horizon = spec.forecast.horizon
    at = np.flatnonzero((grid.first <= cutoff) & ~ended(grid, cutoff, spec))
    start = grid.offsets[at] + cutoff + 1 - grid.begin[at]
    cells = ragged_ranges(start, np.full(len(at), horizon, np.int64)).reshape(len(at), horizon)
    gaps = []
    for name in spec.known_future.names:
        missing = ~grid.given[name][cells]
        if name in grid.numeric and name not in may_miss:
            missing |= np.isnan(grid.numeric[name][cells])
        if missing.any():
            gaps.append(_gap(name, grid, at, missing, spec=spec, cutoff=cutoff))
    return tuple(gaps)


def _gap(
    name: str,
    grid: Grid,
    at: npt.NDArray[np.int64],
    missing: npt.NDArray[np.bool_],
    *,
    spec: SeriesSpec,
    cutoff: int,
) -> FutureGap:
    series, steps = missing.any(axis=1), np.flatnonzero(missing.any(axis=0))
    example = grid.series.select(spec.series_key).row(int(at[np.flatnonzero(series)[0]]))
    return FutureGap(
        name,
        series=int(series.sum()),
        first=cutoff + 1 + int(steps[0]),
        last=cutoff + 1 + int(steps[-1]),
        example=", ".join(
            f"{key}={value}" for key, value in zip(spec.series_key, example, strict=True)
        ),
    )


def gap_error(report: Report, roles: Roles, spec: SeriesSpec) -> ContractError:
    """Words missing future values as one error."""
    lines = [
        f"future values of {len(report.gaps)} known_future columns are missing; "
        f"a forecast of {spec.forecast.horizon} periods needs them; nothing was written"
    ]
    calendar = roles.calendar
    in_calendar = set() if calendar is None else {*calendar.numeric, *calendar.categorical}
    together: dict[tuple[bool, int, int, int, str], list[str]] = {}
    for gap in report.gaps:
        alike = (gap.column in in_calendar, gap.series, gap.first, gap.last, gap.example)
        together.setdefault(alike, []).append(gap.column)
    for (of_calendar, series, begin, end, example), columns in together.items():
        first, last = (
            date_of(day).isoformat()
            for day in days_of(np.array([begin, end]), spec.forecast.frequency)
        )
        where = (
            "rows of the calendar (or data.calendar.missing_date: empty)"
            if of_calendar
            else "rows of the future table (data.future), or of the sales table without a target"
        )
        named = f"column{'s' if len(columns) > 1 else ''} {', '.join(map(repr, columns))}"
        lines.append(
            f"  {named}: {series:,} of {report.series:,} series, "
            f"from {first} to {last}, such as {example}; expected {where}"
        )
    return ContractError("\n".join(lines))
