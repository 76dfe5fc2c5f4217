"""Terms of the series of a backtest: whatever else is in the tables, of today's."""

import numpy as np
import pytest
import replenishment_world as world

from demandcast.components.replenishment.lines import SupplyTables
from demandcast.components.replenishment.series_supply import supply_of_series
from demandcast.schema.config import ReplenishmentConfig
from demandcast.schema.origin_arrays import OriginForecasts


def supply(terms, *, frequency="D"):
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
    tables = SupplyTables(world.inventory(), terms, suppliers=world.suppliers())
    lead_times = world.situation(supply_terms=terms).lead_times
    return supply_of_series(origins, tables, lead_times, ReplenishmentConfig())


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
