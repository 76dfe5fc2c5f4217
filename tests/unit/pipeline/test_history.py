import datetime
import os
from pathlib import Path

import pytest
from history_world import World, make_report, stages_of

from demandcast.components.publishing.rollback import RollbackRequest, roll_back
from demandcast.components.storage.files import LocalFiles
from demandcast.pipeline.history import History, PastRun
from demandcast.pipeline.lock import run_lock
from demandcast.schema.errors import BadInputError

OLD, MIDDLE, NEW = "20261118-093000-000", "20261119-093000-000", "20261120-093000-000"
NOT_BLESSED = {"blessed": False, "reasons": ["WAPE"], "comparison": "none", "slices": []}
BLESSED = {**NOT_BLESSED, "blessed": True}


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def history(world):
    return History(world.config)


def outcome(alive=False, **changes):
    return PastRun(make_report(NEW, Path("/runs/demand"), **changes), alive=alive).outcome


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "pushed as version 7"),
        ({"verdict": NOT_BLESSED, "push": {"pushed": 0}}, "refused"),
        ({"cost": {"blessed": 0, "reason": "dear"}, "push": {"pushed": 0}}, "refused"),
        ({"infrastructure": {"blessed": 0, "reason": "NaN"}, "push": {"pushed": 0}}, "refused"),
        ({"push": {"pushed": 0, "pushed_version": "7"}}, "nothing new"),
        (
            {
                "push": {"pushed": 0, "pushed_version": "7"},
                "stages": stages_of(("Trainer", "cached"), ("Pusher", "run")),
            },
            "cached, nothing new",
        ),
        ({"push": {"pushed": 0, "reason": "rolled back"}}, "not pushed: rolled back"),
        ({"until": "gate", "verdict": None, "push": None}, "data checked"),
        ({"until": "training", "verdict": None, "push": None}, "trained"),
        ({"until": "statistics", "verdict": None, "push": None}, "statistics"),
        ({"verdict": None, "push": None}, "done"),
        ({"status": "failed", "error": "AnomalyError: column 'x'"}, "anomalies"),
        (
            {
                "status": "failed",
                "error": "KeyError: x",
                "stages": stages_of(("Trainer", "failed")),
            },
            "failed at Trainer",
        ),
        (
            {"status": "failed", "error": "ContractError: no file", "stages": ()},
            "failed before the first stage",
        ),
        (
            {"status": "interrupted", "stages": stages_of(("Trainer", "failed"))},
            "interrupted in Trainer",
        ),
        ({"status": "interrupted", "stages": ()}, "interrupted while loading"),
        (
            {"status": "running", "stages": stages_of(("A", "run"), ("Trainer", "running"))},
            "died in Trainer",
        ),
        ({"status": "running", "stages": stages_of(("Trainer", "run"))}, "died after Trainer"),
        ({"status": "running", "stages": ()}, "died while loading"),
    ],
)
def test_the_outcome_in_words(changes, expected):
    assert outcome(**changes) == expected


def test_a_run_in_progress_names_its_stage():
    stages = stages_of(("Trainer", "running"))
    assert outcome(alive=True, status="running", stages=stages) == "running Trainer"
    assert outcome(alive=True, status="running", stages=()) == "running"


def test_no_runs(world):
    assert history(world).run_ids() == ()
    assert list(history(world).newest()) == []
    assert history(world).pointer is None
    for reference in ("latest", "in-service", "7", ""):
        with pytest.raises(BadInputError, match=f"run {reference!r}: no"):
            history(world).resolve(reference)


def test_runs_come_newest_first_and_no_more_than_asked_for(world):
    for run_id in (MIDDLE, OLD, NEW):
        world.report(run_id)
    (world.folder / "runs" / "notes.txt").write_text("not a run")
    assert history(world).run_ids() == (NEW, MIDDLE, OLD)
    assert [run.run_id for run in history(world).newest(2)] == [NEW, MIDDLE]


def test_facts_of_a_run(world):
    report = world.report(NEW)
    run = history(world).run(NEW)
    assert (run.report, run.source, run.note) == (report, "run.json", "")
    assert run.seconds == 75.0
    assert run.data["rows"] == 1234
    assert run.metrics == {"wape": 0.25, "examples": 24.0}
    assert not run.in_service


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("latest", NEW),
        ("in-service", MIDDLE),
        (OLD, OLD),
        ("20261118", OLD),
        ("2026112", NEW),
        ("1700000000", OLD),
        ("1700003600", MIDDLE),
    ],
)
def test_a_run_is_found_by_its_names(world, reference, expected):
    for run_id in (OLD, MIDDLE, NEW):
        world.report(run_id)
    world.push("one", OLD)
    world.push("two", MIDDLE, hour=1)
    assert history(world).resolve(reference).run_id == expected


@pytest.mark.parametrize(
    ("reference", "message"),
    [("2026", "several begin so: "), ("1999", "no such run"), ("1700009999", "no such run")],
)
def test_other_names_are_refused(world, reference, message):
    for run_id in (OLD, NEW):
        world.report(run_id)
    world.push("one", OLD)
    with pytest.raises(BadInputError, match=f"run '{reference}': {message}"):
        history(world).resolve(reference)


def test_after_a_rollback_the_earlier_run_is_in_service(world):
    for run_id in (OLD, NEW):
        world.report(run_id)
    world.push("one", OLD)
    world.push("two", NEW, hour=1)
    assert [run.in_service for run in history(world).newest()] == [True, False]
    now = datetime.datetime.fromtimestamp(1_700_090_000, datetime.UTC)
    request = RollbackRequest(None, by="eve")
    copy = roll_back(request, str(world.serving), files=LocalFiles(), now=now).version
    assert [run.in_service for run in history(world).newest()] == [False, True]
    assert history(world).resolve("in-service").run_id == OLD
    assert history(world).resolve(str(copy)).run_id == OLD


def test_a_damaged_pointer_marks_nothing(world):
    world.report(NEW)
    world.serving.mkdir(parents=True)
    (world.serving / "in_service.json").write_text("{")
    assert not history(world).run(NEW).in_service


def test_a_version_placed_by_hand_has_no_run(world):
    world.push("one", "")
    with pytest.raises(BadInputError, match="nobody knows which run made version 1700000000"):
        history(world).resolve("in-service")


def test_a_run_that_says_running_is_alive_only_while_the_lock_is_held(world):
    log = world.run_folder(NEW) / "run.log"
    log.write_text("last words")
    world.report(NEW, status="running", finished=None, exit_code=None, seconds=0.0, stages=())
    start = datetime.datetime.fromisoformat("2026-11-20T09:30:00+00:00").timestamp()
    os.utime(log, (start + 42, start + 42))
    with run_lock(world.folder, run_id=NEW):
        assert history(world).run(NEW).alive
    with run_lock(world.folder, run_id="another"):
        run = history(world).run(NEW)
    assert (run.alive, run.outcome, run.seconds) == (False, "died while loading", 42.0)
    log.unlink()
    assert history(world).run(NEW).seconds is None


@pytest.mark.parametrize(
    ("text", "note"), [(None, "run.json is missing"), ("{", "run.json is damaged")]
)
def test_without_a_report_the_folder_still_counts(world, text, note):
    folder = world.run_folder(NEW)
    if text is not None:
        (folder / "run.json").write_text(text)
    run = history(world).run(NEW)
    assert (run.source, run.outcome) == ("folder", "died while loading")
    assert run.note.startswith(note)
    assert "there is no metadata store" in run.note
    assert run.started == "2026-11-20T09:30:00+00:00"
    assert (run.data, run.metrics, run.seconds) == ({}, {}, None)


def test_a_folder_that_is_not_named_like_a_run_has_no_time(world):
    world.run_folder("mine")
    assert history(world).run("mine").started == ""


def test_without_a_report_the_store_tells_the_stages(world):
    writer = world.store()
    writer.stage(NEW, "SeriesExampleGen", outputs=["examples"], properties={"rows": 3})
    writer.stage(NEW, "Trainer", state="RUNNING", outputs=[])
    writer.stage(OLD, "SeriesExampleGen", state="FAILED", outputs=[])
    pushed = {"pushed": 1, "pushed_version": "9"}
    evaluation = writer.stage(MIDDLE, "Evaluator", outputs=["evaluation"])["evaluation"]
    writer.stage(MIDDLE, "Pusher", outputs=["pushed_model"], properties=pushed)
    for run_id in (NEW, MIDDLE):
        world.run_folder(run_id)

    found = {run.run_id: run for run in history(world).newest()}
    assert {run.source for run in found.values()} == {"metadata store"}
    assert {run.note for run in found.values()} == {"run.json is missing"}
    assert found[NEW].outcome == "died in Trainer"
    assert found[NEW].data["rows"] == 3
    assert found[MIDDLE].outcome == "pushed as version 9"
    assert found[MIDDLE].metrics == {}
    with run_lock(world.folder, run_id=NEW):
        assert history(world).run(NEW).outcome == "running Trainer"

    # A verdict whose file is there is read; this run has no folder, only its metadata.
    verdict = '{"blessed": false, "reasons": ["WAPE"], "comparison": "none", "slices": [%s]}'
    overall = '{"name": "overall", "candidate": {"wape": 0.5}, "in_service": {}}'
    (writer.uri(evaluation) / "verdict.json").write_text(verdict % overall)
    assert history(world).run(MIDDLE).metrics == {"wape": 0.5}
    assert history(world).resolve("20261118").outcome == "failed at SeriesExampleGen"


def test_rows_of_reports_without_data_come_from_the_artifact(world):
    from dataclasses import replace

    from demandcast.pipeline.reports import ArtifactReport

    report = world.report(NEW, data=None)
    examples = replace(report.stages[0], outputs={"examples": ArtifactReport("/x", {"rows": 5})})
    world.report(NEW, data=None, stages=(examples,))
    assert history(world).run(NEW).data == {"rows": 5}


def test_a_run_that_ended_with_orders_is_whole_without_its_report(world):
    writer = world.store()
    writer.stage(NEW, "Trainer", outputs=["model"])
    properties = {"proposed": 1, "finding": "2 worth 3.00"}
    writer.stage(NEW, "Replenisher", outputs=["proposals"], properties=properties)
    found = history(world).run(NEW).report
    assert found.status == "succeeded"
    assert found.orders == properties
