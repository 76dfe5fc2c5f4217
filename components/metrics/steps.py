"""Ranges of steps of the horizon: what they are, and how metrics of them are called.

A step is counted from 1, the first period after the cutoff. A range holds its first and its last
step, so (1, 7) is the first week of daily data.
"""

from __future__ import annotations

import re

__all__ = ["StepRange", "check_steps", "split_metric_name", "steps_metric_name"]

StepRange = tuple[int, int]

_NAME = re.compile(r"(?P<metric>.+)_steps_(?P<first>\d+)_(?P<last>\d+)")


def check_steps(steps: StepRange, horizon: int) -> StepRange:
    """Refuses a range that the horizon does not hold.

    Raises:
        ValueError: The range does not increase, or leaves 1 to the horizon.
    """
    first, last = steps
    if not 1 <= first <= last <= horizon:
        raise ValueError(
            f"steps: got {first} to {last}; allowed: 1 to {horizon}, the horizon, "
            "the first not after the last"
        )
    return first, last


def steps_metric_name(metric: str, steps: StepRange | None) -> str:
    """Names a metric of a range of steps; the metric itself over the whole horizon.

    >>> steps_metric_name("wape", (1, 7)), steps_metric_name("wape", None)
    ('wape_steps_1_7', 'wape')
    """
    return metric if steps is None else f"{metric}_steps_{steps[0]}_{steps[1]}"


def split_metric_name(name: str) -> tuple[str, StepRange | None]:
    """Reads what `steps_metric_name` wrote.

    >>> split_metric_name("wape_steps_1_7"), split_metric_name("wape_per_step")
    (('wape', (1, 7)), ('wape_per_step', None))
    """
    found = _NAME.fullmatch(name)
    if found is None:
        return name, None
    return found["metric"], (int(found["first"]), int(found["last"]))
