"""The rules of the gate, applied to the metrics by slice, and their words. No TensorFlow.

A slice counts if it has `gate.change.min_slice_examples` examples, and then also what is said
of it. `docs/decisions/0015-differences-and-their-noise.md` has the reasons for the rules:

* skill floors, overall: the model must exceed them beyond doubt;
* other floors, overall: the estimate decides, in TFMA's thresholds;
* change against the model in service, overall, by slice and by range of steps: refused if beyond
  doubt above what is allowed; if noise could be the reason, only above a second, wider limit;
* change over all pushes since a model that was not worse: refused if beyond doubt above that limit;
* coverage, by slice and by range of steps: refused if beyond doubt outside its tolerance.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence

from demandcast.components.evaluation.comparing import (
    Comparison,
    carried_after,
    chain_reasons,
    change_reasons,
    compare,
    unproven_notes,
)
from demandcast.components.evaluation.judged_part import Part, judged_parts
from demandcast.components.evaluation.verdict import LOSS, OVERALL, SliceResult, Verdict
from demandcast.components.evaluation.wording import TFMA_REFUSED, as_number, as_percent, as_span
from demandcast.schema.carried_increase import CarriedIncrease
from demandcast.schema.config.gate import FloorsConfig, GateConfig

__all__ = ["INTERVALS", "STRICT", "coverage_break", "judge", "refusal"]

_NAIVE = {"weighted_quantile_loss_skill": LOSS, "wape_skill": "wape"}

INTERVALS = {"coverage_80": (80, 0.8), "coverage_90": (90, 0.9)}
"""Metrics of coverage that are judged: percent and share that they should be."""

STRICT = "strict_"
"""Begins the name of a coverage that leaves out the bounds of the interval."""


def judge(
    slices: Sequence[SliceResult],
    failures: Collection[str],
    gate: GateConfig,
    *,
    comparison: str,
    carried: CarriedIncrease | None = None,
    beforehand: Sequence[str] = (),
) -> Verdict:
    """Decides, and says why.

    Args:
        slices: Metrics by slice, in any order.
        failures: Metrics whose overall threshold TFMA found broken; the name of the loss
            stands for its change against the model in service.
        gate: What a model must show.
        comparison: With what the model was compared, in words.
        carried: By how much the model in service and those before it got worse; nothing if
            None.
        beforehand: What speaks against the model whatever its metrics are.

    Returns:
        Blessed if no reason speaks against it.
    """
    chain = CarriedIncrease()
    comparisons: tuple[Comparison, ...] = ()
    ordered = sorted(slices, key=lambda result: (result.name != OVERALL, result.name))
    notes: list[str] = []
    if not ordered or ordered[0].name != OVERALL or not ordered[0].examples:
        reasons = ["no example of the evaluation has a period that counts: nothing was judged"]
        ordered = ordered or [SliceResult(name=OVERALL, candidate={}, in_service={})]
    else:
        overall, parts = Part(ordered[0]), judged_parts(ordered, gate)
        reasons = [*_floor_reasons(failures, overall, gate.floors)]
        comparisons = compare(overall, parts, gate.change)
        reasons += change_reasons(comparisons, failures)
        chain = carried_after(overall, carried or chain)
        reasons += chain_reasons(overall, chain, gate.change)
        reasons += _coverage_reasons(parts, gate.floors)
        notes += _notes(overall)
        notes += unproven_notes(comparisons)
    reasons = [*beforehand, *reasons]
    return Verdict(
        blessed=not reasons,
        reasons=tuple(reasons),
        comparison=comparison,
        slices=tuple(ordered),
        notes=tuple(notes),
        changes={found.part.key: found.outcome for found in comparisons},
        carried=chain,
        beforehand=tuple(beforehand),
    )


def refusal(reason: str) -> Verdict:
    """Says that a model cannot be judged at all."""
    return Verdict(
        blessed=False,
        reasons=(reason,),
        comparison="nothing was computed",
        slices=(SliceResult(name=OVERALL, candidate={}, in_service={}),),
        beforehand=(reason,),
    )


def _floor_reasons(failures: Collection[str], overall: Part, floors: FloorsConfig) -> Iterator[str]:
    """Words the floors that are broken, or not exceeded beyond doubt."""
    for name in sorted(failures):
        if name != LOSS:
            yield _floor_reason(name, overall, floors)
    for name in sorted(_NAIVE.keys() - set(failures)):
        value, bounds = overall.candidate(name), overall.interval(name)
        if value is not None and bounds is not None and bounds[0] <= getattr(floors, name):
            yield _skill_reason(name, value, overall, floors)


def _coverage_reasons(parts: Sequence[Part], floors: FloorsConfig) -> Iterator[str]:
    """Words the coverage of slices and steps that lies outside its tolerance beyond doubt."""
    tolerance = floors.coverage_tolerance_per_slice
    for part in parts:
        for name, (percent, nominal) in INTERVALS.items():
            broken = coverage_break(part, name, tolerance)
            if broken is None:
                continue
            bounds = part.interval(broken) or (-math.inf, math.inf)
            found = f"{as_number(part.candidate(broken))} ({as_span(*bounds, share=False)})"
            title = f"coverage of the {percent} % interval"
            if broken == name:
                yield f"{title} {found} lies below {nominal - tolerance:.4g}{part.where}"
            else:
                title += " without its bounds"
                yield f"{title} {found} lies above {nominal + tolerance:.4g}{part.where}"


def coverage_break(part: Part, name: str, tolerance: float) -> str | None:
    """Tells whether the coverage of a slice or of steps is off beyond doubt.

    Args:
        part: The slice or the steps.
        name: A key of `INTERVALS`.
        tolerance: How far from nominal it may lie.

    Returns:
        The metric that is off: `name` if it is too small, `STRICT` and `name` if too large;
        None if noise could be the reason or is unknown.
    """
    _, nominal = INTERVALS[name]
    inside, strictly = part.interval(name), part.interval(STRICT + name)
    if inside is not None and inside[1] < nominal - tolerance:
        return name
    if strictly is not None and strictly[0] > nominal + tolerance:
        return STRICT + name
    return None


def _notes(overall: Part) -> Iterator[str]:
    """Words what was not judged: coverage that the levels do not bound, noise of one series."""
    for name, (percent, nominal) in INTERVALS.items():
        if name not in overall.result.candidate:
            low, high = (1 - nominal) / 2, (1 + nominal) / 2
            yield (
                f"coverage of the {percent} % interval was not judged: "
                f"forecast.quantile_levels lack {low:.4g} or {high:.4g}"
            )
    if any(overall.candidate(name) is not None and not overall.interval(name) for name in _NAIVE):
        yield "too few series to tell noise: the skills were judged by their estimates"


def _floor_reason(name: str, overall: Part, floors: FloorsConfig) -> str:
    """Words a threshold that TFMA found broken overall."""
    value = overall.candidate(name)
    interval = INTERVALS.get(name.removeprefix(STRICT))
    title = name.replace("_", " ")
    if name not in _NAIVE and name != "bias" and interval is None:
        return f"{TFMA_REFUSED} the model: {title}"
    if value is None:
        return f"{title} cannot be computed: a forecast is not a number, or there is no demand"
    if name in _NAIVE:
        return _skill_reason(name, value, overall, floors)
    tolerance = floors.coverage_tolerance
    if interval is not None:
        percent, nominal = interval
        title = f"coverage of the {percent} % interval"
        if name.startswith(STRICT):
            title += " without its bounds"
        low, high = nominal - tolerance, nominal + tolerance
    else:
        high = floors.max_absolute_bias or 0.0
        low = -high
    return f"{title} {as_number(value)} lies outside {low:.4g} to {high:.4g}"


def _skill_reason(name: str, value: float, overall: Part, floors: FloorsConfig) -> str:
    """Words a skill that does not exceed its floor, or not beyond doubt."""
    metric, floor = _NAIVE[name], getattr(floors, name)
    title = "WAPE" if metric == "wape" else metric.replace("_", " ")
    loss, naive = overall.candidate(metric), overall.candidate(f"naive_{metric}")
    doubt = " beyond doubt" if value > floor else ""
    bounds = overall.interval(name)
    span = f" ({as_span(*bounds)})" if bounds else ""
    return (
        f"{title} {as_number(loss)} against {as_number(naive)} of seasonal naive: "
        f"skill {as_percent(value, 1)}{span} must exceed "
        f"{as_percent(floor)}{doubt}"
    )
