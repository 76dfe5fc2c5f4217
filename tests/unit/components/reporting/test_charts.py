import math

import pytest
from bokeh.models import GlyphRenderer, VStrip
from reporting_pages import LEVELS, backtest, drawn, full_page, tuning

from demandcast.components.reporting import charts
from demandcast.components.reporting.page_judged import CoverageLevel, CoveragePart
from demandcast.components.reporting.page_trained import TrainingPart


def glyphs(plot, kind):
    return [
        renderer
        for renderer in plot.renderers
        if isinstance(renderer, GlyphRenderer) and type(renderer.glyph).__name__ == kind
    ]


def test_bands_are_the_intervals_that_the_levels_bound():
    assert charts.bands_of(LEVELS) == {0.9: (0, 6), 0.8: (1, 5), 0.5: (2, 4)}
    assert charts.bands_of([0.1, 0.5, 0.9]) == {0.8: (0, 2)}
    assert charts.bands_of([0.5]) == {}


def test_a_forecast_has_its_bands_and_its_stockouts():
    plot = charts.forecast_chart(drawn(), LEVELS, period_days=1)
    assert len(glyphs(plot, "VArea")) == 3
    (strips,) = [one for one in plot.renderers if isinstance(one.glyph, VStrip)]
    # Two periods of the past and one of the horizon were not in stock all the time.
    assert len(strips.data_source.data["x0"]) == 3
    (points,) = [one for one in plot.renderers if one.name == "points"]
    assert list(points.data_source.data["median"]) == [5.0, 6.0, 7.0, 8.0]
    sold = list(points.data_source.data["y"])
    assert sold[0] == 3.0
    assert math.isnan(sold[1])
    assert plot.y_range.start == 0


def test_a_forecast_always_in_stock_has_no_strips():
    one = drawn(past_in_stock=(1.0,) * 14, in_stock=(1.0,) * 4)
    plot = charts.forecast_chart(one, LEVELS, period_days=1)
    assert not any(isinstance(one.glyph, VStrip) for one in plot.renderers)


def test_the_coverage_is_drawn_from_both_sides():
    plot = charts.coverage_chart(full_page().coverage)
    (bars,) = glyphs(plot, "Segment")
    assert bars.data_source.data["level"] == list(LEVELS)
    assert bars.data_source.data["below"][0] == pytest.approx(0.03)


def test_levels_without_a_count_are_left_out():
    part = CoveragePart((CoverageLevel(0.5, None, 0.1), CoverageLevel(0.9, 0.8, 0.9)), 5, False)
    (bars,) = glyphs(charts.coverage_chart(part), "Segment")
    assert bars.data_source.data["level"] == [0.9]


def test_training_shows_the_naive_loss_in_range():
    plot = charts.training_chart(full_page().training)
    assert plot.y_range.start < 0.25
    assert plot.y_range.end > 0.7
    assert len(glyphs(plot, "Line")) == 2


@pytest.mark.parametrize("curve", [(), (math.nan, None)])
def test_training_without_a_loss_is_an_empty_chart(curve):
    part = TrainingPart({"val_weighted_quantile_loss": curve}, None, None, None, 1, 1)
    assert glyphs(charts.training_chart(part), "Line") == []


def test_trials_show_the_best_so_far():
    plot = charts.trials_chart(tuning().trials, "loss")
    (steps,) = glyphs(plot, "Step")
    # The failed trial has no score.
    assert list(steps.data_source.data["x"]) == [1, 3]
    assert list(steps.data_source.data["y"]) == [0.3, 0.2]


def test_a_backtest_has_a_line_for_each_forecaster():
    plot = charts.backtest_chart(backtest(), "wape")
    lines = glyphs(plot, "Line")
    assert len(lines) == 4
    assert all(math.isnan(value) for value in lines[3].data_source.data["y"])
    assert list(plot.x_range.factors) == ["2026-01-01", "2026-02-01", "2026-03-01"]
