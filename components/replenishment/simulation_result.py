"""What came of a simulation: sums of each series, service, costs, and how sure they are.

A **cycle** is the time from one arrival opportunity to the next. Each review that takes place
makes one: before period k + L opens, k the period before which the review took place and L the
lead time that its order has or would have had. With a review period R and a fixed lead time the
cycle of the review at k is the R periods k + L ... k + L + R - 1, all of whose demand the level
set at k has to cover. With random lead times opportunities may come in another order than
reviews, or several before the same period, which then begin one cycle: a cycle lasts until the
next period before which any order could arrive. It is stocked out if in any of its periods demand
was lost, or customers waited in the evening. Counted are cycles that begin after the warm-up and
end, so the first and the last may be cut.

An **order cycle** is the same from one delivery of more than 0 units to the next: the cycle of
textbooks on continuous review, where most reviews order nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from demandcast.components.metrics.arrays import ratio
from demandcast.components.metrics.jackknife import GROUPS, Estimate, estimate
from demandcast.components.replenishment.stock_scenario import FloatArray
from demandcast.schema.errors import BadInputError

__all__ = [
    "StockCostSums",
    "StockResult",
    "cycle_service_level_over_cycles",
    "cycle_service_level_over_series",
    "estimate_mean",
    "estimate_ratio",
    "fill_rate_over_demand",
    "mean_on_hand_over_series",
]


@dataclass(frozen=True)
class StockCostSums:
    """Costs of each series over the counted periods, currency; each of shape [N].

    Attributes:
        holding: Of the stock in the evenings.
        stockout: Of units lost, or of units that waited in the evenings.
        ordering: Of orders, however large.
        purchase: Of units ordered.
        waste: Of units written off.
    """

    holding: FloatArray
    stockout: FloatArray
    ordering: FloatArray
    purchase: FloatArray
    waste: FloatArray

    @property
    def operating(self) -> FloatArray:
        """All but the units ordered. Shape [N]."""
        return self.holding + self.stockout + self.ordering + self.waste

    @property
    def total(self) -> FloatArray:
        """All kinds. Shape [N]."""
        return self.operating + self.purchase


@dataclass(frozen=True)
class StockResult:
    """Sums over the counted periods, of each series; units of shape [N] where nothing is said.

    Units are conserved: `opening_on_hand + received = sales + waste + closing_on_hand`,
    `opening_on_order + ordered = received + closing_on_order` and
    `opening_backorders + demand = sales + lost + closing_backorders`.

    Attributes:
        periods: Counted periods.
        demand: Asked for.
        sales: Handed over, also to those who had waited.
        met_at_once: Handed over in the period in which they were asked for.
        lost: Demand that went away.
        waste: Written off.
        ordered: Ordered.
        received: Arrived.
        orders: Number of orders of more than 0 units.
        on_hand: Sum over the evenings, unit-periods.
        on_order: Sum over the evenings, unit-periods.
        backorders: Sum over the evenings, unit-periods.
        stockout_periods: Periods in which demand was lost or in whose evening customers waited.
        cycles: See the head of the module.
        cycles_without_stockout: Those of them in which there was none.
        order_cycles: See the head of the module.
        order_cycles_without_stockout: Those of them in which there was none.
        opening_on_hand: Before the order of the first counted period.
        opening_on_order: Likewise.
        opening_backorders: Likewise.
        closing_on_hand: In the evening of the last period.
        closing_on_order: Likewise: orders that arrive after the end.
        closing_backorders: Likewise.
        costs: By kind, currency.
    """

    periods: int
    demand: FloatArray
    sales: FloatArray
    met_at_once: FloatArray
    lost: FloatArray
    waste: FloatArray
    ordered: FloatArray
    received: FloatArray
    orders: FloatArray
    on_hand: FloatArray
    on_order: FloatArray
    backorders: FloatArray
    stockout_periods: FloatArray
    cycles: FloatArray
    cycles_without_stockout: FloatArray
    order_cycles: FloatArray
    order_cycles_without_stockout: FloatArray
    opening_on_hand: FloatArray
    opening_on_order: FloatArray
    opening_backorders: FloatArray
    closing_on_hand: FloatArray
    closing_on_order: FloatArray
    closing_backorders: FloatArray
    costs: StockCostSums

    @property
    def cycle_service_level(self) -> FloatArray:
        """Share of the cycles of each series without a stockout; NaN without cycles. Shape [N]."""
        return ratio(self.cycles_without_stockout, self.cycles)

    @property
    def order_cycle_service_level(self) -> FloatArray:
        """Share of the order cycles of each series without a stockout; NaN without. Shape [N]."""
        return ratio(self.order_cycles_without_stockout, self.order_cycles)

    @property
    def fill_rate(self) -> FloatArray:
        """Share of the demand of each series met at once; NaN without demand. Shape [N]."""
        return ratio(self.met_at_once, self.demand)

    @property
    def mean_on_hand(self) -> FloatArray:
        """Mean stock in the evening, units. Shape [N]."""
        return self.on_hand / self.periods

    @property
    def mean_on_order(self) -> FloatArray:
        """Mean of what is on order in the evening, units. Shape [N]."""
        return self.on_order / self.periods

    @property
    def mean_backorders(self) -> FloatArray:
        """Mean of what customers wait for in the evening, units. Shape [N]."""
        return self.backorders / self.periods

    @property
    def total_cost(self) -> FloatArray:
        """All costs, currency. Shape [N]."""
        return self.costs.total

    @property
    def operating_cost(self) -> FloatArray:
        """All costs but those of the units ordered, currency. Shape [N]."""
        return self.costs.operating

    @classmethod
    def side_by_side(cls, results: Sequence[StockResult]) -> StockResult:
        """Joins results of different series over the same periods.

        Raises:
            BadInputError: There is none, or they count different numbers of periods.
        """
        periods = {result.periods for result in results}
        if len(periods) != 1:
            raise BadInputError(
                f"results of {sorted(periods)} counted periods; expected one number for all"
            )
        own = {
            one.name: np.concatenate([getattr(result, one.name) for result in results])
            for one in fields(cls)
            if one.name not in ("periods", "costs")
        }
        costs = {
            one.name: np.concatenate([getattr(result.costs, one.name) for result in results])
            for one in fields(StockCostSums)
        }
        return cls(periods=periods.pop(), costs=StockCostSums(**costs), **own)


def cycle_service_level_over_cycles(
    result: StockResult, *, groups: npt.ArrayLike | None = None
) -> Estimate:
    """Estimates the share of all cycles without a stockout: a mean over cycles.

    Series with more cycles weigh more.

    Args:
        result: Of a simulation.
        groups: As in `estimate_ratio`.
    """
    return estimate_ratio(result.cycles_without_stockout, result.cycles, groups=groups)


def cycle_service_level_over_series(
    result: StockResult, *, groups: npt.ArrayLike | None = None
) -> Estimate:
    """Estimates the mean of the series' shares of cycles without a stockout: a mean over series.

    Series without a cycle do not count.

    Args:
        result: Of a simulation.
        groups: As in `estimate_ratio`.
    """
    return estimate_mean(result.cycle_service_level, groups=groups)


def fill_rate_over_demand(result: StockResult, *, groups: npt.ArrayLike | None = None) -> Estimate:
    """Estimates the share of all demand that was met at once: a mean over units of demand.

    Args:
        result: Of a simulation.
        groups: As in `estimate_ratio`.
    """
    return estimate_ratio(result.met_at_once, result.demand, groups=groups)


def mean_on_hand_over_series(
    result: StockResult, *, groups: npt.ArrayLike | None = None
) -> Estimate:
    """Estimates the mean stock in the evening, units per series: a mean over series.

    Args:
        result: Of a simulation.
        groups: As in `estimate_ratio`.
    """
    return estimate_mean(result.mean_on_hand, groups=groups)


def estimate_mean(values: npt.ArrayLike, *, groups: npt.ArrayLike | None = None) -> Estimate:
    """Estimates a mean over series and its standard error.

    Args:
        values: One of each series; NaN does not count. Shape [N].
        groups: As in `estimate_ratio`.

    >>> estimate_mean([1.0, 2.0, 3.0, float("nan")])
    Estimate(value=2.0, error=0.5773502691896257, freedom=2)
    """
    given = np.asarray(values, dtype=np.float64)
    known = ~np.isnan(given)
    # What does not count has 0 in both.
    return estimate_ratio(np.where(known, given, 0.0), known.astype(np.float64), groups=groups)


def estimate_ratio(
    numerator: npt.ArrayLike, denominator: npt.ArrayLike, *, groups: npt.ArrayLike | None = None
) -> Estimate:
    """Estimates a ratio of sums over series and its standard error, by leaving series out.

    Args:
        numerator: One of each series, at least 0. Shape [N].
        denominator: One of each series; where both are 0 the series does not count. Shape [N].
        groups: Whole number of each series; series that are not independent of each other, such
            as replicates of one, have the same. None: all are independent; they are dealt to
            `jackknife.GROUPS` groups. Shape [N].

    Returns:
        With degrees of freedom of the groups that count, less 1; a value of NaN if none does, and
        an error of NaN if fewer than two do.

    >>> estimate_ratio([1.0, 2.0, 3.0], [2.0, 2.0, 2.0]).value
    1.0
    """
    above, below = np.asarray(numerator, np.float64), np.asarray(denominator, np.float64)
    dealt = np.arange(above.size) % GROUPS if groups is None else np.asarray(groups)
    counts = (above > 0) | (below > 0)
    _, positions = np.unique(dealt[counts], return_inverse=True)
    tops = np.bincount(positions, weights=above[counts])
    bottoms = np.bincount(positions, weights=below[counts])
    value = ratio(tops.sum(), bottoms.sum())
    return estimate(float(value), ratio(tops.sum() - tops, bottoms.sum() - bottoms))
