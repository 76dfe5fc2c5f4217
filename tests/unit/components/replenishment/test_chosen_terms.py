"""Which terms a line has: of its one supplier, of the cheapest, or none and why."""

import polars as pl
import pytest
import replenishment_world as world


def proposed(*terms, **tables):
    """What is proposed with the terms of several suppliers."""
    return world.proposed(world.situation(supply_terms=pl.concat(terms), **tables))


def row(table, item="007"):
    return world.line(table, "b", item)


PLENTY = {"inventory": world.inventory(on_hand=20.0)}
"""Four days of the line that is looked at: nobody delivers too late."""


def test_one_supplier_is_not_chosen():
    found = row(world.proposed())
    assert found["supplier"] == "north"
    assert "supplier" not in found["reason"]


def test_the_cheaper_of_two_is_chosen_whatever_their_order():
    north, south = world.terms(unit_cost=3.0), world.terms(supplier="south", unit_cost=2.0)
    for both in ((north, south), (south, north)):
        found = row(proposed(*both, **PLENTY))
        assert (found["supplier"], found["unit_cost"]) == ("south", 2)
        assert found["order_quantity"] == 5 * (1 + 4) - 20  # By his lead time.
        assert "supplier chosen: " in found["reason"]
        assert "less than north" in found["reason"]


def test_items_of_one_and_of_two_suppliers_side_by_side():
    south = world.terms(items=["008"], supplier="south", unit_cost=1.0)
    table = proposed(world.terms(), south, **PLENTY)
    suppliers = dict(table.select("item", "supplier").unique().rows())
    assert suppliers == {"007": "north", "008": "south", "009": "north"}
    assert table.height == 6


def test_a_stockout_cost_speaks_for_the_reliable():
    demand = world.forecasts(spread=0.5)
    quotes = world.suppliers({"south": {"lead_time_std_days": 2.0}}, quoted_lead_time_days=4)
    chosen = []
    for cost in (0.01, 500.0):
        north = world.terms(unit_cost=2.2, stockout_cost=cost)
        south = world.terms(supplier="south", unit_cost=2.0, stockout_cost=cost)
        both = pl.concat([north, south])
        of = world.situation(demand, supply_terms=both, suppliers=quotes, **PLENTY)
        chosen.append(row(world.proposed(of))["supplier"])
    assert chosen == ["south", "north"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"unit_cost": -1.0}, "supply_terms, row 4: unit_cost: got '-1.0'"),
        (
            {"supplier": "nobody"},
            "supply_terms, row 4: supplier: 'nobody' is not in the table suppliers, and has no "
            "deliveries in lead_times",
        ),
    ],
)
def test_an_offer_that_cannot_be_used_is_left_out_and_said(wrong, words):
    bad = {"supplier": "south", "unit_cost": 0.5} | wrong
    found = row(proposed(world.terms(), world.terms({"007": bad}, items=["007"])))
    assert (found["status"], found["supplier"]) == ("order", "north")
    assert f"supplier '{bad['supplier']}' left out: {words}" in found["reason"]


def test_two_offers_that_cannot_be_used_are_none():
    bad = world.terms(unit_cost=-1.0), world.terms(supplier="south", unit_cost=-2.0)
    found = row(proposed(*bad))
    assert (found["status"], found["supplier"]) == ("invalid", None)
    assert "unit_cost: got '-" in found["reason"]


def test_no_terms():
    found = row(world.proposed(world.situation(supply_terms=world.terms(items=["008"]))))
    assert (found["status"], found["reason"]) == (
        "no_terms",
        "no terms of supply fit the series",
    )
    assert found["due_date"] is found["review_period"] is found["order_quantity"] is None


def test_a_supplier_of_whom_nothing_is_known():
    found = row(world.proposed(world.situation(supply_terms=world.terms(supplier="west"))))
    assert (found["status"], found["reason"]) == (
        "no_lead_time",
        "supply_terms, row 1: supplier: 'west' is not in the table suppliers, and has no "
        "deliveries in lead_times",
    )


def test_a_supplier_whose_name_is_written_otherwise():
    of = world.situation(supply_terms=world.terms(supplier="North"))
    assert row(world.proposed(of))["reason"] == (
        "supply_terms, row 1: supplier: 'North' is not in the table suppliers, but 'north': mind "
        "the capitals, and has no deliveries in lead_times"
    )


def test_a_supplier_without_a_quote():
    quotes = world.suppliers({"north": {"quoted_lead_time_days": None}})
    assert row(world.proposed(world.situation(suppliers=quotes)))["reason"] == (
        "suppliers: quoted_lead_time_days: no value for supplier 'north', and no deliveries in "
        "lead_times"
    )


def test_a_supplier_where_there_is_no_table_of_them():
    of = world.situation(suppliers=None, lead_times=world.deliveries("south", [2] * 9))
    assert row(world.proposed(of))["reason"] == (
        "supply_terms, row 1: supplier: 'north' has no deliveries in lead_times, and there is no "
        "table suppliers with a quoted lead time"
    )


def test_a_quote_that_cannot_be_meant_stops_his_lines_alone():
    quotes = world.suppliers({"south": {"quoted_lead_time_days": 5000}})
    terms = world.terms({"008": {"supplier": "south"}})
    table = world.proposed(world.situation(supply_terms=terms, suppliers=quotes))
    found = row(table, "008")
    assert (found["status"], found["reason"]) == (
        "invalid",
        "suppliers, row 2: quoted_lead_time_days: got '5000'; allowed: a number of at least 0 and "
        "at most 3650 (supplier 'south')",
    )
    assert row(table)["status"] == "order"


def test_what_was_wrong_with_the_stock_stays():
    stock = world.inventory(on_hand=-1.0)
    found = row(world.proposed(world.situation(inventory=stock, supply_terms=world.terms()[:0])))
    assert found["status"] == "invalid"
    assert found["reason"].startswith("inventory, row 4: on_hand")


def test_two_suppliers_of_a_series_without_forecast():
    stock = pl.concat([world.inventory(), world.inventory()[:1].with_columns(store=pl.lit("z"))])
    both = world.terms(), world.terms(supplier="south")
    table = proposed(*both, inventory=stock)
    assert world.line(table, "z", "007")["status"] == "no_forecast"
    assert table.height == 7


def test_who_has_no_units_is_no_candidate_while_another_has_some():
    north = world.terms(unit_cost=2.0, available_units=100.0)
    south = world.terms(supplier="south", unit_cost=1.0, available_units=0.0)
    found = row(proposed(north, south, **PLENTY))
    assert found["supplier"] == "north"
    assert "supplier 'south' left out: supply_terms: available_units is 0" in found["reason"]


def test_where_nobody_has_units_the_cheapest_is_still_the_supplier():
    north = world.terms(unit_cost=2.0, available_units=0.0)
    south = world.terms(supplier="south", unit_cost=1.0, available_units=0.0)
    found = row(proposed(north, south, **PLENTY))
    assert (found["status"], found["supplier"]) == ("held_back", "south")
    assert "left out" not in found["reason"]


def test_units_of_a_supplier_that_cannot_be_used_do_not_count():
    north = world.terms(unit_cost=2.0, available_units=0.0)
    nobody = world.terms(supplier="nobody", unit_cost=1.0, available_units=9.0)
    found = row(proposed(north, nobody))
    assert (found["status"], found["supplier"]) == ("held_back", "north")


def test_the_one_supplier_of_a_line_may_have_no_units():
    found = row(world.proposed(world.situation(supply_terms=world.terms(available_units=0.0))))
    assert (found["status"], found["supplier"]) == ("held_back", "north")
