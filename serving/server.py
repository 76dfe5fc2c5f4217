"""`ModelServer`: one model of a serving directory over gRPC, as TensorFlow Serving would.

ModelServer ── ModelVersions ── Loader ── SavedModel
     │               ▲                        ▲
     └── services ───┴──────── Batcher ───────┘    health: NOT_SERVING until a first version
"""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from types import FrameType
from typing import Any

import grpc

from demandcast.schema.errors import ServingError
from demandcast.serving.batching import Batcher, BatchingLimits
from demandcast.serving.config import ServerConfig
from demandcast.serving.servable import Loader
from demandcast.serving.versions import ModelVersions

__all__ = ["ModelServer", "serve"]

logger = logging.getLogger(__name__)


class ModelServer:
    """A server in this process, for as long as the ``with`` block lasts."""

    def __init__(self, config: ServerConfig, *, load: Loader | None = None) -> None:
        """Prepares; nothing is imported, read or opened before `start`.

        Args:
            config: What is served, and where.
            load: Loads one version; a TensorFlow SavedModel if not given.
        """
        self._config = config
        self._load = load
        self._server: grpc.Server | None = None
        self._versions: ModelVersions | None = None
        self._health: Any = None
        self._executor: futures.ThreadPoolExecutor | None = None
        self._batcher: Batcher | None = None
        self._available = threading.Event()
        self._port = 0

    @property
    def port(self) -> int:
        """The port it listens on; 0 before `start`."""
        return self._port

    @property
    def address(self) -> str:
        """Host and port, as a client on this machine writes it."""
        host = "127.0.0.1" if self._config.host == "0.0.0.0" else self._config.host  # noqa: S104
        return f"{host}:{self._port}"

    def start(self) -> None:
        """Opens the port and starts to watch the directory; does not wait for a model.

        Raises:
            ServingError: The address cannot be listened on.
        """
        # Both import TensorFlow: seconds.
        from demandcast.serving.saved_model import load_saved_model
        from demandcast.serving.services import add_services

        config = self._config
        self._versions = ModelVersions(
            config, self._load or load_saved_model, on_available=self._become_available
        )
        self._batcher = Batcher(
            BatchingLimits(config.max_batch_rows, config.max_waiting_rows, config.model_workers)
        )
        self._executor = futures.ThreadPoolExecutor(config.workers, thread_name_prefix="request")
        self._server = grpc.server(
            self._executor,
            maximum_concurrent_rpcs=config.max_concurrent_requests,
            options=_channel_options(config),
        )
        models = {config.model_name: self._versions}
        # A short message may ask for one value to be repeated: no further than a long one holds.
        add_services(
            self._server, models, self._batcher, max_elements=config.max_message_bytes // 4
        )
        self._add_health(self._server)
        self._port = self._bind(self._server)
        self._server.start()
        self._versions.start()
        logger.debug("Listening on %s for %s", self.address, config.model_name)

    def wait_until_available(self, timeout_seconds: float) -> bool:
        """Waits for a version to be in service; False if there was none in time."""
        return self._available.wait(timeout_seconds)

    def stop(self, grace_seconds: float | None = None) -> None:
        """Refuses new calls, lets those in flight finish, and stops.

        New calls are refused as UNAVAILABLE; gRPC itself answers CANCELLED to one
        that arrives on an open connection in the moment in which the port closes.

        Args:
            grace_seconds: Time for the calls in flight; then they are cancelled.
                `ServerConfig.shutdown_seconds` if not given.
        """
        if self._server is None or self._versions is None:
            return
        grace = self._config.shutdown_seconds if grace_seconds is None else grace_seconds
        self._health.enter_graceful_shutdown()
        self._server.stop(grace).wait()
        self._versions.stop(grace)
        if self._batcher is not None:
            self._batcher.close(grace)
        if self._executor is not None:
            self._executor.shutdown(wait=False)
        self._server = None
        logger.info("Stopped")

    def __enter__(self) -> ModelServer:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def _add_health(self, server: grpc.Server) -> None:
        from grpc_health.v1 import health, health_pb2, health_pb2_grpc

        self._health = health.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        self._set_health(health_pb2.HealthCheckResponse.NOT_SERVING)

    def _set_health(self, status: int) -> None:
        from demandcast.serving.services import HEALTH_SERVICES

        for service in HEALTH_SERVICES:
            self._health.set(service, status)

    def _become_available(self) -> None:
        from grpc_health.v1 import health_pb2

        self._set_health(health_pb2.HealthCheckResponse.SERVING)
        self._available.set()

    def _bind(self, server: grpc.Server) -> int:
        wanted = f"{self._config.host}:{self._config.port}"
        try:
            port = server.add_insecure_port(wanted)
        except RuntimeError as error:  # What gRPC says is about its own debugging.
            raise _cannot_listen(wanted) from error
        if not port:  # How older versions of gRPC say it.
            raise _cannot_listen(wanted)
        return port


def _cannot_listen(wanted: str) -> ServingError:
    return ServingError(
        f"cannot listen on {wanted}: the port is taken or not allowed, or the host is not of this "
        "machine; is another server there?"
    )


def serve(
    config: ServerConfig, *, on_started: Callable[[ModelServer], None] = lambda server: None
) -> None:
    """Serves until SIGTERM or SIGINT, then finishes the calls in flight and returns.

    A second signal while they finish has its usual effect. To be called from the
    main thread, where Python handles signals.

    Args:
        config: What is served, and where.
        on_started: Told once the port is open; a model may not be in service yet.

    Raises:
        ServingError: The address cannot be listened on.
    """
    with _stop_signals() as stopped, ModelServer(config) as server:
        on_started(server)
        stopped.wait()
        logger.info("Stopping; up to %.0f s for calls in flight", config.shutdown_seconds)


@contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """An event that the first SIGTERM or SIGINT sets; after it both act as before."""
    stopped = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.set()
        restore()

    for number in before:
        signal.signal(number, stop)
    try:
        yield stopped
    finally:
        restore()


def _channel_options(config: ServerConfig) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", config.max_message_bytes),
        # Otherwise a second server shares the port without a word.
        ("grpc.so_reuseport", 0),
    ]
