"""A backtest in Beam: batches of examples in, one text of sums out, forecasts kept on the way."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import apache_beam as beam
import numpy as np
import polars as pl

from demandcast.components.backtest.decoding import decode_examples
from demandcast.components.backtest.origin_files import OriginParts
from demandcast.components.backtest.origins import origins_frame
from demandcast.components.backtest.scoring import (
    AnyFloats,
    Scored,
    ValueCounter,
    score,
    sums_to_json,
)
from demandcast.components.metrics.arrays import FloatArray
from demandcast.schema import series_example
from demandcast.schema.config import ForecastConfig

__all__ = [
    "Batch",
    "Forecaster",
    "ForecasterFactory",
    "KeepForecasts",
    "ScoreExamples",
    "Scoring",
]

_LOG = logging.getLogger(__name__)
_SECONDS_BETWEEN_LINES = 5.0

Forecaster = Callable[[Sequence[bytes]], tuple[Any, Any]]
"""Serialized examples [B] to quantiles [B, H, Q] and mean [B, H], units per period."""
ForecasterFactory = Callable[[], Forecaster]
"""Loads a model; travels to the workers."""


class Batch(Protocol):
    """Examples at one cutoff, as the ingestion builds them.

    Attributes:
        keys: Series key as text. Shape [B, key columns].
        cutoff_day: Last known period, days since 1970-01-01.
        examples: Serialized `tf.Example`s with labels. Shape [B].
    """

    keys: pl.DataFrame
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
    """Scores a model and the simple forecasts; gives one text for `sums_from_json`.

    Where parts of an origins table are wanted, the forecasts that are scored are kept there.
    """

    def __init__(
        self, scoring: Scoring, load: ForecasterFactory, *, parts: OriginParts | None = None
    ) -> None:
        super().__init__()
        self._scoring = scoring
        self._load = load
        self._parts = parts

    def expand(self, batches: Any) -> Any:
        """Builds the steps."""
        return (
            batches
            | "Score" >> beam.ParDo(_Score(self._scoring, self._load, self._parts))
            | "Add" >> beam.CombinePerKey(_add)
            | "Gather" >> beam.combiners.ToList()
            | "Write" >> beam.Map(sums_to_json)
        )


class KeepForecasts(beam.PTransform):
    """Keeps a model's forecasts as parts of an origins table, unscored; gives how many, as text."""

    def __init__(self, scoring: Scoring, load: ForecasterFactory, *, parts: OriginParts) -> None:
        super().__init__()
        self._scoring = scoring
        self._load = load
        self._parts = parts

    def expand(self, batches: Any) -> Any:
        """Builds the steps."""
        return (
            batches
            | "Keep" >> beam.ParDo(_Keep(self._scoring, self._load, self._parts))
            | "Count" >> beam.CombineGlobally(sum)
            | "Write" >> beam.Map(str)
        )


class _Forecast(beam.DoFn):
    """Forecasts batches, keeps the forecasts where that is wanted, and says how far it is."""

    def __init__(
        self, scoring: Scoring, load: ForecasterFactory, parts: OriginParts | None
    ) -> None:
        self._scoring = scoring
        self._load = load
        self._parts = parts
        self._forecast: Forecaster | None = None
        self._done = 0
        self._began = self._said = 0.0

    def setup(self) -> None:
        """Loads the model."""
        self._forecast = self._load()
        self._began = self._said = time.monotonic()

    def decode(self, batch: Batch) -> Scored:
        """Reads what is compared."""
        scoring = self._scoring
        return decode_examples(
            batch.examples, horizon=scoring.forecast.horizon, slices=scoring.columns
        )

    def forecast(self, batch: Batch, scored: Scored) -> tuple[AnyFloats, AnyFloats]:
        """Forecasts a batch; gives quantiles [B, H, Q] and mean [B, H]."""
        if self._forecast is None:
            raise RuntimeError("setup was not called")
        quantiles, mean = self._forecast(batch.examples)
        if self._parts is not None:
            frame = origins_frame(
                batch.keys,
                batch.cutoff_day,
                scored=scored,
                quantiles=quantiles,
                mean=mean,
                series=self._parts.series,
            )
            self._parts.write(frame)
        return quantiles, mean

    def count(self, batch: Batch, verb: str) -> None:
        """Counts a batch that is done."""
        self._done += len(batch.examples)
        now = time.monotonic()
        if now - self._said < _SECONDS_BETWEEN_LINES:
            return
        self._said = now
        left = (now - self._began) * max(0, self._scoring.expected / self._done - 1)
        _LOG.info(
            "%s of at most %s examples %s, %.0f s left",
            f"{self._done:,}",
            f"{self._scoring.expected:,}",
            verb,
            left,
        )


class _Keep(_Forecast):
    """Forecasts a batch and keeps it; gives how many examples that were."""

    def process(self, batch: Batch) -> Iterator[int]:
        """Keeps a batch."""
        self.forecast(batch, self.decode(batch))
        self.count(batch, "forecast")
        yield len(batch.examples)


class _Score(_Forecast):
    """Forecasts and scores a batch; gives the sums of each slice."""

    def __init__(
        self, scoring: Scoring, load: ForecasterFactory, parts: OriginParts | None
    ) -> None:
        super().__init__(scoring, load, parts)
        self._counter = ValueCounter()

    def process(self, batch: Batch) -> Iterator[tuple[tuple[int, str], FloatArray]]:
        """Scores a batch."""
        forecast = self._scoring.forecast
        scored = self.decode(batch)
        self._counter.add(scored.slices)
        quantiles, mean = self.forecast(batch, scored)
        sums = score(
            scored,
            quantiles,
            mean,
            quantile_levels=forecast.quantile_levels,
            frequency=forecast.frequency,
        )
        for name, total in sums.items():
            yield (batch.cutoff_day, name), total
        self.count(batch, "scored")


def _add(sums: Iterable[FloatArray]) -> FloatArray:
    return np.asarray(functools.reduce(np.add, sums, np.zeros(())))
