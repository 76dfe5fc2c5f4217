"""A few forecasts to look at, chosen by how good they are. No TensorFlow.

The Evaluator leaves them as `forecast_examples.json` beside the verdict; the report of the run
draws them. They come from a bounded sample of the eval split, so that a large chain costs no
more than a small one; the file says how large the sample was.
"""

from __future__ import annotations

import heapq
import math
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from demandcast.components.metrics.arrays import BoolArray, FloatArray, masked_mean, ratio
from demandcast.components.metrics.point import errors, scored_demand, scored_periods
from demandcast.components.metrics.quantile import mean_pinball
from demandcast.schema.config.base import Section
from demandcast.schema.config.series import SeriesSpec
from demandcast.schema.periods import date_of, days_of, periods_of
from demandcast.schema.series_example import FULLY_IN_STOCK

__all__ = [
    "Example",
    "ExampleForecast",
    "ExampleForecasts",
    "LevelCoverage",
    "SeriesScore",
    "choose_examples",
    "sample_records",
]

_LISTED = 10
_LONGEST_TAIL = 120
_DIGITS = 5
_SHOWN = 2

Place = Literal["good", "median", "worst", "heaviest"]

# Where in the list of scores, best first, an example is taken: shares of the way to the worst.
_PLACES: tuple[tuple[Place, float], ...] = (
    ("good", 0.05),
    ("good", 0.15),
    ("median", 0.45),
    ("median", 0.55),
)


@dataclass(frozen=True)
class Example:
    """One eval example, read from its record.

    Attributes:
        series: Series key, column by column.
        cutoff: Last period that the model saw, days since 1970-01-01.
        demand_class: From the history.
        target: Units per period. Shape [T].
        observed_mask: 1 where the period was recorded. Shape [T].
        in_stock_fraction: Share of the period in stock. Shape [T].
        future_target: Units per period. Shape [H].
        future_observed_mask: Shape [H].
        future_in_stock_fraction: Shape [H].
    """

    series: Mapping[str, str]
    cutoff: int
    demand_class: str
    target: FloatArray
    observed_mask: FloatArray
    in_stock_fraction: FloatArray
    future_target: FloatArray
    future_observed_mask: FloatArray
    future_in_stock_fraction: FloatArray


class LevelCoverage(Section):
    """How often demand came out below the quantile of a level.

    Attributes:
        level: Of the quantile.
        below: Share of the periods that count with demand below it.
        at_or_below: The same with demand equal to it; true quantiles have the level in between.
    """

    level: float
    below: float
    at_or_below: float


class SeriesScore(Section):
    """How well one series was forecast at one cutoff.

    Attributes:
        series: Series key, column by column.
        cutoff: Last period that the model saw, ISO date.
        demand_class: From the history.
        score: Twice the mean pinball loss per period, as a share of the mean sale of the history.
        mean_sale: Of the periods of the history that count, units per period.
        loss_share: Its share of the loss of all that were scored, in units.
        bias: Mean forecast - actual over the periods that count, units per period.
    """

    series: dict[str, str]
    cutoff: str
    demand_class: str
    score: float
    mean_sale: float
    loss_share: float
    bias: float


class ExampleForecast(Section):
    """One forecast beside what happened.

    Attributes:
        place: Where its score stands among those of the sample.
        score: How good it is.
        past_timestamps: Tail of the history, ISO dates.
        past: Units per period; None where not recorded.
        past_in_stock: Share of the period in stock.
        timestamps: Of the horizon, ISO dates.
        actual: Units per period; None where not recorded.
        in_stock: Share of the period in stock.
        quantiles: Units per period. Shape [H, Q].
    """

    place: Place
    score: SeriesScore
    past_timestamps: tuple[str, ...]
    past: tuple[float | None, ...]
    past_in_stock: tuple[float, ...]
    timestamps: tuple[str, ...]
    actual: tuple[float | None, ...]
    in_stock: tuple[float, ...]
    quantiles: tuple[tuple[float, ...], ...]


class ExampleForecasts(Section):
    """What `forecast_examples.json` holds.

    Attributes:
        sampled: Eval examples that were looked at.
        scored: Those of them with a sale in the history and a period that counts.
        periods: Periods that count, of all that were looked at.
        quantile_levels: Levels of the forecasts.
        levels: Coverage of each level over those periods.
        worst: Those with the largest scores, worst first: mostly series that sell little.
        heaviest: Those with the largest shares of the loss, largest first: what costs most.
        examples: Good, median, worst and heaviest forecasts.
    """

    sampled: int
    scored: int
    periods: int
    quantile_levels: tuple[float, ...]
    levels: tuple[LevelCoverage, ...] = ()
    worst: tuple[SeriesScore, ...] = ()
    heaviest: tuple[SeriesScore, ...] = ()
    examples: tuple[ExampleForecast, ...] = ()


def sample_records(shards: Iterable[Iterable[bytes]], size: int) -> list[bytes]:
    """Takes a sample of records that depends on nothing but the records.

    Whole shards are read until `size` records have been seen; which series is in which shard is
    the hash of its key. Of those read, the records with the smallest checksums are kept.

    Args:
        shards: Files of records, in order.
        size: Records to keep; the memory is bounded by them.

    >>> sample_records([[b"a", b"b"], [b"c"]], 2), sample_records([[b"a"], [b"a"]], 2)
    ([b'b', b'a'], [b'a', b'a'])
    """
    kept: list[tuple[int, int, bytes]] = []  # A heap with the largest checksum first.
    seen = 0
    for shard in shards:
        if seen >= size:
            break
        for record in shard:
            entry = (-zlib.crc32(record), seen, record)
            seen += 1
            if len(kept) < size:
                heapq.heappush(kept, entry)
            else:
                heapq.heappushpop(kept, entry)
    return [record for _, _, record in sorted(kept, reverse=True)]


def choose_examples(
    examples: Sequence[Example],
    quantiles: npt.NDArray[Any],
    mean: npt.NDArray[Any],
    spec: SeriesSpec,
) -> ExampleForecasts:
    """Scores forecasts and takes good, median and worst ones.

    Formula: score = 2 mean_h mean_q L_q(y_h, f_hq) / mean sale of the history, over the periods
    that count. Unlike a share of the demand of the horizon it stays finite where nothing sold.

    Args:
        examples: The sample, B of them.
        quantiles: Units per period. Shape [B, H, Q].
        mean: Units per period. Shape [B, H].
        spec: Names, frequency and levels.
    """
    levels = spec.forecast.quantile_levels
    if not examples:
        return ExampleForecasts(sampled=0, scored=0, periods=0, quantile_levels=levels)
    actual = np.stack([example.future_target for example in examples])
    mask = scored_periods(
        np.stack([example.future_observed_mask for example in examples]),
        np.stack([example.future_in_stock_fraction for example in examples]),
    )
    demand, scored = scored_demand(actual, mask)
    values = np.asarray(quantiles, dtype=np.float64)
    losses = 2 * mean_pinball(demand, values, levels, scored)
    scores = _scores(
        examples,
        loss_per_period=masked_mean(losses, scored),
        loss=losses.sum(axis=1),
        bias=masked_mean(errors(demand, mean, scored), scored),
        spec=spec,
    )
    best_first = sorted(scores, key=lambda row: scores[row].score)
    heaviest_first = sorted(scores, key=lambda row: -scores[row].loss_share)
    return ExampleForecasts(
        sampled=len(examples),
        scored=len(scores),
        periods=int(scored.sum()),
        quantile_levels=levels,
        levels=tuple(_coverage(demand, values, levels, scored)),
        worst=tuple(scores[row] for row in best_first[::-1][:_LISTED]),
        heaviest=tuple(scores[row] for row in heaviest_first[:_LISTED]),
        examples=tuple(
            _drawn(place, scores[row], examples[row], values[row], spec)
            for place, row in _chosen(best_first, heaviest_first)
        ),
    )


def _scores(
    examples: Sequence[Example],
    *,
    loss_per_period: FloatArray,
    loss: FloatArray,
    bias: FloatArray,
    spec: SeriesSpec,
) -> dict[int, SeriesScore]:
    """Describes the examples that have a score, by row."""
    sale = np.array([_mean_sale(example) for example in examples])
    score = ratio(loss_per_period, sale)
    share = ratio(loss, loss[np.isfinite(score)].sum())
    return {
        row: SeriesScore(
            series={name: example.series[name] for name in spec.series_key},
            cutoff=date_of(example.cutoff).isoformat(),
            demand_class=example.demand_class,
            score=_rounded(score[row]),
            mean_sale=_rounded(sale[row]),
            loss_share=_rounded(share[row]) if math.isfinite(share[row]) else 0.0,
            bias=_rounded(bias[row]),
        )
        for row, example in enumerate(examples)
        if math.isfinite(score[row])
    }


def _mean_sale(example: Example) -> float:
    """Averages the periods of the history that count; NaN without one."""
    counts = (example.observed_mask > 0) & (example.in_stock_fraction >= FULLY_IN_STOCK)
    return float(example.target[counts].mean()) if counts.any() else math.nan


def _coverage(
    demand: FloatArray, quantiles: FloatArray, levels: Sequence[float], scored: BoolArray
) -> Iterator[LevelCoverage]:
    """Counts demand below each quantile; nothing if no period counts."""
    if not scored.any():
        return
    for position, level in enumerate(levels):
        forecast, happened = quantiles[..., position][scored], demand[scored]
        yield LevelCoverage(
            level=level,
            below=_rounded(float(np.mean(happened < forecast))),
            at_or_below=_rounded(float(np.mean(happened <= forecast))),
        )


def _chosen(
    best_first: Sequence[int], heaviest_first: Sequence[int]
) -> Iterator[tuple[Place, int]]:
    """Takes rows of both orders; each once, the worst before all others."""
    worst = list(best_first[::-1][:_SHOWN])
    heaviest = [row for row in heaviest_first if row not in worst][:_SHOWN]
    rest = [row for row in best_first if row not in (*worst, *heaviest)]
    taken: set[int] = set()
    for place, share in _PLACES:
        row = rest[round(share * (len(rest) - 1))] if rest else None
        if row is not None and row not in taken:
            taken.add(row)
            yield place, row
    for row in heaviest:
        yield "heaviest", row
    for row in worst:
        yield "worst", row


def _drawn(
    place: Place, score: SeriesScore, example: Example, quantiles: FloatArray, spec: SeriesSpec
) -> ExampleForecast:
    """Lays out one forecast with the tail of its history."""
    forecast = spec.forecast
    tail = min(
        len(example.target), _LONGEST_TAIL, max(forecast.context_length, 2 * forecast.horizon)
    )
    last = int(periods_of(np.array([example.cutoff]), forecast.frequency)[0])
    past = days_of(np.arange(last - tail + 1, last + 1), forecast.frequency)
    future = days_of(np.arange(last + 1, last + 1 + forecast.horizon), forecast.frequency)
    history = slice(len(example.target) - tail, None)
    return ExampleForecast(
        place=place,
        score=score,
        past_timestamps=tuple(date_of(day).isoformat() for day in past),
        past=_recorded(example.target[history], example.observed_mask[history]),
        past_in_stock=tuple(_rounded(value) for value in example.in_stock_fraction[history]),
        timestamps=tuple(date_of(day).isoformat() for day in future),
        actual=_recorded(example.future_target, example.future_observed_mask),
        in_stock=tuple(_rounded(value) for value in example.future_in_stock_fraction),
        quantiles=tuple(tuple(_rounded(value) for value in step) for step in quantiles),
    )


def _recorded(values: FloatArray, observed_mask: FloatArray) -> tuple[float | None, ...]:
    return tuple(
        _rounded(value) if observed > 0 and math.isfinite(value) else None
        for value, observed in zip(values, observed_mask, strict=True)
    )


def _rounded(value: float) -> float:
    """Keeps a few digits: the file is drawn, not computed with.

    >>> _rounded(1234.5678), _rounded(0.0123456789)
    (1234.6, 0.012346)
    """
    return float(f"{value:.{_DIGITS}g}")
