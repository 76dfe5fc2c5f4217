"""A model server as a child process, from a configured command; it never outlives its use.

command ── placeholders ──► tether.py ── becomes ──► server, in a process group of its own
                                                       │ stdout and stderr
                                                       ▼
                                                     server.log
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from demandcast.components.infrastructure import tether
from demandcast.schema.config.serving import ServingConfig, filled_in
from demandcast.schema.errors import ServingError

__all__ = [
    "ServerEndedError",
    "ServerProcess",
    "free_ports",
    "program_of",
    "running_server",
    "with_restarts",
]

_LOG = logging.getLogger(__name__)

T = TypeVar("T")

_HOST = "127.0.0.1"
_LAST_LINES = 15
"""Of the server's log, in messages."""

_GRACE_SECONDS = 10.0
"""Between the request to end and the kill."""


class ServerEndedError(ServingError):
    """The server ended by itself; another start may do better."""


class ServerProcess:
    """A server that runs. Made by `running_server`.

    Attributes:
        address: Host and port of gRPC.
        log: File with what it says.
    """

    def __init__(self, process: subprocess.Popen[bytes], *, address: str, log: Path) -> None:
        self._process = process
        self.address = address
        self.log = log

    def check(self) -> None:
        """Makes sure that it still runs.

        Raises:
            ServerEndedError: It does not; the message has the last lines of its log.
        """
        code = self._process.poll()
        if code is not None:
            how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
            raise ServerEndedError(f"the server {how}{self.last_words()}")

    def last_words(self) -> str:
        """The last lines of its log, ready to follow a sentence."""
        with self.log.open(encoding="utf-8", errors="replace") as file:
            lines = deque((line.rstrip() for line in file if line.strip()), _LAST_LINES)
        if not lines:
            return "; it said nothing"
        return "; its last words:\n" + "\n".join(f"  {line}" for line in lines)


@contextmanager
def running_server(
    config: ServingConfig, *, model_name: str, model_base_path: str, log: Path
) -> Iterator[ServerProcess]:
    """Starts `serving.command`; in the end it and its children are gone, whatever happened.

    Args:
        config: The command.
        model_name: Under which it serves.
        model_base_path: Folder with numbered versions.
        log: File that is written anew with what it says.

    Yields:
        The server; it may not listen yet, and may have ended already.

    Raises:
        ServingError: There is no such program, or it cannot be started.
    """
    port, rest_api_port = free_ports(2)
    values = {
        "port": str(port),
        "rest_api_port": str(rest_api_port),
        "model_name": model_name,
        "model_base_path": model_base_path,
    }
    name, *arguments = filled_in(config.command, values)
    command = [sys.executable, "-I", tether.__file__, str(os.getpid()), program_of(name)]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - the user's own command, without a shell
            [*command, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield ServerProcess(process, address=f"{_HOST}:{port}", log=log)
    finally:
        _end(process)


def with_restarts(use: Callable[[], T], *, tries: int) -> T:
    """Uses a server again, started anew, if it ended by itself: its port may have been taken.

    Args:
        use: Starts it and asks it.
        tries: How often, at most.

    Raises:
        ServerEndedError: It ended each time.
    """
    for _ in range(tries - 1):
        try:
            return use()
        except ServerEndedError as error:
            _LOG.warning("%s\nThe server is started again", error)
    return use()


def program_of(name: str) -> str:
    """Finds a program: an absolute path, or beside the running Python, or in PATH.

    Raises:
        ServingError: There is none that can be run.
    """
    beside = Path(sys.executable).parent
    found = shutil.which(name, path=str(beside)) or shutil.which(name)
    if found is None:
        places = name if name.startswith("/") else f"{name} in {beside} or in PATH"
        raise ServingError(f"serving.command: no program {places}; is the server installed here?")
    return found


def free_ports(count: int) -> Sequence[int]:
    """Finds ports of this machine that nobody listens on, each another one.

    Somebody may take one before it is used; the server then ends, and is started again.
    """
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((_HOST, 0))
        return [one.getsockname()[1] for one in sockets]


def _end(process: subprocess.Popen[bytes]) -> None:
    """Asks the group to end, and kills what is left of it."""
    _signal_group(process.pid, signal.SIGTERM)
    try:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_SECONDS)
    finally:
        # Its children may go on without it. No other process gets their group's number meanwhile.
        _signal_group(process.pid, signal.SIGKILL)
        process.wait()


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)
