"""What the errors of a model on the simulated chain come from, cause by cause.

    python tests/benchmarks/error_causes.py --workspace /tmp/chain

Takes the workspace of `make bench-chain` and forecasts at cutoffs that its model has not seen. Of
each cause the simulation knows what it does to the mean of each day; the error of the forecast's
mean is regressed on how that differs from the context. A coefficient of 0: the change is forecast
in full. -1: as if the model had never heard of it. Weather and the wandering level cannot be known.
Beside it, the weighted quantile loss of the model and of the true distribution of the demand.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
from replenishment_chain import CHAINS, common_options, demandcast

from demandcast.components.metrics.quantile import weighted_quantile_loss
from demandcast.components.simulation.chain import (
    Chain,
    StoreConditions,
    first_day,
    simulate_chain,
    simulate_conditions,
    simulate_store,
)
from demandcast.components.simulation.config import EffectsConfig
from demandcast.components.simulation.demand import (
    category_effects,
    expected_demand,
    promotion_uplift,
)
from demandcast.components.simulation.futures import simulate_futures
from demandcast.components.simulation.randomness import stream
from demandcast.components.simulation.write import read_simulation
from demandcast.schema.config import DEFAULT_QUANTILE_LEVELS

FloatArray = npt.NDArray[np.float64]

CONTEXT, HORIZON = 56, 28
LEVELS = DEFAULT_QUANTILE_LEVELS
PATHS = 400
SMALLEST_MEAN = 0.5
"""Units per day; the logarithm of less is noise."""

OFF = {"weekly": 0.0, "yearly": 0.0, "holiday": 0.0, "weather": 0.0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workspace", required=True, help="folder of make bench-chain")
    parser.add_argument("--preset", default="standard", choices=tuple(CHAINS), help="which chain")
    options = parser.parse_args()
    workspace = Path(options.workspace).resolve()
    output = workspace / "error-causes"
    demandcast(
        "backtest",
        *common_options(workspace, options.preset),
        *("--candidate", "latest", "--forecasts", "--stride", "14"),
        *("--output", str(output), "--quiet"),
    )
    forecasts = read_forecasts(output / "origins")
    chain = simulate_chain(read_simulation(workspace / "sample-data"))
    truth = pl.concat(list(true_days(chain, sorted(set(forecasts["day_of_cutoff"])))))
    found = forecasts.join(truth, on=["store", "item", "day_of_cutoff", "step"], how="inner")
    say(found)


def read_forecasts(folder: Path) -> pl.DataFrame:
    """Reads the kept forecasts, with the cutoff in days since 1970-01-01."""
    tables = pl.read_parquet(folder / "*.parquet")
    return tables.with_columns(day_of_cutoff=pl.col("cutoff").to_physical())


def true_days(chain: Chain, cutoffs: list[int]) -> Iterator[pl.DataFrame]:
    """Gives demand, its true mean and quantiles, and changes of the causes; one store at a time."""
    begin = first_day(chain.config)
    for store in range(len(chain.stores.names)):
        conditions = simulate_conditions(chain, store)
        demand = simulate_store(chain, store).demand
        mean = true_mean(chain, conditions)
        causes = causes_of(chain, conditions, mean)
        for day in cutoffs:
            cutoff = day - begin
            context = slice(cutoff + 1 - CONTEXT, cutoff + 1)
            ahead = slice(cutoff + 1, cutoff + 1 + HORIZON)
            futures = simulate_futures(
                chain,
                conditions,
                cutoff=cutoff,
                horizon=HORIZON,
                paths=PATHS,
                draws=stream(chain.config.seed, "error causes", store, cutoff),
            )
            quantiles = np.quantile(futures, LEVELS, axis=2).swapaxes(1, 2)
            values = {"demand": demand[:, ahead].astype(float), "true_mean": mean[:, ahead]}
            values |= {f"true_{level}": each for level, each in zip(LEVELS, quantiles, strict=True)}
            values |= {
                name: each[:, ahead] - each[:, context].mean(axis=1, keepdims=True)
                for name, each in causes.items()
            }
            yield pl.DataFrame(
                {
                    "store": np.repeat(str(chain.stores.names[store]), mean.shape[0] * HORIZON),
                    "item": np.repeat(chain.items.names.astype(str), HORIZON),
                    "day_of_cutoff": np.full(mean.shape[0] * HORIZON, day, np.int32),
                    "step": np.tile(np.arange(1, HORIZON + 1, dtype=np.int32), mean.shape[0]),
                }
                | {name: each.ravel() for name, each in values.items()}
            )


def true_mean(chain: Chain, conditions: StoreConditions) -> FloatArray:
    """Mean demand without the footfall of the day, units. Shape [I, D]."""
    return expected_demand(
        chain.items,
        conditions.plan,
        common=conditions.common,
        level=level_of(chain, conditions),
        promotions=chain.config.promotions,
    )


def level_of(chain: Chain, conditions: StoreConditions) -> FloatArray:
    parts = conditions.parts
    return np.asarray(parts.steady + parts.wander[:, chain.weeks] + parts.start)


def causes_of(chain: Chain, conditions: StoreConditions, mean: FloatArray) -> dict[str, FloatArray]:
    """What each cause adds to the log of the mean. Each of shape [I, D]."""
    items, plan, parts = chain.items, conditions.plan, conditions.parts
    price = items.elasticity[:, None] * np.log(plan.regular / plan.reference[:, None])
    uplift = np.log(promotion_uplift(plan, items.elasticity, chain.config.promotions))
    quiet = level_of(chain, conditions) + conditions.common[items.category] + price
    sold = np.isfinite(parts.start)
    others = np.where(sold, np.log(np.maximum(mean, 1e-12)) - np.where(sold, quiet, 0) - uplift, 0)

    def alone(**effect: float) -> FloatArray:
        effects = EffectsConfig(**{**OFF, **effect})
        return category_effects(conditions.traits, chain.calendar, effects)[items.category]

    strength = chain.config.effects
    return {
        "promotion of the item": uplift,
        "promotions of other items": others,
        "regular price": price,
        "day of the week": alone(weekly=strength.weekly),
        "time of the year": alone(yearly=strength.yearly),
        "holidays": alone(holiday=strength.holiday),
        "weather": alone(weather=strength.weather),
        "growth": parts.steady,
        "launch": np.where(sold, parts.start, 0.0),
        "wandering level": parts.wander[:, chain.weeks],
    }


def say(found: pl.DataFrame) -> None:
    """Prints losses, and the causes of errors by what they contribute."""
    demand, cutoffs = found["demand"].to_numpy(), found["day_of_cutoff"].n_unique()
    ours = found.select([f"q{level}" for level in LEVELS]).to_numpy()
    true = found.select([f"true_{level}" for level in LEVELS]).to_numpy()
    print(f"{len(found):,} days of {cutoffs} cutoffs that the model has not seen")
    print(f"weighted quantile loss: model {loss(demand, ours):.4f}, truth {loss(demand, true):.4f}")
    fast = found.filter(pl.col("true_mean") >= SMALLEST_MEAN)
    error = np.log(np.maximum(fast["mean"].to_numpy(), 1e-3) / fast["true_mean"].to_numpy())
    weight = fast["true_mean"].to_numpy()
    print(f"log error of the mean, weighted by it, where it is at least {SMALLEST_MEAN} units:")
    print(f"  bias {np.average(error, weights=weight):+.3f}, deviation {spread(error, weight):.3f}")
    names = fast.columns[fast.columns.index("promotion of the item") :]
    changes = fast.select(names).to_numpy()
    root = np.sqrt(weight)
    design = np.column_stack([changes, np.ones(len(changes))])
    coefficients = np.linalg.lstsq(design * root[:, None], error * root, rcond=None)[0]
    print(f"\n{'cause':28s} {'its change':>10s} {'coefficient':>12s} {'error by it':>12s}")
    rows = [
        (abs(coefficient) * spread(change, weight), name, spread(change, weight), coefficient)
        for name, change, coefficient in zip(names, changes.T, coefficients[:-1], strict=True)
    ]
    for contributes, name, deviation, coefficient in sorted(rows, reverse=True):
        print(f"{name:28s} {deviation:10.3f} {coefficient:12.2f} {contributes:12.3f}")
    rest = spread(error - design @ coefficients, weight)
    print(f"{'none of these':28s} {'':10s} {'':12s} {rest:12.3f}")


def loss(demand: FloatArray, quantiles: FloatArray) -> float:
    """Weighted quantile loss of days. Shapes [N] and [N, Q]."""
    return weighted_quantile_loss(
        demand[:, None],
        quantiles[:, None],
        quantile_levels=LEVELS,
        scored_mask=np.ones((len(demand), 1)),
    )


def spread(values: FloatArray, weight: FloatArray) -> float:
    """Weighted standard deviation."""
    return float(np.sqrt(np.cov(values, aweights=weight, ddof=0)))


if __name__ == "__main__":
    main()
