"""What runs left behind, for the page of a run: their reports, and files of artifacts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demandcast.pipeline.places import REPORT_FILE
from demandcast.pipeline.reports import RunReport, read_report
from demandcast.schema.errors import BadInputError

__all__ = ["RunFiles", "previous_run", "read_run"]


@dataclass(frozen=True)
class RunFiles:
    """A run as it lies on the disk.

    Attributes:
        folder: Of the run.
        report: Its `run.json`.
    """

    folder: Path
    report: RunReport

    def artifact(self, stage: str, output: str) -> Path | None:
        """Finds the folder of an output; None if the run did not get there."""
        found = self.report.artifact(stage, output)
        return Path(found.uri) if found else None

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
        return RunFiles(folder, read_report(file))
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
        if found.report.until == "push" and found.report.status != "running":
            yield found
