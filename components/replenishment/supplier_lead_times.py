"""Lead times of all suppliers: from deliveries where there are some, otherwise as quoted."""

from __future__ import annotations

import dataclasses
import datetime

import numpy as np
import polars as pl

from demandcast.components.replenishment.delivery_history import HistorySettings, RefusedLines
from demandcast.components.replenishment.lead_time_distributions import (
    discretised_gamma,
    pmf_mean,
    pmf_quantiles,
    pmf_std,
)
from demandcast.components.replenishment.lead_times import (
    QUANTILE_LEVELS,
    LeadTimes,
    fit_lead_times,
)
from demandcast.components.replenishment.order_calendar import OrderMoment
from demandcast.components.replenishment.supply_columns import PROBLEM, clean_table
from demandcast.schema.periods import Frequency

__all__ = ["lead_times_of"]

_ROWS_SHOWN = 3


def lead_times_of(
    deliveries: pl.DataFrame | None,
    suppliers: pl.DataFrame | None,
    *,
    cutoff: datetime.date,
    frequency: Frequency,
    order_moment: OrderMoment,
) -> LeadTimes:
    """Fits lead times as they could be known in the evening of the cutoff.

    Args:
        deliveries: Table `lead_times`; None without one.
        suppliers: Table `suppliers`; None without one.
        cutoff: Last known period.
        frequency: Of the periods.
        order_moment: When on its day an order is placed.

    Returns:
        Lead times; a supplier without deliveries has its quoted one, with the quoted spread. Lines
        with a value that cannot be used are in `refused`.

    Raises:
        ContractError: A table lacks a column.
    """
    length = 1 if frequency == "D" else 7
    as_of = cutoff + datetime.timedelta(days=length - 1)
    settings = HistorySettings(frequency, order_moment, as_of=as_of)
    lines = _no_lines() if deliveries is None else clean_table(deliveries, "lead_times", keys=[])
    good = lines.filter(pl.col(PROBLEM).is_null()).drop(PROBLEM)
    if suppliers is None:
        fitted = fit_lead_times(good, settings)
    else:
        quotes = _quotes(suppliers, length=length, placed_late=order_moment == "after_close")
        quoted = quotes.select("supplier", "quoted_lead_time")
        fitted = _with_quoted_spread(fit_lead_times(good, settings, quoted=quoted), quotes)
    return dataclasses.replace(fitted, refused=(*_unreadable(lines), *fitted.refused))


def _unreadable(lines: pl.DataFrame) -> tuple[RefusedLines, ...]:
    """Counts lines with a value that cannot be used, by column.

    A day of arrival that cannot be read must not make an order one that is still on its way.
    """
    wrong = lines.with_row_index("row").filter(pl.col(PROBLEM).is_not_null())
    # "lead_times: received: got 'soon'; allowed: ..." is wrong in the same way as 'later'.
    parts = pl.col(PROBLEM).str.split_exact(": ", 2)
    grouped = (
        wrong.with_columns(
            column=parts.struct.field("field_1"),
            words=pl.format("row {}: {}", "row", pl.col(PROBLEM).str.strip_prefix("lead_times: ")),
        )
        .group_by("column", maintain_order=True)
        .agg(pl.len().alias("count"), pl.col("words").head(_ROWS_SHOWN))
    )
    return tuple(
        RefusedLines(f"{column} cannot be used", count, tuple(words))
        for column, count, words in grouped.iter_rows()
    )


def _no_lines() -> pl.DataFrame:
    return pl.DataFrame(
        schema={
            "supplier": pl.String(),
            "ordered": pl.Date(),
            "received": pl.Date(),
            PROBLEM: pl.String(),
        }
    )


def _quotes(suppliers: pl.DataFrame, *, length: int, placed_late: bool) -> pl.DataFrame:
    """Turns quoted days into periods; one row per supplier."""
    rows = clean_table(suppliers, "suppliers", keys=[]).unique(
        "supplier", keep="first", maintain_order=True
    )
    waited = (pl.col("quoted_lead_time_days") - int(placed_late)).clip(lower_bound=0) / length
    return rows.filter(pl.col("supplier").is_not_null()).select(
        "supplier",
        quoted_lead_time=(waited - 1e-9).ceil().cast(pl.Int64),
        spread=pl.col("lead_time_std_days") / length,
    )


def _with_quoted_spread(fitted: LeadTimes, quotes: pl.DataFrame) -> LeadTimes:
    """Spreads quoted lead times where a standard deviation is quoted too."""
    own = fitted.keys.with_row_index("row").join(quotes, on="supplier", how="left")
    own = own.sort("row")
    spread = own["spread"].fill_null(0.0).to_numpy()
    rows = np.flatnonzero((fitted.status == "quoted") & (spread > 0))
    if not rows.size:
        return fitted
    gamma = discretised_gamma(fitted.quoted[rows], spread[rows])
    width = max(gamma.shape[1], fitted.pmf.shape[1])
    pmf = np.pad(fitted.pmf, ((0, 0), (0, width - fitted.pmf.shape[1])))
    # A row without any lead time stays unknown in the columns that were added.
    pmf[np.isnan(pmf[:, 0])] = np.nan
    pmf[rows] = np.pad(gamma, ((0, 0), (0, width - gamma.shape[1])))
    return dataclasses.replace(
        fitted,
        pmf=pmf,
        mean=pmf_mean(pmf),
        std=pmf_std(pmf),
        quantiles=pmf_quantiles(pmf, QUANTILE_LEVELS),
        pooled_pmf=np.pad(fitted.pooled_pmf, (0, width - fitted.pooled_pmf.size)),
    )
