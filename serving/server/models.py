"""`Models`: all models of a server, and the change from one set of them to another.

A change loads what is new first, then moves the labels, then lets go of what is
no longer listed. If it is refused, what was in service still is.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence

from demandcast.serving.errors import RequestError
from demandcast.serving.server.config import ModelConfig, PredictionLogConfig
from demandcast.serving.server.servable import Loader, Servable
from demandcast.serving.server.versions import ModelVersions, WatchLimits, unknown_servable
from demandcast.serving.version_status import VersionStatus

__all__ = ["Models"]

logger = logging.getLogger(__name__)


class Models:
    """The models of a server by name. Any thread may ask, and any may change them."""

    def __init__(
        self,
        load: Loader,
        *,
        limits: WatchLimits | None = None,
        allow_labels_for_unavailable: bool = False,
        on_available: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepares; nothing is read before `start` or `change`.

        Args:
            load: Loads one version.
            limits: Intervals and attempts of the watch over each directory.
            allow_labels_for_unavailable: Let labels name versions that are not loaded.
            on_available: Called after each version that comes into service.
        """
        self._load = load
        self._limits = limits or WatchLimits()
        self._allow_labels = allow_labels_for_unavailable
        self._on_available = on_available
        self._changing = threading.Lock()
        self._models: Mapping[str, ModelVersions] = {}
        self._pending: dict[str, Mapping[str, int]] = {}

    def start(self, configs: Sequence[ModelConfig]) -> None:
        """Begins to serve models; waits for nothing.

        A label comes into force as soon as its version is in service.

        Raises:
            RequestError: INVALID_ARGUMENT; a model is listed twice.
        """
        _check_names(configs)
        with self._changing:
            self._pending = {config.name: config.labels for config in configs if config.labels}
            self._models = {config.name: self._watch(config) for config in configs}

    def change(self, configs: Sequence[ModelConfig], *, timeout_seconds: float) -> None:
        """Serves these models from now on, and waits until they are in service.

        Args:
            configs: All of them; what is not listed goes.
            timeout_seconds: How long to wait for each model.

        Raises:
            RequestError: INVALID_ARGUMENT, a model is listed twice; UNAVAILABLE, a model has no
                version in service in time; FAILED_PRECONDITION, a label names a version that is
                not in service. Everything then stays as it was.
        """
        _check_names(configs)
        with self._changing:
            before = self._models
            next_models = {config.name: self._next(config) for config in configs}
            # Those that are new are seen while they load; moved ones serve from where they were.
            self._models = {**next_models, **before}
            try:
                for config in configs:
                    _await(next_models[config.name], config, timeout_seconds)
                    self._check_labels(next_models[config.name], config)
            except RequestError:
                self._undo(before, next_models)
                raise
            for config in configs:
                next_models[config.name].set_labels(config.labels)
                next_models[config.name].reconfigure(config)
            for config in configs:
                next_models[config.name].settle(timeout_seconds)  # The old versions go.
            self._pending = {}
            self._models = next_models
            for name, model in before.items():
                if next_models.get(name) is not model:
                    model.stop(0)
                    logger.info("%s of %s is served no more", name, model.model.base_path)

    def settle(self, timeout_seconds: float) -> bool:
        """Waits for a whole look at each directory since `start`; False if there was none in time.

        A version that fails to load counts as looked at.

        Args:
            timeout_seconds: How long to wait for each model.
        """
        return all(model.settle(timeout_seconds) for model in self._models.values())

    def get(self, name: str, version: int | None = None, label: str | None = None) -> Servable:
        """A loaded version; the newest one if neither number nor label says which.

        Raises:
            RequestError: NOT_FOUND, there is none; INVALID_ARGUMENT, no such label.
        """
        if self._pending:
            self._settle_labels()
        model = self._models.get(name)
        if model is None:
            raise unknown_servable(name, version)
        return model.get(version, label)

    def has(self, name: str) -> bool:
        """Whether there is a model of that name, in service or not."""
        return name in self._models

    def statuses(self, name: str) -> list[VersionStatus]:
        """State of each version of a model; empty if there is no such model."""
        model = self._models.get(name)
        return [] if model is None else model.statuses()

    def labels(self, name: str) -> Mapping[str, int]:
        """Versions of a model by their labels."""
        if self._pending:
            self._settle_labels()
        model = self._models.get(name)
        return {} if model is None else model.labels

    def prediction_log(self, name: str) -> PredictionLogConfig | None:
        """What is to be kept of a model's requests, where that is its own."""
        model = self._models.get(name)
        return None if model is None else model.model.prediction_log

    def stop(self, timeout_seconds: float) -> None:
        """Stops all watches; waits for loads in progress at most that long."""
        for model in self._models.values():
            model.stop(timeout_seconds)

    def _watch(self, config: ModelConfig) -> ModelVersions:
        versions = ModelVersions(
            config, self._load, limits=self._limits, on_available=self._on_available
        )
        versions.start()
        return versions

    def _next(self, config: ModelConfig) -> ModelVersions:
        """The watch over a model as it shall be: the present one, unless its directory is new."""
        present = self._models.get(config.name)
        if present is None or present.model.base_path != config.base_path:
            return self._watch(config)
        present.reconfigure(config, hold=True)
        return present

    def _undo(
        self, before: Mapping[str, ModelVersions], tried: Mapping[str, ModelVersions]
    ) -> None:
        for name, model in tried.items():
            if before.get(name) is not model:
                model.stop(0)
            else:
                model.reconfigure(model.previous)
        self._models = before

    def _check_labels(self, model: ModelVersions, config: ModelConfig) -> None:
        if self._allow_labels:
            return
        for label, version in config.labels.items():
            if version not in model.available():
                raise RequestError(
                    "FAILED_PRECONDITION",
                    f"Request to assign label to version {version} of model {config.name}, which "
                    f"is not currently available for inference (label {label})",
                )

    def _settle_labels(self) -> None:
        """Puts labels of the start into force whose versions have come into service.

        While a change is in progress it does nothing: a request must not wait for models to load.
        """
        if not self._changing.acquire(blocking=False):
            return
        try:
            for name, labels in list(self._pending.items()):
                model = self._models[name]
                ready = {
                    label: version
                    for label, version in labels.items()
                    if self._allow_labels or version in model.available()
                }
                model.set_labels({**model.labels, **ready})
                if len(ready) == len(labels):
                    del self._pending[name]
        finally:
            self._changing.release()


def _await(model: ModelVersions, config: ModelConfig, timeout_seconds: float) -> None:
    """Waits until all that a configuration asks for is in service."""
    model.settle(timeout_seconds)
    missing = [version for version in config.policy.versions if version not in model.available()]
    if missing or not model.available():
        which = f" version {', '.join(map(str, missing))}" if missing else ""
        errors = "".join(f"; {s.version}: {s.error}" for s in model.statuses() if s.error)
        raise RequestError(
            "UNAVAILABLE",
            f"1 servable(s) did not become available: {config.name}{which} "
            f"in {config.base_path}{errors}",
        )


def _check_names(configs: Sequence[ModelConfig]) -> None:
    names = [config.name for config in configs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise RequestError(
            "INVALID_ARGUMENT",
            f"Illegal to list model {twice[0]} multiple times in config list",
        )
