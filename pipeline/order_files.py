"""Writes what a planner sees of order proposals, beside their table."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from demandcast.components.replenishment.projection_picks import project_picks, write_projections
from demandcast.components.replenishment.proposal_summary import summarise_proposals, write_summary
from demandcast.components.replenishment.proposing import Proposals
from demandcast.pipeline.orders_page import write_orders_page
from demandcast.schema.config import RunConfig
from demandcast.schema.proposal_summary import SummaryFacts

__all__ = ["summary_facts", "write_order_files"]


def write_order_files(
    proposals: Proposals,
    config: RunConfig,
    folder: Path,
    *,
    attributes: pl.DataFrame | None = None,
) -> Path:
    """Writes the summary, the projections and the page of proposals.

    Args:
        proposals: What is proposed.
        config: The run.
        folder: Of the proposals; it is there.
        attributes: Key columns, or some of them, and columns to group by beside those.

    Returns:
        The page.

    Raises:
        ContractError: The attributes have a key twice, or share no column with the series key.
    """
    summary = summarise_proposals(
        proposals.table,
        summary_facts(proposals, config),
        series_key=config.data.columns.series_key,
        attributes=attributes,
        terms=proposals.terms,
    )
    projections = project_picks(
        proposals.table,
        proposals.lines,
        computed=proposals.computed,
        order_quantity=proposals.order_quantity,
        sampler=proposals.sampler,
        frequency=config.forecast.frequency,
    )
    write_summary(summary, folder)
    write_projections(projections, folder)
    return write_orders_page(folder, config.name)


def summary_facts(proposals: Proposals, config: RunConfig) -> SummaryFacts:
    """Tells what the table of proposals does not; the currency is the configured one, or its own.

    Args:
        proposals: What is proposed.
        config: The run.
    """
    settings, service = config.replenishment, config.replenishment.service
    currencies = proposals.table["currency"].drop_nulls().mode().sort()
    own = str(currencies[0]) if currencies.len() else ""
    return SummaryFacts(
        period_days=1 if config.forecast.frequency == "D" else 7,
        horizon=proposals.lines.quantiles.shape[1],
        measure=service.measure,
        target=None if service.measure == "cost" else service.target,
        risk_bounds=(settings.risk.medium, settings.risk.high, settings.risk.critical),
        budget=settings.budget,
        currency=settings.currency or own,
        shadow_price=proposals.shadow_price,
    )
