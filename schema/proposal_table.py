"""The proposal table: one row per series, what to order and why.

Every series of forecasts, stock or terms is in it with a `status`; nothing is left out, and an
order of 0 says why. Exceptions come first (`rank`).
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from demandcast.schema.errors import ContractError

__all__ = [
    "BLOCKED",
    "RISK_CLASSES",
    "STATUSES",
    "check_proposal_table",
    "proposal_schema",
]

STATUSES: dict[str, str] = {
    "order": "order_quantity is to be ordered now.",
    "reduced": "Less than wanted is to be ordered: capacity, shelf life, budget, or "
    "what the supplier has.",
    "held_back": "An order is wanted, and budget or supplier have nothing left for it.",
    "infeasible": "No order is possible, whether one is wanted or not: terms contradict each "
    "other, or an order is wanted and there is no room; the reason says which.",
    "not_due": "An order is wanted, and the supplier takes none today.",
    "covered": "Stock and orders on their way suffice.",
    "no_forecast": "There is no forecast of the series.",
    "no_inventory": "There is no stock of the series.",
    "no_terms": "No terms of supply fit the series.",
    "no_lead_time": "Neither deliveries nor terms say how long the supplier takes.",
    "short_forecast": "The forecast ends before the protection interval does.",
    "invalid": "A value of the line cannot be used; the reason says which.",
}
"""Statuses of a line, and what each means."""

BLOCKED = frozenset(
    {"no_forecast", "no_inventory", "no_terms", "no_lead_time", "short_forecast", "invalid"}
)
"""Statuses of lines for which nothing could be computed; their numbers are null."""

RISK_CLASSES = ("low", "medium", "high", "critical")
"""Classes of the probability to run out over the protection interval, with the order."""

_TEXT, _NUMBER, _DATE, _COUNT = pl.String(), pl.Float64(), pl.Date(), pl.Int32()

_COLUMNS: dict[str, pl.DataType] = {
    "rank": _COUNT,
    "status": _TEXT,
    "risk_class": _TEXT,
    "supplier": _TEXT,
    "order_quantity": _NUMBER,
    "wanted_quantity": _NUMBER,
    "order_date": _DATE,
    "due_date": _DATE,
    "next_order_date": _DATE,
    "unit_cost": _NUMBER,
    "order_value": _NUMBER,
    "currency": _TEXT,
    "on_hand": _NUMBER,
    "on_order": _NUMBER,
    "reserved": _NUMBER,
    "inventory_position": _NUMBER,
    "base_stock_level": _NUMBER,
    "review_period": _COUNT,
    "lead_time_mean": _NUMBER,
    "protection_interval": _NUMBER,
    "expected_demand": _NUMBER,
    "demand_median": _NUMBER,
    "demand_at_target": _NUMBER,
    "service_target": _NUMBER,
    "stockout_probability_without": _NUMBER,
    "stockout_probability": _NUMBER,
    "expected_lost_sales_without": _NUMBER,
    "expected_lost_sales": _NUMBER,
    "expected_holding_cost": _NUMBER,
    "expected_stockout_cost": _NUMBER,
    "cover_periods": _NUMBER,
    "excess_units": _NUMBER,
    "needs_approval": pl.Boolean(),
    "reason": _TEXT,
}


def proposal_schema(series_key: Sequence[str]) -> pl.Schema:
    """Returns the columns of a proposal table in their order, with their types.

    Units per series, dates, currency units; `cutoff` is the last period that the forecast saw.

    * `order_quantity`, `wanted_quantity`: units, with and without constraints.
    * `order_value`: order_quantity x unit_cost.
    * `inventory_position`: on hand + on order - reserved.
    * `base_stock_level`: units that the position is raised to.
    * `lead_time_mean`, `protection_interval`: periods, means of their distributions.
    * `expected_demand`, `demand_median`, `demand_at_target`: units over the protection interval:
      mean, median, and the quantile that the target asks for.
    * `stockout_probability`, `expected_lost_sales`: over the protection interval with the order,
      `..._without`: without it.
    * `expected_holding_cost`, `expected_stockout_cost`: currency units over the same, with it.
    * `cover_periods`: periods that the position and the order last at the service target.
    * `excess_units`: position above the base-stock level, before any order.
    """
    keys: dict[str, pl.DataType] = dict.fromkeys(series_key, _TEXT)
    return pl.Schema(keys | {"cutoff": _DATE} | _COLUMNS)


def check_proposal_table(table: pl.DataFrame, series_key: Sequence[str]) -> None:
    """Checks a proposal table against its contract; an empty table keeps it.

    Raises:
        ContractError: Columns or types differ; a series is there twice; a status or class is
            unknown; a computed line has no number, or a blocked one has an order.
    """
    expected = proposal_schema(series_key)
    if table.schema != expected or table.columns != expected.names():
        missing = [name for name in expected if name not in table.schema]
        unknown = [name for name in table.columns if name not in expected]
        raise ContractError(
            f"proposal table: columns must be {expected.names()}; missing: {missing}; "
            f"unknown: {unknown}"
        )
    computed = ~pl.col("status").is_in(sorted(BLOCKED))
    rules = {
        "a series is there twice": pl.struct(*series_key).is_duplicated(),
        "unknown status": ~pl.col("status").is_in(list(STATUSES)),
        "unknown risk_class": computed & ~pl.col("risk_class").is_in(list(RISK_CLASSES)),
        "no reason": pl.col("reason").is_null() | (pl.col("reason") == ""),
        # NaN counts as larger than any number.
        "no order_quantity": computed
        & ~((pl.col("order_quantity") >= 0) & pl.col("order_quantity").is_finite()),
        "an order on a blocked line": ~computed & (pl.col("order_quantity").fill_null(0) > 0),
    }
    for what, broken in rules.items():
        rows = table.filter(broken.fill_null(value=True))
        if rows.height:
            first = rows.head(3).select(*series_key, "status").rows()
            raise ContractError(f"proposal table: {what}: {rows.height} rows, first: {first}")
