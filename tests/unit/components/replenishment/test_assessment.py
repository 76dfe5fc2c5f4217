"""What lines have to expect, by hand; classes of risk."""

import numpy as np
import pytest
import replenishment_world as world

from demandcast.components.replenishment.assessment import assess, risk_classes
from demandcast.components.replenishment.calibration import Calibration
from demandcast.components.replenishment.interval_model import EDGES, IntervalModel


def assessed(lines, ordered, **sampler):
    quantity = np.broadcast_to(np.asarray(ordered, np.float64), (len(lines),))
    return assess(
        lines, world.sampler_of(**sampler), order_quantity=quantity, probability=lines.target
    )


def test_with_the_order_and_without_by_hand():
    # 5 a period for 2 periods; 6 in stock, and 4 arrive after the first.
    lines = world.line_arrays([5.0], available=6.0, position=6.0)
    found = assessed(lines, 4.0)
    np.testing.assert_allclose(found.expected_lost_sales, [0], atol=1e-3)
    np.testing.assert_allclose(found.expected_lost_sales_without, [4], atol=1e-3)
    assert found.stockout_probability.tolist() == [0]
    assert found.stockout_probability_without.tolist() == [1]
    # 1 is left in the first evening, 6 - 10 + 4 in the second.
    np.testing.assert_allclose(found.expected_unit_periods, [1 + 0], atol=1e-3)
    assert found.cover_periods.tolist() == [2]


def test_deliveries_count_from_their_period():
    arrivals = np.cumsum([[0], [20], [0], [0], [0], [0], [0], [0]], axis=0)
    lines = world.line_arrays([5.0], position=20.0, arrivals=arrivals)
    found = assessed(lines, 0.0)
    np.testing.assert_allclose(found.expected_lost_sales, [5], atol=1e-3)
    np.testing.assert_allclose(found.expected_unit_periods, [15], atol=1e-3)
    assert found.cover_periods.tolist() == [4]


def test_an_order_helps_and_never_harms():
    lines = world.line_arrays([10.0] * 5, spread=1.0)
    found = assessed(lines, [0.0, 5.0, 10.0, 20.0, 40.0], lead_times=[[0.5, 0.5]])
    assert (np.diff(found.stockout_probability) <= 0).all()
    assert (np.diff(found.expected_lost_sales) < 0).all()
    assert (np.diff(found.expected_unit_periods) > 0).all()
    assert (np.diff(found.cover_periods) >= 0).all()
    assert np.ptp(found.stockout_probability_without) == 0


def test_probabilities_are_calibrated():
    half = Calibration((0.0, 0.5, 1.0), (0.0, 0.9, 1.0), 100)
    model = IntervalModel(calibrations=(half,) * (len(EDGES) + 1))
    # No lead time, demand of a period uniform on [0, 20]: 18 suffice for 90 %, which is really 50.
    lines = world.line_arrays([10.0], spread=1.0, available=18.0, position=18.0)
    options = {"lead_times": [[1.0]]}
    assert assessed(lines, 0.0, **options).stockout_probability == pytest.approx([0.1], abs=0.01)
    found = assessed(lines, 0.0, model=model, **options)
    assert found.stockout_probability == pytest.approx([0.5], abs=0.02)


def test_without_demand_nothing_can_go_wrong():
    found = assessed(world.line_arrays([0.0]), 0.0)
    assert found.stockout_probability.tolist() == found.expected_lost_sales.tolist() == [0]
    assert found.cover_periods.tolist() == [8]


def test_no_lines():
    assert assessed(world.line_arrays([]), []).cover_periods.shape == (0,)


def test_bounds_belong_to_the_class_that_they_begin():
    probability = np.array([0.0, 0.0499, 0.05, 0.15, 0.3999, 0.4, 1.0])
    assert risk_classes(probability, (0.05, 0.15, 0.4)).tolist() == [0, 0, 1, 2, 2, 3, 3]
