"""Which stages a server must not serve from its cache.

A cache key of Kubeflow Pipelines has the inputs of a task, its image and its command; no code of
TFX or ours is asked before it (B10: `lifecycle.preCacheCheck` is never read). What a stage finds
elsewhere is no part of it.
"""

from __future__ import annotations

from demandcast.schema.config import RunConfig
from demandcast.schema.config.data import SNAPSHOT

__all__ = ["never_cached"]

_SERVING = "what serves changes without it"


def never_cached(config: RunConfig) -> dict[str, str]:
    """Returns the stages that run each time, with the reason in words."""
    stages = dict.fromkeys(("ModelInService", "Pusher", "SmokeTest"), _SERVING)
    if config.replenishment.enabled:
        stages["BatchForecaster"] = _SERVING
        stages["Replenisher"] = "stock changes without it, and the forecasts are new each time"
    if not config.data.has_snapshots:
        stages["SeriesExampleGen"] = (
            "the data may change behind data.sales, which names no {snapshot}; "
            "so every stage after it runs each time as well"
        )
    paths = config.replenishment.tables.terms_paths.values()
    if config.gate.cost.enabled and not all(SNAPSHOT in path for path in paths):
        stages["CostJudge"] = (
            "terms of supply may change behind replenishment.tables, which name no {snapshot}"
        )
    return stages
