"""Terms of the cost check: of the supply tables, or the same for all series."""

import datetime

import numpy as np
import polars as pl
import pytest

from demandcast.components.replenishment.cost_terms import equal_terms, supply_cost_terms
from demandcast.components.replenishment.interval_levels import critical_ratios
from demandcast.components.replenishment.lines import SupplyTables
from demandcast.components.replenishment.supplier_lead_times import lead_times_of
from demandcast.schema.config import ReplenishmentConfig
from demandcast.schema.config.gate import CostConfig
from demandcast.schema.config.replenishment import ServiceConfig
from demandcast.schema.errors import BadInputError, ContractError
from demandcast.schema.origin_arrays import OriginForecasts

KEYS = pl.DataFrame({"store": ["1", "1", "2"], "item": ["a", "b", "a"]})


def ratios(terms):
    return critical_ratios(
        stockout_cost=terms.stockout_cost,
        holding_cost=terms.holding_cost,
        review_period=terms.review_period,
    )


def supply_terms(rows, suppliers=None, frequency="D", **config):
    """Terms of `KEYS` from tables given as lists of rows."""
    tables = SupplyTables(
        inventory=pl.DataFrame(),
        supply_terms=pl.DataFrame(rows),
        suppliers=pl.DataFrame(suppliers or [{"supplier": "s", "quoted_lead_time_days": 2}]),
    )
    lead_times = lead_times_of(
        None,
        tables.suppliers,
        cutoff=datetime.date(2024, 6, 2),
        frequency=frequency,
        order_moment="before_opening",
    )
    config = ReplenishmentConfig(**config)
    return supply_cost_terms(origins(frequency), tables, lead_times, config=config)


def origins(frequency):
    """One cutoff of each series of `KEYS`."""
    shape = (KEYS.height, 4)
    return OriginForecasts(
        keys=KEYS,
        cutoff_days=np.array([19_876]),
        series_index=np.arange(KEYS.height),
        cutoff_index=np.zeros(KEYS.height, np.int64),
        actual=np.ones(shape),
        observed_mask=np.ones(shape, np.bool_),
        in_stock_fraction=np.ones(shape, np.float32),
        demand_class=np.full(KEYS.height, "smooth"),
        quantiles=np.ones((*shape, 2), np.float32),
        mean=np.ones(shape, np.float32),
        quantile_levels=(0.1, 0.9),
        frequency=frequency,
    )


def row(item, **changes):
    return {"item": item, "supplier": "s", "unit_cost": 10.0, **changes}


@pytest.mark.parametrize("target", [0.9, 0.98])
def test_equal_terms_aim_at_the_target(target):
    terms = equal_terms(3, CostConfig(interval=5), ServiceConfig(target=target))
    assert ratios(terms) == pytest.approx([target] * 3)
    assert terms.longest_interval.tolist() == [5, 5, 5]
    assert terms.known.all()


def test_a_given_cost_counts_only_where_the_least_cost_is_aimed_at():
    """Beside a target it would reward the model that overshoots, or the one that falls short."""
    cost = CostConfig(interval=2, holding_cost=3.0, stockout_cost=24.0)
    by_cost = equal_terms(1, cost, ServiceConfig(measure="cost"))
    assert ratios(by_cost) == pytest.approx([24 / (24 + 3 * 2)])
    by_target = equal_terms(1, cost, ServiceConfig(target=0.95))
    assert ratios(by_target) == pytest.approx([0.95])


def test_terms_come_from_the_tables():
    terms = supply_terms(
        [
            row("a", review_period=3, pack_size=6, holding_cost=0.5),
            row("b", review_period=1, pack_size=None, holding_cost=None),
        ],
        holding_cost_rate=0.365250,
    )
    assert terms.known.all()
    assert terms.review_period.tolist() == [3, 1, 3]
    assert terms.longest_interval.tolist() == [3 + 2, 1 + 2, 3 + 2]
    assert terms.pack_size.tolist() == [6, 1, 6]
    assert terms.holding_cost == pytest.approx([0.5, 10 * 0.36525 / 365.25, 0.5])
    assert ratios(terms) == pytest.approx([0.95] * 3)


def test_own_targets_and_own_costs_of_items():
    rows = [
        row("a", service_target=0.8, stockout_cost=4.0, holding_cost=1.0),
        row("b", service_target=None, stockout_cost=None, holding_cost=1.0),
    ]
    assert ratios(supply_terms(rows)) == pytest.approx([0.8, 0.95, 0.8])
    by_cost = supply_terms(rows, service={"measure": "cost"})
    assert ratios(by_cost) == pytest.approx([0.8, 0.95, 0.8])  # 4 / (4 + 1), and as implied.
    assert by_cost.stockout_cost == pytest.approx([4, 19, 4])


def test_order_days_make_the_longest_time_between_two_of_them():
    """Monday and Thursday: four days; in weekly data every week."""
    rows = [row("a", order_days="mon thu"), row("b", order_days=None)]
    assert supply_terms(rows).review_period.tolist() == [4, 1, 4]
    weekly = supply_terms(rows, frequency="W-SUN")
    assert weekly.review_period.tolist() == [1, 1, 1]


def test_series_without_usable_terms_do_not_count():
    terms = supply_terms([row("a"), row("b", supplier="unheard of")])
    assert terms.known.tolist() == [True, False, True]
    assert supply_terms([row("a")]).known.tolist() == [True, False, True]
    with pytest.raises(BadInputError, match=r"no series has terms of supply: .*got '-1\.0'"):
        supply_terms([row("a", unit_cost=-1.0)])


def test_of_several_suppliers_the_cheapest_counts():
    quotes = [
        {"supplier": "far", "quoted_lead_time_days": 9},
        {"supplier": "near", "quoted_lead_time_days": 1},
    ]
    terms = supply_terms(
        [row("a", supplier="far", unit_cost=12.0), row("a", supplier="near", unit_cost=10.0)],
        suppliers=quotes,
    )
    assert terms.longest_interval[[0, 2]].tolist() == [1 + 1, 1 + 1]


def test_terms_that_fit_no_series_are_refused():
    with pytest.raises(ContractError, match="no column of the series key"):
        supply_terms([{"colour": "red", "supplier": "s", "unit_cost": 1.0}])
