"""`PredictionLog`: keeps a sample of the answered requests, for drift monitoring.

Open-source TensorFlow Serving cannot: no collector is compiled into it. Files are TFRecords of
`PredictionLog`, the same message that warm-up files hold.

    answered ──sample──► waiting (bounded; more are dropped and counted) ──► demand-...-0001.open
                                                    large or old enough: renamed ──► .tfrecord

A file with its last name is whole. After a crash the next start cuts what is left of an open file
behind its last whole record, and gives it its name; whoever writes a file holds a lock on it.
A full disk loses records, and counts them, but never an answer.
"""

from __future__ import annotations

import datetime
import fcntl
import functools
import logging
import os
import queue
import random
import re
import threading
import time
import urllib.parse
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import IO

from demandcast.serving.server.config import PredictionLogConfig
from demandcast.serving.server.records import encode_record, whole_part

__all__ = ["PredictionLog", "recover_files"]

logger = logging.getLogger(__name__)

_OPEN, _CLOSED = ".open", ".tfrecord"
_STAMP = r"-[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}-[0-9]{4,}"
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
        # Processes of several containers may share a directory, and the number 1.
        self._mark = uuid.uuid4().hex[:8]
        self._files = 0
        # Records of the open file, and how many of them are counted as written.
        self._records = self._counted = 0
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
            self._thread.join(timeout_seconds)
        except queue.Full:
            logger.debug("no room for the end")
        if self._thread.is_alive():
            lost = self._waiting.qsize()
            self.dropped += lost
            logger.error("Prediction log: the disk is too slow, %d records are lost", lost)

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
            self._abandon()
            self._rests_until = time.monotonic() + _REST_SECONDS
            logger.error(
                "Prediction log: %s; requests are answered, %d records are lost so far",
                error,
                self.dropped,
            )
        except Exception:
            self.dropped += 1
            logger.exception("Prediction log: a record could not be made")

    def _write(self, record: Record) -> None:
        if time.monotonic() < self._rests_until:
            self.dropped += 1
            return
        data = encode_record(record())
        # Counted first: what cannot be written then is what is missing from the file.
        self._records += 1
        file = self._file or self._open_file()
        file.write(data)
        self._tend()

    def _tend(self) -> None:
        """Flushes now and then, and closes a file that is large or old enough."""
        if self._file is None:
            return
        now = time.monotonic()
        if now - self._flushed >= _FLUSH_SECONDS:
            self._file.flush()
            self._flushed = now
            self._count(self._records)
        large = self._file.tell() >= self._config.max_file_bytes
        if large or now - self._opened >= self._config.max_file_seconds:
            self._close_file()

    def _open_file(self) -> IO[bytes]:
        stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
        while True:
            self._files += 1
            name = f"{self._name}-{stamp}-{self._mark}-{self._files:04}{_OPEN}"
            self._path = self._directory / name
            self._file = self._path.open("xb")
            fcntl.flock(self._file, fcntl.LOCK_EX)
            self._opened = self._flushed = time.monotonic()
            if self._path.exists():  # No other start has just taken it for a leftover.
                return self._file
            self._file.close()

    def _close_file(self) -> None:
        file = self._file
        if file is None:
            return
        file.flush()
        os.fsync(file.fileno())
        self._path.rename(self._path.with_suffix(_CLOSED))
        self._file = None
        file.close()
        self._count(self._records)
        self._records = self._counted = 0
        self._remove_oldest()

    def _count(self, written: int) -> None:
        """Counts that so many records of the file are written."""
        self.written += written - self._counted
        self._counted = written

    def _abandon(self) -> None:
        """Cuts the file behind its last whole record, as far as the disk lets us."""
        file, self._file = self._file, None
        kept = 0
        if file is not None:
            try:
                file.close()
            except OSError as error:
                logger.debug("closing %s: %s", self._path, error)
            try:
                _, kept = _mend(self._path)
            except OSError as error:
                logger.debug("mending %s: %s", self._path, error)
        self._count(kept)
        self.dropped += self._records - kept
        self._records = self._counted = 0

    def _remove_oldest(self) -> None:
        try:
            closed = [
                (path.stat().st_mtime, path.name, path.stat().st_size, path)
                for path in _files(self._directory, self._model, _CLOSED)
            ]
            total = sum(size for _, _, size, _ in closed)
            for _, _, size, path in sorted(closed)[:-1]:
                if total <= self._config.max_total_bytes:
                    return
                total -= size
                path.unlink(missing_ok=True)
                logger.info("Prediction log: %s is removed to keep within max_total_bytes", path)
        except OSError as error:
            logger.warning("Prediction log: old files cannot be removed: %s", error)


def recover_files(directory: Path, name: str) -> list[Path]:
    """Cuts open files that nobody writes any more behind their last whole record.

    Args:
        directory: Of the log.
        name: Model whose files are looked at.

    Returns:
        The files, with their last names; those without a whole record are removed.
    """
    mended = []
    for path in _files(directory, name, _OPEN):
        with path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue  # Somebody writes it, of this process or another.
            whole, _ = _mend(path)
        mended += [] if whole is None else [whole]
    return mended


def _files(directory: Path, name: str, suffix: str) -> list[Path]:
    """Files of one model; those of a model whose name only begins so are not among them."""
    wanted = re.compile(re.escape(urllib.parse.quote(name, safe="")) + _STAMP + re.escape(suffix))
    return sorted(path for path in directory.iterdir() if wanted.fullmatch(path.name))


def _mend(path: Path) -> tuple[Path | None, int]:
    """Cuts a file; its last name, if there is anything left of it, and how many records."""
    records, length = whole_part(path)
    if not records:
        path.unlink()
        return None, 0
    os.truncate(path, length)
    return path.rename(path.with_suffix(_CLOSED)), records
