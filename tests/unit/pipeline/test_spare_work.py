import datetime
import os

import pytest
from history_world import World

from demandcast.pipeline.lock import LOCK_FILE, run_lock
from demandcast.pipeline.places import retrained_folder, tuning_folder
from demandcast.pipeline.spare_work import (
    old_retrained,
    old_searches,
    remove_retrained,
)
from demandcast.schema.config import RetentionConfig

NOW = datetime.datetime.now(datetime.UTC)
NAMES = ("c", "a", "b")
"""Oldest first: three, two and one days old."""


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def config(world, **values):
    return world.config.model_copy(update={"retention": RetentionConfig(**values)})


def write(folder, *names):
    """Makes a folder with a file for each name, the last of them a day old; returns them."""
    paths = [folder / name for name in names]
    for days, path in enumerate(reversed(paths), start=1):
        (path / "deep").mkdir(parents=True)
        (path / "deep" / "file").write_text("x")
        then = (NOW - datetime.timedelta(days=days, minutes=1)).timestamp()
        for entry in (path, *path.rglob("*")):
            os.utime(entry, (then, then))
    return paths


KINDS = {
    "searches": (tuning_folder, lambda config: old_searches(config, kept=(), now=NOW)),
    "retrained": (retrained_folder, lambda config: old_retrained(config, now=NOW)),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("limits", "left"),
    [
        ({}, 3),
        ({"runs": 2}, 2),
        ({"runs": 1}, 1),
        ({"runs": None}, 3),
        ({"runs": None, "run_days": 2.5}, 2),
        ({"runs": 1, "run_days": 0.5}, 0),
    ],
)
def test_the_newest_stay_by_count_and_age(world, kind, limits, left):
    folder, old = KINDS[kind]
    paths = write(folder(world.config), *NAMES)
    assert old(config(world, **limits)) == tuple(paths[: 3 - left])


def test_nothing_there_is_nothing_old(world):
    assert [old(world.config) for _, old in KINDS.values()] == [(), ()]


def test_searches_of_kept_runs_stay_and_do_not_count(world):
    paths = write(tuning_folder(world.config), *NAMES, "c.damaged-1")
    limits = config(world, runs=1)
    assert old_searches(limits, kept={"c"}, now=NOW) == tuple(paths[1:3])


@pytest.mark.parametrize(("hours", "going"), [(24, 2), (60, 1), (73, 0)])
def test_a_model_of_a_backtest_stays_while_it_may_be_read(world, hours, going):
    paths = write(retrained_folder(world.config), *NAMES)
    limits = config(world, runs=1, leftover_hours=hours)
    assert old_retrained(limits, now=NOW) == tuple(paths[:going])


def test_a_model_of_a_backtest_stays_while_its_run_works(world):
    first, second, _ = write(retrained_folder(world.config), *NAMES)
    with run_lock(first, run_id="a"):
        for path in (first, first / LOCK_FILE):
            os.utime(path, (0, 0))
        assert old_retrained(config(world, runs=1), now=NOW) == (second,)


def test_a_model_that_a_backtest_took_up_since_is_not_removed(world):
    first, second, _ = write(retrained_folder(world.config), *NAMES)
    with run_lock(first, run_id="a"):
        assert not remove_retrained(first, world.config, now=NOW)
    assert remove_retrained(second, world.config, now=NOW)
    assert (first.exists(), second.exists()) == (True, False)


def test_a_model_that_a_backtest_reads_since_is_not_removed(world):
    """Its run is over and its lock is free; but it was no old one."""
    first, *_ = write(retrained_folder(world.config), *NAMES)
    (first / "runs").mkdir()
    assert not remove_retrained(first, world.config, now=datetime.datetime.now(datetime.UTC))
    assert first.exists()
