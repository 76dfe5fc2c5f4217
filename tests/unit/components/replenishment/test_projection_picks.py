"""Projected stock of a few lines: which are picked, and that they are what the paths say."""

import datetime

import numpy as np
import polars as pl
import pytest
from proposal_tables import (
    CUTOFF,
    HORIZON,
    KEYS,
    blocked_row,
    line_arrays,
    proposal_row,
    proposals,
    sampler,
)

from demandcast.components.replenishment.line_arrays import LineArrays
from demandcast.components.replenishment.projection_picks import (
    LEVELS,
    pick_lines,
    project_picks,
    write_projections,
)
from demandcast.schema.stock_projections import StockProjections


def table_of(*rows):
    return proposals(*rows).with_columns(row=pl.int_range(pl.len(), dtype=pl.Int64))


def projected(table, lines, computed, ordered, **changes):
    options = {"sampler": sampler(), "frequency": "D"} | changes
    return project_picks(
        table,
        lines,
        computed=pl.DataFrame(computed, schema=dict.fromkeys(KEYS, pl.String), orient="row"),
        order_quantity=np.asarray(ordered, float),
        **options,
    )


def test_lines_are_picked_for_risk_excess_and_as_typical_orders():
    table = table_of(
        proposal_row(item="a", expected_stockout_cost=5.0, order_value=10.0),
        proposal_row(item="b", expected_stockout_cost=9.0, order_value=20.0),
        proposal_row(item="c", excess_units=3.0, expected_stockout_cost=0.1, status="covered"),
        proposal_row(item="d", expected_stockout_cost=0.0, order_value=40.0),
        proposal_row(item="e", expected_stockout_cost=0.0, order_value=30.0),
        proposal_row(item="f", expected_stockout_cost=0.0, order_value=25.0),
    )
    # Orders by value: d 40, e 30, f 25, b 20, a 10: a third of five is 1, two thirds are 3.
    assert pick_lines(table) == [
        ("riskiest", 1),
        ("riskiest", 0),
        ("overstocked", 2),
        ("typical", 4),
    ]


def test_no_line_is_picked_twice_and_none_of_an_empty_table():
    (one,) = pick_lines(table_of(proposal_row(excess_units=1.0)))
    assert one == ("riskiest", 0)
    assert pick_lines(table_of()) == []
    assert pick_lines(table_of(proposal_row(stockout_probability=0.0, status="covered"))) == []


def test_certain_demand_leaves_certain_stock():
    table = proposals(
        proposal_row(item="milk", order_quantity=12.0, protection_interval=4.0),
        blocked_row(item="new"),
    )
    # 10 at hand, 3 sold a day, 12 arrive after two days.
    found = projected(table, line_arrays([10.0], [3.0]), [("s1", "milk")], [12.0])
    (one,) = found.projections
    assert np.array(one.bands) == pytest.approx(
        np.tile(np.array([[7], [4], [13], [10], [7], [4]]), len(LEVELS)), abs=0.01
    )
    assert one.without == pytest.approx([7, 4, 1, 0, 0, 0], abs=0.01)
    assert one.timestamps == tuple(f"2026-03-{day}" for day in range(15, 21))
    assert (one.cutoff, one.due_date, one.interval_end) == (
        "2026-03-14",
        "2026-03-18",
        "2026-03-18",
    )
    assert (one.series, one.why) == ({"store": "s1", "item": "milk"}, "riskiest")
    assert (one.available, one.order_quantity, one.base_stock_level) == (10.0, 12.0, 30.0)
    assert found.period_days == 1


def test_lines_of_different_groups_keep_their_order_and_their_arrivals():
    table = proposals(
        proposal_row(item="slow", expected_stockout_cost=1.0),
        proposal_row(item="fast", expected_stockout_cost=2.0),
    )
    arrivals = np.zeros((HORIZON, 2))
    arrivals[1:, 0] = 5.0
    lines = line_arrays([1.0, 100.0], [0.1, 10.0], arrivals)
    found = projected(table, lines, [("s1", "slow"), ("s1", "fast")], [0.0, 0.0])
    fast, slow = found.projections
    assert fast.series["item"] == "fast"
    assert fast.without == pytest.approx([90, 80, 70, 60, 50, 40], abs=0.1)
    assert slow.without == pytest.approx([0.9, 5.8, 5.7, 5.6, 5.5, 5.4], abs=0.02)


def test_weeks_begin_on_their_weekday():
    cutoff = datetime.date(2026, 3, 9)  # A Monday.
    table = proposals(proposal_row(cutoff=cutoff, protection_interval=3.0, due_date=None))
    found = projected(table, line_arrays([10.0], [3.0]), [("s1", "milk")], [1.0], frequency="W-MON")
    (one,) = found.projections
    assert one.timestamps[:2] == ("2026-03-16", "2026-03-23")
    assert one.interval_end == "2026-03-30"
    assert one.due_date is None
    assert found.period_days == 7


def test_bands_do_not_cross_and_an_order_only_adds():
    lines = line_arrays([8.0], [3.0])
    spread = lines.quantiles * np.array([0.3, 1.0, 2.0])
    lines = LineArrays(**{**vars(lines), "quantiles": spread})
    table = proposals(proposal_row())
    (one,) = projected(table, lines, [("s1", "milk")], [12.0]).projections
    bands = np.array(one.bands)
    assert (np.diff(bands, axis=1) >= 0).all()
    assert (bands >= 0).all()
    assert (bands[:, LEVELS.index(0.5)] >= np.array(one.without) - 0.01).all()
    assert bands[0, -1] > bands[0, 0]


def test_without_a_computed_line_there_is_nothing_to_draw():
    found = projected(proposals(blocked_row()), line_arrays([], []), [], [])
    assert found == StockProjections(period_days=1)


def test_they_are_read_as_they_were_written(tmp_path):
    table = proposals(proposal_row())
    found = projected(table, line_arrays([10.0], [3.0]), [("s1", "milk")], [12.0])
    file = write_projections(found, tmp_path)
    assert file == tmp_path / "proposal_projections.json"
    assert StockProjections.model_validate_json(file.read_bytes()) == found
    assert CUTOFF.isoformat() in file.read_text()
