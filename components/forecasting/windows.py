"""The window function: one series and a cutoff in, what the network sees out.

Training maps it over random cutoffs, evaluation and the serving signatures over
the last one; there is no second way to make network inputs. Nothing after the
cutoff is read but known-future covariates and lags of at least one horizon.
Letters of shapes: B windows, C context, H horizon, T history of a series.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from demandcast.components.forecasting import calendar
from demandcast.components.forecasting.reference import (
    growth_since,
    recent_level,
    seasonal_profile,
)
from demandcast.schema import series_example, transformed_example
from demandcast.schema.config import FeaturesConfig, SeriesSpec
from demandcast.schema.series_example import FULLY_IN_STOCK
from demandcast.schema.transformed_example import TransformedSpec

__all__ = ["Windows", "gather_periods"]

Tensors = dict[str, Any]

_FUTURE_OF = {
    series_example.TARGET: series_example.FUTURE_TARGET,
    series_example.OBSERVED_MASK: series_example.FUTURE_OBSERVED_MASK,
    series_example.IN_STOCK_FRACTION: series_example.FUTURE_IN_STOCK_FRACTION,
}

_PRIOR_EXPOSURE = 0.1
"""Periods that the typical level of the training data counts as, in a window's scale."""


@dataclass(frozen=True)
class Windows:
    """Cuts windows out of transformed examples.

    Attributes:
        series: Shapes: C, H and the frequency.
        features: Calendar, holidays and bounds.
    """

    series: SeriesSpec
    features: FeaturesConfig

    @property
    def spec(self) -> TransformedSpec:
        """Names of the transformed features."""
        return TransformedSpec.from_config(self.series, self.features)

    def at_end(self, examples: Tensors) -> Tensors:
        """Cuts one window per example at its own cutoff. Shapes as for `cut`."""
        last = examples[series_example.TARGET].row_lengths() - 1
        return self.cut(examples, cutoffs=last)

    def cut(self, examples: Tensors, *, cutoffs: tf.Tensor) -> Tensors:
        """Cuts one window per example.

        Args:
            examples: Transformed examples, by name; histories ragged [B, T].
            cutoffs: Position in the history of the last period that may be seen.
                Int64, shape [B].

        Returns:
            `encoder` [B, C, *], `decoder` [B, H, *], `reference` [B, H, *], `encoder_index`
            [B, C, *], `decoder_index` [B, H, *], `static_index` [B, *] and `scale` [B], units
            per period. `reference` holds simple forecasts relative to the scale, -1 where there
            is none.
        """
        context, horizon = self.series.forecast.context_length, self.series.forecast.horizon
        positions = cutoffs[:, None] + tf.range(1 - context, horizon + 1, dtype=tf.int64)[None]
        window = _Window(examples, positions, context)
        scale = self._scale(window)
        dates = self._dates(examples, window)
        return {
            "encoder": self._encoder(window, scale, dates),
            "decoder": self._decoder(window, scale, dates),
            "reference": self._reference(window, scale),
            "encoder_index": _stack_index(
                [window.past(name) for name in self.spec.known_index + self.spec.past_index],
                like=window.past_positions,
            ),
            "decoder_index": _stack_index(
                [window.future(name) for name in self.spec.known_index],
                like=window.future_positions,
            ),
            "static_index": tf.stack([examples[name] for name in self.spec.static_index], axis=1),
            "scale": scale,
        }

    def join(self, examples: Tensors) -> Tensors:
        """Appends the labels to the history, so that windows can be cut at earlier cutoffs.

        Features of shape [B, T + H] stay as they are; those of [B, T] end where they ended,
        so that `cut` may be asked for cutoffs up to T - 1 only.
        """
        joined = dict(examples)
        for past, future in _FUTURE_OF.items():
            labels = tf.RaggedTensor.from_tensor(examples[future])
            joined[past] = tf.concat([examples[past], labels], axis=1)
        days = self.series.forecast.horizon * self._days_per_period
        joined[series_example.CUTOFF] = examples[series_example.CUTOFF] + days
        return joined

    def labels(self, joined: Tensors, *, cutoffs: tf.Tensor) -> Tensors:
        """Reads what happened after each cutoff.

        Args:
            joined: Result of `join`.
            cutoffs: As for `cut`. Shape [B].

        Returns:
            `units` [B, H], and `weight` [B, H]: 1 where the period was recorded and the item was
            in stock throughout, else 0. A censored period says only that demand was not less.
        """
        horizon = self.series.forecast.horizon
        positions = cutoffs[:, None] + tf.range(1, horizon + 1, dtype=tf.int64)[None]
        observed = gather_periods(joined[series_example.OBSERVED_MASK], positions)
        stock = gather_periods(joined[series_example.IN_STOCK_FRACTION], positions)
        return {
            "units": gather_periods(joined[series_example.TARGET], positions),
            "weight": observed * tf.cast(stock >= FULLY_IN_STOCK, tf.float32),
        }

    @property
    def _days_per_period(self) -> int:
        return 1 if self.series.forecast.frequency == "D" else 7

    def _scale(self, window: _Window) -> tf.Tensor:
        """Mean units per fully exposed period of the context, positive for any history."""
        units, exposure = window.units_and_exposure()
        level = window.examples[transformed_example.TARGET_LEVEL]
        return (tf.reduce_sum(units, 1) + _PRIOR_EXPOSURE * level) / (
            tf.reduce_sum(exposure, 1) + _PRIOR_EXPOSURE
        )

    def _dates(self, examples: Tensors, window: _Window) -> list[tf.Tensor]:
        """Features of [B, C + H] that follow from dates and holiday flags."""
        last = examples[series_example.TARGET].row_lengths() - 1
        distance = window.positions - last[:, None]
        days = examples[series_example.CUTOFF][:, None] + distance * self._days_per_period
        features = calendar.calendar_features(days, parts=self.features.calendar)
        if self.spec.has_holiday:
            flags = window.whole(transformed_example.HOLIDAY)
            features += [flags, *calendar.holiday_distances(flags)]
        return features

    def _encoder(self, window: _Window, scale: tf.Tensor, dates: list[tf.Tensor]) -> tf.Tensor:
        spec, context = self.spec, self.series.forecast.context_length
        observed = window.past(series_example.OBSERVED_MASK)
        stock = window.past(series_example.IN_STOCK_FRACTION) * observed
        columns = [
            self._relative(window.past(series_example.TARGET), scale),
            observed,
            stock,
            tf.cast(stock >= FULLY_IN_STOCK, tf.float32),
            *(window.past(name) for name in spec.known_numeric + spec.past_numeric),
            *(self._relative(window.past(name), scale) for name in spec.past_units),
            *self._lags(window.past, scale),
            *(feature[:, :context] * window.inside for feature in dates),
        ]
        return tf.stack(columns, axis=2)

    def _decoder(self, window: _Window, scale: tf.Tensor, dates: list[tf.Tensor]) -> tf.Tensor:
        context, horizon = self.series.forecast.context_length, self.series.forecast.horizon
        step = tf.range(1, horizon + 1, dtype=tf.float32) / horizon
        level = tf.stack(self._level_at_cutoff(window, scale), axis=1)
        columns = [
            *(window.future(name) for name in self.spec.known_numeric),
            *self._lags(window.future, scale),
            *(feature[:, context:] for feature in dates),
            self._relative(self._profile(window, scale), scale),
            tf.broadcast_to(step[None], tf.shape(window.future_positions)),
        ]
        repeated = tf.repeat(level[:, None, :], horizon, axis=1)
        return tf.concat([tf.stack(columns, axis=2), repeated], axis=2)

    def _lags(self, read: Any, scale: tf.Tensor) -> list[tf.Tensor]:
        names = self.spec.known_units
        return [self._relative(read(name), scale) for name in names] + [
            read(TransformedSpec.mask_of(name)) for name in names
        ]

    def _level_at_cutoff(self, window: _Window, scale: tf.Tensor) -> list[tf.Tensor]:
        """Where the series stands: features of shape [B]."""
        units, exposure = window.units_and_exposure()
        season = self._short_season
        recent = [
            recent_level(units, exposure, scale=scale, width=width)
            for width in (max(season // 2, 1), season, 2 * season)
        ]
        # In the served graph the level is a constant, and float32 division by a constant is
        # rewritten: in float64 the last bit of the result stays that of training.
        level = tf.cast(window.examples[transformed_example.TARGET_LEVEL], tf.float64)
        return [
            *(tf.math.log(mean / scale) for mean in recent),
            *(tf.math.log(self._growth(window, name, scale)) for name in self.spec.known_units),
            *(self._relative(window.past(name)[:, -1], scale) for name in self.spec.past_units),
            tf.cast(tf.math.log(tf.cast(scale, tf.float64) / level) / 3.0, tf.float32),
            tf.reduce_mean(exposure, 1),
            tf.reduce_mean(window.inside, 1),
        ]

    @property
    def _short_season(self) -> int:
        """Periods over which "recently" is: a year of weeks is too long."""
        return self.series.forecast.season if self.series.forecast.frequency == "D" else 8

    def _reference(self, window: _Window, scale: tf.Tensor) -> tf.Tensor:
        """Simple forecasts of each step, relative to the scale: profile, level, lags, lags grown.

        Shape [B, H, 3 + 2 * lags]; -1 where a lag is not known.
        """
        units, exposure = window.units_and_exposure()
        season = self._short_season
        columns = [self._profile(window, scale)]
        for width in (season, 2 * season):
            level = recent_level(units, exposure, scale=scale, width=width)
            columns.append(tf.broadcast_to(level[:, None], tf.shape(columns[0])))
        known = [tf.ones_like(columns[0])] * len(columns)
        for name in self.spec.known_units:
            lag, mask = window.future(name), window.future(TransformedSpec.mask_of(name))
            columns += [lag, lag * self._growth(window, name, scale)[:, None]]
            known += [mask, mask]
        bound = self.features.outliers.target_scale_multiple
        relative = tf.minimum(tf.stack(columns, axis=2) / scale[:, None, None], bound)
        return tf.where(tf.stack(known, axis=2) > 0, relative, -1.0)

    def _growth(self, window: _Window, lag: str, scale: tf.Tensor) -> tf.Tensor:
        """Demand of late over that of the same periods one lag before; shape [B]."""
        units, exposure = window.units_and_exposure()
        width = self.features.growth_window or 4 * self._short_season
        there = window.past(TransformedSpec.mask_of(lag))
        both = tf.cast((exposure > 0) & (there > 0), tf.float32)
        late = slice(-width, None)
        return growth_since(units[:, late], window.past(lag)[:, late], both[:, late], scale=scale)

    def _profile(self, window: _Window, scale: tf.Tensor) -> tf.Tensor:
        units, exposure = window.units_and_exposure()
        forecast = self.series.forecast
        return seasonal_profile(
            units, exposure, scale=scale, season=forecast.season, horizon=forecast.horizon
        )

    def _relative(self, units: tf.Tensor, scale: tf.Tensor) -> tf.Tensor:
        """Units relative to the scale of the window, bounded and compressed."""
        divisor = scale[:, None] if units.shape.rank == 2 else scale
        bound = self.features.outliers.target_scale_multiple
        return tf.math.log1p(tf.minimum(units / divisor, bound))


@dataclass(frozen=True)
class _Window:
    """Reads features at the positions of a window; 0 outside of what an example holds."""

    examples: Mapping[str, Any]
    positions: tf.Tensor
    context: int

    @property
    def past_positions(self) -> tf.Tensor:
        return self.positions[:, : self.context]

    @property
    def future_positions(self) -> tf.Tensor:
        return self.positions[:, self.context :]

    @property
    def inside(self) -> tf.Tensor:
        """1 where the context lies inside the history; shape [B, C]."""
        return tf.cast(self.past_positions >= 0, tf.float32)

    def past(self, name: str) -> tf.Tensor:
        """Feature over the context; shape [B, C]."""
        return gather_periods(self.examples[name], self.past_positions)

    def future(self, name: str) -> tf.Tensor:
        """Feature over the horizon; shape [B, H]."""
        return gather_periods(self.examples[name], self.future_positions)

    def whole(self, name: str) -> tf.Tensor:
        """Feature over context and horizon; shape [B, C + H]."""
        return gather_periods(self.examples[name], self.positions)

    def units_and_exposure(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Recorded units, and the share of each period in which they could sell; [B, C]."""
        observed = self.past(series_example.OBSERVED_MASK)
        exposure = observed * self.past(series_example.IN_STOCK_FRACTION)
        sold = self.past(series_example.TARGET)
        return sold * tf.cast(exposure > 0, tf.float32), exposure


def gather_periods(values: tf.RaggedTensor, positions: tf.Tensor) -> tf.Tensor:
    """Reads a ragged feature at positions of each row; 0 outside the row.

    Args:
        values: Shape [B, T].
        positions: Int64, shape [B, L].

    Returns:
        Shape [B, L].
    """
    inside = (positions >= 0) & (positions < values.row_lengths()[:, None])
    # Outside, the index is that of one more value: 0. A batch may hold no history at all.
    outside = tf.size(values.flat_values, tf.int64)
    flat = tf.concat([values.flat_values, tf.zeros([1], values.dtype)], axis=0)
    index = tf.where(inside, values.row_starts()[:, None] + positions, outside)
    return tf.gather(flat, index)


def _stack_index(columns: list[tf.Tensor], *, like: tf.Tensor) -> tf.Tensor:
    if not columns:
        return tf.zeros([tf.shape(like)[0], tf.shape(like)[1], 0], tf.int64)
    return tf.stack(columns, axis=2)
