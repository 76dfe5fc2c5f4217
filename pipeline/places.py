"""Where the files of a pipeline lie: below `<workspace>/<name>`, as docs/architecture.md lists."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # Commands that only print help load no configuration.
    from demandcast.schema.config import RunConfig

__all__ = [
    "METADATA_FILE",
    "PAGE_FILE",
    "REPORT_FILE",
    "RUN_LOG_FILE",
    "allocations_folder",
    "artifacts_folder",
    "backtests_folder",
    "metadata_file",
    "origins_folder",
    "orders_folder",
    "pipeline_folder",
    "retrained_folder",
    "run_folder",
    "runs_folder",
    "simulations_folder",
    "tuning_folder",
]

METADATA_FILE = "metadata.db"
"""File of the metadata store in the folder of a pipeline."""
REPORT_FILE = "run.json"
"""What a run did, in the folder of the run."""
PAGE_FILE = "report.html"
"""Page of a run, in its folder."""
RUN_LOG_FILE = "run.log"
"""Log of a run, in its folder."""


def pipeline_folder(config: RunConfig) -> Path:
    """Folder of a pipeline in the workspace."""
    return Path(config.workspace) / config.name


def artifacts_folder(config: RunConfig) -> Path:
    """Folder of the artifacts: stage, output, execution."""
    return pipeline_folder(config) / "artifacts"


def metadata_file(config: RunConfig) -> Path:
    """File of the metadata store."""
    return pipeline_folder(config) / METADATA_FILE


def runs_folder(config: RunConfig) -> Path:
    """Folder with a folder for each run."""
    return pipeline_folder(config) / "runs"


def run_folder(config: RunConfig, run_id: str) -> Path:
    """Folder of a run: its report, page and log."""
    return runs_folder(config) / run_id


def tuning_folder(config: RunConfig) -> Path:
    """Folder of the searches of a pipeline, from which a killed one goes on."""
    return pipeline_folder(config) / "tuning"


def backtests_folder(config: RunConfig) -> Path:
    """Folder with a folder for each backtest."""
    return pipeline_folder(config) / "backtests"


def retrained_folder(config: RunConfig) -> Path:
    """Workspace of the runs that train a model for a cutoff of a backtest."""
    return backtests_folder(config) / "retrained"


def orders_folder(config: RunConfig) -> Path:
    """Folder with a folder for each proposal of orders, and the log of decisions about them."""
    return pipeline_folder(config) / "orders"


def origins_folder(config: RunConfig) -> Path:
    """Folder of what models forecast at cutoffs that they had not seen, by digest of the model."""
    return pipeline_folder(config) / "origins"


def simulations_folder(config: RunConfig) -> Path:
    """Folder with a folder for each simulation of policies."""
    return pipeline_folder(config) / "simulations"


def allocations_folder(config: RunConfig) -> Path:
    """Folder with a folder for each allocation of warehouses' stock."""
    return pipeline_folder(config) / "allocations"
