import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demandcast.components.replenishment.approvals import (
    approval_words,
    number_text,
    same_person,
)
from demandcast.schema.config import ApprovalConfig

LINE = {
    "order_quantity": 24.0,
    "final_quantity": 24.0,
    "final_value": 60.0,
    "stockout_probability": 0.04,
    "stockout_probability_without": 0.9,
    "needs_approval": False,
}
FLOATS = {name: pl.Float64 for name in LINE if name != "needs_approval"}
BOTH = ApprovalConfig(min_value=100.0, min_stockout_probability=0.4)


def words(approval=BOTH, **changes):
    frame = pl.DataFrame([LINE | changes], schema_overrides=FLOATS | {"needs_approval": pl.Boolean})
    return frame.select(approval_words(approval)).item()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, None),
        ({"needs_approval": True}, "as proposed"),
        ({"needs_approval": True, "final_value": 100.0}, "value 100, from 100 on"),
        # What the proposal says of its own quantity holds.
        ({"final_value": 100.0}, None),
        ({"final_quantity": 40.0, "final_value": 99.99}, None),
        ({"final_quantity": 40.0, "final_value": 100.0}, "value 100, from 100 on"),
        ({"final_quantity": 40.0, "final_value": None}, "value not known"),
        ({"final_quantity": 12.0, "final_value": 30.0}, "risk up to 90 %, from 40 % on"),
        ({"final_quantity": 12.0, "stockout_probability_without": 0.399}, None),
        ({"final_quantity": 12.0, "stockout_probability_without": None}, "risk not known"),
        ({"final_quantity": 0.0, "final_value": None}, None),
        (
            {"order_quantity": None, "final_value": 3000.0},
            "value 3000, from 100 on, risk not known",
        ),
    ],
)
def test_value_and_risk_of_what_stands_are_held_against_the_thresholds(changes, expected):
    assert words(**changes) == expected


def test_without_thresholds_nothing_needs_approval():
    never = ApprovalConfig(min_value=None, min_stockout_probability=None)
    assert words(never, final_quantity=1e6, final_value=None) is None
    assert words(never, order_quantity=None) is None


@given(st.floats(24.1, 1e6), st.floats(0, 1e6))
def test_more_units_never_need_less_approval(quantity, more):
    def needs(units):
        return words(final_quantity=units, final_value=2.5 * units) is not None

    assert needs(quantity) <= needs(quantity + more)


def test_an_empty_book_has_no_words():
    frame = pl.DataFrame([LINE]).clear()
    assert frame.select(approval_words(BOTH)).height == 0


def test_blanks_and_capitals_make_no_other_person():
    names = pl.DataFrame(
        {"one": ["ben", " Ben", "ben", None], "other": ["BEN ", "ben", "eve", "x"]}
    )
    found = names.select(same_person(pl.col("one"), pl.col("other"))).to_series()
    assert found.to_list() == [True, True, False, False]


def test_numbers_have_two_decimals_at_most():
    numbers = pl.DataFrame({"value": [24.0, 2.5, 902294.399, 0.0]})
    assert numbers.select(number_text(pl.col("value"))).to_series().to_list() == [
        "24",
        "2.5",
        "902294.4",
        "0",
    ]
