"""A backtest laid out for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from demandcast.components.backtest.result import ALL, Backtest, BacktestRow
from demandcast.components.backtest.scoring import FORECASTERS, MODEL, OVERALL
from demandcast.pipeline.cli.results import table_text

__all__ = ["backtest_text"]

_WORST = 5
_CUTOFFS = 12
_LOSS = "weighted_quantile_loss"
_REFERENCE = "seasonal_naive"
_HEADER = (
    *("examples", "loss", "its skill", "WAPE", "its skill"),
    *("bias", "MASE", "RMSSE", "in 80 %", "in 90 %"),
)

_Rows = Mapping[tuple[str, str, str], BacktestRow]


def backtest_text(found: Backtest) -> str:
    """Lays out a backtest: each forecaster overall, the model by cutoff and in its worst slices.

    Skill is 1 - metric / metric of the seasonal-naive forecast in the same row of a table.
    """
    rows = {(row.cutoff, row.slice, row.forecaster): row for row in found.rows}
    parts = [
        "\n".join(_heading(found)),
        table_text(
            ["forecaster", *_HEADER],
            [[name, *_cells(rows, ALL, OVERALL, name)] for name in FORECASTERS],
        ),
    ]
    if len(found.cutoffs) > 1:
        parts.append(_by_cutoff(found, rows))
    worst = _worst_slices(found)
    if worst:
        parts.append(
            table_text(
                ["worst slices of the model", *_HEADER],
                [[name, *_cells(rows, ALL, name, MODEL)] for name in worst],
            )
        )
    return "\n\n".join(parts)


def _heading(found: Backtest) -> Iterator[str]:
    """Says what was scored, and what of it is hindsight."""
    first, last = found.cutoffs[0], found.cutoffs[-1]
    where = (
        f"at cutoff {last}"
        if first == last
        else f"at {len(found.cutoffs)} cutoffs, {first} to {last}"
    )
    if found.model is None:
        who = "Models trained on the data up to each cutoff"
    elif found.model.version is not None:
        who = f"Version {found.model.version}"
    else:
        who = f"The model of run {found.model.run_id}"
    unit = "days" if found.frequency == "D" else "weeks"
    yield f"{who}, {where}, {found.horizon} {unit} each."
    if found.seen_cutoffs:
        until = found.model.seen_until if found.model else None
        reason = f"has seen the data until {until}" if until else "does not say what it has seen"
        yield (
            f"{len(found.seen_cutoffs)} of {len(found.cutoffs)} cutoffs are hindsight (*): "
            f"the model {reason}."
        )


def _by_cutoff(found: Backtest, rows: _Rows) -> str:
    """Lays out the model at the newest cutoffs."""
    shown = found.cutoffs[-_CUTOFFS:]
    marks = dict.fromkeys(found.seen_cutoffs, "*")
    table = [
        [f"{date}{marks.get(date, '')}", *_cells(rows, date, OVERALL, MODEL)] for date in shown
    ]
    text = table_text(["model at cutoff", *_HEADER], table)
    hidden = len(found.cutoffs) - len(shown)
    return f"{text}\n... and {hidden} earlier cutoffs in metrics.csv" if hidden else text


def _worst_slices(found: Backtest) -> Sequence[str]:
    """Names the slices in which the model saves the smallest share of the naive loss."""
    rows = {(row.cutoff, row.slice, row.forecaster): row for row in found.rows}
    skills = {
        row.slice: _skill(row.weighted_quantile_loss, _reference(rows, row).weighted_quantile_loss)
        for row in found.rows
        if row.cutoff == ALL and row.slice != OVERALL and row.forecaster == MODEL
    }
    known = [(skill, name) for name, skill in skills.items() if skill is not None]
    return [name for _, name in sorted(known)[:_WORST]]


def _reference(rows: _Rows, row: BacktestRow) -> BacktestRow:
    return rows[row.cutoff, row.slice, _REFERENCE]


def _cells(rows: _Rows, cutoff: str, name: str, forecaster: str) -> Iterator[str]:
    """Formats the metrics of a row; nothing is known where it has no example."""
    row = rows.get((cutoff, name, forecaster))
    if row is None:
        yield from ("0", *["-"] * (len(_HEADER) - 1))
        return
    reference = _reference(rows, row)
    yield f"{row.examples:,}"
    yield _number(row.weighted_quantile_loss)
    yield _number(_skill(row.weighted_quantile_loss, reference.weighted_quantile_loss))
    yield _number(row.wape)
    yield _number(_skill(row.wape, reference.wape))
    for value in (row.bias, row.mase, row.rmsse, row.coverage_80, row.coverage_90):
        yield _number(value)


def _skill(value: float | None, reference: float | None) -> float | None:
    """Computes which share of the reference's loss is saved."""
    return None if value is None or not reference else 1 - value / reference


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:z.4f}"
