"""A tiny pipeline on an emulated server: data and serving directory on a shared volume."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from kubeflow_specs import IMAGE
from pipeline_tiny import tiny_values

__all__ = ["write_kubeflow_config", "write_snapshot"]


def write_snapshot(volume: Path, name: str, *, horizon: int = 7) -> None:
    """Writes sample data as a snapshot."""
    from demandcast.components.simulation.config import preset
    from demandcast.components.simulation.write import write_sample_data

    write_sample_data(volume / "sales" / f"snapshot={name}", preset("tiny", horizon=horizon))


def write_kubeflow_config(
    folder: Path,
    *,
    snapshot: str = "1",
    root: str = "minio://mlpipeline/v2/artifacts",
    **changes: dict[str, Any],
) -> Path:
    """Writes the tiny configuration for pods; the volume is `folder / "volume"`."""
    volume = folder / "volume"
    tables = f"{volume}/sales/snapshot={{snapshot}}"
    values = tiny_values(**changes)
    data = values["data"]
    data |= {
        "sales": f"{tables}/sales.parquet",
        "snapshot": snapshot,
        "future": f"{tables}/future.parquet",
        "calendar": {"path": f"{tables}/calendar.parquet", "on": ["date"]},
        "static_tables": [
            {"path": f"{tables}/items.parquet", "on": ["item"]},
            {"path": f"{tables}/stores.parquet", "on": ["store"]},
        ],
    }
    values["push"] = {"serving_directory": f"{volume}/serving"} | changes.get("push", {})
    values["kubeflow"] = {
        "image": IMAGE,
        "pipeline_root": root,
        "volumes": [{"claim": "data", "mount_path": str(volume)}],
        "stages": {"Transform": {"disk_gib": 1}},
    }
    path = folder / "kubeflow.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return path
