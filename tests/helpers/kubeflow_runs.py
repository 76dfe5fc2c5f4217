"""Runs as the API of Kubeflow Pipelines has them, for `FakeKfp.runs`."""

from __future__ import annotations

from typing import Any

__all__ = ["PARAMETERS", "api_run"]

PARAMETERS = {
    "root": {
        "inputDefinitions": {
            "parameters": {
                "training_epochs": {"defaultValue": 20, "parameterType": "NUMBER_INTEGER"},
                "data_snapshot": {"defaultValue": "2026-11-01", "parameterType": "STRING"},
            }
        }
    }
}
"""As much of a compiled pipeline as tells its parameters."""


def _nodes(run_id: str, state: str, tasks: dict[str, str]) -> list[tuple[str, str]]:
    """Every node of the workflow, as the API has them: the stages are some of them."""
    above = [(f"demand-{run_id}", state), ("root-driver", "SUCCEEDED"), ("root", state)]
    below = [
        node
        for name, one in tasks.items()
        for node in ((f"{name}-driver", "SUCCEEDED"), (name, one), ("executor", one))
    ]
    return [*above, *below]


def api_run(
    run_id: str,
    *,
    state: str = "SUCCEEDED",
    tasks: dict[str, str] | None = None,
    parameters: dict[str, Any] | None = None,
    pipeline: str = "p-1",
    **more: Any,
) -> dict[str, Any]:
    """A run of an hour, of which each task took ten seconds."""
    ended = state in ("SUCCEEDED", "FAILED")
    details = [
        {
            "display_name": name,
            "state": one,
            "start_time": f"2026-11-20T02:{minute:02d}:00Z",
            "end_time": f"2026-11-20T02:{minute:02d}:10Z",
        }
        for minute, (name, one) in enumerate(_nodes(run_id, state, tasks or {}))
    ]
    return {
        "run_id": run_id,
        "display_name": f"demand {run_id}",
        "state": state,
        "created_at": "2026-11-20T02:00:00Z",
        # What has not ended has this instead.
        "finished_at": "2026-11-20T03:00:00Z" if ended else "1970-01-01T00:00:00Z",
        "pipeline_version_reference": {"pipeline_id": pipeline, "pipeline_version_id": "v-1"},
        "runtime_config": {
            "parameters": parameters or {},
            "pipeline_root": "gs://bucket/demandcast/",
        },
        # The API keeps no order.
        "run_details": {"task_details": details[::-1]},
        **more,
    }
