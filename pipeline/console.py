"""Progress on standard error: stages, elapsed time, and what our own stages say."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TextIO

from demandcast.pipeline.reports import StageReport, StageStatus

__all__ = ["LOG_ONLY", "Console", "console_for", "duration_text", "memory_text", "wants_colour"]

LOG_ONLY = "log_only"
"""Attribute of a log record that is meant for the log file alone (`extra={LOG_ONLY: True}`)."""

_BOLD, _DIM, _GREEN, _YELLOW, _RED, _PLAIN = ("1", "2", "32", "33", "31", "0")
_CLEAR_LINE = "\r\x1b[2K"
_TICK_SECONDS = 1.0
_STATUS_COLOURS: Mapping[StageStatus, str] = {
    "run": _GREEN,
    "cached": _DIM,
    "skipped": _YELLOW,
    "failed": _RED,
}


def duration_text(seconds: float) -> str:
    """Writes a duration for people.

    >>> duration_text(0.04), duration_text(12.34), duration_text(75), duration_text(3720)
    ('0.0 s', '12.3 s', '1 min 15 s', '1 h 02 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def memory_text(size: int) -> str:
    """Writes an amount of memory for people.

    >>> memory_text(0), memory_text(300 * 2**20), memory_text(3 * 2**29)
    ('-', '300 MiB', '1.5 GiB')
    """
    if size <= 0:
        return "-"
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"


def _place(position: int, count: int) -> str:
    return f"[{position:>{len(str(count))}}/{count}]"


def wants_colour(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Tells whether to use colours: on a terminal, unless `NO_COLOR` is set or it is dumb."""
    terminal = hasattr(stream, "isatty") and stream.isatty()
    return terminal and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


class Console:
    """Writes progress to a stream; says nothing but errors when quiet.

    On a terminal the last line shows the running stage and its time, and is renewed
    each second; elsewhere each line is written once.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        quiet: bool = False,
        colour: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream
        self._quiet = quiet
        self._colour = colour
        self._live = colour and not quiet
        self._clock = clock
        self._lock = threading.RLock()
        self._stage: str | None = None
        self._stage_began = 0.0

    def say(self, text: str, *, style: str = _PLAIN) -> None:
        """Writes a line of progress."""
        if not self._quiet:
            self._write(self._styled(text, style))

    def heading(self, text: str) -> None:
        """Writes a line that begins a part."""
        self.say(text, style=_BOLD)

    def error(self, text: str) -> None:
        """Writes an error, even when quiet."""
        self._write(f"{self._styled('error:', _RED)} {text}")

    def note(self, text: str) -> None:
        """Writes what a stage says, with the time since the stage began."""
        with self._lock:
            elapsed = duration_text(self._clock() - self._stage_began) if self._stage else ""
        self.say(f"    {elapsed:>10}  {text}" if elapsed else f"    {text}")

    @contextlib.contextmanager
    def stage(self, name: str, *, position: int, count: int) -> Iterator[None]:
        """Shows that a stage is running."""
        with self._lock:
            self._stage = f"{_place(position, count)} {name}"
            self._stage_began = self._clock()
        if not self._live:
            self.say(self._stage)
        stop = threading.Event()
        ticker = threading.Thread(target=self._tick, args=(stop,), daemon=True)
        if self._live:
            ticker.start()
        try:
            yield
        finally:
            stop.set()
            if self._live:
                ticker.join()
            with self._lock:
                self._clear()
                self._stage = None

    def stage_finished(self, report: StageReport, *, position: int, count: int) -> None:
        """Says what a stage came to."""
        status = self._styled(f"{report.status:<7}", _STATUS_COLOURS[report.status])
        time_and_memory = f"{duration_text(report.seconds):>11}"
        if report.status == "run":
            time_and_memory += f"  {memory_text(report.peak_memory_bytes):>8}"
        self.say(f"{_place(position, count)} {report.name:<18} {status} {time_and_memory}")

    @contextlib.contextmanager
    def following(self, logger_name: str) -> Iterator[None]:
        """Shows the INFO messages of loggers below a name; each once, whoever follows as well."""
        logger = logging.getLogger(logger_name)
        if any(isinstance(one, _NotesHandler) and one.shows(self) for one in logger.handlers):
            yield
            return
        handler = _NotesHandler(self)
        level = logger.level
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        try:
            yield
        finally:
            logger.removeHandler(handler)
            logger.setLevel(level)

    def _tick(self, stop: threading.Event) -> None:
        while not stop.wait(_TICK_SECONDS):
            with self._lock:
                self._draw()

    def _draw(self) -> None:
        """Renews the last line."""
        if self._stage is not None:
            elapsed = duration_text(self._clock() - self._stage_began)
            self._stream.write(f"{_CLEAR_LINE}{self._stage} {elapsed}")
            self._stream.flush()

    def _clear(self) -> None:
        if self._live and self._stage is not None:
            self._stream.write(_CLEAR_LINE)
            self._stream.flush()

    def _write(self, line: str) -> None:
        with self._lock:
            self._clear()
            self._stream.write(line + "\n")
            self._stream.flush()
            if self._live:
                self._draw()

    def _styled(self, text: str, style: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if self._colour and style != _PLAIN else text


class _NotesHandler(logging.Handler):
    """Hands log records to a console."""

    def __init__(self, console: Console) -> None:
        super().__init__(logging.INFO)
        self._console = console

    def shows(self, console: Console) -> bool:
        """Tells whether it writes to a console."""
        return self._console is console

    def emit(self, record: logging.LogRecord) -> None:
        """Writes a record as a note."""
        if getattr(record, LOG_ONLY, False):
            return
        try:
            self._console.note(record.getMessage())
        except (OSError, ValueError):
            self.handleError(record)


def console_for(stream: TextIO, *, quiet: bool) -> Console:
    """Makes the console of the command line for a stream."""
    return Console(stream, quiet=quiet, colour=wants_colour(stream, os.environ))
