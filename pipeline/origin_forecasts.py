"""What a model would have forecast at cutoffs in the past, kept as an origins table."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demandcast.components.backtest.origin_files import OriginParts
from demandcast.components.backtest.transforms import Forecaster, KeepForecasts, Scoring
from demandcast.components.examples.ingestion import Ingestion
from demandcast.components.examples.run import (
    check_data,
    feed_examples,
    make_directory,
    remove_directory,
    shared_folder,
)
from demandcast.components.examples.tables import open_tables
from demandcast.components.inference.prediction import Predictor
from demandcast.pipeline.chosen_model import ChosenModel
from demandcast.pipeline.console import Console
from demandcast.pipeline.runners.errors import purposeful_error
from demandcast.schema.config import RunConfig, SeriesSpec
from demandcast.schema.errors import BadInputError, DemandcastError
from demandcast.schema.origins_table import ORIGINS_FOLDER, origins_schema

__all__ = [
    "LOGGER",
    "OriginFiles",
    "Tables",
    "feed_model",
    "forecast_origins",
    "load_forecaster",
    "open_origins",
]

LOGGER = "demandcast"
"""Whose lines the console follows."""


@dataclass(frozen=True)
class Tables:
    """The tables of a configuration, checked.

    Attributes:
        ingestion: Reads them.
        oldest: First period with a target.
        newest: Newest period with a target.
        series: Number of series.
    """

    ingestion: Ingestion
    oldest: int
    newest: int
    series: int

    @classmethod
    def check(cls, config: RunConfig, console: Console) -> Tables:
        """Checks the tables and finds their span.

        Raises:
            ContractError: They break their contract.
        """
        sections = (config.data, config.forecast, config.sampling, config.beam)
        with console.following(LOGGER):
            report = check_data(*sections)
        if report.newest is None or report.oldest is None:
            raise DemandcastError("the report of accepted tables has no span")
        ingestion = Ingestion(*sections, tables=open_tables(config.data))
        return cls(ingestion, report.oldest, report.newest, report.series)

    @property
    def last(self) -> int:
        """Last period that splits and backtests use: `sampling.end`, or the newest."""
        return self.ingestion.last_period(self.newest)

    def at(self, cutoffs: Sequence[int]) -> Ingestion:
        """Describes the ingestion of the examples at some cutoffs.

        Args:
            cutoffs: Last known periods.
        """
        ahead = max(cutoffs) + self.ingestion.forecast.horizon > self.newest
        return dataclasses.replace(
            self.ingestion, backtest_cutoffs=tuple(cutoffs), looks_ahead=ahead
        )


def forecast_origins(
    config: RunConfig,
    console: Console,
    *,
    model: ChosenModel,
    cutoffs: Sequence[int],
    folder: Path,
    tables: Tables | None = None,
) -> Path:
    """Forecasts at cutoffs in the past and keeps the forecasts beside what happened.

    Whether the model has seen what followed a cutoff is for the caller to ask. The horizon of a
    cutoff may end after the newest period: what is not there yet is not recorded. Nothing stays
    of an attempt that fails.

    Args:
        config: The run; paths are absolute.
        console: Shows the progress.
        model: Forecasts; from `pipeline.model_choice`.
        cutoffs: Last known periods, at least one; one at which no series has a forecast gets no
            file, so the newest period gets none.
        folder: Where the table goes, as its folder `origins`; an earlier one is replaced.
        tables: Those of the configuration, if they were checked already.

    Returns:
        The folder of the table, for `demandcast.schema.origin_arrays.read_origins`.

    Raises:
        BadInputError: No series has a forecast at one of the cutoffs.
        ContractError: The tables break their contract; known-future covariates end before a
            horizon does; a forecast breaks the contract of the table.
        ServingError: The model does not fit the configuration.
    """
    Predictor.check_fit(model.folder, config.series)
    tables = tables or Tables.check(config, console)
    scoring = Scoring(config.forecast, (), expected=tables.series * len(cutoffs))
    load = functools.partial(load_forecaster, model.folder, config.series)
    with open_origins(config, folder) as origins:
        consumer = KeepForecasts(scoring, load, parts=origins.parts)
        kept = int(feed_model(tables.at(cutoffs), consumer, console=console))
        if not kept:
            raise BadInputError(
                "nothing to forecast: no series has sampling.min_history recorded periods up to "
                "one of the cutoffs and a recorded one after it"
            )
        origins.join()
    return folder / ORIGINS_FOLDER


def load_forecaster(folder: str, series: SeriesSpec) -> Forecaster:
    """Loads a model on a worker.

    Raises:
        ServingError: It cannot be loaded.
    """
    return Predictor.load(folder, series).answer


def feed_model(ingestion: Ingestion, consumer: Any, *, console: Console) -> str:
    """Hands examples to a transform with a model and shows the progress.

    Returns:
        What the transform gave.

    Raises:
        DemandcastError: What a worker refused, in its words.
    """
    with console.following(LOGGER):
        try:
            return feed_examples(ingestion, consumer)
        except Exception as error:
            purposeful = purposeful_error(error)
            if purposeful is None or purposeful is error:
                raise
            raise purposeful from error


@dataclass(frozen=True)
class OriginFiles:
    """An origins table while it is written.

    Attributes:
        parts: Where the workers of a pass over the tables leave their parts.
        joined: Where the files of the cutoffs are gathered.
    """

    parts: OriginParts
    joined: Path

    def join(self) -> None:
        """Makes the files of the cutoffs whose parts are there; after each pass."""
        self.parts.join(self.joined)


@contextlib.contextmanager
def open_origins(config: RunConfig, folder: Path) -> Iterator[OriginFiles]:
    """Opens an origins table, which appears only if the block ends without an error.

    All is written in `.origins.part` beside it; what a killed command left there is removed.
    Workers on other machines leave their parts below Beam's --temp_location.

    Args:
        config: Names, frequency, horizon and levels; arguments of Beam.
        folder: Where the table goes, as its folder `origins`; an earlier one is replaced.

    Raises:
        BadInputError: A column of the series key has the name of a column of the table.
    """
    origins_schema(config.series)
    aside, final = folder / f".{ORIGINS_FOLDER}.part", folder / ORIGINS_FOLDER
    made = not folder.exists()
    shutil.rmtree(aside, ignore_errors=True)
    joined, local, earlier = aside / "joined", aside / "parts", aside / "earlier"
    joined.mkdir(parents=True)
    shared = shared_folder(config.beam)
    parts = shared or str(local)
    make_directory(parts)
    try:
        yield OriginFiles(OriginParts(parts, config.series), joined)
        if final.exists():
            final.rename(earlier)
        joined.rename(final)
    finally:
        if shared:
            remove_directory(shared)
        shutil.rmtree(aside, ignore_errors=True)
        if made and not any(folder.iterdir()):
            folder.rmdir()
