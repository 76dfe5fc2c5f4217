"""The terms by which each line is ordered: of its one supplier, or of the cheapest of several."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.components.metrics.arrays import FloatArray
from demandcast.components.replenishment.lead_times import LeadTimes
from demandcast.components.replenishment.supplier_choice import (
    Candidates,
    CostRates,
    ItemDemand,
    choice_table,
    choose_suppliers,
)
from demandcast.components.replenishment.supply_columns import PROBLEM

__all__ = ["ExpectedDemand", "choose_terms"]

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


def choose_terms(
    lines: pl.DataFrame,
    candidates: pl.DataFrame,
    lead_times: LeadTimes,
    *,
    keys: Sequence[str],
    demand: ExpectedDemand,
    rates: CostRates,
) -> pl.DataFrame:
    """Gives each line its terms, and a status where there are none.

    Args:
        lines: From `gather_stock`.
        candidates: From `gather_candidates`.
        lead_times: Of the suppliers.
        keys: Key columns.
        demand: By `forecast_row`.
        rates: Of the comparison; its stockout cost is that of the line where there is one, or what
            the target implies.

    Returns:
        The lines, the columns of their candidate, `lead_time_row`, `supplier_reason` (null with
        one supplier) and `left_out` (why another one could not be taken), `status` and `reason`
        completed. Rows as they were.
    """
    rows = {str(name): at for at, name in enumerate(lead_times.keys["supplier"].to_list())}
    known = np.array(lead_times.status != "no_lead_time")
    usable = candidates.with_columns(
        lead_time_row=pl.col("supplier").replace_strict(rows, default=None, return_dtype=pl.Int64)
    )
    has_lead_time = pl.col("lead_time_row").is_in(np.flatnonzero(known).tolist())
    usable = usable.with_columns(
        obstacle=pl.when(pl.col(PROBLEM).is_not_null())
        .then(pl.lit("invalid"))
        .when(~has_lead_time.fill_null(value=False))
        .then(pl.lit("no_lead_time"))
    )
    missing = pl.when(pl.col("obstacle") == "no_lead_time").then("without_lead_time")
    usable = usable.with_columns(**{PROBLEM: pl.coalesce(PROBLEM, missing)})
    good = usable.filter(pl.col("obstacle").is_null())
    several = good.filter(pl.len().over(keys) > 1)
    alone = good.filter(pl.len().over(keys) == 1).with_columns(
        supplier_reason=pl.lit(None, pl.String)
    )
    chosen = alone
    if several.height:
        picked = _cheapest(several, lines, lead_times, keys=keys, demand=demand, rates=rates)
        chosen = pl.concat([alone, picked])
    own = chosen.drop("storage_capacity", PROBLEM, "obstacle", "without_lead_time")
    capacity = candidates.group_by(keys).agg(pl.col("storage_capacity").min())
    joined = (
        lines.drop("storage_capacity")
        .join(capacity, on=keys, how="left", maintain_order="left")
        .join(own, on=keys, how="left", maintain_order="left")
    )
    return _with_status(joined, usable, keys)


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


def _cheapest(
    several: pl.DataFrame,
    lines: pl.DataFrame,
    lead_times: LeadTimes,
    *,
    keys: Sequence[str],
    demand: ExpectedDemand,
    rates: CostRates,
) -> pl.DataFrame:
    """Picks the candidate of least expected cost for each series with several."""
    # Names with # are none of a key column.
    places = pl.int_range(pl.len()).over(keys)
    series = several.select(keys).unique(maintain_order=True).with_row_index("#item")
    placed = several.with_columns(places.alias("#place")).join(
        series, on=keys, how="left", maintain_order="left"
    )
    row = (
        series.join(lines.select(*keys, "forecast_row"), on=keys, how="left", maintain_order="left")
        .get_column("forecast_row")
        .to_numpy()
    )
    mean, variance = (
        np.where(np.isnan(row), 0.0, one[np.nan_to_num(row).astype(np.int64)])
        for one in (demand.mean, demand.variance)
    )
    offers = _offers(placed, series.height)
    costs = dataclasses.replace(rates, stockout_cost=_stockout_cost(placed, rates))
    choice = choose_suppliers(ItemDemand(mean, variance), offers, lead_times.pmf, rates=costs)
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


def _offers(placed: pl.DataFrame, items: int) -> Candidates:
    """Lays candidates out by item and place."""
    shape = (items, int(placed["#place"].max()) + 1)  # type: ignore[arg-type]
    at = (placed["#item"].to_numpy(), placed["#place"].to_numpy())

    def filled(name: str, default: float) -> FloatArray:
        values = np.full(shape, default)
        values[at] = placed[name].fill_null(default).to_numpy()
        return values

    supplier = np.full(shape, -1, np.int64)
    supplier[at] = placed["lead_time_row"].to_numpy()
    return Candidates(
        supplier=supplier,
        unit_cost=filled("unit_cost", 0.0),
        order_cost=filled("order_cost", 0.0),
        review_period=filled("review_period", 1.0),
        moq=filled("moq", 0.0),
        pack_size=filled("pack_size", 1.0),
    )


def _stockout_cost(placed: pl.DataFrame, rates: CostRates) -> FloatArray:
    """Returns the stockout cost of each item: the mean of what its candidates give or imply.

    It is the item's: were it each candidate's own, a dear one would seem to miss more.
    """
    target = pl.col("service_target").fill_null(rates.cycle_service_level)
    holding = pl.coalesce("holding_cost", pl.col("unit_cost") * rates.holding_cost_rate)
    implied = holding * pl.col("review_period").fill_null(1.0) * target / (1 - target)
    own = placed.with_columns(pl.coalesce("stockout_cost", implied).alias("#cost"))
    return own.group_by("#item").agg(pl.col("#cost").mean()).sort("#item")["#cost"].to_numpy()
