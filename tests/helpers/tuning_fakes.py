"""Searches over a training that takes no time: its loss is a formula, its clock a number."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from demandcast.components.forecasting.report import TrainingReport
from demandcast.schema.config import NetworkConfig, TrainingConfig, TuningConfig

__all__ = ["FakeTraining", "Killed", "make_tuner", "tuning"]

SPACE = {
    "network": {"units": [8, 16, 32, 64], "dropout": {"low": 0.0, "high": 0.4}},
    "training": {"learning_rate": {"low": 1e-4, "high": 1e-1, "scale": "log"}},
}


class Killed(BaseException):
    """What a kill looks like from inside: nothing catches it, nothing is cleaned up."""


def tuning(**changes: Any) -> TuningConfig:
    """A small search."""
    return TuningConfig.model_validate({"space": SPACE, "max_trials": 6, "seed": 3} | changes)


def bowl(network: NetworkConfig, training: TrainingConfig) -> float:
    """Least, 0.1, at 32 units, no dropout and a learning rate of 0.01."""
    rate = math.log10(training.learning_rate) + 2
    return 0.1 + 0.01 * abs(network.units - 32) + network.dropout**2 + 0.05 * rate**2


@dataclass
class FakeTraining:
    """Stands for a training; time passes only in here.

    Attributes:
        loss: Of the settings.
        seconds_per_epoch: Time of an epoch, seconds.
        kill_at: Number of the training that is killed, from 0.
        now: Its clock, seconds.
        calls: Settings of the trainings so far.
    """

    loss: Callable[[NetworkConfig, TrainingConfig], float | None] = bowl
    seconds_per_epoch: float = 1.0
    kill_at: int | None = None
    now: float = 0.0
    calls: list[tuple[NetworkConfig, TrainingConfig]] = field(default_factory=list)

    def clock(self) -> float:
        """The time."""
        return self.now

    def __call__(self, network: NetworkConfig, training: TrainingConfig) -> TrainingReport:
        """Takes a second per epoch, or what time there is; an epoch that was begun counts."""
        self.calls.append((network, training))
        if self.kill_at == len(self.calls) - 1:
            raise Killed
        limit = 60 * (training.max_minutes or math.inf)
        epochs = min(training.epochs, max(1, math.ceil(limit / self.seconds_per_epoch - 1e-6)))
        self.now += min(limit, epochs * self.seconds_per_epoch)
        loss = self.loss(network, training)
        return TrainingReport.from_history(
            {
                "loss": [1.0] * epochs,
                "val_weighted_quantile_loss": [math.nan if loss is None else loss] * epochs,
            },
            series=1,
            parameters=1,
            naive_loss=1.0,
            out_of_time=limit < training.epochs * self.seconds_per_epoch,
        )


def make_tuner(
    folder: Path, training: FakeTraining, config: TuningConfig, *, epochs: int = 4
) -> Any:
    """A search over a fake training, in a folder that may hold an earlier attempt."""
    from demandcast.components.tuning.budget import Budget
    from demandcast.components.tuning.search import Search, open_search

    return open_search(
        Search(config, NetworkConfig(), TrainingConfig(epochs=epochs)),
        training,
        budget=Budget(config.max_seconds, clock=training.clock),
        folder=str(folder),
    )


def scores(tuner: Any) -> Sequence[float | None]:
    """Scores of all trials in the order of their names."""
    return [trial.score for trial in tuner.summary().trials]
