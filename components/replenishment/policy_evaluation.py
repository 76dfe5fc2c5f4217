"""What given levels come to, on sample paths of demand, and how sure that is.

    demand [T, N, P], policy, scenario --simulate_stock, once for all paths--> sums [N, P]
                                       --over the paths--> cost and service [N], with intervals

The paths of a series are taken to be independent of each other: replications, or futures drawn
from a forecast. Levels that are compared are played on the same paths and lead times (common
random numbers), so the luck of the demand cancels in their differences.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from demandcast.components.metrics.arrays import ratio
from demandcast.components.metrics.jackknife import CONFIDENCE, t_quantile
from demandcast.components.replenishment.simulation_result import StockResult
from demandcast.components.replenishment.stock_policies import (
    BaseStockPolicy,
    OrderUpToPolicy,
    ReorderPointPolicy,
)
from demandcast.components.replenishment.stock_scenario import (
    FloatArray,
    OpeningStock,
    StockCosts,
    StockScenario,
    StockSupply,
    checked_demand,
)
from demandcast.components.replenishment.stock_simulation import simulate_stock
from demandcast.schema.errors import BadInputError

__all__ = [
    "LevelPolicy",
    "PolicyOutcome",
    "SeriesEstimate",
    "ServiceMeasure",
    "ServiceTarget",
    "demand_paths",
    "evaluate_policy",
    "mean_over_paths",
    "ratio_over_paths",
    "side_by_side",
    "spread_scenario",
]

LevelPolicy = BaseStockPolicy | OrderUpToPolicy | ReorderPointPolicy
"""Policies whose decisions are made of levels."""


class ServiceMeasure(enum.StrEnum):
    """What a target is a share of; `simulation_result` says what the cycles are."""

    CYCLE_SERVICE_LEVEL = "cycle_service_level"
    ORDER_CYCLE_SERVICE_LEVEL = "order_cycle_service_level"
    FILL_RATE = "fill_rate"


@dataclass(frozen=True)
class ServiceTarget:
    """A service to reach.

    Attributes:
        measure: What is measured.
        share: To be reached by each series, above 0 and at most 1: on finitely many paths all of
            it can be reached. Shape [N], or one number.
    """

    measure: ServiceMeasure
    share: npt.ArrayLike

    def __post_init__(self) -> None:
        given = np.asarray(self.share, dtype=np.float64)
        if not ((given > 0) & (given <= 1)).all():
            raise BadInputError(f"{self.measure}: got {self.share!r}; expected shares in (0, 1]")


@dataclass(frozen=True)
class SeriesEstimate:
    """A measure of each series, and its noise.

    Attributes:
        value: Over all paths; NaN where there is nothing to measure. Shape [N].
        error: Standard error from the spread of the paths; NaN with one path. Shape [N].
        freedom: Degrees of freedom of the error: paths less 1.
    """

    value: FloatArray
    error: FloatArray
    freedom: int

    def interval(self, confidence: float = CONFIDENCE) -> tuple[FloatArray, FloatArray]:
        """Bounds symmetric intervals that hold the true values with this probability.

        >>> low, high = SeriesEstimate(np.array([5.0]), np.array([0.1]), freedom=9).interval()
        >>> low.round(3), high.round(3)
        (array([4.774]), array([5.226]))
        """
        if self.freedom < 1:
            nothing = np.full(self.value.shape, np.nan)
            return nothing, nothing
        half = t_quantile((1 + confidence) / 2, self.freedom) * self.error
        return self.value - half, self.value + half


@dataclass(frozen=True)
class PolicyOutcome:
    """What levels come to; each an estimate of each series.

    Attributes:
        cost: Currency per period, all kinds that the scenario prices.
        cycle_service_level: Share of the cycles without a stockout.
        order_cycle_service_level: Share of the cycles from delivery to delivery without one.
        fill_rate: Share of demand met at once.
        mean_on_hand: Stock in the evening, units.
    """

    cost: SeriesEstimate
    cycle_service_level: SeriesEstimate
    order_cycle_service_level: SeriesEstimate
    fill_rate: SeriesEstimate
    mean_on_hand: SeriesEstimate


def evaluate_policy(
    demand: npt.ArrayLike, policy: LevelPolicy, *, scenario: StockScenario
) -> PolicyOutcome:
    """Simulates given levels on sample paths.

    Args:
        demand: Units per period. Shape [T, N], or [T, N, P] for P paths of each series.
        policy: Its levels are of shape [N], [T, N] or one number.
        scenario: Its values are of series, [N], and the same for all paths of a series. Its
            `warm_up` should outlast the opening stock: levels begin with nothing on order.

    Returns:
        Of each series. With one path there is no error.

    Raises:
        BadInputError: A value or shape is wrong.

    >>> demand = np.random.default_rng(1).poisson(4.0, (200, 1, 30)).astype(float)
    >>> found = evaluate_policy(demand, BaseStockPolicy(np.array([7.0])), scenario=StockScenario())
    >>> low, high = found.cycle_service_level.interval()
    >>> bool(low[0] < 0.9489 < high[0])  # P(D <= 7)
    True
    """
    paths = demand_paths(demand)
    _, series, count = paths.shape
    wide = side_by_side(policy, series=series, paths=count)
    result = simulate_stock(
        paths.reshape(len(paths), -1),
        wide,
        scenario=spread_scenario(scenario, series=series, paths=count),
    )
    return _outcome(result, (series, count))


def demand_paths(demand: npt.ArrayLike) -> FloatArray:
    """Gives demand an axis of paths.

    Args:
        demand: Units per period. Shape [T, N] or [T, N, P].

    Returns:
        Shape [T, N, P].

    Raises:
        BadInputError: It has neither shape, or a value is missing, infinite or negative.
    """
    values = np.asarray(demand, dtype=np.float64)
    if values.ndim not in (2, 3) or not values.size:
        raise BadInputError(
            f"demand: shape {list(values.shape)}; expected [T, N] or [T, N, P], each at least 1"
        )
    checked_demand(values.reshape(len(values), -1))
    return values if values.ndim == 3 else values[..., None]


def side_by_side(policy: LevelPolicy, *, series: int, paths: int) -> LevelPolicy:
    """Gives each path of a series the levels of the series. Shape [..., N] to [..., N P]."""
    levels: dict[str, Any] = {
        one.name: _wide(getattr(policy, one.name), series=series, paths=paths)
        for one in fields(policy)
    }
    return replace(policy, **levels)


def spread_scenario(
    scenario: StockScenario, *, series: int, paths: int, copies: int = 1
) -> StockScenario:
    """Gives each path of a series, and each copy of all, the scenario of the series.

    Args:
        scenario: Of series, [..., N].
        series: N.
        paths: P, next to each other.
        copies: C, one after the other.

    Returns:
        Of columns, [..., C N P].
    """

    def wide(values: npt.ArrayLike) -> npt.NDArray[Any]:
        given = _wide(values, series=series, paths=paths)
        return np.tile(given, copies) if given.ndim and np.shape(values)[-1] == series else given

    def widened(record: StockSupply | StockCosts | OpeningStock) -> dict[str, Any]:
        given = {one.name: getattr(record, one.name) for one in fields(record)}
        return {name: wide(values) for name, values in given.items() if values is not None}

    supply = replace(scenario.supply, **widened(scenario.supply))
    if supply.supplier is not None:
        # Lead times of suppliers have columns of their own, which series point to.
        supply = replace(supply, lead_time=scenario.supply.lead_time)
    return replace(
        scenario,
        supply=supply,
        costs=replace(scenario.costs, **widened(scenario.costs)),
        opening=replace(scenario.opening, **widened(scenario.opening)),
    )


def mean_over_paths(values: FloatArray) -> SeriesEstimate:
    """Estimates the mean over paths. Shape [N, P] to [N]."""
    return ratio_over_paths(values, np.ones(values.shape))


def ratio_over_paths(above: FloatArray, below: FloatArray) -> SeriesEstimate:
    """Estimates a ratio of sums over paths, as by its first derivatives. Shape [N, P] to [N]."""
    count = above.shape[-1]
    value = ratio(above.sum(axis=-1), below.sum(axis=-1))
    if count < 2:
        return SeriesEstimate(value, np.full(value.shape, np.nan), 0)
    off = above - value[..., None] * below
    spread = np.sqrt((off**2).sum(axis=-1) / (count * (count - 1)))
    return SeriesEstimate(value, ratio(spread, below.mean(axis=-1)), count - 1)


def _wide(values: npt.ArrayLike, *, series: int, paths: int) -> npt.NDArray[Any]:
    """Repeats what is given of series for each path; one number stays one."""
    given = np.asarray(values)
    if given.ndim and given.shape[-1] == series:
        return np.repeat(given, paths, axis=-1)
    return given


def _outcome(result: StockResult, shape: tuple[int, int]) -> PolicyOutcome:
    """Estimates over the paths of each series."""

    def of(counted: FloatArray) -> FloatArray:
        return counted.reshape(shape)

    return PolicyOutcome(
        cost=mean_over_paths(of(result.total_cost) / result.periods),
        cycle_service_level=ratio_over_paths(of(result.cycles_without_stockout), of(result.cycles)),
        order_cycle_service_level=ratio_over_paths(
            of(result.order_cycles_without_stockout), of(result.order_cycles)
        ),
        fill_rate=ratio_over_paths(of(result.met_at_once), of(result.demand)),
        mean_on_hand=mean_over_paths(of(result.mean_on_hand)),
    )
