"""Sends what libraries print and log to a file, so that the screen shows progress only.

TensorFlow and Beam write to the file descriptors from C++ as well, so the
descriptors themselves are turned, not only `sys.stdout` and `sys.stderr`.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import absl.logging

from demandcast.schema.errors import BadInputError

__all__ = ["captured_output", "screen"]

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


@contextlib.contextmanager
def screen() -> Iterator[TextIO]:
    """Gives a stream to the real standard error that `captured_output` does not turn."""
    try:
        descriptor = os.dup(sys.stderr.fileno())
    except (AttributeError, OSError, io.UnsupportedOperation):
        yield sys.stderr  # Replaced by something in memory, as tests do.
        return
    with os.fdopen(descriptor, "w", encoding="utf-8", buffering=1) as stream:
        yield stream


@contextlib.contextmanager
def captured_output(log: Path) -> Iterator[None]:
    """Appends standard output, standard error and all log records to a file.

    Args:
        log: The file, below the workspace; its folder is made if needed.

    Raises:
        BadInputError: The file cannot be written.
    """
    file = _open(log)
    handler = logging.StreamHandler(file)
    handler.setFormatter(logging.Formatter(_FORMAT))
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        with (
            file,
            _informing(root),
            # TFX logs through absl, whose own level other libraries may have raised.
            _informing(absl.logging.get_absl_logger()),
            _turned(file.fileno()),
            # These may be other objects than the descriptors, as in a notebook.
            contextlib.redirect_stdout(file),
            contextlib.redirect_stderr(file),
            _no_arguments(),
        ):
            yield
    finally:
        root.removeHandler(handler)


@contextlib.contextmanager
def _informing(logger: logging.Logger) -> Iterator[None]:
    """Lets a logger pass what is worth knowing, for a while."""
    level = logger.level
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(level)


class _Log(io.FileIO):
    """A file that drops what a full disk does not take: the log must not hide the error."""

    def write(self, content: Any) -> int:
        """Writes, or pretends to."""
        try:
            return super().write(content)
        except OSError:
            return len(content)


def _open(log: Path) -> TextIO:
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        raw = _Log(log, "a")
    except OSError as error:
        raise BadInputError(
            f"workspace: the log {log} cannot be written: {error.strerror or error}; "
            "name a folder that this user may write"
        ) from error
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8", line_buffering=True)


@contextlib.contextmanager
def _turned(target: int) -> Iterator[None]:
    """Turns descriptors 1 and 2 to another one for a while."""
    _flush()
    kept = [os.dup(1), os.dup(2)]
    try:
        os.dup2(target, 1)
        os.dup2(target, 2)
        yield
    finally:
        _flush()
        for descriptor, original in zip((1, 2), kept, strict=True):
            os.dup2(original, descriptor)
            os.close(original)


@contextlib.contextmanager
def _no_arguments() -> Iterator[None]:
    """Hides our command line from TFX, which hands it to absl's flag parser."""
    arguments = sys.argv
    sys.argv = arguments[:1]
    try:
        yield
    finally:
        sys.argv = arguments


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):
            stream.flush()
