"""Prices by quantity: looked up by key and supplier, and what is wrong with them."""

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from demandcast.components.replenishment.price_breaks import price_breaks_of, with_price_problems
from demandcast.schema.errors import ContractError

KEYS = ("store", "item")


def lines(count=3):
    return pl.DataFrame(
        {
            "store": ["a", "a", "b"],
            "item": ["007", "008", "007"],
            "supplier": ["north", "north", "south"],
            "unit_cost": [2.0, 3.0, 4.0],
            "periods_to_next": [1, 2, 3],
            "moq": [1.0, 1.0, 1.0],
            "currency": ["EUR", "EUR", "USD"],
            "problem": pl.Series([None] * 3, dtype=pl.String),
        }
    )[:count]


def table(*rows, **columns):
    names = ("item", "supplier", "from_quantity", "unit_cost")
    return pl.DataFrame(list(rows), schema=list(names), orient="row").with_columns(**columns)


def breaks(prices, of=None):
    of = lines() if of is None else of
    ones = np.ones(of.height)
    return price_breaks_of(of, prices, keys=KEYS, holding_cost=ones, mean_demand=2 * ones)


def test_breaks_are_sorted_and_padded():
    found = breaks(
        table(("007", "north", 50, 1.0), ("007", "north", 10, 1.5), ("007", "south", 20, 3.0))
    )
    inf = np.inf
    np.testing.assert_array_equal(found.breakpoints, [[10, 50], [inf, inf], [20, inf]])
    np.testing.assert_array_equal(found.prices[[0, 0, 2], [0, 1, 0]], [1.5, 1.0, 3.0])
    np.testing.assert_array_equal(found.unit_cost, [2, 3, 4])
    np.testing.assert_array_equal(found.review_period, [1, 2, 3])


def test_further_columns_are_no_keys():
    prices = table(("007", "north", 10, 1.5), moq=pl.lit("many"), currency=pl.lit("EUR"))
    assert breaks(prices).breakpoints[0].tolist() == [10]


def test_no_table_no_line():
    assert breaks(None) is None
    assert breaks(table(("999", "north", 10, 1.5))) is None
    assert breaks(table(("007", "north", 10, 1.5)), of=lines(0)) is None
    assert breaks(table(("007", "north", 10, 1.5))[:0]) is None


def test_prices_of_no_item_are_refused():
    with pytest.raises(ContractError, match=r"price_breaks: no column of the series key"):
        breaks(table(("007", "north", 10, 1.5)).drop("item"))


def problems(prices):
    return with_price_problems(lines(), prices, KEYS)["problem"].to_list()


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (("007", "north", -1, 1.0), "from_quantity: got '-1'; allowed: a number above 0"),
        (("007", "north", 10, -1.0), "unit_cost: got '-1.0'; allowed: a number of at least 0"),
        (("007", "north", None, 1.0), "from_quantity: no value; it must be given"),
    ],
)
def test_a_wrong_price_stops_the_lines_that_it_is_of(row, words):
    good = ("008", "north", 10, 1.0)
    assert problems(table(good, row)) == [f"price_breaks, row 2: {words}", None, None]


def test_a_price_of_no_supplier_is_anyones():
    words = "price_breaks, row 1: supplier: no value; it must be given"
    assert problems(table(("007", None, 10, 1.0))) == [words, None, words]


def test_two_prices_for_the_same_quantity():
    found = problems(table(("007", "north", 10, 1.0), ("007", "north", 10, 2.0)))
    words = "price_breaks, row 1: from_quantity: '10.0' twice; allowed: once"
    assert found == [words, None, None]


@pytest.mark.parametrize("currency", [None, "", "USD", "EUR"])
def test_prices_are_in_the_currency_of_their_terms(currency):
    of_all = table(("007", "north", 10, 1.0), ("007", "south", 10, 1.0), currency=pl.lit(currency))
    words = "price_breaks, row {}: currency: got '{}'; allowed: '{}', as the terms"
    expected = {
        "USD": [words.format(1, "USD", "EUR"), None, None],
        "EUR": [None, None, words.format(2, "EUR", "USD")],
    }
    assert problems(of_all) == expected.get(currency, [None] * 3)


def test_what_was_wrong_before_is_named_first():
    candidates = lines().with_columns(problem=pl.lit("that"))
    found = with_price_problems(candidates, table(("007", "north", -1, 1.0)), KEYS)
    assert found["problem"].to_list() == ["that"] * 3


def test_without_a_table_candidates_stay_as_they_are():
    assert_frame_equal(with_price_problems(lines(), None, KEYS), lines())
    good = table(("007", "north", 10, 1.0))
    assert_frame_equal(with_price_problems(lines(), good, KEYS), lines())
