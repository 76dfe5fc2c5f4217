"""Why a person must approve a line before it is exported, from the quantity that stands.

A line as proposed needs approval if the proposal says so. Whoever changes its quantity does not
approve it: the value and the risk of the new quantity are held against the same thresholds.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from demandcast.schema.config import ApprovalConfig

__all__ = ["SAME_UNITS", "approval_words", "number_text", "same_person"]

SAME_UNITS = 1e-6
"""Largest difference between two quantities that are the same, units."""


def approval_words(approval: ApprovalConfig) -> pl.Expr:
    """Words why a line of an order book needs approval; null if it needs none.

    The proposal knows the risk with its order and without one. An order of at least as many units
    leaves no more risk than the proposed one; of a smaller one nothing is known but that it leaves
    no more than none, and that counts. A value or a risk that is not known counts as above.

    Args:
        approval: Thresholds of the proposal.

    Returns:
        An expression of the columns of the proposal table, `final_quantity` and `final_value`.
    """
    quantity = pl.col("final_quantity")
    as_proposed = ((quantity - pl.col("order_quantity")).abs() <= SAME_UNITS).fill_null(value=False)
    words = [pl.when(broken).then(text) for broken, text in _above(approval)]
    changed = pl.concat_str(words, separator=", ", ignore_nulls=True) if words else pl.lit("")
    proposed = pl.when(pl.col("needs_approval").fill_null(value=False)).then(
        pl.when(changed == "").then(pl.lit("as proposed")).otherwise(changed)
    )
    return (
        pl.when(quantity <= 0)
        .then(pl.lit(None, pl.String))
        .when(as_proposed)
        .then(proposed)
        .when(changed != "")
        .then(changed)
    )


def _above(approval: ApprovalConfig) -> Iterator[tuple[pl.Expr, pl.Expr]]:
    """Yields for each threshold whether it is reached, and what to say then."""
    value, quantity = pl.col("final_value"), pl.col("final_quantity")
    if approval.min_value is not None:
        least = number_text(pl.lit(approval.min_value))
        words = pl.format("value {}, from {} on", number_text(value), least)
        yield value >= approval.min_value, words
        yield value.is_null(), pl.lit("value not known")
    if approval.min_stockout_probability is not None:
        fewer = quantity < pl.col("order_quantity") - SAME_UNITS
        risk = (
            pl.when(fewer)
            .then(pl.col("stockout_probability_without"))
            .otherwise(pl.col("stockout_probability"))
        )
        more = quantity > pl.col("order_quantity") + SAME_UNITS
        up_to = pl.when(fewer | more).then(pl.lit("up to ")).otherwise(pl.lit(""))
        least = number_text(pl.lit(100.0 * approval.min_stockout_probability))
        words = pl.format("risk {}{} %, from {} % on", up_to, number_text(100.0 * risk), least)
        known = pl.col("order_quantity").is_not_null() & risk.is_not_null()
        yield known & (risk >= approval.min_stockout_probability), words
        yield ~known, pl.lit("risk not known")


def number_text(value: pl.Expr) -> pl.Expr:
    """Writes a number with two decimals at most."""
    return value.round(2).cast(pl.String).str.strip_suffix(".0")


def same_person(one: pl.Expr, other: pl.Expr) -> pl.Expr:
    """Tells whether two names are of the same person: blanks and capitals make no other one."""
    names = [name.str.strip_chars().str.to_lowercase() for name in (one, other)]
    return (names[0] == names[1]).fill_null(value=False)
