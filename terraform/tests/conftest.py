"""Providers, a mock of AWS and a copy of terraform/, for the tests of this folder."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from terraform_roots import Workspace, environment
from terraform_tools import TREE, terraform, tool

AWS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "eu-west-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.fixture(scope="session")
def providers() -> Iterator[dict[str, str]]:
    """The environment in which terraform finds the schema-only providers; they run meanwhile."""
    terraform()
    with subprocess.Popen(
        [str(tool("python")), "-m", "schema_provider", "serve"],
        env={**os.environ, "PYTHONPATH": str(TREE / "tests")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as serving:
        assert serving.stdin is not None
        assert serving.stdout is not None
        yield json.loads(serving.stdout.readline())
        serving.stdin.close()


@contextlib.contextmanager
def mock_of_aws(folder: Path, account: str) -> Iterator[dict[str, str]]:
    """Runs a mock of an account of AWS; gives the environment in which the provider asks it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / f"moto-{account}.log"
    with log.open("w") as out:
        mock = subprocess.Popen(
            [str(tool("moto_server")), "-H", "127.0.0.1", "-p", str(port)],
            env={
                **os.environ,
                "MOTO_ACCOUNT_ID": account,
                "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
            },
            stdout=out,
            stderr=out,
        )
        try:
            _wait(port, mock, log)
            yield {**AWS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
        finally:
            mock.terminate()
            mock.wait()


def _wait(port: int, mock: subprocess.Popen[bytes], log: Path) -> None:
    """Until a port answers."""
    until = time.monotonic() + 60
    while time.monotonic() < until and mock.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.1)
    pytest.fail(f"the mock of AWS does not answer:\n{log.read_text()}")


@pytest.fixture(scope="session")
def workspace(
    tmp_path_factory: pytest.TempPathFactory, providers: dict[str, str]
) -> Iterator[Workspace]:
    """A copy of this repository's terraform/."""
    folder = tmp_path_factory.mktemp("workspace")
    with contextlib.ExitStack() as stack:
        # A mock of AWS takes seconds to start, and most tests need none.
        mock = functools.cache(lambda account: stack.enter_context(mock_of_aws(folder, account)))
        yield Workspace(folder, environment(providers, folder), mock)


@pytest.fixture(scope="session")
def sample(workspace: Workspace) -> Path:
    """The good root of the fixtures, in the workspace."""
    return workspace.at(TREE / "tests" / "fixtures" / "sample")
