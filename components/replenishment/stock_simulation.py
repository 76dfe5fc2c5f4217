"""Runs the stock of many series through the periods, all at once, and counts what happens.

The order of events is that of `demandcast.components.replenishment.stock_scenario`. Python walks
over periods only; what is kept are rows of series, what is due, and sums, never a table of periods
and series. Many series are run in chunks, whose results add up:

    chunks of series  --simulate_chunks-->  one StockResult
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from demandcast.components.replenishment.simulation_result import StockCostSums, StockResult
from demandcast.components.replenishment.stock_policies import StockPolicy, StockState
from demandcast.components.replenishment.stock_scenario import (
    ROUNDING,
    BoolArray,
    FloatArray,
    PreparedScenario,
    StockCosts,
    StockScenario,
    UnmetDemand,
    packs_down,
    packs_up,
    prepare,
)
from demandcast.schema.errors import BadInputError

__all__ = [
    "StockChunk",
    "StockPaths",
    "simulate_chunks",
    "simulate_stock",
    "stock_paths",
]


@dataclass(frozen=True)
class StockChunk:
    """Some of the series.

    Attributes:
        demand: Units per period. Shape [T, N].
        policy: Decides the orders of these series.
        scenario: What their stock lives in.
    """

    demand: FloatArray
    policy: StockPolicy
    scenario: StockScenario


@dataclass(frozen=True)
class StockPaths:
    """What happened in each period, warm-up included; units, each of shape [T, N].

    Attributes:
        ordered: Ordered before the period opened.
        received: Arrived before it opened.
        sales: Handed over, also to those who had waited.
        met_at_once: Handed over of what was asked for in this period.
        lost: Demand that went away.
        waste: Written off in the evening.
        on_hand: In stock in the evening.
        on_order: Ordered and not yet arrived in the evening.
        backorders: Customers wait for in the evening.
    """

    ordered: FloatArray
    received: FloatArray
    sales: FloatArray
    met_at_once: FloatArray
    lost: FloatArray
    waste: FloatArray
    on_hand: FloatArray
    on_order: FloatArray
    backorders: FloatArray


def simulate_stock(
    demand: npt.ArrayLike, policy: StockPolicy, *, scenario: StockScenario
) -> StockResult:
    """Simulates the stock of all series.

    Args:
        demand: Units per period, may be fractional. Shape [T, N].
        policy: Decides the orders.
        scenario: Supply, costs, what becomes of unmet demand, opening stock, warm-up.

    Returns:
        Sums of each series over the periods after the warm-up.

    Raises:
        BadInputError: A value or shape is wrong; the message gives it and what is allowed.

    >>> from demandcast.components.replenishment.stock_policies import BaseStockPolicy
    >>> policy = BaseStockPolicy(np.array([5.0]))
    >>> result = simulate_stock([[3.0], [6.0], [2.0]], policy, scenario=StockScenario())
    >>> result.fill_rate, result.cycle_service_level.round(3), result.mean_on_hand.round(3)
    (array([0.90909091]), array([0.667]), array([1.667]))
    """
    world = prepare(demand, scenario)
    stock = _Stock(world, scenario.unmet_demand)
    count = _Count(world.demand.shape[1])
    for period in range(len(world.demand)):
        if period == scenario.warm_up:
            opening = stock.state()
        happened = stock.pass_period(period, policy)
        if period >= scenario.warm_up:
            count.add(happened)
    count.end_cycles(world.opens_anew(len(world.demand)) | stock.may_arrive, stock.arrives)
    counted = world.demand[scenario.warm_up :]
    return count.result(counted, _ends(opening, stock.state()), scenario.costs)


def simulate_chunks(chunks: Iterable[StockChunk]) -> StockResult:
    """Simulates chunks of series one after the other; memory is that of one chunk.

    Args:
        chunks: Over the same periods; a generator may make each when it is asked for.

    Returns:
        The sums of all series, in the order of the chunks.

    Raises:
        BadInputError: There is no chunk, they count different periods, or one is wrong.
    """
    return StockResult.side_by_side(
        [simulate_stock(one.demand, one.policy, scenario=one.scenario) for one in chunks]
    )


def stock_paths(
    demand: npt.ArrayLike, policy: StockPolicy, *, scenario: StockScenario
) -> StockPaths:
    """Simulates the stock of a few series and keeps what happened in each period.

    Args:
        demand: Units per period, may be fractional. Shape [T, N].
        policy: Decides the orders.
        scenario: As for `simulate_stock`; its warm-up is kept too.

    Returns:
        Nine tables of shape [T, N].

    Raises:
        BadInputError: As for `simulate_stock`.
    """
    world = prepare(demand, scenario)
    stock = _Stock(world, scenario.unmet_demand)
    happened = [stock.pass_period(period, policy) for period in range(len(world.demand))]
    return StockPaths(
        **{
            one.name: np.stack([getattr(period, one.name) for period in happened])
            for one in fields(StockPaths)
        }
    )


@dataclass(frozen=True)
class _Served:
    """What became of the demand of a period; units, shape [N]."""

    sales: FloatArray
    met_at_once: FloatArray
    lost: FloatArray
    backorders: FloatArray


def _lose(demand: FloatArray, on_hand: FloatArray, backorders: FloatArray) -> _Served:
    """Sells what there is; the rest is lost."""
    sold = np.minimum(demand, on_hand)
    return _Served(sold, sold, demand - sold, backorders)


def _wait(demand: FloatArray, on_hand: FloatArray, backorders: FloatArray) -> _Served:
    """Serves those who waited first, then the demand; the rest waits."""
    owed = backorders + demand
    sold = np.minimum(owed, on_hand)
    at_once = np.clip(on_hand - backorders, 0.0, demand)
    return _Served(sold, at_once, np.zeros_like(demand), owed - sold)


_SERVE: dict[UnmetDemand, Callable[[FloatArray, FloatArray, FloatArray], _Served]] = {
    UnmetDemand.LOST: _lose,
    UnmetDemand.BACKORDERED: _wait,
}


@dataclass(frozen=True)
class _Happened:
    """What happened in a period, shape [N]; the first nine are those of `StockPaths`."""

    ordered: FloatArray
    received: FloatArray
    sales: FloatArray
    met_at_once: FloatArray
    lost: FloatArray
    waste: FloatArray
    on_hand: FloatArray
    on_order: FloatArray
    backorders: FloatArray
    could_arrive: BoolArray
    stocked_out: BoolArray


class _Stock:
    """The stock of all series while the periods pass; arrays are replaced, never changed."""

    def __init__(self, world: PreparedScenario, unmet_demand: UnmetDemand) -> None:
        self._world = world
        self._serve = _SERVE[unmet_demand]
        self._series = np.arange(world.demand.shape[1])
        # Rows of both tables are periods, the present one at `_now`; they are used in turn.
        self._due = world.due.copy()
        self._opportunities = np.zeros(world.due.shape, dtype=np.bool_)
        self._now = 0
        self._on_hand, self._backorders = world.on_hand, world.backorders
        self._on_order = world.due.sum(axis=0)
        self._ages = _Ages(world)
        self._ages.receive(0, world.on_hand)

    def state(self) -> StockState:
        """Returns the stock of the evening."""
        return StockState(self._on_hand, self._on_order, self._backorders)

    @property
    def may_arrive(self) -> BoolArray:
        """Series to which an order could come before the period opens that is next."""
        return np.asarray(self._opportunities[self._now])

    @property
    def arrives(self) -> BoolArray:
        """Series to which something comes before the period opens that is next."""
        return np.asarray(self._due[self._now] > 0)

    def pass_period(self, period: int, policy: StockPolicy) -> _Happened:
        """Lets a period pass: order, deliveries, demand, expiry."""
        ordered = self._place_orders(period, policy)
        could_arrive = self.may_arrive.copy()
        received = self._receive(period)
        served = self._serve(self._world.demand[period], self._on_hand, self._backorders)
        self._on_hand, self._backorders = self._on_hand - served.sales, served.backorders
        self._ages.sell(period, served.sales)
        waste, self._on_hand = self._ages.expire(period, self._on_hand)
        return _Happened(
            ordered=ordered,
            received=received,
            sales=served.sales,
            met_at_once=served.met_at_once,
            lost=served.lost,
            waste=waste,
            on_hand=self._on_hand,
            on_order=self._on_order,
            backorders=self._backorders,
            could_arrive=could_arrive,
            stocked_out=served.lost + served.backorders > self._world.rounding,
        )

    def _place_orders(self, period: int, policy: StockPolicy) -> FloatArray:
        """Asks the policy, keeps within the supplier's terms, notes when what is due."""
        reviewed = self._world.reviewed[period]
        if not reviewed.any():
            return np.zeros(len(reviewed))
        state = self.state()
        wanted = _checked_orders(policy(period, state), reviewed, period)
        order = _within_terms(wanted, state.inventory_position, self._world)
        rows = (self._now + self._world.lead_times_of(period)) % len(self._due)
        self._due[rows, self._series] += order
        self._opportunities[rows, self._series] |= reviewed
        self._on_order = self._on_order + order
        return order

    def _receive(self, period: int) -> FloatArray:
        """Takes in what is due and goes on to the next row."""
        received = self._due[self._now].copy()
        self._due[self._now] = 0.0
        self._opportunities[self._now] = False
        self._now = (self._now + 1) % len(self._due)
        self._on_order = np.maximum(self._on_order - received, 0.0)
        self._on_hand = self._on_hand + received
        self._ages.receive(period, received)
        return received


class _Ages:
    """The stock of series with a shelf life, by the period in whose evening it expires.

    Shape [A, M], A the longest shelf life, M the series that have one; row e holds what expires
    in a period that leaves the remainder e when divided by A.
    """

    def __init__(self, world: PreparedScenario) -> None:
        self._columns = np.flatnonzero(np.isfinite(world.shelf_life))
        self._lives = world.shelf_life[self._columns].astype(np.int64)
        self._count = int(self._lives.max(initial=1))
        self._units = np.zeros((self._count, self._columns.size))
        self._every = np.arange(self._columns.size)

    def receive(self, period: int, units: FloatArray) -> None:
        """Adds what arrived before a period."""
        if self._columns.size:
            rows = (period + self._lives - 1) % self._count
            self._units[rows, self._every] += units[self._columns]

    def sell(self, period: int, units: FloatArray) -> None:
        """Takes what was sold, the oldest first."""
        left = units[self._columns]
        for age in range(self._count):
            if not left.any():
                break
            row = self._units[(period + age) % self._count]
            taken = np.minimum(row, left)
            row -= taken
            left = left - taken

    def expire(self, period: int, on_hand: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Writes off what has expired; returns it and what is left on hand. Shapes [N], [N]."""
        waste = np.zeros_like(on_hand)
        if not self._columns.size:
            return waste, on_hand
        row = self._units[period % self._count]
        waste[self._columns] = row
        row[:] = 0.0
        left = on_hand.copy()
        # Summed anew, so that errors of rounding do not become stock that never expires.
        left[self._columns] = self._units.sum(axis=0)
        return waste, left


class _Cycles:
    """Counts cycles and those without a stockout. Shape [N]."""

    def __init__(self, series: int) -> None:
        self.ended, self.without_stockout = np.zeros(series), np.zeros(series)
        self._open = np.zeros(series, dtype=np.bool_)
        self._clean = np.zeros(series, dtype=np.bool_)

    def begin(self, where: BoolArray) -> None:
        """Ends the open cycles of some series and begins new ones."""
        self.ended += where & self._open
        self.without_stockout += where & self._open & self._clean
        self._open = self._open | where
        self._clean = self._clean | where

    def pass_period(self, stocked_out: BoolArray) -> None:
        """Notes where a period of the open cycle was stocked out."""
        self._clean = self._clean & ~stocked_out


_SUMS = tuple(one.name for one in fields(StockPaths))


class _Count:
    """Adds up the counted periods."""

    def __init__(self, series: int) -> None:
        self._sums = {name: np.zeros(series) for name in (*_SUMS, "orders", "stockout_periods")}
        self._cycles, self._order_cycles = _Cycles(series), _Cycles(series)

    def add(self, happened: _Happened) -> None:
        """Adds a period."""
        self._cycles.begin(happened.could_arrive)
        self._order_cycles.begin(happened.received > 0)
        for cycles in (self._cycles, self._order_cycles):
            cycles.pass_period(happened.stocked_out)
        for name in _SUMS:
            self._sums[name] += getattr(happened, name)
        self._sums["orders"] += happened.ordered > 0
        self._sums["stockout_periods"] += happened.stocked_out

    def end_cycles(self, could_arrive: BoolArray, arrives: BoolArray) -> None:
        """Ends the cycles after which something could arrive, or does, after the last period."""
        self._cycles.begin(could_arrive)
        self._order_cycles.begin(arrives)

    def result(
        self, demand: FloatArray, ends: dict[str, FloatArray], costs: StockCosts
    ) -> StockResult:
        """Makes the result of the counted periods."""
        return StockResult(
            periods=len(demand),
            demand=demand.sum(axis=0),
            cycles=self._cycles.ended,
            cycles_without_stockout=self._cycles.without_stockout,
            order_cycles=self._order_cycles.ended,
            order_cycles_without_stockout=self._order_cycles.without_stockout,
            costs=_cost_sums(self._sums, costs),
            **self._sums,
            **ends,
        )


def _cost_sums(sums: dict[str, FloatArray], costs: StockCosts) -> StockCostSums:
    """Prices what was counted."""
    priced = {
        "holding": ("holding_cost", sums["on_hand"]),
        # One of the two is 0: unmet demand is lost, or waits.
        "stockout": ("stockout_cost", sums["lost"] + sums["backorders"]),
        "ordering": ("order_cost", sums["orders"]),
        "purchase": ("unit_cost", sums["ordered"]),
        "waste": ("waste_cost", sums["waste"]),
    }
    return StockCostSums(
        **{
            kind: _price(name, getattr(costs, name), len(units)) * units
            for kind, (name, units) in priced.items()
        }
    )


def _price(name: str, price: npt.ArrayLike, series: int) -> FloatArray:
    """Refuses a price that is none."""
    given = np.asarray(price, dtype=np.float64)
    if given.shape not in ((), (1,), (series,)) or not (np.isfinite(given) & (given >= 0)).all():
        raise BadInputError(
            f"{name}: got {given.tolist() if given.size < 5 else list(given.shape)}; expected one "
            f"number or one for each of {series} series, finite, from 0 on"
        )
    return given


def _ends(opening: StockState, closing: StockState) -> dict[str, FloatArray]:
    """Names the stock before and after the counted periods."""
    return {
        f"{end}_{one.name}": getattr(state, one.name)
        for end, state in (("opening", opening), ("closing", closing))
        for one in fields(StockState)
    }


def _checked_orders(wanted: FloatArray, reviewed: BoolArray, period: int) -> FloatArray:
    """Refuses what cannot be ordered; 0 where there is no review."""
    units = np.asarray(wanted, dtype=np.float64)
    if units.shape not in ((), (1,), reviewed.shape):
        raise BadInputError(
            f"the policy wants orders of shape {list(units.shape)} before period {period}; "
            f"expected {list(reviewed.shape)}"
        )
    orders = np.where(reviewed, units, 0.0)
    wrong = ~(np.isfinite(orders) & (orders >= 0))
    if wrong.any():
        raise BadInputError(
            f"the policy wants orders of {orders[wrong][0]} units before period {period} for "
            f"{int(wrong.sum())} series; expected finite numbers from 0 on (is a level missing?)"
        )
    return orders


def _within_terms(wanted: FloatArray, position: FloatArray, world: PreparedScenario) -> FloatArray:
    """Raises orders to packs and the smallest order, and cuts them to the storage capacity."""
    smallest = world.smallest_order
    units = np.maximum(packs_up(wanted, world.pack_size), smallest)
    room = np.maximum(world.storage_capacity - position, 0.0)
    units = np.minimum(units, packs_down(room, world.pack_size))
    enough = (wanted > world.rounding) & (units > 0) & (units >= smallest * (1 - ROUNDING))
    return np.where(enough, units, 0.0)
