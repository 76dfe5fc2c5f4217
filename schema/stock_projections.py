"""Projected stock of a few series, for pictures: `PROPOSAL_PROJECTIONS_FILE`."""

from __future__ import annotations

from typing import Literal

from demandcast.schema.config.base import Section

__all__ = ["StockProjection", "StockProjections"]


class StockProjection(Section):
    """What is to be expected of the stock of one series.

    Attributes:
        series: Series key, column by column.
        why: Why it was chosen.
        status: Of its line.
        reason: Of its line.
        order_quantity: To order now, units.
        due_date: Of that order, ISO date; None if unknown.
        interval_end: Last period of the protection interval at its mean, ISO date.
        base_stock_level: Units that stock, what is on order and the order are raised to.
        available: On hand and not reserved in the evening of the cutoff, units.
        cutoff: Last known period, ISO date.
        timestamps: Starts of the periods after it, ISO dates. Shape [H].
        levels: Of the quantiles. Shape [B].
        bands: Stock in the evening of each period with the order, units. Shape [H, B].
        without: Median of the same without it, units. Shape [H].
    """

    series: dict[str, str]
    why: Literal["riskiest", "overstocked", "typical"]
    status: str
    reason: str
    order_quantity: float
    due_date: str | None
    interval_end: str | None
    base_stock_level: float
    available: float
    cutoff: str
    timestamps: tuple[str, ...]
    levels: tuple[float, ...]
    bands: tuple[tuple[float, ...], ...]
    without: tuple[float, ...]


class StockProjections(Section):
    """What `PROPOSAL_PROJECTIONS_FILE` holds."""

    period_days: int
    projections: tuple[StockProjection, ...] = ()
