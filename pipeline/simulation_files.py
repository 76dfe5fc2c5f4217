"""What a simulation leaves: its facts, the table of policies, and a page."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from demandcast.pipeline.folders import check_whole_folder, whole_folder
from demandcast.pipeline.places import simulations_folder
from demandcast.pipeline.simulation_page import simulation_part, write_page
from demandcast.schema.artifact_names import SIMULATION_FILE, SIMULATION_POLICIES_FILE
from demandcast.schema.config import RunConfig
from demandcast.schema.whole_file import write_whole

if TYPE_CHECKING:
    from demandcast.pipeline.simulate import Simulated

__all__ = ["free_simulation_folder", "simulation_facts", "write_simulation"]


def free_simulation_folder(config: RunConfig, output: Path | None) -> Path:
    """Says where the files will go, before the work that they are the result of.

    Args:
        config: The run.
        output: Folder; None: a new one below the workspace, named after the moment.

    Raises:
        BadInputError: Something is there already, or the folder cannot be made.
    """
    name = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S")
    folder = output or simulations_folder(config) / name
    check_whole_folder(folder)
    return folder


def simulation_facts(found: Simulated, config: RunConfig) -> dict[str, Any]:
    """Lists what a simulation found, for programs."""
    facts = {name: getattr(found, name) for name in found.__dataclass_fields__ if name != "table"}
    return {
        "pipeline": config.name,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        **facts,
        "aimed_at": config.replenishment.service.target,
        "period_days": 1 if config.forecast.frequency == "D" else 7,
        "currency": config.replenishment.currency,
        "policies": found.table.to_dicts(),
    }


def write_simulation(found: Simulated, config: RunConfig, folder: Path) -> dict[str, Any]:
    """Writes the files aside and renames their folder, which is there whole or not at all.

    Args:
        found: What was found.
        config: The run.
        folder: From `free_simulation_folder`.

    Returns:
        The facts.

    Raises:
        BadInputError: Something is there already, or the folder cannot be written.
    """
    facts = simulation_facts(found, config)
    with whole_folder(folder) as aside:
        write_whole(aside / SIMULATION_POLICIES_FILE, found.table.write_csv())
        write_page(aside, simulation_part(facts), config.name)
        write_whole(aside / SIMULATION_FILE, json.dumps(facts, indent=2, default=str) + "\n")
    return facts
