"""The scorecard: what it says is what the fit says."""

import datetime

import numpy as np
import polars as pl
import pytest
import replenishment_world as world
from scipy import stats

from demandcast.components.replenishment.delivery_history import HistorySettings
from demandcast.components.replenishment.lead_times import fit_lead_times
from demandcast.components.replenishment.supplier_scorecard import (
    SCORECARD_COLUMNS,
    costs_of_unreliability,
    supplier_scorecard,
)

START = datetime.date(2025, 1, 1)


def fitted(rows, **columns):
    days = [START + datetime.timedelta(days=number) for number in range(400)]
    lines = pl.DataFrame(
        {
            "supplier": pl.Series([row[0] for row in rows], dtype=pl.String),
            "ordered": pl.Series([days[row[1]] for row in rows], dtype=pl.Date),
            "received": pl.Series([days[row[1] + row[2]] for row in rows], dtype=pl.Date),
            **columns,
        }
    )
    quoted = pl.DataFrame({"supplier": ["b", "q", "z"], "quoted_lead_time": [1, 7, None]})
    return fit_lead_times(
        lines, HistorySettings("D", "before_opening", days[399]), quoted=quoted, borrowed=0.0
    )


ROWS = [("a", 3, 5), ("b", 0, 1), ("b", 1, 1), ("b", 2, 1), ("b", 3, 5), ("c", 3, 2)]


def test_a_row_says_what_happened():
    fit = fitted(ROWS, quantity=[2] * 6, received_quantity=[2, 2, 2, 1, 2, None])
    table = supplier_scorecard(fit, cost_of_unreliability=[1.0, 2.0, 3.0, 4.0, 5.0])
    assert table.columns == ["supplier", *SCORECARD_COLUMNS]
    assert table.row(0, named=True) == {
        "supplier": "b",
        "status": "fitted",
        "deliveries": 4,
        "open_orders": 0,
        "abandoned": 0,
        "lead_time_mean": pytest.approx((3 * 1 + 5) / 4),
        "lead_time_std": pytest.approx((3 * 1**2 + 3**2) ** 0.5 / 4**0.5),
        "lead_time_p50": 1,
        "lead_time_p90": 5,
        "lead_time_p95": 5,
        "own_weight": 1,
        "quoted_lead_time": 1,
        "on_time_share": 3 / 4,
        "mean_days_late": 4,
        "in_full_share": 3 / 4,
        "trend_per_year": None,
        "trend_standard_error": None,
        "trend_distinguishable": False,
        "outliers": 0,
        "lower_fence": 1 - 3 * 1,
        "upper_fence": 2 + 3 * 1,
        "cost_of_unreliability": 2.0,
    }


def test_those_with_most_deliveries_come_first_and_nobody_is_missing():
    table = supplier_scorecard(fitted(ROWS))
    assert table["supplier"].to_list() == ["b", "a", "c", "q", "z"]
    assert table["status"].to_list() == ["fitted"] * 3 + ["quoted", "no_lead_time"]
    assert table["lead_time_mean"].to_list()[3:] == [7, None]
    assert table["cost_of_unreliability"].to_list() == [None] * 5


def test_no_suppliers_are_an_empty_table():
    lines = pl.DataFrame(schema={"supplier": pl.String, "ordered": pl.Date, "received": pl.Date})
    table = supplier_scorecard(
        fit_lead_times(lines, HistorySettings("W-SUN", "after_close", START))
    )
    assert table.shape == (0, 1 + len(SCORECARD_COLUMNS))


def test_costs_of_other_suppliers_are_refused():
    with pytest.raises(ValueError, match=r"cost_of_unreliability: shape \[2\]; expected \[5\]"):
        supplier_scorecard(fitted(ROWS), cost_of_unreliability=[1.0, 2.0])


def costs(*, lead_times=None, **changes):
    """Of `north`, which all lines are ordered from, and `south`, which none is."""
    situation = world.situation(world.forecasts(spread=0.5), lead_times=lead_times, **changes)
    proposals = world.proposals(situation)
    return costs_of_unreliability(situation.lead_times, proposals, cycle_service_level=0.95)


def test_the_cost_of_varying_lead_times_is_that_of_their_safety_stock():
    north, south = costs(
        supply_terms=world.terms(holding_cost=0.1),
        lead_times=world.deliveries("north", [1, 3] * 20),
    )
    z = stats.norm.ppf(0.95)
    cost = 0.0
    for mean in world.DEMAND.values():
        # Quantiles of 5 and 95 % lie 0.9 of the mean apart, as those of a normal deviate 2 z.
        variance = (0.9 * mean / (2 * z)) ** 2
        steady = (2 + 1) * variance
        cost += 0.1 * z * (np.sqrt(steady + mean**2 * 1.0) - np.sqrt(steady))
    assert north == pytest.approx(cost, rel=1e-3)
    assert np.isnan(south)


def test_a_steady_lead_time_costs_nothing():
    assert costs()[0] == 0


def test_without_suppliers_or_lines_there_is_no_cost():
    nobody = world.situation(suppliers=None)
    proposals = world.proposals(nobody)
    found = costs_of_unreliability(nobody.lead_times, proposals, cycle_service_level=0.95)
    assert found.shape == (0,)
    nothing = world.situation(inventory=world.inventory()[:0])
    found = costs_of_unreliability(
        nothing.lead_times, world.proposals(nothing), cycle_service_level=0.95
    )
    assert np.isnan(found).all()
