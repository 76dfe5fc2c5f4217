"""Draws the page: one HTML file with all that it needs, and nothing from elsewhere."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jinja2
from bokeh.core.validation import silence
from bokeh.core.validation.warnings import MISSING_RENDERERS
from bokeh.embed import components
from bokeh.resources import Resources

from demandcast.components.reporting import charts, order_charts, words
from demandcast.components.reporting.answers import Answer, answers, figures
from demandcast.components.reporting.order_answers import (
    order_figures,
    orders_answer,
    orders_headline,
)
from demandcast.components.reporting.page import RunPage
from demandcast.components.reporting.page_orders import OrdersPart
from demandcast.components.reporting.page_simulation import OURS, UNAIMED, SimulationPart
from demandcast.components.reporting.page_transfers import (
    ROWS_SHOWN,
    TransfersPart,
    transfer_figures,
    transfer_headline,
)
from demandcast.components.reporting.replenishment_charts import cost_service_chart, policy_legend
from demandcast.components.reporting.simulation_answers import (
    simulation_assumptions,
    simulation_figures,
    simulation_headline,
)
from demandcast.components.reporting.supplier_charts import lead_time_chart, on_time_chart
from demandcast.components.reporting.words import is_number
from demandcast.schema.proposal_table import STATUSES

__all__ = [
    "PARTS",
    "draw_orders_page",
    "draw_page",
    "draw_simulation_page",
    "draw_transfers_page",
]

PARTS: Mapping[str, str] = {
    "gate": "Gate",
    "orders": "Orders",
    "slices": "Slices",
    "forecasts": "Forecasts",
    "coverage": "Coverage",
    "changes": "What changed",
    "data": "Data",
    "training": "Training",
    "tuning": "Tuning",
    "backtest": "Backtest",
    "stages": "Stages",
    "lineage": "Lineage",
}
"""Parts of the page in their order, with their titles; each has its name as an anchor."""

_OPTIONAL = ("tuning", "backtest")
_SLICES_SHOWN = 30
_BACKTEST_METRICS = ("weighted_quantile_loss", "wape", "bias", "mase", "coverage_80", "coverage_90")


@dataclass(frozen=True)
class _Drawn:
    """Charts of a page.

    Attributes:
        script: Makes them; empty without any.
        places: Where each stands, by its name.
        library: The one copy of Bokeh that they need; empty without any.
    """

    script: str
    places: Mapping[str, str]
    library: str


def draw_page(page: RunPage) -> str:
    """Draws the page of a run.

    Args:
        page: What it shows.

    Returns:
        HTML that needs no other file and no network.
    """
    drawn = _draw_charts(page)
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            page=page,
            parts=_parts_of(page),
            answers=_answers(page),
            figures=figures(page),
            drawn=drawn,
            slices_shown=_SLICES_SHOWN,
            backtest_metrics=_BACKTEST_METRICS,
            forecaster_colours=charts.FORECASTER_COLOURS,
            forecaster_dashes=charts.FORECASTER_DASHES,
            bands=charts.bands_of(page.forecasts.quantile_levels) if page.forecasts else {},
            **_order_words(page.orders),
        )
    )


def draw_orders_page(part: OrdersPart, title: str = "Order proposals") -> str:
    """Draws order proposals as a page of their own, for a planner.

    Args:
        part: What it shows; the same as the part of a run's page.
        title: Of the page, such as the name of the pipeline.

    Returns:
        HTML that needs no other file and no network.
    """
    return (
        _environment()
        .get_template("orders_page.html.j2")
        .render(
            page={"orders": part, "headline": orders_headline(part)},
            title=title,
            drawn=_draw_plots(_order_plots(part)),
            **_order_words(part),
        )
    )


def draw_simulation_page(part: SimulationPart, title: str = "Simulation") -> str:
    """Draws a simulation of policies as a page of its own.

    Args:
        part: What it shows.
        title: Of the page, such as the name of the pipeline.

    Returns:
        HTML that needs no other file and no network.
    """
    return (
        _environment()
        .get_template("simulation_page.html.j2")
        .render(
            page={"simulation": part, "headline": simulation_headline(part), "orders": None},
            title=title,
            ours=OURS,
            drawn=_draw_plots(_simulation_plots(part)),
            policy_entries=policy_legend(part.policies),
            simulation_figures=simulation_figures(part),
            simulation_assumptions=simulation_assumptions(part),
        )
    )


def draw_transfers_page(part: TransfersPart, title: str = "Allocation") -> str:
    """Draws an allocation as a page of its own.

    Args:
        part: What it shows.
        title: Of the page, such as the name of the pipeline.

    Returns:
        HTML that needs no other file and no network.
    """
    return (
        _environment()
        .get_template("transfers_page.html.j2")
        .render(
            page={"transfers": part, "headline": transfer_headline(part)},
            title=title,
            figures=transfer_figures(part),
            shown=ROWS_SHOWN,
        )
    )


def _answers(page: RunPage) -> tuple[Answer, ...]:
    return (*answers(page), *([orders_answer(page.orders)] if page.orders else []))


def _order_words(part: OrdersPart | None) -> dict[str, Any]:
    """What the section of orders needs beside the part."""
    return {
        "order_figures": order_figures(part) if part else (),
        "orders_target": orders_headline(part).remarks if part else (),
        "status_meanings": STATUSES,
    }


def _parts_of(page: RunPage) -> dict[str, str]:
    """Takes the parts to show, with their titles; what the run did not get to comes last."""
    there = {name: title for name, title in PARTS.items() if getattr(page, name) is not None}
    absent = {name: title for name, title in PARTS.items() if name not in (*there, *_OPTIONAL)}
    return there | absent


@functools.cache
def _environment() -> jinja2.Environment:
    """Makes the templates' environment; what is shown is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        name: getattr(words, name)
        for name in (
            "count",
            "duration",
            "memory",
            "metric_title",
            "money",
            "number",
            "percent",
            "several",
            "units",
        )
    }
    environment.filters["signed_percent"] = words.signed_percent
    environment.tests["a_number"] = words.is_number
    return environment


def _draw_charts(page: RunPage) -> _Drawn:
    """Draws all charts of a page."""
    return _draw_plots(_plots(page))


def _draw_plots(plots: Mapping[str, Any]) -> _Drawn:
    """Writes charts with one script."""
    if not plots:
        return _Drawn("", {}, "")
    silence(MISSING_RENDERERS, True)  # A chart of nothing but missing values is an empty chart.
    script, places = components(dict(plots), wrap_script=False)
    resources = Resources(mode="inline", components=["bokeh"])
    return _Drawn(
        script=_script(script),
        places=places,
        library=_script("\n".join(resources.js_raw)),
    )


def _plots(page: RunPage) -> dict[str, Any]:
    plots: dict[str, Any] = {}
    if page.forecasts:
        for position, forecast in enumerate(page.forecasts.forecasts):
            plots[f"forecast_{position}"] = charts.forecast_chart(
                forecast,
                page.forecasts.quantile_levels,
                period_days=page.forecasts.period_days,
            )
    if page.coverage and page.coverage.levels:
        plots["coverage"] = charts.coverage_chart(page.coverage)
    if page.training and page.training.curves:
        plots["training"] = charts.training_chart(page.training)
    if page.tuning and page.tuning.trials:
        plots["trials"] = charts.trials_chart(page.tuning.trials, page.tuning.objective)
    if page.backtest and page.backtest.rows:
        for metric in ("weighted_quantile_loss", "wape"):
            plots[f"backtest_{metric}"] = charts.backtest_chart(page.backtest, metric)
    return plots | (_order_plots(page.orders) if page.orders else {})


def _order_plots(part: OrdersPart) -> dict[str, Any]:
    summary, stock = part.summary, part.stock
    plots: dict[str, Any] = {
        f"stock_{position}": order_charts.stock_chart(one, period_days=stock.period_days)
        for position, one in enumerate(stock.projections)
    }
    if summary.totals.computed:
        plots["risk_classes"] = order_charts.risk_chart(summary.risk_classes)
    rows = part.suppliers.rows if part.suppliers else ()
    if part.suppliers and any(is_number(row.median) for row in rows):
        plots["lead_times"] = lead_time_chart(part.suppliers)
    if part.suppliers and any(is_number(row.on_time_share) for row in rows):
        plots["on_time"] = on_time_chart(part.suppliers)
    if summary.suppliers:
        plots["order_value"] = order_charts.order_value_chart(
            summary.suppliers, summary.facts.currency
        )
    return plots


def _simulation_plots(part: SimulationPart) -> dict[str, Any]:
    if not part.rows:
        return {}
    rows = part.rows
    chart = cost_service_chart(
        [row.title for row in rows],
        service=[row.cycle_service_level for row in rows],
        cost=[row.operating_cost for row in rows],
        targets=[None if row.policy in UNAIMED else row.target for row in rows],
        cost_label=f"cost, {part.currency}" if part.currency else "cost",
    )
    return {"cost_service": chart}


def _script(code: str) -> str:
    """Makes code safe inside of a script element, which ends at the first closing tag."""
    return code.replace("</script", "<\\/script").replace("<!--", "<\\!--")
