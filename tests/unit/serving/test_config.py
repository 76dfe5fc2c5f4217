"""The defaults of the server, and what it refuses."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from demandcast.serving.config import ServerConfig


def test_defaults():
    assert ServerConfig(serving_directory=Path("d")).model_dump() == {
        "serving_directory": Path("d"),
        "model_name": "demand",
        "host": "127.0.0.1",
        "port": 8500,
        "workers": 64,
        "max_batch_rows": 64,
        "max_waiting_rows": 4096,
        "model_workers": 2,
        "max_concurrent_requests": 1024,
        "max_message_bytes": 64 * 1024 * 1024,
        "poll_seconds": 1.0,
        "load_retries": 5,
        "load_retry_seconds": 60.0,
        "shutdown_seconds": 30.0,
    }


@pytest.mark.parametrize(
    ("key", "value"),
    [("port", 65536), ("port", -1), ("workers", 0), ("poll_seconds", 0), ("model_name", "")],
)
def test_refuses(key, value):
    with pytest.raises(ValidationError, match=key):
        ServerConfig(serving_directory=Path("d"), **{key: value})


@pytest.mark.parametrize("module", ["config", "client", "forecasting", "server", "versions"])
def test_importing_is_light(module):
    code = (
        f"import sys, demandcast.serving.{module}; "
        "heavy = {'tensorflow', 'tensorflow_serving', 'tfx', 'apache_beam', 'pandas'}; "
        "sys.exit(' '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
