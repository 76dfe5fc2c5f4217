"""Runs requests together: as soon as a worker is free, and as many as are waiting then.

A lone request is run at once, alone. While all workers are busy requests gather, and the next
free worker takes them in one call of the model. There is no timer: nobody waits for company that
may not come (TensorFlow Serving's `batch_timeout_micros: 0`).

    submit ──► waiting, oldest first ──► worker: one call for all of a kind ──► each its rows
                  │                                  │
                  ▼ too many rows wait               ▼ nobody wants it any more
               RESOURCE_EXHAUSTED                 dropped
"""

from __future__ import annotations

import collections
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from demandcast.serving.errors import RequestError

__all__ = ["Arrays", "Batcher", "BatchingLimits", "Run"]

_LOG = logging.getLogger(__name__)

Arrays = Mapping[str, NDArray[Any]]
Run = Callable[[str, Arrays], dict[str, NDArray[Any]]]
"""Runs a signature of a model; safe to use from several threads."""


@dataclass(frozen=True)
class BatchingLimits:
    """How much is run, and how much may wait.

    Attributes:
        max_rows: Of one call of the model; a larger request is run alone.
        max_waiting_rows: Of all requests that wait; more are refused.
        workers: Calls of the model at the same time.
    """

    max_rows: int = 64
    max_waiting_rows: int = 4096
    workers: int = 2


@dataclass(frozen=True)
class _Waiting:
    """A request that waits.

    Attributes:
        run: Of the model that it is for.
        kind: Requests of one kind may run together; None for none.
        rows: Size of the first axis.
        is_wanted: Asked before it is run.
    """

    run: Run
    signature: str
    inputs: Arrays
    kind: tuple[Any, ...] | None
    rows: int
    is_wanted: Callable[[], bool]
    result: Future[dict[str, NDArray[Any]]] = field(default_factory=Future)


class Batcher:
    """Runs requests of many threads on a few workers, for any number of models."""

    def __init__(self, limits: BatchingLimits | None = None) -> None:
        """Starts the workers."""
        self._limits = limits or BatchingLimits()
        self._waiting: collections.deque[_Waiting] = collections.deque()
        self._rows = 0
        self._changed = threading.Condition()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"batch-{number}", daemon=True)
            for number in range(self._limits.workers)
        ]
        for thread in self._threads:
            thread.start()

    def submit(
        self,
        run: Run,
        signature: str,
        inputs: Arrays,
        *,
        batches: bool = True,
        is_wanted: Callable[[], bool] = lambda: True,
    ) -> Future[dict[str, NDArray[Any]]]:
        """Hands over a request.

        Args:
            run: Runs it; requests for another model, or another version, have another one.
            signature: Name of it.
            inputs: Checked arrays.
            batches: Whether rows of several requests may go through it together.
            is_wanted: Asked right before it would run; false drops it.

        Returns:
            Its outputs, later; `cancelled` if nobody wanted it any more.

        Raises:
            RequestError: RESOURCE_EXHAUSTED, too much waits; UNAVAILABLE, it was closed.
        """
        rows, kind = _kind(run, signature, inputs) if batches else (1, None)
        request = _Waiting(run, signature, inputs, kind, rows, is_wanted)
        with self._changed:
            if self._closed:
                raise RequestError("UNAVAILABLE", "the server is stopping")
            limit = self._limits.max_waiting_rows
            # An empty queue takes a request of any size.
            if self._waiting and self._rows + rows > limit:
                raise RequestError(
                    "RESOURCE_EXHAUSTED",
                    f"{self._rows} rows wait, and {limit} may; try again later",
                )
            self._waiting.append(request)
            self._rows += rows
            self._changed.notify()
        return request.result

    @property
    def waiting_rows(self) -> int:
        """Rows of the requests that wait."""
        return self._rows

    def close(self, timeout_seconds: float) -> None:
        """Takes no more, finishes what waits, and ends the workers, each within that time."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(timeout_seconds)

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._closed:
                    self._changed.wait()
                if not self._waiting:
                    return
                batch = self._take()
            _answer([request for request in batch if _begins(request)])

    def _take(self) -> list[_Waiting]:
        """Takes the oldest request, and others of its kind; the caller holds the lock."""
        first = self._waiting.popleft()
        batch, rows = [first], first.rows
        left: collections.deque[_Waiting] = collections.deque()
        while self._waiting:
            request = self._waiting.popleft()
            fits = rows + request.rows <= self._limits.max_rows
            if first.kind is not None and request.kind == first.kind and fits:
                batch.append(request)
                rows += request.rows
            else:
                left.append(request)
        self._waiting = left
        self._rows -= rows
        return batch


def _kind(run: Run, signature: str, inputs: Arrays) -> tuple[int, tuple[Any, ...] | None]:
    """Rows of a request, and what another one must have in common with it to run with it."""
    sizes = {array.shape[0] if array.ndim else -1 for array in inputs.values()}
    if len(sizes) != 1 or min(sizes) < 1:
        return 1, None
    shapes = tuple(
        (name, array.dtype.str, array.shape[1:]) for name, array in sorted(inputs.items())
    )
    return sizes.pop(), (run, signature, shapes)


def _begins(request: _Waiting) -> bool:
    """Tells whether a request is still to be run; otherwise it is cancelled."""
    if not request.is_wanted():
        request.result.cancel()
    return request.result.set_running_or_notify_cancel()


def _answer(batch: Sequence[_Waiting]) -> None:
    """Runs a batch; if that fails, each alone, so that one request cannot spoil another."""
    if not batch:
        return
    try:
        outputs = batch[0].run(batch[0].signature, _joined(batch))
        parts = _parted(outputs, [request.rows for request in batch])
    except Exception as error:
        if len(batch) == 1:
            batch[0].result.set_exception(error)
            return
        _LOG.debug("%d requests failed together and are run alone: %s", len(batch), error)
        for request in batch:
            _answer([request])
        return
    for request, part in zip(batch, parts, strict=True):
        request.result.set_result(part)


def _joined(batch: Sequence[_Waiting]) -> Arrays:
    if len(batch) == 1:
        return batch[0].inputs
    return {
        name: np.concatenate([request.inputs[name] for request in batch])
        for name in batch[0].inputs
    }


def _parted(outputs: dict[str, NDArray[Any]], rows: Sequence[int]) -> list[dict[str, NDArray[Any]]]:
    """Gives each request its rows.

    Raises:
        ValueError: An output has another number of rows than the inputs.
    """
    if len(rows) == 1:
        return [outputs]
    for name, array in outputs.items():
        if not array.ndim or array.shape[0] != sum(rows):
            raise ValueError(f"output {name} has shape {array.shape} for {sum(rows)} rows")
    ends = np.cumsum(rows)[:-1]
    parts = {name: np.split(array, ends) for name, array in outputs.items()}
    return [{name: parts[name][index] for name in parts} for index in range(len(rows))]
