"""The gate's verdict: blessed or not, and why, in words. No TensorFlow.

The Evaluator leaves the verdict as `verdict.json` beside TFMA's own files; everything that
shows or acts on it reads that file.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from demandcast.schema.config.base import Section
from demandcast.schema.config.gate import FloorsConfig, GateConfig
from demandcast.schema.errors import DemandcastError

__all__ = [
    "OVERALL",
    "VERDICT_FILE",
    "SliceResult",
    "Verdict",
    "format_verdict",
    "judge",
    "read_verdict",
]

VERDICT_FILE = "verdict.json"
"""Name of the file in the evaluation artifact."""

OVERALL = "overall"
"""Name of the slice that holds everything."""

_LOSS = "weighted_quantile_loss"
_NAIVE = {"weighted_quantile_loss_skill": _LOSS, "wape_skill": "wape"}
_INTERVALS = {"coverage_80": (80, 0.8), "coverage_90": (90, 0.9)}
_STRICT = "strict_"
_COLUMNS = {
    "examples": "examples",
    _LOSS: "loss",
    "weighted_quantile_loss_skill": "its skill",
    "wape": "WAPE",
    "wape_skill": "its skill",
    "bias": "bias",
    "mase": "MASE",
    "rmsse": "RMSSE",
    "coverage_80": "in 80 %",
    "coverage_90": "in 90 %",
}

Metrics = dict[str, float | None]


class SliceResult(Section):
    """Metrics of one slice.

    Attributes:
        name: `overall`, or column and value such as `demand_class=lumpy`.
        candidate: Metrics of the new model by name; None where one cannot be computed.
        in_service: The same of the model in service; empty if none was compared.
    """

    name: str
    candidate: Metrics
    in_service: Metrics

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
    """

    blessed: bool
    reasons: tuple[str, ...]
    comparison: str
    slices: tuple[SliceResult, ...]
    notes: tuple[str, ...] = ()

    @property
    def overall(self) -> SliceResult:
        """Metrics over everything."""
        return self.slices[0]


def judge(
    slices: Sequence[SliceResult],
    failures: Collection[str],
    gate: GateConfig,
    *,
    comparison: str,
) -> Verdict:
    """Decides, and says why.

    A slice is judged if it has `gate.change.min_slice_examples` examples and the model in
    service has a loss there; other slices are reported only.

    Args:
        slices: Metrics by slice, in any order.
        failures: Metrics whose overall threshold TFMA found broken; the name of the loss
            stands for its change against the model in service.
        gate: What a model must show.
        comparison: With what the model was compared, in words.

    Returns:
        Blessed if no reason speaks against it.
    """
    ordered = sorted(slices, key=lambda result: (result.name != OVERALL, result.name))
    notes: list[str] = []
    if not ordered or ordered[0].name != OVERALL or not ordered[0].examples:
        reasons = ["no example of the evaluation has a period that counts: nothing was judged"]
        ordered = ordered or [SliceResult(name=OVERALL, candidate={}, in_service={})]
    else:
        reasons = [_floor_reason(name, ordered[0], gate) for name in sorted(failures)]
        reasons += _slice_reasons(ordered[1:], gate)
        notes += _notes(ordered[0])
    return Verdict(
        blessed=not reasons,
        reasons=tuple(reasons),
        comparison=comparison,
        slices=tuple(ordered),
        notes=tuple(notes),
    )


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
        The decision, the reasons, the notes, and a table of metrics. A number in brackets is
        that of the model in service.
    """
    lines = ["Blessed." if verdict.blessed else "Not blessed:"]
    lines += [f"  - {reason}" for reason in verdict.reasons]
    remarks = (verdict.comparison, *verdict.notes)
    lines += [*(f"{remark[:1].upper()}{remark[1:]}." for remark in remarks), ""]
    largest = sorted(verdict.slices[1:], key=lambda result: -result.examples)[:max_slices]
    rows = [["slice", *_COLUMNS.values()]]
    rows += [[result.name, *_cells(result)] for result in (verdict.overall, *largest)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        first = row[0].ljust(widths[0])
        rest = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        lines.append("  ".join([first, *rest]).rstrip())
    hidden = len(verdict.slices) - 1 - len(largest)
    if hidden:
        lines.append(f"... and {hidden} smaller slices in {VERDICT_FILE}")
    return "\n".join(lines)


def _notes(overall: SliceResult) -> Iterator[str]:
    """Words the intervals that were not judged: their coverage was left out of the metrics."""
    for name, (percent, nominal) in _INTERVALS.items():
        if name not in overall.candidate:
            low, high = (1 - nominal) / 2, (1 + nominal) / 2
            yield (
                f"coverage of the {percent} % interval was not judged: "
                f"forecast.quantile_levels lack {low:.4g} or {high:.4g}"
            )


def _slice_reasons(slices: Sequence[SliceResult], gate: GateConfig) -> Iterator[str]:
    """Words the slices, beside overall, that are worse than the model in service."""
    allowed = gate.change.max_relative_loss_increase_per_slice
    for result in slices:
        in_service = result.in_service.get(_LOSS)
        if in_service is None or result.examples < gate.change.min_slice_examples:
            continue
        candidate = result.candidate.get(_LOSS)
        if candidate is None or candidate > in_service * (1 + allowed):
            yield _change_reason(result, allowed)


def _change_reason(result: SliceResult, allowed: float) -> str:
    """Words how much worse the loss is than that of the model in service."""
    where = "" if result.name == OVERALL else f" in slice {result.name}"
    candidate, in_service = result.candidate.get(_LOSS), result.in_service.get(_LOSS)
    if candidate is None or in_service is None:
        return (
            f"weighted quantile loss {_number(candidate)} cannot be compared with the model "
            f"in service {_number(in_service)}{where}"
        )
    share = _percent(candidate / in_service - 1, 1) if in_service else "infinitely"
    return (
        f"weighted quantile loss {_number(candidate)} is {share} worse than the model in "
        f"service {_number(in_service)} (allowed {_percent(allowed)}){where}"
    )


def _floor_reason(name: str, overall: SliceResult, gate: GateConfig) -> str:
    """Words a threshold that TFMA found broken overall."""
    if name == _LOSS:
        return _change_reason(overall, gate.change.max_relative_loss_increase)
    value = overall.candidate.get(name)
    interval = _INTERVALS.get(name.removeprefix(_STRICT))
    title = name.replace("_", " ")
    if name not in _COLUMNS and interval is None:
        return f"TFMA did not validate the model: {title}"
    if value is None:
        return f"{title} cannot be computed: a forecast is not a number, or there is no demand"
    if name in _NAIVE:
        return _skill_reason(name, value, overall, gate.floors)
    tolerance = gate.floors.coverage_tolerance
    if interval is not None:
        percent, nominal = interval
        title = f"coverage of the {percent} % interval"
        if name.startswith(_STRICT):
            title += " without its bounds"
        low, high = nominal - tolerance, nominal + tolerance
    else:
        high = gate.floors.max_absolute_bias or 0.0
        low = -high
    return f"{title} {_number(value)} lies outside {low:.4g} to {high:.4g}"


def _skill_reason(name: str, value: float, overall: SliceResult, floors: FloorsConfig) -> str:
    """Words a skill that does not exceed its floor."""
    metric = _NAIVE[name]
    title = "WAPE" if metric == "wape" else metric.replace("_", " ")
    loss, naive = overall.candidate.get(metric), overall.candidate.get(f"naive_{metric}")
    return (
        f"{title} {_number(loss)} against {_number(naive)} of seasonal naive: "
        f"skill {_percent(value, 1)} must exceed {_percent(getattr(floors, name))}"
    )


def _cells(result: SliceResult) -> Iterator[str]:
    """Formats a row of the table."""
    for name in _COLUMNS:
        if name == "examples":
            yield f"{result.examples:,}"
        else:
            text = _number(result.candidate.get(name))
            compared = name in (_LOSS, "wape") and result.in_service
            yield f"{text} ({_number(result.in_service.get(name))})" if compared else text


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _percent(share: float, decimals: int | None = None) -> str:
    number = f"{100 * share:g}" if decimals is None else f"{100 * share:.{decimals}f}"
    return f"{number} %"
