"""The window function: one series and a cutoff in, what the network sees out.

Training maps it over random cutoffs, evaluation and the serving signatures over
the last one; there is no second way to make network inputs. Nothing after the
cutoff is read but known-future covariates and lags of at least one horizon.
Letters of shapes: B windows, C context, H horizon, T history of a series.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, Sequence
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

_HISTORY = (
    series_example.TARGET,
    series_example.OBSERVED_MASK,
    series_example.IN_STOCK_FRACTION,
)
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
        window = self._window(examples, cutoffs)
        scale = self._scale(window)
        dates = self._dates(examples, window)
        lags = self._relative(window.known.lags, scale)
        context = self.series.forecast.context_length
        past_index = [window.known.index[..., :context], window.past.index]
        return {
            "encoder": self._encoder(window, scale, dates=dates, lags=lags),
            "decoder": self._decoder(window, scale, dates=dates, lags=lags),
            "reference": self._reference(window, scale),
            "encoder_index": _features_last(tf.concat(past_index, axis=0)),
            "decoder_index": _features_last(window.known.index[..., context:]),
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

    def _window(self, examples: Tensors, cutoffs: tf.Tensor) -> _Window:
        """Reads all features around the cutoffs: one look-up for those of equal lengths."""
        context, horizon = self.series.forecast.context_length, self.series.forecast.horizon
        positions = cutoffs[:, None] + tf.range(1 - context, horizon + 1, dtype=tf.int64)[None]
        past = positions[:, :context]
        history, _ = _read(examples, _HISTORY, (), past)
        target, observed, stock = tf.unstack(history)
        return _Window(
            positions=positions,
            inside=tf.cast(past >= 0, tf.float32),
            target=target,
            observed=observed,
            exposure=observed * stock,
            known=self._known(examples, positions),
            past=self._past(examples, past),
            target_level=examples[transformed_example.TARGET_LEVEL],
        )

    def _known(self, examples: Tensors, positions: tf.Tensor) -> _Known:
        spec = self.spec
        masks = [TransformedSpec.mask_of(name) for name in spec.known_units]
        holiday = [transformed_example.HOLIDAY] if spec.has_holiday else []
        groups = (spec.known_numeric, spec.known_units, masks, holiday)
        numbers, index = _read(
            examples, list(itertools.chain(*groups)), spec.known_index, positions
        )
        numeric, lags, has_lags, flags = _parted(numbers, groups)
        return _Known(numeric, lags=lags, has_lags=has_lags, holiday=flags, index=index)

    def _past(self, examples: Tensors, positions: tf.Tensor) -> _Past:
        groups = (self.spec.past_numeric, self.spec.past_units)
        numbers, index = _read(
            examples, list(itertools.chain(*groups)), self.spec.past_index, positions
        )
        numeric, units = _parted(numbers, groups)
        return _Past(numeric, units=units, index=index)

    def _scale(self, window: _Window) -> tf.Tensor:
        """Mean units per fully exposed period of the context, positive for any history."""
        return (tf.reduce_sum(window.units, 1) + _PRIOR_EXPOSURE * window.target_level) / (
            tf.reduce_sum(window.exposure, 1) + _PRIOR_EXPOSURE
        )

    def _dates(self, examples: Tensors, window: _Window) -> tf.Tensor:
        """Features that follow from dates and holiday flags; shape [*, B, C + H]."""
        last = examples[series_example.TARGET].row_lengths() - 1
        distance = window.positions - last[:, None]
        days = examples[series_example.CUTOFF][:, None] + distance * self._days_per_period
        features = calendar.calendar_features(days, parts=self.features.calendar)
        if self.spec.has_holiday:
            flags = window.known.holiday[0]
            features += [flags, *calendar.holiday_distances(flags)]
        return tf.stack(features) if features else tf.zeros([0, *_sizes(days)])

    def _encoder(
        self, window: _Window, scale: tf.Tensor, *, dates: tf.Tensor, lags: tf.Tensor
    ) -> tf.Tensor:
        context = self.series.forecast.context_length
        units = tf.concat([window.target[None], window.past.units], axis=0)
        relative = self._relative(units, scale)
        full = tf.cast(window.exposure >= FULLY_IN_STOCK, tf.float32)
        return _features_last(
            tf.concat(
                [
                    relative[:1],
                    tf.stack([window.observed, window.exposure, full]),
                    window.known.numeric[..., :context],
                    window.past.numeric,
                    relative[1:],
                    lags[..., :context],
                    window.known.has_lags[..., :context],
                    dates[..., :context] * window.inside,
                ],
                axis=0,
            )
        )

    def _decoder(
        self, window: _Window, scale: tf.Tensor, *, dates: tf.Tensor, lags: tf.Tensor
    ) -> tf.Tensor:
        context, horizon = self.series.forecast.context_length, self.series.forecast.horizon
        step = tf.range(1, horizon + 1, dtype=tf.float32) / horizon
        profile = self._relative(self._profile(window, scale), scale)
        level = self._level_at_cutoff(window, scale)[..., None]
        return _features_last(
            tf.concat(
                [
                    window.known.numeric[..., context:],
                    self._changes(window),
                    lags[..., context:],
                    window.known.has_lags[..., context:],
                    dates[..., context:],
                    tf.stack([profile, tf.broadcast_to(step, tf.shape(profile))]),
                    tf.broadcast_to(level, [level.shape[0], *_sizes(profile)]),
                ],
                axis=0,
            )
        )

    def _changes(self, window: _Window) -> tf.Tensor:
        """Known numbers less their mean in the context, over which the level was measured.

        A price that is new is felt, one that has long been so is in the level. Shape [*, B, H]; 0
        where nothing of the context counts.
        """
        context = self.series.forecast.context_length
        seen, ahead = window.known.numeric[..., :context], window.known.numeric[..., context:]
        exposed = tf.reduce_sum(window.exposure, 1)
        usual = tf.math.divide_no_nan(tf.reduce_sum(seen * window.exposure, 2), exposed)
        return (ahead - usual[..., None]) * tf.cast(exposed > 0, tf.float32)[:, None]

    def _level_at_cutoff(self, window: _Window, scale: tf.Tensor) -> tf.Tensor:
        """Where the series stands: features of shape [*, B]."""
        season = self._short_season
        recent = [
            recent_level(window.units, window.exposure, scale=scale, width=width) / scale
            for width in (max(season // 2, 1), season, 2 * season)
        ]
        changes = tf.math.log(tf.concat([tf.stack(recent), self._growth(window, scale)], axis=0))
        # In the served graph the level is a constant, and float32 division by a constant is
        # rewritten: in float64 the last bit of the result stays that of training.
        level = tf.cast(window.target_level, tf.float64)
        ratio = tf.math.log(tf.cast(scale, tf.float64) / level) / 3.0
        others = [
            tf.cast(ratio, tf.float32),
            tf.reduce_mean(window.exposure, 1),
            tf.reduce_mean(window.inside, 1),
        ]
        last = self._relative(window.past.units[..., -1:], scale)[..., 0]
        return tf.concat([changes, last, tf.stack(others)], axis=0)

    @property
    def _short_season(self) -> int:
        """Periods over which "recently" is: a year of weeks is too long."""
        return self.series.forecast.season if self.series.forecast.frequency == "D" else 8

    def _reference(self, window: _Window, scale: tf.Tensor) -> tf.Tensor:
        """Simple forecasts of each step, relative to the scale: profile, level, lags, lags grown.

        Shape [B, H, 3 + 2 * lags]; -1 where a lag is not known.
        """
        context, season = self.series.forecast.context_length, self._short_season
        profile = self._profile(window, scale)
        levels = [
            recent_level(window.units, window.exposure, scale=scale, width=width)
            for width in (season, 2 * season)
        ]
        simple = [profile, *(tf.broadcast_to(level[:, None], _sizes(profile)) for level in levels)]
        lags, known = window.known.lags[..., context:], window.known.has_lags[..., context:] > 0
        grown = lags * self._growth(window, scale)[..., None]
        bound = self.features.outliers.target_scale_multiple

        def relative(units: tf.Tensor) -> tf.Tensor:
            return tf.minimum(units / scale[:, None], bound)

        return _features_last(
            tf.concat(
                [
                    relative(tf.stack(simple)),
                    tf.where(_in_turn(known, known), relative(_in_turn(lags, grown)), -1.0),
                ],
                axis=0,
            )
        )

    def _growth(self, window: _Window, scale: tf.Tensor) -> tf.Tensor:
        """Demand of late over that of the same periods one lag before; shape [lags, B]."""
        context = self.series.forecast.context_length
        width = min(self.features.growth_window or 4 * self._short_season, context)
        late = slice(context - width, context)
        exposed = (window.exposure > 0)[:, -width:]
        both = tf.cast(exposed & (window.known.has_lags[..., late] > 0), tf.float32)
        return growth_since(
            window.units[:, -width:], window.known.lags[..., late], both, scale=scale
        )

    def _profile(self, window: _Window, scale: tf.Tensor) -> tf.Tensor:
        forecast = self.series.forecast
        return seasonal_profile(
            window.units,
            window.exposure,
            scale=scale,
            season=forecast.season,
            horizon=forecast.horizon,
        )

    def _relative(self, units: tf.Tensor, scale: tf.Tensor) -> tf.Tensor:
        """Units relative to the scale of the window, bounded and compressed; [..., B, L]."""
        bound = self.features.outliers.target_scale_multiple
        return tf.math.log1p(tf.minimum(units / scale[:, None], bound))


@dataclass(frozen=True)
class _Known:
    """Features that are known ahead; 0 outside of what an example holds.

    Attributes:
        numeric: Shape [*, B, C + H], as all.
        lags: Units.
        has_lags: 1 where the lag is known.
        holiday: One feature, or none.
        index: Int64.
    """

    numeric: tf.Tensor
    lags: tf.Tensor
    has_lags: tf.Tensor
    holiday: tf.Tensor
    index: tf.Tensor


@dataclass(frozen=True)
class _Past:
    """Features seen in the past only; 0 outside of what an example holds.

    Attributes:
        numeric: Shape [*, B, C], as all.
        units: Averages.
        index: Int64.
    """

    numeric: tf.Tensor
    units: tf.Tensor
    index: tf.Tensor


@dataclass(frozen=True)
class _Window:
    """What lies around the cutoff.

    Attributes:
        positions: In the history. Int64, shape [B, C + H].
        inside: 1 where the context lies inside the history. Shape [B, C].
        target: Shape [B, C].
        observed: Shape [B, C].
        exposure: Share of each period in which recorded units could sell. Shape [B, C].
        known: Of context and horizon.
        past: Of the context.
        target_level: Shape [B].
    """

    positions: tf.Tensor
    inside: tf.Tensor
    target: tf.Tensor
    observed: tf.Tensor
    exposure: tf.Tensor
    known: _Known
    past: _Past
    target_level: tf.Tensor

    @functools.cached_property
    def units(self) -> tf.Tensor:
        """Recorded units, 0 where nothing could sell; shape [B, C]."""
        return self.target * tf.cast(self.exposure > 0, tf.float32)


def gather_periods(values: tf.RaggedTensor, positions: tf.Tensor) -> tf.Tensor:
    """Reads a ragged feature at positions of each row; 0 outside the row.

    Args:
        values: Shape [B, T].
        positions: Int64, shape [B, L].

    Returns:
        Shape [B, L].
    """
    return _gather([values], _places(values, positions), values.dtype)[0]


def _read(
    examples: Mapping[str, Any],
    numeric: Sequence[str],
    index: Sequence[str],
    positions: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Reads features whose rows are equally long: float32 and int64, both [*, B, L]."""
    names = (*numeric, *index)
    places = _places(examples[names[0]], positions) if names else positions
    return (
        _gather([examples[name] for name in numeric], places, tf.float32),
        _gather([examples[name] for name in index], places, tf.int64),
    )


def _places(values: tf.RaggedTensor, positions: tf.Tensor) -> tf.Tensor:
    """Where positions of each row lie in the flat values; one behind the last outside the row."""
    splits = values.row_splits
    starts = splits[:-1, None]
    inside = (positions >= 0) & (positions < splits[1:, None] - starts)
    return tf.where(inside, starts + positions, splits[-1])


def _gather(features: Sequence[tf.RaggedTensor], places: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Reads features of the same rows at places from `_places`; shape [*, B, L]."""
    if not features:
        return tf.zeros([0, *_sizes(places)], dtype)
    flat = tf.stack([feature.flat_values for feature in features])
    # Outside is one more value: 0. A batch may hold no history at all.
    return tf.gather(tf.pad(flat, [[0, 0], [0, 1]]), places, axis=1)


def _parted(features: tf.Tensor, groups: Sequence[Sequence[str]]) -> list[tf.Tensor]:
    """Parts [*, B, L] by groups of names."""
    ends = list(itertools.accumulate(len(group) for group in groups))
    return [features[end - len(group) : end] for group, end in zip(groups, ends, strict=True)]


def _features_last(features: tf.Tensor) -> tf.Tensor:
    """Turns [*, B, L] into [B, L, *]."""
    return tf.transpose(features, [1, 2, 0])


def _in_turn(left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """Puts features of two tensors [F, B, L] in turn; shape [2 F, B, L]."""
    # The axes by their sizes, not by those of the first feature: there may be none.
    return tf.reshape(tf.stack([left, right], axis=1), [2 * left.shape[0], *_sizes(left)[1:]])


def _sizes(tensor: tf.Tensor) -> list[Any]:
    """Sizes of the axes, static where they are known."""
    dynamic = tf.shape(tensor)
    return [dynamic[i] if size is None else size for i, size in enumerate(tensor.shape)]
