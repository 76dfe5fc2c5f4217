"""The data dictionary: every table and column of the sample data, and what it means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["TABLES", "TableText", "readme_text"]


class TableText(NamedTuple):
    """Meaning of a table and of its columns, in their order."""

    meaning: str
    columns: Mapping[str, str]


_KEY = {"store": "Key of the store.", "item": "Key of the item."}
_DATE = {"date": "First day of the period."}

TABLES: Mapping[str, TableText] = {
    "sales": TableText(
        "What the tills saw: one row per store, item and period in which the item was sold there.",
        {
            **_KEY,
            **_DATE,
            "sales": "Units sold. With an empty shelf it is less than what was asked for.",
            "price": "Price per unit, currency units; the mean of the days.",
            "promotion": "none, discount (lower price), display (second placement at the normal "
            "price) or flyer (lower price, printed).",
            "category_promoted": "How much of the item's category is promoted in the store, as a "
            "share of its usual sales, 0 to 1. Promoted items take demand from the others.",
            "category_discount": "Mean price cut of the category in the store, weighted by usual "
            "sales; a share of the regular price.",
            "in_stock_fraction": "Share of the period in which the shelf was not empty, 0 to 1. "
            "Below 1, sales are a lower bound of demand.",
            "temperature": "Measured mean in the region of the store, degrees Celsius.",
            "rain": "Measured sum in the region of the store, mm.",
        },
    ),
    "calendar": TableText(
        "Holidays, also after the last sale: one row per period.",
        {**_DATE, "holiday": "Name of the holiday, several joined by commas; empty without any."},
    ),
    "items": TableText(
        "Items: one row each.",
        {
            "item": "Key of the item.",
            "category": "Category; its items take demand from each other when promoted.",
            "brand": "Brand.",
            "base_price": "List price at the start, currency units.",
        },
    ),
    "stores": TableText(
        "Stores: one row each.",
        {
            "store": "Key of the store.",
            "region": "Region; its stores share the weather.",
            "format": "convenience, supermarket or hypermarket.",
        },
    ),
    "future": TableText(
        "The plan after the last sale: one row per store, item still sold, and period.",
        {
            **_KEY,
            **_DATE,
            "price": "Planned price per unit, currency units.",
            "promotion": "Planned promotion, as in sales.",
            "category_promoted": "Planned, as in sales.",
            "category_discount": "Planned, as in sales.",
        },
    ),
    "true_demand": TableText(
        "What nobody sees in reality: demand with a shelf that is never empty. Rows as in sales.",
        {**_KEY, **_DATE, "demand": "Units asked for."},
    ),
    "inventory": TableText(
        "Stock. on_hand = on_hand of the period before + received - sales. Rows as in sales.",
        {
            **_KEY,
            **_DATE,
            "on_hand": "Units in stock at the end of the period.",
            "on_order": "Units ordered and not yet received at the end of the period.",
            "received": "Units received; the first row includes the opening stock.",
        },
    ),
    "suppliers": TableText(
        "Suppliers: one row each.",
        {
            "supplier": "Key of the supplier.",
            "quoted_lead_time_days": "Days from order to arrival that the supplier promises.",
            "order_cost": "Cost of placing an order, currency units.",
        },
    ),
    "supply_terms": TableText(
        "Terms of supply: one row per item. Costs in currency units; periods as in sales.",
        {
            "item": "Key of the item.",
            "supplier": "Key of the supplier.",
            "review_period": "Periods between two orders of a store.",
            "moq": "Smallest order, units; a multiple of pack_size.",
            "pack_size": "Units per pack; orders are whole packs.",
            "unit_cost": "Cost per unit.",
            "holding_cost": "Cost per unit in stock and period.",
            "stockout_cost": "Cost per unit asked for and not in stock.",
            "shelf_life": "Whole periods that a unit can be sold, at least 1. The simulated "
            "stores write no unit off.",
        },
    ),
    "lead_times": TableText(
        "Orders: one row per order line, placed in the evening, received before opening.",
        {
            "supplier": "Key of the supplier.",
            **_KEY,
            "ordered": "Day of the order.",
            "received": "Day of arrival; missing if it lies after the last day of sales.",
            "quantity": "Units.",
        },
    ),
}
"""Tables by name of their file, less its ending."""


def readme_text(rows: Mapping[str, int], *, ending: str, parameters: str, file: str) -> str:
    """Writes the data dictionary that lies beside the files.

    Args:
        rows: Number of rows by table.
        ending: Ending of the files, without a dot.
        parameters: The configuration, as JSON.
        file: Name of the file that holds the configuration too.
    """
    lines = [
        "Sample data of demandcast: a simulated retail chain.",
        "All of it is made up; any likeness to real stores or goods is accidental.",
        "",
    ]
    for name, table in TABLES.items():
        lines += [f"{name}.{ending}  ({rows[name]:,} rows)", f"  {table.meaning}"]
        width = max(map(len, table.columns))
        lines += [f"    {column:<{width}}  {text}" for column, text in table.columns.items()]
        lines.append("")
    lines += [f"Made with this configuration (demandcast sample-data), also in {file}:"]
    lines += [parameters, ""]
    return "\n".join(lines)
