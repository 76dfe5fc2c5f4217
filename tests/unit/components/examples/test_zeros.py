"""Zeros that are filled in need what was known ahead of them."""

import pytest
from examples_tables import check_purely, make_data, row, write_rows

from demandcast.components.examples.features import grid_span
from demandcast.components.examples.grid import lay_on_grid
from demandcast.components.examples.splits import SplitPlan
from demandcast.components.examples.violations import contract_error
from demandcast.components.examples.zeros import bare_zeros
from demandcast.schema.config import ForecastConfig, SeriesSpec

FORECAST = ForecastConfig(horizon=2)


def complaints(data):
    """The complaints about zeros of all partitions, and their text."""
    partitions, report, tables, calendar = check_purely(data, FORECAST)
    spec = SeriesSpec.from_config(data.columns, FORECAST)
    last = report.newest
    plan = SplitPlan("eval", cutoffs=(last - FORECAST.horizon,), min_history=1)
    zero_until = last if data.missing_period == "zero" else None
    span = grid_span([plan], spec, max_history=1000, zero_until=zero_until)
    found = [
        violation
        for partition in partitions
        for violation in bare_zeros(
            lay_on_grid(partition, tables.roles, span, calendar=calendar), spec
        )
    ]
    return found, str(contract_error(found, tables.files)) if found else ""


@pytest.fixture
def gappy(tmp_path):
    """Sales on even days only."""
    return write_rows(tmp_path / "sales.csv", [row(day, 3.0) for day in range(0, 12, 2)])


def test_covariates_that_only_sales_carry_are_missing_where_demand_is_zero(gappy):
    found, text = complaints(make_data(gappy, missing_period="zero"))
    assert {violation.column for violation in found} == {"price", "event"}
    # Days 1, 3, 5, 7 and 9; the last sale is on day 10.
    assert {violation.count for violation in found} == {5}
    assert "not known in periods without a row, which count as zero demand" in text
    assert "data.future or data.calendar; or missing_period: unknown" in text
    assert "store=" in text


def test_unknown_periods_need_nothing(gappy):
    assert complaints(make_data(gappy, missing_period="unknown")) == ([], "")


def test_a_series_without_gaps_needs_nothing(tmp_path):
    rows = [row(day, 3.0) for day in range(12)]
    data = make_data(write_rows(tmp_path / "sales.csv", rows), missing_period="zero")
    assert complaints(data) == ([], "")
