"""One test per way to break the contract; each message names column, count, place and remedy."""

import datetime

import polars as pl
import pytest
from examples_tables import COLUMNS, check_purely, complaint, make_data, row, write_rows

from demandcast.components.examples.tables import open_tables
from demandcast.schema.config import (
    AvailabilityConfig,
    CalendarConfig,
    CovariatesConfig,
    ForecastConfig,
    TableConfig,
)
from demandcast.schema.errors import ContractError

GOOD = [row(day, item=item) for item in ("a", "b") for day in range(4)]


def csv(tmp_path, text, name="sales.csv"):
    (tmp_path / name).write_text(text)
    return make_data(tmp_path / name)


def csv_of(tmp_path, rows):
    return make_data(write_rows(tmp_path / "sales.csv", rows))


def test_good_rows_break_nothing(tmp_path):
    _, report, _, _ = check_purely(csv_of(tmp_path, GOOD), ForecastConfig())
    assert report.violations == ()
    assert (report.rows, report.series) == (8, 2)


def test_no_file(tmp_path):
    with pytest.raises(ContractError, match="sales: no file matches"):
        open_tables(make_data(tmp_path / "none.csv"))


def test_missing_column(tmp_path):
    path = write_rows(tmp_path / "sales.csv", GOOD)
    data = make_data(path, columns=COLUMNS.model_copy(update={"target": "units"}))
    with pytest.raises(ContractError, match=r"sales: column 'units' is missing in 1 of 1 files"):
        open_tables(data)


def test_columns_of_the_same_name(tmp_path):
    with pytest.raises(ContractError, match=r"columns of the same name: \['item'\]"):
        open_tables(csv(tmp_path, "item,item\n"))


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_a_header_that_is_not_utf8(tmp_path, encoding):
    (tmp_path / "sales.csv").write_bytes("store,größe\n1,2\n".encode(encoding))
    with pytest.raises(ContractError, match=r"sales: .*sales\.csv has .*; expected UTF-8 text"):
        open_tables(make_data(tmp_path / "sales.csv"))


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_another_separator_gives_one_line_per_file(tmp_path, mark):
    path = write_rows(tmp_path / "a.csv", GOOD)
    path.write_text(path.read_text().replace(",", mark))
    (tmp_path / "b.csv").write_text(path.read_text())
    with pytest.raises(ContractError) as caught:
        open_tables(make_data(tmp_path / "*.csv"))
    lines = str(caught.value).splitlines()
    assert len(lines) == 2
    for line, name in zip(lines, ("a.csv", "b.csv"), strict=True):
        assert line.startswith("sales: ")
        assert f"{name}: its header is one value with {mark!r} in it; expected ','" in line


def test_an_empty_file(tmp_path):
    with pytest.raises(ContractError, match=r"sales: .*sales\.csv cannot be read: Empty CSV file"):
        open_tables(csv(tmp_path, ""))


def test_a_file_that_is_no_parquet(tmp_path):
    with pytest.raises(ContractError, match=r"sales: .*sales\.parquet cannot be read"):
        open_tables(csv(tmp_path, "nothing", name="sales.parquet"))


def test_unparsable_dates(tmp_path):
    rows = [*GOOD, row(5), row(6)]
    path = write_rows(tmp_path / "sales.csv", rows)
    text = path.read_text().replace("2024-01-06", "06.01.2024").replace("2024-01-07", "soon")
    message = complaint(csv(tmp_path, text))
    assert (
        "sales: column 'date': not a date (2 rows); expected a date, a timestamp, or text as "
        "YYYY-MM-DD; first: sales.csv row 9 ('06.01.2024'), row 10 ('soon')" in message
    )


def test_wrong_type_in_csv(tmp_path):
    text = (
        write_rows(tmp_path / "sales.csv", GOOD).read_text().replace(",1.0,food", ",many,food", 1)
    )
    message = complaint(csv(tmp_path, text))
    assert "sales: column 'target': not a number (1 row)" in message
    assert "first: sales.csv row 1 ('many')" in message


def test_wrong_type_in_parquet(tmp_path):
    rows = [row(day, price="cheap" if day == 2 else "2.0") for day in range(4)]
    data = make_data(write_rows(tmp_path / "sales.parquet", rows, price=pl.String))
    message = complaint(data)
    assert "column 'price': not a number (1 row)" in message
    assert "sales.parquet row 3 ('cheap')" in message


def test_a_list_is_no_category(tmp_path):
    rows = [row(day, event=["x"]) for day in range(2)]
    data = make_data(write_rows(tmp_path / "sales.parquet", rows, event=pl.List(pl.String)))
    assert "column 'event': wrong type (2 rows)" in complaint(data)


TEXT_LIKE = "text, a number or a date, not a list, a time or a duration"


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        (pl.Duration("ms"), datetime.timedelta(hours=1)),
        (pl.Time, datetime.time(8)),
        (pl.List(pl.Int64), [1]),
    ],
)
@pytest.mark.parametrize("column", ["store", "category", "event"])
def test_types_that_are_no_category(tmp_path, column, dtype, value):
    rows = [row(day, **{column: value}) for day in range(3)]
    data = make_data(write_rows(tmp_path / "sales.parquet", rows, **{column: dtype}))
    message = complaint(data)
    assert f"sales: column '{column}': wrong type (3 rows); expected {TEXT_LIKE}" in message
    assert "duplicate key" not in message


@pytest.mark.parametrize("column", ["item", "category", "event"])
def test_bytes_that_are_no_text(tmp_path, column):
    rows = [row(day, **{column: b"\xff" if day else b"caf\xc3\xa9"}) for day in range(3)]
    data = make_data(write_rows(tmp_path / "sales.parquet", rows, **{column: pl.Binary}))
    message = complaint(data)
    assert f"sales: column '{column}': not UTF-8 text (2 rows); expected text in UTF-8" in message
    assert "in 1 way;" in message
    assert "sales.parquet row 2 (b'\\xff')" in message


def test_bytes_in_a_joined_table(tmp_path):
    items = pl.DataFrame({"item": [b"a", b"\xff", b"b"], "category": [b"x", b"y", b"\xfe"]})
    items.write_parquet(tmp_path / "items.parquet")
    table = TableConfig(path=f"{tmp_path}/items.parquet", on=("item",))
    sales = write_rows(tmp_path / "sales.csv", GOOD)
    message = complaint(make_data(sales, static_tables=(table,)))
    assert "in 2 ways;" in message
    assert "static_tables[0]: column 'item': not UTF-8 text (1 row)" in message
    assert "static_tables[0]: column 'category': not UTF-8 text (1 row)" in message
    assert "items.parquet row 3 (b'\\xfe')" in message


def test_duplicate_keys(tmp_path):
    message = complaint(csv_of(tmp_path, [*GOOD, row(2, item="b"), row(2, item="b")]))
    assert (
        "sales: column 'store, item, date': duplicate key (2 rows); expected one row per series "
        "and period (see data.duplicates: sum, keep_last); first: sales.csv row 9 (2024-01-03), "
        "row 10 (2024-01-03)" in message
    )


def test_duplicates_across_files(tmp_path):
    write_rows(tmp_path / "a.csv", GOOD)
    write_rows(tmp_path / "b.csv", [row(3, item="b")])
    message = complaint(make_data(tmp_path / "*.csv"))
    assert "duplicate key (1 row)" in message
    assert "first: b.csv row 1 (2024-01-04)" in message


def test_off_the_weekly_grid_names_the_weekday(tmp_path):
    rows = [row(0), row(7), row(15)]  # Monday, Monday, Tuesday.
    message = complaint(csv_of(tmp_path, rows), ForecastConfig(frequency="W-MON"))
    assert (
        "sales: column 'date': timestamp off the grid W-MON (1 row); expected a Monday; "
        "first: sales.csv row 3 ('2024-01-16')" in message
    )


@pytest.mark.parametrize("frequency", ["W-MON", "D"])
def test_a_row_that_belongs_to_no_period_is_reported_once(tmp_path, frequency):
    hour = datetime.timedelta(hours=6)
    start = datetime.datetime(2024, 1, 1)
    step = hour if frequency == "D" else datetime.timedelta(days=1)
    rows = [row(start + number * step) for number in range(4)]
    data = make_data(write_rows(tmp_path / "sales.parquet", rows, date=pl.Datetime("us")))
    message = complaint(data, ForecastConfig(frequency=frequency))
    assert "in 1 way;" in message
    assert "(3 rows)" in message


def test_a_time_of_day_is_off_the_daily_grid(tmp_path):
    rows = [row(datetime.datetime(2024, 1, 1, 12))]
    data = make_data(write_rows(tmp_path / "sales.parquet", rows, date=pl.Datetime("us")))
    message = complaint(data)
    assert "timestamp inside a day (1 row); expected the start of a period, midnight UTC" in message


def test_negative_target(tmp_path):
    message = complaint(csv_of(tmp_path, [*GOOD, row(9, -2.5)]))
    assert (
        "sales: column 'target': negative target (1 row); expected 0 or more "
        "(see data.negative_target: clip, net); first: sales.csv row 9" in message
    )


def test_infinite_values(tmp_path):
    rows = [row(0, float("inf")), row(1, price=float("-inf")), row(2, price=1e300)]
    message = complaint(make_data(write_rows(tmp_path / "sales.parquet", rows)))
    assert "sales: column 'target': infinite (1 row)" in message
    assert "sales: column 'price': infinite (2 rows); expected a finite number" in message
    assert "sales.parquet row 2 (-inf), row 3 (1e+300)" in message


def test_missing_series_key(tmp_path):
    message = complaint(csv_of(tmp_path, [*GOOD, row(0, item=""), row(0, item=None)]))
    assert "sales: column 'item': missing series key (2 rows)" in message
    assert "row 9" in message


def test_missing_timestamp(tmp_path):
    message = complaint(csv_of(tmp_path, [*GOOD, row(0) | {"date": None}]))
    assert "sales: column 'date': missing timestamp (1 row); expected a date in each row" in message


@pytest.mark.parametrize(
    ("kind", "bad", "expected"),
    [
        ("in_stock_fraction", 1.5, "in_stock_fraction from 0 to 1"),
        ("in_stock_fraction", -0.1, "in_stock_fraction from 0 to 1"),
        ("stockout_hours", 17.0, "stockout_hours from 0 to 16"),
        ("stockout_flag", 0.5, "0 or 1, false or true"),
    ],
)
def test_availability_out_of_range(tmp_path, kind, bad, expected):
    availability = AvailabilityConfig(column="in_stock", kind=kind, opening_hours=16)
    path = write_rows(tmp_path / "sales.csv", [row(0), row(1, in_stock=bad)])
    data = make_data(path, columns=COLUMNS.model_copy(update={"availability": availability}))
    message = complaint(data)
    assert f"column 'in_stock': availability out of range (1 row); expected {expected}" in message
    assert "sales.csv row 2" in message


def test_changing_static_attribute(tmp_path):
    rows = [row(0), row(1), row(2, category="toys"), row(3, category="toys"), row(0, item="b")]
    message = complaint(csv_of(tmp_path, rows))
    assert (
        "sales: column 'category': static attribute changes within a series (1 series)" in message
    )
    assert "first: sales.csv row 3 ('toys' after 'food')" in message


def test_an_attribute_that_is_missing_in_some_rows_does_not_change(tmp_path):
    rows = [row(0, category=None), row(1), row(2, category=None)]
    _, report, _, _ = check_purely(csv_of(tmp_path, rows), ForecastConfig())
    assert report.violations == ()


def test_wrong_number_of_values(tmp_path):
    from demandcast.components.examples.readers import plan_reading, read_blocks

    (tmp_path / "t.csv").write_text("a,b\n1,2\n3\n")
    (task,) = plan_reading([str(tmp_path / "t.csv")], table="sales")
    malformed = []
    list(read_blocks(task, ["a"], block_rows=10, malformed=malformed))
    assert [line.row for line in malformed] == [2]


def joined(tmp_path, items, days, **changes):
    (tmp_path / "items.csv").write_text(items)
    (tmp_path / "days.csv").write_text(days)
    columns = COLUMNS.model_copy(
        update={"known_future": CovariatesConfig(numeric=("price", "holiday"))}
    )
    return make_data(
        write_rows(tmp_path / "sales.csv", GOOD),
        columns=columns,
        static_tables=(TableConfig(path=f"{tmp_path}/items.csv", on=("item",)),),
        calendar=CalendarConfig(path=f"{tmp_path}/days.csv", on=("date",)),
        **changes,
    )


ITEMS = "item,category\na,food\nb,toys\n"
DAYS = "date,holiday\n" + "".join(f"2024-01-0{day},0\n" for day in range(1, 5))


def test_good_joins_break_nothing(tmp_path):
    _, report, _, _ = check_purely(joined(tmp_path, ITEMS, DAYS), ForecastConfig())
    assert report.violations == ()


def test_repeated_key_in_a_static_table(tmp_path):
    message = complaint(joined(tmp_path, ITEMS + "a,toys\n", DAYS))
    assert (
        "static_tables[0]: column 'item': key repeated (1 row); expected one row per key; "
        "first: items.csv row 3 (a)" in message
    )


def test_repeated_date_in_the_calendar(tmp_path):
    message = complaint(joined(tmp_path, ITEMS, DAYS + "2024-01-02,1\n"))
    assert "calendar: column 'date': key repeated (1 row)" in message
    assert "days.csv row 5 (2024-01-02)" in message


def test_key_without_a_match(tmp_path):
    message = complaint(joined(tmp_path, "item,category\na,food\n", DAYS))
    assert (
        "sales: column 'item': key without a row in static_tables[0] (1 series); expected a row "
        "there for each key; first: sales.csv row 5 (b)" in message
    )


def test_date_without_a_match(tmp_path):
    message = complaint(joined(tmp_path, ITEMS, DAYS.replace("2024-01-03,0\n", "")))
    assert "sales: column 'date': date without a row in the calendar (2 rows)" in message
    assert "first: sales.csv row 3 (2024-01-03), row 7 (2024-01-03)" in message


def test_a_calendar_of_holidays_alone(tmp_path):
    holidays = "date,holiday\n2024-01-01,1\n"
    message = complaint(joined(tmp_path, ITEMS, holidays))
    assert "date without a row in the calendar (6 rows)" in message
    assert "(data.calendar.missing_date: empty, if a date without a row has no event)" in message
    data = joined(tmp_path, ITEMS, holidays)
    calendar = data.calendar.model_copy(update={"missing_date": "empty"})
    data = data.model_copy(update={"calendar": calendar})
    _, report, _, _ = check_purely(data, ForecastConfig())
    assert report.violations == ()


def test_bad_values_in_joined_tables(tmp_path):
    message = complaint(
        joined(tmp_path, ITEMS + ",food\n", DAYS.replace("04,0", "04,maybe") + "x,0\n")
    )
    assert "static_tables[0]: column 'item': missing key (1 row)" in message
    assert "calendar: column 'holiday': not a number (1 row)" in message
    assert "calendar: column 'date': not a date (1 row)" in message


def test_all_violations_come_in_one_message(tmp_path):
    rows = [*GOOD, row(2, -1.0), row(9, category="toys"), row(0, item=None)]
    message = complaint(csv_of(tmp_path, rows))
    assert "in 4 ways" in message
    for problem in ("negative target", "duplicate key", "static attribute", "missing series key"):
        assert problem in message
