import math

from demandcast.components.reporting.plotting import COLOURS, dates, gaps, room


def test_a_range_leaves_room_and_never_falls_below_zero():
    # 8 % of 1 - 0.5 on both sides.
    assert room([0.5, None, math.nan, 1.0]) == (0.46, 1.04)
    assert room([0.0, 1.0]) == (0.0, 1.08)
    assert room([0.0]) == (0.0, 0.08)


def test_what_is_missing_is_a_gap():
    first, second, third = gaps([1, None, math.inf])
    assert first == 1.0
    assert math.isnan(second)
    assert math.isnan(third)


def test_dates_are_read():
    assert [date.day for date in dates(["2026-03-09", "2026-03-10"])] == [9, 10]


def test_colours_differ():
    assert len(set(COLOURS.values())) == len(COLOURS)
