"""What became of one attempt to put something into service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from faults.world import World

__all__ = ["CONTINUITY", "CONTRACT", "GATE", "SCHEMA", "Kind", "Outcome", "check_of_stage"]

CONTRACT = "contract of the tables"
SCHEMA = "reviewed schema"
CONTINUITY = "continuity of the data"
GATE = "gate for models"

_CHECKS = {
    "SeriesExampleGen": CONTRACT,
    "AnomalyGate": SCHEMA,
    "DataContinuity": CONTINUITY,
    "Evaluator": GATE,
}


@dataclass(frozen=True)
class Outcome:
    """What became of one attempt.

    Attributes:
        pushed: Whether something else is in service than before.
        stopped_by: The check that refused it; none if nothing did.
        reason: Its first words.
        exit_code: Of `demandcast run`.
        seconds: Wall time.
    """

    pushed: bool
    stopped_by: str | None
    reason: str
    exit_code: int
    seconds: float


@dataclass(frozen=True)
class Kind:
    """One kind of attempt.

    Attributes:
        name: What is done, in words.
        good: Whether it should be let through.
        must_stop: The check that is there for it; empty if it is good.
        prepare: Changes the world at hand; called once per attempt, with its own randomness.
        repeats: How often; none: as often as the command line says.
    """

    name: str
    good: bool
    must_stop: str
    prepare: Callable[[World, np.random.Generator], None]
    repeats: int | None = None


def check_of_stage(stage: str) -> str:
    """Names the check that a stage is.

    >>> check_of_stage("AnomalyGate")
    'reviewed schema'
    """
    return _CHECKS.get(stage, stage)
