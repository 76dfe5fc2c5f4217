import datetime

import pytest
from examples_tables import check_purely, make_data, row, write_rows

from demandcast.components.examples.ahead import ended, find_gaps, gap_error
from demandcast.components.examples.features import grid_span
from demandcast.components.examples.grid import lay_on_grid
from demandcast.components.examples.report import FutureGap, Report, merge_reports
from demandcast.components.examples.splits import plan_latest
from demandcast.schema.config import CalendarConfig, CovariatesConfig, ForecastConfig, SeriesSpec

MONDAY = datetime.date(2024, 1, 1)
FIRST = (MONDAY - datetime.date(1970, 1, 1)).days
HISTORY = [row(day, item=item) for item in "ab" for day in range(3)]


def gaps_of(data, horizon=2, cutoff=2):
    forecast = ForecastConfig(horizon=horizon)
    partitions, report, tables, calendar = check_purely(data, forecast)
    spec = SeriesSpec.from_config(data.columns, forecast)
    misses = report.misses
    if calendar is not None:
        misses |= calendar.misses_until(report.newest)
    gaps = []
    for partition in partitions:
        span = grid_span(plan_latest(FIRST + cutoff), spec, max_history=1, zero_until=None)
        grid = lay_on_grid(partition, tables.roles, span, calendar=calendar)
        gaps.append(Report(gaps=find_gaps(grid, FIRST + cutoff, spec, may_miss=misses)))
    return merge_reports([report, *gaps]), tables.roles, spec


def future_rows(days, **values):
    return [
        {"store": 1, "item": item, "date": MONDAY + datetime.timedelta(days=day)}
        | {"price": 1.0, "event": None}
        | values
        for item in "ab"
        for day in days
    ]


def data_with_future(tmp_path, future, history=HISTORY):
    return make_data(
        write_rows(tmp_path / "s.parquet", history),
        future=str(write_rows(tmp_path / "f.parquet", future)),
    )


def test_rows_for_the_whole_horizon_leave_no_gap(tmp_path):
    report, _, _ = gaps_of(data_with_future(tmp_path, future_rows([3, 4])))
    assert report.gaps == ()  # An empty event is a value: nothing is on.


def test_all_missing(tmp_path):
    report, roles, spec = gaps_of(make_data(write_rows(tmp_path / "s.csv", HISTORY)))
    assert {gap.column for gap in report.gaps} == {"price", "event"}
    assert str(gap_error(report, roles, spec)).splitlines() == [
        "future values of 2 known_future columns are missing; a forecast of 2 periods needs them; "
        "nothing was written",
        "  columns 'event', 'price': 2 of 2 series, from 2024-01-04 to 2024-01-05, such as "
        "store=1, item=a; expected rows of the future table (data.future), or of the sales table "
        "without a target",
    ]


def test_a_missing_day_and_a_missing_number(tmp_path):
    future = future_rows([3, 4])
    future[1]["price"] = None  # Item a, day 4.
    del future[2]  # Item b, day 3.
    report, _, _ = gaps_of(data_with_future(tmp_path, future))
    assert report.gaps == (
        FutureGap("event", 1, FIRST + 3, FIRST + 3, "store=1, item=b"),
        FutureGap("price", 2, FIRST + 3, FIRST + 4, "store=1, item=a"),
    )


def test_a_column_that_misses_numbers_in_the_history_may_miss_them_ahead(tmp_path):
    history = [*HISTORY[:-1], HISTORY[-1] | {"price": None}]
    future = future_rows([3, 4], price=None)
    report, _, _ = gaps_of(data_with_future(tmp_path, future, history))
    assert report.gaps == ()


def test_sales_rows_without_a_target_count(tmp_path):
    rows = HISTORY + [row(day, None, item=item) for item in "ab" for day in (3, 4)]
    report, _, _ = gaps_of(make_data(write_rows(tmp_path / "s.csv", rows)))
    assert report.gaps == ()


def test_a_calendar_of_holidays_alone_is_known_ahead(tmp_path):
    (tmp_path / "days.csv").write_text("date,event,price\n2024-01-02,new year,1\n")
    rows = [{k: v for k, v in item.items() if k not in ("event", "price")} for item in HISTORY]
    calendar = CalendarConfig(path=f"{tmp_path}/days.csv", on=("date",), missing_date="empty")
    report, _, _ = gaps_of(make_data(write_rows(tmp_path / "s.csv", rows), calendar=calendar))
    assert report.violations == ()
    assert report.gaps == ()


@pytest.mark.parametrize(("days", "gaps"), [(5, 0), (4, 1)])
def test_a_calendar_that_ends_too_early_is_named(tmp_path, days, gaps):
    (tmp_path / "days.csv").write_text(
        "date,event,price\n" + "".join(f"2024-01-0{day + 1},,1\n" for day in range(days))
    )
    rows = [{k: v for k, v in item.items() if k not in ("event", "price")} for item in HISTORY]
    data = make_data(
        write_rows(tmp_path / "s.csv", rows),
        calendar=CalendarConfig(path=f"{tmp_path}/days.csv", on=("date",)),
    )
    report, roles, spec = gaps_of(data)
    assert len(report.gaps) == 2 * gaps
    if gaps:
        text = str(gap_error(report, roles, spec))
        assert "from 2024-01-05 to 2024-01-05" in text
        assert "expected rows of the calendar" in text


@pytest.mark.parametrize(
    ("days", "plan", "has_ended"),
    [
        ([0, 1], [], True),  # Nothing in days 2 and 3, the horizon before the cutoff.
        ([0, 1, 2], [], False),
        ([0, 1], [4], False),  # One day of a plan: it goes on, and the other day is missed.
        ([5], [], False),  # It has not begun.
    ],
)
@pytest.mark.parametrize("missing_period", ["unknown", "zero"])
def test_what_is_neither_sold_nor_planned_has_ended(
    tmp_path, days, plan, has_ended, missing_period
):
    history = [*(row(day, item="a") for day in range(6)), *(row(day, item="b") for day in days)]
    future = future_rows(plan)[1::2] or future_rows([9])
    data = data_with_future(tmp_path, future, history)
    forecast = ForecastConfig(horizon=2)
    partitions, report, tables, _ = check_purely(data, forecast, partitions=1)
    spec = SeriesSpec.from_config(data.columns, forecast)
    zero_until = report.newest if missing_period == "zero" else None
    span = grid_span(plan_latest(FIRST + 3), spec, max_history=2, zero_until=zero_until)
    (partition,) = partitions
    grid = lay_on_grid(partition, tables.roles, span, calendar=None)
    found = dict(zip(grid.series["item"], ended(grid, FIRST + 3, spec), strict=True))
    assert found == {"a": False, "b": has_ended and missing_period == "unknown"}


def test_without_known_future_nothing_ends(tmp_path):
    data = make_data(write_rows(tmp_path / "s.parquet", [*HISTORY, row(9, item="a")]))
    forecast = ForecastConfig(horizon=2)
    (partition,), _, tables, _ = check_purely(data, forecast, partitions=1)
    columns = data.columns.model_copy(update={"known_future": CovariatesConfig()})
    spec = SeriesSpec.from_config(columns, forecast)
    span = grid_span(plan_latest(FIRST + 9), spec, max_history=2, zero_until=None)
    grid = lay_on_grid(partition, tables.roles, span, calendar=None)
    assert not ended(grid, FIRST + 9, spec).any()
