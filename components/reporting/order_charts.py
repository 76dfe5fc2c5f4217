"""Charts of order proposals: projected stock, risk by class, order value by supplier."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

import numpy as np
from bokeh.models import DatetimeTickFormatter, FactorRange, NumeralTickFormatter
from bokeh.transform import dodge

from demandcast.components.reporting.charts import bands_of
from demandcast.components.reporting.plotting import (
    BLUE,
    GREEN,
    INK,
    MUTED,
    ORANGE,
    VERMILION,
    add_tips,
    dates,
    empty_chart,
    rule,
)
from demandcast.schema.proposal_summary import RiskCount, SupplierSummary
from demandcast.schema.stock_projections import StockProjection

__all__ = ["SHOWN", "order_value_chart", "risk_chart", "stock_chart"]

SHOWN = 15
"""Suppliers that a chart shows: those with the largest orders."""

_ROW_HEIGHT = 26
_FRAME_HEIGHT = 70
_HIGHEST_LEVEL = 3
"""Times the highest stock up to which a base-stock level is in the picture."""

_BAND_ALPHAS = {0.9: 0.14, 0.8: 0.18, 0.5: 0.30}


def stock_chart(projection: StockProjection, *, period_days: int) -> Any:
    """Draws the stock of the evenings to come: bands and median with the order, median without.

    Args:
        projection: What to draw; begins with the stock in the evening of the cutoff.
        period_days: Days of a period.
    """
    plot = empty_chart(
        f"Projected stock of {', '.join(projection.series.values())}",
        x_axis_type="datetime",
        y_axis_label="units in the evening",
        height=240,
    )
    highest = _draw_stock(plot, projection)
    _mark_days(plot, projection, period_days)
    plot.add_layout(rule("width", projection.base_stock_level, VERMILION))
    _tell_stock(plot)
    # A rule does not widen the range; a level far above would leave nothing to see of the stock.
    level = min(projection.base_stock_level, _HIGHEST_LEVEL * highest)
    plot.y_range.start = 0
    plot.y_range.end = 1.08 * max(highest, level, 1.0)
    return plot


def _draw_stock(plot: Any, projection: StockProjection) -> float:
    """Draws bands and medians from the evening of the cutoff on; returns the highest value."""
    evenings = dates([projection.cutoff, *projection.timestamps])
    start = max(projection.available, 0.0)
    levels = np.asarray(projection.levels)
    bands = np.vstack([np.full((1, levels.size), start), *projection.bands])
    without = np.array([start, *projection.without])
    for nominal, (low, high) in bands_of(projection.levels).items():
        plot.varea(
            evenings,
            bands[:, low],
            bands[:, high],
            fill_color=BLUE,
            fill_alpha=_BAND_ALPHAS[nominal],
        )
    if projection.order_quantity > 0:  # Otherwise both are the same.
        plot.line(evenings, without, color=ORANGE, line_width=2, line_dash="dashed")
    points = {
        "x": evenings,
        "y": bands[:, int(np.argmin(np.abs(levels - 0.5)))],
        "low": bands[:, 0],
        "high": bands[:, -1],
        "without": without,
    }
    plot.line("x", "y", source=points, color=BLUE, line_width=2.5)
    plot.scatter("x", "y", source=points, size=4, color=BLUE, name="points")
    return float(bands.max())


def _mark_days(plot: Any, projection: StockProjection, period_days: int) -> None:
    """Marks when the order arrives and when the protection interval ends, where they are seen.

    A delivery comes before opening: after the evening before it, where the stock begins to rise.
    """
    half = datetime.timedelta(days=period_days) / 2
    end = projection.timestamps[-1] if projection.timestamps else projection.cutoff
    if projection.due_date and projection.order_quantity > 0 and projection.due_date <= end:
        plot.add_layout(rule("height", _milliseconds(projection.due_date, -half), GREEN))
    if projection.interval_end and projection.interval_end <= end:
        plot.add_layout(rule("height", _milliseconds(projection.interval_end, half), MUTED))


def _tell_stock(plot: Any) -> None:
    """Says numbers under the pointer."""
    add_tips(
        plot,
        [
            ("evening of", "@x{%F}"),
            ("median", "@y{0.[0]}"),
            ("widest band", "@low{0.[0]} to @high{0.[0]}"),
            ("without the order", "@without{0.[0]}"),
        ],
        formatters={"@x": "datetime"},
        mode="vline",
    )
    plot.xaxis.formatter = DatetimeTickFormatter(days="%d %b", months="%b %Y", years="%Y")
    plot.xaxis.ticker.desired_num_ticks = 3


def risk_chart(classes: Sequence[RiskCount]) -> Any:
    """Draws lines by risk class, with their orders and without."""
    names = [one.name for one in classes]
    plot = empty_chart(
        "Lines by stockout risk class",
        x_axis_label="stockout risk class",
        y_axis_label="lines",
        x_range=FactorRange(*names),
        height=280,
    )
    for what, values, shift, colour in (
        ("without orders", [one.lines_without for one in classes], -0.2, ORANGE),
        ("with orders", [one.lines for one in classes], 0.2, BLUE),
    ):
        plot.vbar(
            x=dodge("name", shift, range=plot.x_range),
            top="lines",
            width=0.36,
            source={"name": names, "lines": values, "what": [what] * len(names)},
            fill_color=colour,
            line_color=None,
            name="points",
        )
    add_tips(plot, [("", "@name, @what"), ("lines", "@lines{0,0}")])
    plot.y_range.start = 0
    plot.yaxis.formatter = NumeralTickFormatter(format="0,0")
    plot.yaxis.ticker.min_interval = 1
    return plot


def order_value_chart(suppliers: Sequence[SupplierSummary], currency: str) -> Any:
    """Draws the order value of the largest suppliers, the largest on top."""
    shown = suppliers[:SHOWN]
    names = [one.name or "not named" for one in shown]
    label = f"order value, {currency}" if currency else "order value"
    plot = empty_chart(
        "Order value by supplier",
        x_axis_label=label,
        y_range=FactorRange(*dict.fromkeys(reversed(names))),
        height=_FRAME_HEIGHT + _ROW_HEIGHT * max(1, len(shown)),
    )
    plot.hbar(
        y="name",
        right="value",
        height=0.6,
        source={
            "name": names,
            "value": [one.order_value for one in shown],
            "orders": [one.orders for one in shown],
        },
        fill_color=BLUE,
        line_color=None,
        name="points",
    )
    add_tips(plot, [("", "@name"), ("value", "@value{0,0}"), ("orders", "@orders{0,0}")])
    plot.ygrid.grid_line_color = None
    plot.yaxis.major_label_text_color = INK
    plot.x_range.start = 0
    plot.xaxis.formatter = NumeralTickFormatter(format="0,0")
    plot.xaxis.ticker.desired_num_ticks = 4
    return plot


def _milliseconds(date: str, later: datetime.timedelta) -> float:
    moment = datetime.datetime.fromisoformat(date) + later
    return moment.replace(tzinfo=datetime.UTC).timestamp() * 1000
