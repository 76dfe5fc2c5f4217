"""A server in a process of its own, as it runs in production."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PROGRAM = """
import logging, sys
from demandcast.serving.server import ServerConfig, serve
logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
def started(server):
    print(server.address, server.rest_port, flush=True)
serve(ServerConfig.model_validate_json(sys.argv[1]), on_started=started)
"""


class ServerProcess:
    """A server; `with` waits until its ports are open, and stops it at the end."""

    def __init__(self, **config: Any) -> None:
        """Prepares.

        Args:
            config: Of `ServerConfig`; the ports are free ones if not given.
        """
        self._config = {"port": 0, "rest_port": 0, "poll_seconds": 0.1} | config

    def __enter__(self) -> ServerProcess:
        self._log = tempfile.TemporaryFile("w+")
        # Quiet: what TensorFlow says at its start is not ours.
        environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "GRPC_VERBOSITY": "NONE"}
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", PROGRAM, json.dumps(self._config, default=str)],
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=environment,
        )
        self.address, port = self.process.stdout.readline().split()
        self.rest_port = int(port)
        return self

    def __exit__(self, *exception: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self._log.close()

    def wait_until_available(self, seconds: float = 120) -> None:
        """Waits for the first version; fails if it does not come."""
        import grpc
        from grpc_health.v1 import health_pb2, health_pb2_grpc

        deadline = time.monotonic() + seconds
        with grpc.insecure_channel(self.address) as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            while stub.Check(health_pb2.HealthCheckRequest()).status != 1:
                if time.monotonic() > deadline:
                    raise AssertionError(f"no version in {seconds} s: {self.log()}")
                time.sleep(0.05)

    def log(self) -> str:
        """All that it has logged."""
        self._log.flush()
        return os.pread(self._log.fileno(), 2**24, 0).decode()

    @property
    def resident_bytes(self) -> int:
        """Memory of the process that is in use: its resident set."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
