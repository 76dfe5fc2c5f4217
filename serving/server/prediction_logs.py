"""`PredictionLogs`: a log for each model that is to have one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from demandcast.serving import messages
from demandcast.serving.server.config import PredictionLogConfig
from demandcast.serving.server.prediction_log import PredictionLog

__all__ = ["PredictionLogs"]

logger = logging.getLogger(__name__)


class PredictionLogs:
    """Finds the log of a model; a log begins with the first request for its model."""

    def __init__(self, config_of: Callable[[str], PredictionLogConfig]) -> None:
        """Prepares.

        Args:
            config_of: What is kept of a model's requests, by its name.
        """
        self._config_of = config_of
        self._lock = threading.Lock()
        self._logs: dict[tuple[str, PredictionLogConfig], PredictionLog | None] = {}
        self._without_log = 0

    def wants(self, model: str) -> bool:
        """Whether any request for a model is kept."""
        return _keeps(self._config_of(model))

    def offer(self, model: str, request: bytes, response: bytes) -> None:
        """Keeps an answered `PredictRequest`, if its model's log wants it; never waits."""
        config = self._config_of(model)
        if not _keeps(config):
            return
        log = self._log(model, config)
        if log is None:
            self._without_log += 1
        else:
            log.offer(lambda: _record(request, response, config.sampling_rate))

    @property
    def written(self) -> int:
        """Records that were written."""
        return sum(log.written for log in self._logs.values() if log is not None)

    @property
    def dropped(self) -> int:
        """Records that were wanted and are lost."""
        return self._without_log + sum(
            log.dropped for log in self._logs.values() if log is not None
        )

    def close(self, timeout_seconds: float) -> None:
        """Writes what waits and closes all files."""
        for log in self._logs.values():
            if log is not None:
                log.close(timeout_seconds)

    def _log(self, model: str, config: PredictionLogConfig) -> PredictionLog | None:
        key = (model, config)
        if key not in self._logs:
            with self._lock:
                if key not in self._logs:
                    self._logs = {**self._logs, key: _started(model, config)}
        return self._logs[key]


def _keeps(config: PredictionLogConfig) -> bool:
    return config.directory is not None and config.sampling_rate > 0


def _started(model: str, config: PredictionLogConfig) -> PredictionLog | None:
    log = PredictionLog(model, config)
    try:
        log.start()
    except OSError as error:
        logger.error("Prediction log: %s; nothing of %s is kept", error, model)
        return None
    return log


def _record(request: bytes, response: bytes, sampling_rate: float) -> bytes:
    """Makes a `PredictionLog` of what was sent and answered."""
    log = messages.PredictionLog()
    log.predict_log.request.ParseFromString(request)
    log.predict_log.response.ParseFromString(response)
    log.log_metadata.model_spec.CopyFrom(log.predict_log.response.model_spec)
    log.log_metadata.sampling_config.sampling_rate = sampling_rate
    return bytes(log.SerializeToString())
