"""Rules that look at one line at a time, and what breaks the contract of lines."""

import re

import pytest
from examples_tables import check_purely
from transactions_tables import data_of, demand_of, line, write_lines

from demandcast.components.examples.lines import check_rows
from demandcast.components.examples.readers import read_blocks
from demandcast.components.examples.tables import open_tables
from demandcast.components.examples.violations import contract_error
from demandcast.schema.config import CalendarConfig, ColumnsConfig, CovariatesConfig, ForecastConfig
from demandcast.schema.errors import ContractError

PRODUCTS = {"name": "no product", "column": "item", "unless": r"^\d{5}[A-Z]*$"}


def complaint(data):
    _, report, tables, _ = check_purely(data, ForecastConfig())
    assert report.violations, "nothing breaks the contract"
    return str(contract_error(report.violations, tables.files))


@pytest.fixture
def table(tmp_path):
    """Gives a function from lines and rules to a described table."""

    def describe(lines, rules=None, **changes):
        return data_of(write_lines(tmp_path / "sales.parquet", lines), rules, **changes)

    return describe


def test_odd_codes_are_left_out_and_counted_by_name(table):
    codes = ["85123A", "POST", "22423", None]
    lines = [line("1", 2 + at, item=code) for at, code in enumerate(codes)]
    rules = {"exclude": [PRODUCTS, {"name": "two", "column": "invoice", "matches": "^2$"}]}
    answer = demand_of(table(lines, rules))
    assert answer.demand == {("85123A", "2024-01-01"): 2, ("22423", "2024-01-01"): 4}
    assert answer.counts["read"] == (4, 2 + 3 + 4 + 5)
    assert answer.counts["no product"] == (2, 3 + 5)  # A missing code is no product either.
    assert answer.counts["two"] == (0, 0)


def test_the_first_rule_that_fits_counts(table):
    both = [{"name": name, "column": "item", "matches": "^P"} for name in ("one", "two")]
    lines = [line("1", item="POST", price=0.0), line("1")]
    counts = demand_of(table(lines, {"exclude": both, "positive": ["price"]})).counts
    assert [counts[name][0] for name in ("one", "two", "price not above 0")] == [1, 0, 0]


def test_lines_without_a_price_above_zero_are_left_out(table):
    lines = [line("1", 2**at, price=price) for at, price in enumerate((-1.0, 0.0, None, 0.01))]
    answer = demand_of(table(lines, {"positive": ["price"]}))
    assert answer.demand == {("a", "2024-01-01"): 8}
    assert answer.counts["price not above 0"] == (3, 1 + 2 + 4)


def test_missing_parts_are_refused_by_column(table):
    lines = [line("1"), line("1", item=None), line("1", None), line("1") | {"time": None}]
    text = complaint(table(lines))
    assert "sales: column 'item': missing series key (1 row); expected a value" in text
    assert "sales: column 'time': missing timestamp (1 row); expected a timestamp" in text
    assert "sales: column 'quantity': missing quantity (1 row); expected a number" in text
    assert text.count("data.transactions.missing: drop") == 2
    assert [int(row) for row in re.findall(r"row (\d)", text)] == [2, 3, 4]


def test_missing_parts_are_left_out_if_told_so(table):
    lines = [line("1", 7), line("1", item=None), line("1", None), line("1") | {"time": None}]
    answer = demand_of(table(lines, {"missing": "drop"}))
    assert answer.report.violations == ()
    assert answer.demand == {("a", "2024-01-01"): 7}
    assert answer.counts["no series key, timestamp or target"] == (3, 1 + 1)


def test_what_is_no_timestamp_or_number_is_refused_even_then(tmp_path):
    (tmp_path / "sales.csv").write_text("item,time,quantity\na,soon,1\na,2024-01-01,many\n")
    text = complaint(data_of(tmp_path / "sales.csv", {"missing": "drop"}))
    assert "column 'time': not a timestamp (1 row)" in text
    assert "text as YYYY-MM-DD with or without HH:MM:SS" in text
    assert "column 'quantity': not a number (1 row); expected a number such as 12.5" in text
    assert "missing" not in text.replace("data.transactions.missing", "")


def test_lines_that_are_left_out_need_not_be_complete(table):
    lines = [line("1"), line("1", None, item="POST") | {"time": None}]
    rules = {"exclude": [{"name": "post", "column": "item", "matches": "POST"}]}
    assert demand_of(table(lines, rules)).demand == {("a", "2024-01-01"): 1}


def test_a_price_that_is_no_number_is_refused(tmp_path):
    (tmp_path / "sales.csv").write_text("item,time,quantity,price\na,2024-01-01,1,cheap\n")
    text = complaint(data_of(tmp_path / "sales.csv", {"positive": ["price"]}))
    assert "column 'price': not a number (1 row)" in text
    assert "sales.csv row 1 ('cheap')" in text


def test_a_column_of_a_rule_must_be_there(tmp_path):
    (tmp_path / "sales.csv").write_text("item,time,quantity\na,2024-01-01,1\n")
    rules = {"cancelled": {"column": "invoice", "matches": "^C"}, "positive": ["price"]}
    with pytest.raises(ContractError) as caught:
        open_tables(data_of(tmp_path / "sales.csv", rules))
    assert "column 'invoice' is missing in 1 of 1 files" in str(caught.value)
    assert "column 'price' is missing" in str(caught.value)


def blocks_of(data, block_rows):
    tables = open_tables(data)
    (task,) = tables.tasks["sales"]
    table = tables.roles.sales
    for frame in read_blocks(task, table.columns, block_rows=block_rows, malformed=[]):
        yield check_rows(frame, table, data, frequency="D")


def test_lines_are_added_up_inside_of_their_block(tmp_path):
    """What is gathered later is bounded by series and periods, not by lines."""
    path = write_lines(tmp_path / "sales.csv", [line("1", 1), line("2", 2)] * 500)
    blocks = list(blocks_of(data_of(path), block_rows=100))
    assert [len(block.rows) for block in blocks] == [2] * 10
    assert [block.rows["#target"].to_list() for block in blocks] == [[50, 100]] * 10


def test_lines_that_are_compared_travel_as_numbers_alone(tmp_path):
    rules = {"repeated_lines": "drop", "pairs": {"columns": ["customer"]}}
    path = write_lines(tmp_path / "sales.csv", [line("1", 1, invoice="long" * 100)] * 50)
    (block,) = blocks_of(data_of(path, rules), block_rows=100)
    assert len(block.rows) == 50
    assert all(dtype.is_numeric() for dtype in block.rows.dtypes)
    assert block.rows.estimated_size() <= 50 * 50  # Bytes per line, see decision 22.


COLUMNS = ColumnsConfig(
    series_key=("item",),
    timestamp="time",
    target="quantity",
    observed_past=CovariatesConfig(numeric=("price",)),
)


def test_a_price_of_lines_is_seen_only_in_the_past(table):
    lines = [line("1", 10, price=2.0), line("1", 30, price=1.0), line("3", 1, price=5.0)]
    partitions, report, _, _ = check_purely(table(lines, columns=COLUMNS), ForecastConfig())
    assert report.violations == ()
    (rows,) = [partition.sales for partition in partitions]
    assert rows["c:price"].to_list() == [(10 * 2 + 30 * 1) / 40, 5.0]


def test_a_price_of_lines_cannot_be_known_ahead(table):
    known = COLUMNS.model_copy(
        update={
            "observed_past": CovariatesConfig(),
            "known_future": CovariatesConfig(numeric=("price",)),
        }
    )
    expected = r"lines of sales cannot tell \['price'\] ahead .*expected in data.calendar"
    with pytest.raises(ContractError, match=expected):
        open_tables(table([line("1")], columns=known))


def test_covariates_known_ahead_come_from_a_plan_or_a_calendar(tmp_path, table):
    (tmp_path / "plan.csv").write_text(
        "item,time,promotion\n" + "".join(f"a,2024-01-0{day},{day % 2}\n" for day in range(1, 6))
    )
    (tmp_path / "calendar.csv").write_text(
        "time,holiday\n" + "".join(f"2024-01-0{day},h{day}\n" for day in range(1, 6))
    )
    known = CovariatesConfig(numeric=("promotion",), categorical=("holiday",))
    columns = COLUMNS.model_copy(update={"known_future": known})
    data = table(
        [line("1", 4), line("3", 1)],
        columns=columns,
        future=str(tmp_path / "plan.csv"),
        calendar=CalendarConfig(path=str(tmp_path / "calendar.csv"), on=("time",)),
    )
    from examples_tables import examples_of

    from demandcast.components.examples.splits import SplitPlan

    forecast = ForecastConfig(horizon=2)
    plan = SplitPlan("eval", (19725,))  # 2024-01-03
    ((_, example),) = examples_of(data, forecast, [plan]).items()
    assert example["target"] == [4, 0, 1]
    assert example["observed_mask"] == [1, 1, 1]
    assert example["promotion"] == [1, 0, 1, 0, 1]
    assert example["holiday"] == [b"h1", b"h2", b"h3", b"h4", b"h5"]
    price = example["price"]
    assert (price[0], price[2]) == (2.0, 2.0)
    assert price[1] != price[1]  # Nothing was sold: nobody saw a price.
