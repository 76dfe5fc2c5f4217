"""Lines in parts, on several cores: each once, in an order that depends on the lines alone."""

import os
import threading

import numpy as np
import pytest
import replenishment_world as world

from demandcast.components.replenishment import line_arrays as module
from demandcast.components.replenishment.line_arrays import over_parts, sample_lead_times


def test_lines_are_picked():
    lines = world.line_arrays([1.0, 2.0, 3.0], available=[4.0, 5.0, 6.0])
    picked = lines.take(np.array([2, 0]))
    assert len(picked) == 2
    assert picked.available.tolist() == [6, 4]
    assert picked.mean[:, 0].tolist() == [3, 1]
    assert picked.arrivals.shape == (8, 2)


@pytest.mark.parametrize(("pack", "unit"), [(1.0, 1.0), (12.0, 1.0), (0.5, 0.0), (2.5, 0.0)])
def test_levels_are_whole_where_packs_are(pack, unit):
    assert world.line_arrays([1.0], pack_size=pack).unit.tolist() == [unit]


def test_lead_times_are_drawn_as_often_as_they_are_likely():
    for drawn in sample_lead_times(np.array([[0.25, 0.5, 0.0, 0.25]]), paths=400, seed=1):
        assert np.bincount(drawn[0], minlength=4).tolist() == [100, 200, 0, 100]


def test_lead_times_of_now_and_next_are_not_the_same_draws():
    first, second = sample_lead_times(np.full((1, 10), 0.1), paths=1000, seed=1)
    assert abs(np.corrcoef(first[0], second[0])[0, 1]) < 0.1


def test_other_suppliers_do_not_change_a_supplier():
    alone = sample_lead_times(np.array([[0.5, 0.5]]), paths=64, seed=3)
    both = sample_lead_times(np.array([[0.1, 0.9], [0.5, 0.5]]), paths=64, seed=3)
    for one, other in zip(alone, both, strict=True):
        np.testing.assert_array_equal(one[0], other[1])


def test_a_supplier_without_a_lead_time_and_none_at_all():
    first, _ = sample_lead_times(np.array([[0.0, 0.0]]), paths=8, seed=1)
    assert set(first[0]) == {0}
    first, _ = sample_lead_times(np.empty((0, 2)), paths=8, seed=1)
    assert first.shape == (0, 8)


def worked(lines, sampler):
    """Which rows came in which order, and the sum of their demand."""
    rows, totals = [], np.full(len(lines), np.nan)
    for part, total in over_parts(sampler, lines, lambda part: part.cumulative[-1].mean(axis=1)):
        rows.append(part.rows.tolist())
        totals[part.rows] = total
    return rows, totals


def test_each_line_once_with_its_own_paths():
    lines = world.line_arrays([0.1, 50.0, 0.1, 4.0], spread=0.5)
    rows, totals = worked(lines, world.sampler_of())
    assert sorted(np.concatenate(rows)) == [0, 1, 2, 3]
    assert [0, 2] in rows  # Two that sell as little are of one group.
    np.testing.assert_allclose(totals, 8 * lines.mean[:, 0], rtol=3e-3)


@pytest.mark.parametrize("cores", [1, 3, None])
@pytest.mark.parametrize("at_a_time", [1, 2, 64])
def test_neither_cores_nor_parts_change_a_number(monkeypatch, cores, at_a_time):
    lines = world.line_arrays(np.linspace(0.1, 40, 23), spread=0.9)
    sampler = world.sampler_of()
    _, expected = worked(lines, sampler)
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    monkeypatch.setattr(module, "_ROWS", at_a_time)
    rows, found = worked(lines, sampler)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert rows == worked(lines, sampler)[0]


def test_few_parts_are_there_at_once(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(module, "_ROWS", 1)
    begun, most, lock = [0], [0], threading.Lock()

    def work(part):
        with lock:
            begun[0] += 1
        return part.rows.size

    taken = 0
    for _ in over_parts(world.sampler_of(), world.line_arrays([1.0] * 40), work):
        taken += 1
        most[0] = max(most[0], begun[0] - taken)
    assert taken == 40
    assert most[0] <= 3


def test_what_goes_wrong_in_a_part_is_raised():
    def work(part):
        raise ValueError("in a part")

    with pytest.raises(ValueError, match="in a part"):
        list(over_parts(world.sampler_of(), world.line_arrays([1.0]), work))


def test_no_lines():
    assert worked(world.line_arrays([]), world.sampler_of())[0] == []
