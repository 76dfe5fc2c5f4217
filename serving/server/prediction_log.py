"""`PredictionLog`: keeps a sample of the answered requests, for drift monitoring.

Open-source TensorFlow Serving cannot: no collector is compiled into it. Files are TFRecords of
`PredictionLog`, the same message that warm-up files hold.

    answered ──sample──► waiting (bounded; more are dropped and counted) ──► demand-...-0001.open
                                                    large or old enough: renamed ──► .tfrecord

A file with its last name is whole. After a crash the next start cuts what is left of an open file
behind its last whole record, and gives it its name. A full disk loses records, never an answer.
"""

from __future__ import annotations

import datetime
import functools
import logging
import os
import queue
import random
import threading
import time
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import IO

from demandcast.serving.server.config import PredictionLogConfig
from demandcast.serving.server.records import encode_record, whole_length

__all__ = ["PredictionLog", "recover_files"]

logger = logging.getLogger(__name__)

_OPEN, _CLOSED = ".open", ".tfrecord"
_FLUSH_SECONDS = 1.0
_REST_SECONDS = 10.0
"""After a failure to write nothing is tried for so long."""

Record = Callable[[], bytes]


class PredictionLog:
    """Writes records in a thread of its own; any thread may hand one over."""

    def __init__(self, name: str, config: PredictionLogConfig, *, seed: int | None = None) -> None:
        """Prepares; the directory is made and the thread started by `start`.

        Args:
            name: Of the model; files begin with it.
            config: Where, how much and how large; `directory` is set.
            seed: Of the sample; chance if not given.
        """
        if config.directory is None:
            raise ValueError("a prediction log needs a directory")
        self._model = name
        self._name = urllib.parse.quote(name, safe="")
        self._config = config
        self._directory = config.directory
        self._chance = random.Random(seed)  # noqa: S311 - a sample, no secret
        self._waiting: queue.Queue[Record | None] = queue.Queue(config.max_waiting)
        self._thread = threading.Thread(target=self._write_all, name="prediction-log", daemon=True)
        self._file: IO[bytes] | None = None
        self._path = Path()
        self._opened = self._flushed = self._rests_until = 0.0
        self._files = 0
        self.written = 0
        self.dropped = 0

    def start(self) -> None:
        """Makes the directory, mends what a crash left, and begins to write.

        Raises:
            OSError: The directory cannot be made or read.
        """
        self._directory.mkdir(parents=True, exist_ok=True)
        for path in recover_files(self._directory, self._model):
            logger.info("Prediction log: %s was left by a crash and is whole now", path)
        self._thread.start()

    def offer(self, record: Record) -> None:
        """Keeps a record, if the sample wants it and there is room; never waits.

        Args:
            record: Makes the bytes of a `PredictionLog`; called later, in the log's thread.
        """
        if self._chance.random() >= self._config.sampling_rate:
            return
        try:
            self._waiting.put_nowait(record)
        except queue.Full:
            self.dropped += 1

    def close(self, timeout_seconds: float) -> None:
        """Writes what waits, closes the file and gives it its name."""
        if not self._thread.is_alive():
            return
        try:
            self._waiting.put(None, timeout=timeout_seconds)
        except queue.Full:
            logger.error("Prediction log: the disk is too slow, what waits is lost")
            return
        self._thread.join(timeout_seconds)

    def _write_all(self) -> None:
        while True:
            try:
                record = self._waiting.get(timeout=_FLUSH_SECONDS)
            except queue.Empty:
                self._do(self._tend)
                continue
            if record is None:
                self._do(self._close_file)
                return
            self._do(functools.partial(self._write, record))

    def _do(self, work: Callable[[], None]) -> None:
        """Does it; a disk that fails is said once in a while, and its file is left to recovery."""
        try:
            work()
        except OSError as error:
            self.dropped += 1
            self._rests_until = time.monotonic() + _REST_SECONDS
            logger.error(
                "Prediction log: %s; requests are answered, %d records are lost so far",
                error,
                self.dropped,
            )
            self._abandon()
        except Exception:
            self.dropped += 1
            logger.exception("Prediction log: a record could not be made")

    def _write(self, record: Record) -> None:
        if time.monotonic() < self._rests_until:
            self.dropped += 1
            return
        file = self._file or self._open_file()
        file.write(encode_record(record()))
        self.written += 1
        self._tend()

    def _tend(self) -> None:
        """Flushes now and then, and closes a file that is large or old enough."""
        if self._file is None:
            return
        now = time.monotonic()
        if now - self._flushed >= _FLUSH_SECONDS:
            self._file.flush()
            self._flushed = now
        large = self._file.tell() >= self._config.max_file_bytes
        if large or now - self._opened >= self._config.max_file_seconds:
            self._close_file()

    def _open_file(self) -> IO[bytes]:
        stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
        self._files += 1
        name = f"{self._name}-{stamp}-{os.getpid()}-{self._files:04}{_OPEN}"
        self._path = self._directory / name
        self._file = self._path.open("xb")
        self._opened = self._flushed = time.monotonic()
        return self._file

    def _close_file(self) -> None:
        file, self._file = self._file, None
        if file is None:
            return
        file.flush()
        os.fsync(file.fileno())
        file.close()
        self._path.rename(self._path.with_suffix(_CLOSED))
        self._remove_oldest()

    def _abandon(self) -> None:
        """Cuts the file behind its last whole record, as far as the disk lets us."""
        file, self._file = self._file, None
        if file is None:
            return
        try:
            file.close()
        except OSError as error:
            logger.debug("closing %s: %s", self._path, error)
        try:
            _mend(self._path)
        except OSError as error:
            logger.debug("mending %s: %s", self._path, error)

    def _remove_oldest(self) -> None:
        closed = sorted(self._directory.glob(f"{self._name}-*{_CLOSED}"), key=_age)
        total = sum(path.stat().st_size for path in closed)
        for path in closed[:-1]:
            if total <= self._config.max_total_bytes:
                return
            total -= path.stat().st_size
            path.unlink()
            logger.info("Prediction log: %s is removed to keep within max_total_bytes", path)


def recover_files(directory: Path, name: str) -> list[Path]:
    """Cuts open files of processes that are gone behind their last whole record.

    Args:
        directory: Of the log.
        name: Model whose files are looked at.

    Returns:
        The files, with their last names; those without a whole record are removed.
    """
    found = sorted(directory.glob(f"{urllib.parse.quote(name, safe='')}-*{_OPEN}"))
    mended = [_mend(path) for path in found if not _is_being_written(path)]
    return [path for path in mended if path is not None]


def _mend(path: Path) -> Path | None:
    length = whole_length(path)
    if not length:
        path.unlink()
        return None
    os.truncate(path, length)
    return path.rename(path.with_suffix(_CLOSED))


def _is_being_written(path: Path) -> bool:
    """Whether the process in the name is another one that lives; it may be of another machine."""
    process = int(path.stem.rsplit("-", 2)[1])
    if process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _age(path: Path) -> tuple[float, str]:
    return path.stat().st_mtime, path.name
