"""Room when an order arrives: by hand, and against a loop over paths and days."""

import numpy as np
import pytest
import replenishment_world as world
from hypothesis import given, settings
from hypothesis import strategies as st

from demandcast.components.replenishment.line_arrays import over_parts
from demandcast.components.replenishment.storage_room import FITTING, storage_room

TWO = ((0.0, 0.0, 1.0),)
"""A lead time of two periods."""


def arrivals(*due, horizon=8):
    """Units due before each period opens, summed up; pairs of period and units of one line."""
    summed = np.zeros((horizon, 1))
    for period, units in due:
        summed[period:] += units
    return summed


@pytest.mark.parametrize(
    ("changes", "room"),
    [
        ({"available": 70.0, "capacity": 70.0}, 70 - (70 - 2 * 20)),
        ({"available": 0.0, "capacity": 70.0}, 70),
        # An empty shelf stays empty: what is lost makes no room.
        ({"available": 30.0, "capacity": 70.0}, 70),
        ({"available": 100.0, "capacity": 50.0}, 50 - (100 - 2 * 20)),
        ({"available": 70.0, "capacity": np.inf}, np.inf),
        # Due on the day before, with it, a day later (20 have sold by then), and long after.
        ({"available": 40.0, "capacity": 70.0, "arrivals": arrivals((1, 10))}, 70 - 10),
        ({"available": 40.0, "capacity": 70.0, "arrivals": arrivals((2, 10))}, 70 - 10),
        ({"available": 40.0, "capacity": 70.0, "arrivals": arrivals((3, 50))}, 70 - (50 - 20)),
        ({"available": 40.0, "capacity": 70.0, "arrivals": arrivals((7, 50))}, 70),
        # More is reserved than there is: deliveries take the room of the reservation.
        ({"available": -5.0, "capacity": 65.0, "arrivals": arrivals((1, 5))}, 65),
    ],
)
def test_room_of_steady_demand_by_hand(changes, room):
    lines = world.line_arrays([20.0], **changes)
    assert storage_room(lines, world.sampler_of(TWO)).tolist() == [room]


def test_an_order_that_arrives_at_once_finds_what_is_there():
    lines = world.line_arrays([20.0], available=30.0, capacity=70.0)
    assert storage_room(lines, world.sampler_of(((1.0,),))).tolist() == [70 - 30]


def test_an_order_beyond_the_forecast_finds_what_is_left_at_its_end():
    lines = world.line_arrays([20.0], available=200.0, capacity=200.0)
    late = world.sampler_of(((0.0,) * 20 + (1.0,),))
    assert storage_room(lines, late).tolist() == [200 - (200 - 7 * 20)]


def test_fractions_of_a_unit_are_no_room_but_where_packs_have_fractions():
    lines = world.line_arrays([0.3, 0.3], available=4.0, capacity=5.0, pack_size=np.array([1, 0.5]))
    assert storage_room(lines, world.sampler_of(TWO)) == pytest.approx([1, 1.6], abs=1e-5)


def test_no_lines():
    assert storage_room(world.line_arrays([]), world.sampler_of()).tolist() == []


def test_little_demand_counts_more_than_its_mean():
    lines = world.line_arrays([20.0], spread=0.5, available=70.0, capacity=70.0)
    room = storage_room(lines, world.sampler_of(TWO, paths=4_000))[0]
    # Two days between 10 and 30 each: 5 % have less than 20 + 20 sqrt(2 x 0.05) together.
    assert room == pytest.approx(20 + 20 * np.sqrt(0.1), abs=1)
    assert room < 2 * 20


def room_by_loop(part, line):
    """Room of a line, path by path and day by day."""
    found, lines = [], part.lines
    horizon, _, paths = part.cumulative.shape
    for path in range(paths):
        stock, fullest = lines.available[line], -np.inf
        before = due = 0.0
        for period in range(horizon):
            arrived = part.lead_time[line, path] <= period
            stock += lines.arrivals[period, line] - due
            due = lines.arrivals[period, line]
            if arrived:
                fullest = max(fullest, stock)
            demand = part.cumulative[period, line, path] - before
            before = part.cumulative[period, line, path]
            # With the order on the shelf nothing is short, as far as it counts.
            stock = stock - demand if arrived else max(stock - demand, 0.0)
        found.append(lines.capacity[line] - fullest)
    return np.sort(found)[round((1 - FITTING) * paths)]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_room_agrees_with_a_loop(seed):
    rng = np.random.default_rng(seed)
    lines = world.line_arrays(
        rng.uniform(0, 10, 3),
        spread=0.8,
        available=rng.integers(0, 40, 3).astype(float),
        capacity=rng.uniform(5, 60, 3),
        pack_size=0.5,
        arrivals=np.cumsum(rng.integers(0, 9, (8, 3)) * (rng.uniform(size=(8, 3)) < 0.3), axis=0),
    )
    sampler = world.sampler_of(((0.2, 0.3, 0.3, 0.2),), paths=60)
    room = storage_room(lines, sampler)
    for part, _ in over_parts(sampler, lines, lambda part: None):
        for at, row in enumerate(part.rows):
            assert room[row] == pytest.approx(room_by_loop(part, at), abs=1e-3)
    larger = world.line_arrays([1.0], capacity=9.0, available=3.0)
    smaller = world.line_arrays([1.0], capacity=9.0, available=2.0)
    assert storage_room(larger, sampler) <= storage_room(smaller, sampler)
