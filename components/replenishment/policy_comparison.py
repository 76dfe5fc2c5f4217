"""Compares policies on the same demand and the same lead times, for a list of targets.

    chunks of series --simulate each policy for each target--> sums by group of series --> a table

Sums are kept by group of series, at most `jackknife.GROUPS`: the table of any number of series
needs the memory of one chunk, and intervals of ratios between policies are those of paired
differences, in which the luck of the demand cancels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.components.metrics.jackknife import GROUPS
from demandcast.components.replenishment.comparison_policies import (
    YEAR,
    KnownSupply,
    eoq_levels,
    foresight_levels,
    last_year_levels,
    min_max_levels,
    rolling_moments,
    textbook_levels,
)
from demandcast.components.replenishment.simulation_result import StockResult, estimate_ratio
from demandcast.components.replenishment.stock_policies import (
    BaseStockPolicy,
    OrderUpToPolicy,
    ReorderPointPolicy,
    StockPolicy,
)
from demandcast.components.replenishment.stock_scenario import FloatArray, StockScenario
from demandcast.components.replenishment.stock_simulation import simulate_stock
from demandcast.schema.errors import BadInputError

__all__ = [
    "ComparedChunk",
    "ComparedPolicy",
    "FixedPolicy",
    "PastDemand",
    "TargetPolicy",
    "compare",
    "compare_chunks",
    "cost_at_service",
    "cost_curve",
    "given_levels",
    "standard_policies",
]


@dataclass(frozen=True)
class TargetPolicy:
    """A policy that aims at a cycle service level.

    Attributes:
        build: Makes the policy for a target in (0, 1).
    """

    build: Callable[[float], StockPolicy]


@dataclass(frozen=True)
class FixedPolicy:
    """A policy that has no target.

    Attributes:
        policy: Decides the orders.
    """

    policy: StockPolicy


ComparedPolicy = TargetPolicy | FixedPolicy


@dataclass(frozen=True)
class ComparedChunk:
    """Some of the series.

    Attributes:
        demand: Units per period. Shape [T, N].
        policies: By name; the same names in all chunks.
        scenario: What the stock of these series lives in.
    """

    demand: FloatArray
    policies: Mapping[str, ComparedPolicy]
    scenario: StockScenario


@dataclass(frozen=True, kw_only=True)
class PastDemand:
    """What the rules of thumb look back on.

    Attributes:
        history: Units per period before period 0, the newest last. Shape [H, N], H from 0 on.
        window: Newest periods of which the textbook takes mean and deviation.
        year: Periods of a year.
    """

    history: npt.ArrayLike = ()
    window: int = 91
    year: int = YEAR


def given_levels(levels: Mapping[float, npt.ArrayLike]) -> TargetPolicy:
    """Makes a periodic base-stock policy of levels that were computed elsewhere.

    Args:
        levels: Base-stock levels by target, units. Shape [T, N] each.

    >>> given_levels({0.9: [[3.0]]}).build(0.9).base_stock_level
    array([[3.]])
    """

    def build(target: float) -> StockPolicy:
        if target not in levels:
            raise BadInputError(
                f"no levels for the target {target}; there are some for {sorted(levels)}"
            )
        return BaseStockPolicy(np.asarray(levels[target], dtype=np.float64))

    return TargetPolicy(build)


def standard_policies(
    demand: npt.ArrayLike, scenario: StockScenario, *, supply: KnownSupply, past: PastDemand
) -> dict[str, ComparedPolicy]:
    """Makes the policies that need no forecast.

    Args:
        demand: Units per period; each level is made of that of the periods before it alone,
            except for perfect foresight. Shape [T, N].
        scenario: Lead times and reviews for perfect foresight, costs for the EOQ.
        supply: Lead time and review period as a planner knows them.
        past: What the rules look back on.

    Returns:
        `textbook`, `eoq`, `min_max`, `last_year`, `perfect_foresight`; no `eoq` where something
        costs nothing to hold, and no `min_max` there, nor where no order costs anything.

    Raises:
        BadInputError: A value or shape is wrong.
    """
    moments = rolling_moments(past.history, demand, window=past.window)

    def textbook(target: float) -> StockPolicy:
        return BaseStockPolicy(textbook_levels(moments, supply, cycle_service_level=target))

    def eoq(target: float) -> StockPolicy:
        levels = eoq_levels(moments, supply, cycle_service_level=target, costs=scenario.costs)
        return ReorderPointPolicy(levels.reorder_point, levels.order_quantity)

    def min_max(target: float) -> StockPolicy:
        levels = min_max_levels(moments, supply, cycle_service_level=target, costs=scenario.costs)
        return OrderUpToPolicy(levels.reorder_point, levels.base_stock_level)

    last_year = last_year_levels(past.history, demand, supply=supply, year=past.year)
    has_eoq = bool((np.asarray(scenario.costs.holding_cost) > 0).all())
    has_min_max = has_eoq and bool((np.asarray(scenario.costs.order_cost) > 0).any())
    return {
        "textbook": TargetPolicy(textbook),
        **({"eoq": TargetPolicy(eoq)} if has_eoq else {}),
        **({"min_max": TargetPolicy(min_max)} if has_min_max else {}),
        "last_year": FixedPolicy(BaseStockPolicy(last_year)),
        "perfect_foresight": FixedPolicy(BaseStockPolicy(foresight_levels(demand, scenario))),
    }


def compare(
    demand: npt.ArrayLike,
    policies: Mapping[str, ComparedPolicy],
    *,
    targets: Sequence[float],
    scenario: StockScenario,
    reference: str | None = None,
) -> pl.DataFrame:
    """Compares policies on the same demand and lead times.

    Args:
        demand: Units per period. Shape [T, N]; series are taken to be independent.
        policies: By name.
        targets: Cycle service levels in (0, 1) for policies that have a target.
        scenario: What the stock lives in.
        reference: Name of the policy that others are divided by, at the same target; None: no
            ratios.

    Returns:
        As `compare_chunks`.

    Raises:
        BadInputError: As `compare_chunks`.

    >>> policies = {"two": FixedPolicy(BaseStockPolicy(np.array([2.0])))}
    >>> table = compare(np.ones((4, 3)), policies, targets=[], scenario=StockScenario())
    >>> table["cycle_service_level"].item(), table["mean_on_hand"].item()
    (1.0, 1.0)
    """
    chunk = ComparedChunk(np.asarray(demand, dtype=np.float64), policies, scenario)
    return compare_chunks([chunk], targets=targets, reference=reference)


def compare_chunks(
    chunks: Iterable[ComparedChunk], *, targets: Sequence[float], reference: str | None = None
) -> pl.DataFrame:
    """Compares policies on chunks of series; memory is that of one chunk.

    Args:
        chunks: A generator may make each when it is asked for.
        targets: Cycle service levels in (0, 1) for policies that have a target.
        reference: Name of the policy that others are divided by, at the same target; None: no
            ratios.

    Returns:
        A row for each policy and target, of a policy without a target one:

        * `policy`, `target` (null without one), `series`, `cycles`;
        * `cycle_service_level`, a mean over cycles, with its 95 % interval `..._low`, `..._high`;
          `cycle_service_level_over_series`, a mean over series with a cycle;
        * `fill_rate`, a mean over units of demand;
        * `mean_on_hand`, units in the evening, a mean over series;
        * `orders`, and `waste` in units: sums;
        * `holding_cost`, `stockout_cost`, `order_cost`, `purchase_cost`, `waste_cost`, currency:
          sums; `operating_cost` is all but purchases, `total_cost` all;
        * `mean_on_hand_ratio`, `operating_cost_ratio` with its 95 % interval, `total_cost_ratio`:
          to the reference; null where it has no such row or has 0.

    Raises:
        BadInputError: A target is none, there is no chunk, chunks have different policies, the
            reference is none of them, or what is simulated is wrong.
    """
    _check_targets(targets)
    tallies: dict[tuple[str, float | None], _Tally] = {}
    names: tuple[str, ...] | None = None
    first_series = 0
    for chunk in chunks:
        names = _same_names(names, chunk.policies)
        for name, policy in chunk.policies.items():
            for target, built in _built(policy, targets):
                result = simulate_stock(chunk.demand, built, scenario=chunk.scenario)
                tallies.setdefault((name, target), _Tally()).add(result, first_series)
        first_series += np.shape(chunk.demand)[1]
    _check_reference(reference, names)
    rows = [
        {
            "policy": name,
            "target": target,
            **tally.row(),
            **tally.ratios(_reference_of(tallies, reference, target)),
        }
        for (name, target), tally in tallies.items()
    ]
    return pl.DataFrame(rows, schema=_SCHEMA).with_columns(pl.col(pl.Float64).fill_nan(None))


def cost_curve(table: pl.DataFrame, *, cost: str = "operating_cost") -> pl.DataFrame:
    """Takes the cost against the service reached out of a comparison.

    Args:
        table: From `compare`.
        cost: Its column.

    Returns:
        Columns `policy`, `target`, `cycle_service_level` and `cost`; policies in the order of the
        table, each by service.
    """
    order = {name: place for place, name in enumerate(table["policy"].unique(maintain_order=True))}
    return (
        table.select("policy", "target", "cycle_service_level", pl.col(cost).alias("cost"))
        .sort(pl.col("policy").replace_strict(order), "cycle_service_level")
        .select("policy", "target", "cycle_service_level", "cost")
    )


def cost_at_service(curve: pl.DataFrame, cycle_service_level: float) -> dict[str, float | None]:
    """Reads from each policy's curve what a service costs that it may not have aimed at.

    Policies miss their targets by different amounts: costs are comparable at the same service.

    Args:
        curve: From `cost_curve`.
        cycle_service_level: The service reached.

    Returns:
        Cost by policy, between the neighbouring points on a straight line; None where the curve
        does not reach so far.
    """
    costs: dict[str, float | None] = {}
    for (name,), points in curve.group_by(["policy"], maintain_order=True):
        known = points.drop_nulls(["cycle_service_level", "cost"])
        service = known["cycle_service_level"].to_numpy()
        inside = service.size and service[0] <= cycle_service_level <= service[-1]
        found = np.interp(cycle_service_level, service, known["cost"]) if inside else None
        costs[str(name)] = None if found is None else float(found)
    return costs


_COSTS = {
    "holding_cost": "holding",
    "stockout_cost": "stockout",
    "order_cost": "ordering",
    "purchase_cost": "purchase",
    "waste_cost": "waste",
    "operating_cost": "operating",
    "total_cost": "total",
}
"""Columns of the table and the attributes of `StockCostSums`."""

_RATIOS = ("mean_on_hand", "operating_cost", "total_cost")

_NUMBERS = (
    "cycle_service_level",
    "cycle_service_level_low",
    "cycle_service_level_high",
    "cycle_service_level_over_series",
    "fill_rate",
    "mean_on_hand",
    "orders",
    "waste",
    *_COSTS,
    "mean_on_hand_ratio",
    "operating_cost_ratio",
    "operating_cost_ratio_low",
    "operating_cost_ratio_high",
    "total_cost_ratio",
)

_SCHEMA: dict[str, type[pl.DataType]] = {
    "policy": pl.String,
    "target": pl.Float64,
    "series": pl.Int64,
    "cycles": pl.Int64,
    **dict.fromkeys(_NUMBERS, pl.Float64),
}


@dataclass
class _Tally:
    """Sums over the series of each group; each of shape [G]."""

    sums: dict[str, FloatArray] = field(default_factory=dict)

    def add(self, result: StockResult, first_series: int) -> None:
        """Adds the series of a chunk, numbered from `first_series` on."""
        groups = (first_series + np.arange(len(result.demand))) % GROUPS
        service = result.cycle_service_level
        values = {
            "series": np.ones(len(groups)),
            "cycles": result.cycles,
            "clean": result.cycles_without_stockout,
            "demand": result.demand,
            "met_at_once": result.met_at_once,
            "mean_on_hand": result.mean_on_hand,
            "orders": result.orders,
            "waste": result.waste,
            "service": np.where(np.isnan(service), 0.0, service),
            "serving": ~np.isnan(service) * 1.0,
            **{name: getattr(result.costs, kind) for name, kind in _COSTS.items()},
        }
        for name, of_series in values.items():
            added = np.bincount(groups, weights=of_series, minlength=GROUPS)
            self.sums[name] = self.sums.get(name, 0.0) + added

    def row(self) -> dict[str, float | int]:
        """Makes the part of the table's row that needs no other policy."""
        total = {name: float(values.sum()) for name, values in self.sums.items()}
        service = estimate_ratio(self.sums["clean"], self.sums["cycles"])
        low, high = service.interval()
        return {
            "series": int(total["series"]),
            "cycles": int(total["cycles"]),
            "cycle_service_level": service.value,
            "cycle_service_level_low": low,
            "cycle_service_level_high": high,
            "cycle_service_level_over_series": self._ratio("service", "serving"),
            "fill_rate": self._ratio("met_at_once", "demand"),
            "mean_on_hand": self._ratio("mean_on_hand", "series"),
            **{name: total[name] for name in ("orders", "waste", *_COSTS)},
        }

    def ratios(self, reference: _Tally | None) -> dict[str, float]:
        """Divides by the reference, on the same series."""
        if reference is None:
            return {}
        found = {name: estimate_ratio(self.sums[name], reference.sums[name]) for name in _RATIOS}
        low, high = found["operating_cost"].interval()
        return {
            **{f"{name}_ratio": one.value for name, one in found.items()},
            "operating_cost_ratio_low": low,
            "operating_cost_ratio_high": high,
        }

    def _ratio(self, above: str, below: str) -> float:
        return estimate_ratio(self.sums[above], self.sums[below]).value


def _check_targets(targets: Sequence[float]) -> None:
    """Refuses targets that no service level can have."""
    for target in targets:
        if not 0 < target < 1:
            raise BadInputError(f"targets: got {target}; expected shares in (0, 1)")


def _check_reference(reference: str | None, names: tuple[str, ...] | None) -> None:
    """Refuses a reference that is none of the policies, and a comparison of nothing."""
    if names is None:
        raise BadInputError("got no chunk of series to compare policies on; expected at least one")
    if reference is not None and reference not in names:
        raise BadInputError(f"reference: got {reference}; the policies are {list(names)}")


def _same_names(
    names: tuple[str, ...] | None, policies: Mapping[str, ComparedPolicy]
) -> tuple[str, ...]:
    """Refuses a chunk that has other policies than those before."""
    found = tuple(policies)
    if names is not None and set(found) != set(names):
        raise BadInputError(f"policies: got {list(found)}; the chunks before have {list(names)}")
    return names or found


def _built(
    policy: ComparedPolicy, targets: Sequence[float]
) -> Iterable[tuple[float | None, StockPolicy]]:
    """Makes a policy for each target, one after the other; one without a target once."""
    if isinstance(policy, FixedPolicy):
        return ((None, policy.policy),)
    return ((target, policy.build(target)) for target in targets)


def _reference_of(
    tallies: Mapping[tuple[str, float | None], _Tally],
    reference: str | None,
    target: float | None,
) -> _Tally | None:
    """Finds the reference at the same target, or the one that has none."""
    if reference is None:
        return None
    return tallies.get((reference, target), tallies.get((reference, None)))
