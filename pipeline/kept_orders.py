"""Keeps the proposals of runs where `demandcast orders` finds them.

The artifact of a stage goes when its run is old; a proposal is the record to which decisions of
people refer, so the run copies it to `<workspace>/<name>/orders/<proposal_id>`. It does so from
the artifact, also if that comes from the cache: what a killed run could not copy, the next does.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from demandcast.pipeline.folders import aside_prefix, whole_folder
from demandcast.pipeline.places import orders_folder
from demandcast.pipeline.reports import RunReport
from demandcast.schema.artifact_names import PROPOSAL_FACTS_FILE
from demandcast.schema.config import RunConfig

__all__ = ["keep_orders"]


def keep_orders(config: RunConfig, report: RunReport) -> dict[str, object] | None:
    """Copies the proposal of a run, unless it is there already.

    Args:
        config: The run; paths are absolute.
        report: What its stages did.

    Returns:
        What the proposal says of itself, with the `folder` of the copy if something is proposed;
        None if the run did not come so far.

    Raises:
        BadInputError: The folder cannot be made.
    """
    artifact = report.artifact("Replenisher", "proposals")
    if artifact is None:
        return None
    found: dict[str, object] = dict(artifact.properties)
    if not found.get("proposed"):
        return found
    folder = orders_folder(config) / str(found["proposal_id"])
    if not (folder / PROPOSAL_FACTS_FILE).exists():
        for left in folder.parent.glob(f"{aside_prefix(folder)}*"):
            shutil.rmtree(left, ignore_errors=True)  # Of a run that was killed.
        with whole_folder(folder) as aside:
            shutil.copytree(Path(artifact.uri), aside, dirs_exist_ok=True)
    return found | {"folder": str(folder)}
