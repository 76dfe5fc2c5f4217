"""Transfers: the limited stock of warehouses goes to the stores where it avoids most.

series that can be computed [n] ─┬─ rows of warehouses, by item ─> places [J]
                                 └─ paths ──> value of each pack from each place
                                         packs by value ──> transfers, and what stays
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.components.metrics.arrays import FloatArray
from demandcast.components.replenishment.arrivals import arrival_periods
from demandcast.components.replenishment.line_arrays import LineArrays, Part, over_parts
from demandcast.components.replenishment.line_inputs import BoolArray, IntArray
from demandcast.components.replenishment.order_calendar import Calendar
from demandcast.components.replenishment.place_allocation import allocate_from_places
from demandcast.components.replenishment.proposing import Prepared
from demandcast.components.replenishment.stock_projection import Outlook, Stock, project
from demandcast.components.replenishment.supply_columns import PROBLEM
from demandcast.components.replenishment.transfer_rows import (
    Outcome,
    Prospects,
    transfer_rows,
    warehouse_results,
)
from demandcast.components.replenishment.transfer_values import (
    Shipping,
    most_useful_units,
    transfer_values,
)
from demandcast.components.replenishment.warehouse_rows import item_columns, warehouse_rows

__all__ = ["Transfers", "allocate_supply"]

_LOTS = 32
"""Lots per line that are weighed against others; what is finer is shared in a further round."""


@dataclass(frozen=True)
class Transfers:
    """What goes where.

    Attributes:
        table: As `demandcast.schema.transfer_table.transfer_schema` has it, those with most to
            lose first.
        warehouses: As `warehouse_schema` has it.
    """

    table: pl.DataFrame
    warehouses: pl.DataFrame


def allocate_supply(
    ready: Prepared, supply: pl.DataFrame, *, keys: Sequence[str], calendar: Calendar
) -> Transfers:
    """Shares what warehouses have among the series by marginal value.

    Args:
        ready: The series with their stock, terms and paths.
        supply: A row per warehouse and item, as `WAREHOUSE_COLUMNS` describes them.
        keys: Key columns of a series.
        calendar: When transfers are decided.

    Raises:
        ContractError: The supply lacks a column, or shares none with the series key.
    """
    on, rows = item_columns(supply, keys), warehouse_rows(supply, keys)
    rows = rows.with_columns(_arrival_days(rows, calendar)).with_row_index("#row")
    problem = _problem_of(ready, rows, on, calendar)
    units, following = _share(problem, ready)
    outcome = _outcome(problem, ready, units, following)
    return Transfers(
        transfer_rows(ready, rows, outcome, keys=keys, calendar=calendar),
        warehouse_results(rows, outcome, on),
    )


@dataclass(frozen=True)
class _Problem:
    """Lines (n) that warehouses serve, and the places (J) of their items (I).

    Attributes:
        at: Positions of the lines among all computed ones. Shape [n].
        lines: Their arrays.
        item: Item of each. Shape [n].
        row: Row of the supply by item and place; -1 without one. Shape [I, J].
        units: What is there. Shape [I, J].
        pack_size: Units. Shape [I].
        shipping: How lines are reached.
    """

    at: IntArray
    lines: LineArrays
    item: IntArray
    row: IntArray
    units: FloatArray
    pack_size: FloatArray
    shipping: Shipping


def _arrival_days(rows: pl.DataFrame, calendar: Calendar) -> tuple[pl.Expr, pl.Expr]:
    """Says when a transfer is sent, and when it is there, days since 1970-01-01."""
    ship = pl.lit(calendar.order_day, pl.Int64)
    days = pl.col("transport_days").fill_null(0.0).ceil().cast(pl.Int64)
    # What leaves in the evening serves the next day at the earliest.
    arrival = ship + pl.max_horizontal(days, pl.lit(calendar.placed_after, pl.Int64))
    return ship.alias("#ship"), arrival.alias("#arrival")


def _problem_of(
    ready: Prepared, rows: pl.DataFrame, on: Sequence[str], calendar: Calendar
) -> _Problem:
    """Finds the lines of each item, and lays its warehouses out as places."""
    items, row = _places(rows, on)
    found = ready.computed.join(items, on=on, how="left", maintain_order="left")["#item"]
    at = np.flatnonzero(found.is_not_null().to_numpy())
    item = found.drop_nulls().to_numpy().astype(np.int64)
    there, days = row >= 0, rows["#arrival"].to_numpy()
    periods = arrival_periods(days, cutoff=calendar.cutoff, frequency=calendar.frequency)

    def laid_out(name: str) -> FloatArray:
        # The last 0 is for the row -1, which is none.
        return np.append(rows[name].fill_null(0.0).to_numpy(), 0.0)[row]

    return _Problem(
        at=at,
        lines=ready.arrays.take(at),
        item=item,
        row=row,
        units=laid_out("on_hand"),
        pack_size=laid_out("pack_size").max(axis=1, initial=0.0),
        shipping=Shipping(
            served=there[item].T,
            periods=np.append(periods, 0)[row][item].T,
            cost=laid_out("transport_cost")[item].T,
            stockout_cost=_stockout_cost(ready)[at],
        ),
    )


def _places(rows: pl.DataFrame, on: Sequence[str]) -> tuple[pl.DataFrame, IntArray]:
    """Lists the items, and the row of the supply at each place of them, the soonest first."""
    good = rows.filter(pl.col(PROBLEM).is_null()).sort(
        *on, "transport_days", "transport_cost", "warehouse"
    )
    items = good.select(on).unique(maintain_order=True).with_row_index("#item")
    good = good.join(items, on=on, how="left", maintain_order="left").with_columns(
        pl.int_range(pl.len()).over(on).alias("#place")
    )
    shape = (items.height, int(good["#place"].max() or 0) + 1)  # type: ignore[arg-type]
    row = np.full(shape, -1, np.int64)
    row[good["#item"].to_numpy(), good["#place"].to_numpy()] = good["#row"].to_numpy()
    return items, row


def _stockout_cost(ready: Prepared) -> FloatArray:
    """Returns what a unit short costs. Shape [n].

    What a target implies is the price of a shortage that stock held in time would have avoided.
    Without a stockout cost a unit short counts its unit cost at least, as in the choice of
    suppliers.
    """
    given = ready.computed["stockout_cost"].cast(pl.Float64).to_numpy()
    implied = np.maximum(ready.arrays.stockout_cost, ready.arrays.unit_cost)
    return np.where(np.isnan(given), implied, given)


@dataclass(frozen=True)
class _Following:
    """What would be next.

    Attributes:
        next_pack: What one more pack at each place would bring, currency. Shape [I, J].
        wants_more: Whether a line would take one more. Shape [n].
        no_room: Whether it would, had it room. Shape [n].
        room: Units for which it has room. Shape [n].
    """

    next_pack: FloatArray
    wants_more: BoolArray
    no_room: BoolArray
    room: FloatArray


def _share(problem: _Problem, ready: Prepared) -> tuple[FloatArray, _Following]:
    """Shares the supply, in coarse lots first. Returns units by place [J, n], and what is next."""
    lines, item, count = problem.lines, problem.item, len(problem.lines)
    most, room = most_useful_units(lines, ready.sampler, problem.shipping)
    left, units = problem.units.copy(), np.zeros(problem.shipping.served.shape)
    following = _Following(
        np.zeros(left.shape), np.zeros(count, np.bool_), np.zeros(count, np.bool_), room
    )
    for lot, here, finest in _rounds(problem, np.minimum(most, room)):
        at = np.flatnonzero(here[item])
        have, size = units[:, at].sum(axis=0), lot[item[at]]
        useful = np.minimum(most[at] - have, left.sum(axis=1)[item[at]])
        useful = np.minimum(useful, finest[item[at]])
        values = transfer_values(
            lines.take(at),
            ready.sampler,
            problem.shipping.take(at),
            start=have,
            pack_size=size,
            packs=int(np.ceil(useful / size - 1e-9).max(initial=0.0)) + 1,
        )
        after = have[:, None] + size[:, None] * np.arange(1, values.shape[2] + 1)
        fitting = np.where(after <= room[at, None] + 1e-9, values, np.minimum(values, 0.0))
        lots = np.floor(left / np.where(lot > 0, lot, 1.0)[:, None] + 1e-9).astype(np.int64)
        found = allocate_from_places(lots, fitting, item=item[at])
        units[:, at] += found.packs * size
        for place, packs in enumerate(found.packs):
            left[:, place] -= np.bincount(item[at], packs * size, len(left))
        following.next_pack[here] = found.value_of_next_pack[here]
        following.wants_more[at] = found.wants_more
        following.no_room[at] = _worth_one_more(values, found.packs) & ~found.wants_more
    return units, following


def _worth_one_more(values: FloatArray, packs: IntArray) -> BoolArray:
    """Tells whether the pack after those that a line gets is worth something. Shape [n]."""
    following = np.minimum(packs.sum(axis=0), values.shape[2] - 1)
    best = values.max(axis=0, initial=0.0)
    return np.asarray(best[np.arange(len(best)), following] > 0)


def _rounds(
    problem: _Problem, useful: FloatArray
) -> Iterator[tuple[FloatArray, BoolArray, FloatArray]]:
    """Yields lot sizes by item, ever finer, down to a pack.

    Yields:
        Units of a lot, the items that the round is for, and the most units that a line can still
        gain: where a whole lot was left or wanted nowhere, less than a lot from each place.
    """
    pack, items = problem.pack_size, len(problem.pack_size)
    most = np.zeros(items)
    np.maximum.at(most, problem.item, np.minimum(useful, problem.units.sum(axis=1)[problem.item]))
    packs = np.maximum(np.ceil(most / np.where(pack > 0, pack, 1.0)), 1.0)
    here, gain = np.ones(items, np.bool_), np.full(items, np.inf)
    per_lot = np.ceil(packs / _LOTS)
    while here.any():
        yield per_lot * pack, here, gain
        here, gain = per_lot > 1, per_lot * pack * problem.row.shape[1]
        per_lot = np.ceil(per_lot / _LOTS)


def _outcome(
    problem: _Problem, ready: Prepared, units: FloatArray, following: _Following
) -> Outcome:
    """Projects the stock of all computed lines with the transfers and without."""
    arrays, at = ready.arrays, problem.at
    transfers = np.zeros_like(arrays.arrivals)
    for periods, brought in zip(problem.shipping.periods, units, strict=True):
        there = periods <= np.arange(len(transfers))[:, None]
        transfers[:, at] += there * brought
    row = np.where(problem.units > 0, problem.row, -1)[problem.item].T
    next_pack = np.zeros(int(problem.row.max(initial=-1)) + 1)
    known = problem.row >= 0
    next_pack[problem.row[known]] = following.next_pack[known]

    def of_all(values: npt.NDArray[Any], default: float) -> npt.NDArray[Any]:
        every = np.full((*values.shape[:-1], len(arrays)), default, values.dtype)
        every[..., at] = values
        return every

    without, with_transfers = _prospects(ready, transfers)
    return Outcome(
        row=of_all(row, -1),
        quantity=of_all(units, 0.0),
        wants_more=of_all(following.wants_more, False),
        no_room=of_all(following.no_room, False),
        room=of_all(following.room, np.inf),
        stockout_cost=_stockout_cost(ready),
        without=without,
        with_transfers=with_transfers,
        next_pack=next_pack,
    )


def _prospects(ready: Prepared, transfers: FloatArray) -> tuple[Prospects, Prospects]:
    """Projects what is short over the interval without transfers and with them.

    Args:
        ready: The lines.
        transfers: Brought until each period opens, units. Shape [H, n].
    """
    lines, sampler = ready.arrays, ready.sampler
    found = tuple(Prospects(np.empty(len(lines)), np.empty(len(lines))) for _ in range(2))

    def work(part: Part) -> list[Outlook]:
        nothing = np.zeros(len(part.rows))
        interval = part.next_lead_time + part.lines.review_period[:, None]
        return [
            project(
                part.cumulative,
                Stock(part.lines.available, arrivals, interval),
                order_quantity=nothing,
                order_lead_time=part.lead_time,
            )
            for arrivals in (
                part.lines.arrivals,
                part.lines.arrivals + transfers[:, part.rows],
            )
        ]

    for part, outlooks in over_parts(sampler, lines, work):
        calibration = sampler.model.calibrations[part.group]
        for prospects, outlook in zip(found, outlooks, strict=True):
            met = calibration.share(1 - outlook.stockout_probability)
            prospects.stockout_probability[part.rows] = 1 - met
            prospects.expected_lost_sales[part.rows] = outlook.expected_lost_sales
    return found[0], found[1]
