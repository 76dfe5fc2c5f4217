"""`demandcast replenish`: forecasts, stock and terms to a folder of order proposals."""

from __future__ import annotations

import datetime
import io
import logging
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from demandcast.components.examples.files import file_format, open_file
from demandcast.pipeline.console import Console
from demandcast.pipeline.folders import check_whole_folder
from demandcast.pipeline.proposal_folder import ProposalFolder, ReplenishSummary, make_proposals
from demandcast.schema.config import RunConfig
from demandcast.schema.errors import BadInputError, ServingError
from demandcast.schema.forecast_table import CUTOFF, check_forecast_table, forecast_schema
from demandcast.schema.origin_arrays import OriginForecasts

__all__ = [
    "ReplenishOptions",
    "forecasts_and_origins",
    "read_forecast_table",
    "replenish",
]

logger = logging.getLogger(__name__)


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


def forecasts_and_origins(
    config: RunConfig, console: Console, options: ReplenishOptions
) -> tuple[pl.DataFrame, OriginForecasts | None]:
    """Reads or makes forecasts, and those from which is learnt how sure they are.

    Args:
        config: The run; paths are absolute.
        console: Shows the progress.
        options: Which; the folder is not looked at.

    Raises:
        BadInputError: A table is missing or breaks its contract.
        ServingError: Forecasts are wanted and no model is in service.
    """
    forecasts, _ = _forecasts(config, console, options)
    return forecasts, _origins(config, console) if config.replenishment.calibrate else None
