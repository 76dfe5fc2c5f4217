"""A run that is killed, interrupted, or without room on its disk, and the run after it.

A part of the matrix that `make test-crash` runs as a whole (`tests/crash/matrix.py`): `make test`
has one of each kind, `make test-proofs` the others.
"""

from __future__ import annotations

import os
import shutil
import signal
import time

import pytest
from crash_checks import execution_states, look_at_serving, newest_report
from crash_points import FILES, LAUNCHER, Point, before_publishing
from crash_server import KILLED
from crash_world import BEFORE_TRAINER
from small_disk import small_disk

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

NEW = "training.seed=77"
"""Makes another model than the one in service: what follows is trained and pushed once more."""

EPOCH = Point("demandcast.components.forecasting.training:_Progress.on_epoch_end", when="after")
# Variables and assets are there, saved_model.pb is not.
HALF_A_MODEL = Point("tensorflow.python.lib.io.file_io:atomic_write_string_to_file")
FIRST_COPY = Point(f"{FILES}.copy", text=".pushing-")


def _proof(*values: object, **options: str) -> object:
    """A case that `make test` leaves to `make test-proofs`."""
    return pytest.param(*values, **options, marks=pytest.mark.proof)


@pytest.fixture
def world(crash_world):
    """A pipeline with a model in service; what a test pushes is taken out again after it."""
    kept = crash_world.workspace.with_name("serving")
    shutil.copytree(crash_world.serving, kept)
    yield crash_world
    shutil.rmtree(crash_world.serving)
    kept.rename(crash_world.serving)


@pytest.fixture(scope="module")
def evaluated(crash_world):
    """The new model is trained and has passed the gate: a run of it pushes, and no more."""
    kept = crash_world.workspace.with_name("before")
    shutil.copytree(crash_world.serving, kept)
    assert crash_world.run(NEW).code == 0
    shutil.rmtree(crash_world.serving)
    kept.rename(crash_world.serving)


@pytest.mark.proof
def test_training_and_evaluation_start_again_where_they_were_killed(world):
    old = look_at_serving(world.serving)
    for point, stage in [
        (EPOCH, "Trainer"),
        (HALF_A_MODEL, "Trainer"),
        (before_publishing("Evaluator"), "Evaluator"),
    ]:
        now = world.kill(point, NEW)
        assert now == old
        assert execution_states(world.pipeline)["RUNNING"] == 1
        report = newest_report(world.pipeline)
        assert (report["status"], report["stages"][-1]["name"]) == ("running", stage)
        assert report["stages"][-1]["status"] == "running"
    new = world.finish(NEW, cached=(*BEFORE_TRAINER, "Trainer"), killed="Evaluator")
    assert set(new.versions) > set(old.versions)
    assert execution_states(world.pipeline)["CANCELED"] == 3


@pytest.mark.parametrize(
    ("point", "added"),
    [
        (Point(f"{FILES}.copy", when="halfway", call=3, text=".pushing-"), 0),
        _proof(Point(f"{FILES}.rename", text=".pushing-"), 0),
        _proof(Point(f"{FILES}.rename", when="after", text=".pushing-"), 1),
        (Point(f"{FILES}.rename", text=".in_service.json.new"), 1),
        _proof(before_publishing("Pusher"), 1),
    ],
    ids=str,
)
def test_a_push_that_is_killed_leaves_the_old_model_or_the_new_one(world, evaluated, point, added):
    old = look_at_serving(world.serving)
    now = world.kill(point, NEW)
    assert len(now.versions) - len(old.versions) == added
    assert (now.pointer == old.pointer) is (point.stage == "")  # Only the last one committed.
    world.finish_push(old, NEW)


@pytest.mark.proof
def test_a_kill_while_the_metadata_are_written_leaves_what_was_or_what_is(world, evaluated):
    old = look_at_serving(world.serving)
    publish = Point(f"{LAUNCHER}._publish_successful_execution", stage="Pusher", action="SIGSTOP")
    pid = world.server.start(world.arguments(NEW), publish)
    wait_for_stop(pid)
    done = world.server.wait(pid, kill_at=world.pipeline / "metadata.db-journal")
    assert done.code == KILLED
    world.look_after_kill(old)
    world.finish_push(old, NEW)


@pytest.mark.proof
def test_a_kill_while_the_report_is_written_leaves_a_whole_report(world, evaluated):
    old = look_at_serving(world.serving)
    world.kill(Point("pathlib:Path.replace", call=9, text=".run.json.new"), NEW)
    assert newest_report(world.pipeline)["status"] == "running"
    world.finish_push(old, NEW)


@pytest.mark.parametrize("name", ["SIGINT", _proof("SIGTERM")])
def test_an_interrupted_run_says_so_and_gives_its_lock_back(world, evaluated, name):
    old = look_at_serving(world.serving)
    done = world.run(NEW, point=Point(f"{FILES}.copy", call=3, text=".pushing-", action=name))
    assert done.code == 130
    assert "interrupted" in done.screen
    report = newest_report(world.pipeline)
    assert (report["status"], report["exit_code"]) == ("interrupted", 130)
    assert report["stages"][-1]["name"] == "Pusher"
    world.look_after_kill(old)
    done = world.run(NEW)
    assert done.code == 0
    assert "did not come to its end" not in done.screen
    world.look_after_end()


def test_a_second_run_is_told_who_is_first_and_a_stale_lock_is_taken_over(world, evaluated):
    point = Point(f"{FILES}.copy", call=3, text=".pushing-", action="SIGSTOP")
    first = world.server.start(world.arguments(NEW), point)
    wait_for_stop(first)
    run_id = newest_report(world.pipeline)["run_id"]
    second = world.run(NEW)
    assert second.code == 2
    for part in (f"run {run_id} (pid {first} on ", "has been working in", f"'kill {first}'"):
        assert part in second.screen
    os.kill(first, signal.SIGKILL)
    assert world.server.wait(first).code == KILLED
    third = world.run(NEW)
    assert third.code == 0
    assert f"run {run_id} (pid {first} on " in third.screen
    assert "did not come to its end: its process is gone; its lock is taken over" in third.screen
    world.look_after_end()


def test_two_pipelines_push_to_one_directory_one_after_the_other(world, evaluated):
    point = Point(f"{FILES}.copy", call=3, text=".pushing-", action="SIGSTOP")
    first = world.server.start(world.arguments(NEW), point)
    wait_for_stop(first)
    # Another name is another pipeline, with a cache of its own; this one pushes by itself.
    from demandcast.components.publishing.exclusive import exclusively
    from demandcast.components.storage.files import LocalFiles
    from demandcast.schema.errors import ServingError

    with pytest.raises(ServingError), exclusively(str(world.serving), LocalFiles(), patience=0):
        pass
    os.kill(first, signal.SIGCONT)
    assert world.server.wait(first).code == 0
    with exclusively(str(world.serving), LocalFiles(), patience=0):
        pass
    world.look_after_end()


@pytest.mark.parametrize(
    ("point", "disk"),
    [
        _proof(FIRST_COPY, "serving", id="a version"),
        pytest.param(
            Point(f"{FILES}.write", text=".in_service.json.new"), "serving", id="the pointer"
        ),
        _proof(
            Point(f"{LAUNCHER}._prepare_execution", stage="Pusher"), "pipeline", id="the metadata"
        ),
    ],
)
def test_a_full_disk_is_one_message_and_the_next_run_with_room_goes_on(
    world, evaluated, point, disk
):
    folder = getattr(world, disk)
    with small_disk(folder, mebibytes=200):
        old = look_at_serving(world.serving)
        full = point_that_fills(point, folder)
        done = world.run(NEW, point=full)
        assert done.code == 2, done.screen
        (error,) = [line for line in done.screen.splitlines() if line.startswith("error:")]
        assert f"no space left on the disk of {folder}" in error
        assert "while Pusher was at work: 0 MiB free of 200 MiB" in error
        assert "the next run goes on with Pusher" in error
        assert "Traceback" not in done.screen
        world.look_after_kill(old)
        (folder / "filler").unlink()
        assert world.run(NEW).code == 0
        world.look_after_end()
        assert look_at_serving(world.serving).pointer != old.pointer


def point_that_fills(point: Point, folder) -> Point:
    return Point(point.target, point.when, point.call, point.stage, point.text, "fill", str(folder))


def wait_for_stop(pid: int) -> None:
    """Waits until a process has stopped itself."""
    deadline = time.monotonic() + 300
    while _state(pid) != "T":
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _state(pid: int) -> str:
    with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
        return file.read().rpartition(")")[2].split()[0]
