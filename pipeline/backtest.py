"""`demandcast backtest`: one model, or one trained anew at each cutoff, over rolling cutoffs."""

from __future__ import annotations

import datetime
import functools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from demandcast.components.backtest.plan import Room, dates_of, newest_cutoffs, unseen_cutoffs
from demandcast.components.backtest.result import (
    Backtest,
    BacktestModel,
    make_rows,
    write_backtest,
)
from demandcast.components.backtest.scoring import SlicedSumsByCutoff, sums_from_json
from demandcast.components.backtest.transforms import Forecaster, ScoreExamples, Scoring
from demandcast.components.examples.ingestion import Ingestion
from demandcast.components.examples.run import check_data, feed_examples
from demandcast.components.examples.splits import plan_splits, rolling_cutoffs
from demandcast.components.examples.tables import open_tables
from demandcast.components.inference.prediction import Predictor
from demandcast.pipeline.console import Console, duration_text
from demandcast.pipeline.model_choice import (
    ChosenModel,
    model_in_service,
    model_of_run,
    model_of_version,
)
from demandcast.pipeline.places import backtests_folder, retrained_folder
from demandcast.pipeline.runners.errors import purposeful_error
from demandcast.pipeline.training_run import RunOptions, new_run_id, run
from demandcast.schema.config import RunConfig, SeriesSpec
from demandcast.schema.errors import BadInputError, DemandcastError
from demandcast.schema.periods import period_of

__all__ = ["BacktestOptions", "backtest", "config_at"]

_LOGGER = "demandcast"


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
        output: Folder of the files; None: a new one below the workspace.
    """

    count: int | None = None
    stride: int | None = None
    slices: tuple[str, ...] = ()
    version: int | None = None
    run_id: str | None = None
    retrain: bool = False
    allow_seen: bool = False
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
    model = None if options.retrain else _chosen_model(config, options)
    work = _Work.prepare(config, console, options.slices)
    cutoffs = _choose_cutoffs(work, options, model)
    if model is None:
        sums, models = _score_retrained(work, cutoffs)
    else:
        sums, models = work.score(model, cutoffs), {}
    if not any(sums.values()):
        raise BadInputError(
            "nothing to score: no series has sampling.min_history recorded periods up to one of "
            f"the cutoffs ({', '.join(work.dates(cutoffs))}) and a recorded one after it"
        )
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
    )
    folder = options.output or backtests_folder(config) / backtest_id
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
        ingestion: Reads the tables.
        oldest: First period with a target.
        last: Last period that may be scored.
        series: Number of series.
    """

    config: RunConfig
    console: Console
    slices: tuple[str, ...]
    ingestion: Ingestion
    oldest: int
    last: int
    series: int

    @classmethod
    def prepare(cls, config: RunConfig, console: Console, slices: tuple[str, ...]) -> _Work:
        """Checks the tables and finds their span."""
        sections = (config.data, config.forecast, config.sampling, config.beam)
        with console.following(_LOGGER):
            report = check_data(*sections)
        if report.newest is None or report.oldest is None:
            raise DemandcastError("the report of accepted tables has no span")
        ingestion = Ingestion(*sections, tables=open_tables(config.data))
        last = ingestion.last_period(report.newest)
        return cls(config, console, slices, ingestion, report.oldest, last, report.series)

    def dates(self, periods: Sequence[int]) -> list[str]:
        """Returns the dates on which periods start, as text."""
        return dates_of(periods, self.config.forecast.frequency)

    def seen(self, model: ChosenModel, cutoffs: Sequence[int]) -> list[int]:
        """Returns the cutoffs after which the model has seen something, or may have."""
        until = _period(model.seen_until, self.config)
        return [cutoff for cutoff in cutoffs if until is None or cutoff < until]

    def score(self, model: ChosenModel, cutoffs: Sequence[int]) -> SlicedSumsByCutoff:
        """Scores a model at some cutoffs in one pass over the tables."""
        scoring = Scoring(self.config.forecast, self.slices, expected=self.series * len(cutoffs))
        load = functools.partial(_load, model.folder, self.config.series)
        ingestion = replace(self.ingestion, backtest_cutoffs=tuple(cutoffs))
        with self.console.following(_LOGGER):
            try:
                return sums_from_json(feed_examples(ingestion, ScoreExamples(scoring, load)))
            except Exception as error:
                purposeful = purposeful_error(error)
                if purposeful is None or purposeful is error:
                    raise
                raise purposeful from error


def _load(folder: str, series: SeriesSpec) -> Forecaster:
    """Loads a model on a worker."""
    return Predictor.load(folder, series).answer


def _choose_cutoffs(
    work: _Work, options: BacktestOptions, model: ChosenModel | None
) -> tuple[int, ...]:
    """Returns the cutoffs, oldest first."""
    config = work.config
    horizon = config.forecast.horizon
    (newest,) = rolling_cutoffs(work.last, horizon=horizon, stride=1, count=1)
    earliest = work.oldest + config.sampling.min_history - 1
    if model is None:  # Training and validation lie before the cutoff.
        train, *_ = plan_splits(work.last, config.forecast, config_at(config, newest).sampling)
        earliest += newest - train.cutoffs[0]
    stride = options.stride or config.sampling.eval_stride or horizon
    room = Room(newest, earliest, stride, config.forecast.frequency)
    if model is None or options.allow_seen:
        return newest_cutoffs(room, options.count)
    return unseen_cutoffs(room, options.count, seen_until=_period(model.seen_until, config))


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
