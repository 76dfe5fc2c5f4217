"""What a pipeline keeps besides its runs, and when it goes.

    tuning/<search>/               trials, from which a killed or longer search goes on
    tuning/<search>.damaged-<n>/   trials that could not be read, put aside
    backtests/retrained/<cutoff>/  the run that trained a model for a cutoff, with its cache

Nothing needs any of it: without it, work is done again. It goes by the limits of runs.
"""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

from demandcast.pipeline.folders import folders_in, last_change
from demandcast.pipeline.lock import LOCK_FILE, RunningError, run_lock, running_run
from demandcast.pipeline.places import retrained_folder, tuning_folder
from demandcast.schema.config import RetentionConfig, RunConfig

__all__ = ["old_retrained", "old_searches", "remove_retrained"]


def old_searches(
    config: RunConfig, *, kept: Collection[object], now: datetime.datetime
) -> tuple[Path, ...]:
    """Finds the searches of the Tuner that go.

    Args:
        config: The pipeline.
        kept: Names of the searches whose result a kept run used.
        now: Ages are counted back from it.
    """
    others = [path for path in folders_in(tuning_folder(config)) if path.name not in kept]
    return _too_many_or_old({path: last_change(path) for path in others}, config.retention, now=now)


def old_retrained(config: RunConfig, *, now: datetime.datetime) -> tuple[Path, ...]:
    """Finds the models of backtests that go; none that a backtest uses."""
    changes = {path: _own_change(path) for path in folders_in(retrained_folder(config))}
    old = _too_many_or_old(changes, config.retention, now=now)
    idle_since = _idle_since(config, now=now)
    return tuple(path for path in old if running_run(path) is None and changes[path] < idle_since)


def remove_retrained(path: Path, config: RunConfig, *, now: datetime.datetime) -> bool:
    """Removes the model of a backtest, unless a backtest took it up since it was found.

    Args:
        path: Its folder.
        config: The pipeline.
        now: As for `old_retrained`.

    Returns:
        Whether it is gone.
    """
    try:
        with run_lock(path, work="a pruning"):
            if _own_change(path) >= _idle_since(config, now=now):
                return False
            shutil.rmtree(path)
    except RunningError:
        return False
    return True


def _idle_since(config: RunConfig, *, now: datetime.datetime) -> float:
    """Moment before which a model of a backtest must have changed last for nobody to need it.

    A backtest holds the lock of such a folder only while it trains. Later it reads the model; what
    changed a moment ago may be about to be read.
    """
    return (now - datetime.timedelta(hours=config.retention.leftover_hours)).timestamp()


def _own_change(path: Path) -> float:
    """When the content of such a folder changed; whoever only takes its lock changes that file."""
    return last_change(path, but=(LOCK_FILE,))


def _too_many_or_old(
    changes: Mapping[Path, float], retention: RetentionConfig, *, now: datetime.datetime
) -> tuple[Path, ...]:
    """Finds what is not among the newest, or too old all the same; oldest first."""
    by_age = sorted(changes, key=lambda path: (changes[path], path))
    kept = by_age if retention.runs is None else by_age[-retention.runs :]
    if retention.run_days is not None:
        oldest = (now - datetime.timedelta(days=retention.run_days)).timestamp()
        kept = [path for path in kept if changes[path] > oldest]
    return tuple(path for path in by_age if path not in kept)
