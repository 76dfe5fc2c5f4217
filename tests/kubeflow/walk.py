"""The compiled pipeline on an emulated Kubeflow Pipelines: `make test-kubeflow`.

pytest does not find this file by itself: it takes some minutes. The tests share a server, and go
on where the one before them ended: a first run, then one unchanged, and so on.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import time

import numpy as np
import polars as pl
import pytest
import yaml
from fake_gcs import fake_gcs
from kubeflow_world import write_kubeflow_config, write_snapshot

from demandcast.components.metrics.point import scored_periods, wape
from demandcast.pipeline.kubeflow.emulator.driver import DriverError
from demandcast.pipeline.kubeflow.emulator.pods import Pods
from demandcast.pipeline.kubeflow.emulator.server import EmulatedServer
from demandcast.pipeline.kubeflow.emulator.versions import KFP_2_5, KFP_2_17, KFP_3
from demandcast.schema.config import load_config

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

TRAINING = {"epochs": 2, "windows_per_series": 4}
LENIENT = {
    "floors": {
        "coverage_tolerance": 1.0,
        "wape_skill": -99,
        "weighted_quantile_loss_skill": -99,
        "max_absolute_bias": None,
    },
    "change": {
        "max_relative_loss_increase": 99,
        "max_unproven_loss_increase": 99,
        "max_relative_loss_increase_per_slice": 99,
        "max_unproven_loss_increase_per_slice": 99,
    },
}
BEFORE_SERVING = {
    *("SeriesExampleGen", "StatisticsGen", "SchemaImport", "ExampleValidator", "AnomalyGate"),
    *("Transform", "Trainer", "InfraValidator"),
}
LOOKS_AT_SERVING = {"ModelInService", "DataContinuity", "Evaluator", "Pusher", "SmokeTest"}


class World:
    """A configuration, its compiled file, and a server."""

    def __init__(self, folder, pods, version, root, *, replenishment=None, **push):
        from demandcast.pipeline.kubeflow.compiling import compile_pipeline

        self.folder = folder
        write_snapshot(folder / "volume", "1")
        file = write_kubeflow_config(
            folder,
            root=root,
            push=push,
            training=TRAINING,
            gate=LENIENT,
            replenishment=replenishment or {},
        )
        self.config = load_config(file)
        self.text = compile_pipeline(self.config, "kubeflow").text
        self.server = EmulatedServer(folder / "kfp", pods, version)

    def run(self, text=None, **more):
        run = self.server.run(
            text or self.text, pipeline_root=self.config.kubeflow.pipeline_root, **more
        )
        for step in run.steps.values():
            print(  # noqa: T201 - pytest shows it with -s, and where a test fails
                f"{run.run_id} {step.name:17} {step.status:10} {step.attempts} attempts "
                f"{step.seconds:6.1f} s {step.peak_memory_bytes / 2**20:7.0f} MiB {step.message}"
            )
        return run

    @property
    def serving(self):
        return self.folder / "volume" / "serving"

    def pointer(self):
        return json.loads((self.serving / "in_service.json").read_text())

    def versions(self):
        return sorted(path.name for path in self.serving.iterdir() if path.name.isdecimal())

    def output(self, run, task, output):
        return self.server.store.path(run.outputs[task].artifacts[output]["uri"])

    def verdict(self, run):
        return json.loads(
            (self.output(run, "Evaluator", "evaluation") / "verdict.json").read_text()
        )


@pytest.fixture(scope="module")
def gcs():
    """Google Cloud Storage, for the pods as well."""
    with fake_gcs() as gcs, pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", gcs.url)
        yield gcs


@pytest.fixture(scope="module")
def pods(tmp_path_factory, gcs):
    with Pods(tmp_path_factory.mktemp("pods") / "log.txt") as pods:
        yield pods


@pytest.fixture(scope="module")
def world(pods, tmp_path_factory):
    """The newest release of KFP 2, artifacts in MinIO; the tests below follow each other."""
    return World(
        tmp_path_factory.mktemp("kfp217"), pods, KFP_2_17, "minio://mlpipeline/v2/artifacts"
    )


def test_the_first_run_pushes_a_model_without_a_baseline(world):
    run = world.run()
    assert set(run.statuses.values()) == {"succeeded"}
    assert world.verdict(run)["comparison"].startswith("no model in service")
    assert world.versions() == [str(world.pointer()["version"])]
    assert world.pointer()["run_id"] == run.run_id


def test_what_it_pushed_answers_over_grpc_with_the_numbers_of_its_evaluation(world):
    import tensorflow as tf

    from demandcast.components.evaluation.example_prediction import parse_example
    from demandcast.serving.client import DemandClient
    from demandcast.serving.server import ModelServer
    from demandcast.serving.server.config import ServerConfig

    run = world.run()  # From the cache; it tells where everything lies.
    files = sorted((world.output(run, "SeriesExampleGen", "examples") / "Split-eval").iterdir())
    dataset = tf.data.TFRecordDataset([str(file) for file in files], compression_type="GZIP")
    records = [record.numpy() for record in dataset]
    server = ModelServer(ServerConfig(serving_directory=str(world.serving), port=0))
    with server, DemandClient(server.address) as client:
        client.wait_until_available(60)
        answer = client.predict(
            {"examples": np.array(records, dtype=object)}, signature_name="serving_examples"
        )
    series = world.config.series
    examples = [parse_example(record, series) for record in records]
    median = series.forecast.quantile_levels.index(0.5)
    scored = scored_periods(
        np.stack([example.future_observed_mask for example in examples]),
        np.stack([example.future_in_stock_fraction for example in examples]),
    )
    actual = np.stack([example.future_target for example in examples])
    (overall,) = [
        part["candidate"] for part in world.verdict(run)["slices"] if part["name"] == "overall"
    ]
    served = wape(actual, answer["quantiles"][:, :, median], scored_mask=scored)
    assert served == pytest.approx(overall["wape"], abs=1e-6)


def test_an_unchanged_run_is_served_from_the_cache_and_pushes_nothing_new(world):
    before = world.pointer()
    run = world.run()
    assert {name for name, status in run.statuses.items() if status == "cached"} == (BEFORE_SERVING)
    assert {name for name, status in run.statuses.items() if status == "succeeded"} == (
        LOOKS_AT_SERVING
    )
    assert world.verdict(run)["comparison"] == "compared with the model in service"
    assert world.pointer() == before
    assert len(world.versions()) == 1


def test_another_training_budget_is_another_model_compared_with_the_one_in_service(world):
    before = world.pointer()
    run = world.run(parameters={"training_epochs": 1})
    assert run.statuses["Transform"] == "cached"
    assert run.statuses["Trainer"] == "succeeded"
    assert world.verdict(run)["comparison"] == "compared with the model in service"
    assert world.pointer()["digest"] != before["digest"]
    assert len(world.versions()) == 2
    training = json.loads((world.output(run, "Trainer", "model_run") / "training.json").read_text())
    assert {len(values) for values in training["curves"].values()} == {1}
    assert training["settings"]["training"]["epochs"] == 1


def test_a_model_that_is_not_blessed_is_not_pushed_and_the_run_says_so(world):
    before = world.pointer()
    run = world.run(parameters={"gate_thresholds": {"floors": {"wape_skill": 0.999}}})
    assert run.statuses["Trainer"] == "cached"
    assert run.statuses["Evaluator"] == "succeeded"
    assert run.statuses["Pusher"] == run.statuses["SmokeTest"] == "skipped"
    assert run.succeeded
    verdict = world.verdict(run)
    assert not verdict["blessed"]
    assert any("wape" in reason.lower() for reason in verdict["reasons"])
    assert world.pointer() == before


def test_changed_data_is_not_served_from_the_cache_and_a_killed_step_starts_again(world):
    write_snapshot(world.folder / "volume", "2")
    path = world.folder / "volume" / "sales" / "snapshot=2" / "sales.parquet"
    sales = pl.read_parquet(path)
    sales.with_columns(pl.col("sales") + (pl.int_range(pl.len()) == 3)).write_parquet(path)

    def killer(name, attempt):
        return kill_later if (name, attempt) == ("Trainer", 1) else None

    run = world.run(parameters={"data_snapshot": "2"}, on_start=killer)
    assert run.statuses["SeriesExampleGen"] == "succeeded"
    assert run.statuses["SchemaImport"] == "cached"
    assert run.steps["Trainer"].attempts == 2
    assert run.succeeded
    assert world.pointer()["run_id"] == run.run_id
    # The directory has no half of anything.
    assert [path.name for path in world.serving.iterdir() if path.name.startswith(".")] == []


def test_bad_data_stops_the_run_with_one_clear_message(world):
    before = world.pointer()
    folder = world.folder / "volume" / "sales"
    shutil.copytree(folder / "snapshot=1", folder / "snapshot=3")
    path = folder / "snapshot=3" / "sales.parquet"
    sales = pl.read_parquet(path)
    pl.concat([sales, sales.head(1)]).write_parquet(path)
    text = without_retries(world.text)
    run = world.run(text, parameters={"data_snapshot": "3"})
    assert run.statuses["SeriesExampleGen"] == "failed"
    assert run.statuses["Pusher"] == "omitted"
    message = run.steps["SeriesExampleGen"].message
    assert "SeriesExampleGen: exit code 2" in message
    assert "Traceback" not in message
    assert "sales" in message
    assert world.pointer() == before


def test_the_oldest_release_runs_it_as_well(pods, tmp_path):
    world = World(tmp_path, pods, KFP_2_5, "s3://bucket/artifacts")
    first = world.run()
    assert set(first.statuses.values()) == {"succeeded"}
    again = world.run()
    assert {name for name, status in again.statuses.items() if status == "cached"} == BEFORE_SERVING
    assert again.succeeded
    assert len(world.versions()) == 1
    assert world.pointer()["run_id"] == first.run_id


def test_the_next_release_runs_it_with_everything_in_gs(pods, gcs, tmp_path):
    serving = "gs://models/demand"
    world = World(
        tmp_path, pods, KFP_3, "gs://bucket/artifacts", serving_directory=f"{serving}/main"
    )
    first = world.run()
    assert set(first.statuses.values()) == {"succeeded"}
    pointer = json.loads(gcs.content(f"{serving}/main/in_service.json"))
    assert pointer["run_id"] == first.run_id
    assert f"{pointer['uri']}/saved_model.pb" in gcs.paths()
    again = world.run()
    assert {name for name, status in again.statuses.items() if status == "cached"} == BEFORE_SERVING
    assert world.verdict(again)["comparison"] == "compared with the model in service"
    # Another place has no model yet; nothing else is compiled into the file.
    other = world.run(parameters={"serving_directory": f"{serving}/canary"})
    assert world.verdict(other)["comparison"].startswith("no model in service")
    names = [path.removeprefix(f"{serving}/") for path in gcs.paths()]
    assert {name.partition("/")[0] for name in names} == {"main", "canary"}
    assert not [name for name in names if "lock" in name or "new" in name or name.endswith("/")]


def test_orders_are_proposed_after_a_push_and_without_one(pods, tmp_path):
    tables = f"{tmp_path}/volume/sales/snapshot={{snapshot}}"
    supply = {
        "enabled": True,
        "paths": 200,
        "order_moment": "after_close",
        "extrapolate": True,
        "tables": {
            name: {"path": f"{tables}/{name}.parquet"}
            for name in ("inventory", "supply_terms", "suppliers", "lead_times")
        },
    }
    world = World(tmp_path, pods, KFP_2_17, "minio://mlpipeline/v2/artifacts", replenishment=supply)
    after_push, without = ("BatchForecaster", "Replenisher"), "-not-pushed"

    def orders(run, *, ran, skipped):
        assert run.succeeded
        for stage in after_push:
            assert run.statuses[f"{stage}{ran}"] == "succeeded"
            assert run.statuses[f"{stage}{skipped}"] == "skipped"
        made = run.outputs[f"Replenisher{ran}"].artifacts["proposals"]["metadata"]
        return made, world.output(run, f"Replenisher{ran}", "proposals")

    refused = {"gate_thresholds": {"floors": {"wape_skill": 0.999}}}
    made, _ = orders(world.run(parameters=refused), ran=without, skipped="")
    assert made["proposed"] == 0
    assert made["finding"] == "nothing is forecast: no model is in service"

    run = world.run()
    made, folder = orders(run, ran="", skipped=without)
    assert made["proposed"] == 1
    facts = json.loads((folder / "proposals.json").read_text())
    assert facts["model_version"] == world.pointer()["version"]
    forecasts = world.output(run, "BatchForecaster", "forecasts")
    assert sorted(path.name for path in forecasts.iterdir()) == ["forecasts.parquet", "origins"]
    ordered = pl.read_parquet(folder / "proposals.parquet").filter(pl.col("order_quantity") > 0)
    assert made["orders"] == ordered.height > 0

    # Another model is refused: the one that was pushed before proposes.
    before = world.pointer()
    run = world.run(parameters=refused | {"training_epochs": 1})
    made, folder = orders(run, ran=without, skipped="")
    assert made["proposed"] == 1
    assert world.pointer() == before
    facts = json.loads((folder / "proposals.json").read_text())
    assert facts["model_version"] == before["version"]


def compile_by_tfx_alone(world, **options):
    """What TFX writes by itself; the tests below show where it stops."""
    from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner as runner

    from demandcast.pipeline.dag import Surroundings, Target, make_pipeline

    pipeline = make_pipeline(
        world.config,
        Surroundings.unseen(world.config),
        target=Target(artifacts="minio://mlpipeline/v2/artifacts", tuning=""),
    )
    config = runner.KubeflowV2DagRunnerConfig(default_image="tfx", **options)
    return runner.KubeflowV2DagRunner(config).run(pipeline, write_out=False)


def test_b2_the_file_is_no_template(world):
    with pytest.raises(DriverError, match="unknown template format"):
        world.run(yaml.safe_dump(compile_by_tfx_alone(world)))


def test_b1_its_specification_is_of_another_version(world):
    with pytest.raises(DriverError, match="only supports schema version"):
        world.run(yaml.safe_dump(compile_by_tfx_alone(world)["pipelineSpec"]))


def test_b4_its_first_pod_does_not_know_the_output_for_the_logs(world):
    job = compile_by_tfx_alone(world, use_pipeline_spec_2_1=True)
    run = world.run(yaml.safe_dump(job["pipelineSpec"]))
    assert not run.succeeded
    assert "Could not import system.Artifact" in run.steps["SchemaImport"].message


def kill_later(pid):
    """Kills a pod while it works."""
    time.sleep(3)
    os.kill(pid, signal.SIGKILL)


def without_retries(text):
    spec, platform = yaml.safe_load_all(text)
    for task in spec["root"]["dag"]["tasks"].values():
        task.pop("retryPolicy", None)
    return yaml.safe_dump_all([spec, platform])
