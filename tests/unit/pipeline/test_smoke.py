"""The smoke test of a serving directory, at a server that runs or one that is started."""

import json
from pathlib import Path

import numpy as np
import pytest
from model_server import command
from serving_models import push, save_tiny_model, tiny_inputs

from demandcast.components.storage.files import LocalFiles
from demandcast.pipeline.smoke import InService, ask_in_service
from demandcast.schema.artifact_names import GOLDEN_FILE, SERVER_LOG_FILE, SMOKE_TEST_FILE
from demandcast.schema.config import ServingConfig
from demandcast.schema.errors import ServingError
from demandcast.schema.golden_request import GoldenRequest
from demandcast.serving.server import ModelServer
from demandcast.serving.server.config import ServerConfig

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

VERSION = 1_700_000_000


@pytest.fixture(scope="module")
def serving(tmp_path_factory):
    """A serving directory with one version and its golden request."""
    folder = tmp_path_factory.mktemp("world")
    save_tiny_model(folder / "model", scale=1.0)
    mean = np.array([[2.5] * 3, [6.5] * 3], np.float32)
    golden = GoldenRequest.of("serving_default", tiny_inputs(), {"mean": mean})
    (folder / "model" / GOLDEN_FILE).parent.mkdir()
    (folder / "model" / GOLDEN_FILE).write_text(golden.model_dump_json())
    push(folder / "model", folder / "serving", VERSION)
    return folder / "serving"


@pytest.fixture(scope="module")
def address(serving):
    with ModelServer(ServerConfig(serving_directory=serving, port=0)) as server:
        assert server.wait_until_available(60)
        yield server.address


def ask(serving, log, *, version=VERSION, **config):
    return ask_in_service(
        InService(str(serving), version, "demand"),
        ServingConfig(**{"command": command(), "tries": 1, **config}),
        files=LocalFiles(),
        log=log,
    )


def test_a_running_server_is_asked_at_its_address(serving, address, tmp_path):
    found = ask(serving, tmp_path / "log", address=address, command=command("crash"))
    assert (found.version, found.series) == (VERSION, 2)
    assert not (tmp_path / "log").exists()


def test_without_an_address_the_command_is_started(serving, tmp_path):
    assert ask(serving, tmp_path / "log").series == 2
    assert (tmp_path / "log").exists()


def test_a_failure_says_what_serves_and_the_way_back(serving, address, tmp_path):
    with pytest.raises(ServingError) as raised:
        ask(serving, tmp_path / "log", address=address, version=9, timeout_seconds=0.2)
    assert str(raised.value) == (
        f"smoke test of version 9 in {serving} at {address}: version 9 is not available after "
        f"0.2 s; last seen: version {VERSION} AVAILABLE\n"
        "It stays in service; 'demandcast rollback --config ...' puts the version before it back"
    )


def test_a_server_that_ends_is_told_with_its_last_words(serving, tmp_path):
    with pytest.raises(ServingError, match=r"(?s)started for it: the server ended.*no licence"):
        ask(serving, tmp_path / "log", command=command("crash"))


def test_a_golden_request_that_was_tampered_with_is_named(serving, address, tmp_path):
    folder = tmp_path / "serving" / "7" / "assets.extra"
    folder.mkdir(parents=True)
    (tmp_path / "serving" / "7" / GOLDEN_FILE).write_text("{")
    with pytest.raises(ServingError, match=r"golden_request\.json: not a golden request"):
        ask(tmp_path / "serving", tmp_path / "log", version=7, address=address)


class TestNode:
    """The stage of the pipeline."""

    @pytest.fixture
    def run(self, serving, address, tmp_path):
        from tfx.types import standard_artifacts

        from demandcast.pipeline.smoke_node import SmokeTest

        def run(*, pushed, version=VERSION):
            model, result = standard_artifacts.PushedModel(), standard_artifacts.ModelEvaluation()
            result.uri = str(tmp_path / "result")
            model.set_int_custom_property("pushed", pushed)
            model.set_string_custom_property("pushed_version", str(version))
            config = ServingConfig(address=address, timeout_seconds=0.2)
            SmokeTest.EXECUTOR_SPEC.executor_class().Do(
                {"pushed_model": [model]},
                {"result": [result]},
                {
                    "serving_directory": str(serving),
                    "model_name": "demand",
                    "serving": config.model_dump_json(),
                },
            )
            return result

        return run

    def test_what_was_pushed_is_asked_for(self, run):
        result = run(pushed=1)
        assert result.get_int_custom_property("tested") == 1
        written = json.loads((Path(result.uri) / SMOKE_TEST_FILE).read_text())
        assert written["version"] == VERSION
        assert written["finding"] == result.get_string_custom_property("finding")
        assert "answers 2 golden series" in written["finding"]
        assert not (Path(result.uri) / SERVER_LOG_FILE).exists()

    def test_where_nothing_was_pushed_nobody_is_asked(self, run):
        result = run(pushed=0, version=9)
        assert result.get_int_custom_property("tested") == 0
        finding = "nothing was pushed, so nothing was tested"
        assert result.get_string_custom_property("finding") == finding

    def test_a_version_that_does_not_serve_fails_the_run(self, run):
        with pytest.raises(ServingError, match="version 9 is not available") as raised:
            run(pushed=1, version=9)
        assert raised.value.exit_code == 5
