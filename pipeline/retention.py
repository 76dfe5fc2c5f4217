"""Makes room: artifacts of old runs, old versions, spare work, and what dead runs left.

What goes is found first (`plan_pruning`) and removed then (`prune`), in an order that a crash
cannot turn into harm: artifacts are marked as deleted in the metadata before their files go, so
the cache never serves a result that is half gone; what is marked and still there is removed the
next time. Reports and logs of runs are kept: they are the history, and small.
"""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from demandcast.components.publishing.pointer import read_history, read_pointer
from demandcast.components.publishing.push import ASIDE
from demandcast.components.publishing.retention import (
    REMOVING,
    VersionLimits,
    remove_versions,
    versions_to_remove,
)
from demandcast.components.publishing.rollback import default_target
from demandcast.components.storage.files import is_remote
from demandcast.pipeline.console import memory_text
from demandcast.pipeline.folders import folders_in, last_change, size_of
from demandcast.pipeline.history import serving_files
from demandcast.pipeline.lineage import MetadataStore, RunArtifacts
from demandcast.pipeline.lock import running_run
from demandcast.pipeline.places import artifacts_folder, metadata_file, pipeline_folder
from demandcast.pipeline.spare_work import (
    old_retrained,
    old_searches,
    remove_retrained,
)
from demandcast.schema.artifact_names import SEARCH_PROPERTY
from demandcast.schema.config import RetentionConfig, RunConfig

__all__ = ["PruningPlan", "plan_pruning", "prune"]

_MODEL_STAGE = "Trainer"
_SYSTEM = ".system"
"""Folder in which TFX keeps temporary files of a stage; of no use once the stage has ended."""


@dataclass(frozen=True)
class PruningPlan:
    """What goes.

    Attributes:
        runs: Runs whose artifacts go, as far as no kept run uses them; oldest first.
        artifact_ids: Identities of those artifacts.
        artifacts: Their folders.
        versions: Versions of the serving directory, oldest first.
        searches: Folders with the trials of a search.
        retrained: Folders of models that were trained for a cutoff of a backtest.
        leftovers: Folders that no finished stage and no push owns.
        size: Size of all of it on this machine, bytes.
    """

    runs: tuple[str, ...]
    artifact_ids: tuple[int, ...]
    artifacts: tuple[Path, ...]
    versions: tuple[int, ...]
    searches: tuple[Path, ...]
    retrained: tuple[Path, ...]
    leftovers: tuple[Path, ...]
    size: int

    @property
    def is_empty(self) -> bool:
        """Whether nothing goes."""
        return not (self.versions or self.places)

    @property
    def places(self) -> tuple[Path, ...]:
        """Files and folders, but for the versions."""
        return (
            *self.artifacts,
            *self.searches,
            *self.retrained,
            *self.leftovers,
        )

    @property
    def text(self) -> str:
        """What goes, in words.

        >>> two = (Path("b"), Path("c"))
        >>> plan = PruningPlan(("one",), (7,), (Path("a"),), (), two, (), two, 3 * 2**20)
        >>> plan.text
        'the artifacts of 1 run, 2 searches, 2 leftovers: 3 MiB'
        """
        parts = [
            _counted(self.runs, "the artifacts of {} run", "the artifacts of {} runs"),
            _counted(self.versions, "{} version", "{} versions"),
            _counted(self.searches, "{} search", "{} searches"),
            _counted(self.retrained, "{} retrained model", "{} retrained models"),
            _counted(self.leftovers, "{} leftover", "{} leftovers"),
        ]
        size = memory_text(self.size) if self.size >= 2**20 else "less than 1 MiB"
        return f"{', '.join(part for part in parts if part)}: {size}"


def plan_pruning(config: RunConfig, *, now: datetime.datetime) -> PruningPlan:
    """Finds what goes; changes nothing.

    Never among it: the version in service and the one to which a rollback would lead, with the
    artifacts of their runs; artifacts and searches that a kept run used, also from the cache;
    what belongs to a run in progress.

    Args:
        config: The pipeline; paths are absolute.
        now: Ages are counted back from it.

    Raises:
        ServingError: The pointer to the model in service cannot be understood.
        DemandcastError: The metadata store cannot be read.
    """
    root = artifacts_folder(config).resolve()
    directory = str(config.push.serving_directory)
    versions = versions_to_remove(
        directory, _version_limits(config.retention), files=serving_files(directory), now=now
    )
    old_runs: list[RunArtifacts] = []
    artifacts: dict[int, Path] = {}
    states: dict[tuple[str, ...], bool] = {}
    searches: set[object] = set()
    if metadata_file(config).is_file():
        store = MetadataStore(metadata_file(config))
        runs = store.runs(pipeline=config.name, node=_MODEL_STAGE)
        protected = _runs_of_versions(directory) | {running_run(pipeline_folder(config))}
        old_runs = _old_runs(runs, config.retention, protected=protected, now=now)
        going = _only_in(old_runs, runs)
        for item in store.artifacts():
            path = Path(item.uri).resolve()
            states[_place(path)] = item.live
            if item.live and item.artifact_id in going and path.is_relative_to(root):
                artifacts[item.artifact_id] = path
            elif item.live:
                searches.add(item.properties.get(SEARCH_PROPERTY))
    age = datetime.timedelta(hours=config.retention.leftover_hours)
    leftovers = [*_leftovers(root, states, before=now - age)]
    if not is_remote(directory):
        leftovers += _serving_leftovers(Path(directory), before=now - age)
    plan = PruningPlan(
        runs=tuple(run.run_id for run in old_runs if not run.artifact_ids.isdisjoint(artifacts)),
        artifact_ids=tuple(artifacts),
        artifacts=tuple(artifacts.values()),
        versions=versions,
        searches=old_searches(config, kept=searches, now=now),
        retrained=old_retrained(config, now=now),
        leftovers=tuple(leftovers),
        size=0,
    )
    folders = (Path(directory, str(version)) for version in versions)
    return replace(plan, size=sum(size_of(path) for path in (*plan.places, *folders)))


def prune(plan: PruningPlan, config: RunConfig) -> PruningPlan:
    """Removes what a plan names. The caller holds the lock of the pipeline.

    Args:
        plan: Made under the same lock.
        config: The pipeline of the plan.

    Returns:
        What is gone: the plan without the models that a backtest took up in between.
    """
    if plan.artifact_ids:
        MetadataStore(metadata_file(config), read_only=False).mark_deleted(plan.artifact_ids)
    directory = str(config.push.serving_directory)
    in_serving = [path for path in plan.leftovers if path.parent == Path(directory)]
    for path in (*plan.artifacts, *plan.searches, *plan.leftovers):
        # Somebody may have removed it by hand.
        if path not in in_serving and path.exists():
            shutil.rmtree(path)
    now = datetime.datetime.now(datetime.UTC)
    gone = [path for path in plan.retrained if remove_retrained(path, config, now=now)]
    if plan.versions or in_serving:
        # Pipelines share that directory: another one may be pushing.
        remove_versions(
            plan.versions,
            directory,
            files=serving_files(directory),
            leftovers=[path.name for path in in_serving],
        )
    stayed = sum(size_of(path) for path in plan.retrained if path not in gone)
    return replace(plan, retrained=tuple(gone), size=plan.size - stayed)


def _counted(things: Sequence[object], one: str, several: str) -> str:
    return (one if len(things) == 1 else several).format(len(things)) if things else ""


def _version_limits(retention: RetentionConfig) -> VersionLimits:
    days = retention.version_days
    age = None if days is None else datetime.timedelta(days=days)
    return VersionLimits(retention.versions, age)


def _runs_of_versions(directory: str) -> set[str | None]:
    """Runs behind the version in service and the one to which a rollback would lead."""
    files = serving_files(directory)
    present = read_pointer(directory, files)
    if present is None:
        return set()
    history = read_history(directory, files)
    back = default_target(history, directory, files)
    return {pointer.run_id for pointer in history if pointer.version in {present.version, back}}


def _old_runs(
    runs: Sequence[RunArtifacts],
    retention: RetentionConfig,
    *,
    protected: Collection[str | None],
    now: datetime.datetime,
) -> list[RunArtifacts]:
    """Finds the runs that are too many or too old.

    Runs that failed early count too, or a broken night after night would fill the disk; but
    they alone must not drive out the last models. Hence two counts.
    """
    count = retention.runs
    newest = runs if count is None else (*runs[-count:], *[r for r in runs if r.whole][-count:])
    kept = {run.run_id for run in newest}
    if retention.run_days is not None:
        oldest = now - datetime.timedelta(days=retention.run_days)
        kept = {run.run_id for run in newest if run.began > oldest}
    return [run for run in runs if run.run_id not in kept and run.run_id not in protected]


def _only_in(old: Iterable[RunArtifacts], runs: Sequence[RunArtifacts]) -> set[int]:
    """Artifacts of old runs that no other run used."""
    gone = {run.run_id for run in old}
    used = {id_ for run in runs if run.run_id not in gone for id_ in run.artifact_ids}
    return {id_ for run in runs if run.run_id in gone for id_ in run.artifact_ids} - used


def _place(path: Path) -> tuple[str, ...]:
    """Stage, output and execution: they name an artifact also where the workspace was moved."""
    return path.parts[-3:]


def _leftovers(
    root: Path, states: Mapping[tuple[str, ...], bool], *, before: datetime.datetime
) -> Iterator[Path]:
    """Finds the folders <stage>/<output>/<execution> that no live artifact owns.

    Those of deleted artifacts were left by an interrupted removal. Of the others, which no
    artifact owns, and of temporary ones, some may belong to a stage that is running; they go
    when they are old.
    """
    for stage in folders_in(root):
        for output in folders_in(stage):
            if output.name == _SYSTEM:
                temporary = [path for kind in folders_in(output) for path in folders_in(kind)]
                yield from (path for path in temporary if _is_older(path, before))
                continue
            for path in folders_in(output):
                live = states.get(_place(path))
                if live is False or (live is None and _is_older(path, before)):
                    yield path


def _serving_leftovers(directory: Path, *, before: datetime.datetime) -> list[Path]:
    return [
        path
        for path in folders_in(directory)
        if path.name.startswith(REMOVING)
        or (path.name.startswith(ASIDE) and _is_older(path, before))
    ]


def _is_older(path: Path, moment: datetime.datetime) -> bool:
    """Tells whether neither a folder nor anything in it changed since a moment."""
    return last_change(path) < moment.timestamp()
