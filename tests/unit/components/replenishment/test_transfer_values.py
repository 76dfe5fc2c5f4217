"""What a transfer is worth: by hand, and against the stock with and without it."""

import dataclasses

import numpy as np
import pytest
import replenishment_world as world
from hypothesis import given, settings
from hypothesis import strategies as st

from demandcast.components.replenishment.line_arrays import over_parts
from demandcast.components.replenishment.stock_projection import Stock, lost_sales
from demandcast.components.replenishment.transfer_values import (
    Shipping,
    most_useful_units,
    transfer_values,
)


def shipping(periods, *, cost=0.0, stockout_cost=2.0, served=True):
    """From one place per row of periods."""
    at = np.array(periods, np.int64)
    return Shipping(
        served=np.broadcast_to(served, at.shape),
        periods=at,
        cost=np.broadcast_to(np.asarray(cost, float), at.shape),
        stockout_cost=np.full(at.shape[1], stockout_cost),
    )


def valued(lines, ship, *, packs=4, pack_size=1.0, start=0.0, sampler=None):
    count = len(lines)
    return transfer_values(
        lines,
        sampler or world.sampler_of(),
        ship,
        start=np.full(count, start),
        pack_size=np.full(count, pack_size),
        packs=packs,
    )


def test_steady_demand_by_hand():
    # L = R = 1: of 2 x 5, 7 are there; 3 are short on the second day. Held, a unit costs 0.1.
    lines = world.line_arrays([5.0], available=7.0)
    assert valued(lines, shipping([[0]]))[0, 0] == pytest.approx([2, 2, 2, -0.1])
    assert valued(lines, shipping([[1]], cost=0.5))[0, 0] == pytest.approx([1.5, 1.5, 1.5, -0.6])
    assert valued(lines, shipping([[2]]))[0, 0] == pytest.approx([-0.1] * 4)
    assert valued(lines, shipping([[0]]), pack_size=2.0, packs=2)[0, 0] == pytest.approx(
        [2 * 2, 2 - 0.1]
    )
    assert valued(lines, shipping([[0]]), start=2.0)[0, 0] == pytest.approx([2, -0.1, -0.1, -0.1])


def test_what_is_lost_before_it_arrives_cannot_be_saved():
    lines = world.line_arrays([5.0])
    sooner, later = valued(lines, shipping([[0], [1]]), packs=12)[:, 0]
    assert (sooner > 0).sum() == 10
    assert (later > 0).sum() == 5


def test_a_delivery_on_the_way_leaves_less_to_save():
    arrivals = np.cumsum(np.eye(8)[1] * 3.0)[:, None]
    values = valued(world.line_arrays([5.0], arrivals=arrivals), shipping([[0]]), packs=12)
    assert (values > 0).sum() == 10 - 3


def test_what_is_reserved_beyond_the_stock_is_needed_first():
    values = valued(world.line_arrays([5.0], available=-2.0), shipping([[0]]), packs=16)
    assert (values > 0).sum() == 10 + 2


def test_a_place_that_does_not_serve_is_worth_nothing():
    lines = world.line_arrays([5.0, 5.0])
    ship = dataclasses.replace(
        shipping([[0, 0], [0, 0]]), served=np.array([[True, False], [False, False]])
    )
    assert (valued(lines, ship) != 0).any(axis=2).tolist() == [[True, False], [False, False]]


def test_the_most_that_is_useful_and_its_room():
    lines = world.line_arrays([5.0, 5.0, 0.0], capacity=np.array([np.inf, 4.0, 4.0]))
    most, room = most_useful_units(lines, world.sampler_of(), shipping([[0] * 3, [1] * 3]))
    assert most.tolist() == [10, 10, 0]
    assert room.tolist() == [np.inf, 4, 4]
    full = world.line_arrays([1.0], available=9.0, capacity=5.0)
    assert most_useful_units(full, world.sampler_of(), shipping([[0]]))[1].tolist() == [0]


def test_no_lines():
    nothing = world.line_arrays([])
    ship = shipping(np.zeros((1, 0)))
    assert valued(nothing, ship).shape == (1, 0, 4)
    assert most_useful_units(nothing, world.sampler_of(), ship)[0].tolist() == []


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_values_add_up_to_what_the_stock_loses_less(seed):
    rng = np.random.default_rng(seed)
    lines = world.line_arrays(
        rng.uniform(0, 8, 3),
        spread=0.9,
        available=rng.integers(0, 15, 3).astype(float),
        arrivals=np.cumsum(rng.integers(0, 6, (8, 3)) * (rng.uniform(size=(8, 3)) < 0.3), axis=0),
        holding_cost=0.0,
        review_period=rng.integers(1, 4, 3),
    )
    sampler = world.sampler_of(((0.3, 0.4, 0.3),), paths=80)
    periods = rng.integers(0, 4, 3)
    values = valued(lines, shipping([periods], stockout_cost=1.0), packs=9, sampler=sampler)[0]
    assert (np.diff(values, axis=1) <= 1e-9).all()
    units = rng.integers(0, 10, 3)

    def lost(arrivals):
        found = np.zeros(3)
        with_them = dataclasses.replace(lines, arrivals=arrivals)

        def work(part):
            interval = part.next_lead_time + part.lines.review_period[:, None]
            stock = Stock(part.lines.available, part.lines.arrivals, interval)
            return lost_sales(part.cumulative, stock).mean(axis=1, dtype=np.float64)

        for part, mean in over_parts(sampler, with_them, work):
            found[part.rows] = mean
        return found

    later = lines.arrivals + units * (np.arange(8)[:, None] >= periods)
    saved = lost(lines.arrivals) - lost(later)
    for line in range(3):
        assert values[line, : units[line]].sum() == pytest.approx(saved[line], abs=1e-4)
