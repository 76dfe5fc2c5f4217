"""Which cutoff belongs to which split; periods are numbers on the grid of the frequency."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.components.examples.partition import is_held_out
from demandcast.schema.config import ForecastConfig, SamplingConfig

__all__ = [
    "BACKTEST",
    "ENDED",
    "LATEST",
    "SplitPlan",
    "members_of",
    "plan_backtest",
    "plan_latest",
    "plan_splits",
    "rolling_cutoffs",
]

BACKTEST = "backtest"
"""The examples at the cutoffs of a backtest; no split of the pipeline."""
LATEST = "latest"
"""The examples that are forecast; no split of the pipeline."""
ENDED = "ended"
"""Where a forecast is made, series that have ended are counted under this name."""


@dataclasses.dataclass(frozen=True)
class SplitPlan:
    """The examples of one split.

    Attributes:
        name: Name of the split.
        cutoffs: Last known periods, newest first.
        members: Which series: all, those held out for validation, or the others.
        fraction: Share of the series held out; for `members` other than all.
        min_history: Recorded periods that an example must show.
        min_demand: Units that it must show.
        min_demand_periods: Periods with any demand that it must show.
        min_future: Recorded periods that its horizon must have.
        labels: Whether its examples carry what came after the cutoff.
    """

    name: str
    cutoffs: tuple[int, ...]
    members: Literal["all", "held_out", "others"] = "all"
    fraction: float = 0.0
    min_history: int = 1
    min_demand: float = 0.0
    min_demand_periods: int = 0
    min_future: int = 0
    labels: bool = True


def rolling_cutoffs(last: int, *, horizon: int, stride: int, count: int) -> tuple[int, ...]:
    """Returns the cutoffs of evaluation: the newest has a whole horizon after it.

    Args:
        last: Newest period that may be looked at.
        horizon: Periods after each cutoff.
        stride: Periods from one cutoff to the next.
        count: How many.

    Returns:
        Periods, newest first.

    >>> rolling_cutoffs(100, horizon=7, stride=14, count=3)
    (93, 79, 65)
    """
    return tuple(last - horizon - k * stride for k in range(count))


def plan_splits(
    last: int, forecast: ForecastConfig, sampling: SamplingConfig
) -> tuple[SplitPlan, ...]:
    """Plans train, validation and eval so that each horizon ends before the next split's begins.

    Formula: eval cutoffs are last - H - k stride, E0 the earliest of them. Later-cutoff
    validation is at E0 - H - k H, V0 the earliest, and training at V0 - H. Held-out series
    validate at E0 - H, where the others train.

    Args:
        last: Newest period with a target in the whole table.
        forecast: Horizon H.
        sampling: Cutoffs of evaluation, kind of validation.

    >>> [(plan.name, plan.cutoffs) for plan in plan_splits(
    ...     100, ForecastConfig(horizon=7), SamplingConfig(eval_cutoffs=2))]
    [('train', (72,)), ('validation', (79,)), ('eval', (93, 86))]
    """
    horizon = forecast.horizon
    stride = sampling.eval_stride or horizon
    evaluation = rolling_cutoffs(last, horizon=horizon, stride=stride, count=sampling.eval_cutoffs)
    before = evaluation[-1] - horizon
    rules = sampling.validation
    plan = _planner(sampling)
    if rules.kind == "held_out_series":
        fraction = rules.fraction
        train = plan("train", (before,), "others", fraction)
        validation = plan("validation", (before,), "held_out", fraction, min_future=1)
    else:
        cutoffs = tuple(before - k * horizon for k in range(rules.cutoffs))
        train = plan("train", (cutoffs[-1] - horizon,))
        validation = plan("validation", cutoffs, min_future=1)
    return train, validation, plan("eval", evaluation, min_future=1)


def plan_backtest(cutoffs: Sequence[int], sampling: SamplingConfig) -> tuple[SplitPlan, ...]:
    """Plans the same examples at each cutoff as evaluation has at its own."""
    return (_planner(sampling)(BACKTEST, tuple(cutoffs), min_future=1),)


def plan_latest(cutoff: int) -> tuple[SplitPlan, ...]:
    """Plans one example without labels for each series with a recorded period."""
    return (SplitPlan(LATEST, (cutoff,), labels=False),)


def _planner(sampling: SamplingConfig) -> Callable[..., SplitPlan]:
    """Makes plans of splits that ask of a series what `sampling` does."""
    return functools.partial(
        SplitPlan,
        min_history=sampling.min_history,
        min_demand=sampling.min_demand,
        min_demand_periods=sampling.min_demand_periods,
    )


def members_of(plan: SplitPlan, keys: pl.DataFrame) -> npt.NDArray[np.bool_]:
    """Tells which series belong to a split.

    Args:
        plan: The split.
        keys: Key columns as text. Shape [N, key columns].

    Returns:
        Shape [N].
    """
    if plan.members == "all":
        return np.ones(len(keys), np.bool_)
    held_out = is_held_out(keys, plan.fraction)
    return held_out if plan.members == "held_out" else ~held_out
