"""What is judged at once: which parts, and how wide their intervals."""

import pytest
from scipy import stats
from verdicts import GROUPS
from verdicts import slice_result as result

from demandcast.components.evaluation.judged_part import Part, judged_parts, widening
from demandcast.schema.config.gate import ChangeConfig, GateConfig

GATE = GateConfig(change=ChangeConfig(min_slice_examples=100))


@pytest.mark.parametrize("groups", [2, 4, GROUPS])
@pytest.mark.parametrize("parts", [1, 2, 20, 900])
def test_intervals_of_many_parts_are_those_of_bonferroni(groups, parts):
    expected = stats.t.ppf(1 - 0.025 / parts, groups - 1) / stats.t.ppf(0.975, groups - 1)
    assert widening(groups, parts) == pytest.approx(expected, rel=1e-8)


def test_parts_are_the_ranges_of_steps_and_the_slices_that_are_large_enough():
    whole = result(wape_steps_1_7=0.2, wape_steps_8_28=0.4, mase_steps_1_7=1.0)
    slices = [whole, result("a=1", examples=100.0), result("a=2", examples=99.0)]
    parts = judged_parts(slices, GATE)
    assert [part.name for part in parts] == ["steps 1 to 7", "steps 8 to 28", "slice a=1"]
    assert parts[1].candidate("wape") == 0.4
    assert {part.widening for part in parts} == {widening(GROUPS, 3)}


def test_steps_of_few_examples_are_not_judged():
    assert judged_parts([result(wape_steps_1_7=0.2, examples=99.0)], GATE) == []


def test_intervals_are_widened_around_their_middle():
    part = Part(result("a=1", noise=0.1), widening=2.0)
    assert part.interval("wape") == pytest.approx((0.3, 0.7))
    assert part.loss_increase() == pytest.approx((-0.2, 0.2))


def test_unknown_noise_is_no_interval_and_an_increase_without_bounds():
    part = Part(result("a=1", noise=None))
    assert part.interval("wape") is None
    assert part.loss_increase() == (float("-inf"), float("inf"))


def test_everything_needs_no_place_in_a_sentence():
    assert [Part(result()).where, Part(result(), (1, 7)).where, Part(result("a=1")).where] == [
        "",
        " in steps 1 to 7",
        " in slice a=1",
    ]
