"""Price breaks of lines: from a table of quantities and prices to arrays."""

from __future__ import annotations

import numpy as np
import polars as pl

from demandcast.components.metrics.arrays import FloatArray
from demandcast.components.replenishment.order_lots import PriceBreaks
from demandcast.components.replenishment.supply_columns import PROBLEM, clean_table
from demandcast.schema.errors import ContractError

__all__ = ["price_breaks_of"]


def price_breaks_of(
    lines: pl.DataFrame,
    table: pl.DataFrame | None,
    *,
    holding_cost: FloatArray,
    mean_demand: FloatArray,
) -> PriceBreaks | None:
    """Looks up the price breaks of lines by their supplier and the key columns of the table.

    Args:
        lines: Key columns, `supplier`, `unit_cost`, `periods_to_next`. Length n.
        table: `price_breaks`; None without one.
        holding_cost: Currency units per unit and period. Shape [n].
        mean_demand: Units per period. Shape [n].

    Returns:
        Breaks, padded with infinity; None without a table or any line in it.

    Raises:
        ContractError: A column is missing or a row is wrong: a price must not go unread.
    """
    if table is None:
        return None
    on = [name for name in lines.columns if name in table.columns and name != "unit_cost"]
    clean = clean_table(table, "price_breaks", keys=[name for name in on if name != "supplier"])
    wrong = clean.filter(pl.col(PROBLEM).is_not_null())
    if wrong.height:
        first = "; ".join(wrong[PROBLEM].head(3).to_list())
        raise ContractError(f"price_breaks: {wrong.height} rows cannot be used, first: {first}")
    breaks = clean.select(*on, "from_quantity", price="unit_cost").unique(
        [*on, "from_quantity"], keep="last"
    )
    numbered = lines.select(on).with_row_index("line")
    found = (
        numbered.join(breaks, on=on, how="inner")
        .sort("line", "from_quantity")
        .with_columns(place=pl.int_range(pl.len()).over("line"))
    )
    if not found.height:
        return None
    shape = (lines.height, int(found["place"].max()) + 1)  # type: ignore[arg-type]
    points, prices = np.full(shape, np.inf), np.zeros(shape)
    at = (found["line"].to_numpy(), found["place"].to_numpy())
    points[at], prices[at] = found["from_quantity"].to_numpy(), found["price"].to_numpy()
    return PriceBreaks(
        unit_cost=lines["unit_cost"].to_numpy(),
        breakpoints=points,
        prices=prices,
        holding_cost=holding_cost,
        mean_demand=mean_demand,
        review_period=lines["periods_to_next"].to_numpy().astype(np.float64),
    )
