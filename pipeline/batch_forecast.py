"""`demandcast forecast`: the newest history of each series through the model in service."""

from __future__ import annotations

import datetime
import logging
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from demandcast.components.examples.latest import (
    EXAMPLE,
    LatestExamples,
    latest_ingestion,
    write_latest_examples,
)
from demandcast.components.examples.run import remove_directory, shared_folder
from demandcast.components.inference.prediction import Predictor
from demandcast.components.inference.writing import open_forecast_files
from demandcast.components.storage.tfx_files import files_of
from demandcast.pipeline.chosen_model import ChosenModel, find_in_service
from demandcast.schema.config import RunConfig
from demandcast.schema.errors import ServingError

__all__ = ["ForecastSummary", "forecast_batch", "forecast_with"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ForecastSummary:
    """What was forecast.

    Attributes:
        series: Number of series.
        series_ended: Series without a forecast: nothing was recorded of them for as long as the
            horizon, and they have no plan.
        series_silent: Series without a forecast: nothing was recorded of them in
            `sampling.max_history` periods.
        rows: Rows of the table.
        cutoff: Last period that the model saw, ISO date.
        model_version: Version of the model.
        files: Files written.
        seconds: Wall time.
    """

    series: int
    series_ended: int
    series_silent: int
    rows: int
    cutoff: str
    model_version: int | None
    files: tuple[str, ...]
    seconds: float


def forecast_batch(
    config: RunConfig, *, output: Path, cutoff: datetime.date | None, formats: Sequence[str]
) -> ForecastSummary:
    """Forecasts every series with the model in service and writes the forecast table.

    Args:
        config: The run whose model is in service.
        output: Path of the files, without ending.
        cutoff: Last period that the model may see; None: the newest in the data.
        formats: `parquet`, `csv`.

    Raises:
        ServingError: No model is in service, or it does not fit the configuration.
        ContractError: The tables break their contract, or known-future covariates are missing.
    """
    serving_directory = str(config.push.serving_directory)
    model = find_in_service(serving_directory, files_of(serving_directory))
    if model is None:
        raise ServingError(
            f"{serving_directory}: no model is in service; 'demandcast run' pushes one"
        )
    return forecast_with(model, config, output=output, cutoff=cutoff, formats=formats)


def forecast_with(
    model: ChosenModel,
    config: RunConfig,
    *,
    output: Path,
    cutoff: datetime.date | None,
    formats: Sequence[str],
) -> ForecastSummary:
    """Forecasts every series with a model and writes the forecast table.

    Args:
        model: Forecasts.
        config: The run; paths are absolute.
        output: Path of the files, without ending.
        cutoff: Last period that the model may see; None: the newest in the data.
        formats: `parquet`, `csv`.

    Raises:
        ServingError: The model does not fit the configuration.
        ContractError: The tables break their contract, or known-future covariates are missing.
    """
    start = time.monotonic()
    Predictor.check_fit(model.folder, config.series)
    ingestion = latest_ingestion(
        config.data, config.forecast, config.sampling, config.beam, cutoff=cutoff
    )
    # Workers on other machines see no folder of this one.
    folder = shared_folder(config.beam) or tempfile.mkdtemp(prefix="demandcast-forecast-")
    try:
        latest = write_latest_examples(ingestion, folder)
        _say_who_gets_none(latest, config)
        logger.info("%s series read; loading model %s", f"{latest.count:,}", model.version)
        predictor = Predictor.load(model.folder, config.series)
        rows, last = 0, ""
        with open_forecast_files(output, formats) as writer:
            for frame in predictor.forecast(latest.batches(), example_column=EXAMPLE):
                writer.write(frame)
                rows += frame.height
                last = str(frame["cutoff"][0])
    finally:
        remove_directory(folder)
    return ForecastSummary(
        series=latest.count,
        series_ended=latest.ended,
        series_silent=latest.silent,
        rows=rows,
        cutoff=last,
        model_version=model.version,
        files=tuple(str(output.with_name(f"{output.name}.{name}")) for name in formats),
        seconds=round(time.monotonic() - start, 1),
    )


def _say_who_gets_none(latest: LatestExamples, config: RunConfig) -> None:
    """Counts the series without a forecast, by the reason."""
    if latest.ended:
        logger.warning(
            "%s series have ended and get no forecast: nothing is recorded of them in %d "
            "periods, and they have no plan",
            f"{latest.ended:,}",
            config.forecast.horizon,
        )
    if latest.silent:
        logger.warning(
            "%s series get no forecast: nothing is recorded of them in %d periods "
            "(sampling.max_history)",
            f"{latest.silent:,}",
            config.sampling.max_history,
        )
