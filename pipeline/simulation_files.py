"""What a simulation leaves: its facts, the table of policies, and a page."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from demandcast.pipeline.places import simulations_folder
from demandcast.schema.artifact_names import SIMULATION_FILE, SIMULATION_POLICIES_FILE
from demandcast.schema.config import RunConfig
from demandcast.schema.whole_file import write_whole

if TYPE_CHECKING:
    from demandcast.pipeline.simulate import Simulated

__all__ = ["simulation_facts", "write_simulation"]


def simulation_facts(found: Simulated, config: RunConfig) -> dict[str, Any]:
    """Lists what a simulation found, for programs."""
    facts = {name: getattr(found, name) for name in found.__dataclass_fields__ if name != "table"}
    return {
        "pipeline": config.name,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        **facts,
        "policies": found.table.to_dicts(),
    }


def write_simulation(found: Simulated, config: RunConfig, output: Path | None) -> Path:
    """Writes the files, the facts last.

    Args:
        found: What was found.
        config: The run.
        output: Folder; None: a new one below the workspace.

    Returns:
        The folder.
    """
    facts = simulation_facts(found, config)
    name = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S")
    folder = output or simulations_folder(config) / name
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / SIMULATION_POLICIES_FILE, found.table.write_csv())
    write_whole(folder / SIMULATION_FILE, json.dumps(facts, indent=2, default=str) + "\n")
    return folder
