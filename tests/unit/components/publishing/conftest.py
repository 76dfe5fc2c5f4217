"""Runs the Pusher on made-up models."""

import json
from pathlib import Path

import pytest
from publishing_files import write_model

from demandcast.schema.artifact_names import GOLDEN_FILE, WARMUP_FILE


@pytest.fixture
def artifacts(tmp_path):
    """Makes an artifact of a standard type, with a folder of its own."""
    from tfx.types import standard_artifacts

    def make(kind, name):
        artifact = getattr(standard_artifacts, kind)()
        artifact.uri = str(tmp_path / "artifacts" / name)
        return artifact

    return make


@pytest.fixture
def infra_blessing(artifacts):
    """Makes the verdict of an infrastructure check, with a warmed copy of a model if it passed."""

    def make(content, *, reason, blessed=True):
        from tfx.utils import path_utils

        blessing = artifacts("InfraBlessing", "infra")
        blessing.set_int_custom_property("blessed", int(blessed))
        blessing.set_int_custom_property("has_model", int(blessed))
        blessing.set_string_custom_property("reason", reason)
        if blessed:
            folder = Path(path_utils.stamped_model_path(blessing.uri))
            write_model(folder, content)
            for name in (WARMUP_FILE, GOLDEN_FILE):
                (folder / name).parent.mkdir(exist_ok=True)
                (folder / name).write_text("requests")
        return blessing

    return make


@pytest.fixture
def cost_blessing(artifacts):
    """Makes the verdict on what stock costs."""

    def make(*, reason, blessed=True):
        blessing = artifacts("ModelBlessing", "cost")
        blessing.set_int_custom_property("blessed", int(blessed))
        blessing.set_string_custom_property("reason", reason)
        return blessing

    return make


@pytest.fixture
def push(artifacts, tmp_path):
    """Runs the Pusher on a model with given content; returns its artifact."""
    from tfx.dsl.components.base import base_executor

    from demandcast.components.publishing.component import Pusher

    def run(
        content,
        *,
        blessed=True,
        metrics=None,
        carried=None,
        judged=None,
        run_id="",
        cost=None,
        infra=None,
    ):
        model = artifacts("Model", f"model-{content}")
        write_model(Path(model.uri) / "Format-Serving", content)
        blessing = artifacts("ModelBlessing", "blessing")
        blessing.set_int_custom_property("blessed", int(blessed))
        for name, digest in (judged or {}).items():
            blessing.set_string_custom_property(name, digest)
        evaluation = artifacts("ModelEvaluation", "evaluation")
        if metrics is not None:
            Path(evaluation.uri).mkdir(parents=True, exist_ok=True)
            slices = [
                {"name": "overall", "candidate": metrics},
                {"name": "demand_class=smooth", "candidate": {"wape": 9.0}},
            ]
            verdict = {"slices": slices} | ({} if carried is None else {"carried": carried})
            (Path(evaluation.uri) / "verdict.json").write_text(json.dumps(verdict))
        pushed = artifacts("PushedModel", f"pushed-{content}")
        context = base_executor.BaseExecutor.Context(pipeline_run_id="run-7")
        Pusher.EXECUTOR_SPEC.executor_class(context).Do(
            {
                "model": [model],
                "model_blessing": [blessing],
                "evaluation": [evaluation],
                **({} if cost is None else {"cost_blessing": [cost]}),
                **({} if infra is None else {"infra_blessing": [infra]}),
            },
            {"pushed_model": [pushed]},
            {"serving_directory": str(tmp_path / "serving"), "run_id": run_id},
        )
        return pushed

    return run
