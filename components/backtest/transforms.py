"""A backtest in Beam: batches of examples in, one text of sums out."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import apache_beam as beam
import numpy as np

from demandcast.components.backtest.decoding import decode_examples
from demandcast.components.backtest.scoring import ValueCounter, score, sums_to_json
from demandcast.components.metrics.arrays import FloatArray
from demandcast.schema import series_example
from demandcast.schema.config import ForecastConfig

__all__ = ["Batch", "ForecasterFactory", "ScoreExamples", "Scoring"]

_LOG = logging.getLogger(__name__)
_SECONDS_BETWEEN_LINES = 5.0

Forecaster = Callable[[Sequence[bytes]], tuple[Any, Any]]
"""Serialized examples [B] to quantiles [B, H, Q] and mean [B, H], units per period."""
ForecasterFactory = Callable[[], Forecaster]
"""Loads a model; travels to the workers."""


class Batch(Protocol):
    """Examples at one cutoff, as the ingestion builds them.

    Attributes:
        cutoff_day: Last known period, days since 1970-01-01.
        examples: Serialized `tf.Example`s with labels. Shape [B].
    """

    cutoff_day: int
    examples: Sequence[bytes]


@dataclass(frozen=True)
class Scoring:
    """What is scored, and how.

    Attributes:
        forecast: Horizon, quantile levels, frequency.
        slices: Static columns by which is sliced, beside the demand class.
        expected: Examples at most, for the time left.
    """

    forecast: ForecastConfig
    slices: tuple[str, ...]
    expected: int

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns by which is sliced."""
        return tuple(dict.fromkeys((series_example.DEMAND_CLASS, *self.slices)))


class ScoreExamples(beam.PTransform):
    """Scores a model and the simple forecasts; gives one text for `sums_from_json`."""

    def __init__(self, scoring: Scoring, load: ForecasterFactory) -> None:
        super().__init__()
        self._scoring = scoring
        self._load = load

    def expand(self, batches: Any) -> Any:
        """Builds the steps."""
        return (
            batches
            | "Score" >> beam.ParDo(_Score(self._scoring, self._load))
            | "Add" >> beam.CombinePerKey(_add)
            | "Gather" >> beam.combiners.ToList()
            | "Write" >> beam.Map(sums_to_json)
        )


class _Score(beam.DoFn):
    """Forecasts and scores a batch; gives the sums of each slice."""

    def __init__(self, scoring: Scoring, load: ForecasterFactory) -> None:
        self._scoring = scoring
        self._load = load
        self._forecast: Forecaster | None = None
        self._counter = ValueCounter()
        self._done = 0
        self._began = self._said = 0.0

    def setup(self) -> None:
        """Loads the model."""
        self._forecast = self._load()
        self._began = self._said = time.monotonic()

    def process(self, batch: Batch) -> Iterator[tuple[tuple[int, str], FloatArray]]:
        """Scores a batch."""
        if self._forecast is None:
            raise RuntimeError("setup was not called")
        scoring, forecast = self._scoring, self._scoring.forecast
        scored = decode_examples(batch.examples, horizon=forecast.horizon, slices=scoring.columns)
        self._counter.add(scored.slices)
        quantiles, mean = self._forecast(batch.examples)
        sums = score(
            scored,
            quantiles,
            mean,
            quantile_levels=forecast.quantile_levels,
            frequency=forecast.frequency,
        )
        for name, total in sums.items():
            yield (batch.cutoff_day, name), total
        self._done += len(batch.examples)
        self._say_progress()

    def _say_progress(self) -> None:
        now = time.monotonic()
        if now - self._said < _SECONDS_BETWEEN_LINES:
            return
        self._said = now
        left = (now - self._began) * max(0, self._scoring.expected / self._done - 1)
        _LOG.info(
            "%s of at most %s examples scored, %.0f s left",
            f"{self._done:,}",
            f"{self._scoring.expected:,}",
            left,
        )


def _add(sums: Iterable[FloatArray]) -> FloatArray:
    return np.asarray(functools.reduce(np.add, sums, np.zeros(())))
