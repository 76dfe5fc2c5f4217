"""Proposals worked out by hand, their properties, and what no order of lines may change."""

import datetime
import os

import numpy as np
import polars as pl
import polars.testing
import pytest
import replenishment_world as world
from hypothesis import given, settings
from hypothesis import strategies as st

from demandcast.components.replenishment.lead_time_distributions import pmf_quantiles
from demandcast.components.replenishment.order_crossing import felt_lead_times
from demandcast.components.replenishment.proposing import propose
from demandcast.components.replenishment.supply_columns import PLACE
from demandcast.schema.config import ReplenishmentConfig
from demandcast.schema.proposal_facts import check_proposal_terms
from demandcast.schema.proposal_table import BLOCKED, STATUSES, check_proposal_table

ORDERED = ("order", "reduced")


def two_series(value: float = 10.0, **options):
    """Two series of item 007 with the same spread demand; the world's tables know both."""
    return world.forecasts({("a", "007"): value, ("b", "007"): value}, **options)


# --- worked out by hand -------------------------------------------------------------------------


def test_a_plain_order():
    table = world.proposed(world.situation(inventory=world.inventory(on_hand=4.0)))
    row = world.line(table, "b", "007")
    # 5 a day, over a review period of 1 and a lead time of 2.
    assert row["base_stock_level"] == 5 * (1 + 2)
    assert row["inventory_position"] == 4
    assert row["order_quantity"] == row["wanted_quantity"] == 15 - 4
    assert row["order_value"] == 11 * 2.0
    assert (row["lead_time_mean"], row["review_period"], row["protection_interval"]) == (2, 1, 3)
    assert row["expected_demand"] == pytest.approx(15)
    assert (row["status"], row["supplier"], row["currency"]) == ("order", "north", "EUR")
    assert row["order_date"] == datetime.date(2026, 7, 1)
    assert row["due_date"] == datetime.date(2026, 7, 3)
    assert row["next_order_date"] == datetime.date(2026, 7, 2)


def test_what_is_lost_before_the_order_arrives_by_hand():
    table = world.proposed(world.situation(inventory=world.inventory(on_hand=4.0)))
    row = world.line(table, "b", "007")
    # Two days of 5 pass before anything comes: 10 - 4 are lost, whatever is ordered.
    assert row["expected_lost_sales"] == pytest.approx(6, abs=1e-3)
    assert row["expected_lost_sales_without"] == pytest.approx(15 - 4, abs=1e-3)
    assert row["stockout_probability"] == row["stockout_probability_without"] == 1
    # 11 arrive for the third day, of which 5 are sold.
    holding = 2.0 * 0.25 / 365.25
    assert row["expected_holding_cost"] == pytest.approx(6 * holding, rel=1e-3)
    implied = holding * 1 * 0.95 / 0.05
    assert row["expected_stockout_cost"] == pytest.approx(6 * implied, rel=1e-3)
    assert (row["risk_class"], row["needs_approval"]) == ("critical", True)


@pytest.mark.parametrize(
    ("on_hand", "level"),
    # What is lost in the two days until the order arrives is not covered again: 15 - (10 - 4).
    [(0.0, 15 - 10), (4.0, 15 - 6), (10.0, 15), (12.0, 15)],
)
def test_what_is_lost_until_the_order_arrives_is_not_ordered(on_hand, level):
    of = world.situation(inventory=world.inventory(on_hand=on_hand))
    row = world.line(world.proposed(of, unmet_demand="lost"), "b", "007")
    assert row["base_stock_level"] == level
    assert row["order_quantity"] == level - on_hand
    assert row["expected_demand"] == pytest.approx(15)


def test_position_counts_what_is_reserved_and_on_its_way():
    stock = world.inventory(on_hand=10.0, on_order=4.0, reserved=3.0)
    row = world.line(world.proposed(world.situation(inventory=stock)), "b", "007")
    assert row["inventory_position"] == 10 + 4 - 3
    assert row["order_quantity"] == 15 - 11
    assert (row["on_hand"], row["on_order"], row["reserved"]) == (10, 4, 3)


def test_enough_is_covered_and_its_excess_is_said():
    table = world.proposed(world.situation(inventory=world.inventory(on_hand=40.0)))
    row = world.line(table, "b", "007")
    assert (row["status"], row["order_quantity"], row["excess_units"]) == ("covered", 0, 40 - 15)
    assert row["cover_periods"] == 40 // 5
    assert "25 units above the base-stock level" in row["reason"]


def test_a_review_period_lengthens_the_interval():
    of = world.situation(supply_terms=world.terms(review_period=7))
    row = world.line(world.proposed(of), "b", "007")
    assert row["order_quantity"] == 5 * (7 + 2)
    assert row["next_order_date"] == datetime.date(2026, 7, 8)


def test_after_close_a_day_less_passes_until_the_delivery():
    of = world.situation(order_moment="after_close")
    row = world.line(world.proposed(of, order_moment="after_close"), "b", "007")
    # Quoted 2 days: ordered on Tuesday evening for Thursday's opening, after Wednesday's demand.
    assert row["order_date"] == datetime.date(2026, 6, 30)
    assert row["due_date"] == datetime.date(2026, 7, 2)
    assert row["lead_time_mean"] == 1
    assert row["order_quantity"] == 5 * (1 + 1)


def test_order_days_decide_when_and_for_how_long():
    days = {"007": {"order_days": "wed fri"}, "008": {"order_days": "thu"}}
    table = world.proposed(world.situation(supply_terms=world.terms(days)))
    today, tomorrow = world.line(table, "b", "007"), world.line(table, "b", "008")
    assert (today["status"], today["review_period"]) == ("order", 2)
    assert today["order_quantity"] == 5 * (2 + 2)
    assert today["next_order_date"] == datetime.date(2026, 7, 3)
    assert (tomorrow["status"], tomorrow["order_quantity"]) == ("not_due", 0)
    assert tomorrow["wanted_quantity"] == 1 * (1 + 2)
    assert tomorrow["order_date"] == tomorrow["next_order_date"] == datetime.date(2026, 7, 2)
    assert tomorrow["due_date"] == datetime.date(2026, 7, 4)
    assert "3 units are wanted; the supplier takes orders again on 2026-07-02" in tomorrow["reason"]


def weekly(**terms):
    return world.situation(
        frequency="W-MON",
        cutoff=datetime.date(2026, 6, 29),
        supply_terms=world.terms(**terms),
    )


def test_weekly_orders_are_placed_on_the_first_day_of_the_period():
    row = world.line(world.proposed(weekly()), "b", "007")
    # Quoted 2 days: there in the middle of the week, and so for the next one.
    assert (row["lead_time_mean"], row["order_quantity"]) == (1, 5 * (1 + 1))
    assert row["order_date"] == datetime.date(2026, 7, 6)
    assert row["next_order_date"] == datetime.date(2026, 7, 13)


def test_weekly_orders_on_another_day_are_placed_then_and_count_a_period_more():
    row = world.line(world.proposed(weekly(order_days="thu")), "b", "007")
    assert (row["status"], row["order_quantity"]) == ("order", 5 * (1 + 1 + 1))
    assert (row["lead_time_mean"], row["protection_interval"]) == (1, 3)
    assert row["order_date"] == datetime.date(2026, 7, 9)
    assert row["next_order_date"] == datetime.date(2026, 7, 16)


def test_weekly_order_days_with_the_first_day_among_them_change_nothing():
    plain, with_days = (world.proposed(weekly(**terms)) for terms in ({}, {"order_days": "mon"}))
    polars.testing.assert_frame_equal(plain, with_days)


def open_orders(**columns):
    return pl.DataFrame({"store": ["b"], "item": ["007"], "quantity": [20.0]} | columns)


@pytest.mark.parametrize(
    ("columns", "lost"),
    [
        ({"due": [datetime.date(2026, 7, 1)]}, 0),
        ({"due": [datetime.date(2026, 7, 2)]}, 5),
        ({"due": [datetime.date(2026, 7, 3)]}, 10),
        ({"due": [datetime.date(2026, 6, 1)]}, 0),  # Overdue: expected for tomorrow.
        ({}, 10),  # As if ordered now, with a lead time of 2.
        ({"ordered": [datetime.date(2026, 6, 29)]}, 0),
        ({"ordered": [datetime.date(2026, 6, 30)]}, 5),
    ],
)
def test_orders_on_their_way_arrive_by_their_dates(columns, lost):
    row = world.line(
        world.proposed(world.situation(open_orders=open_orders(**columns))), "b", "007"
    )
    assert (row["on_order"], row["inventory_position"]) == (20, 20)
    assert row["order_quantity"] == 0
    assert row["expected_lost_sales"] == pytest.approx(lost, abs=1e-3)


def test_orders_that_arrived_or_were_not_yet_placed_are_not_on_their_way():
    day = datetime.date
    rows = {
        "store": ["b"] * 3,
        "item": ["007"] * 3,
        "quantity": [1.0, 2.0, 4.0],
        "ordered": [day(2026, 6, 1), day(2026, 6, 20), day(2026, 7, 1)],
        "received": [day(2026, 6, 30), day(2026, 7, 2), None],
    }
    table = world.proposed(world.situation(open_orders=pl.DataFrame(rows)))
    # Received after the cutoff: of that evening nobody knew, so 2 are on their way.
    assert world.line(table, "b", "007")["on_order"] == 2


def test_packs_and_smallest_orders():
    changes = {
        "007": {"pack_size": 12.0},
        "008": {"moq": 8.0},
        "009": {"pack_size": 0.5, "unit_cost": 1.0},
    }
    table = world.proposed(world.situation(supply_terms=world.terms(changes)))
    assert world.line(table, "b", "007")["order_quantity"] == 24  # 15 are wanted.
    assert "raised to packs of 12" in world.line(table, "b", "007")["reason"]
    assert world.line(table, "b", "008")["order_quantity"] == 8  # 3 are wanted.
    assert "raised to the smallest order of 8" in world.line(table, "b", "008")["reason"]


def test_levels_are_whole_units_unless_packs_are_fractions():
    demand = {("a", "007"): 0.4, ("a", "008"): 0.4}
    terms = world.terms({"008": {"pack_size": 0.5}})
    of = world.situation(world.forecasts(demand), supply_terms=terms)
    table = world.proposed(of)
    whole, fraction = world.line(table, "a", "007"), world.line(table, "a", "008")
    assert (whole["base_stock_level"], whole["order_quantity"]) == (2, 2)  # of 3 x 0.4
    assert fraction["base_stock_level"] == pytest.approx(1.2)
    assert fraction["order_quantity"] == 1.5


def test_a_capacity_caps_the_order():
    terms = world.terms({"007": {"storage_capacity": 10.0}, "008": {"storage_capacity": 1.0}})
    stock = world.inventory({("b", "008"): {"on_hand": 1.0, "reserved": 1.0}})
    table = world.proposed(world.situation(supply_terms=terms, inventory=stock))
    capped, full = world.line(table, "b", "007"), world.line(table, "b", "008")
    assert (capped["status"], capped["order_quantity"]) == ("reduced", 10)
    assert "lowered from 15: there is room for 10" in capped["reason"]
    assert (full["status"], full["order_quantity"]) == ("infeasible", 0)
    assert "lowered from 3: there is room for 0" in full["reason"]  # What is reserved lies there.


def test_what_sells_until_the_order_arrives_makes_room_for_it():
    terms = world.terms({"007": {"storage_capacity": 12.0}})
    stock = world.inventory({("b", "007"): {"on_hand": 12.0}})
    row = world.line(
        world.proposed(world.situation(supply_terms=terms, inventory=stock)), "b", "007"
    )
    assert (row["status"], row["order_quantity"]) == ("order", 5 * 3 - 12)  # Room for 10.


def test_a_smallest_order_above_the_capacity_is_infeasible():
    terms = world.terms({"007": {"moq": 50.0, "storage_capacity": 20.0}})
    row = world.line(world.proposed(world.situation(supply_terms=terms)), "b", "007")
    assert (row["status"], row["order_quantity"], row["wanted_quantity"]) == ("infeasible", 0, 15)
    assert row["reason"] == (
        "15 units are wanted; no order is possible: the smallest, 50, is above the storage "
        "capacity of 20"
    )


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ({"moq": 50.0}, "the smallest, 50, is above the storage capacity of 20"),
        ({"pack_size": 24.0}, "the smallest, 24, is above the storage capacity of 20"),
        (
            {"moq": 19.0, "pack_size": 12.0},
            "the smallest, 24, in packs of 12, is above the storage capacity of 20",
        ),
    ],
)
def test_terms_that_never_fit_are_said_while_there_is_enough(terms, words):
    stock = world.inventory({("b", "007"): {"on_hand": 20.0}}, storage_capacity=20.0)
    of = world.situation(inventory=stock, supply_terms=world.terms({"007": terms}))
    row = world.line(world.proposed(of), "b", "007")
    assert (row["status"], row["order_quantity"], row["wanted_quantity"]) == ("infeasible", 0, 0)
    assert row["reason"] == (
        "stock and orders on their way cover 4 days at 95 %; 5 units above the base-stock "
        f"level; no order is possible: {words}"
    )


def test_a_smallest_order_of_the_capacity_itself_fits():
    terms = world.terms({"007": {"moq": 20.0, "storage_capacity": 20.0}})
    row = world.line(world.proposed(world.situation(supply_terms=terms)), "b", "007")
    assert (row["status"], row["order_quantity"]) == ("order", 20)


def test_orders_placed_and_received_within_the_week_of_the_cutoff_are_known():
    monday = datetime.date(2026, 6, 29)
    friday = monday + datetime.timedelta(days=4)
    orders = pl.DataFrame(
        {
            "store": "b",
            "item": "007",
            "quantity": [3.0, 50.0],
            "ordered": [friday, monday],
            "received": pl.Series([None, friday]),
            "due": [monday + datetime.timedelta(days=7)] * 2,
        }
    )
    of = world.situation(frequency="W-MON", cutoff=monday, open_orders=orders)
    row = world.line(world.proposed(of), "b", "007")
    # What came on Friday is in stock by then.
    assert row["on_order"] == 3


def test_terms_that_never_fit_are_said_on_a_day_without_orders():
    changes = {"moq": 50.0, "storage_capacity": 20.0, "order_days": "mon"}
    terms = world.terms({"007": changes})
    row = world.line(world.proposed(world.situation(supply_terms=terms)), "b", "007")
    assert row["status"] == "infeasible"


def test_room_is_said_with_the_capacity():
    """Of 12 units 10 are sold before an order arrives, 5 a day for 2 days."""
    stock = world.inventory({("b", "007"): {"on_hand": 12.0}}, storage_capacity=16.0)
    of = world.situation(inventory=stock, supply_terms=world.terms(pack_size=15.0))
    assert world.line(world.proposed(of), "b", "007")["reason"] == (
        "3 units are wanted, and a pack of 15 does not fit into room for 14 of a capacity of 16"
    )


def test_a_shelf_life_caps_the_order_and_a_longer_one_caps_less():
    forecast = two_series(spread=0.8)
    quantities = []
    for life in (1, 2, None):
        terms = world.terms(shelf_life=life, stockout_cost=2.0, items=["007"])
        of = world.situation(forecast, supply_terms=terms)
        quantities.append(world.line(world.proposed(of), "a", "007")["order_quantity"])
    # 2 periods until it arrives and 1 to sell are the protection interval: cost 2, price 2, so
    # half of the time all must sell; the target asks for more.
    assert quantities[0] < quantities[1] <= quantities[2]


def test_a_price_break_raises_an_order():
    breaks = pl.DataFrame(
        {"item": ["007"], "supplier": ["north"], "from_quantity": [18.0], "unit_cost": [1.0]}
    )
    row = world.line(world.proposed(world.situation(price_breaks=breaks)), "b", "007")
    assert (row["order_quantity"], row["unit_cost"], row["order_value"]) == (18, 1, 18)
    assert "raised by 3 to a lower price" in row["reason"]


# --- targets and measures -----------------------------------------------------------------------


def quantity_of(of, **config):
    return world.line(world.proposed(of, **config), "a", "007")["order_quantity"]


def test_a_fill_rate_needs_less_than_the_same_cycle_service_level():
    of = world.situation(two_series(spread=0.9), supply_terms=world.terms(review_period=7))
    cycle, fill = (
        quantity_of(of, service={"measure": measure, "target": 0.95})
        for measure in ("cycle_service_level", "fill_rate")
    )
    assert 0 < fill < cycle


def test_a_fill_rate_of_a_steady_demand_by_hand():
    row = world.line(world.proposed(service={"measure": "fill_rate", "target": 0.9}), "b", "007")
    # 2 days of 5 wait for it, and 90 % of the third day's are met: 14.5, as whole units.
    assert (row["base_stock_level"], row["order_quantity"]) == (15, 15)
    assert "aims to meet 90 % of demand; covers " in row["reason"]
    assert "at 0 %" not in row["reason"]


def test_the_least_cost_follows_the_stockout_cost():
    forecast = two_series(spread=0.9)
    quantities = [
        quantity_of(
            world.situation(
                forecast,
                supply_terms=world.terms(holding_cost=1.0, stockout_cost=cost, items=["007"]),
            ),
            service={"measure": "cost"},
        )
        for cost in (0.0, 0.1, 1.0, 19.0)
    ]
    assert quantities[0] == 0
    assert quantities == sorted(quantities)
    # 19 / (19 + 1) is a target of 95 %.
    target = quantity_of(world.situation(forecast), service={"target": 0.95})
    assert quantities[-1] == target


def test_a_line_may_have_its_own_target():
    changes = {"007": {"service_target": 0.5}}
    of = world.situation(two_series(spread=0.9), supply_terms=world.terms(changes))
    row = world.line(world.proposed(of), "a", "007")
    assert row["service_target"] == 0.5
    assert row["base_stock_level"] == pytest.approx(30, abs=1)


@pytest.mark.parametrize("measure", ["cycle_service_level", "fill_rate"])
@given(targets=st.tuples(st.floats(0.05, 0.99), st.floats(0.05, 0.99)))
@settings(max_examples=15)
def test_more_is_ordered_for_a_higher_target(measure, targets):
    low, high = sorted(targets)
    of = world.situation(two_series(spread=0.9))
    quantities = [
        quantity_of(of, service={"measure": measure, "target": target}) for target in (low, high)
    ]
    assert quantities[0] <= quantities[1]


@given(stocks=st.tuples(st.floats(0, 60), st.floats(0, 60)))
@settings(max_examples=15)
def test_less_is_ordered_from_a_higher_position(stocks):
    changes = {("a", "007"): {"on_hand": min(stocks)}, ("b", "007"): {"on_hand": max(stocks)}}
    of = world.situation(
        two_series(spread=0.9),
        inventory=world.inventory(changes),
        supply_terms=world.terms(pack_size=6.0, moq=12.0),
    )
    table = world.proposed(of)
    assert (
        world.line(table, "a", "007")["order_quantity"]
        >= (world.line(table, "b", "007")["order_quantity"])
    )


@given(days=st.tuples(st.integers(0, 9), st.integers(0, 9)))
@settings(max_examples=15)
def test_more_is_ordered_with_a_longer_lead_time(days):
    quantities = [
        quantity_of(
            world.situation(
                two_series(spread=0.9),
                suppliers=world.suppliers({"north": {"quoted_lead_time_days": one}}),
            )
        )
        for one in sorted(days)
    ]
    assert quantities[0] <= quantities[1]


def test_lead_times_that_vary_need_more_stock():
    forecast = two_series(spread=0.2)
    quantities = [
        quantity_of(
            world.situation(forecast, suppliers=None, lead_times=world.deliveries("north", days))
        )
        for days in ([3] * 10, [1, 5] * 5)
    ]
    assert quantities[0] < quantities[1]


# --- every line, once, with a status that says what is ordered ------------------------------------


def random_situation(seed: int, series: int = 40):
    """Terms of all kinds, half of them wrong or tight."""
    draws = np.random.default_rng(seed)
    demand = {(f"s{at % 4}", f"{at // 4:03}"): float(draws.gamma(2, 2)) for at in range(series)}
    keys = sorted(demand)
    items = sorted({item for _, item in keys})
    stock = pl.DataFrame(keys, schema=["store", "item"], orient="row").with_columns(
        on_hand=pl.Series(draws.choice([0.0, 5.0, 50.0, -1.0, np.nan], series)),
        reserved=pl.Series(draws.choice([0.0, 2.0], series)),
    )
    count = len(items)
    terms = pl.DataFrame(
        {
            "item": items,
            "supplier": draws.choice(["north", "south", "nobody"], count),
            "unit_cost": draws.choice([1.0, 7.0], count),
            "pack_size": draws.choice([1.0, 0.25, 12.0], count),
            "moq": draws.choice([0.0, 20.0], count),
            "storage_capacity": draws.choice([8.0, 1e3], count),
            "shelf_life": draws.choice([1.0, 30.0], count),
            "order_days": draws.choice(["wed", "mon thu"], count),
            "review_period": draws.choice([1.0, 30.0], count),
        }
    )
    place = pl.format("line {}", pl.int_range(2, pl.len() + 2)).alias(PLACE)
    return world.situation(
        world.forecasts(demand, spread=0.9),
        inventory=stock.with_columns(place).filter(pl.Series(draws.random(series) < 0.9)),
        supply_terms=terms.with_columns(place),
        suppliers=world.suppliers(budget=60.0),
    )


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("budget", [None, 0.0, 50.0])
def test_statuses_agree_with_quantities(seed, budget):
    of = random_situation(seed)
    table = world.proposed(of, budget=budget)
    check_proposal_table(table, world.KEYS)
    assert table.select(world.KEYS).sort(world.KEYS).equals(of.forecasts.keys.sort(world.KEYS))
    assert set(table["status"]) <= set(STATUSES)
    quantity, status = pl.col("order_quantity"), pl.col("status")
    broken = {
        "ordered without an order": ~status.is_in(ORDERED) & (quantity.fill_null(0) > 0),
        "an order of nothing": status.is_in(ORDERED) & (quantity <= 0),
        "covered and wanted": (status == "covered") & (pl.col("wanted_quantity") > 0),
        "neither covered nor wanted": ~status.is_in(["covered", "infeasible"])
        & (pl.col("wanted_quantity") <= 0),
        "less than wanted": (status == "order") & (quantity < pl.col("wanted_quantity") - 1e-6),
        "as much as wanted": (status == "reduced") & (quantity >= pl.col("wanted_quantity") + 12),
        "no reason": pl.col("reason").fill_null("") == "",
        "numbers of a blocked line": status.is_in(sorted(BLOCKED))
        & pl.col("due_date").is_not_null(),
        "value": (pl.col("order_value") - quantity * pl.col("unit_cost")).abs() > 1e-6,
        "approval of nothing": pl.col("needs_approval") & (quantity <= 0),
    }
    for what, rows in broken.items():
        assert table.filter(rows.fill_null(value=False)).is_empty(), what


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("budget", [0.0, 35.0, 100.0])
def test_budgets_are_never_exceeded(seed, budget):
    of = random_situation(seed)
    breaks = pl.DataFrame(
        {
            "item": of.tables.supply_terms["item"],
            "supplier": of.tables.supply_terms["supplier"],
            "from_quantity": 6.0,
            "unit_cost": 0.5,
        }
    )
    tables = {name: getattr(of.tables, name) for name in ("inventory", "supply_terms", "suppliers")}
    of = world.situation(of.forecasts, price_breaks=breaks, **tables)
    table = world.proposed(of, budget=budget)
    assert table["order_value"].sum() <= budget * (1 + 1e-9)
    spent = table.group_by("supplier").agg(pl.col("order_value").sum())
    assert (spent["order_value"] <= 60 * (1 + 1e-9)).all()
    price = pl.when(pl.col("order_quantity") >= 6).then(0.5).otherwise("list_price")
    priced = (
        table.filter(pl.col("order_quantity") > 0)
        .join(of.tables.supply_terms.select("item", list_price="unit_cost"), on="item")
        .with_columns(price=price)
    )
    assert priced["unit_cost"].equals(priced["price"].alias("unit_cost"))


def test_what_the_budget_holds_back_is_said():
    table = world.proposed(budget=30.0)
    by_status = dict(table["status"].value_counts().iter_rows())
    assert by_status["held_back"] >= 1
    assert table["order_value"].sum() <= 30
    for row in table.filter(pl.col("status") == "held_back").iter_rows(named=True):
        assert f"{row['wanted_quantity']:.0f} units held back by the budget" in row["reason"]


def test_a_cut_below_a_price_break_pays_the_price_of_what_is_left():
    breaks = pl.DataFrame(
        {
            "item": ["007", "008", "009"],
            "supplier": ["north"] * 3,
            "from_quantity": [9.0] * 3,
            "unit_cost": [1.0] * 3,
        }
    )
    table = world.proposed(world.situation(price_breaks=breaks), budget=30.0)
    assert 25 <= table["order_value"].sum() <= 30
    cut = table.filter(pl.col("order_quantity").is_between(1, 8))
    assert cut.height
    assert (cut["unit_cost"] == 2).all()
    assert not cut["reason"].str.contains("lower price").any()


def test_reasons_say_what_the_flags_say():
    table = world.proposed(random_situation(3))
    said = {
        "not_due": "the supplier takes orders again on",
        "infeasible": r"are wanted, and|there is room for 0|0 sell before|no order is possible",
        "covered": "stock and orders on their way cover",
        "order": "covers",
        "reduced": r"lowered from|held back",
        "no_lead_time": "supplier: 'nobody' is not in the table suppliers",
        "no_inventory": "the inventory has no row",
        "invalid": "allowed:",
        "short_forecast": "the forecast has 14 periods",
    }
    statuses = set(table["status"])
    assert len(statuses) >= 6
    for row in table.filter(pl.col("status").is_in(list(said))).iter_rows(named=True):
        assert pl.Series([row["reason"]]).str.contains(said[row["status"]])[0], row


def test_exceptions_come_first_then_what_stands_to_be_lost():
    table = world.proposed(random_situation(4), budget=40.0)
    assert table["rank"].to_list() == list(range(1, table.height + 1))
    first = {"invalid": 0, "infeasible": 1, "held_back": 2, "reduced": 4}
    first |= dict.fromkeys(BLOCKED - {"invalid"}, 3)
    places = [first.get(status, 5) for status in table["status"]]
    assert places == sorted(places)
    assert len(set(places)) >= 4
    others = table.filter(~pl.col("status").is_in(list(first)))
    assert others["expected_stockout_cost"].is_sorted(descending=True)


def test_the_dear_and_the_risky_wait_for_approval():
    approval = {"min_value": 25.0, "min_stockout_probability": None}
    table = world.proposed(approval=approval)
    assert table["needs_approval"].to_list() == (table["order_value"] >= 25).to_list()
    table = world.proposed(approval={"min_value": None, "min_stockout_probability": 0.5})
    waiting = (table["order_quantity"] > 0) & (table["stockout_probability"] >= 0.5)
    assert table["needs_approval"].to_list() == waiting.to_list()


# --- what must not change a proposal --------------------------------------------------------------


def test_the_same_seed_gives_the_same_and_another_nearly():
    of = random_situation(1)
    first, again, other = (world.proposed(of, seed=seed) for seed in (3, 3, 4))
    polars.testing.assert_frame_equal(first, again)
    assert not first.equals(other)


@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_parts_and_cores_change_nothing(monkeypatch, rows):
    of = random_situation(2)
    expected = world.proposed(of, budget=60.0)
    monkeypatch.setattr("demandcast.components.replenishment.line_arrays._ROWS", rows)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    polars.testing.assert_frame_equal(expected, world.proposed(of, budget=60.0), abs_tol=1e-6)


def test_a_line_does_not_depend_on_the_others():
    of = random_situation(5)
    every = world.proposed(of)
    half = of.forecasts.keys.with_row_index().filter(pl.col("index") % 2 == 0)
    rows = half["index"].to_numpy()
    some = world.forecasts(world.DEMAND).__class__(
        half.select(world.KEYS),
        of.forecasts.quantiles[rows],
        of.forecasts.mean[rows],
        of.forecasts.quantile_levels,
    )
    stock = of.tables.inventory.join(half, on=list(world.KEYS), how="semi")
    alone = propose(
        of.__class__(
            some,
            of.cutoff,
            of.frequency,
            of.tables.__class__(stock, of.tables.supply_terms, None, of.tables.suppliers),
            of.lead_times,
        ),
        ReplenishmentConfig(paths=100, unmet_demand="backordered"),
    ).table
    # The supplier's budget is shared: it alone would tie the lines together.
    free = every.filter(~pl.col("reason").str.contains("budget")).join(
        alone.filter(~pl.col("reason").str.contains("budget")).select(world.KEYS),
        on=list(world.KEYS),
        how="semi",
    )
    assert free.height > 10
    left = free.drop("rank").sort(world.KEYS)
    right = alone.join(free, on=list(world.KEYS), how="semi").drop("rank").sort(world.KEYS)
    polars.testing.assert_frame_equal(left, right, abs_tol=1e-6)


def test_rows_of_tables_may_come_in_any_order():
    of = random_situation(0)
    tables = {
        name: getattr(of.tables, name).sample(fraction=1.0, shuffle=True, seed=7)
        for name in ("inventory", "supply_terms", "suppliers")
    }
    shuffled = world.situation(of.forecasts, **tables)
    polars.testing.assert_frame_equal(world.proposed(of), world.proposed(shuffled))


def test_nothing_that_can_be_computed_is_a_table_all_the_same():
    table = world.proposed(world.situation(supply_terms=world.terms()[:0]), budget=10.0)
    assert table["status"].to_list() == ["no_terms"] * 6
    check_proposal_table(table, world.KEYS)


def test_the_terms_of_computed_lines_are_given_along():
    found = world.proposals(world.situation(supply_terms=world.terms(moq=4.0)))
    assert found.terms.columns == [
        "store",
        "item",
        "supplier",
        "holding_cost",
        "stockout_cost",
        "pack_size",
        "moq",
        "storage_room",
        "available_units",
        "terms_row",
    ]
    assert found.terms["moq"].to_list() == [4.0] * 6
    check_proposal_terms(found.terms, world.KEYS)
    assert found.terms["storage_room"].null_count() == 6
    limited = world.terms(storage_capacity=40.0, available_units=30.0)
    stock = world.inventory(on_hand=4.0)
    found = world.proposals(world.situation(supply_terms=limited, inventory=stock))
    check_proposal_terms(found.terms, world.KEYS)
    # 4 units lie there, less what sells in the 2 days before the order is there.
    rooms = dict(found.terms.select(pl.concat_str("store", "item"), "storage_room").iter_rows())
    assert rooms == {
        store + item: 40 - max(4 - 2 * demand, 0) for (store, item), demand in world.DEMAND.items()
    }
    assert set(found.terms["available_units"]) == {30.0}
    # The two stores of an item share a row of terms.
    assert found.terms.group_by("item").agg(pl.col("terms_row").n_unique())["terms_row"].sum() == 3
    assert found.terms["terms_row"].n_unique() == 3
    found = world.proposals(world.situation())
    assert found.computed.height == len(found.lines) == 6
    assert found.shadow_price == 0


def history_of(order, days=400):
    """Deliveries of an order a day; `order` makes arrivals of days and lead times."""
    draws = np.random.default_rng(3)
    start = world.CUTOFF - datetime.timedelta(days=days + 20)
    placed = np.arange(days)
    arrival = order(placed + draws.choice([0, 1, 6, 7], days))
    return pl.DataFrame(
        {
            "supplier": ["north"] * days,
            "ordered": [start + datetime.timedelta(days=int(day)) for day in placed],
            "received": [start + datetime.timedelta(days=int(day)) for day in arrival],
        }
    )


def base_stock_levels(order):
    situation = world.situation(lead_times=history_of(order))
    table = world.proposed(situation, calibrate=False, paths=1000)
    return world.line(table, "b", "007")["base_stock_level"], situation.lead_times


def test_orders_that_overtake_each_other_need_less():
    """Ordered daily with lead times far apart; in sequence each waits for the one before it."""
    crossing, of_crossing = base_stock_levels(lambda arrival: arrival)
    assert of_crossing.overtaken.independent
    pmf = of_crossing.pmf[:1]
    # The same lead times, had they been in sequence, are covered order by order.
    alone, _ = felt_lead_times(pmf, np.array([0]), np.array([1]))
    units = world.DEMAND["b", "007"]
    slow = pmf_quantiles(pmf, [0.95])[0, 0]
    felt = pmf_quantiles(alone[1:], [0.95])[0, 0]
    assert felt < slow
    assert crossing == units * (felt + 1)


def test_orders_in_sequence_cover_each_lead_time():
    level, fitted = base_stock_levels(np.maximum.accumulate)
    assert not fitted.overtaken.independent
    slow = pmf_quantiles(fitted.pmf[:1], [0.95])[0, 0]
    assert level == world.DEMAND["b", "007"] * (slow + 1)


def closed(**columns):
    days = [datetime.date(2026, 7, 4), datetime.date(2026, 7, 5)]
    return pl.DataFrame({"supplier": ["north"] * 2, "date": days} | columns)


def test_the_order_before_a_closure_lasts_until_the_next_delivery_after_it():
    """The next order, of 2 July, is due on the 4th and comes on the 6th: 5 days of 2 a day."""
    usual = world.line(world.proposed(), "a", "007")
    assert (usual["order_quantity"], usual["protection_interval"]) == (3 * 2, 3)
    found = world.line(world.proposed(world.situation(supplier_closures=closed())), "a", "007")
    assert (found["order_quantity"], found["protection_interval"]) == (5 * 2, 5)
    assert found["due_date"] == usual["due_date"] == datetime.date(2026, 7, 3)


def test_a_supplier_that_is_closed_today_takes_no_order():
    today = closed(date=[datetime.date(2026, 7, 1), datetime.date(2026, 7, 2)])
    found = world.line(world.proposed(world.situation(supplier_closures=today)), "a", "007")
    assert found["status"] == "not_due"
    assert "takes orders again on 2026-07-03" in found["reason"]


def test_closures_of_others_change_nothing():
    others = world.situation(supplier_closures=closed(supplier=["south"] * 2))
    assert world.proposed(others).equals(world.proposed())
