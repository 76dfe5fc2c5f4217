"""The smoke test of what is in service: at a server that runs, or at one started for it."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from demandcast.components.infrastructure.server_process import running_server, with_restarts
from demandcast.components.storage.files import Files, copy_folder, is_remote, join
from demandcast.schema.artifact_names import GOLDEN_FILE
from demandcast.schema.config import ServingConfig
from demandcast.schema.errors import ServingError
from demandcast.schema.golden_request import GoldenRequest
from demandcast.serving.client import DemandClient
from demandcast.serving.smoke import SmokeResult, smoke_test

__all__ = ["InService", "ask_in_service"]

_WAY_BACK = (
    "It stays in service; 'demandcast rollback --config ...' puts the version before it back"
)


@dataclass(frozen=True)
class InService:
    """A version that ought to serve.

    Attributes:
        serving_directory: Directory that the server watches.
        version: Its number.
        model_name: Name under which applications ask for it.
    """

    serving_directory: str
    version: int
    model_name: str


def ask_in_service(
    model: InService, config: ServingConfig, *, files: Files, log: Path
) -> SmokeResult:
    """Sends the golden request of a version to the server that ought to have it.

    Args:
        model: The version.
        config: The server: its address, or the command that is started on the directory.
        files: Filesystem of the serving directory.
        log: File for what a started server says.

    Returns:
        What was compared.

    Raises:
        ServingError: The server does not have it, or does not answer as the model did when it
            was checked; the message says what serves and the way back.
    """
    try:
        golden = _golden(model, files)
        if config.address is not None:
            return _ask(config.address, model, golden, config)
        return with_restarts(
            lambda: _ask_started(model, golden, config, files=files, log=log), tries=config.tries
        )
    except ServingError as error:
        where = f"at {config.address}" if config.address else "at a server started for it"
        raise ServingError(
            f"smoke test of version {model.version} in {model.serving_directory} {where}: {error}\n"
            f"{_WAY_BACK}"
        ) from error


def _golden(model: InService, files: Files) -> GoldenRequest | None:
    """Reads the golden request of a version; None if it was pushed without one."""
    path = join(model.serving_directory, str(model.version), GOLDEN_FILE)
    if not files.exists(path):
        return None
    try:
        return GoldenRequest.model_validate_json(files.read(path))
    except ValueError as error:
        raise ServingError(f"{path}: not a golden request: {error}") from error


def _ask_started(
    model: InService,
    golden: GoldenRequest | None,
    config: ServingConfig,
    *,
    files: Files,
    log: Path,
) -> SmokeResult:
    with (
        _local_directory(model, files) as directory,
        running_server(
            config, model_name=model.model_name, model_base_path=directory, log=log
        ) as server,
    ):
        return _ask(server.address, model, golden, config, check=server.check)


def _ask(
    address: str,
    model: InService,
    golden: GoldenRequest | None,
    config: ServingConfig,
    *,
    check: Callable[[], None] = lambda: None,
) -> SmokeResult:
    with DemandClient(address, model_name=model.model_name) as client:
        return smoke_test(
            client,
            version=model.version,
            golden=golden,
            timeout_seconds=config.timeout_seconds,
            check=check,
        )


@contextlib.contextmanager
def _local_directory(model: InService, files: Files) -> Iterator[str]:
    """The serving directory; a copy of the version if it lies in an object store."""
    if not is_remote(model.serving_directory):
        yield model.serving_directory
        return
    with tempfile.TemporaryDirectory(prefix="demandcast-smoke-") as folder:
        version = str(model.version)
        copy_folder(join(model.serving_directory, version), join(folder, version), files)
        yield folder
