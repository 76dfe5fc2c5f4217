"""Tables of the sample data, as Arrow, from the arrays of the simulation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from demandcast.components.simulation import aggregation
from demandcast.components.simulation.assortment import CATEGORIES, FORMATS, Items
from demandcast.components.simulation.calendar import simulate_calendar
from demandcast.components.simulation.chain import Chain, StoreDays, StoreStock
from demandcast.components.simulation.plans import PROMOTIONS, category_pressure

__all__ = ["chain_tables", "store_tables"]

BoolArray = npt.NDArray[np.bool_]
Int64Array = npt.NDArray[np.int64]

_CALENDAR_MARGIN = 53 * 7
"""Days of the calendar after the last plan: a year, so that every next holiday is known."""


def chain_tables(chain: Chain) -> dict[str, pa.Table]:
    """Makes the tables that do not grow with time x stores x items."""
    items, stores, terms, suppliers = chain.items, chain.stores, chain.terms, chain.suppliers
    days = chain.config.days_per_period
    categories = np.array([each.name for each in CATEGORIES])
    formats = np.array([each.name for each in FORMATS])
    regions = np.array([f"region_{number + 1:02d}" for number in range(chain.config.regions)])
    return {
        "calendar": _calendar_table(chain),
        "items": pa.table(
            {
                "item": items.names,
                "category": categories[items.category],
                "brand": items.brands,
                "base_price": items.base_price,
            }
        ),
        "stores": pa.table(
            {
                "store": stores.names,
                "region": regions[stores.region],
                "format": formats[stores.format],
            }
        ),
        "suppliers": pa.table(
            {
                "supplier": suppliers.names,
                "quoted_lead_time_days": np.ceil(suppliers.lead_time).astype(np.int32),
                "order_cost": suppliers.order_cost,
            }
        ),
        "supply_terms": pa.table(
            {
                "item": items.names,
                "supplier": suppliers.names[terms.supplier],
                "review_period": (suppliers.review_period[terms.supplier] // days).astype(np.int32),
                "moq": terms.moq.astype(np.int32),
                "pack_size": terms.pack_size.astype(np.int32),
                "unit_cost": terms.unit_cost,
                "holding_cost": terms.holding_cost,
                "stockout_cost": terms.stockout_cost,
                "shelf_life": np.maximum(terms.shelf_life // days, 1).astype(np.int32),
            }
        ),
    }


def store_tables(
    chain: Chain, stores: Sequence[int], days: Sequence[StoreDays], stock: StoreStock
) -> dict[str, pa.Table]:
    """Makes the rows of some stores, in order of store, item and time."""
    history = _Rows(chain, stores, periods=range(chain.config.periods))
    path = stock.path
    length = chain.config.days_per_period
    regions = np.repeat(chain.stores.region[list(stores)], chain.config.items)
    temperature = aggregation.period_means(chain.weather.temperature[:, : history.days], length)
    rain = aggregation.period_sums(chain.weather.rain[:, : history.days], length)
    plan, periods = _plan_columns(chain, days), chain.config.periods
    past = {name: values[:, :periods] for name, values in plan.items()}
    ahead = {name: values[:, periods:] for name, values in plan.items()}
    return {
        "sales": history.table(
            sales=aggregation.period_sums(path.sales.T, length).astype(np.int32),
            **past,
            in_stock_fraction=aggregation.mean_fractions(stock.in_stock_fraction.T, length),
            temperature=np.round(temperature, 1)[regions],
            rain=np.round(rain, 1)[regions],
        ),
        "true_demand": history.table(
            demand=aggregation.period_sums(
                np.concatenate([each.demand for each in days]), length
            ).astype(np.int32)
        ),
        "inventory": history.table(
            on_hand=aggregation.period_ends(path.on_hand.T, length),
            on_order=aggregation.period_ends(path.on_order.T, length),
            received=aggregation.period_sums(path.received.T, length).astype(np.int32),
        ),
        "future": _future_rows(chain, stores).table(**ahead),
        "lead_times": _order_table(chain, stores, stock),
    }


class _Rows:
    """The rows of some stores over a span of periods: those in which an item is sold."""

    def __init__(self, chain: Chain, stores: Sequence[int], *, periods: range) -> None:
        length, items = chain.config.days_per_period, chain.items
        starts = np.array(periods, dtype=np.int64) * length
        self.days = len(periods) * length
        self._sold = np.tile(_sold(items, starts), (len(stores), 1))
        series, period = np.nonzero(self._sold)
        store, item = np.divmod(series, len(items.names))
        self._keys = {
            "store": _texts(chain.stores.names[list(stores)], store),
            "item": _texts(items.names, item),
            "date": _dates(chain.calendar.days[0] + starts[period]),
        }

    def table(self, **columns: npt.NDArray[Any]) -> pa.Table:
        """Puts columns of shape [N, P] beside the keys."""
        values: dict[str, Any] = {name: each[self._sold] for name, each in columns.items()}
        if "promotion" in values:
            values["promotion"] = _texts(np.array(PROMOTIONS), values["promotion"])
        return pa.table({**self._keys, **values})


def _plan_columns(chain: Chain, days: Sequence[StoreDays]) -> dict[str, npt.NDArray[Any]]:
    """Returns the plan of history and horizon by period. Each column of shape [N, P + H]."""
    config = chain.config
    length = config.days_per_period
    planned = slice(0, (config.periods + config.horizon) * length)
    plans = [each.plan.of_days(planned) for each in days]
    usual = _usual_sales(chain)[:, planned]
    pressure = [
        category_pressure(plan, usual=usual, category=chain.items.category) for plan in plans
    ]
    price = np.concatenate([plan.price for plan in plans])
    promotion = np.concatenate([plan.promotion for plan in plans])
    promoted, discount = (np.concatenate(parts) for parts in zip(*pressure, strict=True))
    return {
        "price": np.round(aggregation.period_means(price, length), 2),
        "promotion": aggregation.main_promotions(promotion, length),
        "category_promoted": np.round(aggregation.period_means(promoted, length), 3),
        "category_discount": np.round(aggregation.period_means(discount, length), 3),
    }


def _usual_sales(chain: Chain) -> npt.NDArray[np.float64]:
    """Units per day that the chain lists an item with, 0 while it is not sold. Shape [I, D]."""
    every = np.arange(len(chain.calendar.days))
    return np.asarray(chain.items.rate[:, None] * _sold(chain.items, every))


def _sold(items: Items, days: Int64Array) -> BoolArray:
    """Tells which items are sold on which days (D), counted from the first. Shape [I, D]."""
    return np.asarray((days >= items.launch[:, None]) & (days < items.end[:, None]))


def _future_rows(chain: Chain, stores: Sequence[int]) -> _Rows:
    """Prepares the rows after the last sale."""
    periods, horizon = chain.config.periods, chain.config.horizon
    return _Rows(chain, stores, periods=range(periods, periods + horizon))


def _order_table(chain: Chain, stores: Sequence[int], stock: StoreStock) -> pa.Table:
    """Makes the order history: lines in order of store, item and day."""
    quantity = stock.path.ordered.T
    series, day = np.nonzero(quantity)
    store, item = np.divmod(series, chain.config.items)
    arrival = day + stock.lead_time.T[series, day]
    first = chain.calendar.days[0]
    return pa.table(
        {
            "supplier": _texts(chain.suppliers.names, chain.terms.supplier[item]),
            "store": _texts(chain.stores.names[list(stores)], store),
            "item": _texts(chain.items.names, item),
            "ordered": _dates(first + day),
            "received": _dates(first + arrival, missing=arrival >= chain.history_days),
            "quantity": quantity[series, day],
        }
    )


def _calendar_table(chain: Chain) -> pa.Table:
    """Makes the calendar of history, horizon and a year more."""
    config = chain.config
    length = config.days_per_period
    days = (config.periods + config.horizon) * length + _CALENDAR_MARGIN
    calendar = simulate_calendar(int(chain.calendar.days[0]), days)
    return pa.table(
        {
            "date": _dates(calendar.days[::length]),
            "holiday": pa.array(aggregation.join_names(calendar.holidays, length), pa.string()),
        }
    )


def _texts(names: npt.NDArray[np.str_], positions: Int64Array) -> pa.Array:
    """Spells out positions as texts."""
    return pa.array(names, pa.string()).take(pa.array(positions))


def _dates(days: Int64Array, *, missing: BoolArray | None = None) -> pa.Array:
    """Turns days since 1970-01-01 into dates."""
    return pa.array(days.astype("datetime64[D]"), pa.date32(), mask=missing)
