import doctest
import json

from demandcast.pipeline.cli import results
from demandcast.pipeline.cli.results import (
    show_continuity,
    show_places,
    show_stages,
    show_transactions,
    show_verdict,
)
from demandcast.pipeline.reports import ArtifactReport, RunReport, StageReport

STAGES = (
    StageReport("Transform", "cached", "2026-11-20T09:30:00+00:00", 0.1, 5 * 2**30),
    StageReport("Trainer", "run", "2026-11-20T09:30:00+00:00", 61.0, 2 * 2**30),
)
VERDICT = {
    "blessed": False,
    "reasons": ("WAPE is too high",),
    "comparison": "no model in service",
    "slices": (
        {"name": "overall", "candidate": {"examples": 24.0, "wape": 0.5}, "in_service": {}},
    ),
}


def make_report(**changes):
    values = {
        "pipeline": "quickstart",
        "run_id": "one",
        "status": "succeeded",
        "seconds": 75.0,
        "stages": STAGES,
        "log": "/runs/run.log",
        "artifacts": "/runs/artifacts",
        "serving_directory": "/runs/serving",
    }
    return RunReport(**{**values, **changes})


def test_examples_in_docstrings_are_true():
    assert doctest.testmod(results).failed == 0


def test_stages_have_time_and_memory(capsys):
    show_stages(make_report())
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["Transform", "cached", "0.1", "s", "-"]
    assert lines[2].split() == ["Trainer", "run", "1", "min", "01", "s", "2.0", "GiB"]
    assert lines[3].split()[:5] == ["whole", "run", "1", "min", "15"]


def test_the_verdict_has_its_reasons_and_the_push(capsys):
    show_verdict(make_report(verdict=VERDICT, push={"pushed": 0, "reason": "it did not pass"}))
    text = capsys.readouterr().out
    assert "Not blessed:\n  - WAPE is too high" in text
    assert "Push: it did not pass" in text


def test_orders_follow_the_push(capsys):
    finding = "193 worth 15,680.28; 15 wait for approval; 16 critical"
    show_verdict(make_report(verdict=VERDICT, orders={"proposed": 1, "finding": finding}))
    assert capsys.readouterr().out.endswith(f"\nOrders: {finding}\n")


def test_without_verdict_nothing_is_said(capsys):
    show_verdict(make_report())
    assert capsys.readouterr().out == ""


def test_places(capsys):
    show_places(make_report())
    text = capsys.readouterr().out
    assert all(path in text for path in ("/runs/artifacts", "/runs/run.log", "/runs/serving"))


def test_rules_of_transactions_have_lines_and_units(capsys):
    counts = [
        {"rule": "read", "lines": 1200, "units": 3500.5},
        {"rule": "no product", "lines": 1, "units": -2.0},
    ]
    examples = ArtifactReport("/examples", {"transactions": json.dumps(counts)})
    stage = StageReport("SeriesExampleGen", "cached", "", 0.1, 1, {"examples": examples})
    show_transactions(make_report(stages=(stage,)))
    assert capsys.readouterr().out.splitlines()[1:] == [
        "lines of sales  lines    units",
        "read            1,200  3,500.5",
        "no product          1       -2",
    ]


def test_other_tables_have_no_rules_of_transactions(capsys):
    stage = StageReport("SeriesExampleGen", "run", "", 0.1, 1, {"examples": ArtifactReport("/e")})
    show_transactions(make_report(stages=(stage,)))
    show_transactions(make_report())
    assert not capsys.readouterr().out


def test_the_finding_of_continuity_is_a_sentence(tmp_path, capsys):
    file = tmp_path / "value"
    file.write_text("the data goes on as that of version 7", encoding="utf-8")
    finding = ArtifactReport(str(file))
    stage = StageReport("DataContinuity", "cached", "", 0.1, 1, {"finding": finding})
    show_continuity(make_report(stages=(stage,)))
    show_continuity(make_report())
    assert capsys.readouterr().out == "The data goes on as that of version 7.\n"
