"""Several suppliers: what their calendars, prices and today's stock say about the order of now."""

import numpy as np
import polars as pl
import pytest
import replenishment_world as world
from hypothesis import given, settings
from hypothesis import strategies as st

from demandcast.components.replenishment.cheapest_supplier import shortage_by_opening

ITEM = "007"
"""Of store b 5 a day are asked for; today is Wednesday. `north` takes 2 days and `south` 4."""


def row(*terms, on_hand=50.0, forecasts=None, config=None, **tables):
    """The line that several suppliers may serve."""
    stock = world.inventory(on_hand=on_hand) if np.isscalar(on_hand) else on_hand
    both = pl.concat([one.cast({"unit_cost": pl.Float64}) for one in terms], how="diagonal")
    known = world.situation(forecasts, supply_terms=both, **({"inventory": stock} | tables))
    return world.line(world.proposed(known, **(config or {})), "b", ITEM)


def terms(supplier="north", **columns):
    return world.terms(items=[ITEM], supplier=supplier, **columns)


# --- the calendar


@pytest.mark.parametrize(("days", "gap"), [("tue", 7.0), ("mon thu", 3.5)])
def test_what_the_calendar_says_counts_whatever_the_review_period_says(days, gap):
    north = terms(unit_cost=2.0, order_cost=3.0)
    reasons = {
        row(
            north,
            terms("south", unit_cost=1.9, order_days=days, review_period=given, order_cost=3.0),
        )["reason"]
        for given in (None, 1, 7)
    }
    (reason,) = reasons
    # North orders daily.
    assert f"purchase -0.50, ordering -{3.0 - 3.0 / gap:.2f}" in reason


def test_orders_once_a_week_are_worth_a_dearer_unit_where_an_order_is_dear():
    daily = terms(unit_cost=2.0, order_cost=7.0)
    weekly = terms("south", unit_cost=2.5, order_days="wed", order_cost=7.0)
    # 7 a day against 1 a day and 2.50 for the units.
    assert row(daily, weekly)["supplier"] == "south"
    dear = terms("south", unit_cost=3.3, order_days="wed", order_cost=7.0)
    assert row(daily, dear)["supplier"] == "north"


# --- prices by quantity


def prices(from_quantity, unit_cost):
    return pl.DataFrame(
        {
            "item": [ITEM],
            "supplier": ["south"],
            "from_quantity": [from_quantity],
            "unit_cost": [unit_cost],
        }
    )


@pytest.mark.parametrize(
    ("columns", "from_quantity", "supplier"),
    [
        ({"review_period": 4}, 20.0, "south"),  # An interval needs 4 x 5.
        ({"review_period": 4}, 21.0, "north"),
        ({"review_period": 4, "pack_size": 7.0}, 21.0, "south"),  # 3 packs.
        ({"moq": 30.0}, 30.0, "south"),
        ({"moq": 30.0}, 30.5, "north"),
    ],
)
def test_the_price_is_that_of_what_an_interval_needs(columns, from_quantity, supplier):
    both = terms(unit_cost=2.0), terms("south", unit_cost=2.4, **columns)
    found = row(*both, price_breaks=prices(from_quantity, 1.0))
    assert found["supplier"] == supplier
    assert row(*both)["supplier"] == "north"


# --- today


TUESDAYS = {"supplier": "south", "unit_cost": 1.9, "order_days": "tue", "stockout_cost": 4.0}
"""Takes orders in 6 days, and needs 4 then: 50 units are asked for until it delivers."""


@pytest.mark.parametrize(
    ("on_hand", "supplier", "words"),
    [
        (50.0, "south", "supplier chosen: 0.50 per day less than north"),
        (49.5, "south", "supplier chosen: "),
        (
            40.0,
            "north",
            "supplier north instead of south: takes orders today, which avoids shortage worth "
            "40.00 for 0.50 per day more",
        ),
        (
            0.0,
            "north",
            # 10 of the 50 are short before north delivers, too.
            "supplier north instead of south: takes orders today, which avoids shortage worth "
            "160.00 for 0.50 per day more",
        ),
    ],
)
def test_who_delivers_before_the_shelf_is_empty_wins(on_hand, supplier, words):
    both = terms(unit_cost=2.0, stockout_cost=4.0, review_period=7), terms(**TUESDAYS)
    found = row(*both, on_hand=on_hand)
    assert found["supplier"] == supplier
    assert words in found["reason"]


def test_a_shortage_that_costs_less_than_the_premium_is_borne():
    # 10 short x 4.00 against 20.50 a day for the 7 days that an order lasts.
    both = terms(unit_cost=6.0, stockout_cost=4.0, review_period=7), terms(**TUESDAYS)
    found = row(*both, on_hand=40.0)
    assert (found["supplier"], found["status"]) == ("south", "not_due")


def test_on_the_day_on_which_both_take_orders_lead_times_decide():
    wednesdays = TUESDAYS | {"order_days": "wed"}
    both = terms(unit_cost=2.0, stockout_cost=4.0), terms(**wednesdays)
    found = row(*both, on_hand=10.0)
    assert (
        "supplier north instead of south: delivers sooner, which avoids shortage worth 40.00"
        in found["reason"]
    )
    assert row(*both, on_hand=20.0)["supplier"] == "south"


def test_what_is_on_its_way_counts_from_its_day():
    both = terms(unit_cost=2.0, stockout_cost=4.0), terms(**TUESDAYS)

    def supplier(quantity, due):
        orders = {"store": ["b"], "item": [ITEM], "quantity": [quantity], "due": [due]}
        return row(*both, on_hand=20.0, open_orders=pl.DataFrame(orders))["supplier"]

    assert supplier(30.0, "2026-07-05") == "south"  # 20 last until the evening before.
    assert supplier(30.0, "2026-07-08") == "north"
    assert supplier(10.0, "2026-07-05") == "north"


def test_what_is_on_its_way_without_a_day_arrives_as_from_any_of_the_suppliers():
    both = terms(unit_cost=2.0, stockout_cost=4.0), terms(**TUESDAYS)
    stock = {("b", ITEM): {"on_hand": 15.0, "on_order": 35.0, "reserved": 0.0}}
    # 2 and 4 days are 3 on average, and 15 last 3.
    assert row(*both, on_hand=world.inventory(stock, on_order=0.0, reserved=0.0))["supplier"] == (
        "south"
    )
    stock[("b", ITEM)] |= {"on_hand": 14.0, "on_order": 36.0}
    free = terms(unit_cost=1.9, stockout_cost=4.0), terms(**(TUESDAYS | {"unit_cost": 1.8}))
    found = row(*free, on_hand=world.inventory(stock, on_order=0.0, reserved=0.0))
    assert found["supplier"] == "north"


def test_reserved_units_are_no_help():
    both = terms(unit_cost=2.0, stockout_cost=4.0), terms(**TUESDAYS)
    stock = world.inventory(on_hand=50.0, reserved=20.0)
    assert row(*both, on_hand=stock)["supplier"] == "north"


def test_without_a_stockout_cost_a_unit_short_counts_its_unit_cost():
    tuesdays = TUESDAYS | {"stockout_cost": None}
    both = terms(unit_cost=2.0, review_period=7), terms(**tuesdays)
    found = row(*both, on_hand=40.0)
    avoided = 10 * (2.0 + 1.9) / 2
    assert f"which avoids shortage worth {avoided:.2f}" in found["reason"]


def test_on_a_weekly_grid_what_waits_within_the_week_counts_as_a_week():
    quotes = world.suppliers({"south": {"quoted_lead_time_days": 0}}, quoted_lead_time_days=0)
    both = terms(unit_cost=2.0, stockout_cost=9.0), terms(**(TUESDAYS | {"stockout_cost": 9.0}))

    def supplier(on_hand, days):
        changed = both[1].with_columns(order_days=pl.lit(days))
        options = {"frequency": "W-MON", "cutoff": world.CUTOFF.replace(day=29)}
        return row(both[0], changed, on_hand=on_hand, suppliers=quotes, **options)["supplier"]

    assert supplier(0.0, "mon") == "south"
    assert supplier(0.0, "tue") == "north"
    assert supplier(5.0, "tue") == "south"


def test_a_supplier_that_is_closed_takes_no_orders():
    both = terms(unit_cost=2.0, stockout_cost=4.0), terms(**(TUESDAYS | {"order_days": "wed"}))
    closed = pl.DataFrame({"supplier": ["south"], "date": ["2026-07-01"]})
    assert row(*both, on_hand=30.0)["supplier"] == "south"
    assert row(*both, on_hand=30.0, supplier_closures=closed)["supplier"] == "north"


def test_a_line_without_stock_is_not_looked_at():
    stock = world.inventory()
    others = stock.filter(~((pl.col("store") == "b") & (pl.col("item") == ITEM)))
    found = row(terms(unit_cost=2.0), terms(**TUESDAYS), on_hand=others)
    assert (found["status"], found["order_quantity"]) == ("no_inventory", None)


# --- what is short


def test_short_by_hand():
    supply = np.array([[5.0], [5.0], [20.0], [20.0]])
    short = shortage_by_opening(np.full((1, 4), 4.0), np.zeros(1), supply)
    # What is lost stays lost, whatever arrives later.
    assert short.tolist() == [[0, 0, 8 - 5, 3, 3]]


@pytest.mark.parametrize("shape", [(0, 3), (2, 0), (2, 1)])
def test_short_of_nothing(shape):
    short = shortage_by_opening(np.zeros(shape), np.zeros(shape[0]), np.zeros(shape[::-1]))
    assert short.tolist() == np.zeros((shape[0], shape[1] + 1)).tolist()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_short_is_at_most_what_a_simulation_loses_and_not_much_less(seed):
    rng = np.random.default_rng(seed)
    mean, deviation = rng.uniform(2, 10), rng.uniform(0.1, 2)
    due = np.cumsum(rng.integers(0, 12, 6)).astype(float)
    available = rng.uniform(0, 40)
    demand = np.cumsum(rng.normal(mean, deviation, (20_000, 6)), axis=1)
    deficit = np.maximum(demand - available - due, 0)
    lost = np.maximum.accumulate(deficit, axis=1).mean(axis=0)
    short = shortage_by_opening(
        np.full((1, 6), mean), np.array([deviation**2]), (available + due)[:, None]
    )[0, 1:]
    slack = 5 * deviation * np.sqrt(6 / 20_000)
    assert (short <= lost + slack).all()
    assert (short >= lost - deviation * np.sqrt(6) - slack).all()
    assert (np.diff(short) >= 0).all()
