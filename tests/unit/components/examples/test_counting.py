import json

from demandcast.components.examples.counting import (
    closed_dates,
    counts_to_json,
    data_lines,
    no_line_left,
)
from demandcast.components.examples.report import LineCount, Report
from demandcast.schema.config import ColumnsConfig, DataConfig

COUNTS = (LineCount(0, "read", 1200, 3500.5), LineCount(1, "odd", 1, -2.0))


def data(**changes):
    columns = ColumnsConfig(series_key=("item",), timestamp="time", target="quantity")
    return DataConfig(sales="sales.csv", columns=columns, transactions={}, **changes)


def test_each_rule_is_said_with_lines_and_units():
    assert data_lines(Report(lines=COUNTS), data(), "D") == [
        "read: 1,200 lines, 3,500.5 units",
        "odd: 1 lines, -2 units",
    ]


def test_unknown_periods_are_said_with_their_dates():
    report = Report(oldest=0, newest=4, selling=frozenset({0, 2, 4}))
    (words,) = data_lines(report, data(empty_period="unknown"), "D")
    assert words.startswith("2 periods without any sale are unknown (data.empty_period: unknown)")
    assert words.endswith(": 1970-01-02, 1970-01-04")
    assert closed_dates(report, data(empty_period="unknown"), "W-MON")[0] == "1970-01-12"


def test_many_dates_are_cut():
    report = Report(oldest=0, newest=40, selling=frozenset({0, 40}))
    (words,) = data_lines(report, data(empty_period="unknown"), "D")
    assert words.endswith("1970-01-31 and 9 more")  # 39 in all, 30 of them listed.


def test_counts_travel_as_json():
    assert json.loads(counts_to_json(COUNTS))[1] == {"rule": "odd", "lines": 1, "units": -2.0}


def test_nothing_left_is_an_error_with_all_counts():
    error = no_line_left(Report(lines=COUNTS))
    assert "leave no sale (read: 1,200 lines, 3,500.5 units; odd: 1 lines" in str(error)
    assert error.exit_code == 2
