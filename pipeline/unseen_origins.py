"""What the model in service got wrong at cutoffs that it has not seen, learnt once per model."""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass
from pathlib import Path

from demandcast.components.backtest.plan import Room, dates_of, unseen_cutoffs
from demandcast.components.examples.splits import rolling_cutoffs
from demandcast.pipeline.chosen_model import ChosenModel
from demandcast.pipeline.console import Console
from demandcast.pipeline.origin_forecasts import Tables, forecast_origins
from demandcast.pipeline.places import origins_folder
from demandcast.schema.config import RunConfig
from demandcast.schema.errors import BadInputError
from demandcast.schema.origin_arrays import OriginForecasts, origin_cutoffs, read_origins
from demandcast.schema.origins_table import ORIGINS_FOLDER
from demandcast.schema.periods import period_of

__all__ = ["Unseen", "unseen_origins"]

logger = logging.getLogger(__name__)

_WEEK = {"D": 7}
"""Periods between cutoffs, where a period is a day; otherwise 1."""


@dataclass(frozen=True)
class Unseen:
    """Cutoffs after which a model has seen nothing in training.

    Attributes:
        cutoffs: Last known periods, oldest first; none where there is no such cutoff.
        tables: The tables in which they lie, checked.
    """

    cutoffs: tuple[int, ...]
    tables: Tables

    @classmethod
    def look(cls, config: RunConfig, console: Console, model: ChosenModel) -> Unseen:
        """Finds them; says why where there are none.

        Raises:
            ContractError: The tables break their contract.
        """
        tables = Tables.check(config, console)
        frequency = config.forecast.frequency
        (newest,) = rolling_cutoffs(tables.last, horizon=config.forecast.horizon, stride=1, count=1)
        earliest = tables.oldest + config.sampling.min_history - 1
        seen = None if model.seen_until is None else period_of(model.seen_until, frequency)
        room = Room(newest, earliest, _WEEK.get(frequency, 1), frequency)
        try:
            return cls(unseen_cutoffs(room, None, seen_until=seen), tables)
        except BadInputError as error:
            logger.warning("nothing to calibrate by: %s", error)
            return cls((), tables)

    def forecast(
        self, config: RunConfig, console: Console, *, model: ChosenModel, folder: Path
    ) -> Path | None:
        """Forecasts at the cutoffs into an origins table.

        Args:
            config: The run; paths are absolute.
            console: Shows the progress.
            model: The model that has not seen them.
            folder: Where the table goes, as its folder `origins`; an earlier one is replaced.

        Returns:
            The folder of the table; None where there is no cutoff.

        Raises:
            BadInputError: No series has a forecast at one of the cutoffs.
            ServingError: The model does not fit the configuration.
        """
        if not self.cutoffs:
            return None
        return forecast_origins(
            config, console, model=model, cutoffs=self.cutoffs, folder=folder, tables=self.tables
        )


def unseen_origins(
    config: RunConfig, console: Console, model: ChosenModel
) -> OriginForecasts | None:
    """Forecasts at the cutoffs that a model has not seen; kept for the next time.

    Returns:
        The forecasts; None, with a line that says why, where there is no such cutoff.

    Raises:
        ContractError: The tables break their contract.
        ServingError: The model does not fit the configuration.
    """
    unseen = Unseen.look(config, console, model)
    if not unseen.cutoffs:
        return None
    folder = origins_folder(config) / model.digest[:16]
    if _cutoffs_in(folder) != dates_of(unseen.cutoffs, config.forecast.frequency):
        shutil.rmtree(folder, ignore_errors=True)
        unseen.forecast(config, console, model=model, folder=folder)
    return read_origins(folder / ORIGINS_FOLDER, config.series)


def _cutoffs_in(folder: Path) -> list[str]:
    """Lists the cutoffs that are there already."""
    try:
        return [cutoff.isoformat() for cutoff in origin_cutoffs(folder / ORIGINS_FOLDER)]
    except BadInputError:
        return []
