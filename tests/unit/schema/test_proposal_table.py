import datetime

import polars as pl
import pytest

from demandcast.schema.errors import ContractError
from demandcast.schema.proposal_table import (
    BLOCKED,
    RISK_CLASSES,
    STATUSES,
    check_proposal_table,
    proposal_schema,
)

KEY = ("store", "item")


def table(*rows):
    """Rows of a proposal table; what a row does not say is null."""
    schema = proposal_schema(KEY)
    filled = [
        {
            "store": "s1",
            "item": "milk",
            "cutoff": datetime.date(2026, 6, 30),
            "status": "order",
            "risk_class": "low",
            "order_quantity": 12.0,
            "reason": "covers 9 periods",
        }
        | row
        for row in rows
    ]
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in filled], schema=schema)


def test_a_good_table_and_an_empty_one_keep_the_contract():
    blocked = {
        "item": "eggs",
        "status": "no_forecast",
        "order_quantity": None,
        "risk_class": None,
        "reason": "no forecast",
    }
    check_proposal_table(table({}, blocked), KEY)
    check_proposal_table(table(), KEY)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"status": "maybe"}, "unknown status: 1 rows"),
        ({"risk_class": "none"}, "unknown risk_class"),
        ({"risk_class": None}, "unknown risk_class"),
        ({"reason": ""}, "no reason"),
        ({"reason": None}, "no reason"),
        ({"order_quantity": None}, "no order_quantity"),
        ({"order_quantity": -1.0}, "no order_quantity"),
        ({"order_quantity": float("nan")}, "no order_quantity"),
        ({"status": "no_terms"}, "an order on a blocked line"),
    ],
)
def test_each_broken_rule_is_named_with_the_first_rows(row, message):
    with pytest.raises(ContractError, match=message) as caught:
        check_proposal_table(table(row), KEY)
    assert "'s1', 'milk'" in str(caught.value)


def test_a_series_may_be_there_once():
    with pytest.raises(ContractError, match="a series is there twice: 2 rows"):
        check_proposal_table(table({}, {}), KEY)


def test_columns_are_those_of_the_contract():
    with pytest.raises(ContractError, match=r"missing: \['rank'\]; unknown: \['extra'\]"):
        check_proposal_table(table({}).drop("rank").with_columns(extra=1), KEY)


def test_every_blocked_status_is_a_status():
    assert set(STATUSES) > BLOCKED
    assert RISK_CLASSES[0] == "low"
