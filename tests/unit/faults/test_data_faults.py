"""The faults are what they say, and nothing else about the table changes."""

import datetime

import numpy as np
import polars as pl
import pytest
from faults.data_faults import DATA_FAULTS, alter_sales

DAYS = 60
START = datetime.date(2024, 1, 1)


@pytest.fixture
def sales():
    """Two stores, two items; each series sells numbers of its own."""
    generator = np.random.default_rng(3)
    return pl.DataFrame(
        [
            {
                "store": store,
                "item": item,
                "date": START + datetime.timedelta(days=day),
                "sales": int(generator.integers(1, 50)) + 100 * position,
                "price": 2.5,
                "promotion": "none",
                "in_stock_fraction": 1.0,
            }
            for position, (store, item) in enumerate(
                [("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")]
            )
            for day in range(DAYS)
        ]
    )


def altered(name, sales, seed=5):
    return alter_sales(name)(sales, np.random.default_rng(seed)).sort("store", "item", "date")


def total(table):
    return table["sales"].sum()


def test_names_are_unique_and_there_are_more_than_twenty():
    names = [kind.name for kind in DATA_FAULTS]
    assert len(names) == len(set(names)) > 20


def test_every_fault_draws_from_its_generator_only(sales):
    for kind in DATA_FAULTS:
        if kind.prepare.__class__.__name__ == "partial":
            once, again = (altered_or_same(kind.name, sales) for _ in range(2))
            assert once.equals(again), kind.name
            same_columns = once.columns == sales.columns
            assert not (same_columns and once.equals(sales)), kind.name


def altered_or_same(name, sales):
    return alter_sales(name)(sales, np.random.default_rng(5))


def test_shuffling_in_time_keeps_the_total_of_each_series(sales):
    mixed = altered("targets shuffled in time", sales)
    for before, after in zip(
        sales.partition_by("store", "item"), mixed.partition_by("store", "item"), strict=True
    ):
        assert sorted(before["sales"]) == sorted(after["sales"])
        assert before["sales"].to_list() != after["sales"].to_list()


def test_shuffling_across_series_keeps_the_total_of_each_day(sales):
    mixed = altered("targets shuffled across series", sales)
    by_day = [
        table.group_by("date").agg(pl.col("sales").sum()).sort("date") for table in (sales, mixed)
    ]
    assert by_day[0].equals(by_day[1])
    assert not mixed.equals(sales)


def test_a_frozen_feed_repeats_the_last_good_value(sales):
    frozen = altered("newest weeks: frozen", sales)
    for before, after in zip(
        sales.partition_by("store", "item"), frozen.partition_by("store", "item"), strict=True
    ):
        changed = [a != b for a, b in zip(before["sales"], after["sales"], strict=True)]
        first = changed.index(True)
        # A drawn value may equal the frozen one, so the change starts at the latest here.
        assert first > DAYS - 22
        assert set(after["sales"][first:]) == {after["sales"][-1]}


def test_doubling(sales):
    assert total(altered("targets doubled", sales)) == 2 * total(sales)


@pytest.mark.parametrize("seed", range(4))
def test_another_unit_is_a_pack_of_6_or_12(sales, seed):
    ratio = total(altered("another unit", sales, seed)) / total(sales)
    assert min(abs(ratio - factor) for factor in (1 / 12, 1 / 6, 6, 12)) < 1e-9


def test_a_shift_leaves_the_plan_where_it_was(sales):
    plans = sales.with_columns(price=pl.col("date").dt.day().cast(pl.Float64))
    shifted = altered("targets some days too late", plans)
    joined = shifted.join(plans, on=["store", "item", "date"], suffix="_before")
    assert (joined["price"] == joined["price_before"]).all()
    assert (joined["sales"] != joined["sales_before"]).any()


def test_the_copy_in_the_plan_is_a_line_of_the_target(sales):
    copied = altered("target copied into the plan", sales)
    assert np.corrcoef(copied["price"], copied["sales"])[0, 1] == pytest.approx(1)


def test_a_missing_store_takes_half_of_two(sales):
    assert len(altered("a store is missing", sales)) == len(sales) // 2
