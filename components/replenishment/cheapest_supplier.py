"""Which of several suppliers gets the order of a line: what their terms, calendars and today say.

candidates ── prices at the quantity of an interval, mean time between orders ──> cost per period
stock, what is on its way, demand ── short before the first order arrives ──> cost of waiting
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.components.metrics.arrays import AnyFloats, FloatArray
from demandcast.components.replenishment.arrivals import scheduled_arrivals
from demandcast.components.replenishment.lead_time_distributions import pmf_mean
from demandcast.components.replenishment.lead_times import LeadTimes
from demandcast.components.replenishment.line_calendar import periods_until_order
from demandcast.components.replenishment.order_calendar import Closures, mean_review_periods
from demandcast.components.replenishment.order_lots import unit_prices
from demandcast.components.replenishment.price_breaks import price_breaks_of
from demandcast.components.replenishment.supplier_choice import (
    Candidates,
    CostRates,
    FirstOrders,
    ItemDemand,
    choose_suppliers,
    units_short,
)
from demandcast.components.replenishment.supplier_words import choice_table
from demandcast.schema.periods import Frequency

__all__ = ["Comparison", "ExpectedDemand", "Today", "cheapest_candidates", "shortage_by_opening"]

Int64Array = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ExpectedDemand:
    """Demand of the series with a forecast (M), for the comparison of suppliers.

    Attributes:
        mean: Units per period. Shape [M].
        variance: Of a period, units squared. Shape [M].
    """

    mean: FloatArray
    variance: FloatArray


@dataclass(frozen=True)
class Today:
    """What the stock of now says about how long a line can wait.

    Attributes:
        closures: When orders are decided, and when suppliers are closed.
        open_lines: Lines on their way, from `open_order_lines`; None without a table.
        mean: Forecast of the series (M), units per period. Shape [M, H].
    """

    closures: Closures
    open_lines: pl.DataFrame | None
    mean: AnyFloats


@dataclass(frozen=True)
class Comparison:
    """What suppliers are compared by.

    Attributes:
        demand: By `forecast_row`.
        rates: Of the comparison; the stockout cost is that of the line where there is one, or what
            the target implies.
        frequency: Of the periods.
        price_breaks: Table of prices by quantity; None without one.
        today: None: stock is not looked at, as in a backtest.
    """

    demand: ExpectedDemand
    rates: CostRates
    frequency: Frequency
    price_breaks: pl.DataFrame | None = None
    today: Today | None = None


def cheapest_candidates(
    several: pl.DataFrame,
    lines: pl.DataFrame,
    lead_times: LeadTimes,
    *,
    keys: Sequence[str],
    comparison: Comparison,
) -> pl.DataFrame:
    """Picks for each series the candidate from which an order of now costs least.

    Args:
        several: Candidates that can be used, with `lead_time_row`; several per series.
        lines: From `gather_stock`.
        lead_times: Of the suppliers.
        keys: Key columns.
        comparison: What counts.

    Returns:
        One row per series of `several`, with `supplier_reason`.
    """
    # Names with # are none of a key column.
    series = several.select(keys).unique(maintain_order=True).with_row_index("#item")
    placed = several.with_columns(pl.int_range(pl.len()).over(keys).alias("#place")).join(
        series, on=keys, how="left", maintain_order="left"
    )
    items = series.join(lines, on=keys, how="left", maintain_order="left")
    demand = _demand_of(items, comparison.demand)
    offers = _offers(placed, demand, keys=keys, comparison=comparison)
    first = _first_orders(placed, items, lead_times, keys=keys, comparison=comparison)
    costs = dataclasses.replace(comparison.rates, stockout_cost=_stockout_cost(placed, comparison))
    choice = choose_suppliers(demand, offers, lead_times.pmf, rates=costs, first=first)
    names = lead_times.keys["supplier"].to_list()
    words = choice_table(choice, offers, items=[""] * series.height, suppliers=names)
    picked = pl.DataFrame(
        {
            "#item": np.arange(series.height, dtype=np.uint32),
            "#place": np.maximum(choice.place, 0),
            "supplier_reason": words["reason"],
        }
    )
    return placed.join(picked, on=["#item", "#place"], how="inner").drop("#item", "#place")


def _demand_of(items: pl.DataFrame, demand: ExpectedDemand) -> ItemDemand:
    """Looks up the demand of items; without a forecast there is none."""
    row = items["forecast_row"].to_numpy()
    return ItemDemand(
        *(
            np.where(np.isnan(row), 0.0, one[np.nan_to_num(row).astype(np.int64)])
            for one in (demand.mean, demand.variance)
        )
    )


def _offers(
    placed: pl.DataFrame,
    demand: ItemDemand,
    *,
    keys: Sequence[str],
    comparison: Comparison,
) -> Candidates:
    """Lays candidates out by item and place."""
    review = mean_review_periods(placed, comparison.frequency)
    mean = demand.mean[placed["#item"].to_numpy()]
    price = _prices(placed, mean, review, keys=keys, comparison=comparison)
    supplier = _laid_out(placed, placed["lead_time_row"].to_numpy(), default=-1.0)
    return Candidates(
        supplier=supplier.astype(np.int64),
        unit_cost=_laid_out(placed, price),
        order_cost=_laid_out(placed, _numbers(placed, "order_cost", 0.0)),
        review_period=_laid_out(placed, review, default=1.0),
        moq=_laid_out(placed, _numbers(placed, "moq", 0.0)),
        pack_size=_laid_out(placed, _numbers(placed, "pack_size", 1.0), default=1.0),
    )


def _laid_out(
    placed: pl.DataFrame, values: npt.NDArray[np.generic], *, default: float = 0.0
) -> FloatArray:
    """Lays values of candidates out by item and place. Shape [N, K]."""
    item, place = placed["#item"].to_numpy(), placed["#place"].to_numpy()
    filled = np.full((int(item.max()) + 1, int(place.max()) + 1), default)
    filled[item, place] = values
    return filled


def _numbers(frame: pl.DataFrame, name: str, default: float) -> FloatArray:
    return frame[name].cast(pl.Float64).fill_null(default).to_numpy()


def _prices(
    placed: pl.DataFrame,
    mean: FloatArray,
    review: FloatArray,
    *,
    keys: Sequence[str],
    comparison: Comparison,
) -> FloatArray:
    """Returns the unit cost of candidates at the quantity that their interval needs, in packs."""
    unit_cost = _numbers(placed, "unit_cost", 0.0)
    nothing = np.zeros(placed.height)
    breaks = price_breaks_of(
        placed.with_columns(periods_to_next=pl.Series(review)),
        comparison.price_breaks,
        keys=keys,
        holding_cost=nothing,
        mean_demand=nothing,
    )
    if breaks is None:
        return unit_cost
    pack = _numbers(placed, "pack_size", 1.0)
    needed = np.maximum(mean * review, np.maximum(_numbers(placed, "moq", 0.0), pack))
    return unit_prices(np.ceil(needed / pack - 1e-9) * pack, breaks)


def _stockout_cost(placed: pl.DataFrame, comparison: Comparison) -> FloatArray:
    """Returns the stockout cost of each item: the mean of what its candidates give or imply.

    It is the item's: were it each candidate's own, a dear one would seem to miss more.
    """
    return _mean_of_item(placed, pl.coalesce("stockout_cost", _implied(placed, comparison)))


def _urgent_stockout_cost(placed: pl.DataFrame, comparison: Comparison) -> FloatArray:
    """Returns what a unit costs that is short before anything can arrive. Shape [N].

    What a target implies is the price of a shortage that stock held in time would have avoided.
    For that it is too late, so without a stockout cost a unit short counts its unit cost at least.
    """
    implied = pl.max_horizontal(_implied(placed, comparison), "unit_cost")
    return _mean_of_item(placed, pl.coalesce("stockout_cost", implied))


def _implied(placed: pl.DataFrame, comparison: Comparison) -> pl.Expr:
    rates = comparison.rates
    target = pl.col("service_target").fill_null(rates.cycle_service_level)
    holding = pl.coalesce("holding_cost", pl.col("unit_cost") * rates.holding_cost_rate)
    review = pl.lit(pl.Series(mean_review_periods(placed, comparison.frequency)))
    return holding * review * target / (1 - target)


def _mean_of_item(placed: pl.DataFrame, cost: pl.Expr) -> FloatArray:
    own = placed.with_columns(cost.alias("#cost"))
    return own.group_by("#item").agg(pl.col("#cost").mean()).sort("#item")["#cost"].to_numpy()


def _first_orders(
    placed: pl.DataFrame,
    items: pl.DataFrame,
    lead_times: LeadTimes,
    *,
    keys: Sequence[str],
    comparison: Comparison,
) -> FirstOrders | None:
    """Computes what waiting for the first order of each candidate costs; None without stock."""
    today = comparison.today
    if today is None:
        return None
    item, row = placed["#item"].to_numpy(), placed["lead_time_row"].to_numpy()
    wait, pmf = periods_until_order(placed, row, today.closures), lead_times.pmf[row]
    short = _shortage_today(placed, items, pmf, keys=keys, comparison=comparison)
    expected = np.zeros(placed.height)
    for lead_time in range(pmf.shape[1]):
        arrival = today.closures.arrival(row, wait + lead_time)
        expected += pmf[:, lead_time] * short[item, np.minimum(arrival, short.shape[1] - 1)]
    cost = expected * _urgent_stockout_cost(placed, comparison)[item]
    position = items["on_hand"] + items["on_order"] - items["reserved"]
    return FirstOrders(
        takes_orders=_laid_out(placed, wait == 0) > 0,
        wait_cost=_laid_out(placed, cost),
        position=position.fill_null(np.inf).to_numpy(),
    )


def _shortage_today(
    placed: pl.DataFrame,
    items: pl.DataFrame,
    pmf: FloatArray,
    *,
    keys: Sequence[str],
    comparison: Comparison,
) -> FloatArray:
    """Computes the units short of each item before each period opens. Shape [N, H + 1]."""
    today = comparison.today
    if today is None:
        raise ValueError("today: None; what is short is asked of today only")
    # What is on its way without a day is expected as from any of the suppliers.
    mean_lead_time = _mean_of_item(placed, pl.lit(pl.Series(pmf_mean(pmf))))
    known = items.with_columns(
        pl.col("on_hand", "on_order", "reserved").fill_null(0.0),
        lead_time=pl.Series(mean_lead_time),
    )
    horizon = today.mean.shape[1]
    arrivals = scheduled_arrivals(
        known, today.open_lines, keys=keys, calendar=today.closures.calendar, horizon=horizon
    )
    available = (known["on_hand"] - known["reserved"]).to_numpy()
    row = known["forecast_row"]
    there = row.is_not_null().to_numpy()[:, None]
    mean = np.where(there, today.mean[row.fill_null(0).to_numpy()], 0.0)
    variance = _demand_of(known, comparison.demand).variance
    return shortage_by_opening(mean, variance, np.maximum(available + arrivals, 0.0))


def shortage_by_opening(mean: FloatArray, variance: FloatArray, supply: FloatArray) -> FloatArray:
    """Approximates what is short before each period opens, if nothing is ordered.

    Formula: max over k < t of E[(D_k - supply_k)+], D_k normal, the sum of the demand of the
    periods 0 to k. What is lost is the largest deficit so far, and its expectation is at least
    the largest expected one.

    Args:
        mean: Demand, units per period. Shape [N, H].
        variance: Of a period, units squared. Shape [N].
        supply: At hand and due until each period opens, units. Shape [H, N].

    Returns:
        Units, from 0 before the first period to all that is short over the forecast. Shape
        [N, H + 1].

    Source:
        Loss function of the normal distribution: Silver, Pyke and Thomas (2017), appendix II. The
        bound is ours.

    >>> shortage_by_opening(np.full((1, 3), 4.0), np.zeros(1), np.array([[5.0], [5.0], [9.0]]))
    array([[0., 0., 3., 3.]])
    """
    periods = 1 + np.arange(mean.shape[1])
    sigma = np.sqrt(variance[:, None] * periods)
    short = units_short(supply.T - np.cumsum(mean, axis=1, dtype=np.float64), sigma)
    return np.pad(np.maximum.accumulate(short, axis=1), ((0, 0), (1, 0)))
