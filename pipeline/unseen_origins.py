"""What the model in service got wrong at cutoffs that it has not seen, learnt once per model."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from demandcast.components.backtest.plan import Room, dates_of, unseen_cutoffs
from demandcast.components.examples.splits import rolling_cutoffs
from demandcast.pipeline.console import Console
from demandcast.pipeline.model_choice import ChosenModel
from demandcast.pipeline.origin_forecasts import Tables, forecast_origins
from demandcast.pipeline.places import origins_folder
from demandcast.schema.config import RunConfig
from demandcast.schema.errors import BadInputError
from demandcast.schema.origin_arrays import OriginForecasts, origin_cutoffs, read_origins
from demandcast.schema.origins_table import ORIGINS_FOLDER
from demandcast.schema.periods import period_of

__all__ = ["unseen_origins"]

logger = logging.getLogger(__name__)

_WEEK = {"D": 7}
"""Periods between cutoffs, where a period is a day; otherwise 1."""


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
    tables = Tables.check(config, console)
    frequency = config.forecast.frequency
    (newest,) = rolling_cutoffs(tables.last, horizon=config.forecast.horizon, stride=1, count=1)
    earliest = tables.oldest + config.sampling.min_history - 1
    seen = None if model.seen_until is None else period_of(model.seen_until, frequency)
    room = Room(newest, earliest, _WEEK.get(frequency, 1), frequency)
    try:
        cutoffs = unseen_cutoffs(room, None, seen_until=seen)
    except BadInputError as error:
        logger.warning("nothing to calibrate by: %s", error)
        return None
    folder = origins_folder(config) / model.digest[:16]
    if _cutoffs_in(folder) != dates_of(cutoffs, frequency):
        shutil.rmtree(folder, ignore_errors=True)
        forecast_origins(config, console, model=model, cutoffs=cutoffs, folder=folder)
    return read_origins(folder / ORIGINS_FOLDER, config.series)


def _cutoffs_in(folder: Path) -> list[str]:
    """Lists the cutoffs that are there already."""
    try:
        return [cutoff.isoformat() for cutoff in origin_cutoffs(folder / ORIGINS_FOLDER)]
    except BadInputError:
        return []
