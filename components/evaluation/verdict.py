"""The gate's verdict: blessed or not, why, and the numbers; how it is kept and shown.

The Evaluator leaves the verdict as `verdict.json` beside TFMA's own files; everything that
shows or acts on it reads that file. `judging` decides it. No TensorFlow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field

from demandcast.components.metrics.steps import StepRange, split_metric_name, steps_metric_name
from demandcast.schema.artifact_names import VERDICT_FILE
from demandcast.schema.carried_increase import CarriedIncrease
from demandcast.schema.config.base import Section
from demandcast.schema.errors import DemandcastError

__all__ = [
    "LOSS",
    "LOSS_INCREASE",
    "OVERALL",
    "Difference",
    "Outcome",
    "SliceResult",
    "Verdict",
    "format_verdict",
    "read_verdict",
]

OVERALL = "overall"
"""Name of the slice that holds everything."""

LOSS = "weighted_quantile_loss"
"""The metric that is compared with the model in service."""

LOSS_INCREASE = "weighted_quantile_loss_increase"
"""Candidate's weighted quantile loss / that of the model in service - 1; a difference."""

_INCREASE = "change"
_COLUMNS = {
    "examples": "examples",
    LOSS: "loss",
    _INCREASE: "change",
    "weighted_quantile_loss_skill": "skill",
    "wape": "WAPE",
    "wape_skill": "skill",
    "bias": "bias",
    "mase": "MASE",
    "coverage_80": "in 80 %",
    "coverage_90": "in 90 %",
}
_ALONE, _COMPARED = {_INCREASE}, {"wape_skill"}
"""Columns that are left out without and with a model in service: a terminal is 120 wide."""

_WITH_INTERVAL = (LOSS, "wape")
_WIDTH = 25  # Of a slice's name.

Metrics = dict[str, float | None]
Outcome = Literal["within", "unproven", "worse"]
Interval = tuple[float, float]


class Difference(Section):
    """A metric of the new model minus that of the model in service, on the same examples.

    Attributes:
        value: The difference.
        low: Lower bound of its 95 % confidence interval.
        high: Upper bound.
    """

    value: float
    low: float
    high: float


class SliceResult(Section):
    """Metrics of one slice.

    A metric of a range of steps of the horizon is called `<metric>_steps_<first>_<last>`.

    Attributes:
        name: `overall`, or column and value such as `demand_class=lumpy`.
        candidate: Metrics of the new model by name; None where one cannot be computed.
        in_service: The same of the model in service; empty if none was compared.
        intervals: 95 % confidence intervals of the new model's metrics, by resampling series;
            None where series cannot tell.
        difference: New model minus model in service; `weighted_quantile_loss_increase` is a
            share of the loss of the model in service.
        groups: Groups of series on which the intervals rest; 0 without intervals.
    """

    name: str
    candidate: Metrics
    in_service: Metrics
    intervals: dict[str, Interval | None] = Field(default_factory=dict)
    difference: dict[str, Difference] = Field(default_factory=dict)
    groups: int = 0

    @property
    def examples(self) -> int:
        """Examples with a period that counts."""
        return round(self.candidate.get("examples") or 0)


class Verdict(Section):
    """What the gate decided.

    Attributes:
        blessed: Whether the model may serve.
        reasons: Why not; empty if blessed.
        comparison: With what the model was compared besides the floors, in words.
        slices: Metrics by slice, overall first.
        notes: What was not judged and why; nothing that speaks against the model.
        changes: How the loss of everything, of each range of steps (`steps_1_7`) and of each
            slice that was judged compares with the model in service: `within` what is allowed or
            `worse`, both beyond doubt or beyond a second, wider limit, or `unproven`.
        carried: By how much this model and those pushed before it got worse, one after the
            other; the pointer carries it on if the model is pushed.
        beforehand: The reasons that hold whatever the metrics are, such as that the model has
            seen in training what judges it.
    """

    blessed: bool
    reasons: tuple[str, ...]
    comparison: str
    slices: tuple[SliceResult, ...]
    notes: tuple[str, ...] = ()
    changes: dict[str, Outcome] = Field(default_factory=dict)
    carried: CarriedIncrease = CarriedIncrease()
    beforehand: tuple[str, ...] = ()

    @property
    def overall(self) -> SliceResult:
        """Metrics over everything."""
        return self.slices[0]


def read_verdict(evaluation_uri: str) -> Verdict:
    """Reads the verdict of an evaluation.

    Args:
        evaluation_uri: Folder of the evaluation artifact.

    Raises:
        DemandcastError: There is no verdict, or it is damaged.
    """
    file = Path(evaluation_uri) / VERDICT_FILE
    try:
        return Verdict.model_validate_json(file.read_bytes())
    except (OSError, ValueError) as error:
        raise DemandcastError(
            f"{file}: not a verdict; expected the file that the Evaluator writes: {error}"
        ) from error


def format_verdict(verdict: Verdict, *, max_slices: int = 20) -> str:
    """Lays the verdict out for a terminal.

    Args:
        verdict: What the gate decided.
        max_slices: Rows beside overall; the largest slices are shown.

    Returns:
        The decision, the reasons, the notes, and a table of metrics. What follows a ± is half
        the 95 % confidence interval; "change" is that of the loss against the model in service.
    """
    lines = ["Blessed." if verdict.blessed else "Not blessed:"]
    lines += [f"  - {reason}" for reason in verdict.reasons]
    remarks = (verdict.comparison, *verdict.notes)
    lines += [*(f"{remark[:1].upper()}{remark[1:]}." for remark in remarks), ""]
    largest = sorted(verdict.slices[1:], key=lambda result: -result.examples)[:max_slices]
    lines += _table(verdict.overall, largest)
    hidden = len(verdict.slices) - 1 - len(largest)
    if hidden:
        lines.append(f"... and {hidden} smaller slices in {VERDICT_FILE}")
    return "\n".join(lines)


def _table(overall: SliceResult, others: list[SliceResult]) -> Iterator[str]:
    """Yields the lines of the table: everything, its steps, the slices."""
    left_out = _COMPARED if overall.in_service else _ALONE
    columns = {name: title for name, title in _COLUMNS.items() if name not in left_out}
    rows = [["slice", *columns.values()], [overall.name, *_cells(overall, None, columns)]]
    ranges = dict.fromkeys(steps for _, steps in map(split_metric_name, overall.candidate) if steps)
    rows += [
        [f"  steps {first}-{last}", *_cells(overall, (first, last), columns)]
        for first, last in ranges
    ]
    rows += [[_shortened(result.name), *_cells(result, None, columns)] for result in others]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        first = row[0].ljust(widths[0])
        rest = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        yield "  ".join([first, *rest]).rstrip()


def _cells(
    result: SliceResult, steps: StepRange | None, columns: Mapping[str, str]
) -> Iterator[str]:
    """Formats a row of the table."""
    for metric in columns:
        name = steps_metric_name(metric, steps)
        value = result.candidate.get(name)
        if metric == "examples":
            yield f"{round(value or 0):,}"
        elif metric == _INCREASE:
            yield _change(result.difference.get(steps_metric_name(LOSS_INCREASE, steps)))
        elif metric in _WITH_INTERVAL:
            yield _number(value, result.intervals.get(name))
        else:
            yield _number(value)


def _number(value: float | None, interval: Interval | None = None) -> str:
    if value is None:
        return "-"
    if interval is None:
        return f"{value:z.3f}"
    return f"{value:z.4f} ±{(interval[1] - interval[0]) / 2:.4f}"


def _change(found: Difference | None) -> str:
    if found is None:
        return "-"
    return f"{100 * found.value:+z.1f} ±{50 * (found.high - found.low):.1f} %"


def _shortened(name: str) -> str:
    return name if len(name) <= _WIDTH else f"{name[: _WIDTH - 1]}…"
