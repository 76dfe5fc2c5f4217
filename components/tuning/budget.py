"""The wall time of a search."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["Budget"]


class Budget:
    """Counts wall time from its making, and what earlier attempts of the same search took.

    Attributes:
        seconds: What the search may take, seconds.
        earlier: What earlier attempts took, seconds.

    >>> now = iter([0.0, 4.0, 4.0])
    >>> budget = Budget(10.0, clock=lambda: next(now))
    >>> budget.earlier = 3.0
    >>> budget.spent, budget.left
    (7.0, 3.0)
    """

    def __init__(self, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Starts counting.

        Args:
            seconds: What the search may take, seconds.
            clock: Gives the time, seconds.
        """
        self.seconds = seconds
        self.earlier = 0.0
        self._clock = clock
        self._start = clock()

    @property
    def spent(self) -> float:
        """Seconds taken so far."""
        return self.earlier + self._clock() - self._start

    @property
    def left(self) -> float:
        """Seconds that may still be taken; negative when over."""
        return self.seconds - self.spent
