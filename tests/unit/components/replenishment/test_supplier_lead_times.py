"""Lead times of all suppliers: by deliveries, by quotes, with spread; lines that are refused."""

import datetime

import numpy as np
import polars as pl
import pytest
import replenishment_world as world

from demandcast.components.replenishment.supplier_lead_times import lead_times_of
from demandcast.components.replenishment.supply_columns import PLACE


def fitted(deliveries=None, suppliers=None, **options):
    usual = {"cutoff": world.CUTOFF, "frequency": "D", "order_moment": "before_opening"}
    return lead_times_of(deliveries, suppliers, **(usual | options))


def test_without_any_table_nobody_is_known():
    found = fitted()
    assert found.keys.height == len(found.mean) == 0


def test_quotes_are_taken_without_deliveries():
    found = fitted(suppliers=world.suppliers())
    assert found.keys["supplier"].to_list() == ["north", "south"]
    assert found.status.tolist() == ["quoted", "quoted"]
    assert found.mean.tolist() == [2, 4]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"order_moment": "after_close"}, [1, 3]),
        ({"frequency": "W-MON", "cutoff": datetime.date(2026, 6, 29)}, [1, 1]),
    ],
)
def test_quoted_days_become_periods(options, expected):
    assert fitted(suppliers=world.suppliers(), **options).mean.tolist() == expected


def test_a_quote_of_no_days_after_close_is_still_none():
    quotes = world.suppliers(quoted_lead_time_days=0)
    assert fitted(suppliers=quotes, order_moment="after_close").mean.tolist() == [0, 0]


def test_deliveries_count_before_quotes():
    found = fitted(world.deliveries("north", [5] * 30), world.suppliers())
    assert found.status.tolist() == ["fitted", "quoted"]
    assert found.mean.tolist() == [5, 4]


def test_a_supplier_without_any_lead_time():
    found = fitted(suppliers=world.suppliers(quoted_lead_time_days=None))
    assert found.status.tolist() == ["no_lead_time"] * 2
    assert np.isnan(found.mean).all()


def test_a_quoted_spread():
    found = fitted(suppliers=world.suppliers({"south": {"lead_time_std_days": 2.0}}))
    assert found.std[0] == 0
    assert found.std[1] == pytest.approx(2, abs=0.3)
    assert found.mean[1] == pytest.approx(4, abs=0.3)
    np.testing.assert_allclose(found.pmf.sum(axis=1), 1)


def test_a_spread_beside_one_who_is_not_known():
    quotes = world.suppliers(
        {"north": {"quoted_lead_time_days": None}, "south": {"lead_time_std_days": 3.0}}
    )
    found = fitted(suppliers=quotes)
    assert np.isnan(found.pmf[0]).all()
    assert np.isfinite(found.pmf[1]).all()


def spread_of(days, std, **options):
    """The distribution of one supplier with such a quote, and its mean."""
    quotes = world.suppliers(quoted_lead_time_days=days, lead_time_std_days=std)[:1]
    found = fitted(suppliers=quotes, **options)
    assert found.status.tolist() == ["quoted"]
    assert found.pmf.sum() == pytest.approx(1)
    return found.pmf[0], found.mean[0]


def test_a_promise_of_no_days_can_only_be_late():
    pmf, mean = spread_of(0, 1)
    # Days about 0 with a deviation of 1: an exponential variable of mean sqrt(1/2).
    assert mean == pytest.approx(0.5**0.5)
    assert (pmf @ np.arange(len(pmf)) ** 2) == pytest.approx(1.0)
    assert 0.4 < pmf[0] < 0.7


def test_the_day_that_passes_before_an_order_is_placed_is_taken_off_each_delivery():
    pmf, mean = spread_of(1, 1, order_moment="after_close")
    whole, _ = spread_of(1, 1)
    assert mean == pytest.approx(1 - 1 + whole[0])  # A day less, but for those of no day.
    np.testing.assert_allclose(pmf[0], whole[:2].sum())
    np.testing.assert_allclose(pmf[1:], whole[2 : len(pmf) + 1])


def test_days_of_a_delivery_are_counted_in_weeks_begun():
    monday = datetime.date(2026, 6, 29)
    by_day, _ = spread_of(7, 2)
    pmf, _ = spread_of(7, 2, frequency="W-MON", cutoff=monday)
    expected = [by_day[0], by_day[1:8].sum(), by_day[8:15].sum(), by_day[15:22].sum()]
    np.testing.assert_allclose(pmf[:4], expected)


def test_a_quote_that_cannot_be_meant_is_none_and_the_others_stay():
    changes = {"north": {"lead_time_std_days": 3000.0, "quoted_lead_time_days": 300}}
    for wrong in (changes, {"north": {"quoted_lead_time_days": 5000}}):
        found = fitted(suppliers=world.suppliers(wrong, lead_time_std_days=1.0))
        assert found.status.tolist() == ["no_lead_time", "quoted"]
        assert found.mean[1] == pytest.approx(4)


def test_lines_are_named_as_in_the_file_whatever_was_left_out_before():
    history = world.deliveries("north", [2, 2, -3]).with_columns(
        pl.Series("supplier", ["", "north", "north"]),
        pl.Series(PLACE, ["line 2", "line 3", "line 4"]),
    )
    first, second = fitted(history).refused
    assert first.rows[0].startswith("line 2: supplier: no value")
    assert second.rows[0].startswith("line 4: supplier north, ordered ")


def test_deliveries_after_the_cutoff_are_not_looked_at():
    history = world.deliveries("north", [2] * 5)
    later = world.CUTOFF + datetime.timedelta(days=1)
    new = pl.DataFrame({"supplier": ["north"] * 20, "ordered": later, "received": later})
    assert fitted(pl.concat([history, new])).mean.tolist() == [2]


def texts(received):
    history = world.deliveries("north", [2] * len(received))
    return history.with_columns(pl.Series("received", received, dtype=pl.String))


def test_a_day_that_cannot_be_read_is_refused_and_no_open_order():
    days = [str(one) for one in world.deliveries("north", [2] * 4)["received"]]
    found = fitted(texts([*days[:2], "soon", "31/12/2026"]))
    assert found.deliveries.tolist() == [2]
    assert found.open_orders.tolist() == [0]
    (refused,) = found.refused
    assert (refused.problem, refused.count) == ("received cannot be used", 2)
    assert refused.rows == (
        "row 3: received: got 'soon'; allowed: a date as YYYY-MM-DD",
        "row 4: received: got '31/12/2026'; allowed: a date as YYYY-MM-DD",
    )


def test_lines_without_supplier_or_order_are_refused_by_column():
    history = world.deliveries("north", [2] * 3).with_columns(
        supplier=pl.Series(["north", None, "north"]),
        ordered=pl.Series([datetime.date(2026, 5, 1), datetime.date(2026, 5, 1), None]),
    )
    found = fitted(history)
    assert {one.problem: one.count for one in found.refused} == {
        "supplier cannot be used": 1,
        "ordered cannot be used": 1,
    }
    assert found.deliveries.tolist() == [1]


def test_received_before_ordered_is_refused_by_the_fit():
    history = world.deliveries("north", [2, -3])
    assert [one.problem for one in fitted(history).refused] == ["received before ordered"]


def test_two_rows_of_a_supplier_do_not_stop_the_fit():
    twice = pl.concat([world.suppliers(), world.suppliers()])
    assert fitted(suppliers=twice).keys.height == 2
