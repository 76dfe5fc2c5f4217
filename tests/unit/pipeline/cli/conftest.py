"""A configuration file, and a run that is only pretended."""

import pytest
from order_folders import OrdersWorld

from demandcast.pipeline import training_run
from demandcast.pipeline.cli.main import invoke
from demandcast.pipeline.reports import ArtifactReport, RunReport, StageReport
from demandcast.schema.config.example import example_yaml

VERDICT = {
    "blessed": True,
    "reasons": (),
    "comparison": "no model in service",
    "slices": ({"name": "overall", "candidate": {"examples": 24.0}, "in_service": {}},),
}


@pytest.fixture
def config_file(tmp_path):
    path = tmp_path / "demand.yaml"
    path.write_text(example_yaml())
    return path


@pytest.fixture
def pretended_run(monkeypatch, tmp_path):
    """Replaces `training_run.run`; returns a function that says what it shall answer."""
    calls = []

    def answer(*, stage="Pusher", outputs=None, error=None, cost=None, **verdict):
        ended = StageReport(stage, "run", "2026-11-20T09:30:00+00:00", 1.0, 2**30, outputs or {})
        report = RunReport(
            pipeline="quickstart",
            run_id="one",
            status="succeeded",
            seconds=2.0,
            stages=(ended,),
            log=str(tmp_path / "run.log"),
            artifacts=str(tmp_path / "artifacts"),
            serving_directory=str(tmp_path / "serving"),
            verdict={**VERDICT, **verdict},
            push={"pushed": 1, "reason": "pushed as version 7"},
            cost=cost,
        )

        def run(config, console, options=None):
            calls.append((config, options))
            console.say("progress")
            if error is not None:
                raise error
            return report

        monkeypatch.setattr(training_run, "run", run)
        return calls

    return answer


@pytest.fixture
def artifact():
    return ArtifactReport


@pytest.fixture
def shop(tmp_path):
    return OrdersWorld(tmp_path)


@pytest.fixture
def orders(shop, capsys):
    """Runs `demandcast orders ...`; returns exit code, standard output and standard error."""
    shop.propose()

    def call(*arguments):
        code = invoke(["orders", *map(str, arguments), "--config", str(shop.config_file)])
        return (code, *capsys.readouterr())

    return call
