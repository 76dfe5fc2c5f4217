"""When a call is made again, and when no more: no clock, no transport, no sleep of its own.

Only UNAVAILABLE is tried again: the server was not there, or went away, and another moment or
another server may answer. No call of ours changes anything, so it does not matter if one was half
done. Whatever else fails would fail again, or has used up the time.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Attempts", "RetryPolicy"]

_RETRIED = "UNAVAILABLE"
# A call gets a moment even at its deadline, so that its status is that of the server.
_LEAST_SECONDS = 0.001


@dataclass(frozen=True)
class RetryPolicy:
    """How often, and after which pauses.

    Attributes:
        max_attempts: The first one included.
        first_pause_seconds: Before the second attempt; each later one is twice as long.
        longest_pause_seconds: Bound of a pause.
        jitter: Share of a pause that is left to chance, so that many clients of a server that
            comes back do not ask at the same moment.
    """

    max_attempts: int = 4
    first_pause_seconds: float = 0.1
    longest_pause_seconds: float = 2.0
    jitter: float = 0.5

    def __post_init__(self) -> None:
        if self.max_attempts < 1:
            raise ValueError(f"max_attempts is {self.max_attempts}; it must be 1 or more")
        if not 0 < self.first_pause_seconds <= self.longest_pause_seconds:
            raise ValueError(
                f"pauses of {self.first_pause_seconds} to {self.longest_pause_seconds} s; they "
                "must be above 0, the first one not above the longest"
            )
        if not 0 <= self.jitter <= 1:
            raise ValueError(f"jitter is {self.jitter}; it must be from 0 to 1")

    def pause_seconds(self, attempt: int, chance: float) -> float:
        """Pause after an attempt.

        Args:
            attempt: Its number, from 1.
            chance: From 0 to 1: 0 is the longest pause.

        >>> policy = RetryPolicy(first_pause_seconds=0.1, longest_pause_seconds=0.3)
        >>> [round(policy.pause_seconds(attempt, 0.0), 3) for attempt in (1, 2, 3)]
        [0.1, 0.2, 0.3]
        >>> policy.pause_seconds(1, 1.0)
        0.05
        """
        # Bounded before it is computed: 2 ** 1000 is no float.
        doublings = min(attempt - 1, 62)
        pause = min(self.first_pause_seconds * 2**doublings, self.longest_pause_seconds)
        return pause * (1 - self.jitter * chance)


class Attempts:
    """The attempts at one call, within one deadline."""

    def __init__(
        self,
        policy: RetryPolicy,
        timeout_seconds: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Starts the time of the call.

        Args:
            policy: How often, and after which pauses.
            timeout_seconds: For all attempts and pauses together.
            clock: Seconds; never goes back.
            chance: From 0 to 1.
        """
        self._policy = policy
        self._clock = clock
        self._chance = chance
        self._deadline = clock() + timeout_seconds
        self.number = 1

    def remaining_seconds(self) -> float:
        """Time that the attempt may take."""
        return max(self._deadline - self._clock(), _LEAST_SECONDS)

    def pause_after(self, status: str) -> float | None:
        """Seconds to wait before the next attempt; None if there is to be none.

        Args:
            status: With which this attempt failed.
        """
        if status != _RETRIED or self.number >= self._policy.max_attempts:
            return None
        pause = self._policy.pause_seconds(self.number, self._chance())
        if self._clock() + pause >= self._deadline:
            return None
        self.number += 1
        return pause
