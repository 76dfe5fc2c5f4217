"""The one place that says which modules of the package are pure: no TensorFlow, TFX or Beam."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from pathlib import Path

__all__ = ["ADAPTERS", "FOLDERS", "pure_modules"]

ROOT = Path(__file__).parents[2]
FOLDERS = ("schema", "components", "serving", "pipeline")

ADAPTERS = (
    "module",
    "component",
    "transforms",
    "tfma_intervals",
    "tfma_metrics",
    "tfma_results",
    "tfma_statistics",
)
"""Last names of the thin adapters, which import the heavy libraries."""

HEAVY = (
    "demandcast.components.backtest.decoding",
    "demandcast.components.backtest.origin_files",
    "demandcast.components.evaluation.answers",
    "demandcast.components.evaluation.comparable",
    "demandcast.components.evaluation.eval_config",
    "demandcast.components.evaluation.example_prediction",
    "demandcast.components.examples.latest",
    "demandcast.components.examples.run",
    "demandcast.components.examples.shards",
    "demandcast.components.forecasting.calendar",
    "demandcast.components.forecasting.dataset",
    "demandcast.components.forecasting.exporting",
    "demandcast.components.forecasting.histories",
    "demandcast.components.forecasting.inlining",
    "demandcast.components.forecasting.job",
    "demandcast.components.forecasting.losses",
    "demandcast.components.forecasting.network",
    "demandcast.components.forecasting.reference",
    "demandcast.components.forecasting.training",
    "demandcast.components.forecasting.windows",
    "demandcast.components.inference.prediction",
    "demandcast.components.infrastructure.asking",
    "demandcast.components.infrastructure.checking",
    "demandcast.components.infrastructure.sample_requests",
    "demandcast.components.infrastructure.warmup",
    "demandcast.components.preprocessing.encoding",
    "demandcast.components.preprocessing.history",
    "demandcast.components.preprocessing.transformer",
    "demandcast.components.publishing.baseline",
    "demandcast.components.storage.tfx_files",
    "demandcast.components.tuning.identity",
    "demandcast.components.tuning.journal",
    "demandcast.components.tuning.oracle",
    "demandcast.components.tuning.search",
    "demandcast.components.tuning.space",
    "demandcast.components.validation.continuity_gate",
    "demandcast.pipeline.backtest",
    "demandcast.pipeline.batch_forecast",
    "demandcast.pipeline.cost_judge",
    "demandcast.pipeline.cost_node",
    "demandcast.pipeline.dag",
    "demandcast.pipeline.eval_forecasts",
    "demandcast.pipeline.forecaster_node",
    "demandcast.pipeline.kubeflow.compiling",
    "demandcast.pipeline.order_stages",
    "demandcast.pipeline.origin_forecasts",
    "demandcast.pipeline.replenisher_node",
    "demandcast.pipeline.runners.local",
    "demandcast.pipeline.runners.recovery",
    "demandcast.pipeline.simulate",
    "demandcast.pipeline.smoke_node",
    "demandcast.pipeline.unseen_origins",
    "demandcast.serving.server.saved_model",
)
"""Public names of further modules, or of packages with all that is in them."""


def pure_modules() -> list[str]:
    """Public names of the pure modules and packages, sorted."""
    return sorted(
        name for folder in FOLDERS for name in _walk(ROOT / folder, f"demandcast.{folder}")
    )


def _walk(folder: Path, name: str) -> Iterator[str]:
    """Names below a folder without importing anything."""
    yield name
    for module in pkgutil.iter_modules([str(folder)]):
        inner = f"{name}.{module.name}"
        if module.name in ADAPTERS or inner in HEAVY:
            continue
        if module.ispkg:
            yield from _walk(folder / module.name, inner)
        else:
            yield inner
