"""What a page shows of a simulation of policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from demandcast.components.reporting.page_orders import EXCEPTION_TITLES
from demandcast.components.reporting.words import Interval, Number

__all__ = ["OURS", "PERFECT", "UNAIMED", "PolicyRow", "SimulationPart"]

OURS, PERFECT = "demandcast", "perfect_foresight"
"""Policy of the product, and the one that nobody can have."""

UNAIMED = ("last_year", PERFECT)
"""Policies that order the same whatever the target; it only prices their stockouts."""

_TITLES = {
    OURS: "demandcast",
    "textbook": "textbook, mean and sigma",
    "eoq": "EOQ with safety stock",
    "min_max": "(s, S) by mean and sigma",
    "last_year": "last year's sales",
    "perfect_distribution": "perfect knowledge of the distribution",
    PERFECT: "perfect foresight",
}

_LEFT_OUT = {"no_forecast": "No forecast at each cutoff"}


@dataclass(frozen=True)
class PolicyRow:
    """What a policy came to at a target.

    Attributes:
        policy: Its name.
        target: Aimed at, or for a policy of `UNAIMED` what prices its stockouts; a share.
        cycles: Judged, over all series.
        cycle_service_level: Share of the cycles without a stockout.
        interval: Of that share.
        fill_rate: Share of the demand that was met at once.
        mean_on_hand: Units in the evening, mean over series.
        orders: How many.
        costs: Currency by kind: holding, stockout, order, waste.
        operating_cost: Their sum.
        ratio: Of that sum to the reference's at the same target.
        ratio_interval: Of that ratio.
    """

    policy: str
    target: float
    cycles: int
    cycle_service_level: Number
    interval: Interval
    fill_rate: Number
    mean_on_hand: Number
    orders: Number
    costs: Mapping[str, Number]
    operating_cost: Number
    ratio: Number = None
    ratio_interval: Interval = None

    @property
    def title(self) -> str:
        """Name for people."""
        return _TITLES.get(self.policy, self.policy.replace("_", " "))


@dataclass(frozen=True)
class SimulationPart:
    """A simulation of policies.

    Attributes:
        rows: A row per policy and target.
        aimed_at: The target that the configuration has.
        reference: Policy by which the others are divided.
        series: Series simulated.
        left_out: Series that were not, by reason.
        first: First simulated period, ISO date.
        last: Last one.
        counted: First period that is counted, ISO date.
        warm_up: Periods before it.
        cutoffs: Cutoffs with decisions.
        teaching: Cutoffs before them, which teach only.
        measure: What a target is a target of.
        unmet_demand: What became of it: lost or backordered.
        lead_times: Mean over the series, periods.
        demand: Where demand is from: the name of a file; empty: what was sold.
        whole_lots: Whether orders were packs and at least the smallest order.
        period_days: Days of a period.
        currency: Of the costs; empty if not known.
        model: Digest of the model.
    """

    rows: tuple[PolicyRow, ...]
    aimed_at: float
    reference: str
    series: int
    first: str
    last: str
    counted: str
    warm_up: int
    cutoffs: int
    teaching: int
    measure: str
    unmet_demand: str
    lead_times: float
    left_out: Mapping[str, int] = field(default_factory=dict)
    demand: str = ""
    whole_lots: bool = True
    period_days: int = 1
    currency: str = ""
    model: str = ""

    @property
    def targets(self) -> tuple[float, ...]:
        """Targets, from low to high."""
        return tuple(sorted({row.target for row in self.rows}))

    @property
    def main_target(self) -> float:
        """The simulated target that is nearest to the configured one."""
        return min(self.targets, key=lambda target: abs(target - self.aimed_at))

    @property
    def policies(self) -> tuple[str, ...]:
        """Titles of the policies in the order of their rows, each once."""
        return tuple(dict.fromkeys(row.title for row in self.rows))

    def of(self, target: float) -> tuple[PolicyRow, ...]:
        """Returns the rows of a target."""
        return tuple(row for row in self.rows if row.target == target)

    def row(self, policy: str, target: float) -> PolicyRow | None:
        """Returns the row of a policy at a target; None without one."""
        return next((row for row in self.of(target) if row.policy == policy), None)

    @staticmethod
    def words_of(target: float) -> str:
        """Writes a target as exactly as it was given; a percentage stays on one line."""
        return f"{100 * target:g}\N{NO-BREAK SPACE}%"

    def reasons(self) -> tuple[tuple[str, int], ...]:
        """Names why series were left out, the most first."""
        titles = EXCEPTION_TITLES | _LEFT_OUT
        found = {titles.get(name, name.replace("_", " ")): n for name, n in self.left_out.items()}
        return tuple(sorted(found.items(), key=lambda one: -one[1]))
