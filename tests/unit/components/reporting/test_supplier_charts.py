import math

import pytest
from bokeh.embed import components
from bokeh.models import GlyphRenderer

from demandcast.components.reporting import plotting
from demandcast.components.reporting.supplier_charts import (
    SHOWN,
    SupplierRow,
    SuppliersPart,
    lead_time_chart,
    on_time_chart,
)


def row(name, **changes):
    values = {
        "deliveries": 10,
        "mean": 4.5,
        "median": 4.0,
        "p90": 7.0,
        "p95": 9.0,
        "quoted": 5.0,
        "on_time_share": 0.75,
        "mean_days_late": 2.0,
        "outliers": 1,
    } | changes
    return SupplierRow(name=name, **values)


def source_of(plot, kind):
    (found,) = [
        renderer
        for renderer in plot.renderers
        if isinstance(renderer, GlyphRenderer)
        and type(renderer.glyph).__name__ == kind
        and renderer.name == "points"
    ]
    return found.data_source.data


def test_lead_times_are_drawn_with_their_ranges():
    part = SuppliersPart("days", (row("a"), row("b", deliveries=20, quoted=None)))
    plot = lead_time_chart(part)
    drawn = source_of(plot, "Scatter")
    # Most deliveries first, and on top.
    assert drawn["supplier"] == ["b", "a"]
    assert plot.y_range.factors == ["a", "b"]
    assert drawn["p95"] == [9.0, 9.0]
    assert math.isnan(drawn["quoted"][0])
    assert drawn["quoted"][1] == 5.0
    assert plot.xaxis.axis_label == "lead time, days"
    assert plot.x_range.start == 0


def test_suppliers_without_a_lead_time_or_a_promise_are_left_out():
    part = SuppliersPart(
        "weeks", (row("a", median=None), row("b", on_time_share=math.nan), row("c"))
    )
    assert source_of(lead_time_chart(part), "Scatter")["supplier"] == ["b", "c"]
    assert source_of(on_time_chart(part), "Scatter")["supplier"] == ["a", "c"]


def test_suppliers_that_are_late_by_more_than_a_week_have_a_colour_and_a_shape():
    part = SuppliersPart(
        "days",
        (row("a", mean_days_late=8.0), row("b", mean_days_late=7.0), row("c", mean_days_late=None)),
    )
    drawn = source_of(on_time_chart(part), "Scatter")
    assert drawn["colour"] == [plotting.ORANGE, plotting.BLUE, plotting.BLUE]
    assert drawn["marker"] == ["triangle", "circle", "circle"]
    assert drawn["share"] == [0.75] * 3


def test_only_those_with_most_deliveries_are_drawn():
    rows = tuple(row(f"s{number:02d}", deliveries=number) for number in range(SHOWN + 5))
    drawn = source_of(lead_time_chart(SuppliersPart("days", rows)), "Scatter")
    assert len(drawn["supplier"]) == SHOWN
    assert drawn["supplier"][0] == "s24"
    assert "s04" not in drawn["supplier"]


@pytest.mark.parametrize("chart", [lead_time_chart, on_time_chart])
@pytest.mark.parametrize("rows", [(), (row("a"),), (row("a"), row("a"))])
def test_charts_can_be_written(chart, rows):
    script, _ = components(chart(SuppliersPart("days", rows)))
    assert script.count("Scatter") >= 1


def test_outliers_are_rings_beside_their_supplier():
    part = SuppliersPart("days", (row("a", far_lead_times=(21.0, 0.0)), row("b", median=None)))
    (rings,) = [one for one in lead_time_chart(part).renderers if one.name == "outliers"]
    assert rings.data_source.data == {"x": [21.0, 0.0], "y": ["a", "a"]}


@pytest.mark.parametrize(
    ("trend", "shows", "arrow"),
    [(2.0, True, "↑"), (-2.0, True, "↓"), (2.0, False, ""), (None, False, ""), (None, True, "")],
)
def test_a_trend_has_an_arrow_where_it_shows(trend, shows, arrow):
    assert row("a", trend=trend, trend_shows=shows).arrow == arrow
