"""`demandcast replenish`: forecasts, stock and terms to a folder of order proposals."""

from __future__ import annotations

import datetime
import io
import logging
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from demandcast.components.examples.files import file_format, open_file
from demandcast.components.replenishment.forecast_arrays import ForecastArrays, forecast_arrays
from demandcast.components.replenishment.lines import unplaced_problems
from demandcast.components.replenishment.proposing import Proposals, Situation, propose
from demandcast.components.replenishment.supplier_lead_times import lead_times_of
from demandcast.pipeline.console import Console
from demandcast.pipeline.order_files import write_order_files
from demandcast.pipeline.places import orders_folder
from demandcast.pipeline.supply_files import (
    read_attributes,
    read_lead_times,
    read_supply_tables,
)
from demandcast.schema.artifact_names import (
    PROPOSAL_FACTS_FILE,
    PROPOSAL_TERMS_FILE,
    PROPOSALS_FILE,
)
from demandcast.schema.config import RunConfig
from demandcast.schema.errors import BadInputError, ServingError
from demandcast.schema.forecast_table import CUTOFF, check_forecast_table, forecast_schema
from demandcast.schema.origin_arrays import OriginForecasts
from demandcast.schema.proposal_facts import ProposalFacts
from demandcast.schema.proposal_table import BLOCKED

__all__ = [
    "ProposalFolder",
    "ReplenishOptions",
    "ReplenishSummary",
    "make_proposals",
    "read_forecast_table",
    "replenish",
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


@dataclass(frozen=True)
class ReplenishOptions:
    """What is wanted.

    Attributes:
        forecasts: A forecast table; None: forecast anew.
        cutoff: Last known period; None: the newest in the data.
        output: Folder of the proposal; None: a new one below the workspace.
    """

    forecasts: Path | None = None
    cutoff: datetime.date | None = None
    output: Path | None = None


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
        proposal_id = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S-%f")[:-3]
        return cls(proposal_id, output or orders_folder(config) / proposal_id)


def replenish(config: RunConfig, console: Console, options: ReplenishOptions) -> ReplenishSummary:
    """Forecasts, learns how sure forecasts are, and proposes orders.

    Args:
        config: The run; paths are absolute.
        console: Shows the progress.
        options: What is wanted.

    Raises:
        BadInputError: A table is missing or breaks its contract, or the folder cannot be written.
        ServingError: Forecasts are wanted and no model is in service.
    """
    target = ProposalFolder.new(config, output=options.output)
    _made_aside(target.folder).rmdir()  # Before any work, to say so early.
    forecasts, version = _forecasts(config, console, options)
    origins = _origins(config, console) if config.replenishment.calibrate else None
    return make_proposals(
        config, forecasts, origins=origins, target=replace(target, model_version=version)
    )


def _forecasts(
    config: RunConfig, console: Console, options: ReplenishOptions
) -> tuple[pl.DataFrame, int | None]:
    """Reads the forecast table, or makes one; and the version of the model if that is known."""
    if options.forecasts is not None:
        table = read_forecast_table(options.forecasts, config)
        if options.cutoff is not None:
            table = table.filter(pl.col(CUTOFF) == options.cutoff)
            if not table.height:
                raise BadInputError(f"{options.forecasts}: no forecast from {options.cutoff}")
        return table, None
    console.say("loading TensorFlow")
    from demandcast.pipeline.batch_forecast import forecast_batch

    with tempfile.TemporaryDirectory(prefix="demandcast-replenish-") as folder:
        output = Path(folder) / "forecasts"
        made = forecast_batch(config, output=output, cutoff=options.cutoff, formats=["parquet"])
        return pl.read_parquet(made.files[0]), made.model_version


def _origins(config: RunConfig, console: Console) -> OriginForecasts | None:
    """Forecasts at cutoffs that the model in service has not seen; None without any."""
    from demandcast.pipeline.model_choice import model_in_service

    try:
        model = model_in_service(config)
    except ServingError as error:  # Forecasts may come from elsewhere.
        logger.warning("forecasts are taken at their word: %s", error)
        return None
    from demandcast.pipeline.unseen_origins import unseen_origins  # Imports TensorFlow.

    return unseen_origins(config, console, model)


def read_forecast_table(file: Path, config: RunConfig) -> pl.DataFrame:
    """Reads a forecast table that `demandcast forecast` wrote.

    Raises:
        BadInputError: It cannot be read.
        ContractError: It is not as the configuration says.
    """
    kind = file_format(str(file), table="forecasts")
    try:
        with open_file(str(file)) as stream:
            content = io.BytesIO(stream.read())
        if kind == "csv":
            table = pl.read_csv(content, schema_overrides=forecast_schema(config.series))
        else:
            table = pl.read_parquet(content)
    except (OSError, pl.exceptions.PolarsError) as error:
        first = str(error).splitlines()[0]
        raise BadInputError(f"{file}: no forecast table that can be read: {first}") from error
    check_forecast_table(table, config.series)
    return table


def make_proposals(
    config: RunConfig,
    forecasts: pl.DataFrame,
    *,
    origins: OriginForecasts | None,
    target: ProposalFolder,
) -> ReplenishSummary:
    """Proposes orders and writes them into their folder, whole or not at all.

    Args:
        config: The run; paths are absolute.
        forecasts: A forecast table of one cutoff.
        origins: Forecasts at past cutoffs, to learn from; None: nothing is learnt.
        target: Where the proposal goes.

    Raises:
        BadInputError: A table is missing or breaks its contract.
    """
    begin = time.monotonic()
    arrays = forecast_arrays(forecasts, config.data.columns.series_key, _levels(config))
    cutoff: datetime.date = forecasts[CUTOFF][0]
    situation = _situation(config, arrays, cutoff, origins)
    _say_refused(situation)
    proposals = propose(situation, config.replenishment)
    _write(config, proposals, cutoff, target)
    table = proposals.table
    ordered = table.filter(pl.col("order_quantity") > 0)
    return ReplenishSummary(
        proposal_id=target.proposal_id,
        folder=str(target.folder),
        cutoff=cutoff.isoformat(),
        lines=table.height,
        orders=ordered.height,
        order_value=round(float(ordered["order_value"].sum()), 2),
        waiting=int(ordered["needs_approval"].sum()),
        statuses=_counts(table["status"]),
        risk_classes=_counts(table["risk_class"].drop_nulls()),
        problems=tuple(_problems(table, config.data.columns.series_key)),
        seconds=round(time.monotonic() - begin, 1),
    )


def _levels(config: RunConfig) -> Sequence[float]:
    return config.forecast.quantile_levels


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
        logger.warning("%s; counted from 0, left out", problem)
    for refused in situation.lead_times.refused:
        logger.warning(
            "lead_times: %s: %s rows, first: %s",
            refused.problem,
            f"{refused.count:,}",
            "; ".join(refused.rows),
        )


def _write(
    config: RunConfig, proposals: Proposals, cutoff: datetime.date, target: ProposalFolder
) -> None:
    """Writes the files aside and renames the folder; the facts are the last file."""
    facts = ProposalFacts(
        proposal_id=target.proposal_id,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        cutoff=cutoff,
        model_version=target.model_version,
        series_key=config.data.columns.series_key,
        service=config.replenishment.service.model_dump(),
        currency=_currency(config, proposals.table),
        approval=config.replenishment.approval.model_dump(),
    )
    with _whole_folder(target.folder) as folder:
        proposals.table.write_parquet(folder / PROPOSALS_FILE)
        proposals.terms.write_parquet(folder / PROPOSAL_TERMS_FILE)
        proposals.table.write_csv(folder / "proposals.csv")
        keys = proposals.table.select(config.data.columns.series_key)
        write_order_files(proposals, config, folder, attributes=read_attributes(config, keys))
        text = facts.model_dump_json(indent=2) + "\n"
        (folder / PROPOSAL_FACTS_FILE).write_text(text, encoding="utf-8")


def _currency(config: RunConfig, table: pl.DataFrame) -> str:
    """Returns the currency of all costs: as configured, or as the terms have it."""
    known = table["currency"].drop_nulls()
    return config.replenishment.currency or (str(known[0]) if known.len() else "")


@contextmanager
def _whole_folder(folder: Path) -> Iterator[Path]:
    """Gives a folder aside that takes its place at the end, or goes.

    Raises:
        BadInputError: There is such a folder already, or it cannot be made or written.
    """
    aside = _made_aside(folder)
    try:
        yield aside
        aside.chmod(0o755)
        if folder.exists():
            folder.rmdir()
        aside.rename(folder)
    except OSError as error:
        raise BadInputError(f"{folder}: cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _made_aside(folder: Path) -> Path:
    """Makes an empty folder beside the one that is to be.

    Raises:
        BadInputError: There is such a folder already, or it cannot be made.
    """
    try:
        if folder.exists() and any(folder.iterdir()):
            raise BadInputError(f"{folder}: is there already; a proposal is never written over")
        folder.parent.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise BadInputError(
            f"{folder}: cannot be made: {error.strerror or error}; name a place that this user "
            "may write"
        ) from error


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
        yield f"{row['rows']:,} lines without a proposal, first {first}: {row['reason']}"
