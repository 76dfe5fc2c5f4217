"""KerasTuner's oracles, with the untuned values first, two limits, and safe resuming.

An oracle proposes values and keeps what came of them in the project's folder. A
process may be killed at any point of that, so files are written aside and renamed,
and what is read back is taken by the state of each trial, not by the oracle's lists.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras_tuner
import numpy as np
import tensorflow as tf
from keras_tuner.engine import trial as trial_module
from keras_tuner.src.engine import stateful

from demandcast.components.tuning.budget import Budget
from demandcast.components.tuning.journal import Journal
from demandcast.components.tuning.results import StoppedBy
from demandcast.schema.config import TuningConfig, Value

__all__ = ["MOST_TRIALS", "OBJECTIVE", "Limits", "WrittenAside", "make_oracle"]

OBJECTIVE = "val_weighted_quantile_loss"
"""What a trial is judged by: the validation loss that early stopping watches."""

MOST_TRIALS = 999
"""Gives trials names of three digits, whatever the limit is: it may be raised later."""

_FINISHED = frozenset({"COMPLETED", "FAILED"})


class WrittenAside(stateful.Stateful):
    """Base after KerasTuner's classes: their files are never half written."""

    def save(self, fname: str) -> str:
        """Writes the state beside its file, then renames."""
        # KerasTuner writes the file itself, on any filesystem, so `write_whole` cannot.
        text: str = super().save(f"{fname}.new")
        tf.io.gfile.rename(f"{fname}.new", fname, overwrite=True)
        return text


@dataclass(frozen=True)
class Limits:
    """When a search ends.

    Attributes:
        budget: Wall time.
        max_trials: Trials at most.
    """

    budget: Budget
    max_trials: int


class _BoundedOracle:
    """Before an oracle of KerasTuner: the untuned values come first, and the search has limits.

    Attributes:
        stopped_by: What ended the search; None while it goes on.
        resumed_trials: Trials that an earlier attempt had finished.
    """

    untuned: Mapping[str, Any]
    limits: Limits
    journal: Journal
    stopped_by: StoppedBy | None = None
    resumed_trials = 0

    # Attributes of KerasTuner's Oracle.
    trials: dict[str, Any]
    end_order: list[str]
    _retry_queue: list[str]
    _run_times: dict[str, int]
    _get_trial_dir: Callable[[str], str]

    @keras_tuner.synchronized
    def create_trial(self, tuner_id: str) -> Any:
        """Proposes a trial, or says that the search is over."""
        self.stopped_by = self._reached()
        if self.stopped_by is not None:
            return trial_module.Trial(
                hyperparameters=keras_tuner.HyperParameters(),
                trial_id="none",
                status=trial_module.TrialStatus.STOPPED,
            )
        trial = super().create_trial(tuner_id)  # type: ignore[misc]
        if trial.status == trial_module.TrialStatus.STOPPED:
            self.stopped_by = "search space exhausted"
        return trial

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Chooses the values of a trial."""
        if not self.trials:
            return {"status": trial_module.TrialStatus.RUNNING, "values": dict(self.untuned)}
        response: dict[str, Any] = super().populate_space(trial_id)  # type: ignore[misc]
        return response

    def get_state(self) -> dict[str, Any]:
        """Returns what is written, the time taken so far with it."""
        state: dict[str, Any] = super().get_state()  # type: ignore[misc]
        return state | {"seconds": self.limits.budget.spent}

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes up what was written."""
        super().set_state(state)  # type: ignore[misc]
        self.limits.budget.earlier = state["seconds"]

    def reload(self) -> None:
        """Takes up an earlier attempt; what it did not finish is run again, under its name."""
        super().reload()  # type: ignore[misc]
        self.trials = dict(sorted(self.trials.items()))
        finished = [name for name in self.trials if self._is_finished(name)]
        again = [name for name in self.trials if name not in finished]
        for name in again:
            self.trials[name] = trial_module.Trial(
                hyperparameters=self.trials[name].hyperparameters, trial_id=name
            )
            self._run_times[name] = 0
        self.end_order = finished
        self._retry_queue = again[::-1]  # Taken from its end.
        self.resumed_trials = len(finished)

    def _is_finished(self, name: str) -> bool:
        """Tells whether a trial has its result, or may get more time than it had."""
        report = self.journal.read(name)
        if report is None or self.trials[name].status not in _FINISHED:
            return False
        return not (report.cut_short and self.limits.budget.left > report.seconds)

    def _reached(self) -> StoppedBy | None:
        if not self.end_order:
            return None  # One trial runs, however short the time.
        if len(self.end_order) >= self.limits.max_trials:
            return "trials"
        # Less than an epoch would tell nothing about the values.
        epochs = [trial.seconds / max(trial.epochs, 1) for trial in self.journal.all()]
        return "time" if self.limits.budget.left < min(epochs, default=0.0) else None

    def _save_trial(self, trial: Any) -> None:
        path = f"{self._get_trial_dir(trial.trial_id)}/trial.json"
        trial.save(f"{path}.new")
        tf.io.gfile.rename(f"{path}.new", path, overwrite=True)


class _RandomOracle(_BoundedOracle, keras_tuner.oracles.RandomSearchOracle, WrittenAside):
    """Independent draws."""


class _BayesianOracle(_BoundedOracle, keras_tuner.oracles.BayesianOptimizationOracle, WrittenAside):
    """A Gaussian process over the trials so far."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Chooses values that were not tried."""
        # KerasTuner forgets this state when a search is resumed.
        self._random_state = np.random.RandomState(self.seed + len(self.trials))
        with warnings.catch_warnings():
            # Few trials say little about the length scales of some dimensions.
            warnings.filterwarnings("ignore", module=r"sklearn\.gaussian_process")
            response = super().populate_space(trial_id)
        values = response.get("values")
        if self.trials and values and self._duplicate(values):
            return self._random_populate_space()
        return response


class _HyperbandOracle(_BoundedOracle, keras_tuner.oracles.HyperbandOracle, WrittenAside):
    """Short trials, the best of which get more epochs."""

    max_epochs: int

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Chooses values, and for how many epochs they are tried."""
        response = super().populate_space(trial_id)
        if not self.trials:
            response["values"] |= {"tuner/epochs": self.max_epochs}
        return response


def make_oracle(
    tuning: TuningConfig,
    space: keras_tuner.HyperParameters,
    *,
    untuned: Mapping[str, Value],
    epochs: int,
    limits: Limits,
) -> Any:
    """Makes the oracle of an algorithm.

    Args:
        tuning: Algorithm and seed.
        space: What may be chosen.
        untuned: Values of the first trial.
        epochs: Epochs of a whole trial.
        limits: When to end.
    """
    common: dict[str, Any] = {
        "objective": keras_tuner.Objective(OBJECTIVE, direction="min"),
        "hyperparameters": space,
        "seed": tuning.seed + 1,  # KerasTuner takes 0 for none.
        # A failed trial says something about its values, not about the search.
        "max_consecutive_failed_trials": MOST_TRIALS + 1,
    }
    oracle: Any
    if tuning.algorithm == "hyperband":
        oracle = _HyperbandOracle(max_epochs=epochs, hyperband_iterations=MOST_TRIALS, **common)
    elif tuning.algorithm == "bayesian":
        # KerasTuner's own start, three draws per dimension, would leave no trial to propose.
        oracle = _BayesianOracle(num_initial_points=max(4, len(space.space)), **common)
    else:
        oracle = _RandomOracle(**common)
    oracle.max_trials = MOST_TRIALS
    oracle.untuned, oracle.limits = untuned, limits
    oracle.verbose = 0
    return oracle
