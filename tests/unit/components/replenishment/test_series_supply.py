"""Terms of the series of a backtest: whatever else is in the tables, of today's."""

import numpy as np
import polars as pl
import pytest
import replenishment_world as world

from demandcast.components.replenishment.lead_time_distributions import pmf_std
from demandcast.components.replenishment.lines import SupplyTables
from demandcast.components.replenishment.order_crossing import effective_lead_times
from demandcast.components.replenishment.series_supply import supply_of_series
from demandcast.schema.config import ReplenishmentConfig
from demandcast.schema.errors import BadInputError
from demandcast.schema.origin_arrays import OriginForecasts


def supply(terms, *, frequency="D", suppliers=None, inventory=None, config=None):
    known = world.forecasts()
    count = known.keys.height
    origins = OriginForecasts(
        keys=known.keys,
        cutoff_days=np.array([0]),
        series_index=np.arange(count),
        cutoff_index=np.zeros(count, np.int64),
        actual=np.zeros((count, 14)),
        observed_mask=np.ones((count, 14), bool),
        in_stock_fraction=np.ones((count, 14), np.float32),
        demand_class=np.array(["smooth"] * count),
        quantiles=known.quantiles,
        mean=known.mean,
        quantile_levels=known.quantile_levels,
        frequency=frequency,
    )
    known_suppliers = world.suppliers() if suppliers is None else suppliers
    stock = world.inventory() if inventory is None else inventory
    tables = SupplyTables(stock, terms, suppliers=known_suppliers)
    lead_times = world.situation(supply_terms=terms, suppliers=known_suppliers).lead_times
    return supply_of_series(origins, tables, lead_times, config or ReplenishmentConfig())


@pytest.mark.parametrize(
    ("days", "frequency", "periods"),
    [("mon", "D", 7), ("mon thu", "D", 4), (None, "D", 3), ("mon thu", "W-MON", 1)],
)
def test_of_weekdays_the_longest_time_between_two_counts(days, frequency, periods):
    terms = world.terms({"007": {"order_days": days, "review_period": 3}}, items=["007"])
    found = supply(terms, frequency=frequency)
    assert found.terms.review_period.tolist() == [periods] * 2
    assert found.keys["item"].to_list() == ["007"] * 2
    assert found.left_out == {"no_terms": 4}


def test_terms_that_nobody_gives_have_their_defaults():
    found = supply(world.terms())
    count = len(world.DEMAND)
    assert found.rows.tolist() == list(range(count))
    assert found.keys.rows() == sorted(world.DEMAND)
    assert found.left_out == {}
    terms = found.terms
    assert terms.review_period.tolist() == [1] * count
    assert terms.pack_size.tolist() == [1.0] * count
    assert terms.shelf_life.tolist() == [0] * count
    assert found.moq.tolist() == found.order_cost.tolist() == [0.0] * count
    # 2.00 a unit, held for a day at a quarter of it a year.
    assert terms.holding_cost == pytest.approx([2.0 * 0.25 / 365.25] * count)


@pytest.mark.parametrize(("frequency", "days"), [("D", 1), ("W-MON", 7)])
def test_holding_costs_a_share_of_the_unit_cost_by_the_length_of_a_period(frequency, days):
    config = ReplenishmentConfig(holding_cost_rate=0.5)
    found = supply(world.terms(unit_cost=10.0), frequency=frequency, config=config)
    assert found.terms.holding_cost == pytest.approx([10.0 * 0.5 * days / 365.25] * 6)
    given = supply(world.terms(holding_cost=0.3), frequency=frequency, config=config)
    assert given.terms.holding_cost == pytest.approx([0.3] * 6)


def test_terms_that_are_given_are_taken():
    columns = {
        "review_period": 3,
        "pack_size": 6.0,
        "moq": 12.0,
        "shelf_life": 5,
        "stockout_cost": 4.5,
    }
    found = supply(world.terms(unit_cost=3.0, **columns), suppliers=world.suppliers(order_cost=7.0))
    terms = found.terms
    assert set(terms.review_period.tolist()) == {3}
    assert set(terms.pack_size.tolist()) == {6.0}
    assert set(terms.unit_cost.tolist()) == {3.0}
    assert set(terms.shelf_life.tolist()) == {5}
    assert set(terms.stockout_cost.tolist()) == {4.5}
    assert set(found.moq.tolist()) == {12.0}
    assert set(found.order_cost.tolist()) == {7.0 / 3}  # Three lines share an order.
    assert found.stockout_cost_given.all()


def test_a_stockout_cost_that_is_not_given_is_what_the_target_implies():
    changes = {
        "007": {"stockout_cost": 4.0, "service_target": None},
        "008": {"stockout_cost": None, "service_target": 0.9},
        "009": {"stockout_cost": None, "service_target": None},
    }
    found = supply(world.terms(changes, review_period=2, holding_cost=0.5))
    # h R target / (1 - target): at 90 % 9 times h R, at the default of 95 % 19 times.
    by_item = dict(
        zip(found.keys["item"].to_list(), found.terms.stockout_cost.tolist(), strict=True)
    )
    assert by_item == pytest.approx({"007": 4.0, "008": 9.0, "009": 19.0})
    assert found.stockout_cost_given.tolist() == [True, False, False] * 2


def test_each_series_has_the_lead_time_of_its_supplier():
    changes = {"008": {"supplier": "south"}}
    found = supply(world.terms(changes))
    pmf = found.lead_time_probabilities
    assert np.isfinite(pmf).all()
    assert pmf.sum(axis=1) == pytest.approx(np.ones(len(pmf)))
    mean = (pmf @ np.arange(pmf.shape[1]))[found.terms.lead_time_row]
    # Quotes of 2 and 4 days.
    assert mean.tolist() == pytest.approx([2, 4, 2] * 2)


def test_series_feel_that_orders_overtake_each_other():
    suppliers = world.suppliers(lead_time_std_days=1.5)
    found = supply(world.terms({"008": {"supplier": "south"}}), suppliers=suppliers)
    pmf, terms = found.lead_time_probabilities, found.terms
    np.testing.assert_allclose(
        pmf[terms.next_lead_time_row],
        effective_lead_times(pmf[terms.lead_time_row], terms.review_period),
    )
    assert (pmf_std(pmf)[terms.next_lead_time_row] < pmf_std(pmf)[terms.lead_time_row]).all()


def test_series_are_left_out_with_their_reasons():
    terms = world.terms({"008": {"supplier": "nobody"}, "009": {"pack_size": -1.0}}, pack_size=None)
    found = supply(terms)
    assert found.keys["item"].to_list() == ["007", "007"]
    assert found.rows.tolist() == [0, 3]
    assert len(found.moq) == len(found.terms.unit_cost) == 2
    assert found.left_out == {"no_lead_time": 2, "invalid": 2}


def test_where_no_series_has_terms_the_reasons_are_said():
    with pytest.raises(
        BadInputError, match=r"no series has terms of supply: supply_.*'nobody' is not"
    ):
        supply(world.terms(supplier="nobody"))


def test_stock_is_not_looked_at():
    with_stock = supply(world.terms())
    assert supply(world.terms(), inventory=pl.DataFrame()).keys.equals(with_stock.keys)


def test_of_two_suppliers_the_cheaper_is_taken():
    terms = pl.concat([world.terms(unit_cost=9.0), world.terms(supplier="south", unit_cost=1.0)])
    found = supply(terms)
    # A series without any demand buys nothing: which supplier it has is of no account.
    demanded = found.keys.with_row_index().filter(
        (pl.col("store") != "b") | (pl.col("item") != "009")
    )
    assert set(found.terms.unit_cost[demanded["index"].to_numpy()].tolist()) == {1.0}
