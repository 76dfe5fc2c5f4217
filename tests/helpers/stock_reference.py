"""A slow stock simulator of one series, written to be read: the oracle of the vectorised one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["ReferenceWorld", "reference_stock"]


@dataclass
class ReferenceWorld:
    """One series; lists are by period. `lead_time` and `reviewed` may tell one period more."""

    demand: list[float]
    lead_time: list[int]
    reviewed: list[bool]
    backorder: bool = False
    pack_size: float = 0.0
    moq: float = 0.0
    capacity: float = math.inf
    shelf_life: float = math.inf
    on_hand: float = 0.0
    due: list[float] = field(default_factory=list)
    warm_up: int = 0


@dataclass
class _Lot:
    units: float
    last_period: float


class _Stock:
    def __init__(self, world: ReferenceWorld) -> None:
        self.world = world
        self.lots = [_Lot(world.on_hand, world.shelf_life - 1)] if world.on_hand else []
        self.orders = [(arrival, units) for arrival, units in enumerate(world.due) if units]
        self.waiting = 0.0

    def on_hand(self) -> float:
        return sum(lot.units for lot in self.lots)

    def on_order(self) -> float:
        return sum(units for _, units in self.orders)

    def order(self, period: int, rule: Callable[[int, float], float]) -> float:
        position = self.on_hand() + self.on_order() - self.waiting
        units = _terms(rule(period, position), position, self.world)
        if units:
            self.orders.append((period + self.world.lead_time[period], units))
        return units

    def receive(self, period: int) -> float:
        units = sum(units for arrival, units in self.orders if arrival == period)
        self.orders = [order for order in self.orders if order[0] != period]
        self.lots.append(_Lot(units, period + self.world.shelf_life - 1))
        return units

    def serve(self, demand: float) -> dict[str, float]:
        late = _take(self.lots, self.waiting)
        at_once = _take(self.lots, demand)
        unmet = demand - at_once
        self.waiting += (unmet if self.world.backorder else 0.0) - late
        lost = 0.0 if self.world.backorder else unmet
        return {"sales": late + at_once, "met_at_once": at_once, "lost": lost}

    def expire(self, period: int) -> float:
        waste = sum(lot.units for lot in self.lots if lot.last_period == period)
        self.lots = [lot for lot in self.lots if lot.last_period != period]
        return waste

    def snapshot(self, when: str) -> dict[str, float]:
        return {
            f"{when}on_hand": self.on_hand(),
            f"{when}on_order": self.on_order(),
            f"{when}backorders": self.waiting,
        }


def reference_stock(world: ReferenceWorld, rule: Callable[[int, float], float]) -> dict[str, float]:
    """Simulates one series with lists of lots and of orders.

    Args:
        world: What the stock lives in.
        rule: From the period and the inventory position to the units wanted.
    """
    stock = _Stock(world)
    log: list[dict[str, float]] = []
    out: dict[str, float] = {}
    for period, demand in enumerate(world.demand):
        if period == world.warm_up:
            out |= stock.snapshot("opening_")
        ordered = stock.order(period, rule) if world.reviewed[period] else 0.0
        row = {"ordered": ordered, "orders": float(ordered > 0), "received": stock.receive(period)}
        row |= stock.serve(demand)
        row["waste"] = stock.expire(period)
        row |= stock.snapshot("")
        row["stockout_periods"] = float(row["lost"] > 0 or row["backorders"] > 0)
        log.append(row)
    out |= stock.snapshot("closing_")
    out |= {name: sum(row[name] for row in log[world.warm_up :]) for name in log[0]}
    end = len(world.demand)
    # Both lists may tell of the period after the last one.
    known = zip(world.reviewed, world.lead_time, strict=False)
    opportunities = {period + lead for period, (reviewed, lead) in enumerate(known) if reviewed}
    deliveries = {period for period, row in enumerate(log) if row["received"] > 0}
    deliveries |= {arrival for arrival, _ in stock.orders if arrival == end}
    out |= _cycles("cycles", opportunities, log, world.warm_up)
    return out | _cycles("order_cycles", deliveries, log, world.warm_up)


def _terms(wanted: float, position: float, world: ReferenceWorld) -> float:
    if wanted <= 0:
        return 0.0
    pack = world.pack_size
    smallest = math.ceil(world.moq / pack) * pack if pack else world.moq
    units = max(math.ceil(wanted / pack) * pack if pack else wanted, smallest)
    room = max(world.capacity - position, 0.0)
    if units > room:
        units = math.floor(room / pack) * pack if pack else room
    return units if units >= smallest else 0.0


def _take(lots: list[_Lot], units: float) -> float:
    left = units
    for lot in sorted(lots, key=lambda lot: lot.last_period):
        taken = min(lot.units, left)
        lot.units -= taken
        left -= taken
    return units - left


def _cycles(
    name: str, moments: set[int], log: list[dict[str, float]], warm_up: int
) -> dict[str, float]:
    inside = sorted(moment for moment in moments if warm_up <= moment <= len(log))
    clean = [
        not any(log[period]["stockout_periods"] for period in range(begin, end))
        for begin, end in itertools.pairwise(inside)
    ]
    return {name: float(len(clean)), f"{name}_without_stockout": float(sum(clean))}
