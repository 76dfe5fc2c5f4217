"""`ModelVersions`: watches a serving directory and keeps its newest good version loaded.

A version is a sub-directory with a number for a name and a `saved_model.pb` in
it, the file that is written last. The newest one that loads is in service. It is
loaded beside the one in service and takes over in one assignment, so no request
ever finds the place empty; the old one goes when the last request lets go of it.

    nothing ──► LOADING ──► AVAILABLE ──► (replaced: no longer listed)
                  │  ▲
                  ▼  │ files changed, or time for another attempt
                  END, with the error; the version in service stays

Deleting the newest version is a way back: the next newest takes over. An empty or
unreadable directory changes nothing.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from demandcast.schema.artifact_names import SAVED_MODEL_FILE
from demandcast.serving.config import ServerConfig
from demandcast.serving.errors import RequestError
from demandcast.serving.servable import Loader, Servable
from demandcast.serving.version_status import VersionState, VersionStatus

__all__ = ["ModelVersions", "VersionState", "VersionStatus", "find_versions"]

logger = logging.getLogger(__name__)

_VERSION_NAME = re.compile(r"[0-9]{1,19}")
_MAX_VERSION = 2**63 - 1

Stamp = tuple[tuple[str, int, int], ...]


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


class ModelVersions:
    """The versions of one model.

    Any thread may ask; only the thread of `start`, or the caller of `poll`, loads.
    """

    def __init__(
        self,
        config: ServerConfig,
        load: Loader,
        *,
        on_available: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepares; nothing is read before `start` or `poll`.

        Args:
            config: Directory, name and intervals.
            load: Loads one version.
            on_available: Called after each version that comes into service.
        """
        self.name = config.model_name
        self._config = config
        self._load = load
        self._on_available = on_available
        self._lock = threading.Lock()
        self._current: Servable | None = None
        self._loading: int | None = None
        self._failures: dict[int, _Failure] = {}
        self._last_remark = ""
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Starts to watch, in a thread of its own; the first look is at once."""
        self._thread = threading.Thread(target=self._watch, name="versions", daemon=True)
        self._thread.start()

    def stop(self, timeout_seconds: float) -> None:
        """Stops to watch; waits for a load in progress at most that long."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(timeout_seconds)

    def get(self, version: int | None = None) -> Servable:
        """The version in service, or that one.

        Raises:
            RequestError: NOT_FOUND; none is in service, or another one.
        """
        current = self._current
        if current is not None and version in (None, current.version):
            return current
        which = f"Latest({self.name})" if version is None else f"Specific({self.name}, {version})"
        raise RequestError("NOT_FOUND", f"Servable not found for request: {which}")

    def statuses(self) -> list[VersionStatus]:
        """State of each version that is in service, loading, or newer and broken; by number."""
        with self._lock:
            listed = {
                version: VersionStatus(version, VersionState.END, failure.error)
                for version, failure in self._failures.items()
            }
            if self._loading is not None:
                listed[self._loading] = VersionStatus(self._loading, VersionState.LOADING)
            if self._current is not None:
                version = self._current.version
                listed[version] = VersionStatus(version, VersionState.AVAILABLE)
        return [listed[version] for version in sorted(listed)]

    def poll(self) -> None:
        """Looks at the directory once, and loads the newest version if it is new.

        Raises:
            OSError: The directory cannot be read; what is in service stays.
        """
        found = find_versions(self._config.serving_directory)
        self._forget_failures(keep=set(found))
        if not found:
            self._remark_nothing_found()
        for version in sorted(found, reverse=True):
            if self._current is not None and self._current.version == version:
                return
            if self._is_due(version, found[version]) and self._try(version, found[version]):
                return

    def _watch(self) -> None:
        while not self._stopped.is_set():
            try:
                self.poll()
            except OSError as error:
                self._remark(f"Cannot read {self._config.serving_directory}: {error}")
            self._stopped.wait(self._config.poll_seconds)

    def _is_due(self, version: int, folder: Path) -> bool:
        failure = self._failures.get(version)
        if failure is None or failure.stamp != _stamp(folder):
            return True
        waited = time.monotonic() - failure.time >= self._config.load_retry_seconds
        return waited and failure.attempts <= self._config.load_retries

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
            self._current, self._loading = servable, None
            self._failures = {v: f for v, f in self._failures.items() if v > version}
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
        serving = (
            f"version {self._current.version} stays" if self._current else "none is in service"
        )
        logger.error("Cannot load %s version %d (%s): %s", self.name, version, serving, error)

    def _forget_failures(self, *, keep: set[int]) -> None:
        with self._lock:
            self._failures = {v: f for v, f in self._failures.items() if v in keep}

    def _remark_nothing_found(self) -> None:
        directory = self._config.serving_directory
        if self._current is None:
            self._remark(f"Waiting for a first version of {self.name} in {directory}")
        else:
            self._remark(f"{directory} is empty; version {self._current.version} stays")

    def _remark(self, text: str) -> None:
        """Logs a warning once, not at every look."""
        if text != self._last_remark:
            logger.warning("%s", text)
        self._last_remark = text


def _stamp(folder: Path) -> Stamp:
    """Names, sizes and times of the files, to see a change."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return tuple(
        (str(path.relative_to(folder)), path.stat().st_size, path.stat().st_mtime_ns)
        for path in files
    )
