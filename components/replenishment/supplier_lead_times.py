"""Lead times of all suppliers: from deliveries where there are some, otherwise as quoted."""

from __future__ import annotations

import dataclasses
import datetime

import numpy as np
import polars as pl

from demandcast.components.replenishment.delivery_history import HistorySettings, RefusedLines
from demandcast.components.replenishment.lead_time_distributions import (
    pmf_mean,
    pmf_quantiles,
    pmf_std,
    quoted_distributions,
)
from demandcast.components.replenishment.lead_times import (
    QUANTILE_LEVELS,
    LeadTimes,
    fit_lead_times,
)
from demandcast.components.replenishment.order_calendar import OrderMoment
from demandcast.components.replenishment.supplier_rows import supplier_rows
from demandcast.components.replenishment.supply_columns import PLACE, PROBLEM, clean_table
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
        Lead times; a supplier without deliveries has its quoted one, with the quoted spread
        (`quoted_distributions`), and none where the quote cannot be meant. Lines with a value that
        cannot be used are in `refused`.

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
        quotes = _quotes(suppliers, settings)
        quoted = quotes.select("supplier", "quoted_lead_time")
        fitted = _with_quoted_spread(fit_lead_times(good, settings, quoted=quoted), quotes)
    return dataclasses.replace(fitted, refused=(*_unreadable(lines), *fitted.refused))


def _unreadable(lines: pl.DataFrame) -> tuple[RefusedLines, ...]:
    """Counts lines with a value that cannot be used, by column.

    A day of arrival that cannot be read must not make an order one that is still on its way.
    """
    wrong = lines.filter(pl.col(PROBLEM).is_not_null())
    # "lead_times, line 2: received: got 'soon'; allowed: ..." is wrong in the same way as 'later'.
    parts = pl.col(PROBLEM).str.split_exact(": ", 2)
    grouped = (
        wrong.with_columns(
            column=parts.struct.field("field_1"),
            words=pl.col(PROBLEM).str.strip_prefix("lead_times, "),
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
            PLACE: pl.String(),
        }
    )


def _quotes(suppliers: pl.DataFrame, settings: HistorySettings) -> pl.DataFrame:
    """Turns quoted days into periods; one row per supplier."""
    length, before = settings.days_per_period, settings.days_before_placed
    days = (pl.col("quoted_lead_time_days") - 1e-9).ceil()
    waited = (days - before).clip(lower_bound=0) / length
    return supplier_rows(suppliers).select(
        "supplier",
        quoted_lead_time=waited.ceil().cast(pl.Int64),
        days=days,
        std="lead_time_std_days",
    )


def _with_quoted_spread(fitted: LeadTimes, quotes: pl.DataFrame) -> LeadTimes:
    """Spreads quoted lead times where a standard deviation is quoted too."""
    own = fitted.keys.join(quotes, on="supplier", how="left", maintain_order="left")
    days, std = (own[name].fill_null(0.0).to_numpy() for name in ("days", "std"))
    rows = np.flatnonzero((fitted.status == "quoted") & (std > 0))
    if not rows.size:
        return fitted
    gamma = quoted_distributions(
        days[rows],
        std[rows],
        days_per_period=fitted.settings.days_per_period,
        days_before_placed=fitted.settings.days_before_placed,
    )
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
