"""Periods that count as zero demand, and what is known of them."""

from __future__ import annotations

import numpy as np

from demandcast.components.examples.grid import Grid
from demandcast.components.examples.roles import SALES
from demandcast.components.examples.violations import SHOWN, Violation, violation
from demandcast.schema.config import SeriesSpec
from demandcast.schema.periods import date_of, days_of

__all__ = ["bare_zeros"]


def bare_zeros(grid: Grid, spec: SeriesSpec) -> tuple[Violation, ...]:
    """Finds periods that count as zero demand without the covariates known ahead for them.

    Where sales have no row, a covariate that only sales carry is missing exactly where demand
    is zero: the model would read the answer from the gap, and find no gaps when it forecasts.

    Args:
        grid: Histories and labels, with zeros filled in.
        spec: Names of the covariates, and the frequency.
    """
    found = []
    for name in spec.known_future.names:
        cells = np.flatnonzero(grid.filled & ~grid.given[name])
        if len(cells):
            found.append(
                violation(
                    (SALES, name),
                    "not known in periods without a row, which count as zero demand",
                    expected="a value for each period, in data.future or data.calendar; "
                    "or missing_period: unknown",
                    sources=np.zeros(len(cells), np.int64),
                    values=[_place(grid, int(cell), spec) for cell in cells[:SHOWN]],
                    unit="periods",
                )
            )
    return tuple(found)


def _place(grid: Grid, cell: int, spec: SeriesSpec) -> str:
    at = int(np.searchsorted(grid.offsets, cell, side="right")) - 1
    period = grid.begin[at] + cell - grid.offsets[at]
    day = date_of(int(days_of(np.array([period]), spec.forecast.frequency)[0]))
    key = grid.series.select(spec.series_key).row(at)
    names = ", ".join(f"{name}={value}" for name, value in zip(spec.series_key, key, strict=True))
    return f"{names} on {day}"
