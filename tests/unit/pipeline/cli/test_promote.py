import json
from concurrent import futures
from types import SimpleNamespace

import grpc
import pytest
from label_servers import LabelServer, models_config

from demandcast.pipeline.cli.main import invoke
from demandcast.serving import client, promotion
from demandcast.serving.client import Connection
from demandcast.serving.errors import CallError
from demandcast.serving.messages import MODEL_SERVICE, PREDICTION_SERVICE, SignatureDefMap
from demandcast.serving.models_file import Placement, read_placement

ADDRESS = "127.0.0.1:1"
STABLE_5 = Placement(frozenset({5}), {"stable": 5})


@pytest.fixture
def file(tmp_path, monkeypatch):
    """A file, and a server that follows it."""
    path = tmp_path / "models.config"
    path.write_text(models_config(STABLE_5))
    server = LabelServer(path, {4, 5, 6}).start()

    class Client:
        def __init__(self, address, *, model_name, max_attempts, connection):
            assert address == ADDRESS
            assert max_attempts == 1  # Whoever waits asks again.
            assert connection == Connection()
            self._model_name = model_name

        def status(self):
            if self._model_name != "demand":
                raise CallError("NOT_FOUND", "no such model")
            return server.status()

        def metadata(self, *, version_label):
            return SimpleNamespace(version=server.resolve(version_label))

        def __enter__(self):
            return self

        def __exit__(self, *exception):
            pass

    monkeypatch.setattr(client, "DemandClient", Client)
    monkeypatch.setattr(promotion, "_PAUSE_SECONDS", 0.0)
    return path


def call(command, file, *arguments):
    return invoke([command, "--models-config", str(file), "--address", ADDRESS, *arguments])


def placement(file):
    return read_placement(file.read_text(), "demand", source="file")


def test_a_canary_becomes_stable_and_goes_back(file, capsys):
    assert call("promote", file, "--version", "6", "--label", "canary") == 0
    said = capsys.readouterr()
    assert said.out == "canary 6, stable 5\n"
    assert said.err.splitlines() == [
        "load 6",
        f"  waiting: {ADDRESS} has no version 6: LOADING",
        "canary: none -> 6",
    ]
    assert call("promote", file, "--version", "6") == 0
    assert capsys.readouterr().out == "canary 6, previous 5, stable 6\n"
    assert call("rollback", file) == 0
    assert capsys.readouterr().out == "canary 5, previous 6, stable 5\n"
    assert placement(file).versions == {5, 6}


def test_a_dry_run_shows_each_step_and_writes_nothing(file, capsys):
    before = file.read_text()
    assert call("promote", file, "--version", "6", "--dry-run") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("step")] == [
        "step 1: load 6",
        "step 2: previous: none -> 5, stable: 5 -> 6",
    ]
    assert f"+++ {file}" in lines
    assert "+        versions: 6" in lines
    assert file.read_text() == before


def test_a_dry_run_of_nothing(file, capsys):
    assert call("promote", file, "--version", "5", "--dry-run") == 0
    assert capsys.readouterr().out == "nothing to change\n"


def test_a_version_that_no_server_has_is_exit_code_5(file, capsys):
    assert call("promote", file, "--version", "9", "--timeout", "0") == 5
    error = capsys.readouterr().err
    assert f"no label was moved: {ADDRESS} has no version 9: it knows none of that number" in error
    assert placement(file).labels == {"stable": 5}


def test_the_newest_version_of_servers_that_do_not_answer_is_unknown(file, capsys):
    file.write_text(models_config(Placement()).replace('"demand"', '"sales"'))
    assert call("promote", file, "--version", "6", "--model", "sales") == 5
    assert "NOT_FOUND: no such model" in capsys.readouterr().err


def test_json_and_quiet(file, capsys):
    arguments = ("--version", "6", "--drop-previous", "--json", "--quiet")
    assert call("promote", file, *arguments) == 0
    said = capsys.readouterr()
    assert json.loads(said.out) == {"labels": {"stable": 6}, "versions": [6]}
    assert said.err == ""
    assert call("promote", file, "--version", "5", "--quiet") == 0
    assert capsys.readouterr() == ("", "")


def test_a_version_to_go_back_to_may_be_named(file, capsys):
    assert call("rollback", file, "--to", "4") == 0
    assert capsys.readouterr().out == "previous 5, stable 4\n"


def test_comments_that_are_lost_are_said(file, capsys):
    file.write_text(file.read_text().replace("config {\n", "config {  # Mine.\n", 1))
    assert call("promote", file, "--version", "6") == 0
    assert "1 comments inside of it are not kept, but in its heading" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "arguments", "message"),
    [
        ("promote", ["--version", "6", "--model", "sales"], "no model 'sales' in it"),
        ("promote", ["--version", "6", "--label", "previous"], "follows 'stable' by itself"),
        ("promote", ["--version", "-1"], "Invalid value for '--version'"),
        ("promote", [], "Missing option '--version'"),
        ("rollback", [], "no label 'previous' to go back to; name a version with --to"),
        ("rollback", ["--reason", "bad"], "Option '--reason' goes with '--config'"),
        ("rollback", ["--config", "demand.yaml"], "Give one of '--config' and '--models-config'"),
    ],
)
def test_bad_input_is_exit_code_2(file, command, arguments, message, capsys):
    before = file.read_text()
    assert call(command, file, *arguments) == 2
    assert message in capsys.readouterr().err
    assert file.read_text() == before


def test_somebody_must_say_that_it_is_loaded(file, capsys):
    assert invoke(["promote", "--models-config", str(file), "--version", "6"]) == 2
    assert "Missing option '--address'" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--address", ADDRESS], ["--dry-run"]])
def test_a_rollback_of_the_directory_asks_no_server(arguments, tmp_path, capsys):
    assert invoke(["rollback", "--config", str(tmp_path / "demand.yaml"), *arguments]) == 2
    assert "go with '--models-config'" in capsys.readouterr().err


def test_a_rollback_needs_one_of_both(capsys):
    assert invoke(["rollback"]) == 2
    assert "Give one of '--config' and '--models-config'" in capsys.readouterr().err


@pytest.fixture
def over_grpc(tmp_path):
    """A file, and the address of a server that follows it and answers what it is asked."""
    path = tmp_path / "models.config"
    path.write_text(models_config(STABLE_5))
    follower = LabelServer(path, {5, 6}).start()

    def status(request, context):
        answer = MODEL_SERVICE["GetModelStatus"].response()
        for found in follower.status():
            answer.model_version_status.add(version=found.version, state=found.state.value)
        return answer

    def metadata(request, context):
        answer = PREDICTION_SERVICE["GetModelMetadata"].response()
        try:
            answer.model_spec.version.value = follower.resolve(request.model_spec.version_label)
        except CallError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        answer.metadata["signature_def"].Pack(SignatureDefMap())
        return answer

    server = grpc.server(futures.ThreadPoolExecutor(1))
    for method, answer in (
        (MODEL_SERVICE["GetModelStatus"], status),
        (PREDICTION_SERVICE["GetModelMetadata"], metadata),
    ):
        handler = grpc.unary_unary_rpc_method_handler(
            answer,
            request_deserializer=method.request.FromString,
            response_serializer=method.response.SerializeToString,
        )
        service, name = method.path[1:].split("/")
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service, {name: handler}),)
        )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield path, f"127.0.0.1:{port}"
    server.stop(None).wait()


def test_a_real_server_is_asked(over_grpc, monkeypatch, capsys):
    path, address = over_grpc
    monkeypatch.setattr(promotion, "_PAUSE_SECONDS", 0.01)
    arguments = ["promote", "--models-config", str(path), "--address", address, "--version", "6"]
    assert invoke(arguments) == 0
    assert capsys.readouterr().out == "previous 5, stable 6\n"
    assert placement(path) == Placement(frozenset({5, 6}), {"previous": 5, "stable": 6})
