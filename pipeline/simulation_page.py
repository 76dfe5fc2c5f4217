"""The page of a simulation: read from the facts beside it, written there."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from demandcast.components.reporting.drawing import draw_simulation_page
from demandcast.components.reporting.page_simulation import PolicyRow, SimulationPart
from demandcast.components.reporting.words import Interval
from demandcast.schema.artifact_names import SIMULATION_FILE
from demandcast.schema.whole_file import write_whole

__all__ = ["SIMULATION_PAGE_FILE", "read_simulation_part", "simulation_part", "write_page"]

SIMULATION_PAGE_FILE = "simulation.html"

_KINDS = ("holding", "stockout", "order", "waste")


def simulation_part(facts: Mapping[str, Any]) -> SimulationPart:
    """Takes what a page shows out of the facts of a simulation.

    Args:
        facts: As `simulation_facts` lists them.

    Raises:
        ValueError: They are not complete.
    """
    try:
        reference = facts["reference"]
        costs = {
            row["target"]: row["operating_cost"]
            for row in facts["policies"]
            if row["policy"] == reference
        }
        rows = tuple(_row(row, costs.get(row["target"])) for row in facts["policies"])
        first = datetime.date.fromisoformat(facts["first"])
        counted = first + datetime.timedelta(days=facts["warm_up"] * facts["period_days"])
        same = {name: facts[name] for name in _SAME}
    except (KeyError, TypeError) as error:
        raise ValueError(f"simulation: the facts lack or contradict {error}") from error
    return SimulationPart(rows=rows, counted=counted.isoformat(), **same)


def read_simulation_part(folder: Path) -> SimulationPart:
    """Reads what a page shows of the simulation in a folder.

    Raises:
        FileNotFoundError: The facts are not there.
        ValueError: They are damaged.
    """
    return simulation_part(json.loads((folder / SIMULATION_FILE).read_text(encoding="utf-8")))


def write_page(folder: Path, part: SimulationPart, title: str) -> Path:
    """Draws the page of a simulation; the file is complete or not there.

    Args:
        folder: Of the simulation.
        part: What the page shows.
        title: Of the page, such as the name of the pipeline.

    Returns:
        The file.
    """
    file = folder / SIMULATION_PAGE_FILE
    write_whole(file, draw_simulation_page(part, title))
    return file


_SAME = (
    "aimed_at",
    "reference",
    "series",
    "left_out",
    "first",
    "last",
    "warm_up",
    "cutoffs",
    "teaching",
    "measure",
    "unmet_demand",
    "lead_times",
    "demand",
    "whole_lots",
    "period_days",
    "currency",
    "model",
)
"""Facts that the page has under the same names."""


def _row(values: Mapping[str, Any], reference_cost: float | None) -> PolicyRow:
    """Takes a row of the table; the ratio of a policy without a target is that of the sums."""
    ratio, cost = values["operating_cost_ratio"], values["operating_cost"]
    if ratio is None and reference_cost and cost is not None:
        ratio = cost / reference_cost
    return PolicyRow(
        policy=values["policy"],
        target=values["target"],
        cycles=values["cycles"] or 0,
        cycle_service_level=values["cycle_service_level"],
        interval=_within_shares(_interval(values, "cycle_service_level")),
        fill_rate=values["fill_rate"],
        mean_on_hand=values["mean_on_hand"],
        orders=values["orders"],
        costs={kind: values[f"{kind}_cost"] for kind in _KINDS},
        operating_cost=cost,
        ratio=ratio,
        ratio_interval=_interval(values, "operating_cost_ratio"),
    )


def _interval(values: Mapping[str, Any], name: str) -> Interval:
    low, high = values[f"{name}_low"], values[f"{name}_high"]
    return None if low is None or high is None else (low, high)


def _within_shares(interval: Interval) -> Interval:
    """Cuts an interval, which knows of no bounds, to what a share can be."""
    return None if interval is None else (max(interval[0], 0.0), min(interval[1], 1.0))
