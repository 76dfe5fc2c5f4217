"""Whether a model is judged by what it has not seen. No TensorFlow.

A model that has seen what it is asked for looks good however bad it is, so no floor and no
comparison can find it out.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence

from demandcast.schema.errors import DemandcastError

__all__ = ["eval_cutoffs", "seen_reason", "seen_until"]

_SPLIT = "eval"


def eval_cutoffs(summary: str, *, source: str) -> tuple[datetime.date, ...]:
    """Reads the cutoffs of the eval split from what ingestion says beside the examples.

    Args:
        summary: Content of its `summary.json`.
        source: Where it was read, for the message.

    Raises:
        DemandcastError: It is damaged.
    """
    try:
        cutoffs = json.loads(summary)["splits"][_SPLIT]["cutoffs"]
        return tuple(datetime.date.fromisoformat(cutoff) for cutoff in cutoffs)
    except (KeyError, TypeError, ValueError) as error:
        raise DemandcastError(
            f"{source}: no cutoffs of the split {_SPLIT}; expected what ingestion writes: {error!r}"
        ) from error


def seen_until(training: str, *, source: str) -> datetime.date:
    """Reads until when a model has seen the data from what it says of itself.

    Only that is read: the settings beside it may be those of another release.

    Args:
        training: Content of its `assets.extra/training.json`.
        source: Where it was read, for the message.

    Returns:
        Start of the last period whose target it has seen in training.

    Raises:
        DemandcastError: It is damaged.
    """
    try:
        return datetime.date.fromisoformat(json.loads(training)["seen_until"])
    except (KeyError, TypeError, ValueError) as error:
        raise DemandcastError(
            f"{source}: no date seen_until; expected what the Trainer writes: {error!r}"
        ) from error


def seen_reason(until: datetime.date, cutoffs: Sequence[datetime.date]) -> str | None:
    """Words why a model cannot be judged at some cutoffs.

    Args:
        until: Start of the last period whose target it has seen in training.
        cutoffs: Last periods that it may know where it is judged.

    Returns:
        None if it has seen nothing after the first cutoff.

    >>> day = datetime.date(2024, 5, 31)
    >>> seen_reason(day, [day])
    >>> seen_reason(day, [datetime.date(2024, 5, 24), day])
    'it has seen sales until 2024-05-31 in training, but is judged from cutoff 2024-05-24 on'
    """
    first = min(cutoffs, default=until)
    if until <= first:
        return None
    return f"it has seen sales until {until} in training, but is judged from cutoff {first} on"
