"""A pipeline that may be killed again and again, and a way to start over."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from crash_checks import (
    Serving,
    execution_states,
    leftovers_of_pushes,
    look_at_serving,
    newest_report,
    statuses,
    unpublished_folders,
)
from crash_points import Point
from crash_server import KILLED, CrashServer, Done
from pipeline_tiny import NO_SERVER

STAGES = (
    "SeriesExampleGen",
    "StatisticsGen",
    "SchemaImport",
    "ExampleValidator",
    "AnomalyGate",
    "ModelInService",
    "DataContinuity",
    "Transform",
    "Trainer",
    "Evaluator",
    "Pusher",
)
"""Without those that start a server: see `LENIENT`."""

BEFORE_PUSHER = STAGES[:-1]
JUDGES_ITSELF = ("ModelInService", "DataContinuity", "Evaluator")
"""Stages that run again after a push: the model in service is another one."""

BEFORE_TRAINER = STAGES[: STAGES.index("Trainer")]

# A gate that lets every model pass: these tests are about how it gets into service.
LENIENT = (
    "gate.floors={coverage_tolerance: 1.0, wape_skill: -99, weighted_quantile_loss_skill: -99, "
    "max_absolute_bias: null}",
    "gate.change={max_relative_loss_increase: 99, max_relative_loss_increase_per_slice: 99}",
    *NO_SERVER,
    "training.epochs=2",
    "training.windows_per_series=4",
    # Nothing old goes: the artifacts in the metadata of a copy are those of the original.
    "retention.runs=null",
    "retention.versions=null",
)


@dataclass(frozen=True)
class CrashWorld:
    """A pipeline of its own.

    Attributes:
        server: Runs it.
        config_file: Its configuration.
        workspace: Its workspace; the serving directory is `workspace / "serving"`.
        name: Its name.
    """

    server: CrashServer
    config_file: Path
    workspace: Path
    name: str = "tiny"

    @property
    def pipeline(self) -> Path:
        """Folder of the pipeline."""
        return self.workspace / self.name

    @property
    def serving(self) -> Path:
        """Serving directory."""
        return self.workspace / "serving"

    def arguments(self, *changes: str) -> list[str]:
        """Returns the command line of a run with changes of its configuration."""
        overrides = (f"workspace={self.workspace}", *LENIENT, *changes)
        options = [part for change in overrides for part in ("--set", change)]
        return ["run", "--config", str(self.config_file), *options]

    def run(self, *changes: str, point: Point | None = None) -> Done:
        """Runs the pipeline."""
        return self.server.run(self.arguments(*changes), point)

    def kill(self, point: Point, *changes: str) -> Serving:
        """Runs the pipeline until a point kills it; what serves is what served, and whole."""
        before = look_at_serving(self.serving)
        done = self.run(*changes, point=point)
        assert done.code == KILLED, f"{point} was never reached: {done.screen}"
        return self.look_after_kill(before)

    def look_after_kill(self, before: Serving) -> Serving:
        """Checks what a kill left: what served serves, and what was added is whole."""
        now = look_at_serving(self.serving)
        assert now.versions.items() >= before.versions.items()
        added = now.versions.keys() - before.versions.keys()
        assert len(added) <= 1
        assert now.pointer == before.pointer or now.pointer[0] in added
        return now

    def finish_push(self, before: Serving, *changes: str) -> Serving:
        """Runs a pipeline to its end whose Pusher was killed, before or after the commit."""
        committed = look_at_serving(self.serving).pointer != before.pointer
        again = JUDGES_ITSELF if committed else ()
        cached = tuple(name for name in BEFORE_PUSHER if name not in again)
        now = self.finish(*changes, cached=cached, killed="Pusher")
        assert now.pointer != before.pointer
        # What was whole is taken up, and not copied a second time.
        assert len(now.versions) == len(before.versions) + 1
        return now

    def finish(self, *changes: str, cached: tuple[str, ...], killed: str) -> Serving:
        """Runs the pipeline to its end: what was done is cached, the killed stage runs again."""
        done = self.run(*changes)
        assert done.code == 0, done.screen
        assert {name: statuses(self.pipeline)[name] for name in cached} == dict.fromkeys(
            cached, "cached"
        )
        assert statuses(self.pipeline)[killed] == "run"
        assert "did not come to its end: its process is gone" in done.screen
        return self.look_after_end()

    def look_after_end(self) -> Serving:
        """Checks what a run that came to its end leaves: nothing of those that did not."""
        assert leftovers_of_pushes(self.serving) == []
        assert unpublished_folders(self.pipeline) == []
        states = execution_states(self.pipeline)
        assert states["RUNNING"] == 0
        report = newest_report(self.pipeline)
        serving = look_at_serving(self.serving)
        assert report["status"] == "succeeded"
        assert report["model"]["digest"] == serving.pointer[1]
        assert max(serving.versions) == serving.pointer[0]
        return serving

    def keep(self, folder: Path) -> None:
        """Keeps a copy of the workspace."""
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.workspace, folder)

    def start_over(self, folder: Path) -> None:
        """Puts a copy back: paths in the metadata are those of the workspace."""
        shutil.rmtree(self.workspace)
        shutil.copytree(folder, self.workspace)
