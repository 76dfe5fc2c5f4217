"""Does the data go on as that of the model in service did? Pure comparisons of two profiles.

A model trained on sales in another unit agrees with itself: its forecasts and the
sales they are judged by are wrong together. Only the data of before can tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from demandcast.components.validation.recent import newest_width, odd_newest_periods
from demandcast.schema.config.continuity import ContinuityConfig
from demandcast.schema.data_profile import BLOCK, DataProfile
from demandcast.schema.periods import date_of, days_of

__all__ = ["breaks", "common_periods"]

FloatArray = npt.NDArray[np.float64]

_CHANGED = 0.2
"""Share by which the known sales of a single series differ when they count as changed."""

_PERIODS_BEFORE = 8
"""How many times the newest periods reach what they are compared with."""

_ROWS_ARE_SALES = 0.98
"""Share of rows with a sale from which a row is taken to mean one."""


def breaks(
    now: DataProfile, before: DataProfile | None, rules: ContinuityConfig
) -> tuple[str, ...]:
    """Lists where the data does not go on as it was.

    Args:
        now: The data of this run.
        before: The data that the model in service was made from; None if there is no such model,
            or it does not say.
        rules: What may differ.

    Returns:
        One sentence per break, with the key of the configuration that allows it.
    """
    comparable = before is not None and before.frequency == now.frequency
    unproven = 0
    if before is not None and comparable:
        unproven = now.last - before.last + rules.settling_periods
    found = [*_copies(now, rules), *odd_newest_periods(now, unproven, rules)]
    if before is None or not comparable:
        return tuple(found)
    return (*_changed_history(now, before, rules), *_lost_series(now, before, rules), *found)


def _changed_history(
    now: DataProfile, before: DataProfile, rules: ContinuityConfig
) -> Iterator[str]:
    """Compares the periods that both know, in all and for the sampled series."""
    if now.last < before.last:
        yield (
            f"the newest period is {_date(now, now.last)}; the model in service has seen "
            f"{_date(before, before.last)}: this data is older"
        )
    common = common_periods(now, before, rules)
    if not common:
        return
    first, last = common[0], common[-1]
    old, new = (_span(np.array(p.total), p, first, last) for p in (before, now))
    change = _relative_change(old, new)
    if change > rules.max_history_change:
        worst = int(np.argmax(np.abs(new - old)))
        yield (
            f"sales of {_date(now, first)} to {_date(now, last)}, which the model in service knew, "
            f"differ by {change:.1%} in sum over the periods, most on "
            f"{_date(now, first + worst)}: {new[worst]:,.6g} units, before {old[worst]:,.6g} "
            f"(continuity.max_history_change: {rules.max_history_change})"
        )
        return
    old, new = _blocks_of_both(now, before, first, last)
    change = _relative_change(old, new)
    if change > 2 * rules.max_history_change:
        yield (
            f"sales of {_date(now, first)} to {_date(now, last)} are the same in sum, but differ "
            f"by {change:.1%} in sum over single series: they moved from one series to another "
            f"(continuity.max_history_change: twice {rules.max_history_change})"
        )
        return
    there_was = old.sum(1) > 0
    changed = np.abs(new - old).sum(1)[there_was] > _CHANGED * old.sum(1)[there_was]
    if changed.size and changed.mean() > rules.max_changed_series:
        gone = int((new.sum(1)[there_was] == 0).sum())
        yield (
            f"sales of {_date(now, first)} to {_date(now, last)} changed for {changed.mean():.1%} "
            f"of the series that the model in service knew, {gone} of {changed.size} have none "
            f"any more (continuity.max_changed_series: {rules.max_changed_series})"
        )


def common_periods(now: DataProfile, before: DataProfile, rules: ContinuityConfig) -> range:
    """Returns the periods that both know and that are no longer corrected; it may be empty."""
    last = min(now.last, before.last - rules.settling_periods)
    return range(max(now.first, before.first), last + 1)


def _blocks_of_both(
    now: DataProfile, before: DataProfile, first: int, last: int
) -> tuple[FloatArray, FloatArray]:
    """Units of the sampled series, by whole block of the periods that both know. Shape [N, B].

    A series that the sample of now would hold, but does not, has vanished: it counts as 0. The
    sample holds the lowest hashes; one above its highest may be in the data all the same.
    """
    blocks = range(-(-first // BLOCK), (last + 1) // BLOCK)
    full = len(now.sample) >= len(before.sample)
    highest = max(now.sample, default="")
    names = [name for name in sorted(before.sample) if not full or name <= highest]
    old, new = (
        np.array([[p.sample.get(name, {}).get(b, 0.0) for b in blocks] for name in names], float)
        for p in (before, now)
    )
    shape = (len(names), len(blocks))
    return old.reshape(shape), new.reshape(shape)


def _lost_series(now: DataProfile, before: DataProfile, rules: ContinuityConfig) -> Iterator[str]:
    """Compares how many series were recorded of late, then and now.

    Where a row means a sale, their number is demand and has seasons: nothing is compared. Nor do
    periods count in which nothing was recorded at all: those were closed.
    """
    if sum(before.selling) > _ROWS_ARE_SALES * sum(before.recorded):
        return
    width = newest_width(now)
    new = _typical(now.recorded[-width:])
    old = _typical(before.recorded[-_PERIODS_BEFORE * width :])
    if new < old * (1 - rules.max_series_loss):
        yield (
            f"{new:,.0f} series were recorded in the newest {width} periods, "
            f"{old:,.0f} when the model in service was made "
            f"(continuity.max_series_loss: {rules.max_series_loss})"
        )


def _typical(recorded: Sequence[int]) -> float:
    """Median of the periods in which something was recorded; 0 without any."""
    counts = np.array(recorded)
    return float(np.median(counts[counts > 0])) if counts.any() else 0.0


def _copies(now: DataProfile, rules: ContinuityConfig) -> Iterator[str]:
    """Finds known-future columns that give the answer away."""
    allowed = rules.max_target_correlation
    for name, value in now.correlation.items():
        if allowed is not None and value is not None and abs(value) > allowed:
            yield (
                f"known-future column {name!r} has correlation {value:.3f} with the sales of its "
                "own period: it gives the answer away, and will not be known ahead "
                f"(continuity.max_target_correlation: {allowed})"
            )


def _relative_change(old: FloatArray, new: FloatArray) -> float:
    """Sum of absolute differences as a share of what there was; 0 of nothing is no change."""
    difference, there_was = float(np.abs(new - old).sum()), float(np.abs(old).sum())
    if not difference:
        return 0.0
    return difference / there_was if there_was else float("inf")


def _span(values: FloatArray, profile: DataProfile, first: int, last: int) -> FloatArray:
    return values[first - profile.first : last - profile.first + 1]


def _date(profile: DataProfile, period: int) -> str:
    return date_of(int(days_of(np.array([period]), profile.frequency)[0])).isoformat()
