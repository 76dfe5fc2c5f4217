"""The defaults of the server, and what it refuses."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from demandcast.serving.server.config import (
    AccessConfig,
    ModelConfig,
    ServerConfig,
    VersionPolicy,
)


def test_defaults():
    config = ServerConfig(serving_directory=Path("d"))
    assert config.model_dump(exclude={"access", "prediction_log"}) == {
        "serving_directory": Path("d"),
        "model_name": "demand",
        "models": (),
        "model_config_file": None,
        "model_config_poll_seconds": 0.0,
        "allow_labels_for_unavailable": False,
        "host": "127.0.0.1",
        "port": 8500,
        "rest_port": None,
        "metrics_path": "/monitoring/prometheus/metrics",
        "metrics": True,
        "max_batch_rows": 64,
        "max_waiting_rows": 4096,
        "model_workers": max(os.cpu_count() - 1, 1),
        "model_threads": None,
        "max_concurrent_requests": 1024,
        "max_message_bytes": 64 * 1024 * 1024,
        "max_connection_age_seconds": None,
        "poll_seconds": 1.0,
        "load_retries": 5,
        "load_retry_seconds": 60.0,
        "warm_up": True,
        "shutdown_seconds": 30.0,
    }
    assert config.access == AccessConfig(
        certificate="",
        private_key=SecretStr(""),
        client_ca="",
        require_client_certificate=False,
        token=SecretStr(""),
    )
    assert config.prediction_log.model_dump() == {
        "directory": None,
        "sampling_rate": 1.0,
        "max_file_bytes": 64 * 1024 * 1024,
        "max_file_seconds": 300.0,
        "max_total_bytes": 2 * 1024 * 1024 * 1024,
        "max_waiting": 1000,
    }
    model = ModelConfig(base_path=Path("d"))
    assert config.models_at_start() == (model,)
    assert model.policy == VersionPolicy(kind="latest", count=1, versions=())
    assert (model.labels, model.prediction_log) == ({}, None)


@pytest.mark.parametrize(
    ("key", "value"),
    [("port", 65536), ("port", -1), ("model_workers", 0), ("poll_seconds", 0), ("model_name", "")],
)
def test_refuses(key, value):
    with pytest.raises(ValidationError, match=key):
        ServerConfig(serving_directory=Path("d"), **{key: value})


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"serving_directory": Path("d"), "model_config_file": Path("f")},
        {"serving_directory": Path("d"), "models": (ModelConfig(base_path=Path("e")),)},
    ],
)
def test_one_thing_says_what_is_served(given):
    with pytest.raises(ValidationError, match="one of serving_directory, models and model_config"):
        ServerConfig(**given)


@pytest.mark.parametrize(
    "given",
    [{"kind": "specific"}, {"kind": "latest", "versions": (1,)}, {"kind": "all", "versions": (1,)}],
)
def test_only_specific_lists_versions(given):
    with pytest.raises(ValidationError, match="'specific' lists versions"):
        VersionPolicy(**given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"certificate": "c"}, "go together"),
        ({"private_key": "k"}, "go together"),
        ({"require_client_certificate": True}, "needs certificate and client_ca"),
        (
            {"certificate": "c", "private_key": "k", "require_client_certificate": True},
            "needs certificate and client_ca",
        ),
    ],
)
def test_access_is_whole(given, message):
    with pytest.raises(ValidationError, match=message):
        AccessConfig(**given)


def test_secrets_are_not_shown():
    access = AccessConfig(certificate="c", private_key="hush", token=SecretStr("hush"))
    assert "hush" not in repr(access)


@pytest.mark.parametrize(
    "module", ["client", "forecasting", "messages", "server", "server.config", "server.versions"]
)
def test_importing_is_light(module):
    code = (
        f"import sys, demandcast.serving.{module}; "
        "heavy = {'tensorflow', 'tensorflow_serving', 'tfx', 'apache_beam', 'pandas'}; "
        "sys.exit(' '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
