import math

import pytest
from bokeh.embed import file_html
from bokeh.models import HoverTool
from bokeh.resources import INLINE

from demandcast.components.reporting.plotting import BLUE, ORANGE
from demandcast.components.reporting.replenishment_charts import cost_service_chart, policy_legend

COLUMNS = {
    "policies": ["ours", "ours", "text_book", "foresight", "text_book"],
    "service": [0.95, 0.9, 0.8, 1.0, 0.84],
    "cost": [120.0, 100.0, 90.0, 50.0, 110.0],
    "targets": [0.95, 0.9, 0.9, None, 0.95],
}


def glyphs(plot, kind):
    return [one for one in plot.renderers if type(one.glyph).__name__ == kind]


def chart(**changes):
    columns = {**COLUMNS, **changes}
    return cost_service_chart(columns.pop("policies"), **columns)


def test_each_policy_has_a_line_with_its_points_in_the_order_of_service():
    lines = glyphs(chart(), "Line")
    assert len(lines) == 3
    ours = lines[0].data_source.data
    assert list(ours["service"]) == [0.9, 0.95]
    assert list(ours["cost"]) == [100.0, 120.0]
    assert list(ours["target"]) == ["90.0%", "95.0%"]
    assert set(lines[1].data_source.data["policy"]) == {"text book"}
    assert list(lines[2].data_source.data["target"]) == ["no target"]


def test_policies_differ_in_colour_dash_and_mark():
    names = [f"policy {number}" for number in range(6)]
    plot = chart(policies=names, service=[0.9] * 6, cost=[1.0] * 6, targets=[None] * 6)
    marks = [one.glyph for one in glyphs(plot, "Scatter")]
    assert len({one.line_color for one in marks}) == 6
    assert len({one.marker for one in marks}) == 6
    lines = [one.glyph for one in glyphs(plot, "Line")]
    assert len({(one.line_color, str(one.line_dash)) for one in lines}) == 6
    assert [one.line_color for one in lines[:2]] == [BLUE, ORANGE]


def test_the_legend_has_the_looks_of_the_chart():
    names = [f"policy_{number}" for number in range(9)]
    legend = policy_legend(names)
    plot = chart(policies=names, service=[0.9] * 9, cost=[1.0] * 9, targets=[None] * 9)
    marks = [one.glyph.marker for one in glyphs(plot, "Scatter")]
    assert [words for *_, words in legend] == [
        f"policy {number} ({mark.replace('_', ' ')})" for number, mark in enumerate(marks)
    ]
    assert policy_legend([]) == []


def test_the_pointer_tells_policy_service_target_and_cost():
    plot = chart(cost_label="cost per period")
    (tips,) = [tool for tool in plot.tools if isinstance(tool, HoverTool)]
    assert [name for name, _ in tips.tooltips] == ["", "reached", "aimed at", "cost per period"]
    assert tips.renderers == glyphs(plot, "Scatter")
    assert plot.yaxis.axis_label == "cost per period"


def test_points_without_a_number_are_left_out():
    plot = chart(service=[None, 0.9, 0.8, math.nan, 0.84], cost=[1.0, 2.0, None, 3.0, 4.0])
    lines = glyphs(plot, "Line")
    assert [list(one.data_source.data["cost"]) for one in lines] == [[2.0], [4.0]]
    # A policy that has no point keeps its place, and those after it their colours.
    assert lines[1].glyph.line_color == ORANGE


def test_without_a_policy_the_chart_is_empty():
    assert chart(policies=[], service=[], cost=[], targets=[]).renderers == []


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="zip"):
        chart(cost=[1.0])


def test_it_is_drawn():
    html = file_html(chart(), INLINE)
    assert "cycle service level reached" in html
