"""Every series once, with its stock, its terms, or what is wrong with them."""

import datetime

import polars as pl
import pytest
import replenishment_world as world

from demandcast.components.replenishment.lines import (
    LONGEST_OPEN_DAYS,
    LONGEST_OVERDUE_DAYS,
    SupplyTables,
    closed_days,
    gather_candidates,
    gather_stock,
    open_order_lines,
    unmatched_terms,
    unplaced_problems,
    with_near_terms,
)
from demandcast.schema.errors import ContractError

KEYS = list(world.KEYS)
FORECASTS = world.forecasts().keys


def tables(**changes):
    usual = {"inventory": world.inventory(), "supply_terms": world.terms()}
    return SupplyTables(**(usual | {"suppliers": world.suppliers()} | changes))


def stock(forecasts=FORECASTS, **changes):
    return gather_stock(forecasts, tables(**changes), evening=world.CUTOFF)


def row(frame, store, item):
    return world.line(frame, store, item)


def test_every_series_that_a_table_knows_is_there_once_and_sorted():
    extra = pl.concat([world.inventory(), world.inventory()[:1].with_columns(item=pl.lit("900"))])
    orders = pl.DataFrame({"store": ["z"], "item": ["001"], "quantity": [1.0]})
    lines = stock(inventory=extra[1:], open_orders=orders)
    keys = lines.select(KEYS)
    assert keys.rows() == sorted(keys.rows())
    assert set(keys.rows()) == {*world.DEMAND, ("a", "900"), ("z", "001")}
    assert row(lines, "a", "007")["status"] == "no_inventory"
    assert row(lines, "a", "900")["status"] == "no_forecast"
    ordered = row(lines, "z", "001")
    assert ordered["status"] == "no_forecast"
    assert ordered["reason"].startswith(
        "neither a forecast nor the inventory has the series, only open_orders: "
    )
    assert row(lines, "b", "009")["status"] is None


def test_terms_with_the_whole_key_are_lines():
    of_stores = world.terms(items=["007", "500", ""]).with_columns(store=pl.lit("b"))
    blank = of_stores.with_columns(store=pl.lit(None, pl.String))
    given = pl.concat([of_stores, of_stores.with_columns(supplier=pl.lit("south")), blank])
    lines = stock(supply_terms=given)
    assert set(lines.select(KEYS).rows()) == {*world.DEMAND, ("b", "500")}
    found = row(lines, "b", "500")
    assert found["status"] == "no_forecast"
    assert found["reason"] == (
        "neither a forecast nor the inventory has the series, only supply_terms: it is new, or has "
        "ended"
    )
    assert row(lines, "b", "007")["status"] is None


def test_terms_of_an_item_alone_are_no_line_and_said():
    of_items = tables(supply_terms=world.terms(items=["007", "500", "400", ""]))
    lines = gather_stock(FORECASTS, of_items, evening=world.CUTOFF)
    assert set(lines.select(KEYS).rows()) == set(world.DEMAND)
    assert list(unmatched_terms(of_items, lines.select(KEYS))) == [
        "supply_terms: 2 of no series that is forecast, in stock or on order, first 400, 500: "
        "item alone names no line"
    ]
    assert list(unmatched_terms(tables(), lines.select(KEYS))) == []


def test_terms_of_whole_series_are_never_unmatched():
    of_stores = tables(supply_terms=world.terms().with_columns(store=pl.lit("new")))
    lines = gather_stock(FORECASTS, of_stores, evening=world.CUTOFF)
    assert list(unmatched_terms(of_stores, lines.select(KEYS))) == []


def test_rows_point_to_their_forecasts():
    lines = stock()
    assert lines["forecast_row"].to_list() == list(range(6))
    assert lines.select(KEYS).equals(FORECASTS)


def test_what_is_not_given_is_0():
    found = row(stock(), "a", "007")
    assert (found["on_hand"], found["on_order"], found["reserved"]) == (0, 0, 0)
    assert found["storage_capacity"] is None


def test_a_table_of_orders_replaces_what_the_stock_says():
    orders = pl.DataFrame({"store": ["a", "a"], "item": ["007", "007"], "quantity": [2.0, 3.0]})
    lines = stock(inventory=world.inventory(on_order=50.0), open_orders=orders)
    assert row(lines, "a", "007")["on_order"] == 5
    assert row(lines, "a", "008")["on_order"] == 0


def test_a_wrong_order_line_stops_its_series():
    orders = pl.DataFrame({"store": ["a"], "item": ["007"], "quantity": ["-2"]})
    found = row(stock(open_orders=orders), "a", "007")
    assert found["status"] == "invalid"
    assert found["reason"].startswith("open_orders, row 1: quantity: got '-2'; allowed: ")


@pytest.mark.parametrize(
    ("columns", "known"),
    [
        ({}, True),
        ({"received": [None]}, True),
        ({"received": [world.CUTOFF]}, False),
        ({"received": [world.CUTOFF + datetime.timedelta(days=1)]}, True),
        ({"ordered": [world.CUTOFF]}, True),
        ({"ordered": [world.CUTOFF + datetime.timedelta(days=1)]}, False),
    ],
)
def test_lines_are_those_of_the_evening_of_the_cutoff(columns, known):
    orders = pl.DataFrame({"store": ["a"], "item": ["007"], "quantity": [1.0]} | columns)
    assert open_order_lines(orders, KEYS, evening=world.CUTOFF).height == known


def test_without_a_table_of_orders_there_are_no_lines():
    assert open_order_lines(None, KEYS, evening=world.CUTOFF) is None


def test_rows_of_the_same_key_are_named_and_counted():
    twice = pl.concat([world.inventory()] + [world.inventory()[:1]] * 2)
    found = row(stock(inventory=twice), "a", "007")
    assert found["status"] == "invalid"
    assert found["reason"] == (
        "inventory: 3 rows of the same store, item, first: row 1, row 7, row 8; allowed: one"
    )


def test_rows_without_a_key_are_no_duplicates():
    blank = world.inventory().with_columns(item=pl.lit(""))
    found = stock(inventory=pl.concat([world.inventory(), blank]))
    reasons = found.filter(pl.col("item") == "")["reason"].to_list()
    words = "inventory, row {}: item: no value; it must be given"
    assert reasons == [words.format(7), words.format(10)]


def test_lost_zeros_are_recognised():
    numbers = world.inventory().with_columns(pl.col("item").cast(pl.Int64))
    found = row(stock(inventory=numbers), "a", "007")
    assert found["status"] == "no_inventory"
    assert found["reason"] == (
        "the inventory has no row of the series, but one of 'a', '7': keep zeros"
    )


@pytest.mark.parametrize(
    ("item", "advice"),
    [("007 ", "remove the spaces"), (" 007", "remove the spaces"), ("7 ", "keep zeros")],
)
def test_stray_spaces_are_recognised_on_both_sides(item, advice):
    own = pl.when(pl.col("item") == "007").then(pl.lit(item)).otherwise("item")
    lines = stock(inventory=world.inventory().with_columns(item=own))
    assert row(lines, "a", "007")["reason"] == (
        f"the inventory has no row of the series, but one of 'a', '{item}': {advice}"
    )
    found = row(lines, "a", item)
    assert (found["status"], found["reason"]) == (
        "no_forecast",
        f"there is no forecast of the series, but one of 'a', '007': {advice}",
    )


def test_capitals_are_recognised():
    lines = stock(inventory=world.inventory().with_columns(pl.col("store").str.to_uppercase()))
    assert row(lines, "A", "007")["reason"].endswith("but one of 'a', '007': mind the capitals")


def test_a_forecast_that_cannot_be_used_is_a_line_with_its_problem():
    wrong = FORECASTS[:1].with_columns(problem=pl.lit("step 3: no value"))
    lines = gather_stock(FORECASTS[1:], tables(), evening=world.CUTOFF, wrong_forecasts=wrong)
    assert lines.height == FORECASTS.height
    found = row(lines, "a", "007")
    assert (found["status"], found["reason"]) == ("invalid", "step 3: no value")
    assert row(lines, "a", "008")["status"] is None


def orders(*rows):
    """Lines of (item, quantity, due or None, ordered or None), days from the cutoff, in store a."""
    day = [None if one is None else world.CUTOFF + datetime.timedelta(one) for _, _, one, _ in rows]
    ordered = [
        None if one is None else world.CUTOFF + datetime.timedelta(one) for _, _, _, one in rows
    ]
    return pl.DataFrame(
        {
            "store": ["a"] * len(rows),
            "item": [item for item, *_ in rows],
            "quantity": [float(quantity) for _, quantity, *_ in rows],
            "due": pl.Series(day, dtype=pl.Date),
            "ordered": pl.Series(ordered, dtype=pl.Date),
        }
    )


def test_what_is_overdue_counts_and_is_said():
    lines = stock(open_orders=orders(("007", 3, -5, None), ("007", 4, 0, None), ("007", 5, 1, -9)))
    found = row(lines, "a", "007")
    assert (found["on_order"], found["overdue_units"]) == (12, 7)
    assert found["overdue_since"] == world.CUTOFF - datetime.timedelta(5)
    assert found["abandoned_units"] == 0


@pytest.mark.parametrize(
    ("due", "ordered", "counts"),
    [
        (-LONGEST_OVERDUE_DAYS, None, True),
        (-LONGEST_OVERDUE_DAYS - 1, None, False),
        (None, -LONGEST_OPEN_DAYS, True),
        (None, -LONGEST_OPEN_DAYS - 1, False),
        (5, -LONGEST_OPEN_DAYS - 1, True),  # Someone expects it still.
    ],
)
def test_what_is_too_long_overdue_does_not_count(due, ordered, counts):
    given = orders(("007", 3, due, ordered), ("008", 1, 1, None))
    found = row(stock(open_orders=given), "a", "007")
    assert found["on_order"] == (3 if counts else 0)
    assert found["abandoned_units"] == (0 if counts else 3)
    left = open_order_lines(given, KEYS, evening=world.CUTOFF)["item"].to_list()
    assert left == (["007", "008"] if counts else ["008"])


def test_without_a_table_of_orders_nothing_is_overdue():
    found = row(stock(inventory=world.inventory(on_order=5.0)), "a", "007")
    assert (found["on_order"], found["overdue_units"], found["abandoned_units"]) == (5, None, None)


def test_other_keys_are_not_taken_for_lost_zeros():
    found = row(stock(inventory=world.inventory()[1:]), "a", "007")
    assert found["reason"] == "the inventory has no row of the series"


@pytest.mark.parametrize("name", ["status", "supplier", "quantity", "cutoff"])
def test_a_series_key_with_a_name_of_ours_is_refused(name):
    names = {"item": name}
    with pytest.raises(ContractError, match=rf"series_key: \['{name}'\] are columns of the tables"):
        gather_stock(
            FORECASTS.rename(names),
            tables(inventory=world.inventory().rename(names)),
            evening=world.CUTOFF,
        )


def candidates(currency="", **changes):
    given = tables(**changes)
    lines = gather_stock(FORECASTS, given, evening=world.CUTOFF)
    return gather_candidates(lines, given, keys=KEYS, currency=currency)


def test_terms_of_an_item_are_those_of_each_store():
    found = candidates()
    assert found.select(KEYS).equals(FORECASTS)
    assert found["unit_cost"].to_list() == [2.0] * 6
    assert found["weekdays"].to_list() == [[True] * 7] * 6


def test_terms_may_be_of_single_series():
    one = world.terms(items=["007"]).with_columns(store=pl.lit("b"))
    assert candidates(supply_terms=one).select(KEYS).rows() == [("b", "007")]


def test_terms_of_no_key_are_refused():
    with pytest.raises(ContractError, match=r"supply_terms: no column of the series key \['store'"):
        candidates(supply_terms=world.terms().drop("item"))


def test_what_the_terms_leave_open_is_the_suppliers():
    terms = world.terms({"008": {"order_cost": 9.0}}, order_cost=None)
    found = candidates(supply_terms=terms, suppliers=world.suppliers(order_cost=5.0, budget=70))
    costs = dict(found.select("item", "order_cost").unique().rows())
    # An order of a store has three lines, which share what it costs.
    assert costs == {"007": 5 / 3, "008": 9, "009": 5 / 3}
    assert found["supplier_budget"].to_list() == [70] * 6
    assert found["quoted_lead_time_days"].to_list() == [2] * 6


def test_the_smaller_capacity_counts():
    terms = world.terms({"007": {"storage_capacity": 5.0}, "008": {"storage_capacity": 50.0}})
    found = candidates(supply_terms=terms, inventory=world.inventory(storage_capacity=20.0))
    capacities = dict(found.select("item", "storage_capacity").unique().rows())
    assert capacities == {"007": 5, "008": 20, "009": 20}


@pytest.mark.parametrize(
    ("wanted", "refused", "allowed"), [("", "USD", "EUR"), ("USD", "EUR", "USD")]
)
def test_another_currency_is_named(wanted, refused, allowed):
    terms = world.terms({"007": {"currency": "USD"}})
    found = candidates(wanted, supply_terms=terms)
    problems = found.filter(pl.col("currency") == refused)["problem"].unique().sort().to_list()
    assert problems == [
        f"supply_terms, row {row}: currency: got '{refused}'; allowed: '{allowed}', as all costs"
        for row in ([1] if refused == "USD" else [2, 3])
    ]
    assert found.filter(pl.col("currency") == allowed)["problem"].is_null().all()


def test_of_as_many_currencies_the_first_by_name_counts():
    terms = world.terms({"007": {"currency": "USD"}}, items=["007", "008"])
    for one in (terms, terms[::-1]):
        found = candidates(supply_terms=one)
        assert set(found.filter(pl.col("problem").is_not_null())["item"]) == {"007"}


def test_a_currency_of_the_supplier_is_said_to_be_his():
    terms = world.terms({"007": {"supplier": "south", "currency": None}})
    suppliers = world.suppliers({"south": {"currency": "USD"}}, currency=None)
    found = candidates(supply_terms=terms, suppliers=suppliers)
    (problem,) = found.filter(pl.col("item") == "007")["problem"].unique()
    assert problem == "suppliers, row 2: currency: got 'USD'; allowed: 'EUR', as all costs"


def test_without_a_currency_in_the_terms_that_of_most_prices_counts():
    prices = pl.DataFrame(
        {
            "item": ["007", "008", "009"],
            "supplier": ["north"] * 3,
            "from_quantity": [5.0] * 3,
            "unit_cost": [1.0] * 3,
            "currency": ["EUR", "EUR ", "USD"],
        }
    )
    found = candidates(supply_terms=world.terms(currency=None), price_breaks=prices)
    assert found["currency"].unique().to_list() == ["EUR"]
    problems = dict(found.select("item", "problem").unique().rows())
    words = "price_breaks, row 3: currency: got 'USD'; allowed: 'EUR', as the terms"
    assert problems == {"007": None, "008": None, "009": words}


def test_without_a_currency_none_is_missing():
    found = candidates(supply_terms=world.terms(currency=None))
    assert found["problem"].is_null().all()


@pytest.mark.parametrize("table", ["supply_terms", "suppliers"])
def test_order_days_are_named_with_their_table(table):
    changes = {
        table: getattr(world, {"supply_terms": "terms"}.get(table, table))(order_days="noon")
    }
    found = candidates(**changes).filter(pl.col("item") == "007")
    words = f"{table}, row 1: order_days: got 'noon'; allowed: weekdays such as 'mon thu'"
    assert found["problem"].unique().to_list() == [words]


def test_a_wrong_supplier_stops_his_lines():
    suppliers = world.suppliers({"north": {"order_cost": -1.0}, "south": {"order_cost": 1.0}})
    terms = world.terms({"007": {"supplier": "south"}})
    found = candidates(supply_terms=terms, suppliers=suppliers)
    wrong = set(found.filter(pl.col("problem").is_not_null())["item"])
    assert wrong == {"008", "009"}


def test_rows_of_no_series_are_counted():
    terms = world.terms().with_columns(item=pl.Series(["007", None, ""]))
    suppliers = world.suppliers().with_columns(supplier=pl.Series(["north", ""]))
    found = list(unplaced_problems(tables(supply_terms=terms, suppliers=suppliers), KEYS))
    assert found == [
        "supply_terms: item: no value in 2 rows, first: row 2, row 3; left out",
        "suppliers: supplier: no value in 1 row, first: row 2; left out",
    ]
    assert list(unplaced_problems(tables(suppliers=None), KEYS)) == []


def test_terms_that_lost_their_zeros():
    given = tables(supply_terms=world.terms().with_columns(pl.col("item").cast(pl.Int64)))
    lines = stock().with_columns(
        status=pl.when(pl.col("item") == "007").then(pl.lit("no_terms")), reason=pl.lit("none fit")
    )
    found = with_near_terms(lines, given, KEYS)
    assert row(found, "a", "007")["reason"].endswith("supply_terms has some of '7': keep zeros")
    assert found.columns == lines.columns


def test_terms_with_stray_spaces():
    own = pl.when(pl.col("item") == "007").then(pl.lit(" 007")).otherwise("item")
    given = tables(supply_terms=world.terms().with_columns(item=own))
    lines = stock().with_columns(
        status=pl.when(pl.col("item") == "007").then(pl.lit("no_terms")), reason=pl.lit("none fit")
    )
    found = with_near_terms(lines, given, KEYS)
    words = "no terms of supply fit the series; supply_terms has some of ' 007': remove the spaces"
    assert row(found, "a", "007")["reason"] == words
    assert row(found, "a", "008")["reason"] == "none fit"
    assert found.columns == lines.columns


def closures(suppliers, dates):
    table = pl.DataFrame({"supplier": suppliers, "date": dates})
    return tables(supplier_closures=table)


def test_closed_days_that_cannot_be_read_are_left_out_and_said():
    found = closures(
        ["north", "north", None, "nort"], ["2026-12-25", "xmas", "2026-12-25", "2027-01-01"]
    )
    assert closed_days(found).rows() == [
        ("north", datetime.date(2026, 12, 25)),
        ("nort", datetime.date(2027, 1, 1)),
    ]
    assert list(unplaced_problems(found, KEYS)) == [
        "supplier_closures, row 2: date: got 'xmas'; allowed: a date as YYYY-MM-DD; 2 rows left "
        "out",
        "supplier_closures: supplier: no terms of 1 of them, first: nort",
    ]
    assert closed_days(tables()) is None


def test_closed_days_without_a_column_are_refused():
    with pytest.raises(ContractError, match=r"supplier_closures: no column \['date'\]"):
        closed_days(tables(supplier_closures=pl.DataFrame({"supplier": ["north"]})))
