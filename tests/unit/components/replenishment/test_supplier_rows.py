"""Rows of suppliers: one each, their problems with their names, quotes that cannot be meant."""

import pytest
import replenishment_world as world

from demandcast.components.replenishment.supplier_rows import supplier_rows
from demandcast.components.replenishment.supply_columns import PROBLEM
from demandcast.schema.errors import ContractError


def rows(changes=None, **columns):
    return supplier_rows(world.suppliers(changes, **columns))


def test_rows_without_anything_wrong():
    found = rows(lead_time_std_days=1.0)
    assert found["supplier"].to_list() == ["north", "south"]
    assert found["quoted_lead_time_days"].to_list() == [2, 4]
    assert found[PROBLEM].to_list() == [None, None]


def test_a_problem_names_its_supplier():
    assert rows({"south": {"budget": -1.0}}, budget=5.0)[PROBLEM].to_list() == [
        None,
        "suppliers, row 2: budget: got '-1.0'; allowed: a number of at least 0 (supplier 'south')",
    ]


def test_rows_of_no_supplier_are_left_out():
    assert rows({"south": {"supplier": None}})["supplier"].to_list() == ["north"]
    assert supplier_rows(world.suppliers()[:0]).height == 0


@pytest.mark.parametrize(
    ("days", "std", "reach"),
    [(300, 3000, 62612), (3650, 300, 6174), (0, 400, 7815)],
)
def test_a_spread_beyond_what_lead_times_may_be_is_no_quote(days, std, reach):
    wrong = {"quoted_lead_time_days": float(days), "lead_time_std_days": float(std)}
    found = rows({"north": wrong}, lead_time_std_days=1.0)
    assert found["quoted_lead_time_days"].to_list() == [None, 4]
    assert found[PROBLEM].to_list() == [
        f"suppliers, row 1: lead_time_std_days: got '{std}.0' beside quoted_lead_time_days of "
        f"'{days}.0': an order could take {reach} days; allowed: up to 4,000 (supplier 'north')",
        None,
    ]


def test_a_spread_without_a_quote_is_no_problem():
    quotes = {"quoted_lead_time_days": None, "lead_time_std_days": 3000.0}
    assert rows({"north": quotes}, lead_time_std_days=1.0)[PROBLEM].to_list() == [None, None]


def test_a_missing_column_stops_everything():
    with pytest.raises(ContractError, match=r"suppliers: no column \['supplier'\]"):
        supplier_rows(world.suppliers().drop("supplier"))
