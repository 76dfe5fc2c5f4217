"""The new model against the one in service: limits, noise, chains of pushes. No TensorFlow.

A difference smaller than its noise neither passes nor fails a model. What is let pass for that
reason has a wider limit, is noted, and is carried from push to push until it adds up to more.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence

from demandcast.components.evaluation.judged_part import (
    Bounds,
    Part,
    t_at_95,
)
from demandcast.components.evaluation.verdict import LOSS
from demandcast.components.evaluation.wording import as_number, as_percent, as_span
from demandcast.schema.carried_increase import CarriedIncrease
from demandcast.schema.config.gate import ChangeConfig

__all__ = ["carried_after", "chain_reasons", "change_reasons", "unproven_notes"]

_MANY = 1_000_000  # Degrees of freedom with which t is normal: a sum of many errors.
_NAMED = 3  # Slices that a note names; the table has all.


def change_reasons(
    overall: Part, parts: Sequence[Part], failures: Collection[str], change: ChangeConfig
) -> Iterator[str]:
    """Words where the model is worse than the one in service."""
    reason = _change_reason(overall, *_overall_limits(overall, change))
    if reason is None and LOSS in failures:
        reason = "TFMA did not validate the change of the weighted quantile loss"
    if reason is not None:
        yield reason
    for part in parts:
        reason = _change_reason(part, *_slice_limits(change))
        if reason is not None:
            yield reason


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


def chain_reasons(overall: Part, chain: CarriedIncrease, change: ChangeConfig) -> Iterator[str]:
    """Words a chain of pushes, each a little worse than the last, that went too far."""
    allowed = max(change.max_relative_loss_increase, change.max_unproven_loss_increase)
    least = chain.at_least(t_at_95(_MANY))
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


def _change_reason(part: Part, allowed: float, unproven: float) -> str | None:
    """Words how much worse the loss is than that of the model in service, if it is too much."""
    candidate, in_service = part.candidate(LOSS), part.in_service(LOSS)
    if in_service is None:
        return None
    loss = f"weighted quantile loss {as_number(candidate)}"
    if candidate is None:
        theirs = as_number(in_service)
        return f"{loss} cannot be compared with the model in service {theirs}{part.where}"
    if candidate <= in_service * (1 + allowed):
        return None
    if not in_service:
        return (
            f"{loss} is infinitely worse than the model in service {as_number(in_service)} "
            f"(allowed {as_percent(allowed)}){part.where}"
        )
    increase, (low, high) = candidate / in_service - 1, part.loss_increase()
    if low <= allowed and increase <= unproven:
        return None
    limit = f"allowed {as_percent(allowed)}"
    if low <= allowed:
        limit = f"allowed {as_percent(unproven)} where noise could be the reason"
    details = "; ".join(filter(None, (as_span(low, high), limit)))
    return (
        f"{loss} is {as_percent(increase, 1)} worse than the model in service "
        f"{as_number(in_service)} ({details}){part.where}"
    )


def unproven_notes(overall: Part, parts: Sequence[Part], change: ChangeConfig) -> Iterator[str]:
    """Words what passed although noise could hide that it is worse than allowed."""
    limits = _overall_limits(overall, change)
    if _is_unproven(overall, *limits):
        low, high = overall.loss_increase()
        found = (overall.candidate(LOSS) or 0.0) / (overall.in_service(LOSS) or 1.0) - 1
        share = f"{as_percent(abs(found), 1)} {'worse' if found > 0 else 'better'}"
        allowed, unproven = map(as_percent, limits)
        span = f" ({as_span(low, high)})" if as_span(low, high) else ""
        yield (
            f"weighted quantile loss is {share} than the model in service{span}: "
            f"{overall.result.examples:,} examples cannot tell whether that is within the allowed "
            f"{allowed}, so the other checks decide, and {unproven} at most"
        )
    doubtful = [part.name for part in parts if _is_unproven(part, *_slice_limits(change))]
    if doubtful:
        names = ", ".join(doubtful[:_NAMED])
        more = f" and {len(doubtful) - _NAMED} more" if len(doubtful) > _NAMED else ""
        yield (
            f"whether the loss is within the allowed {as_percent(_slice_limits(change)[0])} of the "
            f"model in service cannot be told from noise in {names}{more}"
        )


def _is_unproven(part: Part, allowed: float, unproven: float) -> bool:
    """Tells whether a change was let pass although its interval does not say so."""
    if not part.in_service(LOSS) or part.candidate(LOSS) is None:
        return False
    if _change_reason(part, allowed, unproven) is not None:
        return False
    return part.loss_increase()[1] > allowed
