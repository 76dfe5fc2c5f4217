import math

import pytest

from demandcast.components.evaluation.judging import judge
from demandcast.components.evaluation.verdict import SliceResult
from demandcast.components.reporting.gate_table import gate_part, slices_part
from demandcast.schema.config.gate import GateConfig

METRICS = {
    "examples": 380.0,
    "weighted_quantile_loss": 0.21,
    "weighted_quantile_loss_skill": 0.5,
    "wape": 0.36,
    "wape_skill": -0.1,
    "bias": -0.02,
    "coverage_80": 0.65,
    "strict_coverage_80": 0.6,
    "coverage_90": 0.95,
    "strict_coverage_90": 0.9,
}
GATE = GateConfig().model_dump()


def verdict(*others, in_service=None, **changes):
    overall = {"name": "overall", "candidate": METRICS, "in_service": in_service or {}}
    return {
        "blessed": False,
        "comparison": "no model in service: only the floors were judged",
        "slices": [overall, *others],
        **changes,
    }


def other(name, loss, before=None, examples=200):
    return {
        "name": name,
        "candidate": {"examples": examples, "weighted_quantile_loss": loss},
        "in_service": {} if before is None else {"weighted_quantile_loss": before},
    }


def outcomes(part):
    return {check.name: check.passed for check in part.checks}


def test_each_floor_is_judged_by_its_own_side():
    assert list(outcomes(gate_part(verdict(), GATE)).values()) == [
        True,  # 0.5 > 0
        False,  # -0.1 is not > 0
        False,  # 0.65 < 0.8 - 0.1
        True,  # 0.6 <= 0.8 + 0.1
        True,  # 0.95 >= 0.9 - 0.1
        True,  # 0.9 <= 0.9 + 0.1
        None,  # No limit of the bias.
        None,  # No model in service.
    ]


def test_a_skill_at_its_floor_does_not_exceed_it():
    floors = {**GATE["floors"], "weighted_quantile_loss_skill": 0.5}
    first = gate_part(verdict(), {**GATE, "floors": floors}).checks[0]
    assert first.exclusive
    assert first.passed is False


@pytest.mark.parametrize(("limit", "passed"), [(0.03, True), (0.02, True), (0.01, False)])
def test_the_bias_is_judged_from_both_sides(limit, passed):
    gate = {**GATE, "floors": {**GATE["floors"], "max_absolute_bias": limit}}
    checks = [check for check in gate_part(verdict(), gate).checks if "Bias" in check.name]
    assert [(check.low, check.high, check.passed) for check in checks] == [(-limit, limit, passed)]


def test_the_model_in_service_is_compared_overall_and_by_slice():
    slices = (
        other("a", 0.24, before=0.2),
        other("b", 0.21, before=0.2),
        other("small", 0.9, before=0.1, examples=5),
    )
    part = gate_part(verdict(*slices, in_service={"weighted_quantile_loss": 0.2}), GATE)
    overall, worst = part.checks[-2:]
    assert overall.value == pytest.approx(0.21 / 0.2 - 1)
    assert (overall.high, overall.passed) == (0.01, False)
    assert worst.value == pytest.approx(0.24 / 0.2 - 1)
    assert (worst.high, worst.passed) == (0.1, False)
    assert worst.remark == "a; 2 slices judged, 1 failed"


def test_the_difference_to_the_model_in_service_comes_with_its_interval():
    values = verdict(in_service={"weighted_quantile_loss": 0.2})
    values["slices"][0]["difference"] = {
        "weighted_quantile_loss": {"value": 0.01, "low": -0.004, "high": 0.024},
        "wape": {"value": None, "low": None, "high": None},
    }
    check = next(one for one in gate_part(values, GATE).checks if "in service" in one.name)
    assert check.remark.replace("\N{MINUS SIGN}", "-") == (
        "difference 0.010, 95 % confidence: -0.004 to 0.024"
    )


def test_a_skill_is_above_its_floor_with_all_of_its_interval():
    values = verdict()
    values["slices"][0]["intervals"] = {"weighted_quantile_loss_skill": [-0.1, 1.1]}
    assert gate_part(values, GATE).checks[0].passed is False


@pytest.mark.parametrize(
    ("outcome", "passed"), [("within", True), ("unproven", True), ("worse", False)]
)
def test_what_the_gate_made_of_noise_is_what_the_page_says(outcome, passed):
    slices = (other("a", 0.24, before=0.2), other("b", 0.21, before=0.2))
    values = verdict(
        *slices,
        in_service={"weighted_quantile_loss": 0.2},
        changes={"overall": outcome, "a": outcome, "b": "within"},
    )
    overall, worst = gate_part(values, GATE).checks[-2:]
    assert (overall.passed, worst.passed) == (passed, passed)
    assert ("noise could be the reason" in overall.remark) is (outcome == "unproven")


def test_slices_too_small_to_be_judged_are_said_to_be():
    part = gate_part(verdict(other("a", 0.3, before=0.2, examples=99)), GATE)
    assert part.checks[-1].passed is None
    assert "100 examples" in part.checks[-1].remark


def test_without_a_configuration_the_thresholds_are_open():
    part = gate_part(verdict(), None)
    assert {check.passed for check in part.checks} == {None}
    assert "did not keep its thresholds" in part.checks[0].remark


@pytest.mark.parametrize("value", [None, math.nan])
def test_what_cannot_be_computed_does_not_pass(value):
    broken = dict.fromkeys(METRICS, value) | {"examples": 3}
    values = verdict()
    values["slices"][0]["candidate"] = broken
    checks = gate_part(values, GATE).checks
    assert not any(check.passed for check in checks)


def test_the_table_agrees_with_the_verdict_of_the_evaluator():
    """The same metrics, judged by TFMA's thresholds and worded by `judge`."""
    failures = {"wape_skill", "coverage_80"}
    result = SliceResult(name="overall", candidate=METRICS, in_service={})
    told = judge([result], failures, GateConfig(), comparison="alone")
    part = gate_part(told.model_dump(), GATE)
    failed = [check for check in part.checks if check.passed is False]
    assert len(failed) == len(told.reasons) == len(failures)
    assert part.comparison == "alone"


def test_slices_stand_worst_first_and_those_without_a_loss_last():
    part = slices_part(
        verdict(other("a", 0.1), other("none", None), other("nan", math.nan), other("c", 0.9))
    )
    assert [row.name for row in part.slices] == ["c", "a", "nan", "none"]
    assert part.overall.examples == 380
    assert part.slices[0].examples == 200


def test_ranges_of_steps_are_taken_from_the_names_of_metrics():
    values = verdict()
    values["slices"][0]["candidate"] = METRICS | {
        "wape_steps_8_28": 0.4,
        "wape_steps_1_7": 0.3,
        "weighted_quantile_loss_steps_1_7": 0.2,
    }
    values["slices"][0]["intervals"] = {"wape_steps_1_7": [0.2, 0.4], "wape_steps_8_28": None}
    first, second = slices_part(values).steps
    assert (first.first, first.last) == (1, 7)
    assert first.metrics == {"wape": 0.3, "weighted_quantile_loss": 0.2}
    assert first.intervals["wape"] == (0.2, 0.4)
    assert (second.first, second.last, second.intervals["wape"]) == (8, 28, None)


def test_an_empty_verdict_is_an_empty_part():
    part = slices_part({})
    assert (part.overall.name, part.overall.examples, part.slices) == ("overall", 0, ())
