import numpy as np
import pytest
from bokeh.embed import components
from bokeh.models import GlyphRenderer, Span
from proposal_tables import chain_summary, projection

from demandcast.components.reporting import plotting
from demandcast.components.reporting.order_charts import (
    SHOWN,
    order_value_chart,
    risk_chart,
    stock_chart,
)
from demandcast.schema.proposal_summary import RiskCount, SupplierSummary

DAY = 24 * 3600 * 1000.0
MARCH_18 = 1773792000000.0  # 2026-03-18, UTC.


def glyphs(plot, kind):
    return [
        renderer
        for renderer in plot.renderers
        if isinstance(renderer, GlyphRenderer) and type(renderer.glyph).__name__ == kind
    ]


def rules(plot):
    return {one.line_color: one.location for one in plot.center if isinstance(one, Span)}


def supplier(name="north", value=10.0, **changes):
    values = {"orders": 3, "need_approval": 0, "first_due": None, "last_due": None} | changes
    return SupplierSummary(name=name, order_value=value, **values)


def test_stock_begins_with_what_is_there_and_has_its_bands():
    plot = stock_chart(projection(), period_days=1)
    assert len(glyphs(plot, "VArea")) == 2
    (points,) = [one for one in plot.renderers if one.name == "points"]
    drawn = points.data_source.data
    assert len(drawn["x"]) == 1 + 14
    assert [drawn[name][0] for name in ("y", "low", "high", "without")] == [22.0] * 4
    # 4 a day are sold, and 40 arrive on the fourth day.
    assert list(drawn["y"][:6]) == [22.0, 18.0, 14.0, 10.0, 46.0, 42.0]
    assert drawn["low"][1] == pytest.approx(18 - 1.6 * 3)
    assert plot.y_range.start == 0


def test_days_and_the_level_are_marked():
    found = rules(stock_chart(projection(), period_days=1))
    assert found[plotting.VERMILION] == 62.0
    # Between the evenings: before the opening of the day it is due, and after the last day.
    assert found[plotting.GREEN] == MARCH_18 - DAY / 2
    assert found[plotting.MUTED] == MARCH_18 + 6 * DAY + DAY / 2


def test_the_level_is_in_range_unless_it_is_far_above_the_stock():
    one = projection()
    far = stock_chart(projection(base_stock_level=4000.0), period_days=1)
    assert far.y_range.end == pytest.approx(1.08 * 3 * max(map(max, one.bands)))
    plot = stock_chart(projection(base_stock_level=150.0), period_days=1)
    assert plot.y_range.end == pytest.approx(1.08 * 150)
    flat = projection(bands=((0.0,) * 5,) * 14, available=-3.0, base_stock_level=0.0)
    assert stock_chart(flat, period_days=1).y_range.end == pytest.approx(1.08)


@pytest.mark.parametrize(
    "changes", [{"due_date": None}, {"due_date": "2027-01-01"}, {"order_quantity": 0.0}]
)
def test_no_arrival_is_marked_where_none_is_seen(changes):
    assert plotting.GREEN not in rules(stock_chart(projection(**changes), period_days=1))


@pytest.mark.parametrize("end", [None, "2027-01-01"])
def test_an_interval_that_ends_later_is_not_marked(end):
    found = rules(stock_chart(projection(interval_end=end), period_days=1))
    assert plotting.MUTED not in found


def test_without_an_order_there_is_one_line():
    assert len(glyphs(stock_chart(projection(), period_days=1), "Line")) == 2
    plot = stock_chart(projection(order_quantity=0.0), period_days=1)
    assert len(glyphs(plot, "Line")) == 1


def test_what_was_reserved_beyond_the_stock_begins_at_nothing():
    plot = stock_chart(projection(available=-5.0), period_days=1)
    (points,) = [one for one in plot.renderers if one.name == "points"]
    assert points.data_source.data["y"][0] == 0.0


def test_other_levels_have_other_bands():
    bands = np.tile([1.0, 2.0, 3.0], (14, 1))
    one = projection(levels=(0.1, 0.5, 0.9), bands=tuple(map(tuple, bands.tolist())))
    plot = stock_chart(one, period_days=1)
    assert len(glyphs(plot, "VArea")) == 1


def test_risk_is_drawn_with_and_without_orders():
    classes = [
        RiskCount(name="low", lines=9, lines_without=2),
        RiskCount(name="critical", lines=1, lines_without=8),
    ]
    plot = risk_chart(classes)
    without, with_orders = (one.data_source.data for one in glyphs(plot, "VBar"))
    assert list(without["lines"]) == [2, 8]
    assert list(with_orders["lines"]) == [9, 1]
    assert plot.x_range.factors == ["low", "critical"]
    assert plot.y_range.start == 0


def test_the_largest_supplier_is_on_top():
    plot = order_value_chart([supplier("a", 30.0), supplier(None, 20.0)], "EUR")
    assert plot.y_range.factors == ["not named", "a"]
    (bars,) = glyphs(plot, "HBar")
    assert list(bars.data_source.data["value"]) == [30.0, 20.0]
    assert plot.xaxis.axis_label == "order value, EUR"
    assert order_value_chart([supplier()], "").xaxis.axis_label == "order value"


def test_only_the_largest_suppliers_are_drawn():
    many = [supplier(f"s{number:02d}", 100.0 - number) for number in range(SHOWN + 5)]
    (bars,) = glyphs(order_value_chart(many, "EUR"), "HBar")
    assert list(bars.data_source.data["name"]) == [f"s{number:02d}" for number in range(SHOWN)]


def test_charts_of_a_chain_can_be_written():
    summary = chain_summary(2, 10)
    for plot in (
        risk_chart(summary.risk_classes),
        order_value_chart(summary.suppliers, "EUR"),
        order_value_chart([], ""),
        stock_chart(projection(timestamps=(), bands=(), without=()), period_days=7),
    ):
        script, _ = components(plot)
        assert "NaN" not in script
