"""Reasons of lines in words: one for each flag, in plain numbers."""

import datetime

import polars as pl
import pytest

from demandcast.components.replenishment.order_lots import LotReason
from demandcast.components.replenishment.reasons import line_reasons

USUAL = {
    "status": "order",
    "order_quantity": 12.0,
    "wanted_quantity": 10.0,
    "cover_periods": 9.0,
    "probability": 0.95,
    "service_target": 0.95,
    "stockout_probability": 0.05,
    "next_order_date": datetime.date(2026, 7, 3),
    "excess_units": 0.0,
    "lot_reasons": 0,
    "pack_size": 12.0,
    "moq": 20.0,
    "storage_capacity": 30.0,
    "smallest_order": 24.0,
    "never_fits": False,
    "overdue_units": None,
    "overdue_since": None,
    "abandoned_units": None,
    "abandoned_since": None,
    "room": float("inf"),
    "sellable": float("inf"),
    "raised_to_price_break": 0.0,
    "supply_cut": 0.0,
    "budget_cut": 0.0,
    "supplier_reason": None,
    "left_out": None,
}


def reason(*, measure="cycle_service_level", horizon=28, frequency="D", **changes):
    row = USUAL | {
        name: int(value) if isinstance(value, LotReason) else value
        for name, value in changes.items()
    }
    texts = dict.fromkeys(["supplier_reason", "left_out"], pl.String())
    units = dict.fromkeys(["overdue_units", "abandoned_units"], pl.Float64())
    days = dict.fromkeys(["overdue_since", "abandoned_since"], pl.Date())
    frame = pl.DataFrame([row], schema_overrides=texts | units | days)
    (text,) = line_reasons(frame, measure=measure, horizon=horizon, frequency=frequency)
    return text


COVERED = {"order_quantity": 0.0, "wanted_quantity": 0.0, "status": "covered"}
ELSE = {"order_quantity": 0.0, "cover_periods": 1.0}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "covers 9 days at 95 %"),
        ({"cover_periods": 1.0, "probability": 0.975}, "covers 1 day at 97.5 %"),
        ({"cover_periods": 0.0}, "covers less than a day at 95 %"),
        (COVERED | {"cover_periods": 0.0}, "on their way cover less than a day at 95 %"),
        ({"cover_periods": 28.0}, "covers 28 days or more at 95 %"),
        ({"stockout_probability": 0.4}, "may run out before an order arrives (40 %)"),
        ({"stockout_probability": 0.153}, "may run out before an order arrives (15.3 %)"),
        (COVERED, "stock and orders on their way cover 9 days at 95 %"),
        (COVERED | {"excess_units": 1.0}, "1 unit above the base-stock level"),
        (COVERED | {"excess_units": 3.26}, "3.3 units above the base-stock level"),
        (
            ELSE | {"status": "not_due"},
            "10 units are wanted; the supplier takes orders again on 2026-07-03",
        ),
        (ELSE | {"status": "not_due", "wanted_quantity": 1.0}, "1 unit is wanted; the supplier"),
        ({"lot_reasons": LotReason.RAISED_TO_MOQ}, "raised to the smallest order of 20"),
        ({"lot_reasons": LotReason.RAISED_TO_PACK}, "raised to packs of 12"),
        ({"lot_reasons": LotReason.RAISED_TO_PACK, "pack_size": 2.5}, "raised to packs of 2.5"),
        (
            {"lot_reasons": LotReason.MOQ_NOT_WHOLE_PACKS},
            "the smallest order of 20 is no multiple of the pack of 12",
        ),
        (
            {"lot_reasons": LotReason.RAISED_TO_PRICE_BREAK, "raised_to_price_break": 8.0},
            "raised by 8 to a lower price",
        ),
        (
            {"lot_reasons": LotReason.LOWERED_BY_CAPACITY, "room": 7.0},
            "lowered from 10: there is room for 7 of a capacity of 30",
        ),
        (
            {"lot_reasons": LotReason.LOWERED_BY_SHELF_LIFE, "sellable": 6.0},
            "lowered from 10: 6 sell before they expire",
        ),
        (
            {"lot_reasons": LotReason.INFEASIBLE_PACK_CAPACITY, "room": 7.0},
            "10 units are wanted, and a pack of 12 does not fit into room for 7 of a capacity of "
            "30",
        ),
        (
            {"lot_reasons": LotReason.INFEASIBLE_MOQ_CAPACITY, "room": 7.0},
            "10 units are wanted, and the smallest order of 20 does not fit into room for 7 of a "
            "capacity of 30",
        ),
        (
            {"lot_reasons": LotReason.INFEASIBLE_PACK_SHELF_LIFE, "sellable": 7.0},
            "10 units are wanted, and of a pack of 12 only 7 would sell before they expire",
        ),
        (
            {"lot_reasons": LotReason.INFEASIBLE_MOQ_SHELF_LIFE, "sellable": 7.0},
            "10 units are wanted, and of the smallest order of 20 only 7 would sell before",
        ),
        ({"supply_cut": 3.0}, "3 units fewer: the supplier has not enough for all"),
        ({"budget_cut": 1.0}, "1 unit held back by the budget"),
        ({"budget_cut": 1234567.0}, "1234567 units held back by the budget"),
        ({"supplier_reason": "chosen: 4.00 less"}, "supplier chosen: 4.00 less"),
        ({"left_out": "supplier 'x' left out: y"}, "supplier 'x' left out: y"),
        (
            {"overdue_units": 12.0, "overdue_since": datetime.date(2026, 6, 1)},
            "; 12 units on the way are overdue, the oldest since 2026-06-01",
        ),
        (
            {"abandoned_units": 1.0, "abandoned_since": datetime.date(2025, 6, 1)},
            "; 1 unit on order is not counted, too long overdue, the oldest since 2025-06-01",
        ),
        (
            ELSE | {"never_fits": True, "storage_capacity": 10.5, "status": "infeasible"},
            "10 units are wanted; no order is possible: the smallest, 24, in packs of 12, is above "
            "the storage capacity of 10.5",
        ),
    ],
)
def test_each_flag_has_its_words(changes, words):
    assert words in reason(**changes)


def test_nothing_is_said_that_is_not():
    assert reason() == "covers 9 days at 95 %"
    assert reason(**COVERED) == "stock and orders on their way cover 9 days at 95 %"
    # A quarter of the intervals may run out at a target of 75 %; that is meant.
    assert "run out" not in reason(probability=0.75, stockout_probability=0.25)


def test_weeks_are_weeks():
    weekly = {"frequency": "W-MON", "horizon": 12}
    assert reason(**weekly) == "covers 9 weeks at 95 %"
    assert reason(**weekly, cover_periods=1.0) == "covers 1 week at 95 %"
    assert reason(**weekly, cover_periods=12.0) == "covers 12 weeks or more at 95 %"
    assert reason(**weekly, cover_periods=0.0) == "covers less than a week at 95 %"
    chosen = {"supplier_reason": "chosen: 0.36 per period less than drinks"}
    assert reason(**weekly, **chosen).endswith("; supplier chosen: 0.36 per week less than drinks")
    assert reason(**chosen).endswith("; supplier chosen: 0.36 per day less than drinks")


def test_that_there_is_no_room_today_is_not_said_where_there_never_is():
    flags = LotReason.INFEASIBLE_MOQ_CAPACITY
    text = reason(never_fits=True, lot_reasons=flags, status="infeasible", **ELSE)
    assert "room for" not in text


def test_what_an_order_is_for():
    """How likely stock lasts is then no target, but what follows from it."""
    share = {"service_target": 0.95, "probability": 0.669, "cover_periods": 4.0}
    assert reason(measure="fill_rate", **share) == (
        "aims to meet 95 % of demand; covers 4 days in 66 of 100 cases"
    )
    assert reason(measure="cost", **share) == (
        "aims at the least cost; covers 4 days in 66 of 100 cases"
    )
    assert reason(measure="fill_rate", **(share | COVERED)) == (
        "stock and orders on their way cover 4 days in 66 of 100 cases"
    )


@pytest.mark.parametrize(("share", "cases"), [(0.95, 95), (0.29, 29), (0.9999, 99), (1.0, 100)])
def test_cases_are_rounded_down(share, cases):
    assert f"in {cases} of 100 cases" in reason(measure="cost", probability=share)


def test_several_are_set_apart_in_order():
    flags = LotReason.RAISED_TO_MOQ | LotReason.RAISED_TO_PACK
    assert reason(lot_reasons=flags, budget_cut=2.0) == (
        "covers 9 days at 95 %; raised to the smallest order of 20; raised to packs of 12; "
        "2 units held back by the budget"
    )


def test_no_lines():
    frame = pl.DataFrame([USUAL]).clear()
    assert line_reasons(frame, measure="cost", horizon=7, frequency="D").to_list() == []
