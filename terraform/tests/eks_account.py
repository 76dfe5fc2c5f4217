"""An account of AWS on this machine: moto, the real provider against it, and the written gaps."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from terraform_tools import TREE, mirror_config, terraform, terraform_env, tool

__all__ = ["ACCOUNT", "Account", "account", "changed", "gaps"]

ACCOUNT = "111122223333"
REGION = "eu-west-1"

# The backend's bucket is not there, and a mock that breaks shall not be asked for minutes.
_ROOT_OVERRIDE = """
terraform {
  backend "local" {}
}

provider "aws" {
  access_key                  = "test"
  secret_key                  = "test"
  max_retries                 = 2
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
}
"""

_IGNORE = """
resource "{resource}" "{name}" {{
  lifecycle {{
    ignore_changes = [{attributes}]
  }}
}}
"""


def gaps() -> dict[str, list[dict[str, Any]]]:
    """The written list of what the mock does not do as AWS does."""
    text = (TREE / "tests" / "eks_mock_gaps.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


@dataclass(frozen=True)
class Account:
    """A root in a copy of terraform/, and an account that is a mock.

    Attributes:
        root: The copy of the root.
        environment: Of terraform, with the address of the mock.
    """

    root: Path
    environment: Mapping[str, str]

    def run(self, *arguments: str, timeout: int = 500) -> subprocess.CompletedProcess[str]:
        """Runs terraform. Its output goes through files, which no child can keep open for us."""
        out, err = self.root / "out.txt", self.root / "err.txt"
        with out.open("w") as stdout, err.open("w") as stderr:
            done = subprocess.run(
                [terraform(), *arguments],
                cwd=self.root,
                env=dict(self.environment),
                stdout=stdout,
                stderr=stderr,
                check=False,
                timeout=timeout,
            )
        return subprocess.CompletedProcess(
            done.args, done.returncode, out.read_text(), err.read_text()
        )

    def succeed(self, *arguments: str) -> str:
        """Runs terraform, and gives what it prints."""
        done = self.run(*arguments)
        assert done.returncode == 0, f"{arguments}\n{done.stdout[-4000:]}\n{done.stderr[-8000:]}"
        return done.stdout

    def plan(self, *arguments: str) -> dict[str, Any]:
        """A plan, as JSON."""
        self.succeed("plan", "-input=false", "-out=plan", *arguments)
        return dict(json.loads(self.succeed("show", "-json", "plan")))

    def ask(self, code: str) -> Any:
        """What a line of Python with boto3 prints as JSON, asked from the account itself."""
        return self._python("-c", code)

    def inventory(self) -> dict[str, list[str]]:
        """What is in the account."""
        return dict(self._python(str(TREE / "tests" / "eks_inventory.py")))

    def _python(self, *arguments: str) -> Any:
        command = [str(tool("python")), *arguments]
        env = {**self.environment, "AWS_DEFAULT_REGION": REGION}
        told = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert told.returncode == 0, told.stderr
        return json.loads(told.stdout)


@contextlib.contextmanager
def account(folder: Path, mirror: Path) -> Iterator[Account]:
    """An empty account, and `eks/foundation` made ready for it."""
    for name in ("modules", "eks"):
        shutil.copytree(TREE / name, folder / name, ignore=shutil.ignore_patterns(".terraform*"))
    root = folder / "eks" / "foundation"
    (root / "mock_override.tf").write_text(_ROOT_OVERRIDE, encoding="utf-8")
    for gap in gaps()["ignored"]:
        _look_away(folder / "modules" / "aws" / gap["module"], gap)
    with _moto(folder) as address:
        environment = {
            **terraform_env(mirror_config(folder, mirror)),
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": address,
        }
        made = Account(root, environment)
        made.succeed("init", "-input=false")
        yield made


def _look_away(module: Path, gap: Mapping[str, Any]) -> None:
    """An override replaces what the module itself ignores, so that is said again."""
    text = (module / "main.tf").read_text(encoding="utf-8")
    block = text.split(f'resource "{gap["resource"]}" "{gap["name"]}"')[1].split("\n}\n")[0]
    own = block.split("ignore_changes = [")[1].split("]\n")[0] if "ignore_changes" in block else ""
    attributes = ", ".join(filter(None, [own, gap["attribute"]]))
    override = _IGNORE.format(**{**gap, "attributes": attributes})
    (module / "mock_override.tf").write_text(override, encoding="utf-8")


@contextlib.contextmanager
def _moto(folder: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # AWS' own policies are attached to roles; the mock has them only when asked to.
    environment = {"MOTO_IAM_LOAD_MANAGED_POLICIES": "true", "MOTO_ACCOUNT_ID": ACCOUNT}
    with (folder / "moto.log").open("w") as log:
        serving = subprocess.Popen(
            [str(tool("moto_server")), "-H", "127.0.0.1", "-p", str(port)],
            env={**os.environ, **environment},
            stdout=log,
            stderr=log,
        )
        try:
            _wait(serving, port)
            yield f"http://127.0.0.1:{port}"
        finally:
            serving.terminate()
            serving.wait()


def _wait(serving: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and serving.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.1)
    raise AssertionError(f"moto does not answer; it ended with {serving.poll()}")


def changed(plan: Mapping[str, Any]) -> Sequence[tuple[str, str, str]]:
    """What a plan changes: action, address without keys' values, attribute.

    What is only known after an apply follows from another change, and is left out if there is one.
    """
    found = []
    for entry in plan.get("resource_changes", []):
        change = entry["change"]
        action = "-".join(change["actions"])
        if action in ("no-op", "read"):
            continue
        before, after = change["before"] or {}, change["after"] or {}
        unknown = change["after_unknown"] or {}
        attributes = [
            name
            for name in sorted({*before, *after})
            if unknown.get(name) is not True and before.get(name) != after.get(name)
        ]
        found += [(action, entry["address"], name) for name in attributes or ["?"]]
    return found
