"""Every stage of the pipeline killed at every moment, and left without room: `make test-crash`.

pytest does not find this file by itself: it takes twenty minutes.

A chain begins with a change that makes every stage run again. The first stage is killed; the
next run finds what was done before it in the cache, and is killed in the stage after it; and so
on, until the last one. After each kill the serving directory is looked at, and at the end of
the chain nothing is left of the runs that were killed.
"""

from __future__ import annotations

import itertools
import shutil

import polars as pl
import pytest
from crash_checks import look_at_serving, statuses
from crash_points import (
    FILES,
    LAUNCHER,
    Point,
    after_publishing,
    before_executor,
    before_publishing,
)
from crash_server import KILLED, CrashServer
from crash_world import BEFORE_TRAINER, JUDGES_ITSELF, STAGES, CrashWorld
from pipeline_tiny import write_config
from small_disk import small_disk

from demandcast.components.simulation.config import preset
from demandcast.components.simulation.write import write_sample_data
from demandcast.schema.artifact_names import PROPOSAL_FACTS_FILE, PROPOSALS_FILE
from demandcast.schema.proposal_facts import ProposalFacts

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

SUPPLY = ("inventory", "supply_terms", "suppliers", "lead_times")
ORDERS = ("BatchForecaster", "Replenisher")
EPOCH = "demandcast.components.forecasting.training:_Progress.on_epoch_end"
CHANGE = {
    "before the executor": "forecast.horizon=6",
    "first file": "forecast.horizon=5",
    "before publishing": "forecast.horizon=4",
    "within the commit": "forecast.horizon=3",
    "after publishing": "forecast.horizon=2",
    "no room": "sampling.max_history=500",
    "little room": "sampling.max_history=450",
}
"""Change of the configuration that makes every stage run again, one for each chain."""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A pipeline whose first run has come to its end."""
    folder = tmp_path_factory.mktemp("matrix")
    write_sample_data(folder / "data", preset("tiny", horizon=7))
    server = CrashServer(folder)
    tables = {name: {"path": f"data/{name}.parquet"} for name in SUPPLY}
    config = write_config(folder, replenishment={"enabled": True, "tables": tables})
    world = CrashWorld(server, config, folder / "runs")
    assert world.run().code == 0
    world.keep(folder / "kept")
    yield world
    server.close()


@pytest.fixture
def after_first_run(world):
    """The same after its first run: a model was pushed since the first stage looked for one.

    Otherwise that stage may be cached, and is not killed. Then the run that was to be killed there
    comes to its end, and so does the chain.
    """
    world.start_over(world.workspace.with_name("kept"))
    return world


def kill_within(world: CrashWorld, stage: str, moment: str, change: str) -> bool:
    """Kills a run in a stage at a moment; tells whether the run was killed at all."""
    points = {
        "before the executor": before_executor(stage),
        "before publishing": before_publishing(stage),
        "after publishing": after_publishing(stage),
        "within the commit": before_publishing(stage, action="SIGSTOP"),
    }
    pid = world.server.start(world.arguments(change), points.get(moment))
    files = {
        "first file": world.pipeline / "artifacts" / stage / "[!.]*" / "*" / "**",
        "within the commit": world.pipeline / "metadata.db-journal",
    }
    if moment == "within the commit":
        wait_for_stop(pid)
    done = world.server.wait(pid, kill_at=files.get(moment))
    assert done.code in (0, KILLED), done.screen
    return done.code == KILLED


def wait_for_stop(pid: int) -> None:
    """Waits until a child of the server has stopped itself, or has ended."""
    while True:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
            if file.read().rpartition(")")[2].split()[0] in "TZ":
                return


@pytest.mark.parametrize("moment", list(CHANGE)[:5])
def test_every_stage_killed_at_a_moment_starts_again_and_those_before_it_do_not(
    after_first_run, moment
):
    world, change = after_first_run, CHANGE[moment]
    order = list(statuses(world.pipeline))
    assert sorted(order) == sorted((*STAGES, *ORDERS))
    kills = 0
    for position, stage in enumerate(order):
        before = look_at_serving(world.serving)
        killed = kill_within(world, stage, moment, change)
        kills += killed
        world.look_after_kill(before)
        seen = statuses(world.pipeline)
        # A file may be there for a moment that is too short to be seen; and what serves may be what
        # served when the chain before ended.
        there = moment in ("first file", "within the commit") or seen[stage] == "cached"
        assert killed or there, stage
        # After a push the new model is in service, and judged against itself.
        judged = (*JUDGES_ITSELF, "Pusher") if stage in ORDERS else ()
        before_it = [name for name in order[: max(position - 1, 0)] if name not in judged]
        assert {seen[name] for name in before_it} <= {"cached"}, stage
    assert kills > len(order) / 2
    done = world.run(change)
    assert done.code == 0, done.screen
    world.look_after_end()
    look_at_proposals(world)


def look_at_proposals(world: CrashWorld) -> None:
    """Checks that every folder of a proposal is whole: its facts are the last file of it."""
    folders = list((world.pipeline / "orders").iterdir())
    assert folders
    for folder in folders:
        ProposalFacts.model_validate_json((folder / PROPOSAL_FACTS_FILE).read_text())
        assert pl.read_parquet(folder / PROPOSALS_FILE).height > 0


@pytest.mark.parametrize("call", [1, 2])
def test_training_killed_between_epochs_starts_again(world, call):
    change = f"training.seed={call}"
    world.kill(Point(EPOCH, when="after", call=call), change)
    world.finish(change, cached=BEFORE_TRAINER, killed="Trainer")


@pytest.fixture(scope="module")
def evaluated(world):
    """A new model has passed the gate; gives a way back to the moment before its push."""
    change = "training.seed=1000"
    world.kill(Point("demandcast.components.publishing.component:push_model"), change)
    kept = world.workspace.with_name("evaluated")
    shutil.copytree(world.serving, kept)

    def start_over() -> str:
        shutil.rmtree(world.serving)
        shutil.copytree(kept, world.serving)
        return change

    return start_over


@pytest.mark.parametrize("operation", ["copy", "write", "rename"])
def test_every_change_of_a_push_can_be_the_last(world, evaluated, operation):
    for call in itertools.count(1):
        change = evaluated()
        before = look_at_serving(world.serving)
        point = Point(f"{FILES}.{operation}", call=call, text=str(world.serving))
        done = world.run(change, point=point)
        if done.code == 0:
            break
        assert done.code == KILLED
        world.look_after_kill(before)
        world.finish_push(before, change)
    assert call > 2


def test_every_writing_of_the_report_can_be_the_last(world):
    for call in itertools.count(1):
        before = look_at_serving(world.serving)
        point = Point("pathlib:Path.replace", call=call, text=".run.json.new")
        done = world.run("training.seed=5000", point=point)
        if done.code == 0:
            break
        assert done.code == KILLED
        world.look_after_kill(before)
    assert call > 20
    world.look_after_end()


@pytest.mark.parametrize(("moment", "room"), [("no room", 0), ("little room", 64 * 1024)])
def test_every_stage_without_room_is_one_message_and_goes_on_with_room(world, moment, room):
    change = CHANGE[moment]
    with small_disk(world.workspace, mebibytes=300) as disk:
        for stage in list(statuses(world.pipeline)):
            before = look_at_serving(world.serving)
            point = Point(
                f"{LAUNCHER}._prepare_execution",
                stage=stage,
                action="fill",
                folder=str(disk),
                room=room,
            )
            done = world.run(change, point=point)
            (disk / "filler").unlink()
            world.look_after_kill(before)
            if room and done.code == 0:
                continue  # Small enough for the room that there was.
            assert done.code == 2, done.screen
            errors = [line for line in done.screen.splitlines() if line.startswith("error:")]
            assert len(errors) == 1
            assert f"no space left on the disk of {disk}" in errors[0]
            assert "Traceback" not in done.screen
        done = world.run(change)
        assert done.code == 0, done.screen
        world.look_after_end()
