"""Does the data go on as that of the model in service did? Pure comparisons of two profiles.

A model trained on sales in another unit agrees with itself: its forecasts and the
sales they are judged by are wrong together. Only the data of before can tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from demandcast.schema.config.continuity import ContinuityConfig
from demandcast.schema.data_profile import BLOCK, DataProfile
from demandcast.schema.periods import date_of, days_of

__all__ = ["breaks", "common_periods"]

FloatArray = npt.NDArray[np.float64]

_PERIODS_BEFORE = 8
"""How many times the newest periods reach what they are compared with."""

_ROWS_ARE_SALES = 0.98
"""Share of rows with a sale from which a row is taken to mean one."""

_UNUSUAL = 3.0
"""Times the usual share of repeated numbers from which it is unusual."""


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
    found = [*_copies(now, rules), *_odd_newest_periods(now, rules)]
    if before is None or before.frequency != now.frequency:
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


def common_periods(now: DataProfile, before: DataProfile, rules: ContinuityConfig) -> range:
    """Returns the periods that both know and that are no longer corrected; it may be empty."""
    last = min(now.last, before.last - rules.settling_periods)
    return range(max(now.first, before.first), last + 1)


def _blocks_of_both(
    now: DataProfile, before: DataProfile, first: int, last: int
) -> tuple[FloatArray, FloatArray]:
    """Units of the series that both sampled, by whole block of the periods that both know."""
    blocks = range(-(-first // BLOCK), (last + 1) // BLOCK)
    pairs = [
        (before.sample[series].get(block, 0.0), now.sample[series].get(block, 0.0))
        for series in before.sample.keys() & now.sample.keys()
        for block in blocks
    ]
    old, new = np.array(pairs, float).reshape(-1, 2).T
    return old, new


def _lost_series(now: DataProfile, before: DataProfile, rules: ContinuityConfig) -> Iterator[str]:
    """Compares how many series were recorded of late, then and now.

    Where a row means a sale, their number is demand and has seasons: nothing is compared. Nor do
    periods count in which nothing was recorded at all: those were closed.
    """
    if sum(before.selling) > _ROWS_ARE_SALES * sum(before.recorded):
        return
    width = _newest(now)
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


def _odd_newest_periods(now: DataProfile, rules: ContinuityConfig) -> Iterator[str]:
    """Compares the newest periods with those before them."""
    width = _newest(now)
    total = np.array(now.total)
    if len(total) < 2 * width:
        return
    newest, earlier = total[-width:], total[-(1 + _PERIODS_BEFORE) * width : -width]
    level, usual = float(newest.mean()), float(earlier.mean())
    bound = rules.max_level_ratio
    if bound is not None and usual > 0 and not usual / bound <= level <= usual * bound:
        yield (
            f"the newest {width} periods sell {level:,.6g} units each, those before them "
            f"{usual:,.6g} (continuity.max_level_ratio: {bound})"
        )
    share, common = (_repeated_share(now, part) for part in (slice(-width, None), slice(-width)))
    allowed = rules.max_repeated_share
    if allowed is not None and share > max(allowed, _UNUSUAL * common):
        yield (
            f"in the newest {width} periods {share:.0%} of the sales repeat the number of the "
            f"period before, {common:.0%} earlier: the feed may be frozen "
            f"(continuity.max_repeated_share: {allowed})"
        )


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


def _repeated_share(profile: DataProfile, part: slice) -> float:
    selling = sum(profile.selling[part])
    return sum(profile.repeated[part]) / selling if selling else 0.0


def _newest(profile: DataProfile) -> int:
    """Periods that count as the newest: a week, or a month of weeks."""
    return 7 if profile.frequency == "D" else 4


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
