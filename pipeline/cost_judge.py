"""Forecasts the eval origins with a new model and the one in service, and compares their stock.

eval split ─┬─ new model ──────── levels ─ cost ─┐
            ├─ model in service ─ levels ─ cost ─┴─ increase, noise ─ verdict
            └─ what was sold      │
supply tables, or gate.cost ── terms
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from demandcast.components.evaluation.comparable import not_comparable
from demandcast.components.replenishment.cost_terms import equal_terms, supply_cost_terms
from demandcast.components.replenishment.model_cost import (
    CostDifference,
    CostTerms,
    JudgedOrigins,
    ModelForecasts,
    PathRules,
    compare_costs,
    counted_intervals,
    interval_costs,
)
from demandcast.components.replenishment.supplier_lead_times import lead_times_of
from demandcast.pipeline.cost_verdict import (
    CostVerdict,
    cannot_be_costed,
    judge_cost,
    not_compared,
)
from demandcast.pipeline.eval_forecasts import EvalOrigins, forecast_origins, read_origins
from demandcast.pipeline.supply_files import read_terms_tables
from demandcast.schema.config import CostConfig, ReplenishmentConfig, SeriesSpec

__all__ = ["CostRules", "ModelFolders", "compare_stock"]


@dataclass(frozen=True)
class ModelFolders:
    """What is compared, and where.

    Attributes:
        examples: Folder of the examples.
        split: Folder of their eval split.
        candidate: Folder of the new model's `saved_model.pb`.
        in_service: Folder of that of the model in service.
        in_service_name: Such as "version 12".
    """

    examples: str
    split: str
    candidate: str
    in_service: str
    in_service_name: str


@dataclass(frozen=True)
class CostRules:
    """By what is compared.

    Attributes:
        cost: What is allowed, and terms where there are no tables.
        replenishment: Tables of supply, service, paths.
        series: Key, horizon, levels and frequency.
        snapshot: Fills in `{snapshot}` in the paths of the tables.
    """

    cost: CostConfig
    replenishment: ReplenishmentConfig
    series: SeriesSpec
    snapshot: str

    @property
    def paths(self) -> PathRules:
        """How demand over an interval is sampled."""
        return PathRules(
            self.series.forecast.quantile_levels,
            paths=self.replenishment.paths,
            seed=self.replenishment.seed,
        )


def compare_stock(folders: ModelFolders, rules: CostRules) -> CostVerdict:
    """Compares the cost of stock by both models' forecasts.

    Args:
        folders: What is compared.
        rules: By what.

    Raises:
        BadInputError: A table of supply is not there, or breaks its contract.
        ServingError: A model cannot be loaded.
    """
    why_not = not_comparable(
        folders.examples, in_service=folders.in_service, candidate=folders.candidate
    )
    if why_not is not None:
        return not_compared(why_not)
    origins = read_origins(folders.split, rules.series)
    new = forecast_origins(folders.candidate, origins, rules.series)
    old = forecast_origins(folders.in_service, origins, rules.series)
    if new.fault is not None:
        return cannot_be_costed(f"on the eval split {new.fault}", examples=len(origins.records))
    if old.fault is not None:
        return not_compared(f"on the eval split {old.fault}, by the model in service")
    terms = _terms(origins, old, rules)
    if not counted_intervals(origins.happened, terms).any():
        reason = _nothing_counts(origins.happened, terms)
        return cannot_be_costed(reason, examples=len(origins.records))
    found = _compared(new, old, origins, terms=terms, paths=rules.paths)
    return judge_cost(
        found, rules.cost, in_service=folders.in_service_name, examples=len(origins.records)
    )


def _compared(
    new: ModelForecasts,
    old: ModelForecasts,
    origins: EvalOrigins,
    *,
    terms: CostTerms,
    paths: PathRules,
) -> CostDifference:
    """Costs both models over the same intervals."""
    happened = origins.happened
    costs = [interval_costs(one, happened, terms, rules=paths) for one in (new, old)]
    return compare_costs(*costs, series_index=happened.series_index, groups=origins.groups)


def _terms(origins: EvalOrigins, in_service: ModelForecasts, rules: CostRules) -> CostTerms:
    """Takes terms from the supply tables, if there are any; they do not depend on the new model."""
    config = rules.replenishment
    if config.tables.supply_terms is None:
        return equal_terms(origins.keys.height, rules.cost, config.service)
    tables, deliveries = read_terms_tables(
        config.tables, series_key=rules.series.series_key, snapshot=rules.snapshot
    )
    lead_times = lead_times_of(
        deliveries,
        tables.suppliers,
        cutoff=origins.first_cutoff,
        frequency=rules.series.forecast.frequency,
        order_moment=config.order_moment,
    )
    forecasts = origins.beside(in_service, rules.series)
    return supply_cost_terms(forecasts, tables, lead_times, config=config)


def _nothing_counts(happened: JudgedOrigins, terms: CostTerms) -> str:
    """Words why no interval counts, and what helps."""
    return "no interval of the eval split can be costed: " + "; ".join(_obstacles(happened, terms))


def _obstacles(happened: JudgedOrigins, terms: CostTerms) -> Iterator[str]:
    known = terms.known[happened.series_index]
    horizon = happened.actual.shape[1]
    fits = terms.longest_interval[happened.series_index] <= horizon
    without, too_long = int((~known).sum()), int((known & ~fits).sum())
    if without:
        yield f"{without:,} have no usable terms of supply"
    if too_long:
        yield f"{too_long:,} are longer than the forecast of {horizon} periods"
    if rest := int((known & fits).sum()):
        yield (
            f"{rest:,} have a period that is not recorded or not fully in stock; "
            "a shorter gate.cost.interval or more sampling.eval_cutoffs may help"
        )
