"""`ModelVersions`: watches the directory of a model and keeps the wanted versions loaded.

A version is a sub-directory with a number for a name and a `saved_model.pb` in
it, the file that is written last. Which are wanted says the policy: the newest
n that load, all, or those that are listed. What is new is loaded before what is
no longer wanted is let go, so no request ever finds the place empty; a version
goes when the last request lets go of it.

    nothing ──► LOADING ──► AVAILABLE ──► (no longer wanted: no longer listed)
                  │  ▲
                  ▼  │ files changed, or time for another attempt
                  END, with the error; what is in service stays

Deleting the newest version is a way back: the next newest takes over. An empty or
unreadable directory changes nothing.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from demandcast.schema.artifact_names import SAVED_MODEL_FILE
from demandcast.serving.errors import RequestError
from demandcast.serving.server.config import ModelConfig, ServerConfig, VersionPolicy
from demandcast.serving.server.servable import Loader, Servable
from demandcast.serving.version_status import VersionState, VersionStatus

__all__ = ["ModelVersions", "WatchLimits", "find_versions", "unknown_servable"]

logger = logging.getLogger(__name__)

_VERSION_NAME = re.compile(r"[0-9]{1,19}")
_MAX_VERSION = 2**63 - 1

Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class WatchLimits:
    """How often is looked, and how often is tried.

    Attributes:
        poll_seconds: Between two looks.
        load_retries: Further attempts at a version that failed and did not change.
        load_retry_seconds: Between them.
    """

    poll_seconds: float = 1.0
    load_retries: int = 5
    load_retry_seconds: float = 60.0

    @classmethod
    def of(cls, config: ServerConfig) -> WatchLimits:
        """Those of a server."""
        return cls(config.poll_seconds, config.load_retries, config.load_retry_seconds)


@dataclass(frozen=True)
class _Failure:
    """A version that could not be loaded; `stamp` is what its files looked like."""

    error: str
    stamp: Stamp
    attempts: int
    time: float


def find_versions(directory: Path) -> dict[int, Path]:
    """Finds the complete versions: numbered folders with a `saved_model.pb`.

    Returns:
        Folder by number; empty if the directory does not exist.

    Raises:
        OSError: The directory cannot be read.
    """
    if not directory.is_dir():
        return {}
    numbered = (path for path in directory.iterdir() if _VERSION_NAME.fullmatch(path.name))
    return {
        int(path.name): path
        for path in sorted(numbered)
        if int(path.name) <= _MAX_VERSION and (path / SAVED_MODEL_FILE).is_file()
    }


def unknown_servable(name: str, version: int | None) -> RequestError:
    """How TensorFlow Serving says that it has no such model, or no such version of it.

    >>> str(unknown_servable("demand", 3))
    'Servable not found for request: Specific(demand, 3)'
    """
    which = f"Latest({name})" if version is None else f"Specific({name}, {version})"
    return RequestError("NOT_FOUND", f"Servable not found for request: {which}")


class ModelVersions:
    """The versions of one model.

    Any thread may ask; only the thread of `start`, or the caller of `poll`, loads.
    """

    def __init__(
        self,
        model: ModelConfig,
        load: Loader,
        *,
        limits: WatchLimits | None = None,
        on_available: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepares; nothing is read before `start` or `poll`.

        Args:
            model: Name, directory and policy. Its labels are given by `set_labels`.
            load: Loads one version.
            limits: Intervals and attempts.
            on_available: Called after each version that comes into service.
        """
        self.name = model.name
        self._model = self._previous = model
        self._load = load
        self._limits = limits or WatchLimits()
        self._on_available = on_available
        self._lock = threading.Lock()
        # Never changed, only replaced: readers need no lock.
        self._loaded: Mapping[int, Servable] = {}
        self._labels: Mapping[str, int] = {}
        self._loading: int | None = None
        self._failures: dict[int, _Failure] = {}
        self._last_remark = ""
        self._changed = threading.Condition(self._lock)
        self._asked, self._looked = 1, 0
        self._stopped = self._holds = False
        self._wanted: frozenset[int] = frozenset()
        self._thread: threading.Thread | None = None

    @property
    def model(self) -> ModelConfig:
        """Name, directory and policy."""
        return self._model

    @property
    def previous(self) -> ModelConfig:
        """What it was before the last `reconfigure`."""
        return self._previous

    def start(self) -> None:
        """Starts to watch, in a thread of its own; the first look is at once."""
        self._thread = threading.Thread(target=self._watch, name="versions", daemon=True)
        self._thread.start()

    def stop(self, timeout_seconds: float) -> None:
        """Stops to watch; waits for a load in progress at most that long."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout_seconds)

    def reconfigure(self, model: ModelConfig, *, hold: bool = False) -> None:
        """Takes another policy; the watch looks again at once.

        Args:
            model: With the same name and directory.
            hold: Let go of nothing before the next `reconfigure`: this one may be undone.
        """
        with self._changed:
            self._previous, self._model = self._model, model
            self._holds = hold
            self._asked += 1
            self._changed.notify_all()

    def settle(self, timeout_seconds: float) -> bool:
        """Waits for a whole look at the directory since the last change; False if there was none.

        A version that fails to load counts as looked at.
        """
        with self._changed:
            asked = self._asked
            return self._changed.wait_for(
                lambda: self._looked >= asked or self._stopped, timeout_seconds
            )

    def get(self, version: int | None = None, label: str | None = None) -> Servable:
        """The newest version in service, or one by its number or label.

        Raises:
            RequestError: NOT_FOUND, it is not in service; INVALID_ARGUMENT, no such label.
        """
        if label is not None:
            version = self._labels.get(label)
            if version is None:
                raise RequestError(
                    "INVALID_ARGUMENT", f"Unrecognized servable version label: {label}"
                )
        loaded = self._loaded
        found = loaded.get(max(loaded, default=-1) if version is None else version)
        if found is None:
            raise unknown_servable(self.name, version)
        return found

    def available(self) -> Collection[int]:
        """Numbers of the versions that are wanted and in service."""
        return self._wanted

    @property
    def labels(self) -> Mapping[str, int]:
        """Versions by their labels."""
        return self._labels

    def set_labels(self, labels: Mapping[str, int]) -> None:
        """Replaces all labels at once."""
        self._labels = dict(labels)

    def statuses(self) -> list[VersionStatus]:
        """State of each version that is in service, loading, or newer and broken; by number."""
        with self._lock:
            listed = {
                version: VersionStatus(version, VersionState.END, failure.error)
                for version, failure in self._failures.items()
            }
            if self._loading is not None:
                listed[self._loading] = VersionStatus(self._loading, VersionState.LOADING)
            for version in self._loaded:
                listed[version] = VersionStatus(version, VersionState.AVAILABLE)
        return [listed[version] for version in sorted(listed)]

    def poll(self) -> None:
        """Looks at the directory once, loads what is new and wanted, lets go of what is not.

        Raises:
            OSError: The directory cannot be read; what is in service stays.
        """
        model = self._model
        found = find_versions(model.base_path)
        self._forget_failures(keep=set(found))
        if not found:
            self._remark_nothing_found()
            return
        serving = self._load_wanted(model.policy, found)
        if serving:
            self._keep(serving, model)

    def _load_wanted(self, policy: VersionPolicy, found: Mapping[int, Path]) -> set[int]:
        """Loads the wanted versions that are not; returns those that are in service now."""
        serving: set[int] = set()
        most = policy.count if policy.kind == "latest" else len(found)
        for version in _candidates(policy, found):
            if len(serving) == most:
                break
            if version in self._loaded or (
                self._is_due(version, found[version]) and self._try(version, found[version])
            ):
                serving.add(version)
        return serving

    def _keep(self, serving: set[int], model: ModelConfig) -> None:
        """Lets go of other versions, and of failures that a newer good version has made moot."""
        with self._lock:
            if self._model is not model:
                return  # Another policy was set meanwhile; the next look decides.
            self._wanted = frozenset(serving)
            if set(self._loaded) != serving and not self._holds:
                kept = {v: s for v, s in self._loaded.items() if v in serving}
                gone = sorted(set(self._loaded) - serving)
                self._loaded = kept
                logger.info("Let go of %s version %s", self.name, ", ".join(map(str, gone)))
            if model.policy.kind == "latest":
                newest = max(serving)
                self._failures = {v: f for v, f in self._failures.items() if v > newest}

    def _watch(self) -> None:
        asked = 0
        while not self._stopped:
            asked = self._wait_for_work(asked) if asked else self._asked
            try:
                self.poll()
            except OSError as error:
                self._remark(f"Cannot read {self._model.base_path}: {error}")
            with self._changed:
                self._looked = asked
                self._changed.notify_all()

    def _wait_for_work(self, asked: int) -> int:
        """Waits until it is time to look again, or until a change is asked for."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._stopped or self._asked != asked, self._limits.poll_seconds
            )
            return self._asked

    def _is_due(self, version: int, folder: Path) -> bool:
        failure = self._failures.get(version)
        if failure is None or failure.stamp != _stamp(folder):
            return True
        waited = time.monotonic() - failure.time >= self._limits.load_retry_seconds
        return waited and failure.attempts <= self._limits.load_retries

    def _try(self, version: int, folder: Path) -> bool:
        """Loads a version; True if it is now in service."""
        stamp = _stamp(folder)
        with self._lock:
            self._loading = version
        logger.info("Loading %s version %d", self.name, version)
        started = time.perf_counter()
        try:
            servable = self._load(folder, version)
        except Exception as error:
            # Whatever a loader meets in broken files must not end the watch.
            self._keep_failure(version, stamp, f"{type(error).__name__}: {error}")
            return False
        with self._lock:
            self._loaded, self._loading = {**self._loaded, version: servable}, None
            self._failures.pop(version, None)
        seconds = time.perf_counter() - started
        logger.info("Serving version %d of %s, loaded in %.1f s", version, self.name, seconds)
        self._last_remark = ""
        self._on_available()
        return True

    def _keep_failure(self, version: int, stamp: Stamp, error: str) -> None:
        before = self._failures.get(version)
        again = before.attempts if before is not None and before.stamp == stamp else 0
        with self._lock:
            self._loading = None
            self._failures[version] = _Failure(error, stamp, again + 1, time.monotonic())
        logger.error(
            "Cannot load %s version %d (%s): %s", self.name, version, self._what_stays(), error
        )

    def _what_stays(self) -> str:
        serving = ", ".join(str(version) for version in sorted(self._loaded))
        return f"version {serving} stays" if serving else "none is in service"

    def _forget_failures(self, *, keep: set[int]) -> None:
        with self._lock:
            self._failures = {v: f for v, f in self._failures.items() if v in keep}

    def _remark_nothing_found(self) -> None:
        directory = self._model.base_path
        if self._loaded:
            self._remark(f"{directory} is empty; {self._what_stays()}")
        else:
            self._remark(f"Waiting for a first version of {self.name} in {directory}")

    def _remark(self, text: str) -> None:
        """Logs a warning once, not at every look."""
        if text != self._last_remark:
            logger.warning("%s", text)
        self._last_remark = text


def _candidates(policy: VersionPolicy, found: Iterable[int]) -> Sequence[int]:
    """Versions that the policy allows, the newest first."""
    newest_first = sorted(found, reverse=True)
    if policy.kind == "specific":
        return [version for version in newest_first if version in policy.versions]
    return newest_first


def _stamp(folder: Path) -> Stamp:
    """Names, sizes and times of the files, to see a change."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return tuple(
        (str(path.relative_to(folder)), path.stat().st_size, path.stat().st_mtime_ns)
        for path in files
    )
