"""Rows of the table of suppliers: one each, with what is wrong with it."""

from __future__ import annotations

import polars as pl

from demandcast.components.replenishment.lead_time_distributions import (
    LONGEST_SUPPORT,
    quoted_reach,
)
from demandcast.components.replenishment.supply_columns import (
    PLACE,
    PROBLEM,
    clean_table,
    unique_rows,
)

__all__ = ["supplier_rows"]


def supplier_rows(suppliers: pl.DataFrame) -> pl.DataFrame:
    """Types the table `suppliers` and keeps a row of each.

    A quote that no delivery could keep to is null, and a problem of its row: with whoever orders
    from this supplier the unit of the numbers must be looked at; all others go on.

    Args:
        suppliers: With our names.

    Returns:
        As `clean_table` has it, without rows that name no supplier; `problem` names the supplier.

    Raises:
        ContractError: The table lacks a column.
    """
    rows = unique_rows(clean_table(suppliers, "suppliers", keys=[]), ["supplier"], "suppliers")
    rows = _with_reach(rows.filter(pl.col("supplier").is_not_null()))
    named = pl.format("{} (supplier '{}')", PROBLEM, "supplier")
    return rows.with_columns(**{PROBLEM: named})


def _with_reach(rows: pl.DataFrame) -> pl.DataFrame:
    """Refuses quotes with a spread that reaches beyond what lead times may be."""
    days, std = pl.col("quoted_lead_time_days"), pl.col("lead_time_std_days")
    values = rows.select(days.fill_null(0.0), std.fill_null(0.0))
    reach = pl.Series(quoted_reach(*(values[name].to_numpy() for name in values.columns)))
    far = pl.lit(reach > LONGEST_SUPPORT) & days.is_not_null()
    words = pl.format(
        "suppliers, {}: lead_time_std_days: got '{}' beside quoted_lead_time_days of '{}': an "
        f"order could take {{}} days; allowed: up to {LONGEST_SUPPORT:,}",
        PLACE,
        std,
        days,
        pl.lit(reach.round(0).cast(pl.Int64)),
    )
    return rows.with_columns(
        pl.when(~far).then(days),
        **{PROBLEM: pl.coalesce(PROBLEM, pl.when(far).then(words))},
    )
