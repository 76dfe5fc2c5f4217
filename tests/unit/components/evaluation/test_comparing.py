"""The model against the one in service: three outcomes, slices, steps, chains of pushes."""

import numpy as np
import pytest
from verdicts import slice_result as result

from demandcast.components.evaluation.judging import judge
from demandcast.components.evaluation.verdict import (
    LOSS_INCREASE,
    Difference,
    SliceResult,
)
from demandcast.schema.carried_increase import CarriedIncrease
from demandcast.schema.config.gate import ChangeConfig, FloorsConfig, GateConfig

GATE = GateConfig(
    floors=FloorsConfig(max_absolute_bias=0.2),
    change=ChangeConfig(min_slice_examples=100),
)
COMPARED = "compared with the model in service"


def reasons(*slices, failures=(), gate=GATE):
    return judge(slices, failures, gate, comparison=COMPARED).reasons


def notes(*slices, gate=GATE):
    verdict = judge(slices, (), gate, comparison=COMPARED)
    assert verdict.blessed
    return verdict.notes


def test_slice_that_is_worse():
    worse = result("demand_class=lumpy", loss=0.36, in_service=0.3)
    assert reasons(result(), worse) == (
        "weighted quantile loss 0.3600 is 20.0 % worse than the model in service 0.3000 "
        "(20.0 % to 20.0 %; allowed 10 %) in slice demand_class=lumpy",
    )


def test_slice_at_its_limit_passes():
    assert reasons(result(), result("a=1", loss=0.3 * 1.1, noise=0.01)) == ()


def test_slice_of_the_least_size_is_judged_and_a_smaller_one_is_not():
    assert reasons(result(), result("a=1", loss=9.0, examples=99)) == ()
    assert len(reasons(result(), result("a=1", loss=9.0, examples=100))) == 1


def test_slice_without_demand_is_not_judged():
    assert reasons(result(), result("demand_class=no_demand", loss=None, in_service=None)) == ()


def test_slice_in_which_the_candidate_answers_no_number_fails():
    assert reasons(result(), result("a=1", loss=None)) == (
        "weighted quantile loss - cannot be compared with the model in service 0.3000 in slice a=1",
    )


def test_perfect_model_in_service_allows_only_perfection_in_a_slice():
    assert reasons(result(), result("a=1", loss=0.0, in_service=0.0)) == ()
    assert len(reasons(result(), result("a=1", loss=0.1, in_service=0.0))) == 1


def test_without_a_model_in_service_slices_are_not_judged():
    alone = SliceResult(name="a=1", candidate=result().candidate, in_service={})
    assert reasons(result(), alone) == ()


# Overall: 1 % is allowed, and 3 % where noise could be the reason.


@pytest.mark.parametrize(
    ("increase", "noise", "blessed", "noted"),
    [
        (-0.05, 0.01, True, False),  # Better beyond doubt.
        (0.005, 0.004, True, False),  # Within the limit beyond doubt.
        (0.012, 0.001, False, False),  # Beyond the limit beyond doubt, if not by much.
        (0.005, 0.02, True, True),  # Within, but that may be luck.
        (0.02, 0.02, True, True),  # Beyond, but that may be bad luck.
        (0.029, 0.05, True, True),
        (0.031, 0.05, False, False),  # Maybe bad luck, but too much to bet on.
        (-0.02, 0.05, True, True),  # Better, but perhaps worse than allowed.
        (0.3, 0.01, False, False),
    ],
)
def test_a_change_smaller_than_its_noise_neither_passes_nor_fails(increase, noise, blessed, noted):
    part = result(loss=0.3 * (1 + increase), noise=noise)
    verdict = judge([part], (), GATE, comparison=COMPARED)
    assert verdict.blessed is blessed
    assert any("cannot tell" in note for note in verdict.notes) is noted


def test_doubt_about_everything_is_said_with_its_numbers():
    assert notes(result(loss=0.306, noise=0.025)) == (
        "weighted quantile loss is 2.0 % worse than the model in service (-0.5 % to 4.5 %): "
        "1,000 examples cannot tell whether that is within the allowed 1 %, so the other checks "
        "decide, and 3 % at most",
    )


def test_a_difference_too_large_to_be_left_to_noise_is_said():
    assert reasons(result(loss=0.312, noise=0.05)) == (
        "weighted quantile loss 0.3120 is 4.0 % worse than the model in service 0.3000 "
        "(-1.0 % to 9.0 %; allowed 3 % where noise could be the reason)",
    )


def test_few_examples_get_no_benefit_of_the_doubt():
    assert reasons(result(loss=0.306, noise=0.05, examples=100.0)) == ()
    (reason,) = reasons(result(loss=0.306, noise=0.05, examples=99.0))
    assert reason.endswith("; allowed 1 % where noise could be the reason)")
    assert reasons(result(loss=0.302, noise=0.05, examples=99.0)) == ()


def test_unknown_noise_is_doubt():
    assert reasons(result(loss=0.306, noise=None)) == ()
    (reason,) = reasons(result(loss=0.312, noise=None))
    assert "4.0 % worse than the model" in reason


def test_the_wider_limit_is_never_narrower_than_the_limit():
    gate = GateConfig(change=ChangeConfig(max_relative_loss_increase=0.1))
    assert reasons(result(loss=0.32, noise=0.01), gate=gate) == ()
    assert len(reasons(result(loss=0.35, noise=0.01), gate=gate)) == 1


# Slices: 10 % is allowed, and 30 % where noise could be the reason.


def test_doubtful_slices_share_a_note():
    doubtful = [result(f"store={n}", loss=0.36, noise=0.15) for n in range(5)]
    assert notes(result(), *doubtful, result("store=9", loss=0.3)) == (
        "whether the loss is within the allowed 10 % of the model in service cannot be told from "
        "noise in slice store=0, slice store=1, slice store=2 and 2 more",
    )


def test_a_slice_beyond_the_wider_limit_fails_whatever_its_noise():
    (reason,) = reasons(result(), result("store=1", loss=0.4, noise=0.5))
    assert reason.endswith("; allowed 30 % where noise could be the reason) in slice store=1")


def test_many_slices_need_more_evidence_each():
    """One of 20 fails by chance at 95 %; together they shall not."""
    worse = result("store=0", loss=0.3 * 1.2, noise=0.09)  # 11 % to 29 %.
    assert len(reasons(result(), worse)) == 1
    others = [result(f"store={n}") for n in range(1, 20)]
    assert reasons(result(), worse, *others) == ()


def test_equal_models_of_many_slices_are_rarely_refused_by_the_slices():
    """Noise of 5 % in each of 50 slices, and no difference in truth: one in 40 at most."""
    rng = np.random.default_rng(4)
    gate = GateConfig(
        change=ChangeConfig(
            max_relative_loss_increase_per_slice=0.0, max_unproven_loss_increase_per_slice=9.0
        )
    )
    refused = 0
    for _ in range(200):
        slices = [
            result(f"store={n}", loss=0.3 * (1 + draw), noise=0.05 * 1.97)
            for n, draw in enumerate(rng.normal(0, 0.05, 50))
        ]
        refused += bool(reasons(result(), *slices, gate=gate))
    assert refused <= 200 * (0.025 + 3 * np.sqrt(0.025 / 200))


# Ranges of steps are judged as slices of everything.


def with_steps(increase, **metrics):
    whole = result(weighted_quantile_loss_steps_8_28=0.3 * (1 + increase), **metrics)
    found = Difference(value=increase, low=increase - 0.01, high=increase + 0.01)
    return whole.model_copy(
        update={
            "in_service": {**whole.in_service, "weighted_quantile_loss_steps_8_28": 0.3},
            "difference": {**whole.difference, f"{LOSS_INCREASE}_steps_8_28": found},
        }
    )


def test_steps_that_are_worse():
    assert reasons(with_steps(0.05)) == ()
    assert reasons(with_steps(0.2)) == (
        "weighted quantile loss 0.3600 is 20.0 % worse than the model in service 0.3000 "
        "(19.0 % to 21.0 %; allowed 10 %) in steps 8 to 28",
    )


# A chain of pushes: 3 % in all, whatever each of them was.


def push_chain(increases, noise):
    """Judges one model after the other; returns how many passed, and the last verdict."""
    carried = CarriedIncrease()
    for count, increase in enumerate(increases):
        part = result(loss=0.3 * (1 + increase), noise=noise)
        verdict = judge([part], (), GATE, comparison=COMPARED, carried=carried)
        if not verdict.blessed:
            return count, verdict
        carried = verdict.carried
    return len(increases), verdict


def test_small_losses_that_no_single_comparison_shows_add_up():
    passed, verdict = push_chain([0.015] * 20, noise=0.012)
    # 1.5 % n - 1.2 % sqrt(n) in logarithms is above 2.96 % from n = 4 on: 5.96 - 2.36.
    assert passed == 3
    (reason,) = verdict.reasons
    assert reason.startswith(
        "weighted quantile loss rose little by little over 4 models, this one included, by 6.1 % "
        "in all and by at least 3.7 % whatever the noise (allowed 3 %)"
    )


def test_losses_within_the_limit_add_up_too():
    passed, verdict = push_chain([0.009] * 20, noise=0.0001)
    assert passed == 3
    assert "over 4 models" in verdict.reasons[0]


def test_noise_alone_does_not_add_up():
    """Models that are all equally good, seen through noise of 1 %: 2 % refused at most."""
    rng = np.random.default_rng(12)
    refused = judged = 0
    for _ in range(40):
        carried = CarriedIncrease()
        for increase in rng.normal(0, 0.01 / 1.97, 25):
            part = result(loss=0.3 * (1 + increase), noise=0.01)
            verdict = judge([part], (), GATE, comparison=COMPARED, carried=carried)
            judged += 1
            refused += not verdict.blessed
            carried = verdict.carried if verdict.blessed else carried
    assert refused / judged <= 0.02


def test_a_better_model_passes_whatever_came_before():
    carried = CarriedIncrease(increase=0.2, error=0.001, pushes=9)
    verdict = judge([result(loss=0.299)], (), GATE, comparison=COMPARED, carried=carried)
    assert verdict.blessed
    assert verdict.carried.increase < 0.2


def test_unknown_noise_adds_up_as_none():
    passed, _ = push_chain([0.02] * 5, noise=None)
    assert passed == 1  # 2 %, then 4.04 %.


def test_nothing_to_compare_carries_nothing():
    alone = SliceResult(name="overall", candidate=result().candidate, in_service={})
    carried = CarriedIncrease(increase=0.02, pushes=1)
    verdict = judge([alone], (), GATE, comparison="alone", carried=carried)
    assert verdict.carried == CarriedIncrease()
