"""Reads what runs left behind, for the page of a run: `run.json`, and files of artifacts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demandcast.pipeline.reports import REPORT_FILE
from demandcast.schema.errors import BadInputError

__all__ = ["PAGE_FILE", "RunFiles", "previous_run", "read_run"]

PAGE_FILE = "report.html"
"""Name of the page in the folder of a run."""


@dataclass(frozen=True)
class RunFiles:
    """A run as it lies on the disk; what an older version did not write is missing.

    Attributes:
        folder: Of the run.
        values: Content of its `run.json`.
    """

    folder: Path
    values: Mapping[str, Any]

    @property
    def run_id(self) -> str:
        """Identity of the run."""
        return str(self.values.get("run_id", self.folder.name))

    @property
    def config(self) -> Mapping[str, Any]:
        """The resolved configuration; empty if the run did not keep it."""
        return self.values.get("config") or {}

    @property
    def stages(self) -> list[Mapping[str, Any]]:
        """Reports of the stages, in the order in which they ran."""
        return list(self.values.get("stages") or ())

    def stage(self, name: str) -> Mapping[str, Any] | None:
        """Finds the report of a stage."""
        return next((stage for stage in self.stages if stage["name"] == name), None)

    def artifact(self, stage: str, output: str) -> Path | None:
        """Finds the folder of an output; None if the run did not get there."""
        found = (self.stage(stage) or {}).get("outputs", {}).get(output)
        return Path(found["uri"]) if found else None

    def artifact_json(self, stage: str, output: str, file: str) -> Any:
        """Reads a file of an output; None if there is no such output.

        Raises:
            OSError: The output is there, but not the file.
            ValueError: The file is damaged.
        """
        folder = self.artifact(stage, output)
        return None if folder is None else json.loads((folder / file).read_bytes())


def read_run(folder: Path) -> RunFiles:
    """Reads a run.

    Raises:
        BadInputError: There is no `run.json`, or it is damaged.
    """
    file = folder / REPORT_FILE
    try:
        return RunFiles(folder, json.loads(file.read_bytes()))
    except (OSError, ValueError) as error:
        raise BadInputError(
            f"{file}: cannot be read; 'demandcast run' writes it: {error}"
        ) from error


def previous_run(run: RunFiles) -> RunFiles | None:
    """Finds the run before that went, or was to go, all the way; None if this is the first."""
    return next(_earlier(run), None)


def _earlier(run: RunFiles) -> Iterator[RunFiles]:
    for path in sorted(run.folder.parent.glob(f"*/{REPORT_FILE}"), reverse=True):
        if path.parent.name >= run.folder.name:
            continue
        try:
            found = read_run(path.parent)
        except BadInputError:
            continue
        if found.values.get("until", "push") == "push" and found.values.get("status") != "running":
            yield found
