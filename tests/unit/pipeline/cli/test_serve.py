import json
import os
import warnings
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
        on_started(SimpleNamespace(address="127.0.0.1:8501", port=8501, rest_address=""))

    monkeypatch.setattr(server, "serve", serve)
    return configs


def test_the_serving_directory_of_the_configuration_is_served(config_file, served, capsys):
    assert invoke(["serve", "--config", str(config_file), "--port", "0"]) == 0
    assert capsys.readouterr().out == "listening on 127.0.0.1:8501 for 'demand'\n"
    (config,) = served
    assert config.serving_directory == config_file.parent / "runs" / "serving"
    assert (config.model_name, config.host, config.port) == ("demand", "127.0.0.1", 0)


def test_scripts_read_the_address_as_json(config_file, served, capsys):
    assert invoke(["serve", "--config", str(config_file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "address": "127.0.0.1:8501",
        "port": 8501,
        "rest_address": "",
    }


def test_a_server_that_cannot_start_is_exit_code_5(config_file, monkeypatch, capsys):
    def serve(config, *, on_started):
        raise ServingError("cannot listen on 127.0.0.1:8500")

    monkeypatch.setattr(server, "serve", serve)
    assert invoke(["serve", "--config", str(config_file)]) == 5
    assert capsys.readouterr().err == "error: cannot listen on 127.0.0.1:8500\n"


def test_quiet_says_nothing(config_file, served, capsys):
    assert invoke(["serve", "--config", str(config_file), "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("port", ["-1", "65536", "99999"])
def test_a_port_out_of_range_is_bad_input(config_file, served, capsys, port):
    assert invoke(["serve", "--config", str(config_file), "--port", port]) == 2
    assert "0<=x<=65535" in capsys.readouterr().err
    assert not served


def test_libraries_are_silenced_unless_the_user_chose(config_file, served, monkeypatch, capsys):
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    monkeypatch.setenv("GRPC_VERBOSITY", "debug")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert invoke(["serve", "--config", str(config_file)]) == 0
        warnings.warn("You are using a Python version (3.11) which", FutureWarning, stacklevel=1)
        with pytest.raises(FutureWarning):
            warnings.warn("something else", FutureWarning, stacklevel=1)
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "3"
    assert os.environ["GRPC_VERBOSITY"] == "debug"
    monkeypatch.delenv("GRPC_VERBOSITY")
    with warnings.catch_warnings():
        assert invoke(["serve", "--config", str(config_file)]) == 0
    assert os.environ["GRPC_VERBOSITY"] == "NONE"


def test_help_says_that_it_waits_for_a_model(capsys):
    assert invoke(["serve", "--help"]) == 0
    assert "waits for a first one" in " ".join(capsys.readouterr().out.split())
