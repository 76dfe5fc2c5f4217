import json
import os
import sqlite3
import subprocess
import sys

import pytest
from history_world import World

from demandcast.pipeline.lineage import MetadataStore
from demandcast.schema.errors import DemandcastError


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


@pytest.fixture
def two_runs(world):
    """The second takes the examples from the cache and trains anew."""
    writer = world.store()
    examples = writer.stage("one", "SeriesExampleGen", outputs=["examples"], properties={"rows": 3})
    model = writer.stage("one", "Trainer", inputs={"examples": examples["examples"]})
    writer.stage("two", "SeriesExampleGen", state="CACHED", outputs=examples)
    other = writer.stage("two", "Trainer", inputs={"examples": examples["examples"]})
    return writer, examples["examples"], model["out"], other["out"]


def open_store(world, **options):
    return MetadataStore(world.folder / "metadata.db", **options)


def test_stages_have_status_inputs_and_outputs(world, two_runs):
    writer, examples, _, other = two_runs
    first, second = open_store(world).stages("two")
    assert [(stage.name, stage.status) for stage in (first, second)] == [
        ("SeriesExampleGen", "cached"),
        ("Trainer", "run"),
    ]
    (read,) = second.inputs["examples"]
    assert (read.artifact_id, read.uri) == (examples, str(writer.uri(examples)))
    assert second.outputs["out"][0].artifact_id == other


def test_the_time_of_a_stage_is_that_between_its_first_word_and_its_last(world, two_runs):
    began = 1_700_000_000_000  # Milliseconds; 2023-11-14 22:13:20 UTC.
    with sqlite3.connect(world.folder / "metadata.db") as database:
        database.execute(
            "UPDATE Execution SET create_time_since_epoch = ?, last_update_time_since_epoch = ?",
            (began, began + 2_500),
        )
    database.close()
    stage = open_store(world).stages("two")[1]
    assert stage.started == "2023-11-14T22:13:20+00:00"
    assert stage.seconds == pytest.approx(2.5)
    assert stage.to_report().seconds == stage.seconds


def test_a_cached_result_names_the_run_that_made_it(world, two_runs):
    cached, trained = open_store(world).stages("two")
    (examples,) = cached.outputs["examples"]
    assert (examples.made_by_run, examples.made_by_stage) == ("one", "SeriesExampleGen")
    assert trained.inputs["examples"] == cached.outputs["examples"]
    assert trained.outputs["out"][0].made_by_run == "two"


def test_a_stage_can_be_told_as_a_report(world, two_runs):
    writer, examples, *_ = two_runs
    report = open_store(world).stages("one")[0].to_report()
    assert (report.name, report.status) == ("SeriesExampleGen", "run")
    assert report.outputs["examples"].uri == str(writer.uri(examples))
    assert report.outputs["examples"].properties == {"rows": 3}


@pytest.mark.parametrize(
    ("state", "status"),
    [("FAILED", "failed"), ("CANCELED", "running"), ("RUNNING", "running"), ("NEW", "running")],
)
def test_states_become_words(world, state, status):
    world.store().stage("one", "Trainer", state=state, outputs=[])
    (stage,) = open_store(world).stages("one")
    assert (stage.status, stage.outputs) == (status, {})


def test_runs_are_listed_and_an_unknown_one_has_no_stages(world, two_runs):
    store = open_store(world)
    assert store.run_ids() == ("one", "two")
    assert store.stages("three") == ()


def test_the_artifacts_of_runs_are_all_that_they_touched(world, two_runs):
    writer, examples, model, other = two_runs
    writer.stage("three", "SeriesExampleGen", state="CACHED", outputs={"examples": examples})
    writer.stage("three", "Trainer", state="FAILED", outputs=[])
    store = open_store(world)
    runs = store.runs(pipeline=world.config.name, node="Trainer")
    assert [(run.run_id, run.artifact_ids, run.whole) for run in runs] == [
        ("one", {examples, model}, True),
        ("two", {examples, other}, True),
        ("three", {examples}, False),
    ]
    assert runs[0].began <= runs[1].began
    assert not any(run.whole for run in store.runs(pipeline="another", node="Trainer"))
    assert {artifact.artifact_id for artifact in store.artifacts()} == {examples, model, other}


def test_artifacts_marked_as_deleted_are_not_live(world, two_runs):
    _, examples, model, _ = two_runs
    open_store(world, read_only=False).mark_deleted([examples])
    live = {artifact.artifact_id: artifact.live for artifact in open_store(world).artifacts()}
    assert (live[examples], live[model]) == (False, True)
    assert not open_store(world).stages("two")[1].inputs["examples"][0].live


def test_more_than_one_batch_of_identities(world, monkeypatch):
    from demandcast.pipeline import lineage

    monkeypatch.setattr(lineage, "_ID_BATCH", 2)
    writer = world.store()
    ids = {id_ for _ in range(5) for id_ in writer.stage("one", "Trainer").values()}
    store = open_store(world, read_only=False)
    assert store.runs(pipeline="any", node="Trainer")[0].artifact_ids == ids
    store.mark_deleted(ids)
    assert not any(artifact.live for artifact in store.artifacts())
    assert len(store.stages("one")) == 5


def test_a_missing_store_is_named(tmp_path):
    with pytest.raises(DemandcastError, match=r"metadata\.db: there is no metadata store"):
        MetadataStore(tmp_path / "metadata.db")
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_store_is_named(tmp_path):
    (tmp_path / "metadata.db").write_text("not SQLite" * 100)
    with pytest.raises(DemandcastError, match=r"metadata\.db: not a metadata store"):
        MetadataStore(tmp_path / "metadata.db").run_ids()


def test_the_store_is_read_without_tfx(world, two_runs):
    code = (
        "import json, sys; from pathlib import Path\n"
        "from demandcast.pipeline.lineage import MetadataStore\n"
        "MetadataStore(Path(sys.argv[1])).stages('two')\n"
        "print(json.dumps(sorted({'tfx', 'tensorflow', 'apache_beam'} & set(sys.modules))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(world.folder / "metadata.db")],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONSAFEPATH": "1"},
    )
    assert json.loads(done.stdout) == []
