"""The page of order proposals: read from the files beside their table, written there."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from demandcast.components.reporting.drawing import draw_orders_page
from demandcast.components.reporting.page_orders import OrdersPart
from demandcast.components.reporting.supplier_charts import SupplierRow, SuppliersPart
from demandcast.schema.artifact_names import (
    PROPOSAL_PROJECTIONS_FILE,
    PROPOSAL_SUMMARY_FILE,
    SUPPLIER_OUTLIERS_FILE,
    SUPPLIER_SCORECARD_FILE,
)
from demandcast.schema.proposal_summary import ProposalSummary
from demandcast.schema.stock_projections import StockProjections
from demandcast.schema.whole_file import write_whole

__all__ = ["ORDERS_PAGE_FILE", "read_orders_part", "write_orders_page"]

ORDERS_PAGE_FILE = "proposals.html"


def read_orders_part(folder: Path) -> OrdersPart:
    """Reads what a page shows of the proposals in a folder.

    Raises:
        FileNotFoundError: The summary or the projections are not there.
        ValueError: One of them is damaged.
    """
    summary = (folder / PROPOSAL_SUMMARY_FILE).read_bytes()
    stock = (folder / PROPOSAL_PROJECTIONS_FILE).read_bytes()
    known = ProposalSummary.model_validate_json(summary)
    return OrdersPart(
        known,
        StockProjections.model_validate_json(stock),
        _suppliers(folder, period_days=known.facts.period_days),
    )


def _suppliers(folder: Path, *, period_days: int) -> SuppliersPart | None:
    """Reads the scorecard of the suppliers, and what stands out; None without a scorecard.

    Proposals of an earlier release lack some of it.
    """
    if not (folder / SUPPLIER_SCORECARD_FILE).exists():
        return None
    text = {"supplier": pl.String}
    table = pl.read_csv(folder / SUPPLIER_SCORECARD_FILE, schema_overrides=text)
    outliers: dict[str, list[float]] = {}
    if (folder / SUPPLIER_OUTLIERS_FILE).exists():
        far = pl.read_csv(folder / SUPPLIER_OUTLIERS_FILE, schema_overrides=text)
        for name, lead_time in far.select("supplier", "lead_time").iter_rows():
            outliers.setdefault(name, []).append(lead_time)
    rows = tuple(
        SupplierRow(
            name=row["supplier"],
            deliveries=row["deliveries"],
            mean=row["lead_time_mean"],
            median=row["lead_time_p50"],
            p90=row["lead_time_p90"],
            p95=row["lead_time_p95"],
            quoted=row["quoted_lead_time"],
            on_time_share=row["on_time_share"],
            mean_days_late=row["mean_days_late"],
            outliers=row["outliers"],
            std=row.get("lead_time_std"),
            open_orders=row.get("open_orders"),
            in_full_share=row.get("in_full_share"),
            trend=row.get("trend_per_year"),
            trend_error=row.get("trend_standard_error"),
            trend_shows=bool(row.get("trend_distinguishable")),
            cost=row.get("cost_of_unreliability"),
            far_lead_times=tuple(outliers.get(row["supplier"], ())),
        )
        for row in table.iter_rows(named=True)
    )
    return SuppliersPart(period="days" if period_days == 1 else "weeks", rows=rows)


def write_orders_page(folder: Path, title: str) -> Path:
    """Draws the page of the proposals in a folder; the file is complete or not there.

    Args:
        folder: Of the proposals, with their summary and projections.
        title: Of the page, such as the name of the pipeline.

    Returns:
        The file, beside the table.

    Raises:
        FileNotFoundError: The summary or the projections are not there.
        ValueError: One of them is damaged.
    """
    file = folder / ORDERS_PAGE_FILE
    write_whole(file, draw_orders_page(read_orders_part(folder), title))
    return file
