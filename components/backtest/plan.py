"""Which cutoffs a backtest has; periods are numbers on the grid of the frequency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from demandcast.schema.errors import BadInputError
from demandcast.schema.periods import Frequency, date_of, days_of

__all__ = [
    "DEFAULT_COUNT",
    "MOST_BY_DEFAULT",
    "Room",
    "dates_of",
    "newest_cutoffs",
    "unseen_cutoffs",
]

DEFAULT_COUNT = 4
"""Cutoffs where a model is trained for each, if nobody says how many."""
MOST_BY_DEFAULT = 12
"""Cutoffs where one model is scored, at most, if nobody says how many."""


@dataclass(frozen=True)
class Room:
    """Where cutoffs fit into a history.

    Attributes:
        newest: Newest cutoff: as much follows it as has to be recorded.
        earliest: Earliest cutoff with enough history before it; may lie after `newest`.
        stride: Periods from one cutoff to the next.
        frequency: Of the periods.
    """

    newest: int
    earliest: int
    stride: int
    frequency: Frequency

    @property
    def count(self) -> int:
        """How many cutoffs fit."""
        return max(0, (self.newest - self.earliest) // self.stride + 1)

    def cutoffs(self, count: int) -> tuple[int, ...]:
        """Returns the newest cutoffs, oldest first."""
        return tuple(self.newest - k * self.stride for k in reversed(range(count)))


def newest_cutoffs(room: Room, count: int | None) -> tuple[int, ...]:
    """Chooses the newest cutoffs.

    Args:
        room: Where they fit.
        count: How many; None: `DEFAULT_COUNT`, or fewer if fewer fit.

    Returns:
        Periods, oldest first.

    Raises:
        BadInputError: There is no room for so many; the message says for how many.
    """
    _refuse_beyond(room, count or 1)
    return room.cutoffs(count or min(DEFAULT_COUNT, room.count))


def unseen_cutoffs(room: Room, count: int | None, *, seen_until: int | None) -> tuple[int, ...]:
    """Chooses cutoffs after which a model has seen nothing in training.

    Args:
        room: Where cutoffs fit.
        count: How many; None: all, at most `MOST_BY_DEFAULT`.
        seen_until: Last period whose target the model has seen; None: it does not say.

    Returns:
        Periods, oldest first.

    Raises:
        BadInputError: There is no room for so many, or the model has seen what follows some.
    """
    _refuse_beyond(room, count or 1)
    if seen_until is None:
        raise BadInputError(
            "the model does not say until when it has seen the data (it was trained by an earlier "
            f"version), so its scores may be hindsight: {_WAYS_OUT}"
        )
    unseen = Room(room.newest, max(room.earliest, seen_until), room.stride, room.frequency)
    if (count or 1) > unseen.count:
        (seen,) = dates_of([seen_until], room.frequency)
        verb = "lies" if unseen.count == 1 else "lie"
        fewer = f"ask for --cutoffs {unseen.count}, " if unseen.count else ""
        raise BadInputError(
            f"the model has seen the data until {seen} in training, and {unseen.count} of the "
            f"{count or room.count} cutoffs {verb} there or later; before that its scores are "
            f"hindsight: {fewer}{_WAYS_OUT}"
        )
    return unseen.cutoffs(count or min(MOST_BY_DEFAULT, unseen.count))


_WAYS_OUT = (
    "use --retrain, which trains a model for each cutoff, or say --allow-seen to score it all the "
    "same, with such cutoffs marked"
)


def dates_of(periods: Sequence[int], frequency: Frequency) -> list[str]:
    """Returns the dates on which periods start, as text.

    >>> dates_of([0, 7], "D")
    ['1970-01-01', '1970-01-08']
    """
    return [date_of(day).isoformat() for day in days_of(np.array(periods), frequency)]


def _refuse_beyond(room: Room, count: int) -> None:
    """Refuses more cutoffs than fit."""
    if count <= room.count:
        return
    newest, earliest = dates_of([room.newest, room.earliest], room.frequency)
    if not room.count:
        raise BadInputError(
            f"the history is too short for a backtest: its newest cutoff would be {newest}, and "
            f"the earliest that has enough history before it is {earliest}; expected a longer "
            "history, or a smaller forecast.horizon or sampling.min_history"
        )
    raise BadInputError(
        f"--cutoffs: got {count}; {room.count} fit between {earliest} and {newest}, "
        f"{room.stride} periods apart; ask for {room.count} or fewer, or for a smaller --stride"
    )
