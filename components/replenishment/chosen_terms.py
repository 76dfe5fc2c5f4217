"""The terms by which each line is ordered: of its one supplier, or of the cheapest of several."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from demandcast.components.replenishment.cheapest_supplier import (
    Comparison,
    cheapest_candidates,
)
from demandcast.components.replenishment.lead_times import LeadTimes
from demandcast.components.replenishment.supply_columns import PROBLEM

__all__ = ["choose_terms"]

_SOLD_OUT = "sold_out"
"""Obstacle of a supplier that has no units while another has some; no status of a line."""


def choose_terms(
    lines: pl.DataFrame,
    candidates: pl.DataFrame,
    lead_times: LeadTimes,
    *,
    keys: Sequence[str],
    comparison: Comparison,
) -> pl.DataFrame:
    """Gives each line its terms, and a status where there are none.

    Args:
        lines: From `gather_stock`.
        candidates: From `gather_candidates`.
        lead_times: Of the suppliers.
        keys: Key columns.
        comparison: What suppliers are compared by, where there are several.

    Returns:
        The lines, the columns of their candidate, `lead_time_row`, `supplier_reason` (null with
        one supplier) and `left_out` (why another one could not be taken), `status` and `reason`
        completed. Rows as they were.
    """
    judged = _judged(candidates, lead_times, keys)
    good = judged.filter(pl.col("obstacle").is_null())
    several = good.filter(pl.len().over(keys) > 1)
    chosen = good.filter(pl.len().over(keys) == 1).with_columns(
        supplier_reason=pl.lit(None, pl.String)
    )
    if several.height:
        picked = cheapest_candidates(several, lines, lead_times, keys=keys, comparison=comparison)
        chosen = pl.concat([chosen, picked])
    own = chosen.drop("storage_capacity", PROBLEM, "obstacle", "without_lead_time")
    capacity = candidates.group_by(keys).agg(pl.col("storage_capacity").min())
    joined = (
        lines.drop("storage_capacity")
        .join(capacity, on=keys, how="left", maintain_order="left")
        .join(own, on=keys, how="left", maintain_order="left")
    )
    return _with_status(joined, judged, keys)


def _judged(candidates: pl.DataFrame, lead_times: LeadTimes, keys: Sequence[str]) -> pl.DataFrame:
    """Adds `lead_time_row`, and as `obstacle` and `problem` why a candidate cannot be taken."""
    rows = {str(name): at for at, name in enumerate(lead_times.keys["supplier"].to_list())}
    known = np.flatnonzero(np.array(lead_times.status != "no_lead_time")).tolist()
    row = pl.col("supplier").replace_strict(rows, default=None, return_dtype=pl.Int64)
    has_lead_time = row.is_in(known).fill_null(value=False)
    obstacle = (
        pl.when(pl.col(PROBLEM).is_not_null())
        .then(pl.lit("invalid"))
        .when(~has_lead_time)
        .then(pl.lit("no_lead_time"))
    )
    judged = candidates.with_columns(lead_time_row=row, obstacle=obstacle)
    # Who has no units is no candidate while another one has some.
    sold_out = (pl.col("available_units") == 0).fill_null(value=False)
    has_units = pl.col("obstacle").is_null() & ~sold_out
    passed_over = pl.col("obstacle").is_null() & sold_out & has_units.any().over(keys)
    return judged.with_columns(
        obstacle=pl.when(passed_over).then(pl.lit(_SOLD_OUT)).otherwise("obstacle")
    ).with_columns(**{PROBLEM: pl.coalesce(PROBLEM, _words_of_obstacle())})


def _with_status(
    lines: pl.DataFrame, candidates: pl.DataFrame, keys: Sequence[str]
) -> pl.DataFrame:
    """Says which lines have no terms, and why."""
    refused = candidates.filter(pl.col("obstacle").is_not_null())
    why = refused.group_by(keys, maintain_order=True).agg(
        pl.col("obstacle", PROBLEM).first(), pl.col("supplier").first().alias("#refused")
    )
    joined = lines.join(why, on=keys, how="left", maintain_order="left")
    without = pl.col("supplier").is_null()
    status = (
        pl.when(without & pl.col("obstacle").is_null())
        .then(pl.lit("no_terms"))
        .when(without)
        .then(pl.col("obstacle"))
    )
    reason = (
        pl.when(without & pl.col("obstacle").is_null())
        .then(pl.lit("no terms of supply fit the series"))
        .when(without)
        .then(pl.col(PROBLEM))
    )
    return joined.with_columns(
        reason=pl.coalesce("reason", reason),
        status=pl.coalesce("status", status),
        left_out=pl.when(~without).then(
            pl.format("supplier '{}' left out: {}", pl.col("#refused").fill_null(""), PROBLEM)
        ),
    ).drop("obstacle", PROBLEM, "#refused")


def _words_of_obstacle() -> pl.Expr:
    """Words why a supplier cannot be taken whose terms are in order."""
    return (
        pl.when(pl.col("obstacle") == "no_lead_time")
        .then("without_lead_time")
        .when(pl.col("obstacle") == _SOLD_OUT)
        .then(pl.lit("supply_terms: available_units is 0"))
    )
