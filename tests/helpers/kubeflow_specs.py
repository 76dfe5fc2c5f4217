"""A small PipelineSpec as TFX writes it: a data stage, a stage of the model, a conditional push."""

from __future__ import annotations

import copy
from typing import Any

__all__ = ["IMAGE", "make_spec"]

IMAGE = f"registry.example/demandcast@sha256:{'1' * 64}"


def make_spec() -> dict[str, Any]:
    """Makes it anew, so that a test may break it."""
    return copy.deepcopy(_SPEC)


def _component(name: str, *, inputs=(), parameters=(), outputs=()) -> dict[str, Any]:
    schema = {"artifactType": {"instanceSchema": "title: tfx.Artifact\n"}}
    return {
        "executorLabel": f"{name}_executor",
        "inputDefinitions": {
            "artifacts": dict.fromkeys(inputs, schema),
            "parameters": {key: {"parameterType": "STRING"} for key in parameters},
        },
        "outputDefinitions": {"artifacts": dict.fromkeys(outputs, schema)},
    }


def _task(name: str, *, artifacts=None, parameters=None, after=()) -> dict[str, Any]:
    return {
        "componentRef": {"name": name},
        "taskInfo": {"name": name},
        "cachingOptions": {"enableCache": True},
        "dependentTasks": list(after),
        "inputs": {
            "artifacts": {
                key: {"taskOutputArtifact": {"producerTask": producer, "outputArtifactKey": output}}
                for key, (producer, output) in (artifacts or {}).items()
            },
            "parameters": {
                key: {"runtimeValue": {"constant": value}}
                for key, value in (parameters or {}).items()
            },
        },
    }


def _executor(name: str) -> dict[str, Any]:
    return {
        "container": {
            "image": "image-of-tfx",
            "command": ["python", "-m", "entry"],
            "args": ["--executor_class_path", f"x.{name}"],
            "lifecycle": {"preCacheCheck": {"command": ["driver"]}},
        }
    }


_SPEC: dict[str, Any] = {
    "pipelineInfo": {"name": "demand"},
    "schemaVersion": "2.1.0",
    "sdkVersion": "tfx-1",
    "deploymentSpec": {
        "executors": {
            f"{name}_executor": _executor(name)
            for name in ("SeriesExampleGen", "Evaluator", "Pusher")
        }
    },
    "components": {
        "SeriesExampleGen": _component(
            "SeriesExampleGen", parameters=["data"], outputs=["examples"]
        ),
        "Evaluator": _component(
            "Evaluator", inputs=["examples"], parameters=["gate"], outputs=["blessing"]
        ),
        "Pusher": _component(
            "Pusher",
            inputs=["model_blessing"],
            parameters=["serving_directory"],
            outputs=["pushed"],
        ),
    },
    "root": {
        "dag": {
            "tasks": {
                "SeriesExampleGen": _task("SeriesExampleGen", parameters={"data": "{}"}),
                "Evaluator": _task(
                    "Evaluator",
                    artifacts={"examples": ("SeriesExampleGen", "examples")},
                    parameters={"gate": "{}"},
                    after=["SeriesExampleGen"],
                ),
                "Pusher": _task(
                    "Pusher",
                    artifacts={"model_blessing": ("Evaluator", "blessing")},
                    parameters={"serving_directory": "gs://b/serving"},
                    after=["Evaluator"],
                )
                | {
                    "triggerPolicy": {
                        "condition": "(inputs.artifacts['_Evaluator.blessing']"
                        ".artifacts[0].metadata['blessed'] == 1.0)"
                    }
                },
            }
        }
    },
}
