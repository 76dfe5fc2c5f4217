"""What must hold after a crash and after the run that follows: serving directory and metadata.

Reads the metadata with SQLite alone, so that the tests need no TensorFlow.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from demandcast.components.storage.files import LocalFiles
from demandcast.components.storage.model_digest import model_digest

_STATES = {0: "UNKNOWN", 1: "NEW", 2: "RUNNING", 3: "COMPLETE", 4: "FAILED", 5: "CACHED"}
_STATES[6] = "CANCELED"
_OUTPUT_EVENT = 4


@dataclass(frozen=True)
class Serving:
    """What a server and a client find.

    Attributes:
        pointer: Version, and digest of its files, that the pointer names.
        versions: Digest of each version folder, by number.
    """

    pointer: tuple[int, str]
    versions: dict[int, str]


def look_at_serving(folder: Path) -> Serving:
    """Reads a serving directory; fails if anything in it is half-written."""
    pointer = json.loads((folder / "in_service.json").read_text())
    versions = {
        int(path.name): model_digest(str(path), LocalFiles())
        for path in folder.iterdir()
        if path.name.isdecimal()
    }
    assert versions[pointer["version"]] == pointer["digest"]
    return Serving((pointer["version"], pointer["digest"]), versions)


def leftovers_of_pushes(folder: Path) -> list[str]:
    """Names what a finished push does not leave behind."""
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


def execution_states(pipeline: Path) -> Counter[str]:
    """Counts the executions of a pipeline's metadata by state."""
    with _metadata(pipeline) as store:
        rows = store.execute("SELECT last_known_state FROM Execution").fetchall()
    return Counter(_STATES[state] for (state,) in rows)


def unpublished_folders(pipeline: Path) -> list[str]:
    """Finds folders of outputs that no finished execution made."""
    with _metadata(pipeline) as store:
        uris = [uri for (uri,) in store.execute("SELECT uri FROM Artifact").fetchall()]
    # A value is an artifact that is a file.
    known = {uri.removesuffix("/value") for uri in uris}
    folders = (pipeline / "artifacts").glob("*/[!.]*/*")
    return sorted(str(path) for path in folders if str(path) not in known)


def newest_report(pipeline: Path) -> dict:
    """Reads the `run.json` of the newest run."""
    return json.loads(max((pipeline / "runs").glob("*/run.json")).read_text())


def statuses(pipeline: Path) -> dict[str, str]:
    """Status of each stage in the newest run."""
    return {stage["name"]: stage["status"] for stage in newest_report(pipeline)["stages"]}


@contextlib.contextmanager
def _metadata(pipeline: Path):
    store = sqlite3.connect(f"file:{pipeline / 'metadata.db'}?mode=ro", uri=True)
    try:
        yield store
    finally:
        store.close()
