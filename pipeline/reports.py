"""What a run did, stage by stage; kept as `run.json` beside its log.

The file is there from the first moment of a run and renewed whenever more is known, so that a
run in progress can be watched and one that was killed still says how far it came.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from demandcast.schema.whole_file import write_whole

__all__ = [
    "ArtifactReport",
    "RunRecord",
    "RunReport",
    "RunStatus",
    "StageReport",
    "StageStatus",
    "read_report",
    "write_report",
]

RunStatus = Literal["running", "succeeded", "failed", "interrupted"]
StageStatus = Literal["running", "run", "cached", "skipped", "failed"]


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
        status: running, run, cached (an earlier result was used), skipped (an input was
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
        status: running, succeeded, failed, or interrupted. A file that says "running" while
            nobody holds the lock of the pipeline is that of a run that was killed.
        seconds: Wall time, loading of libraries included, seconds; 0 while it runs.
        stages: Stages in the order in which they ran.
        log: File with everything TFX, Beam and TensorFlow said.
        artifacts: Folder of the artifacts.
        serving_directory: Where a blessed model was pushed.
        error: What stopped it, if something did.
        verdict: Verdict of the gate for models (`evaluation.verdict.Verdict`), if it judged.
        cost: `blessed` (0 or 1) and `reason` of the comparison of what stock costs, if it was
            made.
        infrastructure: `blessed` (0 or 1) and `reason` of the check in a server, if it looked.
        push: What the Pusher did, by the names of its artifact's properties, if it ran.
        smoke_test: `tested` (0 or 1) and `finding` of the test after the push, if it passed.
        orders: `proposed` (0 or 1) and `finding` of the proposals, if the run came so far; with
            `proposal_id`, `orders`, `order_value`, `waiting`, `critical`, and the `folder` of the
            copy that people decide about, if something was proposed.
        started: Start, ISO 8601, UTC.
        finished: End, ISO 8601, UTC; none while it runs.
        exit_code: With which the command ended, as the README lists them; none while it runs.
        until: Last stage that was wanted: `statistics`, `gate` (for data), `training` or `push`.
        config: The resolved configuration (`schema.config.RunConfig`).
        data_fingerprint: Digest of the tables, if they could be read.
        data: `rows`, `series`, `first` and `last` period of the tables, if they were accepted.
        code_digests: Digest of the code of each stage that has code of ours (`fingerprint`).
        toolchain: Version of each library that results depend on.
        model: `uri`, `digest` and `version` of the candidate, if there is one; the version is
            none for a model that was not put into service.
    """

    pipeline: str
    run_id: str
    status: RunStatus
    seconds: float
    stages: tuple[StageReport, ...]
    log: str
    artifacts: str
    serving_directory: str
    error: str | None = None
    verdict: Mapping[str, Any] | None = None
    push: Mapping[str, Any] | None = None
    started: str = ""
    finished: str | None = None
    exit_code: int | None = None
    until: str = "push"
    config: Mapping[str, Any] = field(default_factory=dict)
    data_fingerprint: str | None = None
    data: Mapping[str, Any] | None = None
    code_digests: Mapping[str, str] = field(default_factory=dict)
    toolchain: Mapping[str, str] = field(default_factory=dict)
    model: Mapping[str, Any] | None = None
    infrastructure: Mapping[str, Any] | None = None
    smoke_test: Mapping[str, Any] | None = None
    cost: Mapping[str, Any] | None = None
    orders: Mapping[str, Any] | None = None

    @property
    def blessed(self) -> bool:
        """Whether the model passed the gate; false if none was judged."""
        return bool(self.verdict and self.verdict["blessed"])

    @property
    def too_dear(self) -> str | None:
        """Why the model's stock costs too much; None if it does not, or nobody looked."""
        return str(self.cost["reason"]) if self.cost and not self.cost["blessed"] else None

    @property
    def unservable(self) -> str | None:
        """Why a server cannot serve the model; None if it can, or nobody looked."""
        found = self.infrastructure
        return str(found["reason"]) if found and not found["blessed"] else None

    def stage(self, name: str) -> StageReport | None:
        """Finds a stage by name."""
        return next((stage for stage in self.stages if stage.name == name), None)

    def artifact(self, stage: str, output: str) -> ArtifactReport | None:
        """Finds an output of a stage."""
        found = self.stage(stage)
        return found.outputs.get(output) if found else None

    def properties(self, stage: str, output: str) -> dict[str, Any] | None:
        """What the artifact of a stage says of itself; None if there is none."""
        artifact = self.artifact(stage, output)
        return None if artifact is None else dict(artifact.properties)

    def to_json(self) -> str:
        """Text of `run.json`."""
        return json.dumps(asdict(self), indent=2, sort_keys=True, default=str) + "\n"


class RunRecord:
    """The report of a run in progress, written anew at each change.

    Attributes:
        report: What is known so far.
    """

    def __init__(self, report: RunReport, path: Path) -> None:
        """Writes the first report.

        Args:
            report: What is known before the first stage.
            path: File to keep, `run.json`; its folder is there.
        """
        self.report = report
        self._path = path
        write_report(report, path)

    def update(self, **changes: Any) -> None:
        """Replaces fields of the report and writes it."""
        self.report = replace(self.report, **changes)
        write_report(self.report, self._path)


def read_report(path: Path) -> RunReport:
    """Reads a `run.json`, also of a release that knew fewer keys, or more.

    Raises:
        OSError: It is not there, or cannot be read.
        ValueError: It is damaged.
    """
    try:
        values: dict[str, Any] = json.loads(path.read_bytes())
        stages = tuple(_stage(stage) for stage in values["stages"])
        return RunReport(**{**_known(RunReport, values), "stages": stages})
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: not the report of a run: {error!r}") from error


def _stage(values: Mapping[str, Any]) -> StageReport:
    outputs = {
        name: ArtifactReport(output["uri"], output["properties"])
        for name, output in values["outputs"].items()
    }
    return StageReport(**{**_known(StageReport, values), "outputs": outputs})


def _known(kind: type[RunReport | StageReport], values: Mapping[str, Any]) -> dict[str, Any]:
    """Takes what this release knows; the rest has its default, or is left."""
    return {field.name: values[field.name] for field in fields(kind) if field.name in values}


def write_report(report: RunReport, path: Path) -> None:
    """Writes `run.json`; whoever watches it never reads a part."""
    write_whole(path, report.to_json())
