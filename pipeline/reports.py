"""What a run did, stage by stage; written as `run.json` beside its log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

__all__ = ["ArtifactReport", "RunReport", "StageReport", "StageStatus", "write_report"]

StageStatus = Literal["run", "cached", "skipped", "failed"]


@dataclass(frozen=True)
class ArtifactReport:
    """An output of a stage.

    Attributes:
        uri: Where it lies.
        properties: Its custom properties, such as `blessed` or `pushed`.
    """

    uri: str
    properties: Mapping[str, int | float | str] = field(default_factory=dict)


@dataclass(frozen=True)
class StageReport:
    """What one stage did.

    Attributes:
        name: Identity of the node, such as `Trainer`.
        status: run, cached (an earlier result was used), skipped (an input was
            missing), failed.
        started: Start, ISO 8601, UTC.
        seconds: Wall time, seconds.
        peak_memory_bytes: Largest resident memory of the process during the stage, bytes.
        outputs: First artifact of each output, by the output's name.
    """

    name: str
    status: StageStatus
    started: str
    seconds: float
    peak_memory_bytes: int
    outputs: Mapping[str, ArtifactReport] = field(default_factory=dict)


@dataclass(frozen=True)
class RunReport:
    """What a run did.

    Attributes:
        pipeline: Name of the pipeline.
        run_id: Identity of the run.
        status: succeeded, or failed.
        seconds: Wall time, loading of libraries included, seconds.
        stages: Stages in the order in which they ran.
        log: File with everything TFX, Beam and TensorFlow said.
        artifacts: Folder of the artifacts.
        serving_directory: Where a blessed model was pushed.
        error: What stopped it, if something did.
        verdict: Verdict of the gate for models (`evaluation.verdict.Verdict`), if it judged.
        push: What the Pusher did, by the names of its artifact's properties, if it ran.
    """

    pipeline: str
    run_id: str
    status: Literal["succeeded", "failed"]
    seconds: float
    stages: tuple[StageReport, ...]
    log: str
    artifacts: str
    serving_directory: str
    error: str | None = None
    verdict: Mapping[str, Any] | None = None
    push: Mapping[str, Any] | None = None

    @property
    def blessed(self) -> bool:
        """Whether the model passed the gate; false if none was judged."""
        return bool(self.verdict and self.verdict["blessed"])

    def stage(self, name: str) -> StageReport | None:
        """Finds a stage by name."""
        return next((stage for stage in self.stages if stage.name == name), None)

    def artifact(self, stage: str, output: str) -> ArtifactReport | None:
        """Finds an output of a stage."""
        found = self.stage(stage)
        return found.outputs.get(output) if found else None

    def to_json(self) -> str:
        """Text of `run.json`."""
        return json.dumps(asdict(self), indent=2, sort_keys=True, default=str) + "\n"


def write_report(report: RunReport, path: Path) -> None:
    """Writes `run.json` aside, then renames it."""
    aside = path.with_name(f".{path.name}.new")
    aside.write_text(report.to_json(), encoding="utf-8")
    aside.replace(path)
