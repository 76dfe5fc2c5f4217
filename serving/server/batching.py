"""Runs requests together: as soon as a worker is free, and as many as are waiting then.

A lone request is run at once, alone. While all workers are busy requests gather, and the next
free worker takes them in one call of the model. There is no timer: nobody waits for company that
may not come (TensorFlow Serving's `batch_timeout_micros: 0`).

    submit ──► waiting, oldest first ──► worker: one call for all of a kind ──► each its rows
                  │                                  │
                  ▼ too many rows wait               ▼ nobody wants it any more
               RESOURCE_EXHAUSTED                 dropped

Requests come and go on the event loop; only whole batches cross to the workers' threads and back,
so that a request costs no lock and no wake-up of its own.
"""

from __future__ import annotations

import asyncio
import collections
import logging
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from demandcast.serving.errors import RequestError

__all__ = ["Arrays", "Batcher", "BatchingLimits", "Run"]

_LOG = logging.getLogger(__name__)

Arrays = Mapping[str, NDArray[Any]]
Outputs = dict[str, NDArray[Any]]
Run = Callable[[str, Arrays], Outputs]
"""Runs a signature of a model; safe to use from several threads."""

Outcome = Outputs | Exception


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


@dataclass(frozen=True, eq=False, slots=True)
class _Waiting:
    """A request that waits.

    Attributes:
        run: Of the model that it is for.
        kind: Requests of one kind may run together; None for none.
        rows: Size of the first axis.
        result: Its outputs, later; cancelled by whoever no longer wants them.
    """

    run: Run
    signature: str
    inputs: Arrays
    kind: tuple[Any, ...] | None
    rows: int
    result: asyncio.Future[Outputs]


class Batcher:
    """Runs requests of an event loop on a few threads, for any number of models.

    All methods are to be called on the loop.
    """

    def __init__(self, limits: BatchingLimits | None = None) -> None:
        """Starts the workers; to be called on the loop that submits."""
        self._limits = limits or BatchingLimits()
        self._loop = asyncio.get_running_loop()
        self._waiting: collections.deque[_Waiting] = collections.deque()
        self._rows = 0
        self._idle = self._limits.workers
        self._closed = False
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._batches: queue.SimpleQueue[list[_Waiting] | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, name=f"batch-{number}", daemon=True)
            for number in range(self._limits.workers)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def waiting_rows(self) -> int:
        """Rows of the requests that wait."""
        return self._rows

    def submit(
        self, run: Run, signature: str, inputs: Arrays, *, batches: bool = True
    ) -> asyncio.Future[Outputs]:
        """Hands over a request.

        Args:
            run: Runs it; requests for another model, or another version, have another one.
            signature: Name of it.
            inputs: Checked arrays.
            batches: Whether rows of several requests may go through it together.

        Returns:
            Its outputs, later. Cancelling it drops the request if it has not begun.

        Raises:
            RequestError: RESOURCE_EXHAUSTED, too much waits; UNAVAILABLE, it was closed.
        """
        if self._closed:
            raise RequestError("UNAVAILABLE", "the server is stopping")
        rows, kind = _kind(run, signature, inputs) if batches else (1, None)
        self._check_room(rows)
        result: asyncio.Future[Outputs] = self._loop.create_future()
        self._waiting.append(_Waiting(run, signature, inputs, kind, rows, result))
        self._rows += rows
        self._quiet.clear()
        if self._idle:
            # What else has arrived in this turn of the loop goes along.
            self._loop.call_soon(self._hand_out)
        return result

    async def close(self, timeout_seconds: float) -> None:
        """Takes no more, finishes what waits within that time, and ends the workers."""
        self._closed = True
        try:
            await asyncio.wait_for(self._quiet.wait(), timeout_seconds)
        except TimeoutError:
            _LOG.warning("%d rows still waited for a model when the server stopped", self._rows)
            for request in self._waiting:
                request.result.cancel()
        for _ in self._threads:
            self._batches.put(None)

    def _check_room(self, rows: int) -> None:
        limit = self._limits.max_waiting_rows
        # An empty queue takes a request of any size.
        if not self._waiting or self._rows + rows <= limit:
            return
        self._drop_cancelled()
        if self._waiting and self._rows + rows > limit:
            raise RequestError(
                "RESOURCE_EXHAUSTED",
                f"{self._rows} rows wait, and {limit} may; try again later",
            )

    def _drop_cancelled(self) -> None:
        self._waiting = collections.deque(r for r in self._waiting if not r.result.done())
        self._rows = sum(request.rows for request in self._waiting)

    def _hand_out(self) -> None:
        """Gives each idle worker a batch, as long as there are any."""
        while self._idle and self._waiting:
            batch = self._take()
            if batch:
                self._idle -= 1
                self._batches.put(batch)
        if not self._waiting and self._idle == self._limits.workers:
            self._quiet.set()

    def _take(self) -> list[_Waiting]:
        """Takes the oldest request, and others of its kind; nothing if nobody wants it."""
        first = self._waiting.popleft()
        self._rows -= first.rows
        if first.result.done():
            return []
        batch, rows = [first], first.rows
        if first.kind is None or rows >= self._limits.max_rows:
            return batch
        left: collections.deque[_Waiting] = collections.deque()
        while self._waiting:
            request = self._waiting.popleft()
            if request.result.done():
                self._rows -= request.rows
            elif request.kind == first.kind and rows + request.rows <= self._limits.max_rows:
                batch.append(request)
                rows += request.rows
                self._rows -= request.rows
            else:
                left.append(request)
        self._waiting = left
        return batch

    def _work(self) -> None:
        while (batch := self._batches.get()) is not None:
            outcomes = _run(batch)
            try:
                self._loop.call_soon_threadsafe(self._finish, batch, outcomes)
            except RuntimeError:
                return  # The loop is closed, and nobody waits any more.

    def _finish(self, batch: Sequence[_Waiting], outcomes: Sequence[Outcome]) -> None:
        self._idle += 1
        # First the next batch, so that the worker need not wait for the answers of this one.
        self._hand_out()
        for request, outcome in zip(batch, outcomes, strict=True):
            if request.result.done():
                continue  # Nobody wants it any more.
            if isinstance(outcome, Exception):
                request.result.set_exception(outcome)
            else:
                request.result.set_result(outcome)


def _kind(run: Run, signature: str, inputs: Arrays) -> tuple[int, tuple[Any, ...] | None]:
    """Rows of a request, and what another one must have in common with it to run with it."""
    rows = -1
    parts: list[Any] = [run, signature]
    for name, array in inputs.items():
        shape = array.shape
        if not shape or shape[0] != (shape[0] if rows < 0 else rows):
            return 1, None
        rows = shape[0]
        parts += (name, array.dtype, shape[1:])
    return (rows, tuple(parts)) if rows > 0 else (1, None)


def _run(batch: Sequence[_Waiting]) -> list[Outcome]:
    """Runs a batch; if that fails, each alone, so that one request cannot spoil another."""
    try:
        outputs = batch[0].run(batch[0].signature, _joined(batch))
        return list(_parted(outputs, [request.rows for request in batch]))
    except Exception as error:
        if len(batch) == 1:
            return [error]
        _LOG.debug("%d requests failed together and are run alone: %s", len(batch), error)
    return [outcome for request in batch for outcome in _run([request])]


def _joined(batch: Sequence[_Waiting]) -> Arrays:
    if len(batch) == 1:
        return batch[0].inputs
    return {
        name: np.concatenate([request.inputs[name] for request in batch])
        for name in batch[0].inputs
    }


def _parted(outputs: Outputs, rows: Sequence[int]) -> list[Outputs]:
    """Gives each request its rows.

    Raises:
        ValueError: An output has another number of rows than the inputs.
    """
    if len(rows) == 1:
        return [outputs]
    total = sum(rows)
    for name, array in outputs.items():
        if not array.ndim or array.shape[0] != total:
            raise ValueError(f"output {name} has shape {array.shape} for {total} rows")
    parts, begin = [], 0
    for count in rows:
        part = slice(begin, begin + count)
        parts.append({name: array[part] for name, array in outputs.items()})
        begin += count
    return parts
