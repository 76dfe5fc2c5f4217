"""Lines of sales become demand: each rule by arithmetic, all together against a slow oracle."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transactions_tables import SCHEMA, data_of, demand_of, line, slow_demand, write_lines

from demandcast.components.examples.blocks import CODE, PERIOD, TARGET
from demandcast.components.examples.settlement import add_up, weight_of
from demandcast.schema.config import ForecastConfig, TransactionsConfig

PAIRS = {"pairs": {"columns": ["customer"], "within_days": 1}}
CANCELLED = {"cancelled": {"column": "invoice", "matches": "^C"}}


@pytest.fixture(params=["csv", "parquet"])
def settled(request, tmp_path):
    """Gives a function from lines and rules to demand, by way of a file of each format."""

    def settle(lines, rules=None, **sizes):
        path = write_lines(tmp_path / f"sales.{request.param}", lines)
        return demand_of(data_of(path, rules), **sizes)

    return settle


def test_lines_of_a_day_add_up_whatever_the_time(settled):
    lines = [line("1 00:00", 2), line("1 23:59", 3), line("2 08:00", 5), line("1", 7, item="b")]
    assert settled(lines).demand == {
        ("a", "2024-01-01"): 2 + 3,
        ("a", "2024-01-02"): 5,
        ("b", "2024-01-01"): 7,
    }


def test_days_of_a_week_add_up(tmp_path):
    lines = [line("1", 2), line("7 23:00", 3), line("8", 5)]  # 2024-01-01 is a Monday.
    data = data_of(write_lines(tmp_path / "sales.csv", lines))
    demand = demand_of(data, ForecastConfig(frequency="W-MON")).demand
    assert demand == {("a", "2024-01-01"): 2 + 3, ("a", "2024-01-08"): 5}


def test_a_returned_item_was_wanted_unless_returns_are_netted(settled):
    lines = [line("1", 5), line("1", -2), line("2", -4), line("3", 1)]
    ignored = settled(lines)
    assert ignored.demand == {("a", "2024-01-01"): 5, ("a", "2024-01-03"): 1}
    assert ignored.counts["returns ignored"] == (2, -2 - 4)
    net = settled(lines, {"returns": "net"})
    assert net.demand == {
        ("a", "2024-01-01"): 5 - 2,
        ("a", "2024-01-02"): 0,  # A day with only returns.
        ("a", "2024-01-03"): 1,
    }
    assert net.counts["returns subtracted"] == (2, -2 - 4)
    beyond = net.counts["returns beyond the sales of their period (rows, set to 0)"]
    assert beyond == (1, -4)


def test_a_pattern_makes_a_return_of_a_positive_quantity(settled):
    lines = [line("1", 5), line("1", 2, invoice="C7"), line("1", -1, invoice="C8")]
    net = settled(lines, CANCELLED | {"returns": "net"})
    assert net.demand == {("a", "2024-01-01"): 5 - 2 - 1}


def test_a_sale_and_its_cancellation_are_both_no_demand(settled):
    """The shape of the two largest orders of the UCI set: bought and cancelled in minutes."""
    lines = [
        line("9 09:15", 80_995, customer="16446"),
        line("9 09:27", -80_995, invoice="C581484", customer="16446"),
        line("9 10:00", 3),
    ]
    answer = settled(lines, PAIRS | CANCELLED)
    assert answer.demand == {("a", "2024-01-09"): 3}
    assert answer.counts["sales taken back within 1 day"] == (1, 80_995)
    assert answer.counts["what took them back within 1 day"] == (1, -80_995)
    assert answer.counts["returns ignored"] == (0, 0)


@pytest.mark.parametrize(
    "change",
    [
        {"customer": "berta"},
        {"customer": None},
        {"item": "b"},
        {"quantity": -3},
        {"time": line("3 09:01")["time"]},
        {"time": line("2 08:59")["time"]},
    ],
    ids=["customer", "no customer", "item", "quantity", "a day and a minute", "before the sale"],
)
def test_what_does_not_match_is_a_return_and_the_sale_stays(settled, change):
    answer = settled([line("2 09:00", 4), line("2 09:05", -4) | change], PAIRS)
    assert answer.demand == {("a", "2024-01-02"): 4}
    assert answer.counts["returns ignored"][0] == 1


def test_a_missing_customer_is_not_the_same_customer(settled):
    lines = [line("2 09:00", 4, customer=None), line("2 09:05", -4, customer=None)]
    assert settled(lines, PAIRS).demand == {("a", "2024-01-02"): 4}


def test_a_cancellation_takes_back_the_latest_open_sale(settled):
    lines = [
        line("1 09:00", 4),
        line("3 09:00", 4),
        line("3 10:00", -4),  # Takes back that of 9:00,
        line("3 11:00", -4),  # so that none of the day before is left for this.
    ]
    assert settled(lines, PAIRS).demand == {("a", "2024-01-01"): 4}
    generous = {"pairs": {"columns": ["customer"], "within_days": 30}}
    assert settled(lines, generous).demand == {}


def test_at_one_moment_a_sale_comes_before_its_cancellation(settled):
    lines = [line("1 09:00", -4), line("1 09:00", 4), line("2", 1)]
    assert settled(lines, PAIRS).demand == {("a", "2024-01-02"): 1}


def test_pairs_need_no_further_column(settled):
    lines = [line("1", 4), line("1", -4, customer=None), line("2", 1)]
    assert settled(lines, {"pairs": {}}).demand == {("a", "2024-01-02"): 1}


def test_repeated_lines_are_kept_unless_told_otherwise(settled):
    lines = [line("1", 2)] * 3 + [line("1", 2, customer="berta")]
    assert settled(lines).demand == {("a", "2024-01-01"): 4 * 2}
    dropped = settled(lines, {"repeated_lines": "drop"})
    assert dropped.demand == {("a", "2024-01-01"): 2 * 2}
    assert dropped.counts["repeated lines"] == (2, 2 * 2)
    by_invoice = settled(lines, {"repeated_lines": "drop", "line_columns": ["invoice"]})
    assert by_invoice.demand == {("a", "2024-01-01"): 2}


def test_repeated_lines_are_found_across_blocks(settled):
    lines = [line("1", 2), line("1", 3), line("2", 1, item="b")] * 4
    answer = settled(lines, {"repeated_lines": "drop"}, block_rows=2)
    assert answer.demand == {("a", "2024-01-01"): 2 + 3, ("b", "2024-01-02"): 1}
    assert answer.counts["repeated lines"] == (3 * 3, 3 * (2 + 3 + 1))


def test_a_repeated_cancellation_takes_back_one_sale(settled):
    lines = [line("1 09:00", 4), line("1 09:01", 4), *[line("1 10:00", -4, invoice="C9")] * 2]
    rules = PAIRS | {"repeated_lines": "drop"}
    assert settled(lines, rules).demand == {("a", "2024-01-01"): 4}
    assert settled(lines, PAIRS).demand == {}


def test_of_an_item_that_was_only_returned_nothing_is_left(settled):
    lines = [line("1", -4), line("2", 1, item="b")]
    answer = settled(lines)
    assert answer.demand == {("b", "2024-01-02"): 1}
    assert answer.report.series == 1
    assert (answer.report.oldest, answer.report.newest) == (19724, 19724)  # 2024-01-02


def test_a_price_is_the_mean_over_units_sold():
    price, weight = "c:price", weight_of("price")
    lines = pl.DataFrame(
        {CODE: [0, 0, 0, 1], PERIOD: [5, 5, 5, 5], "#source": [1, 2, 3, 4]}
        | {TARGET: [10.0, 30.0, -5.0, 2.0], price: [2.0, 1.0, 9.0, None]}
        | {weight: [10.0, 30.0, 0.0, 0.0]}
    )
    rows = add_up(lines)
    assert rows[price].to_list() == [(10 * 2 + 30 * 1) / (10 + 30), None]
    parts = pl.concat([add_up(lines[:1]), add_up(lines[1:3]), add_up(lines[3:])])
    assert add_up(parts).equals(rows)  # Blocks may be added up one by one.


ENTRIES = st.builds(
    line,
    st.builds("{} {}:00".format, st.integers(1, 4), st.integers(0, 23)),
    st.integers(-2, 2),
    item=st.sampled_from("ab"),
    invoice=st.sampled_from(["1", "C2", "X3"]),
    customer=st.sampled_from([None, "anna", "berta"]),
    price=st.sampled_from([None, -1.0, 0.0, 2.0]),
)
RULES = st.fixed_dictionaries(
    {},
    optional={
        "exclude": st.sampled_from(
            [
                [{"name": "x", "column": "invoice", "matches": "X"}],
                [{"name": "not a", "column": "item", "unless": "^a"}],
                [
                    {"name": "x", "column": "invoice", "matches": "X"},
                    {"name": "no name", "column": "customer", "unless": "."},
                ],
            ]
        ),
        "positive": st.just(["price"]),
        "repeated_lines": st.sampled_from(["keep", "drop"]),
        "line_columns": st.sampled_from([[], ["invoice"], ["customer", "price"]]),
        "cancelled": st.just(CANCELLED["cancelled"]),
        "pairs": st.fixed_dictionaries(
            {
                "columns": st.sampled_from([[], ["customer"], ["customer", "price"]]),
                "within_days": st.sampled_from([0, 0.25, 1, 10]),
            }
        ),
        "returns": st.sampled_from(["ignore", "net"]),
    },
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    lines=st.lists(ENTRIES, min_size=1, max_size=40),
    rules=RULES,
    block_rows=st.integers(1, 50),
    suffix=st.sampled_from(["csv", "parquet"]),
)
def test_random_lines_give_what_the_slow_oracle_gives(
    tmp_path_factory, lines, rules, block_rows, suffix
):
    path = write_lines(tmp_path_factory.mktemp("lines") / f"sales.{suffix}", lines)
    answer = demand_of(data_of(path, rules), block_rows=block_rows)
    assert answer.report.violations == ()
    expected = slow_demand(lines, TransactionsConfig.model_validate(rules))
    assert answer.demand == expected.demand
    assert _taken(answer.counts) == _taken(expected.counts)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(lines=st.lists(ENTRIES, min_size=1, max_size=40), rules=RULES)
def test_each_line_falls_to_exactly_one_rule(tmp_path_factory, lines, rules):
    path = write_lines(tmp_path_factory.mktemp("lines") / "sales.parquet", lines)
    counts = demand_of(data_of(path, rules)).counts
    read = counts.pop("read")
    last = counts.pop("demand (rows of a series and period)", (0, 0.0))
    beyond = counts.pop("returns beyond the sales of their period (rows, set to 0)", (0, 0.0))
    assert read == tuple(map(sum, zip(*counts.values(), strict=True)))
    kept = counts.get("sales", (0, 0.0))[1] + counts.get("returns subtracted", (0, 0.0))[1]
    assert last[1] == kept - beyond[1]


def _taken(counts):
    """Leaves out rules that took nothing: where no line is left, later ones are not counted."""
    return {rule: count for rule, count in counts.items() if count[0]}


def test_the_columns_of_the_oracle_are_those_of_the_table():
    assert set(SCHEMA) == set(line("1"))
