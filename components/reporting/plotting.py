"""What the charts of the page share: colours, an empty chart, rules, gaps."""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from typing import Any

from bokeh.models import HoverTool, Span
from bokeh.plotting import figure

from demandcast.components.reporting.words import is_number

__all__ = [
    "BLUE",
    "COLOURS",
    "GREEN",
    "INK",
    "MUTED",
    "ORANGE",
    "PINK",
    "SKY",
    "VERMILION",
    "add_tips",
    "dates",
    "empty_chart",
    "gaps",
    "room",
    "rule",
]

BLUE, ORANGE, GREEN, PINK, SKY, VERMILION = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
)
INK, MUTED, GRID = "#1d2733", "#5b6875", "#e4e8ec"

COLOURS = {
    "blue": BLUE,
    "orange": ORANGE,
    "green": GREEN,
    "pink": PINK,
    "sky": SKY,
    "vermilion": VERMILION,
}
"""Colours of lines by the names that the style sheet has for them."""

_HEIGHT = 260
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"


def empty_chart(title: str, **options: Any) -> Any:
    """Makes an empty chart that is as wide as its place; its title is for screen readers."""
    plot = figure(
        height=options.pop("height", _HEIGHT),
        sizing_mode="stretch_width",
        min_width=120,
        tools="",
        toolbar_location=None,
        name=title,
        background_fill_color=None,
        border_fill_color=None,
        outline_line_color=None,
        **options,
    )
    plot.grid.grid_line_color = GRID
    plot.xgrid.grid_line_color = None
    for axis in plot.axis:
        axis.update(
            axis_line_color=GRID,
            major_tick_line_color=None,
            minor_tick_line_color=None,
            major_label_text_color=MUTED,
            axis_label_text_color=MUTED,
            axis_label_text_font_style="normal",
            axis_label_text_font_size="12px",
            major_label_text_font_size="12px",
            axis_label_text_font=_FONT,
            major_label_text_font=_FONT,
        )
    return plot


def add_tips(plot: Any, tooltips: Sequence[tuple[str, str]], **options: Any) -> None:
    """Shows values where the pointer is over a mark that is named `points`."""
    marks = [renderer for renderer in plot.renderers if renderer.name == "points"]
    plot.add_tools(HoverTool(tooltips=list(tooltips), renderers=marks, **options))


def rule(dimension: str, location: float, colour: str) -> Any:
    """Draws a dotted line across the chart."""
    return Span(
        dimension=dimension, location=location, line_color=colour, line_dash="dotted", line_width=2
    )


def room(values: Sequence[float | None]) -> tuple[float, float]:
    """Leaves a little room around values; a rule does not widen the range of a chart."""
    known = [value for value in values if is_number(value)]
    low, high = min(known), max(known)
    margin = 0.08 * (high - low or abs(high) or 1.0)
    return max(0.0, low - margin), high + margin


def dates(timestamps: Sequence[str]) -> list[datetime.datetime]:
    """Reads ISO dates."""
    return [datetime.datetime.fromisoformat(timestamp) for timestamp in timestamps]


def gaps(values: Sequence[float | None]) -> list[float]:
    """Turns what is missing into a gap of the line."""
    return [float(value) if is_number(value) else math.nan for value in values]
