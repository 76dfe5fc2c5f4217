"""The runs of a pipeline, as they are found on disk: what they did, and how they ended.

    runs/<run_id>/run.json    first choice: everything, at no cost
    metadata.db               for a run whose report is missing or damaged, and for lineage
    in_service.json           which run's model serves; its history names the runs of versions

A run that was killed says "running" for ever. Whether it still runs is told by the lock of the
pipeline, which the operating system takes from the dead.
"""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from demandcast.components.evaluation.verdict import read_verdict
from demandcast.components.publishing.pointer import Pointer, read_history, read_pointer
from demandcast.components.storage.files import Files, LocalFiles, is_remote
from demandcast.components.storage.gcs_files import GcsFiles, is_gcs
from demandcast.pipeline.lineage import MetadataStore, StageLineage
from demandcast.pipeline.lock import running_run
from demandcast.pipeline.places import (
    REPORT_FILE,
    RUN_LOG_FILE,
    artifacts_folder,
    metadata_file,
    pipeline_folder,
    run_folder,
    runs_folder,
)
from demandcast.pipeline.reports import RunReport, RunStatus, StageReport, read_report
from demandcast.schema.config import RunConfig
from demandcast.schema.errors import BadInputError, DemandcastError, ServingError

__all__ = ["History", "PastRun", "Source", "serving_files"]

Source = Literal["run.json", "metadata store", "folder"]

_LAST_STAGES = frozenset({"Pusher", "SmokeTest"})
"""Stages with either of which a run without orders ends, and which run each time."""
_ENDS = _LAST_STAGES | {"Replenisher"}


@dataclass(frozen=True)
class PastRun:
    """A run, and how it ended.

    Attributes:
        report: What is known of it.
        source: Where that was found: its report, the metadata store, or its folder alone.
        alive: Whether it is in progress.
        in_service: Whether its model is in service.
        note: Why the report was not the source; empty if it was.
    """

    report: RunReport
    source: Source = "run.json"
    alive: bool = False
    in_service: bool = False
    note: str = ""

    @property
    def run_id(self) -> str:
        """Identity of the run."""
        return self.report.run_id

    @property
    def started(self) -> str:
        """Start, ISO 8601, UTC; empty if unknown."""
        return self.report.started or _time_of(self.run_id)

    @property
    def outcome(self) -> str:
        """How it ended, in a few words."""
        report = self.report
        if report.status == "running":
            return _unfinished(report.stages, alive=self.alive)
        failed = next((stage.name for stage in report.stages if stage.status == "failed"), None)
        if report.status == "interrupted":
            return f"interrupted in {failed}" if failed else "interrupted while loading"
        if report.status == "failed":
            if (report.error or "").startswith("AnomalyError:"):
                return "anomalies"
            return f"failed at {failed}" if failed else "failed before the first stage"
        return _finished(report)

    @property
    def seconds(self) -> float | None:
        """Wall time; of a run that was killed until its last word; none if unknown."""
        report = self.report
        if report.status != "running":
            return report.seconds
        if not self.started:
            return None
        end = _last_word(report.log) if not self.alive else datetime.datetime.now(datetime.UTC)
        if end is None:
            return None
        return max(0.0, (end - datetime.datetime.fromisoformat(self.started)).total_seconds())

    @property
    def data(self) -> Mapping[str, Any]:
        """Rows and periods of the tables, as far as known."""
        if self.report.data is not None:
            return self.report.data
        examples = self.report.artifact("SeriesExampleGen", "examples")
        return {} if examples is None else examples.properties

    @property
    def metrics(self) -> Mapping[str, float | None]:
        """Metrics of the candidate over everything; empty if it was not judged."""
        slices = (self.report.verdict or {}).get("slices", ())
        return next((part["candidate"] for part in slices if part["name"] == "overall"), {})


def _unfinished(stages: Sequence[StageReport], *, alive: bool) -> str:
    running = next((stage.name for stage in stages if stage.status == "running"), None)
    if alive:
        return f"running {running}" if running else "running"
    if running:
        return f"died in {running}"
    return f"died after {stages[-1].name}" if stages else "died while loading"


def _finished(report: RunReport) -> str:
    """Says what a run without an error came to."""
    if report.until != "push":
        words = {"statistics": "statistics", "gate": "data checked", "training": "trained"}
        return words.get(report.until, "done")
    push = report.push or {}
    if push.get("pushed"):
        return f"pushed as version {push.get('pushed_version', '?')}"
    if report.too_dear or report.unservable or (report.verdict and not report.blessed):
        return "refused"
    if "pushed_version" not in push:
        return "not pushed: rolled back" if push else "done"
    ran = {stage.name for stage in report.stages if stage.status == "run"}
    return "nothing new" if ran - _LAST_STAGES else "cached, nothing new"


class History:
    """The runs of one pipeline; nothing is read before it is asked for."""

    def __init__(self, config: RunConfig) -> None:
        """Remembers where to look.

        Args:
            config: The pipeline; paths are absolute.
        """
        self.folder = pipeline_folder(config)
        self._config = config
        self.serving_directory = str(config.push.serving_directory)
        self._store: MetadataStore | None = None
        self._running = running_run(self.folder)
        self._pointer: Pointer | None = None
        self._pointer_read = False

    @property
    def pointer(self) -> Pointer | None:
        """The model in service; none if there is none.

        Raises:
            ServingError: The pointer cannot be understood.
        """
        if not self._pointer_read:
            files = serving_files(self.serving_directory)
            self._pointer = read_pointer(self.serving_directory, files)
            self._pointer_read = True
        return self._pointer

    @property
    def store(self) -> MetadataStore:
        """The metadata store.

        Raises:
            DemandcastError: There is none, or it cannot be read.
        """
        if self._store is None:
            self._store = MetadataStore(metadata_file(self._config))
        return self._store

    def run_ids(self) -> tuple[str, ...]:
        """Runs that have a folder, newest first."""
        folder = runs_folder(self._config)
        if not folder.is_dir():
            return ()
        return tuple(
            sorted((path.name for path in folder.iterdir() if path.is_dir()), reverse=True)
        )

    def newest(self, limit: int | None = None) -> Iterator[PastRun]:
        """Reads the newest runs, newest first."""
        for run_id in self.run_ids()[:limit]:
            yield self.run(run_id)

    def run(self, run_id: str) -> PastRun:
        """Reads a run by its whole identity: its report, else what other places know of it."""
        path = run_folder(self._config, run_id) / REPORT_FILE
        facts: dict[str, Any] = {
            "alive": run_id == self._running,
            "in_service": self._serves(run_id),
        }
        try:
            return PastRun(read_report(path), **facts)
        except FileNotFoundError:
            note = "run.json is missing"
        except (OSError, ValueError):
            note = "run.json is damaged"
        stages: tuple[StageLineage, ...] = ()
        try:
            stages = self.store.stages(run_id)
        except DemandcastError as error:
            note += f"; {error}"
        source: Source = "metadata store" if stages else "folder"
        return PastRun(self._reconstruct(run_id, stages), source, note=note, **facts)

    def resolve(self, reference: str) -> PastRun:
        """Finds the run that a user means.

        Args:
            reference: A run id or the beginning of one, `latest`, `in-service`, or the version
                of a model.

        Raises:
            BadInputError: There is no such run, or several begin so.
        """
        run_ids = self.run_ids()
        if reference == "latest" and run_ids:
            return self.run(run_ids[0])
        if reference == "in-service":
            return self.run(self._run_in_service())
        found = [run_id for run_id in run_ids if run_id.startswith(reference)]
        found = [reference] if reference in found else found
        if not found:
            found = self._by_version(reference) or self._in_store(reference)
        if len(found) == 1:
            return self.run(found[0])
        raise BadInputError(
            f"run {reference!r}: {_which(found)}; allowed: a run id or its beginning, 'latest', "
            "'in-service', or the version of a model. 'demandcast runs list' shows them"
        )

    def _serves(self, run_id: str) -> bool:
        """Tells whether a run's model is in service; a damaged pointer points at nothing."""
        try:
            return self.pointer is not None and self.pointer.run_id == run_id
        except ServingError:
            return False

    def _run_in_service(self) -> str:
        if self.pointer is None:
            raise BadInputError(
                f"run 'in-service': no model is in service in {self.serving_directory}"
            )
        if not self.pointer.run_id:
            raise BadInputError(
                f"run 'in-service': nobody knows which run made version {self.pointer.version}"
            )
        return self.pointer.run_id

    def _by_version(self, reference: str) -> list[str]:
        """Finds the run that made a version: a copy made by a rollback has that of its origin."""
        if not reference.isdecimal():
            return []
        pointers = read_history(self.serving_directory, serving_files(self.serving_directory))
        return [
            pointer.run_id
            for pointer in pointers
            if pointer.version == int(reference) and pointer.run_id
        ][:1]

    def _in_store(self, reference: str) -> list[str]:
        """Finds runs whose folder was removed."""
        try:
            run_ids = self.store.run_ids()
        except DemandcastError:
            return []
        return [run_id for run_id in run_ids if reference and run_id.startswith(reference)]

    def _reconstruct(self, run_id: str, stages: Sequence[StageLineage]) -> RunReport:
        """Makes the report of a run that left none, as far as the metadata go."""
        reports = tuple(stage.to_report() for stage in stages)
        status: RunStatus = "running"
        if any(stage.status == "failed" for stage in reports):
            status = "failed"
        elif reports and reports[-1].name in _ENDS and reports[-1].status != "running":
            status = "succeeded"
        report = RunReport(
            pipeline=self._config.name,
            run_id=run_id,
            status=status,
            seconds=sum(stage.seconds for stage in reports),
            stages=reports,
            log=str(run_folder(self._config, run_id) / RUN_LOG_FILE),
            artifacts=str(artifacts_folder(self._config)),
            serving_directory=self.serving_directory,
            started=reports[0].started if reports else "",
        )
        return _with_results(report)


def serving_files(serving_directory: str) -> Files:
    """Gives the files of a serving directory; only unusual ones need TFX, and its 16 seconds."""
    if not is_remote(serving_directory):
        return LocalFiles()
    if is_gcs(serving_directory):
        return GcsFiles()
    from demandcast.components.storage.tfx_files import TfxFiles

    return TfxFiles()


def _with_results(report: RunReport) -> RunReport:
    """Adds what the last stages found, as far as their artifacts are still there."""
    verdict = None
    evaluation = report.artifact("Evaluator", "evaluation")
    if evaluation is not None:
        with contextlib.suppress(DemandcastError):
            verdict = read_verdict(evaluation.uri).model_dump()
    return replace(
        report,
        verdict=verdict,
        cost=report.properties("CostJudge", "blessing"),
        infrastructure=report.properties("InfraValidator", "blessing"),
        push=report.properties("Pusher", "pushed_model"),
        smoke_test=report.properties("SmokeTest", "result"),
        orders=report.properties("Replenisher", "proposals"),
    )


def _last_word(log: str) -> datetime.datetime | None:
    try:
        return datetime.datetime.fromtimestamp(Path(log).stat().st_mtime, datetime.UTC)
    except OSError:
        return None


def _time_of(run_id: str) -> str:
    """Reads the start from the name of a run; empty if it is not one of ours."""
    try:
        moment = datetime.datetime.strptime(run_id[:15], "%Y%m%d-%H%M%S")
    except ValueError:
        return ""
    return moment.replace(tzinfo=datetime.UTC).isoformat(timespec="seconds")


def _which(found: Sequence[str]) -> str:
    return f"several begin so: {sorted(found)}" if found else "no such run"
