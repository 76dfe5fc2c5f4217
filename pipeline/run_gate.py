"""The gate for models on the page of a run: a row for each rule of `evaluation/judging.py`.

The last row, if it was looked at, is what stock costs (`pipeline/cost_verdict.py`).

Limits, noise and the parts that are judged come from the code of the gate itself; the outcome of
each comparison is that of the verdict. So a model that was refused has a row that failed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from demandcast.components.evaluation.comparing import (
    Comparison,
    chain_bounds,
    chain_reasons,
    compare,
)
from demandcast.components.evaluation.judged_part import Part, judged_parts
from demandcast.components.evaluation.judging import INTERVALS, STRICT, coverage_break
from demandcast.components.evaluation.verdict import LOSS, OVERALL, Outcome, Verdict
from demandcast.components.evaluation.wording import TFMA_REFUSED
from demandcast.components.reporting.page_judged import Check, GatePart
from demandcast.components.reporting.words import is_number, percent
from demandcast.pipeline.cost_verdict import CostVerdict
from demandcast.pipeline.run_files import RunFiles
from demandcast.schema.artifact_names import COST_VERDICT_FILE
from demandcast.schema.config.gate import FloorsConfig, GateConfig

__all__ = ["gate_part"]

_THRESHOLD_UNKNOWN = "this run did not keep its thresholds"
_SKILLS = {f"{LOSS}_skill": "Quantile loss", "wape_skill": "WAPE"}
_CHANGE = "Quantile loss against the model in service"
_COST = "Cost of stock against the model in service"
_CHAIN = "Quantile loss against the models before it, added up over their pushes"


def gate_part(run: RunFiles) -> GatePart | None:
    """Lays out what was judged, with limits and outcome; None if no model was judged.

    Of a run that did not keep its configuration the limits are open.
    """
    values = run.report.verdict
    if not values:
        return None
    verdict, gate = Verdict.model_validate(values), run.report.config.get("gate")
    checks = list(_checks(verdict, None if gate is None else GateConfig.model_validate(gate)))
    failed = any(check.passed is False for check in checks)
    unexplained = [
        reason for reason in verdict.reasons if reason.startswith(TFMA_REFUSED) or not failed
    ]
    if unexplained:
        words = "; ".join(unexplained)
        checks.append(Check("What else speaks against it", None, passed=False, remark=words))
    cost = run.artifact_json("CostJudge", "blessing", COST_VERDICT_FILE)
    if cost is not None:
        checks.append(_cost(CostVerdict.model_validate(cost)))
    return GatePart(
        blessed=verdict.blessed and run.report.too_dear is None,
        comparison=verdict.comparison,
        checks=tuple(checks),
        notes=verdict.notes,
    )


def _checks(verdict: Verdict, gate: GateConfig | None) -> Iterator[Check]:
    """Yields a row for each rule, in the order of the reasons."""
    if "beforehand" in verdict.model_fields_set:
        yield _beforehand(verdict.beforehand)
    overall = Part(verdict.overall)
    if overall.result.name != OVERALL or not overall.result.examples:
        yield Check("Examples with a period that counts", None, passed=False, remark="none")
        return
    floors = None if gate is None else gate.floors
    yield from _skills(overall, floors)
    yield from _coverages(overall, floors)
    yield _bias(overall, floors)
    if gate is None:
        yield Check(_CHANGE, _increase(overall), remark=_THRESHOLD_UNKNOWN)
        return
    parts = judged_parts(verdict.slices, gate)
    comparisons = _comparisons(overall, parts, gate, verdict)
    yield from _changes(comparisons, verdict, gate)
    yield _chain(verdict, gate)
    small = sum(0 < one.examples < gate.change.min_slice_examples for one in verdict.slices[1:])
    yield from _coverages_of_parts(parts, gate, small=small)


def _beforehand(reasons: Sequence[str]) -> Check:
    title = "Can be judged, by sales that it has not seen in training"
    return Check(title, None, passed=not reasons, remark="; ".join(reasons))


def _skills(overall: Part, floors: FloorsConfig | None) -> Iterator[Check]:
    """Judges what must exceed its floor."""
    for name, what in _SKILLS.items():
        value, interval = overall.candidate(name), overall.interval(name)
        floor = None if floors is None else getattr(floors, name)
        # The model has to show it: where its interval is known, all of it is above the floor.
        least = interval[0] if is_number(value) and interval else value
        yield Check(
            name=f"{what}: how much lower than that of seasonal naive",
            value=value,
            low=floor,
            passed=None if floor is None else is_number(least) and least > floor,
            interval=interval,
            remark=_THRESHOLD_UNKNOWN if floor is None else "",
            exclusive=True,
        )


def _coverages(overall: Part, floors: FloorsConfig | None) -> Iterator[Check]:
    """Judges intervals from both sides: with the bounds from below, without them from above."""
    for key, (level, nominal) in INTERVALS.items():
        for name, words in ((key, "bounds included"), (STRICT + key, "bounds left out")):
            if name not in overall.result.candidate:
                continue
            value = overall.candidate(name)
            low = high = passed = None
            if floors is not None and name == key:
                low = nominal - floors.coverage_tolerance
                passed = is_number(value) and value >= low
            elif floors is not None:
                high = nominal + floors.coverage_tolerance
                passed = is_number(value) and value <= high
            yield Check(
                name=f"Demand inside the {level} % interval, {words}",
                value=value,
                low=low,
                high=high,
                passed=passed,
                interval=overall.interval(name),
                remark=_THRESHOLD_UNKNOWN if floors is None else "",
            )


def _bias(overall: Part, floors: FloorsConfig | None) -> Check:
    value = overall.candidate("bias")
    largest = None if floors is None else floors.max_absolute_bias
    return Check(
        name="Bias of the mean, as a share of demand",
        value=value,
        low=None if largest is None else -largest,
        high=largest,
        passed=None if largest is None else is_number(value) and abs(value) <= largest,
        interval=overall.interval("bias"),
        remark="no limit is configured (gate.floors.max_absolute_bias)" if largest is None else "",
    )


def _increase(part: Part) -> float | None:
    """Computes how much larger the loss is than that of the model in service, as a share."""
    before, loss = part.in_service(LOSS), part.candidate(LOSS)
    return loss / before - 1 if before and loss is not None else None


def _comparisons(
    overall: Part, parts: Sequence[Part], gate: GateConfig, verdict: Verdict
) -> list[Comparison]:
    """Compares each part as the gate did, with the outcomes that it wrote down."""
    found = compare(overall, parts, gate.change)
    if verdict.changes:
        known = verdict.changes
        return [replace(one, outcome=known.get(one.part.key, one.outcome)) for one in found]
    # A verdict without outcomes is of an older version, which knew nothing of noise.
    return [replace(one, unproven=one.allowed, outcome=_plain_outcome(one)) for one in found]


def _plain_outcome(found: Comparison) -> Outcome:
    increase = _increase(found.part)
    if increase is None:
        return found.outcome
    return "worse" if increase > found.allowed else "within"


def _changes(
    comparisons: Sequence[Comparison], verdict: Verdict, gate: GateConfig
) -> Iterator[Check]:
    """Judges the loss against the model in service: overall, by steps, by slice."""
    overall = [found for found in comparisons if found.part.is_everything]
    steps = [found for found in comparisons if found.part.steps is not None]
    slices = [found for found in comparisons if found not in (*overall, *steps)]
    yield (
        _change(_CHANGE, overall[0])
        if overall
        else Check(_CHANGE, None, remark=verdict.comparison or "no model was compared")
    )
    if steps:
        yield _worst_change("The same in the range of steps that changed most", steps)
    title = "The same in the slice that changed most for the worse"
    if slices:
        yield _worst_change(title, slices)
    elif any(result.in_service for result in verdict.slices[1:]):
        least = gate.change.min_slice_examples
        yield Check(title, None, remark=f"no slice has {least} examples, the least that counts")


def _worst_change(title: str, comparisons: Sequence[Comparison]) -> Check:
    """Judges the part that lost most, those that failed first; says what came of the others."""
    worst = max(comparisons, key=_badness)
    counts = {
        words: sum(found.outcome == outcome for found in comparisons)
        for outcome, words in (("worse", "failed"), ("unproven", "not told from noise"))
    }
    told = [f"{len(comparisons)} judged", *(f"{n} {words}" for words, n in counts.items() if n)]
    check = _change(title, worst)
    remarks = (f"{worst.part.name}; {', '.join(told)}", check.remark)
    return replace(check, remark="; ".join(filter(None, remarks)))


def _badness(found: Comparison) -> tuple[bool, float]:
    increase = _increase(found.part)
    return found.outcome == "worse", math.inf if increase is None else increase


def _change(title: str, found: Comparison) -> Check:
    """Judges one comparison by the limit that held for it."""
    low, high = found.part.loss_increase()
    value, limit, remark = _increase(found.part), found.allowed, ""
    if found.outcome == "unproven" or (found.outcome == "worse" and low <= found.allowed):
        limit = found.unproven
    if found.outcome == "unproven":
        remark = (
            f"noise could be the reason for more than {percent(found.allowed)}: "
            "the wider limit holds, and the other conditions decide"
        )
    if value is None and found.outcome == "worse":
        remark = "the loss cannot be compared with that of the model in service"
    return Check(
        name=title,
        value=value,
        high=limit,
        passed=found.outcome != "worse",
        interval=(low, high) if math.isfinite(high - low) else None,
        remark=remark,
    )


def _chain(verdict: Verdict, gate: GateConfig) -> Check:
    """Judges what models lost little by little."""
    chain, overall = verdict.carried, Part(verdict.overall)
    if chain.pushes < 2:
        return Check(_CHAIN, None, remark="no losses of earlier models to add up")
    least, allowed = chain_bounds(chain, gate.change)
    passed = not any(chain_reasons(overall, chain, gate.change))
    remark = f"{chain.pushes} models; at least {percent(least)} whatever the noise, which counts"
    if passed and least > allowed:
        remark += "; but this model is no worse than the one in service"
    value = math.expm1(chain.increase)
    return Check(_CHAIN, value, high=allowed, passed=passed, remark=remark)


def _coverages_of_parts(parts: Sequence[Part], gate: GateConfig, *, small: int) -> Iterator[Check]:
    """Judges the coverage of ranges of steps, and of slices: the part that is farthest off."""
    tolerance, least = gate.floors.coverage_tolerance_per_slice, gate.change.min_slice_examples
    too_small = f"; {small} smaller than {least} examples are not judged" if small else ""
    for kind, judged, remark in (
        ("range of steps", [part for part in parts if part.steps is not None], ""),
        ("judged slice", [part for part in parts if part.steps is None], too_small),
    ):
        for name in INTERVALS:
            known = [part for part in judged if part.interval(name) is not None]
            if known:
                check = _coverage_of_parts(kind, known, name, tolerance)
                yield replace(check, remark=check.remark + remark)


def _coverage_of_parts(kind: str, parts: Sequence[Part], name: str, tolerance: float) -> Check:
    level, nominal = INTERVALS[name]
    rooms = [(*_room(part, name, tolerance), part) for part in parts]
    _, metric, worst = min(rooms, key=lambda one: one[0])
    failed = sum(coverage_break(part, name, tolerance) is not None for part in parts)
    value, interval = worst.candidate(metric), worst.interval(metric)
    low, high = nominal - tolerance, nominal + tolerance
    remark = f"{worst.name}; {len(parts)} judged" + (f", {failed} failed" if failed else "")
    if not failed and is_number(value) and not low <= value <= high:
        remark += "; noise could be the reason"
    return Check(
        name=f"Demand inside the {level} % interval, in the {kind} that is farthest off",
        value=value,
        low=low,
        high=high if high < 1 else None,  # No share is above 1.
        passed=not failed,
        interval=interval,
        remark=remark + ("; bounds left out" if metric != name else ""),
    )


def _room(part: Part, name: str, tolerance: float) -> tuple[float, str]:
    """Measures how far a part is from being refused, and by which metric; below 0 it is."""
    _, nominal = INTERVALS[name]
    inside, strictly = part.interval(name), part.interval(STRICT + name)
    rooms = [(inside[1] - (nominal - tolerance), name)] if inside else []
    rooms += [(nominal + tolerance - strictly[0], STRICT + name)] if strictly else []
    return min(rooms)


def _cost(found: CostVerdict) -> Check:
    """Shows what stock would have cost, or why nobody knows."""
    interval = None if found.low is None or found.high is None else (found.low, found.high)
    if found.outcome == "unjudged":
        passed = None if found.blessed else False
        return Check(_COST, found.increase, passed=passed, interval=interval, remark=found.reason)
    what = (
        f"{found.intervals:,} of {found.examples:,} intervals count; "
        f"left over and short: {_costs(found.holding_cost, found.stockout_cost)}, in service "
        f"{_costs(found.holding_cost_in_service, found.stockout_cost_in_service)}"
    )
    doubt = f"; noise could be the reason for more than {percent(found.allowed)}"
    return Check(
        name=_COST,
        value=found.increase,
        high=found.unproven if found.is_doubtful else found.allowed,
        passed=found.blessed,
        interval=interval,
        remark=what + (doubt if found.is_doubtful else ""),
    )


def _costs(holding: float | None, stockout: float | None) -> str:
    """Writes the two parts of a cost, currency units."""
    return f"{holding or 0:,.0f} + {stockout or 0:,.0f}"
