"""The verdict: kept, read, and shown."""

import json

import pytest
from verdicts import slice_result as result

from demandcast.components.evaluation.judging import judge
from demandcast.components.evaluation.verdict import Verdict, format_verdict, read_verdict
from demandcast.schema.config.gate import FloorsConfig, GateConfig
from demandcast.schema.errors import DemandcastError

GATE = GateConfig(floors=FloorsConfig(max_absolute_bias=0.2))
COMPARED = "compared with the model in service"


def test_read_what_was_written(tmp_path):
    verdict = judge([result(bias=None)], ["bias"], GATE, comparison=COMPARED)
    (tmp_path / "verdict.json").write_text(verdict.model_dump_json())
    assert read_verdict(str(tmp_path)) == verdict
    assert json.loads(verdict.model_dump_json())["slices"][0]["candidate"]["bias"] is None


def test_a_verdict_of_an_earlier_version_is_read(tmp_path):
    """It had no notes, no intervals, no differences."""
    metrics = {"examples": 24.0, "weighted_quantile_loss": 0.3, "wape": None}
    old = {
        "blessed": True,
        "reasons": [],
        "comparison": COMPARED,
        "slices": [{"name": "overall", "candidate": metrics, "in_service": metrics}],
    }
    (tmp_path / "verdict.json").write_text(json.dumps(old))
    verdict = read_verdict(str(tmp_path))
    assert verdict.notes == ()
    assert (verdict.overall.intervals, verdict.overall.difference) == ({}, {})
    assert "overall        24  0.300" in format_verdict(verdict)


def test_intervals_and_differences_are_plain_json():
    verdict = judge([result(noise=0.01, bias=None)], (), GATE, comparison=COMPARED)
    (overall,) = json.loads(verdict.model_dump_json())["slices"]
    assert overall["intervals"]["wape"] == [0.49, 0.51]
    assert overall["intervals"]["bias"] is None
    found = overall["difference"]["weighted_quantile_loss_increase"]
    assert found == {"value": 0.0, "low": -0.01, "high": 0.01}


@pytest.mark.parametrize("content", [None, "{", '{"blessed": true}'])
def test_missing_or_damaged_verdict(tmp_path, content):
    if content is not None:
        (tmp_path / "verdict.json").write_text(content)
    with pytest.raises(DemandcastError, match=r"verdict\.json: not a verdict"):
        read_verdict(str(tmp_path))


def test_table():
    slices = [
        result(noise=0.0123, wape_skill=1 - 0.5 / 0.6, loss=0.306),
        result("store=a", examples=1200.0, noise=None),
    ]
    verdict = judge(slices, ["bias"], GATE, comparison=COMPARED)
    lines = format_verdict(verdict).splitlines()
    assert lines[0] == "Not blessed:"
    assert lines[1].startswith("  - bias cannot be computed")
    assert lines[2] == "Compared with the model in service."
    table = lines[-3:]
    assert "strict" not in table[0]
    assert table[0].split()[:5] == ["slice", "examples", "loss", "change", "skill"]
    assert " ".join(table[1].split()) == (
        "overall 1,000 0.3060 ±0.0123 +2.0 ±1.2 % 0.200 0.5000 ±0.0123 - - 0.800 0.900"
    )
    assert table[2].split()[:5] == ["store=a", "1,200", "0.300", "-", "0.200"]
    assert len({len(line) for line in table}) == 1


def test_table_without_a_model_in_service_has_no_change_and_both_skills():
    part = result(noise=0.01).model_copy(update={"in_service": {}, "difference": {}})
    *_, header, overall = format_verdict(judge([part], (), GATE, comparison="alone")).splitlines()
    assert "change" not in header
    assert header.count("skill") == 2
    assert " ".join(overall.split()) == (
        "overall 1,000 0.3000 ±0.0100 0.200 0.5000 ±0.0100 0.200 - - 0.800 0.900"
    )


def test_table_has_the_ranges_of_steps_below_overall():
    names = {f"{name}_steps_1_7": value for name, value in (("examples", 900.0), ("wape", 0.25))}
    verdict = judge([result(**names), result("store=a")], (), GATE, comparison=COMPARED)
    lines = format_verdict(verdict).splitlines()
    assert lines[-2].split()[:3] == ["steps", "1-7", "900"]
    assert "0.250" in lines[-2]


@pytest.mark.parametrize("in_service", [None, 0.3])
def test_table_fits_a_terminal_of_120_columns(in_service):
    wide = {"mase": 1.1234, "bias": -0.1234}
    slices = [
        result(examples=5e4, noise=0.0123, in_service=in_service, **wide),
        result("manufacturer=a very long name indeed", noise=0.0123, **wide),
    ]
    if in_service is None:
        slices = [part.model_copy(update={"in_service": {}}) for part in slices]
    text = format_verdict(judge(slices, (), GATE, comparison=COMPARED))
    _, table = text.rsplit("\n\n", 1)
    assert max(map(len, table.splitlines())) <= 120
    assert "manufacturer=a very long…" in text


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
