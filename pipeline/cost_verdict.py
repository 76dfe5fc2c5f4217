"""What came of comparing the cost of stock: the rule, its words, and the file that keeps both.

The rule is that of `gate.change`: refused if beyond doubt above what is allowed; if noise could be
the reason, only above a second, wider limit. Where few intervals should have a shortage nothing is
refused: in a month without any, the model that orders least is the cheapest. No TensorFlow.
"""

from __future__ import annotations

import math
from typing import Literal

from demandcast.components.evaluation.wording import as_percent, as_span
from demandcast.components.replenishment.model_cost import CostDifference
from demandcast.schema.config.base import Section
from demandcast.schema.config.gate import CostConfig

__all__ = ["CostVerdict", "cannot_be_costed", "judge_cost", "not_compared"]

CostOutcome = Literal["within", "unproven", "worse", "unjudged"]


class CostVerdict(Section):
    """Whether a model's stock costs too much. Costs are those of all intervals that count.

    Attributes:
        blessed: Whether nothing speaks against the model.
        reason: Why, or why not.
        outcome: `within` what is allowed or `worse`, both beyond doubt or beyond the wider limit;
            `unproven`; `unjudged` without a comparison.
        increase: Cost / cost in service - 1; None where not compared, or infinite.
        low: Lower bound of its 95 % confidence interval; None where noise is unknown.
        high: Upper bound.
        allowed: Largest increase that is allowed.
        unproven: The same where noise could be the reason.
        holding_cost: Of the new model, currency units.
        stockout_cost: Of the new model.
        holding_cost_in_service: Of the model in service.
        stockout_cost_in_service: Of the model in service.
        intervals: Series at cutoffs that count.
        examples: Series at cutoffs that were looked at.
        series: Series that count.
        expected_shortages: Of the intervals, those that should have a shortage by the terms.
    """

    blessed: bool
    reason: str
    outcome: CostOutcome
    increase: float | None = None
    low: float | None = None
    high: float | None = None
    allowed: float | None = None
    unproven: float | None = None
    holding_cost: float | None = None
    stockout_cost: float | None = None
    holding_cost_in_service: float | None = None
    stockout_cost_in_service: float | None = None
    intervals: int = 0
    examples: int = 0
    series: int = 0
    expected_shortages: float = 0.0

    @property
    def is_doubtful(self) -> bool:
        """Whether noise could be the reason for more than is allowed: the wider limit holds."""
        if self.outcome != "worse" or self.allowed is None:
            return self.outcome == "unproven"
        return self.low is None or self.low <= self.allowed


def not_compared(reason: str) -> CostVerdict:
    """Lets a model pass that cannot be compared with another one, as the gate does."""
    return CostVerdict(
        blessed=True, reason=f"{reason}: the cost of stock was not judged", outcome="unjudged"
    )


def cannot_be_costed(reason: str, *, examples: int) -> CostVerdict:
    """Refuses a model of which nobody can say what its stock would cost."""
    return CostVerdict(blessed=False, reason=reason, outcome="unjudged", examples=examples)


def judge_cost(
    found: CostDifference, config: CostConfig, *, in_service: str, examples: int
) -> CostVerdict:
    """Decides, and says why.

    Args:
        found: Costs of both models.
        config: What is allowed.
        in_service: Name of the model in service, such as "version 12".
        examples: Series at cutoffs that were looked at.
    """
    value = found.increase.value
    bounds = found.increase.interval()
    low, high = (-math.inf, math.inf) if math.isnan(sum(bounds)) else bounds
    allowed = config.max_cost_increase
    unproven = max(allowed, config.max_unproven_cost_increase)
    outcome: CostOutcome = "unproven" if high > allowed else "within"
    if value > allowed and (low > allowed or value > unproven):
        outcome = "worse"
    if found.expected_shortages < config.min_expected_shortages:
        outcome = "unjudged"
    known = math.isfinite(high - low)
    return CostVerdict(
        blessed=outcome != "worse",
        reason=_reason(found, (low, high), config, outcome=outcome, in_service=in_service),
        outcome=outcome,
        increase=value if math.isfinite(value) else None,
        low=low if known else None,
        high=high if known else None,
        allowed=allowed,
        unproven=unproven,
        holding_cost=found.holding,
        stockout_cost=found.stockout,
        holding_cost_in_service=found.holding_in_service,
        stockout_cost_in_service=found.stockout_in_service,
        intervals=found.intervals,
        examples=examples,
        series=found.series,
        expected_shortages=found.expected_shortages,
    )


def _reason(
    found: CostDifference,
    bounds: tuple[float, float],
    config: CostConfig,
    *,
    outcome: CostOutcome,
    in_service: str,
) -> str:
    """Words by how much the cost differs, and what is allowed."""
    value, (low, _) = found.increase.value, bounds
    span = as_span(*bounds)
    details = f" (95 %: {span})" if span else ""
    told = (
        f"stock costs {_difference(value)} that of {in_service} on {found.series:,} eval "
        f"series{details}"
    )
    if outcome == "unjudged":
        return (
            f"{told}; not judged, as {found.intervals:,} intervals should have "
            f"{found.expected_shortages:.1f} shortages, which is too few to tell "
            f"(gate.cost.min_expected_shortages: {config.min_expected_shortages:g})"
        )
    limit = f"at most {as_percent(config.max_cost_increase)} more"
    wider = max(config.max_cost_increase, config.max_unproven_cost_increase)
    if outcome == "unproven" or (outcome == "worse" and low <= config.max_cost_increase):
        limit += f" is allowed, or {as_percent(wider)} where noise could be the reason"
    else:
        limit += " is allowed"
    return f"{told}; {limit}"


def _difference(increase: float) -> str:
    """Words an increase: "3.4 % more than", "as much as"."""
    if not increase:
        return "as much as"
    if math.isinf(increase):
        return "infinitely more than"
    return f"{as_percent(abs(increase), 1)} {'more' if increase > 0 else 'less'} than"
