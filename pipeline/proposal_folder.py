"""Order proposals from a forecast table, stock and terms, written as a folder.

`demandcast replenish` and the stage Replenisher share it.
"""

from __future__ import annotations

import datetime
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from demandcast.components.replenishment.forecast_arrays import ForecastArrays, forecast_arrays
from demandcast.components.replenishment.lead_times import LeadTimes
from demandcast.components.replenishment.lines import unmatched_terms, unplaced_problems
from demandcast.components.replenishment.proposing import Proposals, Situation, propose
from demandcast.components.replenishment.supplier_lead_times import lead_times_of
from demandcast.components.replenishment.supplier_scorecard import (
    costs_of_unreliability,
    supplier_scorecard,
)
from demandcast.components.reporting.words import several
from demandcast.pipeline.folders import whole_folder
from demandcast.pipeline.order_files import write_order_files
from demandcast.pipeline.places import orders_folder
from demandcast.pipeline.series_attributes import read_attributes
from demandcast.pipeline.supply_files import read_lead_times, read_supply_tables
from demandcast.schema.artifact_names import (
    PROPOSAL_FACTS_FILE,
    PROPOSAL_TERMS_FILE,
    PROPOSALS_FILE,
    SUPPLIER_OUTLIERS_FILE,
    SUPPLIER_SCORECARD_FILE,
)
from demandcast.schema.config import RunConfig
from demandcast.schema.forecast_table import CUTOFF
from demandcast.schema.origin_arrays import OriginForecasts
from demandcast.schema.periods import season_length
from demandcast.schema.proposal_facts import ProposalFacts
from demandcast.schema.proposal_table import BLOCKED

__all__ = [
    "ProposalFolder",
    "ReplenishSummary",
    "make_proposals",
    "new_proposal_id",
    "situation_of",
]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ReplenishSummary:
    """What was proposed.

    Attributes:
        proposal_id: Its identity.
        folder: Where its files lie.
        cutoff: Last period that the forecast saw, ISO date.
        lines: Series looked at.
        orders: Lines to order now.
        order_value: Their value, currency units.
        waiting: Orders that a person must approve.
        statuses: Lines by status.
        risk_classes: Computed lines by class.
        problems: What is wrong, with the number of lines and the first of them.
        seconds: Wall time.
        remarks: What is of no line, in words.
    """

    proposal_id: str
    folder: str
    cutoff: str
    lines: int
    orders: int
    order_value: float
    waiting: int
    statuses: dict[str, int]
    risk_classes: dict[str, int]
    problems: tuple[str, ...]
    seconds: float
    remarks: tuple[str, ...] = ()

    @property
    def critical(self) -> int:
        """Computed lines that are likely to run out in spite of their order."""
        return self.risk_classes.get("critical", 0)

    @property
    def waits(self) -> str:
        """How many orders wait, in words."""
        return f"{self.waiting:,} {'waits' if self.waiting == 1 else 'wait'} for approval"

    @property
    def text(self) -> str:
        """What was proposed, in one line."""
        return (
            f"{self.orders:,} worth {self.order_value:,.2f}; {self.waits}; "
            f"{self.critical:,} critical"
        )


@dataclass(frozen=True)
class ProposalFolder:
    """Where a proposal is written, and what is known of it.

    Attributes:
        proposal_id: Its identity.
        folder: Appears whole, at the end.
        model_version: Version of the model that forecast; None where the forecasts were given.
    """

    proposal_id: str
    folder: Path
    model_version: int | None = None

    @classmethod
    def new(cls, config: RunConfig, *, output: Path | None) -> ProposalFolder:
        """Names a new proposal by the moment."""
        proposal_id = new_proposal_id(datetime.datetime.now(datetime.UTC))
        return cls(proposal_id, output or orders_folder(config) / proposal_id)


def new_proposal_id(now: datetime.datetime) -> str:
    """Names a proposal by the moment, to the millisecond, so that names sort as they were made.

    >>> new_proposal_id(datetime.datetime(2026, 11, 20, 9, 30, 5, 123456))
    '20261120-093005-123'
    """
    return f"{now:%Y%m%d-%H%M%S}-{now.microsecond // 1000:03d}"


def make_proposals(
    config: RunConfig,
    forecasts: pl.DataFrame,
    *,
    origins: OriginForecasts | None,
    target: ProposalFolder,
    wrong_forecasts: pl.DataFrame | None = None,
) -> ReplenishSummary:
    """Proposes orders and writes them into their folder, whole or not at all.

    Args:
        config: The run; paths are absolute.
        forecasts: A forecast table of one cutoff; a series may end before the others.
        origins: Forecasts at past cutoffs, to learn from; None: nothing is learnt.
        target: Where the proposal goes.
        wrong_forecasts: Further series, whose forecast cannot be used: key columns and `problem`.

    Raises:
        BadInputError: A table is missing or breaks its contract.
    """
    begin = time.monotonic()
    situation = situation_of(config, forecasts, origins, wrong_forecasts=wrong_forecasts)
    proposals = propose(situation, config.replenishment)
    _write(config, proposals, situation, target)
    table = proposals.table
    ordered = table.filter(pl.col("order_quantity") > 0)
    return ReplenishSummary(
        proposal_id=target.proposal_id,
        folder=str(target.folder),
        cutoff=situation.cutoff.isoformat(),
        lines=table.height,
        orders=ordered.height,
        order_value=round(float(ordered["order_value"].sum()), 2),
        waiting=int(ordered["needs_approval"].sum()),
        statuses=_counts(table["status"]),
        risk_classes=_counts(table["risk_class"].drop_nulls()),
        problems=tuple(_problems(table, config.data.columns.series_key)),
        seconds=round(time.monotonic() - begin, 1),
        remarks=tuple(
            unmatched_terms(situation.tables, table.select(config.data.columns.series_key))
        ),
    )


def _arrays(
    config: RunConfig, forecasts: pl.DataFrame, wrong: pl.DataFrame | None
) -> ForecastArrays:
    """Lays the forecasts out as arrays."""
    forecast = config.forecast
    keys, season = config.data.columns.series_key, season_length(forecast.frequency)
    arrays = forecast_arrays(forecasts, keys, forecast.quantile_levels, season=season)
    return replace(arrays, problems=wrong)


def _situation(
    config: RunConfig,
    forecasts: ForecastArrays,
    cutoff: datetime.date,
    origins: OriginForecasts | None,
) -> Situation:
    """Reads what is known beside the forecasts."""
    tables = read_supply_tables(config, cutoff=cutoff)
    frequency = config.forecast.frequency
    lead_times = lead_times_of(
        read_lead_times(config),
        tables.suppliers,
        cutoff=cutoff,
        frequency=frequency,
        order_moment=config.replenishment.order_moment,
    )
    return Situation(forecasts, cutoff, frequency, tables, lead_times, origins)


def _say_refused(situation: Situation) -> None:
    """Warns of rows that are of no line of the proposal."""
    for problem in unplaced_problems(situation.tables, situation.forecasts.keys.columns):
        logger.warning("%s", problem)
    for refused in situation.lead_times.refused:
        logger.warning(
            "lead_times: %s: %s, first: %s; left out",
            refused.problem,
            several(refused.count, "row"),
            "; ".join(refused.rows),
        )


def _write(
    config: RunConfig, proposals: Proposals, situation: Situation, target: ProposalFolder
) -> None:
    """Writes the files aside and renames the folder; the facts are the last file."""
    facts = ProposalFacts(
        proposal_id=target.proposal_id,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        cutoff=situation.cutoff,
        model_version=target.model_version,
        series_key=config.data.columns.series_key,
        service=config.replenishment.service.model_dump(),
        currency=_currency(config, proposals.table),
        approval=config.replenishment.approval.model_dump(),
    )
    with whole_folder(target.folder) as folder:
        proposals.table.write_parquet(folder / PROPOSALS_FILE)
        proposals.terms.write_parquet(folder / PROPOSAL_TERMS_FILE)
        proposals.table.write_csv(folder / "proposals.csv")
        _write_suppliers(config, proposals, situation.lead_times, folder)
        keys = proposals.table.select(config.data.columns.series_key)
        write_order_files(proposals, config, folder, attributes=read_attributes(config, keys))
        text = facts.model_dump_json(indent=2) + "\n"
        (folder / PROPOSAL_FACTS_FILE).write_text(text, encoding="utf-8")


def _write_suppliers(
    config: RunConfig, proposals: Proposals, lead_times: LeadTimes, folder: Path
) -> None:
    """Writes the scorecard of the suppliers, and the deliveries that stand out."""
    target = config.replenishment.service.target
    costs = costs_of_unreliability(lead_times, proposals, cycle_service_level=target)
    scorecard = supplier_scorecard(lead_times, cost_of_unreliability=costs)
    scorecard.write_csv(folder / SUPPLIER_SCORECARD_FILE)
    lead_times.outliers.deliveries.write_csv(folder / SUPPLIER_OUTLIERS_FILE)


def _currency(config: RunConfig, table: pl.DataFrame) -> str:
    """Returns the currency of all costs: as configured, or as the terms have it."""
    known = table["currency"].drop_nulls()
    return config.replenishment.currency or (str(known[0]) if known.len() else "")


def _counts(values: pl.Series) -> dict[str, int]:
    counted = values.value_counts(sort=True)
    return dict(zip(counted[values.name].to_list(), counted["count"].to_list(), strict=True))


def _problems(table: pl.DataFrame, keys: Sequence[str]) -> Iterator[str]:
    """Words why lines could not be computed, each reason once."""
    blocked = table.filter(pl.col("status").is_in(sorted(BLOCKED)))
    # A reason that names its value is the same reason for another value.
    kind = pl.col("reason").str.replace_all(r"'[^']*'|\d+", "…")
    grouped = (
        blocked.with_columns(
            kind=kind, series=pl.concat_str([pl.col(key) for key in keys], separator="/")
        )
        .group_by("kind", maintain_order=True)
        .agg(pl.len().alias("rows"), pl.col("series").head(3), pl.col("reason").first())
        .sort("rows", descending=True)
    )
    for row in grouped.iter_rows(named=True):
        first = ", ".join(row["series"])
        yield f"{several(row['rows'], 'line')} without a proposal, first {first}: {row['reason']}"


def situation_of(
    config: RunConfig,
    forecasts: pl.DataFrame,
    origins: OriginForecasts | None,
    *,
    wrong_forecasts: pl.DataFrame | None = None,
) -> Situation:
    """Reads what is known beside forecasts, and warns of rows that are of no series.

    Args:
        config: The run; paths are absolute.
        forecasts: A forecast table of one cutoff; a series may end before the others.
        origins: Forecasts at past cutoffs, to learn from; None: nothing is learnt.
        wrong_forecasts: Further series, whose forecast cannot be used: key columns and `problem`.

    Raises:
        BadInputError: A table is missing or breaks its contract.
    """
    arrays = _arrays(config, forecasts, wrong_forecasts)
    situation = _situation(config, arrays, forecasts[CUTOFF][0], origins)
    _say_refused(situation)
    return situation
