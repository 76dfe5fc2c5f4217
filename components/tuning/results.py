"""`trials.json`: what a search tried, what came of it, and what the Trainer takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from demandcast.schema.artifact_names import TRIALS_FILE
from demandcast.schema.config import Value

__all__ = [
    "SearchReport",
    "StoppedBy",
    "TrialReport",
    "best_first",
    "read_search",
    "searched_names",
]

StoppedBy = Literal["time", "trials", "search space exhausted"]


class TrialReport(BaseModel):
    """What came of one choice of values.

    Attributes:
        trial: Its number as text, such as "000"; that one has the untuned values.
        status: failed, where no epoch had a finite validation loss or memory did not suffice.
        score: Best validation loss of its epochs; None if it failed.
        seconds: Wall time, seconds.
        epochs: Epochs trained, begun ones included.
        values: What was chosen, by the path of the key.
        cut_short: Whether the time of the search ended it; its score is what it came to by then.
    """

    model_config = ConfigDict(frozen=True)

    trial: str
    status: Literal["completed", "failed"]
    score: float | None
    seconds: float
    epochs: int
    values: dict[str, Value]
    cut_short: bool = False


class SearchReport(BaseModel):
    """What a search did.

    Attributes:
        objective: Name of the score.
        direction: Whether less or more of it is better.
        algorithm: How values were chosen.
        budget_seconds: Wall time that it might take, seconds.
        max_trials: Trials that it might make.
        stopped_by: What ended it.
        seconds: Wall time that it took, that of earlier attempts included, seconds.
        resumed_trials: Trials that an earlier attempt had finished.
        best: Values of the best trial; the untuned ones if none completed.
        trials: In the order in which they began.
    """

    model_config = ConfigDict(frozen=True)

    objective: str
    direction: Literal["min", "max"]
    algorithm: str
    budget_seconds: float
    max_trials: int
    stopped_by: StoppedBy
    seconds: float
    resumed_trials: int
    best: dict[str, Value]
    trials: tuple[TrialReport, ...]

    @property
    def best_first(self) -> tuple[TrialReport, ...]:
        """Trials by score, failed ones last."""
        return tuple(best_first(self.trials))


def best_first(trials: Sequence[TrialReport]) -> list[TrialReport]:
    """Sorts trials by score, failed ones last, equal ones as they began.

    >>> def trial(name, score):
    ...     status = "failed" if score is None else "completed"
    ...     return TrialReport(
    ...         trial=name, status=status, score=score, seconds=1, epochs=1, values={})
    >>> [each.trial for each in best_first([trial("000", None), trial("001", 0.3)])]
    ['001', '000']
    """
    return sorted(trials, key=lambda trial: (trial.score is None, trial.score or 0.0, trial.trial))


def read_search(folder: str | Path) -> SearchReport:
    """Reads `trials.json` from the folder of `tuner_results`.

    Raises:
        FileNotFoundError: There is none.
    """
    text = (Path(folder) / TRIALS_FILE).read_text(encoding="utf-8")
    return SearchReport.model_validate_json(text)


def searched_names(values: Mapping[str, Value]) -> dict[str, str]:
    """Gives each path a heading: its last part, unless two paths share it.

    >>> searched_names({"network.units": 8, "training.batch_size": 64})
    {'network.units': 'units', 'training.batch_size': 'batch_size'}
    """
    last = [path.rpartition(".")[2] for path in values]
    return {
        path: name if last.count(name) == 1 else path
        for path, name in zip(values, last, strict=True)
    }
