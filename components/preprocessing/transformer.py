"""From one raw example to its transformed features, group by group."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from demandcast.components.preprocessing import history
from demandcast.components.preprocessing.encoding import category_index, scale_numeric
from demandcast.schema import series_example, transformed_example
from demandcast.schema.config import FeaturesConfig, SeriesSpec
from demandcast.schema.transformed_example import TransformedSpec, is_numeric

__all__ = ["SeriesTransformer"]

Tensors = dict[str, Any]

_PASSED_THROUGH = (
    series_example.CUTOFF,
    series_example.TARGET,
    series_example.OBSERVED_MASK,
    series_example.IN_STOCK_FRACTION,
    *series_example.LABELS,
    series_example.NAIVE_FORECAST,
)


@dataclass(frozen=True)
class SeriesTransformer:
    """Transforms batches of raw examples; one method per group of features.

    Attributes:
        series: What a raw example holds.
        features: What is asked for.
    """

    series: SeriesSpec
    features: FeaturesConfig

    def transform(self, inputs: Mapping[str, Any]) -> Tensors:
        """Returns all transformed features of a batch, by name."""
        passed = {name: inputs[name] for name in _PASSED_THROUGH if name in inputs}
        covariates = self._numeric_covariates(inputs)
        return {
            **passed,
            **covariates,
            **self._products(covariates),
            **self._categories(inputs),
            **self._demand_history(inputs),
            **self._prices(inputs),
            **self._holiday(inputs),
            transformed_example.TARGET_LEVEL: self._target_level(inputs),
        }

    def _numeric_covariates(self, inputs: Mapping[str, Any]) -> Tensors:
        names = {f"known_{name}": name for name in self.series.known_future.numeric}
        names |= {f"past_{name}": name for name in self.series.observed_past.numeric}
        return {
            output: self._scaled(inputs[column], column=column, name=output)
            for output, column in names.items()
        }

    def _scaled(self, values: Any, *, column: str, name: str) -> Any:
        imputation = self.features.imputation
        return scale_numeric(
            values,
            outliers=self.features.outliers,
            imputation=imputation.numeric_by_column.get(column, imputation.numeric),
            name=name,
        )

    def _products(self, covariates: Tensors) -> Tensors:
        return {
            f"known_{pair.name}": _multiplied(
                *(covariates[f"known_{name}"] for name in pair.columns)
            )
            for pair in self.features.interactions
            if is_numeric(pair, self.series)
        }

    def _categories(self, inputs: Mapping[str, Any]) -> Tensors:
        series = self.series
        columns: Tensors = {f"static_{name}": inputs[name] for name in series.static}
        columns |= {f"known_{name}": inputs[name] for name in series.known_future.categorical}
        columns |= {f"past_{name}": inputs[name] for name in series.observed_past.categorical}
        for pair in self.features.interactions:
            if not is_numeric(pair, series):
                static = set(pair.columns) <= set(series.static)
                prefix = "static" if static else "known"
                columns[f"{prefix}_{pair.name}"] = _cross(*(inputs[name] for name in pair.columns))
        return {
            name: category_index(
                values,
                vocabulary=self.features.vocabulary,
                missing=self.features.imputation.categorical,
                name=name,
            )
            for name, values in columns.items()
        }

    def _demand_history(self, inputs: Mapping[str, Any]) -> Tensors:
        target, exposure = _exposed_target(inputs)
        usable = exposure.with_flat_values(tf.cast(exposure.flat_values > 0, tf.float32))
        outputs: Tensors = {}
        for lag in self.features.lags:
            name, horizon = f"lag_{lag}", self.series.forecast.horizon
            outputs[name] = history.lagged(target, lag=lag, horizon=horizon)
            outputs[TransformedSpec.mask_of(name)] = history.lagged(
                usable, lag=lag, horizon=horizon
            )
        for window in self.features.moving_averages:
            outputs[f"moving_average_{window}"] = history.trailing_mean(
                target, exposure, window=window
            )
        if self.features.growth_window:
            outputs["past_growth"] = history.growth_rate(
                target, exposure, window=self.features.growth_window
            )
        return outputs

    def _prices(self, inputs: Mapping[str, Any]) -> Tensors:
        column = self.features.price_column
        if column is None:
            return {}
        price = inputs[column]
        given = tf.math.is_finite(price.flat_values) & (price.flat_values > 0)
        known = price.with_flat_values(tf.cast(given, tf.float32))
        average = history.causal_mean(price, known).flat_values
        # Before the first price there is no average: that is missing, and not a price of 0.
        level = tf.where(average > 0, _exactly(tf.math.log1p, average), math.nan)
        relative = tf.where(given, _exactly(tf.math.log, price.flat_values / average), math.nan)
        return {
            "known_average_price": self._scaled(
                price.with_flat_values(level), column=column, name="known_average_price"
            ),
            # Scaled, for cuts of some percent are small numbers beside those of other features.
            "known_relative_price": self._scaled(
                price.with_flat_values(relative), column=column, name="known_relative_price"
            ),
        }

    def _holiday(self, inputs: Mapping[str, Any]) -> Tensors:
        column = self.features.holiday_column
        if column is None:
            return {}
        values = inputs[column]
        flat = values.flat_values
        if flat.dtype == tf.string:
            is_holiday = tf.not_equal(flat, "")
        else:
            is_holiday = tf.math.is_finite(flat) & tf.not_equal(flat, 0)
        return {
            transformed_example.HOLIDAY: values.with_flat_values(tf.cast(is_holiday, tf.float32))
        }

    def _target_level(self, inputs: Mapping[str, Any]) -> tf.Tensor:
        """Median over series of their mean demand: a scale for those without history."""
        target, exposure = _exposed_target(inputs)
        total, exposed = tf.reduce_sum(target, axis=1), tf.reduce_sum(exposure, axis=1)
        sold = (total > 0) & (exposed > 0)
        means = tf.boolean_mask(total, sold) / tf.boolean_mask(exposed, sold)
        median = tft.quantiles(means, num_buckets=2, epsilon=0.005)[0, 0]
        level = tf.where(tf.math.is_finite(median) & (median > 0), median, 1.0)
        return tf.fill([tf.shape(inputs[series_example.CUTOFF])[0]], level)


def _exposed_target(inputs: Mapping[str, Any]) -> tuple[Any, Any]:
    """Returns recorded units and the share of each period in which they could sell."""
    observed, target = inputs[series_example.OBSERVED_MASK], inputs[series_example.TARGET]
    exposure = _multiplied(observed, inputs[series_example.IN_STOCK_FRACTION])
    # Sales in a period that counts as fully out of stock say nothing about its rate.
    exposed = exposure.with_flat_values(tf.cast(exposure.flat_values > 0, tf.float32))
    return _multiplied(target, exposed), exposure


def _exactly(function: Callable[[tf.Tensor], tf.Tensor], values: tf.Tensor) -> tf.Tensor:
    """Applies a function in float64, so that the float32 result depends on the value alone.

    Kernels for float32 round differently at the end of a batch than inside of it. Scaling by a
    small spread turns that last bit into a difference between training and serving.
    """
    return tf.cast(function(tf.cast(values, tf.float64)), tf.float32)


def _multiplied(left: Any, right: Any) -> Any:
    """Multiplies ragged tensors of the same rows."""
    return left.with_flat_values(left.flat_values * right.flat_values)


def _cross(left: Any, right: Any) -> Any:
    """Joins two categories; a static one is repeated along the periods of the other."""
    if isinstance(left, tf.RaggedTensor) and not isinstance(right, tf.RaggedTensor):
        right = left.with_flat_values(tf.gather(right, history.rows_of_values(left)))
    elif isinstance(right, tf.RaggedTensor) and not isinstance(left, tf.RaggedTensor):
        left = right.with_flat_values(tf.gather(left, history.rows_of_values(right)))
    if isinstance(left, tf.RaggedTensor):
        return left.with_flat_values(
            tf.strings.join([left.flat_values, right.flat_values], separator="|")
        )
    return tf.strings.join([left, right], separator="|")
