"""`demandcast replenish`: forecasts, stock and terms to a folder of order proposals."""

from __future__ import annotations

import datetime
import logging
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from demandcast.components.replenishment.supply_columns import PLACE
from demandcast.pipeline.console import Console
from demandcast.pipeline.folders import check_whole_folder
from demandcast.pipeline.proposal_folder import ProposalFolder, ReplenishSummary, make_proposals
from demandcast.pipeline.supply_files import read_table_file
from demandcast.schema.config import RunConfig
from demandcast.schema.errors import BadInputError, ContractError, ServingError
from demandcast.schema.forecast_table import CUTOFF, check_forecast_columns, forecast_schema
from demandcast.schema.origin_arrays import OriginForecasts
from demandcast.schema.usable_forecasts import UNREADABLE, usable_forecasts

__all__ = [
    "KnownForecasts",
    "ReplenishOptions",
    "known_forecasts",
    "read_forecast_table",
    "replenish",
]

logger = logging.getLogger(__name__)

_CUTOFFS_SHOWN = 3


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
class KnownForecasts:
    """Forecasts of one cutoff, and what is known of them.

    Attributes:
        table: A forecast table.
        wrong: Further series, whose forecast cannot be used: key columns and `problem`.
        origins: Forecasts at past cutoffs, to learn from; None: nothing is learnt.
        model_version: Version of the model; None where the table was given.
    """

    table: pl.DataFrame
    wrong: pl.DataFrame | None = None
    origins: OriginForecasts | None = None
    model_version: int | None = None


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
    check_whole_folder(target.folder)  # Before any work, to say so early.
    known = known_forecasts(config, console, options)
    return make_proposals(
        config,
        known.table,
        origins=known.origins,
        target=replace(target, model_version=known.model_version),
        wrong_forecasts=known.wrong,
    )


def known_forecasts(
    config: RunConfig, console: Console, options: ReplenishOptions
) -> KnownForecasts:
    """Reads or makes forecasts, and those from which is learnt how sure they are.

    Args:
        config: The run; paths are absolute.
        console: Shows the progress.
        options: Which; the folder is not looked at.

    Raises:
        BadInputError: A table is missing or breaks its contract.
        ServingError: Forecasts are wanted and no model is in service.
    """
    if options.forecasts is not None:
        table, wrong = _given_forecasts(options.forecasts, config, cutoff=options.cutoff)
        known = KnownForecasts(table, wrong=wrong)
    else:
        table, version = _forecasts(config, console, options)
        known = KnownForecasts(table, model_version=version)
    if not config.replenishment.calibrate:
        return known
    return replace(known, origins=_origins(config, console))


def _given_forecasts(
    file: Path, config: RunConfig, *, cutoff: datetime.date | None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Reads a forecast table: rows that can be used, and the series that cannot, with `problem`."""
    table = read_forecast_table(file, config)
    if cutoff is not None:
        table = table.filter(pl.col(CUTOFF) == cutoff)
        if not table.height:
            raise BadInputError(f"{file}: no forecast from {cutoff}")
    cutoffs = table[CUTOFF].drop_nulls().unique().sort()
    if len(cutoffs) != 1:
        shown = ", ".join(str(day) for day in cutoffs.head(_CUTOFFS_SHOWN))
        there = f"{len(cutoffs)} cutoffs ({shown}); --cutoff picks one" if shown else "no forecast"
        raise BadInputError(f"{file}: {there}")
    try:
        usable = usable_forecasts(table, config.series)
    except ContractError as error:
        raise ContractError(f"{file}: {error}") from error
    if usable.nameless:
        rows = f"{usable.nameless:,} row{'' if usable.nameless == 1 else 's'}"
        logger.warning("%s: %s without a series or a cutoff; left out", file, rows)
    problem = pl.format("forecasts '{}': {}", pl.lit(file.name), "problem")
    return usable.table, usable.problems.with_columns(problem=problem)


def _forecasts(
    config: RunConfig, console: Console, options: ReplenishOptions
) -> tuple[pl.DataFrame, int | None]:
    """Forecasts anew; returns the table, and the version of the model."""
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
    """Reads a forecast table that `demandcast forecast` wrote, or somebody else.

    Returns:
        The table, with the columns of the contract; rows are as they are. Of a value that cannot be
        read there is none, and `UNREADABLE` says which.

    Raises:
        BadInputError: It cannot be read.
        ContractError: Its columns are not as the configuration says.
    """
    schema = forecast_schema(config.series)
    table = read_table_file(str(file), table="forecasts", schema=schema).drop(PLACE)
    if table.schema != schema and pl.String in table.dtypes:
        table = _typed(table, schema)
    try:
        check_forecast_columns(table.drop(UNREADABLE, strict=False), config.series)
    except ContractError as error:
        raise ContractError(f"{file}: {error}") from error
    return table


def _typed(table: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """Reads the values of columns of text; says of each row which first cannot be read."""
    typed, unreadable = [], []
    for name, kind in schema.items():
        if table.schema.get(name) != pl.String:
            continue
        text = pl.col(name).str.strip_chars() if kind != pl.String else pl.col(name)
        value = text.str.to_date("%Y-%m-%d", strict=False) if kind == pl.Date else text
        typed.append(value.cast(kind, strict=False).alias(name))
        wrong = value.cast(kind, strict=False).is_null() & (text.str.len_chars() > 0)
        unreadable.append(pl.when(wrong).then(pl.format(f"{name}: got '{{}}'", name)))
    if not typed:
        return table
    found = table.with_columns(*typed, pl.coalesce(unreadable).alias(UNREADABLE))
    return found.drop(UNREADABLE) if found[UNREADABLE].null_count() == found.height else found
