"""The charts of the page, drawn by Bokeh.

Colours are those of Okabe and Ito, which colour-blind readers tell apart; what matters also has
a shape or a word. `page.js` exchanges some of them on a dark screen.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from bokeh.models import (
    ColumnDataSource,
    DatetimeTickFormatter,
    FixedTicker,
    NumeralTickFormatter,
    Range1d,
)

from demandcast.components.reporting.page_judged import CoveragePart, DrawnForecast
from demandcast.components.reporting.page_trained import BacktestPart, TrainingPart, Trial
from demandcast.components.reporting.plotting import (
    BLUE,
    COLOURS,
    INK,
    MUTED,
    ORANGE,
    VERMILION,
    add_tips,
    dates,
    empty_chart,
    gaps,
    room,
    rule,
)
from demandcast.components.reporting.words import is_number

__all__ = [
    "BANDS",
    "FORECASTER_COLOURS",
    "FORECASTER_DASHES",
    "bands_of",
    "backtest_chart",
    "coverage_chart",
    "forecast_chart",
    "training_chart",
    "trials_chart",
]

BANDS = (0.9, 0.8, 0.5)
"""Central intervals that are drawn where the levels bound them, widest first."""

FORECASTER_COLOURS = {
    "demandcast": "blue",
    "seasonal_naive": "orange",
    "moving_average": "green",
    "croston": "pink",
}
"""Colours of the forecasters of a backtest, as the style sheet names them."""

FORECASTER_DASHES = {
    "demandcast": "solid",
    "seasonal_naive": "dashed",
    "moving_average": "dotdash",
    "croston": "dotted",
}
"""Dash patterns of their lines."""


def training_chart(training: TrainingPart) -> Any:
    """Draws the loss of each epoch on the training and the validation split."""
    validation = training.curves.get("val_weighted_quantile_loss", ())
    train = training.curves.get("weighted_quantile_loss", ())
    plot = empty_chart(
        "Weighted quantile loss by epoch",
        x_axis_label="epoch",
        y_axis_label="weighted quantile loss",
        height=300,
    )
    for name, values, colour, dash in (
        ("training windows", train, ORANGE, "dashed"),
        ("validation split", validation, BLUE, "solid"),
    ):
        if any(map(is_number, values)):
            source = {
                "x": list(range(1, len(values) + 1)),
                "y": gaps(values),
                "what": [name] * len(values),
            }
            plot.line(
                "x",
                "y",
                source=source,
                color=colour,
                line_width=2.5,
                line_dash=dash,
            )
            plot.scatter("x", "y", source=source, color=colour, size=6, name="points")
    if is_number(training.naive_loss):
        plot.add_layout(rule("width", training.naive_loss, VERMILION))
        plot.y_range.start, plot.y_range.end = room([*train, *validation, training.naive_loss])
    if training.best_epoch is not None:
        plot.add_layout(rule("height", training.best_epoch, MUTED))
    add_tips(plot, [("", "@what"), ("epoch", "@x"), ("loss", "@y{0.0000}")])
    plot.xaxis.ticker.min_interval = 1
    return plot


def forecast_chart(
    forecast: DrawnForecast, quantile_levels: Sequence[float], *, period_days: int
) -> Any:
    """Draws history, median, bands and actuals of one series.

    Args:
        forecast: What to draw.
        quantile_levels: Levels of its quantiles.
        period_days: Days of a period.
    """
    plot = empty_chart(
        f"Forecast of {forecast.series.name} from {forecast.cutoff}",
        x_axis_type="datetime",
        y_axis_label="units",
        height=230,
    )
    past, future = dates(forecast.past_timestamps), dates(forecast.timestamps)
    _mark_stockouts(
        plot, (*past, *future), (*forecast.past_in_stock, *forecast.in_stock), days=period_days
    )
    quantiles = np.asarray(forecast.quantiles, dtype=np.float64)
    for nominal, (low, high) in bands_of(quantile_levels).items():
        plot.varea(
            future,
            quantiles[:, low],
            quantiles[:, high],
            fill_color=BLUE,
            fill_alpha={0.9: 0.14, 0.8: 0.18, 0.5: 0.30}[nominal],
        )
    middle = int(np.argmin(np.abs(np.asarray(quantile_levels) - 0.5)))
    plot.line(future, quantiles[:, middle], color=BLUE, line_width=2.5)
    sold = gaps([*forecast.past, *forecast.actual])
    source = ColumnDataSource({"x": [*past, *future], "y": sold})
    plot.line("x", "y", source=source, color=INK, line_width=1.2)
    points = {
        "x": future,
        "y": sold[len(past) :],
        "median": quantiles[:, middle],
        "low": quantiles[:, 0],
        "high": quantiles[:, -1],
    }
    plot.scatter("x", "y", source=points, size=4, color=INK, name="points")
    plot.add_layout(rule("height", _milliseconds(forecast.cutoff, period_days), MUTED))
    add_tips(
        plot,
        [
            ("", "@x{%F}"),
            ("sold", "@y{0.[0]}"),
            ("median", "@median{0.[0]}"),
            ("widest band", "@low{0.[0]} to @high{0.[0]}"),
        ],
        formatters={"@x": "datetime"},
        mode="vline",
    )
    plot.y_range.start = min(0.0, *(value for value in sold if is_number(value)), 0.0)
    plot.xaxis.formatter = DatetimeTickFormatter(days="%d %b", months="%b %Y", years="%Y")
    plot.xaxis.ticker.desired_num_ticks = 3
    return plot


def coverage_chart(coverage: CoveragePart) -> Any:
    """Draws how often demand came out below each quantile, against how often it should."""
    plot = empty_chart(
        "Share of demand below each quantile against its level",
        x_axis_label="quantile level",
        y_axis_label="share of demand below",
        height=340,
    )
    plot.x_range, plot.y_range = Range1d(0, 1), Range1d(0, 1)
    plot.line(
        [0, 1],
        [0, 1],
        color=MUTED,
        line_dash="dashed",
    )
    rows = [one for one in coverage.levels if is_number(one.below) and is_number(one.at_or_below)]
    source = ColumnDataSource(
        {
            "level": [one.level for one in rows],
            "below": [one.below for one in rows],
            "at_or_below": [one.at_or_below for one in rows],
        }
    )
    plot.segment(
        "level",
        "below",
        "level",
        "at_or_below",
        source=source,
        color=BLUE,
        line_width=7,
        line_alpha=0.35,
    )
    for side in ("below", "at_or_below"):
        plot.scatter(
            "level",
            side,
            source=source,
            size=8,
            color=BLUE,
            marker="circle" if side == "below" else "dash",
            name="points" if side == "below" else side,
            line_width=3,
        )
    add_tips(
        plot,
        [
            ("level", "@level{0.0%}"),
            ("below", "@below{0.0%}"),
            ("at or below", "@at_or_below{0.0%}"),
        ],
    )
    plot.axis.formatter = NumeralTickFormatter(format="0 %")
    plot.axis.ticker = FixedTicker(ticks=[0, 0.25, 0.5, 0.75, 1])
    return plot


def trials_chart(trials: Sequence[Trial], objective: str) -> Any:
    """Draws the score of each trial, and the best so far."""
    plot = empty_chart("Score by trial", x_axis_label="trial", y_axis_label=objective, height=260)
    numbered = [
        (position, trial) for position, trial in enumerate(trials, 1) if is_number(trial.score)
    ]
    x = [position for position, _ in numbered]
    y = np.array([trial.score for _, trial in numbered], dtype=np.float64)
    source = {"x": x, "y": y, "name": [trial.name for _, trial in numbered]}
    plot.scatter("x", "y", source=source, size=9, color=BLUE, alpha=0.8, name="points")
    if len(y):
        plot.step(
            x,
            np.minimum.accumulate(y),
            mode="after",
            color=VERMILION,
            line_width=2,
        )
    plot.xaxis.ticker.min_interval = 1
    add_tips(plot, [("trial", "@name"), ("score", "@y{0.0000}")])
    return plot


def backtest_chart(backtest: BacktestPart, metric: str) -> Any:
    """Draws a metric by cutoff, a line for each forecaster, overall."""
    plot = empty_chart(
        f"{metric} by cutoff",
        x_axis_label="cutoff",
        y_axis_label=metric.replace("_", " "),
        height=300,
        x_range=list(backtest.cutoffs),
    )
    values: dict[str, dict[str, float | None]] = {}
    for row in backtest.rows:
        if row.slice == "overall" and row.cutoff in backtest.cutoffs:
            values.setdefault(row.forecaster, {})[row.cutoff] = row.metrics.get(metric)
    for name, by_cutoff in values.items():
        source = {
            "x": list(backtest.cutoffs),
            "y": gaps([by_cutoff.get(cutoff) for cutoff in backtest.cutoffs]),
            "what": [name] * len(backtest.cutoffs),
        }
        colour = COLOURS[FORECASTER_COLOURS.get(name, "sky")]
        plot.line(
            "x",
            "y",
            source=source,
            color=colour,
            line_width=2.5 if name == "demandcast" else 1.8,
            line_dash=FORECASTER_DASHES.get(name, "dotted"),
        )
        plot.scatter("x", "y", source=source, color=colour, size=6, name="points")
    add_tips(plot, [("", "@what"), ("cutoff", "@x"), ("", "@y{0.0000}")])
    plot.y_range.start = 0
    plot.xaxis.major_label_orientation = 0.6 if len(backtest.cutoffs) > 4 else 0.0
    return plot


def bands_of(quantile_levels: Sequence[float]) -> dict[float, tuple[int, int]]:
    """Finds the quantiles that bound each band of `BANDS`; bands without both are left out.

    >>> bands_of([0.05, 0.25, 0.5, 0.75, 0.95])
    {0.9: (0, 4), 0.5: (1, 3)}
    """
    found = {}
    for nominal in BANDS:
        ends = [_position(quantile_levels, (1 + sign * nominal) / 2) for sign in (-1, 1)]
        if None not in ends:
            found[nominal] = (ends[0], ends[1])
    return found  # type: ignore[return-value]


def _position(levels: Sequence[float], level: float) -> int | None:
    return next(
        (at for at, one in enumerate(levels) if math.isclose(one, level, abs_tol=1e-6)), None
    )


def _mark_stockouts(
    plot: Any, periods: Sequence[datetime.datetime], in_stock: Sequence[float], *, days: int
) -> None:
    """Shades the periods in which the shelf was not full all the time."""
    half = datetime.timedelta(days=days) / 2
    marked = [date for date, share in zip(periods, in_stock, strict=True) if share < 0.999]
    if marked:
        plot.vstrip(
            x0=[date - half for date in marked],
            x1=[date + half for date in marked],
            fill_color=ORANGE,
            fill_alpha=0.22,
            line_color=None,
        )


def _milliseconds(cutoff: str, period_days: int) -> float:
    """Returns the middle between the cutoff and the first period that is forecast."""
    moment = datetime.datetime.fromisoformat(cutoff) + datetime.timedelta(days=period_days) / 2
    return moment.replace(tzinfo=datetime.UTC).timestamp() * 1000
