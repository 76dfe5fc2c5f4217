"""Days without any sale: closed, or lost, or without demand."""

import datetime

import pytest
from examples_tables import examples_of
from transactions_tables import data_of, line, write_lines

from demandcast.components.examples.closures import closed_periods, without_last_period
from demandcast.components.examples.report import ProfileCounts, Report
from demandcast.components.examples.splits import SplitPlan
from demandcast.schema.config import ForecastConfig

MONDAY = 19723  # 2024-01-01, days since 1970-01-01


def report_of(days, sundays_open=True):
    """A report of four weeks and more in which all but some days sold; days from a Monday."""
    selling = {MONDAY + day for day in range(35)} - {MONDAY + day for day in days}
    if not sundays_open:
        selling -= {MONDAY + 6 + 7 * week for week in range(5)}
    return Report(oldest=MONDAY, newest=MONDAY + 34, selling=frozenset(selling))


@pytest.mark.parametrize(
    ("rule", "sundays_open", "expected"),
    [
        ("zero", True, []),
        ("unknown", True, [3, 9]),
        ("unknown", False, [3, 6, 9, 13, 20, 27, 34]),
        ("unknown_unless_weekly", True, [3, 9]),
        ("unknown_unless_weekly", False, [3, 9]),
    ],
)
def test_days_without_any_sale(rule, sundays_open, expected):
    found = closed_periods(report_of([3, 9], sundays_open), rule, frequency="D")
    assert found == tuple(MONDAY + day for day in expected)


def test_three_weeks_do_not_show_which_weekday_is_one_of_rest():
    report = Report(oldest=0, newest=20, selling=frozenset(range(21)) - {6, 13, 20})
    assert closed_periods(report, "unknown_unless_weekly", frequency="D") == (6, 13, 20)
    longer = Report(oldest=0, newest=27, selling=frozenset(range(28)) - {6, 13, 20, 27})
    assert closed_periods(longer, "unknown_unless_weekly", frequency="D") == ()


def test_weeks_have_no_weekday():
    report = Report(oldest=0, newest=40, selling=frozenset(range(41)) - {6, 13, 20, 27, 34})
    found = closed_periods(report, "unknown_unless_weekly", frequency="W-MON")
    assert found == (6, 13, 20, 27, 34)


def test_nothing_is_closed_where_nothing_is():
    assert closed_periods(Report(), "unknown", frequency="D") == ()


def test_the_period_of_the_export_is_dropped():
    assert without_last_period(Report(oldest=3, newest=9)) == Report(oldest=3, newest=8)
    assert without_last_period(Report(oldest=9, newest=9)).newest is None
    assert without_last_period(Report()) == Report()


def test_an_unfinished_period_does_not_reach_the_profile():
    """Half a week of sales would look like lost series, and like a level that broke in."""
    whole, half = (8, 100, 90, 500.0, 3), (9, 40, 30, 120.0, 1)
    report = Report(oldest=8, newest=9, counts=ProfileCounts(periods=(whole, half)))
    assert without_last_period(report).counts.periods == (whole,)


@pytest.mark.parametrize(("rule", "mask"), [("zero", [1, 1, 1, 1]), ("unknown", [1, 0, 1, 1])])
def test_a_closed_day_is_not_observed_but_a_day_without_a_sale_of_one_item_is_zero(
    tmp_path, rule, mask
):
    lines = [line("1", 5), line("3", 1, item="b"), line("4", 2), line("6", 1)]
    data = data_of(write_lines(tmp_path / "sales.csv", lines), empty_period=rule)
    cutoff = (datetime.date(2024, 1, 4) - datetime.date(1970, 1, 1)).days
    found = examples_of(data, ForecastConfig(horizon=2), [SplitPlan("eval", (cutoff,))])
    example = found["eval", ("a",), "2024-01-04"]
    assert example["target"] == [5, 0, 0, 2]
    assert example["observed_mask"] == mask
    assert example["future_observed_mask"] == [0 if rule == "unknown" else 1, 1]
