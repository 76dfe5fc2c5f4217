import json

import pytest
from history_world import World

from demandcast.pipeline import smoke
from demandcast.pipeline.cli.main import invoke
from demandcast.schema.errors import ServingError
from demandcast.serving.smoke import SmokeResult

VERSION = 1_700_000_000


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    world.push("one", "run-one")
    return world


@pytest.fixture
def asked(monkeypatch):
    """Replaces the question; returns what was asked, and takes what is to be answered."""
    calls = []

    def ask(model, config, *, files, log):
        calls.append((model, config, log))
        if isinstance(calls[0], Exception):
            raise calls[0]
        return SmokeResult(model.version, series=3)

    monkeypatch.setattr(smoke, "ask_in_service", ask)
    return calls


def run(world, *arguments):
    return invoke(["smoke-test", "--config", str(world.config_file), *arguments])


def test_the_version_in_service_is_asked_for(world, asked, capsys):
    assert run(world) == 0
    ((model, config, log),) = asked
    assert (model.version, model.model_name) == (VERSION, "demand")
    assert model.serving_directory == str(world.serving)
    assert config.address is None
    assert log == world.folder / "smoke_test" / "server.log"
    assert capsys.readouterr().out.startswith(f"version {VERSION} is available and answers 3")


def test_address_and_version_can_be_given_and_the_answer_is_json(world, asked, capsys):
    assert run(world, "--address", "demand:8500", "--version", "7", "--json") == 0
    ((model, config, _),) = asked
    assert (model.version, config.address) == (7, "demand:8500")
    assert json.loads(capsys.readouterr().out) == {"version": 7, "series": 3}


def test_a_failure_is_exit_code_5(world, asked, capsys):
    asked.append(ServingError("version 7 does not answer as it did"))
    assert run(world) == 5
    assert capsys.readouterr().err.endswith("error: version 7 does not answer as it did\n")


@pytest.mark.usefixtures("asked")
def test_an_address_that_is_none_is_bad_input(world, capsys):
    assert run(world, "--address", "demand") == 2
    assert "HOST:PORT" in capsys.readouterr().err


def test_without_a_model_there_is_nothing_to_ask_for(tmp_path, asked, capsys):
    assert run(World(tmp_path)) == 5
    assert "no model is in service; 'demandcast run' pushes one" in capsys.readouterr().err
    assert asked == []
