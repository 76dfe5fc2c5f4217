"""Price breaks of lines: from a table of quantities and prices to arrays.

A price that cannot be read stops the lines that it would be of: they might be ordered too dear, or
without the raise that pays.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from demandcast.components.metrics.arrays import FloatArray
from demandcast.components.replenishment.order_lots import PriceBreaks
from demandcast.components.replenishment.supply_columns import PLACE, PROBLEM, clean_table
from demandcast.schema.errors import ContractError

__all__ = ["price_breaks_of", "with_price_problems"]


def with_price_problems(
    candidates: pl.DataFrame, table: pl.DataFrame | None, keys: Sequence[str]
) -> pl.DataFrame:
    """Says of which candidates a price cannot be read.

    Args:
        candidates: Key columns, `supplier`, `currency`, `problem`.
        table: `price_breaks`; None without one.
        keys: Key columns of a series.

    Returns:
        The candidates, `problem` completed: also where a price is in another currency than theirs.
        A row without a supplier is of all suppliers.

    Raises:
        ContractError: The table lacks a column.
    """
    if table is None:
        return candidates
    on, breaks = _cleaned(table, keys)
    wrong = breaks.filter(pl.col(PROBLEM).is_not_null())
    words = pl.col(PROBLEM).first().alias("#price")
    own = wrong.group_by([*on, "supplier"], maintain_order=True).agg(words)
    anyones = wrong.filter(pl.col("supplier").is_null()).group_by(on, maintain_order=True)
    foreign = _in_other_currencies(candidates, breaks, [*on, "supplier"])
    return (
        candidates.join(own, on=[*on, "supplier"], how="left", maintain_order="left")
        .join(anyones.agg(words), on=on, how="left", maintain_order="left", suffix="_of_all")
        .join(foreign, on=[*on, "supplier", "currency"], how="left", maintain_order="left")
        .with_columns(**{PROBLEM: pl.coalesce(PROBLEM, "#price", "#price_of_all", "#foreign")})
        .drop("#price", "#price_of_all", "#foreign")
    )


def _in_other_currencies(
    candidates: pl.DataFrame, breaks: pl.DataFrame, on: Sequence[str]
) -> pl.DataFrame:
    """Words prices in another currency than that of their terms: key, `currency`, `#foreign`."""
    priced = breaks.filter(pl.col("currency").is_not_null()).select(
        *on, PLACE, pl.col("currency").alias("#given")
    )
    met = candidates.select(*on, "currency").unique().join(priced, on=on, how="inner")
    words = pl.format(
        "price_breaks, {}: currency: got '{}'; allowed: '{}', as the terms",
        PLACE,
        "#given",
        "currency",
    )
    other = met.filter(pl.col("#given") != pl.col("currency"))
    return other.group_by([*on, "currency"], maintain_order=True).agg(
        words.first().alias("#foreign")
    )


def price_breaks_of(
    lines: pl.DataFrame,
    table: pl.DataFrame | None,
    *,
    keys: Sequence[str],
    holding_cost: FloatArray,
    mean_demand: FloatArray,
) -> PriceBreaks | None:
    """Looks up the price breaks of lines by their supplier and the key columns of the table.

    Args:
        lines: Key columns, `supplier`, `unit_cost`, `periods_to_next`. Length n.
        table: `price_breaks`; None without one.
        keys: Key columns of a series.
        holding_cost: Currency units per unit and period. Shape [n].
        mean_demand: Units per period. Shape [n].

    Returns:
        Breaks, padded with infinity; None without a table or any line in it.

    Raises:
        ContractError: The table lacks a column.
    """
    if table is None:
        return None
    on, breaks = _cleaned(table, keys)
    offers = breaks.filter(pl.col(PROBLEM).is_null()).select(
        *on, "supplier", **{"#from": "from_quantity", "#price": "unit_cost"}
    )
    found = (
        lines.select(*on, "supplier")
        .with_row_index("#line")
        .join(offers, on=[*on, "supplier"], how="inner")
        .sort("#line", "#from")
        .with_columns(pl.int_range(pl.len()).over("#line").alias("#place"))
    )
    if not found.height:
        return None
    shape = (lines.height, int(found["#place"].max()) + 1)  # type: ignore[arg-type]
    points, prices = np.full(shape, np.inf), np.zeros(shape)
    at = (found["#line"].to_numpy(), found["#place"].to_numpy())
    points[at], prices[at] = found["#from"].to_numpy(), found["#price"].to_numpy()
    return PriceBreaks(
        unit_cost=lines["unit_cost"].to_numpy(),
        breakpoints=points,
        prices=prices,
        holding_cost=holding_cost,
        mean_demand=mean_demand,
        review_period=lines["periods_to_next"].to_numpy().astype(np.float64),
    )


def _cleaned(table: pl.DataFrame, keys: Sequence[str]) -> tuple[list[str], pl.DataFrame]:
    """Types the table, and says where a break has two prices; returns its key columns as well."""
    on = [name for name in keys if name in table.columns]
    if not on:
        raise ContractError(
            f"price_breaks: no column of the series key {list(keys)}; there are: {table.columns}"
        )
    breaks = clean_table(table, "price_breaks", keys=on)
    twice = pl.struct(*on, "supplier", "from_quantity").is_duplicated()
    words = pl.format(
        "price_breaks, {}: from_quantity: '{}' twice; allowed: once", PLACE, "from_quantity"
    )
    return on, breaks.with_columns(**{PROBLEM: pl.coalesce(PROBLEM, pl.when(twice).then(words))})
