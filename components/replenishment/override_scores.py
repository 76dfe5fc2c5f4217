"""Overrides beside what happened: cost of the proposed quantity, and of the person's.

Each line is looked at over its protection interval: the periods from the cutoff to the arrival of
the next order, whose demand the position at the cutoff and this order had to meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

__all__ = [
    "KINDS",
    "NO_REASON_KIND",
    "UNSCORED",
    "interval_outcome",
    "overridden_lines",
    "score_overrides",
    "score_totals",
]

FloatArray = npt.NDArray[np.float64]

UNSCORED: dict[str, str] = {
    "no position": "The proposal computed no position or no protection interval.",
    "no costs": "Holding or stockout cost is not known.",
    "too early": "Demand is not known up to the end of the protection interval.",
    "demand not recorded": "A period of the protection interval has no record.",
}
"""Why a line has no score."""

KINDS: dict[str, str] = {
    "rejected": "Nothing was ordered of what was proposed.",
    "lowered": "Less was ordered.",
    "raised": "More was ordered.",
    "added": "Something was ordered where nothing was proposed.",
}
"""What a person did to a proposed quantity."""

NO_REASON_KIND = "other"
"""Kind of a reason that names none."""

_REASON_KIND = r"^\s*([^:;,]{1,40}?)\s*:\s"
_INTERVAL = "periods"
_ROUNDING = 1e-9


def interval_outcome(
    position: FloatArray,
    order_quantity: FloatArray,
    demand: FloatArray,
    *,
    stockout_cost: FloatArray,
    leftover_cost: FloatArray,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Computes what an order led to over a protection interval.

    Formula: short = max(D - (IP + Q), 0), left = max(IP + Q - D, 0), cost = p short + c left:
    the newsvendor's cost of one cycle. All that is in the position and the order is taken to
    arrive in time; a shortage between two arrivals is not seen.

    Args:
        position: IP, inventory position at the cutoff, units. Shape [N].
        order_quantity: Q, units. Shape [N].
        demand: D over the protection interval, units. Shape [N].
        stockout_cost: p, currency units per unit short. Shape [N].
        leftover_cost: c, currency units per unit left over. Shape [N].

    Returns:
        Units short, units left over, and cost in currency units, each of shape [N].

    Source:
        Snyder and Shen (2019), Fundamentals of Supply Chain Theory, 2nd ed., section 4.3.

    >>> one = np.ones(1)
    >>> [value.item() for value in interval_outcome(
    ...     4 * one, 6 * one, 13 * one, stockout_cost=5 * one, leftover_cost=one)]
    [3.0, 0.0, 15.0]
    """
    available = position + order_quantity
    short = np.maximum(demand - available, 0.0)
    left = np.maximum(available - demand, 0.0)
    return short, left, stockout_cost * short + leftover_cost * left


def overridden_lines(book: pl.DataFrame) -> pl.DataFrame:
    """Takes the lines of an order book whose quantity a person set, other than as proposed."""
    proposed = pl.col("order_quantity").fill_null(0.0)
    differs = (pl.col("final_quantity") - proposed).abs() > _ROUNDING
    return book.filter(pl.col("override_by").is_not_null() & differs)


def score_overrides(
    lines: pl.DataFrame,
    actuals: pl.DataFrame,
    *,
    series_key: Sequence[str],
    last_period: int,
    missing_period: Literal["unknown", "zero"],
) -> pl.DataFrame:
    """Scores overrides against demand after the cutoff.

    A unit left over costs holding_cost x review_period: one that was ordered in vain is held
    from the arrival of its order to that of the next, which is then smaller by it.

    Args:
        lines: Lines of `overridden_lines`, with `#cutoff`: the period of the cutoff.
        actuals: The series key, `#period`, `#demand` (units) and `#censored` (whether demand may
            have been higher, for it ran out), one row per series and period.
        series_key: Columns of the key.
        last_period: Last period of which anything is known.
        missing_period: What a period without a row means.

    Returns:
        The key, `user`, `kind` (of `KINDS`), `reason_kind` (what stands before a colon in the
        reason, or `NO_REASON_KIND`), `periods` (of the protection interval, rounded up),
        `demand`, `censored`, `proposed_quantity`, `person_quantity`, and for each of the two
        `..._short`, `..._left_over` and `..._cost`; `saved`: cost as proposed less cost as the
        person would; `why_unscored`: null, or a key of `UNSCORED`, and then numbers are null.
    """
    periods = (pl.col("protection_interval") - _ROUNDING).ceil().cast(pl.Int64)
    wanted = lines.with_columns(periods.alias(_INTERVAL))
    known = _demand_of_intervals(wanted, actuals, series_key)
    joined = wanted.join(known, on=list(series_key), how="left", maintain_order="left")
    joined = joined.with_columns(
        pl.col("#demand").fill_null(0.0),
        pl.col("#recorded").fill_null(0),
        pl.col("#censored").fill_null(value=False),
    )
    gaps = pl.lit(missing_period == "unknown") & (pl.col("#recorded") < pl.col(_INTERVAL))
    why = (
        pl.when(pl.col("inventory_position").is_null() | pl.col(_INTERVAL).is_null())
        .then(pl.lit("no position"))
        .when(pl.col("holding_cost").is_null() | pl.col("stockout_cost").is_null())
        .then(pl.lit("no costs"))
        .when(pl.col("#cutoff") + pl.col(_INTERVAL) > last_period)
        .then(pl.lit("too early"))
        .when(gaps)
        .then(pl.lit("demand not recorded"))
    )
    return _with_outcomes(joined.with_columns(why.alias("why_unscored")), series_key)


def _demand_of_intervals(
    lines: pl.DataFrame, actuals: pl.DataFrame, series_key: Sequence[str]
) -> pl.DataFrame:
    """Adds up demand over the protection interval of each line."""
    first = pl.col("#cutoff") + 1
    spans = lines.select(*series_key, "#cutoff", _INTERVAL)
    inside = actuals.join(spans, on=list(series_key), how="inner").filter(
        pl.col("#period").is_between(first, pl.col("#cutoff") + pl.col(_INTERVAL))
        & pl.col("#demand").is_not_null()
    )
    return inside.group_by(series_key).agg(
        pl.col("#demand").sum(),
        pl.len().cast(pl.Int64).alias("#recorded"),
        pl.col("#censored").any(),
    )


def _with_outcomes(joined: pl.DataFrame, series_key: Sequence[str]) -> pl.DataFrame:
    """Computes both outcomes of each line, and shows them where the line has a score."""
    lines = joined.with_columns(pl.col("order_quantity").fill_null(0.0))
    scored = pl.col("why_unscored").is_null()
    outcomes = [
        pl.when(scored).then(pl.lit(pl.Series(name, found, pl.Float64))).alias(name)
        for name, found in _outcomes(lines).items()
    ]
    return lines.select(
        *series_key,
        pl.col("override_by").alias("user"),
        pl.col("line_state"),
        _kind().alias("kind"),
        _reason_kind().alias("reason_kind"),
        pl.col(_INTERVAL),
        pl.when(scored).then(pl.col("#demand")).alias("demand"),
        pl.when(scored).then(pl.col("#censored")).alias("censored"),
        pl.col("order_quantity").alias("proposed_quantity"),
        pl.col("final_quantity").alias("person_quantity"),
        *outcomes,
        pl.col("why_unscored"),
        pl.col("override_reason").alias("reason"),
    )


def _outcomes(lines: pl.DataFrame) -> dict[str, FloatArray]:
    """Computes what each line led to, as proposed and as the person would; NaN if not known."""
    review = pl.col("review_period").fill_null(1).cast(pl.Float64)
    costs = lines.with_columns((pl.col("holding_cost") * review).alias("#leftover_cost"))

    def values(name: str) -> FloatArray:
        return costs[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()

    columns: dict[str, FloatArray] = {}
    for prefix, quantity in (("proposed", "order_quantity"), ("person", "final_quantity")):
        short, left, cost = interval_outcome(
            values("inventory_position"),
            values(quantity),
            values("#demand"),
            stockout_cost=values("stockout_cost"),
            leftover_cost=values("#leftover_cost"),
        )
        columns |= {
            f"{prefix}_short": short,
            f"{prefix}_left_over": left,
            f"{prefix}_cost": cost,
        }
    return columns | {"saved": columns["proposed_cost"] - columns["person_cost"]}


def _kind() -> pl.Expr:
    """Says what a person did to the proposed quantity."""
    proposed, person = pl.col("order_quantity"), pl.col("final_quantity")
    return (
        pl.when(person <= 0)
        .then(pl.lit("rejected"))
        .when(proposed <= 0)
        .then(pl.lit("added"))
        .when(person < proposed)
        .then(pl.lit("lowered"))
        .otherwise(pl.lit("raised"))
    )


def _reason_kind() -> pl.Expr:
    """Takes the kind that a reason begins with, such as 'promotion: festival on Saturday'."""
    named = pl.col("override_reason").str.extract(_REASON_KIND).str.to_lowercase()
    return named.fill_null(NO_REASON_KIND)


def score_totals(scores: pl.DataFrame, by: str) -> pl.DataFrame:
    """Adds up scores by a column of theirs, what saved most first; months in their order.

    Args:
        scores: Of `score_overrides`, perhaps of many proposals.
        by: user, kind, reason_kind or month.

    Returns:
        The column, `overrides`, `scored`, `saved_money` and `lost_money` (counts of overrides), and
        in currency units `saved` (of those that saved), `lost` (of those that lost) and `net`.
    """
    saved = pl.col("saved")
    totals = scores.group_by(by).agg(
        pl.len().alias("overrides"),
        saved.is_not_null().sum().alias("scored"),
        (saved > 0).sum().alias("saved_money"),
        (saved < 0).sum().alias("lost_money"),
        saved.filter(saved > 0).sum().alias("saved"),
        (-saved.filter(saved < 0)).sum().alias("lost"),
        saved.sum().alias("net"),
    )
    if by == "month":
        return totals.sort(by)
    return totals.sort("net", by, descending=[True, False])
