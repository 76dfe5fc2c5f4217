"""`ModelServer`: models of serving directories over gRPC and REST, as TensorFlow Serving would.

event loop (one thread)              threads
┌──────────────────────┐
│ GrpcServices ─┐      │             Models ── ModelVersions ── Loader ── SavedModel
│               ├ Predictions ─────► Batcher: workers that call the model
│ RestService ──┘      │◄──── batches ─┘
│ health: NOT_SERVING until a first version
└──────────────────────┘             PredictionLogs, ConfigWatch
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import grpc
import grpc.aio
import uvloop

from demandcast.schema.errors import ServingError
from demandcast.serving.server.access import TokenCheck, server_credentials, ssl_context
from demandcast.serving.server.batching import Batcher, BatchingLimits
from demandcast.serving.server.config import PredictionLogConfig, ServerConfig
from demandcast.serving.server.config_watch import ConfigWatch
from demandcast.serving.server.grpc_services import HEALTH_SERVICES, GrpcServices
from demandcast.serving.server.metrics import Metrics
from demandcast.serving.server.models import Models
from demandcast.serving.server.prediction_logs import PredictionLogs
from demandcast.serving.server.predictions import Predictions
from demandcast.serving.server.servable import Loader, Servable
from demandcast.serving.server.versions import WatchLimits
from demandcast.serving.server.warm_up import warm_up

__all__ = ["ModelServer", "serve"]

logger = logging.getLogger(__name__)

_RELOAD_SECONDS = 60.0
_STOP_SECONDS = 5.0
"""For what has to end after the calls in flight."""
_OBJECTS_OF_AN_IMPORT = 200_000
"""So many new objects before Python looks for garbage: a few times during an import."""


class ModelServer:
    """A server in this process, for as long as the ``with`` block lasts."""

    def __init__(self, config: ServerConfig, *, load: Loader | None = None) -> None:
        """Prepares; nothing is imported, read or opened before `start`.

        Args:
            config: What is served, and where.
            load: Loads one version; a TensorFlow SavedModel if not given.
        """
        self._config = config
        self._load_version = load or _saved_models(config.model_threads)
        self._available = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._metrics = Metrics()
        self._models = Models(
            self._load,
            limits=WatchLimits.of(config),
            allow_labels_for_unavailable=config.allow_labels_for_unavailable,
            on_available=self._become_available,
        )
        self._logs = PredictionLogs(self._log_config)
        self._batcher: Batcher | None = None
        self._watch: ConfigWatch | None = None
        self._grpc: grpc.aio.Server | None = None
        self._health: Any = None
        self._http: Any = None
        self._port = 0
        self._rest_port: int | None = None

    @property
    def port(self) -> int:
        """The port of gRPC; 0 before `start`."""
        return self._port

    @property
    def rest_port(self) -> int | None:
        """The port of REST; None if there is none."""
        return self._rest_port

    @property
    def address(self) -> str:
        """Host and port of gRPC, as a client on this machine writes it."""
        return f"{self._host}:{self._port}"

    @property
    def rest_address(self) -> str:
        """Where REST is answered, as a client on this machine writes it; empty for nowhere."""
        scheme = "https" if self._config.access.certificate else "http"
        return "" if self._rest_port is None else f"{scheme}://{self._host}:{self._rest_port}"

    @property
    def _host(self) -> str:
        return "127.0.0.1" if self._config.host == "0.0.0.0" else self._config.host  # noqa: S104

    def start(self) -> None:
        """Opens the ports and starts to watch the directories; does not wait for a model.

        Raises:
            ConfigurationError: models.config or the certificate cannot be used.
            ServingError: An address cannot be listened on.
        """
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(
            target=_run_loop, args=(self._loop,), name="server", daemon=True
        )
        self._thread.start()
        try:
            self._on_loop(self._open())
            self._serve_models()
        except BaseException:
            self.stop(0)
            raise
        logger.debug("Listening on %s", self.address)

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
        if self._thread is None or self._loop is None or not self._thread.is_alive():
            return
        grace = self._config.shutdown_seconds if grace_seconds is None else grace_seconds
        if self._watch is not None:
            self._watch.stop()
        self._on_loop(self._close(grace))
        self._models.stop(grace)
        self._logs.close(max(grace, _STOP_SECONDS))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_STOP_SECONDS)
        logger.info("Stopped")

    def __enter__(self) -> ModelServer:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def _on_loop(self, work: Coroutine[Any, Any, None]) -> None:
        """Does something on the loop, and waits for it."""
        if self._loop is None:
            raise RuntimeError("the server was not started")
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _open(self) -> None:
        config = self._config
        self._batcher = Batcher(
            BatchingLimits(
                max_rows=config.max_batch_rows,
                max_waiting_rows=config.max_waiting_rows,
                workers=config.model_workers,
            )
        )
        self._show_numbers(self._batcher)
        predictions = Predictions(self._models, self._batcher, self._metrics)
        token = TokenCheck(config.access)
        self._grpc = grpc.aio.server(
            maximum_concurrent_rpcs=config.max_concurrent_requests,
            options=_channel_options(config),
        )
        services = GrpcServices(
            predictions=predictions,
            models=self._models,
            metrics=self._metrics,
            logs=self._logs,
            token=token,
            # A short message may ask for one value to be repeated: no further than a long one.
            max_elements=config.max_message_bytes // 4,
            reload_seconds=_RELOAD_SECONDS,
        )
        self._grpc.add_generic_rpc_handlers(services.handlers())
        await self._add_health(self._grpc)
        self._port = self._bind(self._grpc)
        if config.rest_port is not None:
            await self._open_rest(predictions, token, port=config.rest_port)
        await self._grpc.start()

    async def _add_health(self, server: grpc.aio.Server) -> None:
        from grpc_health.v1 import health, health_pb2_grpc

        self._health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        await self._set_health("NOT_SERVING")

    async def _set_health(self, status: str) -> None:
        from grpc_health.v1 import health_pb2

        value = health_pb2.HealthCheckResponse.ServingStatus.Value(status)
        for service in HEALTH_SERVICES:
            await self._health.set(service, value)

    def _bind(self, server: grpc.aio.Server) -> int:
        wanted = f"{self._config.host}:{self._config.port}"
        credentials = server_credentials(self._config.access)
        try:
            if credentials is None:
                port = server.add_insecure_port(wanted)
            else:
                port = server.add_secure_port(wanted, credentials)
        except RuntimeError as error:  # What gRPC says is about its own debugging.
            raise _cannot_listen(wanted) from error
        if not port:  # How older versions of gRPC say it.
            raise _cannot_listen(wanted)
        return int(port)

    async def _open_rest(self, predictions: Predictions, token: TokenCheck, *, port: int) -> None:
        from aiohttp import web

        from demandcast.serving.server.rest_service import RestService

        config = self._config
        service = RestService(
            predictions=predictions,
            metrics=self._metrics,
            logs=self._logs,
            token=token,
            metrics_path=config.metrics_path if config.metrics else None,
            max_message_bytes=config.max_message_bytes,
        )
        # A client that goes away takes its request along, as over gRPC.
        self._http = web.AppRunner(
            service.application(),
            access_log=None,
            logger=_AtDebug(logger, {}),
            handler_cancellation=True,
            # It is waited for twice.
            shutdown_timeout=config.shutdown_seconds / 2,
        )
        await self._http.setup()
        site = web.TCPSite(self._http, config.host, port, ssl_context=ssl_context(config.access))
        try:
            await site.start()
        except OSError as error:
            raise _cannot_listen(f"{config.host}:{port}") from error
        self._rest_port = int(self._http.addresses[0][1])

    async def _close(self, grace: float) -> None:
        if self._health is not None:
            await self._health.enter_graceful_shutdown()
        closing = [] if self._grpc is None else [self._grpc.stop(grace)]
        if self._http is not None:
            closing.append(self._http.cleanup())
        await asyncio.gather(*closing)
        if self._batcher is not None:
            await self._batcher.close(grace)

    def _serve_models(self) -> None:
        if self._config.model_config_file is None:
            self._models.start(self._config.models_at_start())
            return
        self._watch = ConfigWatch(
            self._config.model_config_file,
            self._models,
            poll_seconds=self._config.model_config_poll_seconds,
            settle_seconds=_RELOAD_SECONDS,
        )
        self._watch.start()

    def _load(self, folder: Path, version: int) -> Servable:
        """Loads a version, and lets it answer what it brings along for that."""
        servable = self._load_version(folder, version)
        if not self._config.warm_up:
            return servable
        begin, status = time.perf_counter(), "INVALID_ARGUMENT"
        try:
            replayed = warm_up(servable, folder)
            status = "OK"
        finally:
            self._metrics.time_warm_up(str(folder), status, time.perf_counter() - begin)
        if replayed:
            logger.info("Replayed %d warm-up requests of %s", replayed, folder)
        return servable

    def _log_config(self, model: str) -> PredictionLogConfig:
        return self._models.prediction_log(model) or self._config.prediction_log

    def _become_available(self) -> None:
        if self._loop is not None and not self._available.is_set():
            asyncio.run_coroutine_threadsafe(self._set_health("SERVING"), self._loop)
            self._available.set()

    def _show_numbers(self, batcher: Batcher) -> None:
        watch = self._metrics.watch
        watch("waiting_rows", "Rows that wait for a model.", lambda: batcher.waiting_rows)
        watch("prediction_log_written", "Records that were kept.", lambda: self._logs.written)
        watch("prediction_log_dropped", "Records that are lost.", lambda: self._logs.dropped)


class _AtDebug(logging.LoggerAdapter[logging.Logger]):
    """Bytes that are no HTTP are the client's fault; aiohttp would show a traceback for them."""

    def exception(self, msg: object, *args: object, **kwargs: Any) -> None:
        """Says it without the traceback."""
        kwargs.pop("exc_info", None)
        self.debug(msg, *args, **kwargs)


def _run_loop(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


def _saved_models(threads: int | None, *, on_imported: Callable[[], None] = lambda: None) -> Loader:
    """Loads TensorFlow SavedModels; imports TensorFlow with the first: seconds."""

    def load(folder: Path, version: int) -> Servable:
        from demandcast.serving.server.saved_model import load_saved_model

        on_imported()
        return load_saved_model(folder, version, threads=threads)

    return load


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
        on_started: Told once the ports are open; a model may not be in service yet.

    Raises:
        ConfigurationError: models.config or the certificate cannot be used.
        ServingError: An address cannot be listened on.
    """
    with _stop_signals() as stopped, _rare_collection() as imported:
        load = _saved_models(config.model_threads, on_imported=imported)
        with ModelServer(config, load=load) as server:
            on_started(server)
            stopped.wait()
            logger.info("Stopping; up to %.0f s for calls in flight", config.shutdown_seconds)


@contextmanager
def _rare_collection() -> Iterator[Callable[[], None]]:
    """Lets Python look for garbage rarely, until what is given is called or the block ends.

    TensorFlow's import makes a million objects that all stay. Looked through again and again they
    cost a second of the start, and later a fifth of a second in the middle of requests.
    """
    before = gc.get_threshold()
    gc.set_threshold(_OBJECTS_OF_AN_IMPORT)

    def as_before() -> None:
        if gc.get_threshold() != before:
            gc.freeze()  # What was imported is not looked at again; models are, when they go.
            gc.set_threshold(*before)

    try:
        yield as_before
    finally:
        gc.set_threshold(*before)


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
    options = [
        ("grpc.max_receive_message_length", config.max_message_bytes),
        # Otherwise a second server shares the port without a word.
        ("grpc.so_reuseport", 0),
    ]
    if config.max_connection_age_seconds is not None:
        age = int(config.max_connection_age_seconds * 1000)
        options.append(("grpc.max_connection_age_ms", age))
    return options
