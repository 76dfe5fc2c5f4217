"""What the page of a run shows of training, tuning and backtests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from demandcast.components.reporting.words import Number

__all__ = [
    "BacktestPart",
    "BacktestRow",
    "TrainingPart",
    "Trial",
    "TuningPart",
]


@dataclass(frozen=True)
class TrainingPart:
    """What happened in training.

    Attributes:
        curves: Values per epoch, by name.
        best_epoch: Epoch whose weights were kept, from 1.
        validation_loss: Weighted quantile loss of those weights on the validation split.
        naive_loss: The same of the seasonal-naive forecast.
        series: Examples of the train split.
        parameters: Weights of the network.
        out_of_time: Whether the time limit ended it.
        warnings: What a reader must know.
        seconds: Time of the stage; None if it came from the cache.
    """

    curves: Mapping[str, tuple[Number, ...]]
    best_epoch: int | None
    validation_loss: Number
    naive_loss: Number
    series: int
    parameters: int
    out_of_time: bool = False
    warnings: tuple[str, ...] = ()
    seconds: Number = None


@dataclass(frozen=True)
class Trial:
    """One trial of the tuning: score, lower is better, and the values that were tried."""

    name: str
    status: str
    score: Number
    seconds: Number
    epochs: int | None
    values: Mapping[str, str]


@dataclass(frozen=True)
class TuningPart:
    """The search for hyperparameters.

    Attributes:
        objective: Name of the score.
        stopped_by: What ended the search.
        seconds: Time it took.
        best: Values that were taken.
        trials: In the order in which they were made.
        resumed: Trials taken over from an interrupted search.
    """

    objective: str
    stopped_by: str
    seconds: Number
    best: Mapping[str, str]
    trials: tuple[Trial, ...]
    resumed: int = 0


@dataclass(frozen=True)
class BacktestRow:
    """Metrics of one forecaster at one cutoff in one slice."""

    cutoff: str
    slice: str
    forecaster: str
    examples: int
    metrics: Mapping[str, Number]


@dataclass(frozen=True)
class BacktestPart:
    """A backtest of the pipeline.

    Attributes:
        name: Its identity.
        created: When it was made.
        retrain: Whether each cutoff had a model of its own.
        horizon: Periods forecast.
        cutoffs: ISO dates.
        rows: Of all cutoffs, slices and forecasters; cutoff `all` stands for all together.
        model: Version of the model that was tested, in words.
        seen: Cutoffs that this model had seen in training, so that its scores flatter it.
    """

    name: str
    created: str
    retrain: bool
    horizon: int
    cutoffs: tuple[str, ...]
    rows: tuple[BacktestRow, ...]
    model: str = ""
    seen: tuple[str, ...] = ()
