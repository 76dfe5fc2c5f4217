"""Charts of suppliers: how long they take, and whether they keep their word."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bokeh.models import NumeralTickFormatter, Range1d

from demandcast.components.reporting.plotting import (
    BLUE,
    INK,
    MUTED,
    ORANGE,
    VERMILION,
    add_tips,
    empty_chart,
    gaps,
)
from demandcast.components.reporting.words import Number, is_number

__all__ = ["SHOWN", "SupplierRow", "SuppliersPart", "lead_time_chart", "on_time_chart"]

SHOWN = 20
"""Suppliers that a chart shows: those with most deliveries."""

_ROW_HEIGHT = 26
_FRAME_HEIGHT = 70


@dataclass(frozen=True)
class SupplierRow:
    """One supplier; what is not known is None.

    Attributes:
        name: Its name.
        deliveries: How many arrived.
        mean: Mean lead time, periods.
        median: Half of the orders take no longer, periods.
        p90: Nine of ten take no longer, periods.
        p95: Nineteen of twenty take no longer, periods.
        quoted: Lead time that it quotes, periods.
        on_time_share: Share of deliveries on time.
        mean_days_late: Of the late ones, days.
        outliers: How many lead times lie far from the others.
        std: Standard deviation of lead times, periods.
        open_orders: How many are on their way.
        in_full_share: Share of received lines with the whole quantity.
        trend: By how much lead times grow in a year, periods.
        trend_error: Its standard error, periods.
        trend_shows: Whether it differs from 0 by a test at 5 %.
        cost: What varying lead times cost, currency units per period.
        far_lead_times: The outliers, periods.
    """

    name: str
    deliveries: int
    mean: Number
    median: Number
    p90: Number
    p95: Number
    quoted: Number
    on_time_share: Number
    mean_days_late: Number
    outliers: int
    std: Number = None
    open_orders: Number = None
    in_full_share: Number = None
    trend: Number = None
    trend_error: Number = None
    trend_shows: bool = False
    cost: Number = None
    far_lead_times: tuple[float, ...] = ()

    @property
    def arrow(self) -> str:
        """Says in a sign whether lead times grow longer or shorter; none where none shows."""
        if not self.trend_shows or not is_number(self.trend):
            return ""
        return "\N{UPWARDS ARROW}" if self.trend > 0 else "\N{DOWNWARDS ARROW}"


@dataclass(frozen=True)
class SuppliersPart:
    """What the page shows of suppliers.

    Attributes:
        period: A period in words, plural: days or weeks.
        rows: The suppliers; more than `SHOWN` are not drawn.
    """

    period: str
    rows: tuple[SupplierRow, ...]


def lead_time_chart(suppliers: SuppliersPart) -> Any:
    """Draws lead times of each supplier: median, range up to p90 and p95, quote, and outliers."""
    rows = [row for row in _largest(suppliers) if is_number(row.median)]
    plot = _chart_of(rows, "Lead time by supplier", axis=f"lead time, {suppliers.period}")
    source = {
        "supplier": [row.name for row in rows],
        "deliveries": [row.deliveries for row in rows],
        "outliers": [row.outliers for row in rows],
        **{
            name: gaps([getattr(row, name) for row in rows])
            for name in ("mean", "median", "p90", "p95", "quoted")
        },
    }
    for end, width, alpha in (("p95", 4, 0.35), ("p90", 10, 0.45)):
        plot.segment(
            "median",
            "supplier",
            end,
            "supplier",
            source=source,
            color=BLUE,
            line_width=width,
            line_alpha=alpha,
        )
    plot.scatter("median", "supplier", source=source, size=10, color=BLUE, name="points")
    plot.scatter("mean", "supplier", source=source, size=8, color=INK, marker="x", line_width=2)
    plot.scatter(
        "quoted", "supplier", source=source, size=9, color=VERMILION, marker="diamond_cross"
    )
    far = [(one, row.name) for row in rows for one in row.far_lead_times]
    plot.scatter(
        [lead_time for lead_time, _ in far],
        [name for _, name in far],
        size=8,
        line_color=ORANGE,
        fill_color=None,
        line_width=1.5,
        name="outliers",
    )
    add_tips(
        plot,
        [
            ("", "@supplier"),
            ("deliveries", "@deliveries"),
            ("median, mean", "@median{0.[0]}, @mean{0.[0]}"),
            ("90 %, 95 %", "@p90{0.[0]}, @p95{0.[0]}"),
            ("quoted", "@quoted{0.[0]}"),
            ("outliers", "@outliers"),
        ],
    )
    plot.x_range.start = 0
    return plot


def on_time_chart(suppliers: SuppliersPart) -> Any:
    """Draws the share of deliveries on time; late ones by more than a week stand out."""
    rows = [row for row in _largest(suppliers) if is_number(row.on_time_share)]
    plot = _chart_of(rows, "Deliveries on time by supplier", axis="share on time")
    plot.x_range = Range1d(0, 1)
    source = {
        "supplier": [row.name for row in rows],
        "share": gaps([row.on_time_share for row in rows]),
        "late": gaps([row.mean_days_late for row in rows]),
        "deliveries": [row.deliveries for row in rows],
        "colour": [ORANGE if _is_very_late(row) else BLUE for row in rows],
        "marker": ["triangle" if _is_very_late(row) else "circle" for row in rows],
    }
    plot.segment(
        0, "supplier", "share", "supplier", source=source, color="colour", line_width=6, alpha=0.5
    )
    plot.scatter(
        "share",
        "supplier",
        source=source,
        size=10,
        color="colour",
        marker="marker",
        name="points",
    )
    add_tips(
        plot,
        [
            ("", "@supplier"),
            ("on time", "@share{0.0%}"),
            ("days late when late", "@late{0.[0]}"),
            ("deliveries", "@deliveries"),
        ],
    )
    plot.xaxis.formatter = NumeralTickFormatter(format="0 %")
    return plot


def _largest(suppliers: SuppliersPart) -> list[SupplierRow]:
    """Takes those with most deliveries, of equal ones by name."""
    rows = sorted(suppliers.rows, key=lambda row: (-row.deliveries, row.name))
    return rows[:SHOWN]


def _chart_of(rows: Sequence[SupplierRow], title: str, *, axis: str) -> Any:
    """Makes an empty chart with a line of its own for each supplier, the first on top."""
    plot = empty_chart(
        title,
        x_axis_label=axis,
        height=_FRAME_HEIGHT + _ROW_HEIGHT * max(1, len(rows)),
        # Names may be equal where suppliers are told apart by more than their name.
        y_range=list(dict.fromkeys(row.name for row in reversed(rows))),
    )
    plot.ygrid.grid_line_color = None
    plot.yaxis.major_label_text_color = MUTED
    return plot


def _is_very_late(row: SupplierRow) -> bool:
    return math.isfinite(row.mean_days_late or 0.0) and (row.mean_days_late or 0.0) > 7
