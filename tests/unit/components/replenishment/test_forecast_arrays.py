"""The forecast table as arrays, and how it goes on beyond its end."""

import numpy as np
import polars as pl
import pytest
import replenishment_world as world

from demandcast.components.replenishment.forecast_arrays import (
    ForecastArrays,
    extended,
    forecast_arrays,
)
from demandcast.schema.errors import ContractError


def arrays(table, **options):
    return forecast_arrays(table, world.KEYS, world.LEVELS, **options)


def test_a_table_and_back():
    known = world.forecasts(spread=0.5)
    found = arrays(world.forecast_table(known).sample(fraction=1.0, shuffle=True, seed=3))
    assert found.keys.equals(known.keys)
    np.testing.assert_array_equal(found.quantiles, known.quantiles)
    np.testing.assert_array_equal(found.mean, known.mean)
    assert (found.quantile_levels, found.horizon) == (world.LEVELS, 14)


def test_a_horizon_of_one():
    found = arrays(world.forecast_table(world.forecasts(horizon=1)))
    assert found.mean.shape == (6, 1)


def test_one_cutoff_is_needed():
    table = world.forecast_table()
    with pytest.raises(ContractError, match="no row"):
        arrays(table[:0])
    other = table.with_columns(cutoff=pl.lit(world.CUTOFF.replace(day=1)))
    with pytest.raises(ContractError, match=r"2 cutoffs \(2026-06-01, 2026-06-30\)"):
        arrays(pl.concat([table, other]))


@pytest.mark.parametrize("change", ["one step less", "one step twice"])
def test_each_series_needs_each_step(change):
    table = world.forecast_table()
    table = table[1:] if change == "one step less" else pl.concat([table, table[:1]])
    with pytest.raises(ContractError, match="each step from 1 to its last"):
        arrays(table)


def test_a_series_that_ends_early_goes_on_with_its_last_season():
    rising = world.forecast_table().with_columns(mean=pl.col("step").cast(pl.Float32))
    of_one = (pl.col("store") == "a") & (pl.col("item") == "008")
    found = arrays(rising.filter(~of_one | (pl.col("step") <= 9)), season=7)
    assert found.steps.tolist() == found.known_periods.tolist() == [14, 9, 14, 14, 14, 14]
    # Steps 3 to 9 are its last seven.
    assert found.mean[1].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 3, 4, 5, 6, 7]
    assert found.mean[0].tolist() == list(range(1, 15))
    assert found.quantiles.shape == (6, 14, len(world.LEVELS))


@pytest.mark.parametrize(("steps", "expected"), [(1, [1] * 14), (3, [1, 2, 3] * 4 + [1, 2])])
def test_of_less_than_a_season_all_is_repeated(steps, expected):
    rising = world.forecast_table().with_columns(mean=pl.col("step").cast(pl.Float32))
    first = (pl.col("store") == "a") & (pl.col("item") == "007")
    found = arrays(rising.filter(~first | (pl.col("step") <= steps)), season=7)
    assert found.mean[0].tolist() == expected


def test_the_variance_of_a_normal_forecast():
    from scipy import special

    levels = (0.05, 0.5, 0.95)
    quantiles = 10 + 3 * special.ndtri(levels)
    shape = np.broadcast_to(quantiles, (1, 4, 3)).astype(np.float32)
    known = ForecastArrays(pl.DataFrame({"item": ["1"]}), shape, shape[..., 1], levels)
    np.testing.assert_allclose(known.variance(), [3**2], rtol=1e-5)


def counted(horizon):
    """A forecast whose mean is the number of the period."""
    mean = np.arange(horizon, dtype=np.float32)[None]
    quantiles = np.stack([mean, mean], axis=-1)
    return ForecastArrays(pl.DataFrame({"item": ["1"]}), quantiles, mean, (0.1, 0.9))


@pytest.mark.parametrize(
    ("horizon", "season", "wanted", "expected"),
    [
        (4, 2, 9, [0, 1, 2, 3, 2, 3, 2, 3, 2]),
        (4, 7, 9, [0, 1, 2, 3, 0, 1, 2, 3, 0]),  # All of it is its season.
        (3, 1, 5, [0, 1, 2, 2, 2]),
        (1, 7, 3, [0, 0, 0]),
    ],
)
def test_the_last_season_again(horizon, season, wanted, expected):
    found = extended(counted(horizon), wanted, season=season)
    assert found.mean[0].tolist() == expected
    assert found.quantiles[0, :, 1].tolist() == expected


@pytest.mark.parametrize("wanted", [0, 3, 4])
def test_what_is_long_enough_stays(wanted):
    known = counted(4)
    assert extended(known, wanted, season=7) is known
