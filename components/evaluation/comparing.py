"""The new model against the one in service: limits, noise, chains of pushes. No TensorFlow.

A difference smaller than its noise neither passes nor fails a model. What is let pass for that
reason has a wider limit, is noted, and is carried from push to push until it adds up to more.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from demandcast.components.evaluation.judged_part import (
    Bounds,
    Part,
    t_at_95,
)
from demandcast.components.evaluation.verdict import LOSS, Outcome
from demandcast.components.evaluation.wording import TFMA_REFUSED, as_number, as_percent, as_span
from demandcast.components.metrics.jackknife import CONFIDENCE
from demandcast.schema.carried_increase import CarriedIncrease
from demandcast.schema.config.gate import ChangeConfig

__all__ = [
    "Comparison",
    "carried_after",
    "chain_bounds",
    "chain_reasons",
    "change_reasons",
    "compare",
    "unproven_notes",
]

_NORMAL_AT_95 = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)  # Of a sum of many errors.
_NAMED = 3  # Slices that a note names; the table has all.


@dataclass(frozen=True)
class Comparison:
    """What came out for a part.

    Attributes:
        part: A slice, a range of steps, or everything.
        allowed: By which share the loss may exceed that of the model in service.
        unproven: The same where noise could be the reason.
        outcome: What came out.
    """

    part: Part
    allowed: float
    unproven: float
    outcome: Outcome


def compare(overall: Part, parts: Sequence[Part], change: ChangeConfig) -> tuple[Comparison, ...]:
    """Compares every part in which the model in service has a loss, everything first."""
    limits = [_overall_limits(overall, change), *(_slice_limits(change) for _ in parts)]
    return tuple(
        Comparison(part, *bounds, outcome)
        for part, bounds in zip((overall, *parts), limits, strict=True)
        if (outcome := _outcome(part, *bounds)) is not None
    )


def change_reasons(comparisons: Sequence[Comparison], failures: Collection[str]) -> Iterator[str]:
    """Words where the model is worse than the one in service."""
    worse = [found for found in comparisons if found.outcome == "worse"]
    if LOSS in failures and not any(found.part.is_everything for found in worse):
        yield f"{TFMA_REFUSED} the change of the weighted quantile loss"
    yield from map(_reason, worse)


def unproven_notes(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """Words what passed although noise could hide that it is worse than allowed."""
    doubtful = []
    for found in comparisons:
        if found.outcome == "unproven" and found.part.is_everything:
            yield _overall_note(found)
        elif found.outcome == "unproven":
            doubtful.append(found)
    if doubtful:
        names = ", ".join(found.part.name for found in doubtful[:_NAMED])
        more = f" and {len(doubtful) - _NAMED} more" if len(doubtful) > _NAMED else ""
        yield (
            f"whether the loss is within the allowed {as_percent(doubtful[0].allowed)} of the "
            f"model in service cannot be told from noise in {names}{more}"
        )


def carried_after(overall: Part, carried: CarriedIncrease) -> CarriedIncrease:
    """Adds this model to the increases of those before it; nothing if it has none to follow."""
    candidate, in_service = overall.candidate(LOSS), overall.in_service(LOSS)
    if not candidate or not in_service:
        return CarriedIncrease()
    low, high = overall.loss_increase()
    known = math.isfinite(high - low) and overall.result.groups > 1
    # Unknown noise counts as none: what cannot be told apart from luck may not add up unseen.
    error = (high - low) / 2 / t_at_95(overall.result.groups - 1) if known else 0.0
    return carried.after(candidate / in_service - 1, error)


def chain_bounds(chain: CarriedIncrease, change: ChangeConfig) -> tuple[float, float]:
    """Computes what a chain of pushes lost at least, whatever the noise, and what it may."""
    allowed = max(change.max_relative_loss_increase, change.max_unproven_loss_increase)
    return chain.at_least(_NORMAL_AT_95), allowed


def chain_reasons(overall: Part, chain: CarriedIncrease, change: ChangeConfig) -> Iterator[str]:
    """Words a chain of pushes, each a little worse than the last, that went too far."""
    least, allowed = chain_bounds(chain, change)
    candidate, in_service = overall.candidate(LOSS), overall.in_service(LOSS)
    worse = bool(candidate and in_service and candidate > in_service)
    if worse and chain.pushes > 1 and least > allowed:
        yield (
            f"weighted quantile loss rose little by little over {chain.pushes} models, this one "
            f"included, by {as_percent(math.expm1(chain.increase), 1)} in all and by at least "
            f"{as_percent(least, 1)} whatever the noise (allowed {as_percent(allowed)})"
        )


def _overall_limits(overall: Part, change: ChangeConfig) -> Bounds:
    """What is allowed, and what is allowed where noise could be the reason."""
    allowed = change.max_relative_loss_increase
    # Few examples show little, so doubt is no excuse there.
    enough = overall.result.examples >= change.min_slice_examples
    return allowed, max(allowed, change.max_unproven_loss_increase) if enough else allowed


def _slice_limits(change: ChangeConfig) -> Bounds:
    """The same for a slice or a range of steps."""
    allowed = change.max_relative_loss_increase_per_slice
    return allowed, max(allowed, change.max_unproven_loss_increase_per_slice)


def _outcome(part: Part, allowed: float, unproven: float) -> Outcome | None:
    """Tells which of the three outcomes a part has; none without a loss to compare with."""
    candidate, in_service = part.candidate(LOSS), part.in_service(LOSS)
    if in_service is None:
        return None
    if candidate is None or (candidate > 0 and not in_service):
        return "worse"
    low, high = part.loss_increase()
    if candidate > in_service * (1 + allowed) and (
        low > allowed or candidate > in_service * (1 + unproven)
    ):
        return "worse"
    return "unproven" if in_service and high > allowed else "within"


def _reason(found: Comparison) -> str:
    """Words how much worse the loss is than that of the model in service."""
    part, (low, high) = found.part, found.part.loss_increase()
    candidate, in_service = part.candidate(LOSS), part.in_service(LOSS)
    loss, theirs = f"weighted quantile loss {as_number(candidate)}", as_number(in_service)
    if candidate is None:
        return f"{loss} cannot be compared with the model in service {theirs}{part.where}"
    share = as_percent(candidate / in_service - 1, 1) if in_service else "infinitely"
    limit = f"allowed {as_percent(found.allowed)}"
    if in_service and low <= found.allowed:
        limit = f"allowed {as_percent(found.unproven)} where noise could be the reason"
    details = "; ".join(filter(None, (as_span(low, high), limit)))
    return f"{loss} is {share} worse than the model in service {theirs} ({details}){part.where}"


def _overall_note(found: Comparison) -> str:
    """Words a difference that decides nothing."""
    low, high = found.part.loss_increase()
    change = (found.part.candidate(LOSS) or 0.0) / (found.part.in_service(LOSS) or 1.0) - 1
    share = f"{as_percent(abs(change), 1)} {'worse' if change > 0 else 'better'}"
    span = f" ({as_span(low, high)})" if as_span(low, high) else ""
    return (
        f"weighted quantile loss is {share} than the model in service{span}: "
        f"{found.part.result.examples:,} examples cannot tell whether that is within the allowed "
        f"{as_percent(found.allowed)}, so the other checks decide, and "
        f"{as_percent(found.unproven)} at most"
    )
