"""`Delivery`: brings results of worker threads to the event loop.

The results of a batch come at the same time, and waking the loop is a system call: so it is woken
once for all that are there when it looks.
"""

from __future__ import annotations

import asyncio
import collections
from concurrent.futures import CancelledError, Future
from typing import Any

__all__ = ["Delivery"]


class Delivery:
    """Waits for results on an event loop; to be used from its thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._arrived: collections.deque[tuple[asyncio.Future[Any], Future[Any]]] = (
            collections.deque()
        )
        self._woken = False

    async def result(self, work: Future[Any]) -> Any:
        """Waits for a result.

        If whoever waits is cancelled, because the client went away or its deadline passed, so is
        the work, and what has not begun never does.

        Raises:
            Exception: Whatever the work raised.
        """
        waiter: asyncio.Future[Any] = self._loop.create_future()
        work.add_done_callback(lambda done: self._arrive(waiter, done))
        try:
            return await waiter
        except asyncio.CancelledError:
            work.cancel()
            raise

    def _arrive(self, waiter: asyncio.Future[Any], done: Future[Any]) -> None:
        """Called by the worker's thread."""
        self._arrived.append((waiter, done))
        if not self._woken:
            self._woken = True
            try:
                self._loop.call_soon_threadsafe(self._hand_out)
            except RuntimeError:
                # The loop is closed: the server has stopped, and nobody waits any more.
                self._arrived.clear()

    def _hand_out(self) -> None:
        self._woken = False
        while self._arrived:
            waiter, done = self._arrived.popleft()
            if waiter.done():
                continue
            try:
                waiter.set_result(done.result())
            except CancelledError:
                waiter.cancel()
            except Exception as error:
                waiter.set_exception(error)
