"""The last stages, if `replenishment.enabled`: forecasts after the push, and orders from them.

                   pushed, or refused
    local     Pusher ─ SmokeTest ─ BatchForecaster ─ Replenisher

              both blessings                                        (SmokeTest if there is one)
    Kubeflow  Pusher ─ SmokeTest ─ BatchForecaster ─ Replenisher
              one is missing
              judges ───────────── BatchForecaster-not-pushed ─ Replenisher-not-pushed

Kubeflow Pipelines skips whatever waits for a task that was skipped
(`argocompiler/dag.go depends`: every task before has "Succeeded"). Its way around that, the trigger
ALL_UPSTREAM_TASKS_COMPLETED, also runs after a Pusher that failed, and hides that failure: Argo
judges a run by its last tasks. So there are two tasks of each stage, of which one runs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from tfx import v1 as tfx
from tfx.dsl.placeholder import placeholder

from demandcast.pipeline.fingerprint import stage_digest
from demandcast.pipeline.forecaster_node import BatchForecaster, ModelChoice
from demandcast.pipeline.replenisher_node import Replenisher
from demandcast.schema.config import RunConfig
from demandcast.schema.config.kubeflow import NOT_PUSHED

__all__ = ["Fingerprints", "conditional_order_stages", "is_blessed", "order_stages"]


@dataclass(frozen=True)
class Fingerprints:
    """Digests of what the stages read outside of their inputs; empty where they are not cached.

    Attributes:
        data: Of the tables.
        supply: Of stock, open orders, terms, suppliers.
    """

    data: str
    supply: str


def order_stages(
    config: RunConfig,
    fingerprints: Fingerprints,
    *,
    choice: ModelChoice | None,
    after: Sequence[Any],
) -> list[Any]:
    """Wires the two stages.

    Args:
        config: The run; paths are absolute.
        fingerprints: Of what they read outside of their inputs.
        choice: What decides which model is in service; None where they are never cached.
        after: Nodes that must have ended.
    """
    forecaster = BatchForecaster(
        config=config,
        choice=choice,
        fingerprint=fingerprints.data,
        code_digest=stage_digest("BatchForecaster"),
    )
    for node in after:
        forecaster.add_upstream_node(node)
    replenisher = Replenisher(
        forecasts=forecaster.outputs["forecasts"],
        config=config,
        fingerprint=fingerprints.supply,
        code_digest=stage_digest("Replenisher"),
    )
    return [forecaster, replenisher]


def conditional_order_stages(
    config: RunConfig, *, judges: Sequence[Any], after: Sequence[Any]
) -> list[Any]:
    """Wires the two stages twice: after a push, and where a judge said no.

    Args:
        config: The run; paths are absolute.
        judges: Nodes with a verdict on which the push depends.
        after: Nodes of the push that must have ended.
    """
    unknown = Fingerprints("", "")
    with contextlib.ExitStack() as conditions:
        for judge in judges:
            conditions.enter_context(tfx.dsl.Cond(is_blessed(judge)))
        pushed = order_stages(config, unknown, choice=None, after=after)
    all_blessed = reduce(placeholder.logical_and, map(is_blessed, judges))
    with tfx.dsl.Cond(placeholder.logical_not(all_blessed)):
        refused = order_stages(config, unknown, choice=None, after=())
    for node in refused:
        node.with_id(f"{node.id}{NOT_PUSHED}")
    return [*pushed, *refused]


def is_blessed(judge: Any) -> Any:
    """Says that a verdict is yes, as a condition for other nodes."""
    blessing = judge.outputs["blessing"].future()[0]
    return blessing.custom_property("blessed") == 1
