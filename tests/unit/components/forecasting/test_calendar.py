"""Dates equal `datetime`'s; distances to holidays equal a loop."""

import datetime
from typing import get_args

import forecasting_oracle as oracle
import numpy as np
import pytest
import tensorflow as tf

from demandcast.components.forecasting.calendar import (
    calendar_features,
    civil_date,
    holiday_distances,
)
from demandcast.schema.config.features import CalendarPart

pytestmark = pytest.mark.slow

EPOCH = datetime.date(1970, 1, 1).toordinal()
PARTS = get_args(CalendarPart)


def day_of(*date):
    return datetime.date(*date).toordinal() - EPOCH


def test_every_day_of_eight_centuries():
    days = np.arange(day_of(1600, 1, 1), day_of(2401, 1, 1))
    dates = [datetime.date.fromordinal(EPOCH + int(day)) for day in days]
    year, month, day = (part.numpy() for part in civil_date(tf.constant(days)))
    assert year.tolist() == [date.year for date in dates]
    assert month.tolist() == [date.month for date in dates]
    assert day.tolist() == [date.day for date in dates]


@pytest.mark.parametrize("part", PARTS)
def test_each_part_of_a_date(part):
    days = [
        *range(day_of(2023, 12, 20), day_of(2025, 1, 12)),  # a leap year and its borders
        *range(day_of(1969, 12, 25), day_of(1970, 1, 8)),
        *range(day_of(1900, 2, 25), day_of(1900, 3, 3)),  # no leap year
        *range(day_of(2000, 2, 25), day_of(2000, 3, 3)),
    ]
    found = np.stack(calendar_features(tf.constant([days], tf.int64), parts=(part,)), axis=2)[0]
    expected = [oracle.calendar_points(day, (part,)) for day in days]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_parts_come_in_the_order_asked_for():
    day = day_of(2024, 2, 29)
    for parts in (PARTS, PARTS[::-1], ()):
        found = calendar_features(tf.constant([[day]], tf.int64), parts=parts)
        expected = oracle.calendar_points(day, parts)
        np.testing.assert_allclose([f.numpy().item() for f in found], expected, atol=1e-5)


def test_the_turn_of_the_year_is_a_small_step():
    days = tf.constant([[day_of(2023, 12, 31), day_of(2024, 1, 1)]], tf.int64)
    for part in ("day_of_year", "week_of_year", "day_of_week"):
        points = np.stack(calendar_features(days, parts=(part,)))[:, 0]
        assert np.linalg.norm(points[:, 1] - points[:, 0]) < 1.01 * 2 * np.pi / 7


@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 1.0])
def test_nearness_of_holidays(share):
    flags = (np.random.default_rng(5).random((4, 90)) < share).astype(np.float32)
    before, after = (nearness.numpy() for nearness in holiday_distances(tf.constant(flags)))
    expected = [oracle.holiday_nearness(row) for row in flags]
    np.testing.assert_allclose(before, [row[0] for row in expected], atol=1e-6)
    np.testing.assert_allclose(after, [row[1] for row in expected], atol=1e-6)


def test_a_window_of_one_period():
    before, after = holiday_distances(tf.constant([[1.0], [0.0]]))
    assert before.numpy().tolist() == after.numpy().tolist() == [[1.0], [0.0]]
