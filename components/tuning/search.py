"""The search: each trial is a training as the Trainer would do it, within what time is left."""

from __future__ import annotations

import contextlib
import itertools
import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import keras_tuner
import tensorflow as tf
from keras_tuner.engine import base_tuner

from demandcast.components.forecasting.report import TrainingReport
from demandcast.components.forecasting.training import train as train_network
from demandcast.components.tuning.budget import Budget
from demandcast.components.tuning.journal import Journal
from demandcast.components.tuning.oracle import (
    OBJECTIVE,
    Limits,
    WrittenAside,
    make_oracle,
)
from demandcast.components.tuning.results import SearchReport, TrialReport, best_first
from demandcast.components.tuning.space import search_space, untuned_values
from demandcast.schema.config import (
    NetworkConfig,
    TrainingConfig,
    TuningConfig,
    Value,
    with_values,
)
from demandcast.schema.model_settings import values_text

__all__ = ["Search", "TrialTuner", "open_search"]

logger = logging.getLogger(__name__)

_SECONDS_BETWEEN_LINES = 20.0


@dataclass(frozen=True)
class Search:
    """What is searched, and how.

    Attributes:
        tuning: Limits, algorithm, candidates.
        network: As configured; its values are the first trial.
        training: The same.
    """

    tuning: TuningConfig
    network: NetworkConfig
    training: TrainingConfig

    @property
    def epochs(self) -> int:
        """Epochs of a whole trial."""
        return self.tuning.epochs or self.training.epochs

    @property
    def untuned(self) -> dict[str, Value]:
        """Configured values of what is searched."""
        return untuned_values(self.tuning.space, self.network, self.training)

    def settings(
        self, values: dict[str, Value], *, epochs: int, seconds: float
    ) -> tuple[NetworkConfig, TrainingConfig]:
        """Returns what a trial trains with.

        Args:
            values: Chosen values by the paths of their keys.
            epochs: Epochs of this trial.
            seconds: Time left, seconds.
        """
        minutes = max(seconds, 1e-3) / 60
        changes: dict[str, Any] = {
            "epochs": epochs,
            "max_minutes": min(minutes, self.training.max_minutes or minutes),
        }
        if self.tuning.windows_per_series is not None:
            changes["windows_per_series"] = self.tuning.windows_per_series
        return with_values(self.network, self.training.model_copy(update=changes), values)


class _UnreadableSearchError(Exception):
    """What is kept of a search cannot be read."""


class TrialTuner(base_tuner.BaseTuner, WrittenAside):
    """KerasTuner's loop over trials, around a training of ours."""

    def __init__(
        self,
        search: Search,
        train: Callable[[NetworkConfig, TrainingConfig], TrainingReport],
        *,
        budget: Budget,
        folder: str,
    ) -> None:
        """Begins a search, or takes up the one that the folder holds.

        Args:
            search: What is searched.
            train: Trains with the settings of a trial.
            budget: Its wall time, already running.
            folder: Where it is kept.

        Raises:
            _UnreadableSearchError: The folder holds one that cannot be read.
        """
        self._search = search
        self._train = train
        self._budget = budget
        self._journal = Journal(folder)
        oracle = make_oracle(
            search.tuning,
            search_space(search.tuning.space, search.network, search.training),
            untuned=search.untuned,
            epochs=search.epochs,
            limits=Limits(budget, search.tuning.max_trials),
        )
        oracle.journal = self._journal
        parent, _, name = folder.rpartition("/")
        super().__init__(oracle, directory=parent, project_name=name)

    def reload(self) -> None:
        """Takes up the search that the folder holds; called by KerasTuner.

        Raises:
            _UnreadableSearchError: It cannot be read.
        """
        try:
            super().reload()
        except (ValueError, TypeError, KeyError, RuntimeError, tf.errors.NotFoundError) as error:
            raise _UnreadableSearchError(error) from error

    def on_search_begin(self) -> None:
        """Says how the search starts."""
        done, tuning = self.oracle.resumed_trials, self._search.tuning
        logger.info(
            "%s search, %s: at most %d trials, %.0f s left",
            tuning.algorithm,
            f"{done} trials were done before" if done else "first with the values as they are",
            tuning.max_trials,
            self._budget.left,
        )

    def run_trial(self, trial: Any) -> float:
        """Trains with the values of a trial; called by KerasTuner.

        Raises:
            keras_tuner.errors.FailedTrialError: No finite loss, or too little memory.
            keras_tuner.errors.FatalError: Anything else: it is not the values' fault.
        """
        chosen = trial.hyperparameters.values
        values = _without_bookkeeping(chosen)
        spent, left = self._budget.spent, self._budget.left
        network, training = self._search.settings(
            values, epochs=chosen.get("tuner/epochs", self._search.epochs), seconds=left
        )
        result = None
        try:
            with _fewer_lines():
                result = self._train(network, training)
        except tf.errors.ResourceExhaustedError as error:
            logger.info("trial %s: too little memory: %s", trial.trial_id, error.message)
        except Exception as error:
            raise keras_tuner.errors.FatalError(f"trial {trial.trial_id}: {error}") from error
        report = _report(trial, result, seconds=self._budget.spent - spent)
        if report.cut_short and left > 60 * (self._search.training.max_minutes or math.inf):
            # Not our limit: the Trainer will stop there too.
            report = report.model_copy(update={"cut_short": False})
        self._journal.write(report)
        if report.score is None:
            raise keras_tuner.errors.FailedTrialError(f"trial {trial.trial_id} has no finite loss")
        return report.score

    def on_trial_end(self, trial: Any) -> None:
        """Keeps what came of a trial, and says it."""
        super().on_trial_end(trial)
        report, reports = self._journal.read(trial.trial_id), self._journal.all()
        if report is None:
            return
        best = best_first(reports)[0]
        logger.info(
            "trial %d of %d: %s%s after %d epochs, %.0f s (%s); best %s of trial %d; %.0f s left",
            int(report.trial) + 1,
            self._search.tuning.max_trials,
            "failed" if report.score is None else f"{report.score:.4f}",
            ", cut short" if report.cut_short else "",
            report.epochs,
            report.seconds,
            values_text(report.values),
            "-" if best.score is None else f"{best.score:.4f}",
            int(best.trial) + 1,
            max(self._budget.left, 0.0),
        )

    def get_best_hyperparameters(self, num_trials: int = 1) -> list[Any]:
        """Returns the best values; the untuned ones if no trial completed."""
        found = []
        for trial in self.oracle.get_best_trials(num_trials):
            hyperparameters = trial.hyperparameters.copy()
            hyperparameters.values = _without_bookkeeping(hyperparameters.values)
            found.append(hyperparameters)
        if all(report.score is None for report in self._journal.all()):
            logger.warning("no trial has a finite loss: the Trainer takes the values as they are")
            found[0].values = self._search.untuned
        return found

    def summary(self) -> SearchReport:
        """Reports what the search did."""
        tuning = self._search.tuning
        return SearchReport(
            objective=OBJECTIVE,
            direction="min",
            algorithm=tuning.algorithm,
            budget_seconds=tuning.max_seconds,
            max_trials=tuning.max_trials,
            stopped_by=self.oracle.stopped_by or "trials",
            seconds=self._budget.spent,
            resumed_trials=self.oracle.resumed_trials,
            best=self.get_best_hyperparameters()[0].values,
            trials=self._journal.all(),
        )


def open_search(
    search: Search,
    train: Callable[[NetworkConfig, TrainingConfig], TrainingReport],
    *,
    budget: Budget,
    folder: str,
) -> TrialTuner:
    """Takes up the search that a folder holds, or begins a new one; arguments as for `TrialTuner`.

    A search that cannot be read, as after a disk error, is put aside: `<folder>.damaged-1`.
    """
    try:
        return TrialTuner(search, train, budget=budget, folder=folder)
    except _UnreadableSearchError as error:
        aside = _free_name(f"{folder}.damaged")
        tf.io.gfile.rename(folder, aside)
        logger.warning(
            "the search kept in %s cannot be read and begins anew, the old one is in %s: %s",
            folder,
            aside,
            error,
        )
        budget.earlier = 0.0
        return TrialTuner(search, train, budget=budget, folder=folder)


def _free_name(path: str) -> str:
    """Numbers a path so that nothing is there."""
    names = (f"{path}-{number}" for number in itertools.count(1))
    return next(name for name in names if not tf.io.gfile.exists(name))


def _report(trial: Any, result: TrainingReport | None, *, seconds: float) -> TrialReport:
    score = None if result is None else result.validation_loss
    return TrialReport(
        trial=trial.trial_id,
        status="failed" if score is None else "completed",
        score=score,
        seconds=seconds,
        epochs=0 if result is None else len(result.curves["loss"]),
        values=_without_bookkeeping(trial.hyperparameters.values),
        cut_short=result is not None and result.out_of_time,
    )


def _without_bookkeeping(values: dict[str, Any]) -> dict[str, Value]:
    """Leaves out what Hyperband keeps among the values."""
    return {path: value for path, value in values.items() if not path.startswith("tuner/")}


class _Sometimes(logging.Filter):
    """Lets a line through if the last one is long ago: trials are many, their epochs more."""

    def __init__(self) -> None:
        super().__init__()
        self._said = time.monotonic()

    def filter(self, record: logging.LogRecord) -> bool:
        """Decides on a line; called by logging."""
        del record
        if time.monotonic() - self._said < _SECONDS_BETWEEN_LINES:
            return False
        self._said = time.monotonic()
        return True


@contextlib.contextmanager
def _fewer_lines() -> Iterator[None]:
    """Thins out what the training of a trial says."""
    training_logger, sometimes = logging.getLogger(train_network.__module__), _Sometimes()
    training_logger.addFilter(sometimes)
    try:
        yield
    finally:
        training_logger.removeFilter(sometimes)
