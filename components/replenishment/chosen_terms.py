"""The terms by which each line is ordered: of its one supplier, or of the cheapest of several."""

from __future__ import annotations

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

_SERIES, _PLACE = "#series", "#place"
"""Columns of ours beside those of the user, one of whose keys may well be called item."""


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
        rates: Of the comparison; its stockout cost is that of the line where there is one.

    Returns:
        The lines, the columns of their candidate, `lead_time_row` and `supplier_reason` (null
        with one supplier), `status` and `reason` completed. Rows as they were.
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
    good = usable.filter(pl.col("obstacle").is_null())
    several = good.filter(pl.len().over(keys) > 1)
    alone = good.filter(pl.len().over(keys) == 1).with_columns(
        supplier_reason=pl.lit(None, pl.String)
    )
    chosen = alone
    if several.height:
        picked = _cheapest(several, lines, lead_times, keys=keys, demand=demand, rates=rates)
        chosen = pl.concat([alone, picked])
    own = chosen.drop("storage_capacity", PROBLEM, "obstacle")
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
    why = candidates.group_by(keys, maintain_order=True).agg(
        pl.col("obstacle").first(),
        pl.col(PROBLEM).drop_nulls().first(),
        pl.col("supplier").first().alias("first_supplier"),
    )
    joined = lines.join(why, on=keys, how="left", maintain_order="left")
    without = pl.col("supplier").is_null()
    no_deliveries = pl.format(
        "supplier '{}': neither deliveries nor a quoted lead time", pl.col("first_supplier")
    )
    status = (
        pl.when(without & pl.col("obstacle").is_null())
        .then(pl.lit("no_terms"))
        .when(without)
        .then(pl.col("obstacle"))
    )
    reason = (
        pl.when(without & pl.col("obstacle").is_null())
        .then(pl.lit("no terms of supply fit the series"))
        .when(without & (pl.col("obstacle") == "invalid"))
        .then(pl.col(PROBLEM))
        .when(without)
        .then(no_deliveries)
    )
    return joined.with_columns(
        reason=pl.coalesce("reason", reason), status=pl.coalesce("status", status)
    ).drop("obstacle", PROBLEM, "first_supplier")


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
    placed = several.with_columns(pl.int_range(pl.len()).over(keys).alias(_PLACE))
    series = (
        placed.select(keys)
        .unique(maintain_order=True)
        .with_row_index(_SERIES)
        .join(lines.select(*keys, "forecast_row"), on=keys, how="left", maintain_order="left")
    )
    placed = placed.join(series.select(*keys, _SERIES), on=keys, how="left", maintain_order="left")
    shape = (series.height, int(placed[_PLACE].max()) + 1)  # type: ignore[arg-type]
    at = (placed[_SERIES].to_numpy(), placed[_PLACE].to_numpy())

    def filled(name: str, default: float) -> FloatArray:
        values = np.full(shape, default)
        values[at] = placed[name].fill_null(default).to_numpy()
        return values

    supplier = np.full(shape, -1, np.int64)
    supplier[at] = placed["lead_time_row"].to_numpy()
    offers = Candidates(
        supplier=supplier,
        unit_cost=filled("unit_cost", 0.0),
        order_cost=filled("order_cost", 0.0),
        review_period=filled("review_period", 1.0),
        moq=filled("moq", 0.0),
        pack_size=filled("pack_size", 1.0),
    )
    row = series["forecast_row"].fill_null(-1).to_numpy()
    mean, variance = (np.where(row >= 0, one[row], 0.0) for one in (demand.mean, demand.variance))
    choice = choose_suppliers(ItemDemand(mean, variance), offers, lead_times.pmf, rates=rates)
    names = lead_times.keys["supplier"].to_list()
    words = choice_table(choice, offers, items=[""] * series.height, suppliers=names)
    picked = pl.DataFrame(
        {
            _SERIES: np.arange(series.height, dtype=np.uint32),
            _PLACE: np.maximum(choice.place, 0),
            "supplier_reason": words["reason"],
        }
    )
    return placed.join(picked, on=[_SERIES, _PLACE], how="inner").drop(_SERIES, _PLACE)
