"""The rules of the gate: each way out, in words, with and without noise."""

import pytest
from verdicts import slice_result as result

from demandcast.components.evaluation.judging import judge
from demandcast.components.evaluation.verdict import (
    format_verdict,
)
from demandcast.schema.config.gate import ChangeConfig, FloorsConfig, GateConfig

GATE = GateConfig(
    floors=FloorsConfig(max_absolute_bias=0.2),
    change=ChangeConfig(min_slice_examples=100),
)
COMPARED = "compared with the model in service"


def reasons(*slices, failures=(), gate=GATE):
    return judge(slices, failures, gate, comparison=COMPARED).reasons


def test_nothing_against_it():
    verdict = judge([result()], (), GATE, comparison=COMPARED)
    assert verdict.blessed
    assert verdict.reasons == ()


def test_overall_comes_first_and_slices_in_order():
    verdict = judge([result("b=1"), result(), result("a=1")], (), GATE, comparison=COMPARED)
    assert [part.name for part in verdict.slices] == ["overall", "a=1", "b=1"]
    assert verdict.overall.examples == 1000


@pytest.mark.parametrize(
    ("failure", "metrics", "reason"),
    [
        (
            "weighted_quantile_loss_skill",
            {"loss": 0.5, "in_service": None, "weighted_quantile_loss_skill": 1 - 0.5 / 0.4},
            "weighted quantile loss 0.5000 against 0.4000 of seasonal naive: "
            "skill -25.0 % (-26.0 % to -24.0 %) must exceed 0 %",
        ),
        (
            "wape_skill",
            {"wape": 0.6, "wape_skill": 0.0},
            "WAPE 0.6000 against 0.6000 of seasonal naive: "
            "skill 0.0 % (-1.0 % to 1.0 %) must exceed 0 %",
        ),
        (
            "coverage_80",
            {"coverage_80": 0.55},
            "coverage of the 80 % interval 0.5500 lies outside 0.7 to 0.9",
        ),
        (
            "coverage_90",
            {"coverage_90": 0.79},
            "coverage of the 90 % interval 0.7900 lies outside 0.8 to 1",
        ),
        (
            "strict_coverage_80",
            {"coverage_80": 0.99, "strict_coverage_80": 0.98},
            "coverage of the 80 % interval without its bounds 0.9800 lies outside 0.7 to 0.9",
        ),
        ("bias", {"bias": 0.25}, "bias 0.2500 lies outside -0.2 to 0.2"),
        (
            "wape_skill",
            {"wape_skill": None},
            "wape skill cannot be computed: a forecast is not a number, or there is no demand",
        ),
        (
            "weighted_quantile_loss",
            {"loss": 0.312, "in_service": 0.3},
            "weighted quantile loss 0.3120 is 4.0 % worse than the model in service 0.3000 "
            "(3.0 % to 5.0 %; allowed 1 %)",
        ),
        (
            "weighted_quantile_loss",
            {"loss": 0.3, "in_service": 0.0},
            "weighted quantile loss 0.3000 is infinitely worse than the model in service 0.0000 "
            "(allowed 1 %)",
        ),
        (
            "weighted_quantile_loss",
            {"loss": None},
            "weighted quantile loss - cannot be compared with the model in service 0.3000",
        ),
        ("something new", {}, "TFMA did not validate the model: something new"),
    ],
)
def test_broken_thresholds_in_words(failure, metrics, reason):
    assert reasons(result(noise=0.01, **metrics), failures=[failure]) == (reason,)


def test_coverage_that_is_not_judged_is_noted_and_no_reason():
    part = result()
    left_out = {name: v for name, v in part.candidate.items() if name != "coverage_90"}
    part = part.model_copy(update={"candidate": left_out})
    verdict = judge([part], (), GATE, comparison=COMPARED)
    assert verdict.blessed
    assert verdict.notes == (
        "coverage of the 90 % interval was not judged: forecast.quantile_levels lack 0.05 or 0.95",
    )
    assert format_verdict(verdict).splitlines()[2] == (
        "Coverage of the 90 % interval was not judged: forecast.quantile_levels lack 0.05 or 0.95."
    )
    assert judge([result()], (), GATE, comparison=COMPARED).notes == ()


@pytest.mark.parametrize("slices", [[], [result(examples=0.0)], [result("a=1")]])
def test_nothing_judged_is_not_blessed(slices):
    verdict = judge(slices, (), GATE, comparison=COMPARED)
    assert not verdict.blessed
    assert "no example" in verdict.reasons[0]
    assert format_verdict(verdict).startswith("Not blessed:")


# Coverage by slice and range of steps: 20 % from nominal.


def test_coverage_of_steps():
    assert reasons(result(coverage_80_steps_8_28=0.5, noise=0.01)) == (
        "coverage of the 80 % interval 0.5000 (0.4900 to 0.5100) lies below 0.6 in steps 8 to 28",
    )


@pytest.mark.parametrize(
    ("metrics", "noise", "reason"),
    [
        ({"coverage_80": 0.61}, 0.01, None),
        (
            {"coverage_80": 0.55},
            0.02,
            "coverage of the 80 % interval 0.5500 (0.5300 to 0.5700) lies below 0.6 in slice a=1",
        ),
        ({"coverage_80": 0.55}, 0.06, None),  # Perhaps 0.61.
        (
            {"coverage_90": 0.6},
            0.02,
            "coverage of the 90 % interval 0.6000 (0.5800 to 0.6200) lies below 0.7 in slice a=1",
        ),
        ({"coverage_80": 1.0, "strict_coverage_80": 0.99}, 0.02, None),
        ({"coverage_80": 0.5}, None, None),  # Noise is unknown.
        ({"coverage_80": None}, 0.01, None),
    ],
)
def test_coverage_of_a_slice(metrics, noise, reason):
    found = reasons(result(), result("a=1", noise=noise, in_service=None, **metrics))
    assert found == (() if reason is None else (reason,))


def test_coverage_of_a_slice_without_its_bounds_may_not_be_too_high():
    gate = GateConfig(floors=FloorsConfig(coverage_tolerance_per_slice=0.1))
    wide = result("a=1", coverage_80=0.97, strict_coverage_80=0.96, noise=0.01, in_service=None)
    assert reasons(result(), wide, gate=gate) == (
        "coverage of the 80 % interval without its bounds 0.9600 (0.9500 to 0.9700) lies above "
        "0.9 in slice a=1",
    )


def test_coverage_of_a_small_slice_is_not_judged():
    low = result("a=1", coverage_80=0.1, noise=0.01, in_service=None, examples=99.0)
    assert reasons(result(), low) == ()


# Skill: the model has to show that it exceeds the floor.


@pytest.mark.parametrize("name", ["wape_skill", "weighted_quantile_loss_skill"])
def test_a_skill_must_exceed_its_floor_beyond_doubt(name):
    assert reasons(result(noise=0.01, **{name: 0.02})) == ()
    (reason,) = reasons(result(noise=0.03, **{name: 0.02}))
    assert reason.endswith("skill 2.0 % (-1.0 % to 5.0 %) must exceed 0 % beyond doubt")


def test_a_skill_of_unknown_noise_is_judged_by_its_estimate():
    verdict = judge(
        [result(noise=None, in_service=None, wape_skill=0.02)], (), GATE, comparison=COMPARED
    )
    assert verdict.blessed
    assert verdict.notes == (
        "too few series to tell noise: the skills were judged by their estimates",
    )


def test_what_speaks_against_it_beforehand_is_said_first():
    verdict = judge(
        [result()], (), GATE, comparison=COMPARED, beforehand=["it has seen the future"]
    )
    assert not verdict.blessed
    assert verdict.reasons == ("it has seen the future",)
