"""The page of order proposals: read from the files beside their table, written there."""

from __future__ import annotations

from pathlib import Path

from demandcast.components.reporting.drawing import draw_orders_page
from demandcast.components.reporting.page_orders import OrdersPart
from demandcast.schema.artifact_names import PROPOSAL_PROJECTIONS_FILE, PROPOSAL_SUMMARY_FILE
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
    return OrdersPart(
        ProposalSummary.model_validate_json(summary), StockProjections.model_validate_json(stock)
    )


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
