"""The verdict: each way out, in words."""

import json

import pytest

from demandcast.components.evaluation.verdict import (
    SliceResult,
    Verdict,
    format_verdict,
    judge,
    read_verdict,
)
from demandcast.schema.config.gate import ChangeConfig, FloorsConfig, GateConfig
from demandcast.schema.errors import DemandcastError

GATE = GateConfig(
    floors=FloorsConfig(max_absolute_bias=0.2),
    change=ChangeConfig(min_slice_examples=100),
)
COMPARED = "compared with the model in service"


def result(name="overall", *, loss=0.3, in_service=0.3, examples=1000.0, **metrics):
    candidate = {
        "examples": examples,
        "weighted_quantile_loss": loss,
        "naive_weighted_quantile_loss": 0.4,
        "wape": 0.5,
        "naive_wape": 0.6,
        "coverage_80": 0.8,
        "coverage_90": 0.9,
        **metrics,
    }
    return SliceResult(
        name=name, candidate=candidate, in_service={"weighted_quantile_loss": in_service}
    )


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
            {"loss": 0.5, "weighted_quantile_loss_skill": 1 - 0.5 / 0.4},
            "weighted quantile loss 0.5000 against 0.4000 of seasonal naive: "
            "skill -25.0 % must exceed 0 %",
        ),
        (
            "wape_skill",
            {"wape": 0.6, "wape_skill": 0.0},
            "WAPE 0.6000 against 0.6000 of seasonal naive: skill 0.0 % must exceed 0 %",
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
            "(allowed 1 %)",
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
    assert reasons(result(**metrics), failures=[failure]) == (reason,)


def test_coverage_that_is_not_judged_is_noted_and_no_reason():
    part = result()
    left_out = {name: v for name, v in part.candidate.items() if name != "coverage_90"}
    part = SliceResult(name="overall", candidate=left_out, in_service={})
    verdict = judge([part], (), GATE, comparison=COMPARED)
    assert verdict.blessed
    assert verdict.notes == (
        "coverage of the 90 % interval was not judged: forecast.quantile_levels lack 0.05 or 0.95",
    )
    assert format_verdict(verdict).splitlines()[2] == (
        "Coverage of the 90 % interval was not judged: forecast.quantile_levels lack 0.05 or 0.95."
    )
    assert judge([result()], (), GATE, comparison=COMPARED).notes == ()


def test_verdict_without_notes_is_read(tmp_path):
    written = judge([result()], (), GATE, comparison=COMPARED).model_dump_json(exclude={"notes"})
    (tmp_path / "verdict.json").write_text(written)
    assert read_verdict(str(tmp_path)).notes == ()


def test_slice_that_is_worse():
    worse = result("demand_class=lumpy", loss=0.36, in_service=0.3)
    assert reasons(result(), worse) == (
        "weighted quantile loss 0.3600 is 20.0 % worse than the model in service 0.3000 "
        "(allowed 10 %) in slice demand_class=lumpy",
    )


def test_slice_at_its_limit_passes():
    assert reasons(result(), result("a=1", loss=0.3 * 1.1)) == ()


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


@pytest.mark.parametrize("slices", [[], [result(examples=0.0)], [result("a=1")]])
def test_nothing_judged_is_not_blessed(slices):
    verdict = judge(slices, (), GATE, comparison=COMPARED)
    assert not verdict.blessed
    assert "no example" in verdict.reasons[0]
    assert format_verdict(verdict).startswith("Not blessed:")


def test_read_what_was_written(tmp_path):
    verdict = judge([result(bias=None)], ["bias"], GATE, comparison=COMPARED)
    (tmp_path / "verdict.json").write_text(verdict.model_dump_json())
    assert read_verdict(str(tmp_path)) == verdict
    assert json.loads(verdict.model_dump_json())["slices"][0]["candidate"]["bias"] is None


@pytest.mark.parametrize("content", [None, "{", '{"blessed": true}'])
def test_missing_or_damaged_verdict(tmp_path, content):
    if content is not None:
        (tmp_path / "verdict.json").write_text(content)
    with pytest.raises(DemandcastError, match=r"verdict\.json: not a verdict"):
        read_verdict(str(tmp_path))


def test_table():
    slices = [result(wape_skill=1 - 0.5 / 0.6), result("store=a", examples=1200.0)]
    verdict = judge(slices, ["bias"], GATE, comparison=COMPARED)
    lines = format_verdict(verdict).splitlines()
    assert lines[0] == "Not blessed:"
    assert lines[1].startswith("  - bias cannot be computed")
    assert lines[2] == "Compared with the model in service."
    assert "strict" not in lines[4]
    assert lines[4].split()[:4] == ["slice", "examples", "loss", "its"]
    assert lines[5].split()[:4] == ["overall", "1,000", "0.3000", "(0.3000)"]
    assert lines[6].split()[:2] == ["store=a", "1,200"]
    assert len({len(line) for line in lines[4:]}) == 1


def test_table_shows_the_largest_slices():
    slices = [result(), *(result(f"store={i}", examples=float(i)) for i in range(1, 6))]
    verdict = judge(slices, (), GATE, comparison=COMPARED)
    lines = format_verdict(verdict, max_slices=2).splitlines()
    assert [line.split()[0] for line in lines[-3:-1]] == ["store=5", "store=4"]
    assert lines[-1] == "... and 3 smaller slices in verdict.json"


def test_verdict_is_frozen():
    verdict = Verdict(blessed=True, reasons=(), comparison="", slices=(result(),))
    with pytest.raises(ValueError, match="frozen"):
        verdict.blessed = False
