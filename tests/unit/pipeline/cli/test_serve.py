import json
from types import SimpleNamespace

import pytest

from demandcast.pipeline.cli.main import invoke
from demandcast.schema.errors import ServingError
from demandcast.serving import server


@pytest.fixture
def served(monkeypatch):
    """Replaces the server; returns the configurations it was started with."""
    configs = []

    def serve(config, *, on_started):
        configs.append(config)
        on_started(SimpleNamespace(address="127.0.0.1:8501", port=8501))

    monkeypatch.setattr(server, "serve", serve)
    return configs


def test_the_serving_directory_of_the_configuration_is_served(config_file, served, capsys):
    assert invoke(["serve", "--config", str(config_file), "--port", "0"]) == 0
    assert capsys.readouterr().out == "serving 'demand' on 127.0.0.1:8501\n"
    (config,) = served
    assert config.serving_directory == config_file.parent / "runs" / "serving"
    assert (config.model_name, config.host, config.port) == ("demand", "127.0.0.1", 0)


def test_scripts_read_the_address_as_json(config_file, served, capsys):
    assert invoke(["serve", "--config", str(config_file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"address": "127.0.0.1:8501", "port": 8501}


def test_a_server_that_cannot_start_is_exit_code_5(config_file, monkeypatch, capsys):
    def serve(config, *, on_started):
        raise ServingError("cannot listen on 127.0.0.1:8500")

    monkeypatch.setattr(server, "serve", serve)
    assert invoke(["serve", "--config", str(config_file)]) == 5
    assert capsys.readouterr().err == "error: cannot listen on 127.0.0.1:8500\n"
