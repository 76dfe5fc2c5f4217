"""The command of the containers; TFX's own part is a stand-in here, and real in the walk."""

import json
import sys
import types
from pathlib import Path

import pytest

from demandcast.pipeline.kubeflow import entry_point
from demandcast.schema.errors import AnomalyError, ConfigurationError

EXECUTOR = "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor"


@pytest.fixture
def tfx(monkeypatch):
    """Stands for TFX's entry point: calls keep what it was given; `act` does its work."""
    calls = []
    stand_in = types.SimpleNamespace(act=lambda message: None, calls=calls)

    def main(arguments):
        options, beam_args = arguments
        message = json.loads(options.json_serialized_invocation_args)
        calls.append((message, beam_args))
        stand_in.act(message)

    module = types.ModuleType(EXECUTOR)
    module.main = main
    package = types.ModuleType(EXECUTOR.rpartition(".")[0])
    package.kubeflow_v2_run_executor = module
    monkeypatch.setitem(sys.modules, package.__name__, package)
    monkeypatch.setitem(sys.modules, EXECUTOR, module)
    return stand_in


def arguments(message, *beam_args):
    return [
        *("--executor_class_path", "x.Executor"),
        *("--json_serialized_invocation_args", json.dumps(message)),
        *("--json_serialized_inputs_spec_args", "{}"),
        *beam_args,
    ]


def message(pod, scheme="minio://"):
    folder = {"minio://": "minio", "gs://": "gcs"}[scheme]
    outputs = {
        name: {"artifacts": [{"uri": f"{scheme}b/run/{name}"}]} for name in ("model", "model_run")
    }
    return {
        "inputs": {"parameterValues": {"gate": "{}", "gate_thresholds": {"floors": {"a": 1}}}},
        "outputs": {
            "artifacts": outputs,
            "outputFile": str(pod / folder / "b" / "run" / "output_metadata.json"),
        },
    }


def write_output(pod):
    """Writes what TFX would: one of two outputs, and the account of both."""

    def act(given):
        uri = given["outputs"]["artifacts"]["model"]["artifacts"][0]["uri"]
        Path(uri).mkdir(parents=True)
        (Path(uri) / "saved_model.pb").write_text("model")
        file = Path(given["outputs"]["outputFile"])
        artifacts = {"model": {"artifacts": [{"uri": uri, "metadata": {"rows": None}}]}}
        file.write_text(json.dumps({"artifacts": artifacts}))

    return act


def test_tfx_works_on_paths_and_the_launcher_gets_uris(tfx, tmp_path):
    tfx.act = write_output(tmp_path)
    given = message(tmp_path)
    assert entry_point.main(arguments(given, "--direct_num_workers=1"), root=str(tmp_path)) == 0
    ((seen, beam_args),) = tfx.calls
    assert beam_args == ["--direct_num_workers=1"]
    assert seen["inputs"]["parameterValues"] == {"gate": '{"floors": {"a": 1}}'}
    place = tmp_path / "minio" / "b" / "run"
    output = json.loads((place / "output_metadata.json").read_text())
    assert output["artifacts"]["model"]["artifacts"] == [
        {"uri": "minio://b/run/model", "metadata": {}}
    ]
    # B9: what was not written is there, and empty.
    assert list((place / "model_run").iterdir()) == []
    assert (place / "model" / "saved_model.pb").read_text() == "model"


def test_on_vertex_only_the_parameters_are_put_in_their_places(tfx, tmp_path):
    given = message(tmp_path, "gs://")
    given["outputs"]["outputFile"] = "gs://b/run/output.json"
    assert entry_point.main(arguments(given)) == 0
    ((seen, _),) = tfx.calls
    assert seen["inputs"]["parameterValues"] == {"gate": '{"floors": {"a": 1}}'}
    assert seen["outputs"] == given["outputs"]


def test_remote_workers_write_to_the_store_themselves(tfx, tmp_path, monkeypatch):
    removed = []
    monkeypatch.setattr(entry_point, "remove_markers", removed.extend)
    given = message(tmp_path, "gs://")
    file = Path(given["outputs"]["outputFile"])
    file.parent.mkdir(parents=True)
    tfx.act = lambda seen: file.write_text(json.dumps({"artifacts": {}}))
    code = entry_point.main(arguments(given, "--runner=DataflowRunner"), root=str(tmp_path))
    assert code == 0
    ((seen, _),) = tfx.calls
    assert seen["outputs"]["artifacts"]["model"]["artifacts"][0]["uri"] == "gs://b/run/model"
    assert removed == ["gs://b/run/model", "gs://b/run/model_run"]
    assert (file.parent / "model").is_dir()


def test_remote_workers_need_a_store_that_they_can_use(tfx, tmp_path, caplog):
    code = entry_point.main(arguments(message(tmp_path), "--runner=FlinkRunner"))
    assert code == ConfigurationError.exit_code
    assert "needs a root in gs://" in caplog.text
    assert tfx.calls == []


def test_an_error_on_purpose_is_said_in_its_own_words(tfx, tmp_path, caplog, capsys):
    def act(seen):
        try:
            raise AnomalyError("price: 3 rows below 0")
        except AnomalyError as error:
            raise RuntimeError("in a worker") from error

    tfx.act = act
    code = entry_point.main(arguments(message(tmp_path)), root=str(tmp_path))
    assert code == AnomalyError.exit_code
    assert "price: 3 rows below 0" in caplog.text
    assert "Traceback" not in capsys.readouterr().err


def test_a_bug_keeps_its_traceback(tfx, tmp_path, capsys):
    def act(seen):
        raise KeyError("x")

    tfx.act = act
    assert entry_point.main(arguments(message(tmp_path)), root=str(tmp_path)) == 1
    assert "KeyError: 'x'" in capsys.readouterr().err
