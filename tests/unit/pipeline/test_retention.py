import contextlib
import datetime
import doctest
import os
import shutil
from pathlib import Path

import pytest
from history_world import World

from demandcast.components.publishing import retention as publishing_retention
from demandcast.components.publishing.lease import Hold
from demandcast.pipeline import retention
from demandcast.pipeline.lineage import MetadataStore
from demandcast.pipeline.lock import run_lock
from demandcast.pipeline.retention import plan_pruning, prune
from demandcast.schema.config import RetentionConfig, RunConfig

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def config(world, **values):
    return world.config.model_copy(update={"retention": RetentionConfig(**values)})


def plan(world, now=NOW, **values):
    return plan_pruning(config(world, **values), now=now)


def make_room(world, now=NOW, **values):
    found = plan(world, now, **values)
    prune(found, config(world, **values))
    return found


def whole_run(writer, run_id, *, examples=None):
    """Examples (new, or from the cache), and a model of its own; returns both."""
    if examples is None:
        examples = writer.stage(run_id, "SeriesExampleGen", outputs=["examples"])
    else:
        writer.stage(run_id, "SeriesExampleGen", state="CACHED", outputs=examples)
    return examples, writer.stage(run_id, "Trainer", inputs=examples, outputs=["model"])


def there(writer, *outputs):
    return [writer.uri(id_).exists() for output in outputs for id_ in output.values()]


def live(world):
    store = MetadataStore(world.folder / "metadata.db")
    return {artifact.artifact_id for artifact in store.artifacts() if artifact.live}


def age(path, by):
    """Makes a folder and all in it look old."""
    then = (NOW - by).timestamp()
    for entry in [path, *path.rglob("*")]:
        os.utime(entry, (then, then))


def test_examples_in_docstrings_are_true():
    assert doctest.testmod(retention).failed == 0


def test_defaults_keep_ten_runs_and_five_versions():
    defaults = RetentionConfig()
    assert (defaults.runs, defaults.versions, defaults.leftover_hours) == (10, 5, 24.0)
    assert (defaults.run_days, defaults.version_days) == (None, None)
    assert RunConfig.model_fields["retention"].default == defaults


def test_nothing_there_is_nothing_to_remove(world):
    assert plan(world, runs=1).is_empty
    make_room(world, runs=1)


def test_artifacts_of_old_runs_go_unless_a_kept_run_used_them(world):
    writer = world.store()
    examples, first = whole_run(writer, "one")
    _, second = whole_run(writer, "two", examples=examples)
    _, third = whole_run(writer, "three", examples=examples)
    found = make_room(world, runs=2)
    assert found.runs == ("one",)
    assert found.artifacts == (writer.uri(first["model"]),)
    assert found.size == 1000
    assert there(writer, examples, first, second, third) == [True, False, True, True]
    assert live(world) == {examples["examples"], second["model"], third["model"]}
    assert plan(world, runs=2).is_empty


def test_failed_runs_do_not_drive_out_the_last_models(world):
    writer = world.store()
    _, model = whole_run(writer, "one")
    failed = [
        writer.stage(f"failed-{number}", "SeriesExampleGen", outputs=["examples"])
        for number in range(4)
    ]
    make_room(world, runs=1)
    assert there(writer, model, *failed) == [True, False, False, False, True]


def test_no_limit_keeps_all_runs(world):
    writer = world.store()
    for run_id in ("one", "two"):
        whole_run(writer, run_id)
    assert plan(world, runs=None).is_empty


def test_runs_go_by_age_too(world):
    writer = world.store()
    for run_id in ("one", "two"):
        whole_run(writer, run_id)
    assert plan(world, NOW + 2 * DAY, run_days=3).is_empty
    assert plan(world, NOW + 4 * DAY, run_days=3).runs == ("one", "two")


def test_runs_of_the_model_in_service_and_of_the_way_back_stay(world):
    writer = world.store()
    models = {run_id: whole_run(writer, run_id)[1] for run_id in ("one", "two", "three", "four")}
    world.push("b", "two")
    world.push("c", "three", hour=1)
    found = make_room(world, NOW + 9 * DAY, runs=1, run_days=1)
    assert found.runs == ("one", "four")
    assert there(writer, *models.values()) == [False, True, True, False]


def test_a_run_in_progress_stays(world):
    writer = world.store()
    whole_run(writer, "one")
    whole_run(writer, "two")
    with run_lock(world.folder, run_id="one"):
        assert plan(world, runs=1).is_empty


def test_old_versions_go(world):
    versions = [
        world.push(content, f"run-{content}", hour=hour) for hour, content in enumerate("abc")
    ]
    found = make_room(world, versions=2)
    assert found.versions == (versions[0],)
    assert found.size > 0
    assert sorted(path.name for path in world.serving.iterdir() if path.is_dir()) == [
        str(version) for version in versions[1:]
    ]


def test_what_dead_runs_left_goes_when_it_is_old(world):
    writer = world.store()
    _, model = whole_run(writer, "one")
    world.push("a", "one")
    artifacts = world.folder / "artifacts"
    left = [
        artifacts / "Trainer" / "model" / "77",
        artifacts / "Trainer" / ".system" / "executor_execution" / "77",
        world.serving / ".pushing-1700000009",
    ]
    for path in left:
        (path / "half").mkdir(parents=True)
    assert plan(world).is_empty
    for path in left:
        age(path, 2 * DAY)
    (left[0] / "half" / "new").write_text("still being written")
    assert set(plan(world).leftovers) == set(left[1:])
    age(left[0], 2 * DAY)
    age(writer.uri(model["model"]), 9 * DAY)
    found = make_room(world)
    assert set(found.leftovers) == set(left)
    assert not any(path.exists() for path in left)
    assert there(writer, model) == [True]


def test_nothing_leaves_the_serving_directory_while_another_pipeline_pushes(world, monkeypatch):
    """The lock is taken, and what it guards is there until then."""
    world.push("a", "one")
    left = world.serving / ".pushing-1700000009"
    (left / "half").mkdir(parents=True)
    age(left, 2 * DAY)
    taken = []

    @contextlib.contextmanager
    def watched(directory, files):
        del files
        taken.append((directory, left.exists()))
        yield Hold()

    monkeypatch.setattr(publishing_retention, "exclusively", watched)
    make_room(world)
    assert taken == [(str(world.serving), True)]
    assert not left.exists()


def test_work_that_no_kept_run_used_goes(world):
    writer = world.store()
    for run_id, search in (("one", "aa"), ("two", "bb"), ("three", "cc")):
        results = writer.stage(
            run_id, "Tuner", outputs=["tuner_results"], properties={"search": search}
        )
        writer.stage(run_id, "Trainer", inputs=results, outputs=["model"])
    folders = [
        *(world.folder / "tuning" / name for name in ("aa", "bb", "cc", "bb.damaged-1", "killed")),
        *(world.folder / "backtests" / "retrained" / day for day in ("2026-01-01", "2026-02-01")),
    ]
    for days, path in enumerate(reversed(folders), start=2):
        (path / "deep").mkdir(parents=True)
        (path / "deep" / "file").write_text("x" * 10)
        age(path, days * DAY)
    found = make_room(world, runs=2, run_days=7)
    # "two" and "three" are kept, and so are their searches; "killed" is new enough.
    assert found.searches == (folders[0],)
    assert found.retrained == ()
    assert found.size == 2 * 1000 + 10
    assert not folders[0].exists()
    assert all(path.exists() for path in folders[1:])
    assert plan(world, runs=2, run_days=7).is_empty
    found = make_room(world, runs=1)
    assert found.searches == (folders[1], folders[3])
    assert found.retrained == (folders[5],)
    assert found.text.endswith("2 searches, 1 retrained model: less than 1 MiB")
    assert [path.exists() for path in folders] == [False, False, True, False, True, False, True]
    assert (world.folder / "metadata.db").exists()


def test_what_a_backtest_took_up_since_the_plan_is_not_said_to_be_gone(world):
    folders = [world.folder / "backtests" / "retrained" / day for day in ("01", "02", "03")]
    for path in folders:
        path.mkdir(parents=True)
        (path / "file").write_text("x" * 10)
        age(path, 30 * DAY)
    found = plan(world, runs=1)
    assert found.retrained == tuple(folders[:2])
    with run_lock(folders[0], run_id="a"):
        removed = prune(found, config(world, runs=1))
    assert removed.retrained == (folders[1],)
    assert removed.text == "1 retrained model: less than 1 MiB"
    # The lock's file and that of the model.
    assert found.size - removed.size >= 10
    assert [path.exists() for path in folders] == [True, False, True]


@pytest.mark.parametrize("hours", [0, -1])
def test_a_folder_that_is_being_written_is_no_leftover(hours):
    with pytest.raises(ValueError, match="leftover_hours"):
        RetentionConfig(leftover_hours=hours)


def test_a_crash_between_the_mark_and_the_removal_is_made_good(world, monkeypatch):
    writer = world.store()
    _, first = whole_run(writer, "one")
    whole_run(writer, "two")

    def crash(path):
        raise InterruptedError(path)

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", crash)
        with pytest.raises(InterruptedError):
            make_room(world, runs=1)
    assert there(writer, first) == [True]
    assert first["model"] not in live(world)
    found = make_room(world, runs=1)
    assert found.artifacts == ()
    assert writer.uri(first["model"]) in found.leftovers
    assert there(writer, first) == [False]


def test_artifacts_removed_by_hand_are_no_trouble(world):
    writer = world.store()
    _, first = whole_run(writer, "one")
    whole_run(writer, "two")
    shutil.rmtree(writer.uri(first["model"]))
    found = make_room(world, runs=1)
    assert len(found.artifacts) == 2
    assert first["model"] not in live(world)


def test_artifacts_elsewhere_are_not_ours_to_remove(world, tmp_path):
    writer = world.store()
    _, model = whole_run(writer, "one")
    whole_run(writer, "two")
    (artifact,) = writer.store.get_artifacts_by_id([model["model"]])
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    artifact.uri = str(elsewhere)
    writer.store.put_artifacts([artifact])
    assert elsewhere not in make_room(world, runs=1).artifacts
    assert elsewhere.exists()


def test_in_a_workspace_that_was_moved_nothing_is_a_leftover(world, tmp_path):
    writer = world.store()
    whole_run(writer, "one")
    moved = World(tmp_path / "moved")
    moved.root.mkdir()
    shutil.copytree(world.folder, moved.folder)
    age(moved.folder, 9 * DAY)
    assert plan(moved).is_empty


def test_the_history_stays(world):
    writer = world.store()
    for run_id in ("one", "two"):
        whole_run(writer, run_id)
        world.report(run_id)
    make_room(world, runs=1)
    assert sorted(path.name for path in (world.folder / "runs").iterdir()) == ["one", "two"]
    store = MetadataStore(world.folder / "metadata.db")
    (model,) = store.stages("one")[1].outputs["model"]
    assert not model.live
    assert Path(model.uri).parent.exists()


def test_proposals_are_records_and_never_go(world):
    """Their artifacts go with the run, like others."""
    writer = world.store()
    made = []
    for run_id in ("one", "two", "three"):
        examples, _ = whole_run(writer, run_id)
        made.append(writer.stage(run_id, "Replenisher", inputs=examples, outputs=["proposals"]))
        record = world.folder / "orders" / run_id / "proposals.json"
        record.parent.mkdir(parents=True)
        record.write_text("{}")
        age(record.parent, 400 * DAY)
    make_room(world, runs=1, leftover_hours=1)
    assert there(writer, *made) == [False, False, True]
    assert len(list((world.folder / "orders").iterdir())) == 3
