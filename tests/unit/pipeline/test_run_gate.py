"""The rows of the gate on a page say what the gate itself decided."""

import dataclasses
import math
from pathlib import Path

import pytest
from verdicts import slice_result

from demandcast.components.evaluation.judging import judge
from demandcast.components.evaluation.verdict import LOSS, SliceResult
from demandcast.pipeline.cost_verdict import CostVerdict, cannot_be_costed, not_compared
from demandcast.pipeline.reports import ArtifactReport, RunReport, StageReport
from demandcast.pipeline.run_files import RunFiles
from demandcast.pipeline.run_gate import gate_part
from demandcast.schema.artifact_names import COST_VERDICT_FILE
from demandcast.schema.carried_increase import CarriedIncrease
from demandcast.schema.config.gate import FloorsConfig, GateConfig

METRICS = {
    "examples": 380.0,
    LOSS: 0.21,
    f"{LOSS}_skill": 0.5,
    "wape": 0.36,
    "wape_skill": -0.1,
    "bias": -0.02,
    "coverage_80": 0.65,
    "strict_coverage_80": 0.6,
    "coverage_90": 0.95,
    "strict_coverage_90": 0.9,
}
GATE = GateConfig(floors=FloorsConfig(max_absolute_bias=0.2))
STEPS = "range of steps"
REPORT = RunReport(
    pipeline="demand",
    run_id="r1",
    status="succeeded",
    seconds=1.0,
    stages=(),
    log="",
    artifacts="",
    serving_directory="",
)


def result(name="overall", **metrics):
    return slice_result(name, **{"bias": 0.0, **metrics})


def older(*others, in_service=None, **changes):
    """A verdict as versions wrote it that knew nothing of noise."""
    overall = {"name": "overall", "candidate": METRICS, "in_service": in_service or {}}
    return {
        "blessed": False,
        "reasons": ["as it was"],
        "comparison": "no model in service: only the floors were judged",
        "slices": [overall, *others],
        **changes,
    }


def other(name, loss, before=None, examples=200):
    return {
        "name": name,
        "candidate": {"examples": examples, LOSS: loss},
        "in_service": {} if before is None else {LOSS: before},
    }


def part_of(verdict, gate=None):
    values = {"verdict": verdict}
    if gate is not None:
        values["config"] = {"gate": gate if isinstance(gate, dict) else gate.model_dump()}
    return gate_part(RunFiles(Path("r1"), dataclasses.replace(REPORT, **values)))


def judged(*slices, failures=(), gate=GATE, **options):
    verdict = judge(slices, failures, gate, comparison="compared", **options)
    return verdict, part_of(verdict.model_dump(mode="json"), gate)


def failed(part):
    return [check.name for check in part.checks if check.passed is False]


def row(part, words):
    (found,) = [check for check in part.checks if words in check.name]
    return found


def test_a_run_without_a_verdict_has_no_rows():
    assert part_of(None, GATE) is None


def test_each_floor_is_judged_by_its_own_side():
    part = part_of(older(), GateConfig(floors=FloorsConfig(max_absolute_bias=None)))
    assert [check.passed for check in part.checks[:7]] == [
        True,  # 0.5 > 0
        False,  # -0.1 is not > 0
        False,  # 0.65 < 0.8 - 0.1
        True,  # 0.6 <= 0.8 + 0.1
        True,  # 0.95 >= 0.9 - 0.1
        True,  # 0.9 <= 0.9 + 0.1
        None,  # No limit of the bias.
    ]
    assert row(part, "against the model in service").passed is None


def test_a_skill_at_its_floor_does_not_exceed_it():
    first = part_of(older(), {"floors": {f"{LOSS}_skill": 0.5}}).checks[0]
    assert first.exclusive
    assert first.passed is False


@pytest.mark.parametrize(("limit", "passed"), [(0.03, True), (0.02, True), (0.01, False)])
def test_the_bias_is_judged_from_both_sides(limit, passed):
    check = row(part_of(older(), {"floors": {"max_absolute_bias": limit}}), "Bias")
    assert (check.low, check.high, check.passed) == (-limit, limit, passed)


def test_an_older_verdict_is_shown_by_the_one_limit_of_its_time():
    slices = (
        other("a", 0.24, before=0.2),
        other("b", 0.21, before=0.2),
        other("small", 0.9, before=0.1, examples=5),
    )
    part = part_of(older(*slices, in_service={LOSS: 0.2}), GateConfig())
    overall = row(part, "Quantile loss against the model in service")
    worst = row(part, "slice that changed most")
    assert overall.value == pytest.approx(0.21 / 0.2 - 1)
    assert (overall.high, overall.passed) == (0.01, False)
    assert worst.value == pytest.approx(0.24 / 0.2 - 1)
    assert (worst.high, worst.passed) == (0.1, False)
    assert worst.remark == "slice a; 2 judged, 1 failed"


def test_slices_too_small_to_be_judged_are_said_to_be():
    part = part_of(older(other("a", 0.3, before=0.2, examples=99)), GateConfig())
    check = row(part, "slice that changed most")
    assert check.passed is None
    assert "100 examples" in check.remark


def test_without_a_configuration_the_thresholds_are_open():
    part = part_of(older(reasons=[]))
    assert {check.passed for check in part.checks} == {None}
    assert "did not keep its thresholds" in part.checks[0].remark


def test_what_cannot_be_computed_does_not_pass():
    values = older(in_service={LOSS: 0.2})
    values["slices"][0]["candidate"] = dict.fromkeys(METRICS) | {"examples": 380}
    part = part_of(values, GATE)
    assert not any(check.passed for check in part.checks)
    assert "cannot be compared" in row(part, "against the model in service").remark


# By which reason a model was refused -> the row that has to have failed.
CHAIN = CarriedIncrease(increase=math.log1p(0.05), error=0.001, pushes=2)
REFUSED = {
    "seen": ([result()], {"beforehand": ["it has seen sales"]}, "not seen in training"),
    "nothing": ([result(examples=0.0)], {}, "Examples"),
    "no overall": ([result("a=1")], {}, "Examples"),
    "skill": (
        [result(**{f"{LOSS}_skill": -0.1})],
        {"failures": [f"{LOSS}_skill"]},
        "Quantile loss: how much lower",
    ),
    "skill in doubt": ([result(wape_skill=0.02, noise=0.03)], {}, "WAPE: how much lower"),
    "no skill": ([result(wape_skill=None)], {"failures": ["wape_skill"]}, "WAPE: how much"),
    "coverage": ([result(coverage_80=0.55)], {"failures": ["coverage_80"]}, "bounds included"),
    "strict": (
        [result(strict_coverage_90=1.0)],
        {
            "gate": GateConfig(floors={"coverage_tolerance": 0.05}),
            "failures": ["strict_coverage_90"],
        },
        "bounds left out",
    ),
    "bias": ([result(bias=0.25)], {"failures": ["bias"]}, "Bias"),
    "change": ([result(loss=0.312, noise=0.01)], {"failures": [LOSS]}, "against the model in"),
    "wide change": ([result(loss=0.312, noise=0.1)], {}, "against the model in service"),
    "no loss": ([result(loss=None)], {"failures": [LOSS]}, "against the model in service"),
    "from no loss": ([result(in_service=0.0)], {}, "against the model in service"),
    "slice": ([result(), result("a=1", loss=0.45)], {}, "slice that changed most"),
    "slice in doubt": ([result(), result("a=1", loss=0.45, noise=9)], {}, "slice that changed"),
    "no loss in a slice": ([result(), result("a=1", loss=None)], {}, "slice that changed most"),
    "chain": (
        [result(loss=0.302, noise=0.001)],
        {"carried": CHAIN},
        "added up over their pushes",
    ),
    "coverage of a slice": (
        [result(), result("a=1", coverage_80=0.5)],
        {},
        "80 % interval, in the judged slice",
    ),
    "coverage of steps": (
        [result(coverage_90_steps_1_7=0.5)],
        {},
        f"90 % interval, in the {STEPS}",
    ),
    "strict coverage of a slice": (
        [result(), result("a=1", strict_coverage_80=1.0)],
        {"gate": GateConfig(floors={"coverage_tolerance_per_slice": 0.15})},
        "80 % interval, in the judged slice",
    ),
    "unknown to us": ([result()], {"failures": ["something new"]}, "What else"),
    "TFMA alone": ([result()], {"failures": [LOSS]}, "What else"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_refused_model_has_a_row_that_failed(kind):
    slices, options, name = REFUSED[kind]
    verdict, part = judged(*slices, **options)
    assert not verdict.blessed
    assert any(name in found for found in failed(part)), failed(part)
    assert len(failed(part)) == len(verdict.reasons) == 1


def test_a_range_of_steps_that_lost_fails_a_row_of_its_own():
    steps = {f"{LOSS}_steps_1_7": 0.45, f"{LOSS}_steps_8_28": 0.3}
    overall = result(noise=None, **steps)
    before = overall.in_service | dict.fromkeys(steps, 0.3)
    verdict, part = judged(overall.model_copy(update={"in_service": before}))
    assert verdict.changes["steps_1_7"] == "worse"
    check = row(part, f"{STEPS} that changed most")
    assert failed(part) == [check.name]
    assert check.value == pytest.approx(0.45 / 0.3 - 1)
    assert check.remark.startswith("steps 1 to 7; 2 judged, 1 failed")


@pytest.mark.parametrize(
    "slices",
    [
        [result()],
        [result(in_service=None)],
        [result(noise=None)],
        [result(), result("a=1", loss=0.37, noise=0.3)],
        [result(), result("a=1", coverage_80=0.55, noise=0.1)],
        [result(), result("a=1", examples=5.0, loss=0.9, coverage_80=0.1)],
        [SliceResult(name="overall", candidate=METRICS | {"wape_skill": 0.1}, in_service={})],
    ],
)
def test_a_blessed_model_has_no_row_that_failed(slices):
    gate = GateConfig(floors={"coverage_tolerance": 0.16})
    verdict, part = judged(*slices, gate=gate)
    assert verdict.blessed
    assert failed(part) == []


def test_where_noise_could_be_the_reason_the_wider_limit_is_shown():
    verdict, part = judged(result(), result("a=1", loss=0.372, noise=0.3))
    assert verdict.changes["a=1"] == "unproven"
    check = row(part, "slice that changed most")
    assert check.value == pytest.approx(0.24)
    assert (check.high, check.passed) == (0.3, True)
    assert check.remark.startswith("slice a=1; 1 judged, 1 not told from noise; noise could be")
    verdict, part = judged(result(loss=0.306, noise=0.02))
    check = row(part, "against the model in service")
    assert (check.high, check.passed) == (0.03, True)
    assert check.interval == pytest.approx((0.0, 0.04))


def test_a_loss_above_its_limit_beyond_doubt_is_held_against_the_narrow_one():
    check = row(judged(result(loss=0.312, noise=0.01))[1], "against the model in service")
    assert (check.high, check.passed) == (0.01, False)
    check = row(judged(result(loss=0.312, noise=0.1))[1], "against the model in service")
    assert (check.high, check.passed) == (0.03, False)


def test_a_chain_that_got_better_holds_and_says_why():
    better = result(loss=0.299, noise=0.0001)
    check = row(judged(better, carried=CHAIN)[1], "added up")
    assert check.passed
    assert "no worse than the one in service" in check.remark


def costed_run(tmp_path, verdict, found):
    """A run whose model the gate blessed, with what came of the cost of stock."""
    (tmp_path / COST_VERDICT_FILE).write_text(found.model_dump_json())
    properties = {"blessed": int(found.blessed), "reason": found.reason}
    stage = StageReport(
        "CostJudge", "run", "", 1.0, 0, {"blessing": ArtifactReport(str(tmp_path), properties)}
    )
    report = dataclasses.replace(
        REPORT,
        verdict=verdict.model_dump(),
        config={"gate": GATE.model_dump()},
        stages=(stage,),
        cost=properties,
    )
    return gate_part(RunFiles(tmp_path, report))


COSTED = CostVerdict(
    blessed=False,
    reason="stock costs 3.4 % more",
    outcome="worse",
    increase=0.034,
    low=0.024,
    high=0.044,
    allowed=0.02,
    unproven=0.06,
    holding_cost=1_300.0,
    stockout_cost=900.4,
    holding_cost_in_service=1_200.0,
    stockout_cost_in_service=930.0,
    intervals=370,
    examples=380,
    series=370,
)
FINE = judge([result()], [], GATE, comparison="compared with the model in service")


def test_a_model_that_costs_too_much_has_a_row_that_failed_and_is_not_blessed(tmp_path):
    part = costed_run(tmp_path, FINE, COSTED)
    assert FINE.blessed
    assert not part.blessed
    assert [check.name for check in part.checks if check.passed is False] == [
        "Cost of stock against the model in service"
    ]
    row = part.checks[-1]
    assert (row.value, row.high, row.interval) == (0.034, 0.02, (0.024, 0.044))
    assert row.remark == (
        "370 of 380 intervals count; left over and short: 1,300 + 900, in service 1,200 + 930"
    )


@pytest.mark.parametrize(
    ("changes", "limit"),
    [
        ({"outcome": "unproven", "blessed": True, "low": -0.01}, 0.06),
        ({"increase": 0.07, "low": -0.01, "high": 0.15}, 0.06),
        ({"increase": 0.07, "low": None, "high": None}, 0.06),
        ({"outcome": "within", "blessed": True, "increase": 0.01, "high": 0.015}, 0.02),
    ],
)
def test_the_limit_of_a_cost_is_the_one_that_decided(tmp_path, changes, limit):
    row = costed_run(tmp_path, FINE, COSTED.model_copy(update=changes)).checks[-1]
    assert row.high == limit
    assert ("noise could be the reason" in row.remark) is (limit == 0.06)
    assert (row.interval is None) is (changes.get("low", 0.0) is None)


def test_a_cost_of_few_intervals_is_shown_and_not_judged(tmp_path):
    few = COSTED.model_copy(update={"outcome": "unjudged", "blessed": True, "reason": "too few"})
    row = costed_run(tmp_path, FINE, few).checks[-1]
    assert (row.passed, row.value, row.high, row.remark) == (None, 0.034, None, "too few")
    assert row.interval == (0.024, 0.044)


@pytest.mark.parametrize(
    ("found", "passed"),
    [
        (not_compared("no model in service"), None),
        (cannot_be_costed("nothing counts", examples=3), False),
    ],
)
def test_a_cost_that_was_not_judged_has_its_reason(tmp_path, found, passed):
    row = costed_run(tmp_path, FINE, found).checks[-1]
    assert (row.passed, row.value, row.remark) == (passed, None, found.reason)


def test_without_a_comparison_of_costs_there_is_no_row(tmp_path):
    report = dataclasses.replace(REPORT, verdict=FINE.model_dump(), config={})
    names = [check.name for check in gate_part(RunFiles(tmp_path, report)).checks]
    assert "Cost of stock against the model in service" not in names
