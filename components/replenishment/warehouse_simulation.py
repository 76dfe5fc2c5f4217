"""One warehouse and its stores, played period by period; what each store's level has to cover.

Order of events, in each period, as in `closed_forms.two_echelon`:

    before the period opens   stores order what was asked for in the period before, which raises
                              their positions to their levels; the warehouse orders the sum
                              what is due arrives at the warehouse, which ships what stores wait
                              for, as far as its stock goes; a shortage is rationed
                              what is due arrives at the stores
    while it is open          demand, met from stock; the rest waits
    evening                   costs are charged on what is left and what waits

Stores order their demand whatever their levels are, so the flows depend on the warehouse's level
alone. A store's level S has to cover what it has ordered and not got: net stock is S less that.
So one simulation of a warehouse's level values all levels of all stores exactly.

Axes: items N, stores M, paths P.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from demandcast.components.replenishment.policy_evaluation import (
    SeriesEstimate,
    mean_over_paths,
    ratio_over_paths,
)
from demandcast.components.replenishment.stock_scenario import FloatArray, IntArray
from demandcast.schema.errors import BadInputError

__all__ = [
    "Rationing",
    "TwoEchelonNetwork",
    "TwoEchelonOutcome",
    "WarehouseFlows",
    "evaluate_two_echelon",
    "network_paths",
    "outcome_of_levels",
    "warehouse_flows",
]


class Rationing(enum.StrEnum):
    """Who gets what when the warehouse has less than stores wait for."""

    FIRST_COME = "first_come"
    """The oldest orders first; of those of one morning each store gets the same share."""
    PROPORTIONAL = "proportional"
    """Each store the same share of all that it waits for."""
    IN_ORDER = "in_order"
    """The first store all that it waits for, then the second, and so on."""


@dataclass(frozen=True, kw_only=True)
class TwoEchelonNetwork:
    """A warehouse and its stores.

    Attributes:
        warehouse_lead_time: Whole periods from its supplier, at least 0. Shape [N], or one number.
        store_lead_times: Whole periods from the warehouse, at least 0. Shape [N, M], or one that
            fits it.
        warehouse_holding_cost: Currency per unit and period, on its evening stock. Shape [N], or
            one number.
        holding_cost: Of the stores, currency per unit and period, on evening stock, above 0.
            Shape [N, M], or one that fits it.
        stockout_cost: Of the stores, currency per unit that waits and evening. As above.
        rationing: Who gets what in a shortage; units may be shared in fractions.
        warm_up: First periods that are played but not counted: all begin with full shelves.
    """

    warehouse_lead_time: npt.ArrayLike
    store_lead_times: npt.ArrayLike
    warehouse_holding_cost: npt.ArrayLike
    holding_cost: npt.ArrayLike
    stockout_cost: npt.ArrayLike = 0.0
    rationing: Rationing = Rationing.FIRST_COME
    warm_up: int = 0

    def __post_init__(self) -> None:
        for name in ("warehouse_lead_time", "store_lead_times"):
            given = np.asarray(getattr(self, name), dtype=np.float64)
            if not (np.isfinite(given) & (given >= 0) & (given == np.rint(given))).all():
                raise BadInputError(f"{name}: got {given.tolist()}; expected whole periods")
        for name in ("warehouse_holding_cost", "holding_cost", "stockout_cost"):
            given = np.asarray(getattr(self, name), dtype=np.float64)
            if not (np.isfinite(given) & (given >= 0)).all():
                raise BadInputError(f"{name}: got {given.tolist()}; expected numbers from 0 on")
        if not (np.asarray(self.holding_cost) > 0).all():
            raise BadInputError("holding_cost: got 0; stores that hold for nothing need no plan")


@dataclass(frozen=True)
class WarehouseFlows:
    """What a level of the warehouse leads to, over the counted periods.

    Attributes:
        demand: Units per period. Shape [T, N, M, P].
        missing: Ordered by a store and not there when the period opens, units: what its level
            has to cover besides the demand of the period. Shape [T, N, M, P].
        on_hand: Mean stock of the warehouse in the evening, units. Shape [N, P].
        waiting: Mean of what stores wait for at the warehouse, units. Shape [N, P].
    """

    demand: FloatArray
    missing: FloatArray
    on_hand: FloatArray
    waiting: FloatArray


@dataclass(frozen=True)
class TwoEchelonOutcome:
    """What levels come to.

    Attributes:
        cost: Currency per period: stock at the warehouse, stock and shortage at the stores.
            Stock on its way costs the same under all levels and is left out. Shape [N].
        cycle_service_level: Share of periods in whose evening no customer waits. Shape [N, M].
        fill_rate: Share of demand met at once. Shape [N, M].
        mean_on_hand: Stock of the stores in the evening, units. Shape [N, M].
        warehouse_on_hand: Stock of the warehouse in the evening, units. Shape [N].
        delay: Mean periods that an order of a store waits at the warehouse. Shape [N].
    """

    cost: SeriesEstimate
    cycle_service_level: SeriesEstimate
    fill_rate: SeriesEstimate
    mean_on_hand: SeriesEstimate
    warehouse_on_hand: SeriesEstimate
    delay: SeriesEstimate


def evaluate_two_echelon(
    demand: npt.ArrayLike,
    *,
    network: TwoEchelonNetwork,
    warehouse_level: npt.ArrayLike,
    store_levels: npt.ArrayLike,
) -> TwoEchelonOutcome:
    """Simulates given levels of a warehouse and its stores.

    Args:
        demand: Units per period at the stores. Shape [T, N, M] or [T, N, M, P].
        network: Lead times, costs, rationing.
        warehouse_level: S0, local base-stock level, units, at least 0. Shape [N], or one number.
        store_levels: S, local base-stock levels, units. Shape [N, M], or one that fits it.

    Returns:
        With intervals where there are several paths.

    Raises:
        BadInputError: A value or shape is wrong.

    >>> network = TwoEchelonNetwork(
    ...     warehouse_lead_time=1, store_lead_times=0, warehouse_holding_cost=1, holding_cost=2
    ... )
    >>> found = evaluate_two_echelon(
    ...     np.full((9, 1, 2), 3.0), network=network, warehouse_level=6.0, store_levels=4.0
    ... )
    >>> found.cost.value, found.fill_rate.value  # the warehouse is empty by the evening
    (array([4.66666667]), array([[1., 1.]]))
    """
    flows = warehouse_flows(demand, network=network, warehouse_level=warehouse_level)
    return outcome_of_levels(flows, network=network, store_levels=store_levels)


def network_paths(demand: npt.ArrayLike) -> FloatArray:
    """Checks the demand of stores and gives it an axis of paths.

    Args:
        demand: Units per period. Shape [T, N, M] or [T, N, M, P].

    Returns:
        Shape [T, N, M, P].

    Raises:
        BadInputError: It has neither shape, or a value is missing, infinite or negative.
    """
    values = np.asarray(demand, dtype=np.float64)
    if values.ndim not in (3, 4) or not values.size:
        raise BadInputError(
            f"demand: shape {list(values.shape)}; expected periods, items and stores [T, N, M], "
            "and paths [T, N, M, P] if there are several, each at least 1"
        )
    if not (np.isfinite(values) & (values >= 0)).all():
        raise BadInputError("demand: some is missing, infinite or negative")
    return values if values.ndim == 4 else values[..., None]


def warehouse_flows(
    demand: npt.ArrayLike, *, network: TwoEchelonNetwork, warehouse_level: npt.ArrayLike
) -> WarehouseFlows:
    """Plays a level of the warehouse.

    Args:
        demand: Units per period at the stores. Shape [T, N, M] or [T, N, M, P].
        network: Lead times and rationing.
        warehouse_level: S0, units, at least 0. Shape [N], or one number.

    Raises:
        BadInputError: A value or shape is wrong.
    """
    paths = network_paths(demand)
    level = np.asarray(warehouse_level, dtype=np.float64)
    if not (np.isfinite(level) & (level >= 0)).all():
        raise BadInputError(f"warehouse_level: got {level.tolist()}; expected numbers from 0 on")
    if not 0 <= network.warm_up < len(paths):
        raise BadInputError(
            f"warm_up: got {network.warm_up}; expected 0 to {len(paths) - 1}, fewer than the "
            "periods of demand"
        )
    played = _Warehouse(network, level, paths.shape[1:])
    missing = np.empty_like(paths)
    on_hand, waiting = np.zeros((2, paths.shape[1], paths.shape[3]))
    asked = np.zeros(paths.shape[1:])
    for period in range(len(paths)):
        missing[period] = played.open_period(asked)
        asked = paths[period]
        if period >= network.warm_up:
            on_hand += played.on_hand
            waiting += played.waiting
    counted = len(paths) - network.warm_up
    return WarehouseFlows(
        paths[network.warm_up :], missing[network.warm_up :], on_hand / counted, waiting / counted
    )


def outcome_of_levels(
    flows: WarehouseFlows, *, network: TwoEchelonNetwork, store_levels: npt.ArrayLike
) -> TwoEchelonOutcome:
    """Values levels of the stores on flows that were played.

    Args:
        flows: Of a level of the warehouse.
        network: Its costs.
        store_levels: S, units. Shape [N, M], or one that fits it.

    Raises:
        BadInputError: A level is not a finite number.
    """
    level = np.asarray(store_levels, dtype=np.float64)
    if not np.isfinite(level).all():
        raise BadInputError(f"store_levels: got {level.tolist()}; expected finite numbers")
    level = np.broadcast_to(level, flows.demand.shape[1:3])[..., None]
    morning = level - flows.missing
    evening = morning - flows.demand
    short = np.maximum(-evening, 0.0)
    owed = np.maximum(-morning, 0.0)
    left = np.maximum(evening, 0.0).mean(axis=0)
    held, missed, central = _prices(network, flows.demand.shape[1:3])
    stores = held * left + missed * short.mean(axis=0)
    return TwoEchelonOutcome(
        cost=mean_over_paths(stores.sum(axis=1) + central * flows.on_hand),
        cycle_service_level=mean_over_paths(_clean(flows, evening).mean(axis=0)),
        fill_rate=ratio_over_paths(
            (flows.demand - (short - owed)).sum(axis=0), flows.demand.sum(axis=0)
        ),
        mean_on_hand=mean_over_paths(left),
        warehouse_on_hand=mean_over_paths(flows.on_hand),
        delay=ratio_over_paths(flows.waiting, flows.demand.mean(axis=0).sum(axis=1)),
    )


def _clean(flows: WarehouseFlows, evening: FloatArray) -> FloatArray:
    """Marks the evenings in which nobody waits, but for errors of rounding."""
    return (evening >= -1e-9 * (1 + flows.demand.max())).astype(np.float64)


def _prices(
    network: TwoEchelonNetwork, shape: tuple[int, ...]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Returns costs of the stores [N, M, 1] and of the warehouse [N, 1]."""
    held, missed = (
        np.broadcast_to(np.asarray(cost, dtype=np.float64), shape)[..., None]
        for cost in (network.holding_cost, network.stockout_cost)
    )
    central = np.asarray(network.warehouse_holding_cost, dtype=np.float64)
    return held, missed, np.broadcast_to(central, shape[:1])[:, None]


class _Warehouse:
    """Stock of a warehouse and what is on its way, while the periods pass."""

    def __init__(
        self, network: TwoEchelonNetwork, level: FloatArray, shape: tuple[int, ...]
    ) -> None:
        items, stores, paths = shape
        self._ration = _RATIONED[network.rationing]
        self.on_hand = np.broadcast_to(level, (items,))[:, None] + np.zeros((items, paths))
        self._missing = np.zeros(shape)
        self._queue = np.zeros((0, *shape))
        self._to_warehouse = _Pipeline(network.warehouse_lead_time, (items,), paths)
        self._to_stores = _Pipeline(network.store_lead_times, (items, stores), paths)

    @property
    def waiting(self) -> FloatArray:
        """What all stores wait for at the warehouse. Shape [N, P]."""
        return np.asarray(self._queue.sum(axis=(0, 2)))

    def open_period(self, ordered: FloatArray) -> FloatArray:
        """Lets a morning pass; returns what stores have ordered and not got. Shape [N, M, P]."""
        self.on_hand = self.on_hand + self._to_warehouse.passed(ordered.sum(axis=1))
        queue = np.concatenate([self._queue, ordered[None]])
        sent, self._queue = self._ration(queue, self.on_hand)
        self.on_hand = np.maximum(self.on_hand - sent.sum(axis=1), 0.0)
        self._missing = self._missing + ordered - self._to_stores.passed(sent)
        return self._missing


class _Pipeline:
    """What is on its way, in a table whose rows are periods and are used in turn."""

    def __init__(self, lead_time: npt.ArrayLike, shape: tuple[int, ...], paths: int) -> None:
        self._lead: IntArray = np.broadcast_to(np.asarray(lead_time, dtype=np.int64), shape)
        self._due = np.zeros((int(self._lead.max()) + 1, *shape, paths))
        self._where = np.indices(shape)
        self._now = 0

    def passed(self, sent: FloatArray) -> FloatArray:
        """Sends units off and returns those that arrive this morning."""
        rows = (self._now + self._lead) % len(self._due)
        self._due[(rows, *self._where)] += sent
        arrived = self._due[self._now].copy()
        self._due[self._now] = 0.0
        self._now = (self._now + 1) % len(self._due)
        return arrived


Shipped = tuple[FloatArray, FloatArray]


def _first_come(queue: FloatArray, stock: FloatArray) -> Shipped:
    """Ships the oldest orders first."""
    asked = queue.sum(axis=2)
    before = np.cumsum(asked, axis=0) - asked
    share = np.clip((stock - before) / np.where(asked > 0, asked, 1.0), 0.0, 1.0)
    sent = queue * share[:, :, None]
    left = queue - sent
    # Mornings all of whose orders are shipped need not be kept.
    open_still = left.any(axis=(1, 2, 3))
    return np.asarray(sent.sum(axis=0)), left[open_still.argmax() :] if open_still.any() else left[
        :0
    ]


def _in_proportion(queue: FloatArray, stock: FloatArray) -> Shipped:
    """Ships each store the same share of what it waits for."""
    waiting = queue.sum(axis=0)
    total = waiting.sum(axis=1)
    share = np.where(total > 0, np.minimum(stock / np.where(total > 0, total, 1.0), 1.0), 0.0)
    sent = np.asarray(waiting * share[:, None])
    return sent, (waiting - sent)[None]


def _in_order(queue: FloatArray, stock: FloatArray) -> Shipped:
    """Ships the first store all, then the second."""
    waiting = queue.sum(axis=0)
    before = np.cumsum(waiting, axis=1) - waiting
    sent = np.clip(stock[:, None] - before, 0.0, waiting)
    return sent, (waiting - sent)[None]


_RATIONED: dict[Rationing, Callable[[FloatArray, FloatArray], Shipped]] = {
    Rationing.FIRST_COME: _first_come,
    Rationing.PROPORTIONAL: _in_proportion,
    Rationing.IN_ORDER: _in_order,
}
"""From what stores wait for, by age [A, N, M, P] with the oldest first, and the stock [N, P] to
what is sent [N, M, P] and what they still wait for, by age."""
