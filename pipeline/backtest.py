"""`demandcast backtest`: one model, or one trained anew at each cutoff, over rolling cutoffs."""

from __future__ import annotations

import contextlib
import datetime
import functools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from demandcast.components.backtest.plan import Room, dates_of, newest_cutoffs, unseen_cutoffs
from demandcast.components.backtest.result import (
    Backtest,
    BacktestModel,
    make_rows,
    write_backtest,
)
from demandcast.components.backtest.scoring import SlicedSumsByCutoff, sums_from_json
from demandcast.components.backtest.transforms import ScoreExamples, Scoring
from demandcast.components.examples.splits import plan_splits, rolling_cutoffs
from demandcast.components.inference.prediction import Predictor
from demandcast.pipeline.console import Console, duration_text
from demandcast.pipeline.model_choice import (
    ChosenModel,
    model_in_service,
    model_of_run,
    model_of_version,
)
from demandcast.pipeline.origin_forecasts import (
    OriginFiles,
    Tables,
    feed_model,
    load_forecaster,
    open_origins,
)
from demandcast.pipeline.places import backtests_folder, retrained_folder
from demandcast.pipeline.training_run import RunOptions, new_run_id, run
from demandcast.schema.config import RunConfig
from demandcast.schema.errors import BadInputError, DemandcastError
from demandcast.schema.origins_table import ORIGINS_FOLDER
from demandcast.schema.periods import period_of

__all__ = ["BacktestOptions", "backtest", "config_at"]


@dataclass(frozen=True)
class BacktestOptions:
    """What is wanted.

    Attributes:
        count: Cutoffs; None: as many as `components.backtest.plan` says.
        stride: Periods between cutoffs; None: `sampling.eval_stride`, or one horizon.
        slices: Static columns by which is sliced, beside the demand class.
        version: Version to score; None: the model in service, unless `run_id` is given.
        run_id: Run whose model to score.
        retrain: Train a model for each cutoff instead.
        allow_seen: Score cutoffs that the model has seen in training too.
        forecasts: Keep the forecasts beside the report, as an origins table.
        recorded: Periods recorded after the last cutoff, at least; None: one horizon.
        output: Folder of the files; None: a new one below the workspace.
    """

    count: int | None = None
    stride: int | None = None
    slices: tuple[str, ...] = ()
    version: int | None = None
    run_id: str | None = None
    retrain: bool = False
    allow_seen: bool = False
    forecasts: bool = False
    recorded: int | None = None
    output: Path | None = None


def backtest(
    config: RunConfig, console: Console, options: BacktestOptions
) -> tuple[Backtest, Path]:
    """Scores a model, or models, over rolling cutoffs, and writes what it found.

    Args:
        config: The run; paths are absolute.
        console: Shows the progress.
        options: What is wanted.

    Returns:
        What was found, and the folder where it lies.

    Raises:
        BadInputError: The cutoffs do not fit, or the model has seen them in training; there is
            no such model; the tables break their contract.
        ServingError: No model is in service, or it does not fit the configuration.
    """
    begin = time.monotonic()
    backtest_id = new_run_id(datetime.datetime.now(datetime.UTC))
    folder = options.output or backtests_folder(config) / backtest_id
    model = None if options.retrain else _chosen_model(config, options)
    with _kept_forecasts(config, folder, options) as origins:
        work = _Work(config, console, options.slices, Tables.check(config, console), origins)
        cutoffs = _choose_cutoffs(work, options, model)
        sums, models = _score(work, cutoffs, model)
    found = Backtest(
        backtest_id=backtest_id,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        pipeline=config.name,
        model=None if model is None else _described(model),
        retrain=options.retrain,
        models=models,
        cutoffs=tuple(work.dates(cutoffs)),
        seen_cutoffs=() if model is None else tuple(work.dates(work.seen(model, cutoffs))),
        horizon=config.forecast.horizon,
        frequency=config.forecast.frequency,
        seconds=round(time.monotonic() - begin, 1),
        rows=make_rows(sums),
        origins=ORIGINS_FOLDER if options.forecasts else None,
    )
    write_backtest(found, folder)
    return found, folder


def config_at(config: RunConfig, cutoff: int) -> RunConfig:
    """Describes the run that ends with a model for one cutoff, as if it were today.

    Its eval split is at the cutoff, so training and validation end there. It lies in a folder of
    its own, `<workspace>/<name>/backtests/retrained/<cutoff>`, which all backtests share: what
    is there already comes from the cache.

    Args:
        config: The run; paths are absolute.
        cutoff: Last period that the model may see.
    """
    frequency = config.forecast.frequency
    today, end = dates_of([cutoff, cutoff + config.forecast.horizon], frequency)
    sampling = config.sampling.model_copy(
        update={"end": datetime.date.fromisoformat(end), "eval_cutoffs": 1, "eval_stride": None}
    )
    return config.model_copy(
        update={
            "name": today,
            "workspace": str(retrained_folder(config)),
            "sampling": sampling,
        }
    )


@dataclass(frozen=True)
class _Work:
    """What every step of a backtest needs.

    Attributes:
        config: The run.
        console: Shows the progress.
        slices: Static columns by which is sliced.
        tables: The tables, checked.
        origins: Where the forecasts are kept; None: they are not.
    """

    config: RunConfig
    console: Console
    slices: tuple[str, ...]
    tables: Tables
    origins: OriginFiles | None

    def dates(self, periods: Sequence[int]) -> list[str]:
        """Returns the dates on which periods start, as text."""
        return dates_of(periods, self.config.forecast.frequency)

    def seen(self, model: ChosenModel, cutoffs: Sequence[int]) -> list[int]:
        """Returns the cutoffs after which the model has seen something, or may have."""
        until = _period(model.seen_until, self.config)
        return [cutoff for cutoff in cutoffs if until is None or cutoff < until]

    def score(self, model: ChosenModel, cutoffs: Sequence[int]) -> SlicedSumsByCutoff:
        """Scores a model at some cutoffs, and keeps its forecasts, in one pass over the tables."""
        expected = self.tables.series * len(cutoffs)
        consumer = ScoreExamples(
            Scoring(self.config.forecast, self.slices, expected),
            functools.partial(load_forecaster, model.folder, self.config.series),
            parts=None if self.origins is None else self.origins.parts,
        )
        text = feed_model(self.tables.at(cutoffs), consumer, console=self.console)
        if self.origins is not None:
            self.origins.join()
        return sums_from_json(text)


def _kept_forecasts(
    config: RunConfig, folder: Path, options: BacktestOptions
) -> contextlib.AbstractContextManager[OriginFiles | None]:
    """Opens the origins table, if it is wanted."""
    return open_origins(config, folder) if options.forecasts else contextlib.nullcontext()


def _choose_cutoffs(
    work: _Work, options: BacktestOptions, model: ChosenModel | None
) -> tuple[int, ...]:
    """Returns the cutoffs, oldest first."""
    config = work.config
    horizon, tables = config.forecast.horizon, work.tables
    recorded = options.recorded or horizon
    if recorded > horizon:
        raise BadInputError(
            f"--recorded: got {recorded}; at most the horizon of {horizon} periods can be"
        )
    (newest,) = rolling_cutoffs(tables.last, horizon=recorded, stride=1, count=1)
    earliest = tables.oldest + config.sampling.min_history - 1
    if model is None:  # Training and validation lie before the cutoff.
        train, *_ = plan_splits(tables.last, config.forecast, config_at(config, newest).sampling)
        earliest += newest - train.cutoffs[0]
    stride = options.stride or config.sampling.eval_stride or horizon
    room = Room(newest, earliest, stride, config.forecast.frequency)
    if model is None or options.allow_seen:
        return newest_cutoffs(room, options.count)
    return unseen_cutoffs(room, options.count, seen_until=_period(model.seen_until, config))


def _score(
    work: _Work, cutoffs: Sequence[int], model: ChosenModel | None
) -> tuple[SlicedSumsByCutoff, Mapping[str, BacktestModel]]:
    """Scores the model, or one trained for each cutoff; gives those with the sums."""
    if model is None:
        sums, models = _score_retrained(work, cutoffs)
    else:
        sums, models = work.score(model, cutoffs), {}
    if not any(sums.values()):
        raise BadInputError(
            "nothing to score: no series has sampling.min_history recorded periods up to one of "
            f"the cutoffs ({', '.join(work.dates(cutoffs))}) and a recorded one after it"
        )
    return sums, models


def _score_retrained(
    work: _Work, cutoffs: Sequence[int]
) -> tuple[SlicedSumsByCutoff, Mapping[str, BacktestModel]]:
    """Trains and scores a model for each cutoff."""
    begin = time.monotonic()
    sums: SlicedSumsByCutoff = {}
    models: dict[str, BacktestModel] = {}
    for position, (cutoff, date) in enumerate(zip(cutoffs, work.dates(cutoffs), strict=True), 1):
        work.console.heading(f"cutoff {position} of {len(cutoffs)}: {date}")
        config = config_at(work.config, cutoff)
        report = run(config, work.console, RunOptions(until="training"))
        model = model_of_run(config, report.run_id)
        if work.seen(model, [cutoff]):
            raise DemandcastError(
                f"the model for cutoff {date} says that it has seen the data until "
                f"{model.seen_until}: training did not end at its cutoff"
            )
        models[date] = _described(model)
        sums |= work.score(model, [cutoff])
        left = (time.monotonic() - begin) * (len(cutoffs) - position) / position
        if left:
            work.console.say(
                f"cutoff {position} of {len(cutoffs)} done, {duration_text(left)} left"
            )
    return sums, models


def _chosen_model(config: RunConfig, options: BacktestOptions) -> ChosenModel:
    """Finds the model to score, and refuses one for another configuration."""
    if options.run_id is not None:
        model = model_of_run(config, options.run_id)
    elif options.version is not None:
        model = model_of_version(config, options.version)
    else:
        model = model_in_service(config)
    Predictor.check_fit(model.folder, config.series)
    return model


def _described(model: ChosenModel) -> BacktestModel:
    return BacktestModel(
        version=model.version,
        digest=model.digest,
        run_id=model.run_id,
        seen_until=None if model.seen_until is None else model.seen_until.isoformat(),
    )


def _period(date: datetime.date | None, config: RunConfig) -> int | None:
    return None if date is None else period_of(date, config.forecast.frequency)
