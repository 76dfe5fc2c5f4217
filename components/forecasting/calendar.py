"""Parts of dates and distances to holidays, as TensorFlow graph code.

They follow from dates and flags alone, so they are made when a window is cut
instead of being stored for each period.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import tensorflow as tf

__all__ = ["calendar_features", "civil_date", "holiday_distances"]

_DAY_ZERO_WEEKDAY = 3  # 1970-01-01 was a Thursday; Monday is 0.
_MAX_HOLIDAY_DISTANCE = 28


def civil_date(days: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Splits day numbers into year, month (1 to 12) and day (1 to 31), proleptic Gregorian.

    Args:
        days: Days since 1970-01-01. Int64, any shape.

    Returns:
        Year, month and day. Int64, shape of the input.

    Source:
        Hinnant, chrono-Compatible Low-Level Date Algorithms, `civil_from_days`.
    """
    shifted = days + 719_468  # Days since 0000-03-01: leap days end a year that starts in March.
    era = shifted // 146_097
    day_of_era = shifted - era * 146_097
    year_of_era = (
        day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096
    ) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month_from_march = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * month_from_march + 2) // 5 + 1
    month = tf.where(month_from_march < 10, month_from_march + 3, month_from_march - 9)
    year = year_of_era + era * 400 + tf.cast(month <= 2, days.dtype)
    return year, month, day


def calendar_features(days: tf.Tensor, *, parts: Sequence[str]) -> list[tf.Tensor]:
    """Places parts of dates on circles, so that December lies beside January.

    Args:
        days: Start of each period, days since 1970-01-01. Int64, shape [B, L].
        parts: Names from `FeaturesConfig.calendar`.

    Returns:
        Sine and cosine of each part in turn. Each float32, shape [B, L].
    """
    _, month, day = civil_date(days)
    day_of_year = _day_of_year(month, day)
    phases: dict[str, Callable[[], tf.Tensor]] = {
        "day_of_week": lambda: _phase((days + _DAY_ZERO_WEEKDAY) % 7, 7),
        "day_of_month": lambda: _phase(day - 1, 31),
        "month": lambda: _phase(month - 1, 12),
        "week_of_year": lambda: _phase(day_of_year // 7, 53),
        "day_of_year": lambda: _phase(day_of_year, 366),
    }
    features: list[tf.Tensor] = []
    for part in parts:
        angle = phases[part]()
        features += [tf.sin(angle), tf.cos(angle)]
    return features


def holiday_distances(is_holiday: tf.Tensor) -> list[tf.Tensor]:
    """Measures how far the nearest holiday lies before and after each period of a window.

    Args:
        is_holiday: 1 on holidays. Float32, shape [B, L].

    Returns:
        Nearness before and after: 1 on the holiday, falling by 1/28 a period to 0.
        Each float32, shape [B, L].
    """
    reach = _MAX_HOLIDAY_DISTANCE - 1
    nearness = 1.0 - tf.range(_MAX_HOLIDAY_DISTANCE, dtype=tf.float32) / _MAX_HOLIDAY_DISTANCE
    # A dilation is a running maximum of sums: where no holiday is, a sum that never wins.
    level = tf.where(is_holiday > 0, 0.0, -2.0)

    def running(padding: list[int], kernel: tf.Tensor) -> tf.Tensor:
        padded = tf.pad(level, [[0, 0], padding], constant_values=-2.0)
        found = tf.nn.dilation2d(
            padded[:, None, :, None],
            filters=kernel[None, :, None],
            strides=[1, 1, 1, 1],
            padding="VALID",
            data_format="NHWC",
            dilations=[1, 1, 1, 1],
        )
        return tf.nn.relu(found[:, 0, :, 0])

    return [running([reach, 0], tf.reverse(nearness, [0])), running([0, reach], nearness)]


def _day_of_year(month: tf.Tensor, day: tf.Tensor) -> tf.Tensor:
    # Days before each month in a leap year: 29 February keeps a place of its own.
    before = tf.constant([0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335], tf.int64)
    return tf.gather(before, month - 1) + day - 1


def _phase(part: tf.Tensor, length: int) -> tf.Tensor:
    return tf.cast(part, tf.float32) * (2.0 * math.pi / length)
