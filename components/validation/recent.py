"""Are the newest periods plausible? Pure comparisons of a profile with its own past.

A limit that no Christmas breaks lets a doubled week through. So the newest weeks are
measured by the largest change that the table itself has seen, if it reaches back a year.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from demandcast.schema.config.continuity import ContinuityConfig
from demandcast.schema.data_profile import BLOCK, DataProfile

__all__ = ["newest_width", "odd_newest_periods"]

FloatArray = npt.NDArray[np.float64]

_WINDOWS_BEFORE = 8
"""Windows, each as long as the newest, that say what is usual."""

_MOST_NEW_WINDOWS = 8
"""Windows that are looked at, however long ago the model in service was made."""

_UNUSUAL = 3.0
"""Times the usual share of repeated numbers from which it is unusual."""

_YEAR = {"D": 364}
"""Periods of a year, by frequency; weekly otherwise."""

_LEAST_UNITS = 50.0
"""Units in the newest periods from which their equality with earlier ones is no chance."""


def newest_width(profile: DataProfile) -> int:
    """Periods that count as the newest: a week, or a month of weeks."""
    return 7 if profile.frequency == "D" else 4


def odd_newest_periods(now: DataProfile, unproven: int, rules: ContinuityConfig) -> Iterator[str]:
    """Words what is odd about the newest periods.

    Args:
        now: The data of this run.
        unproven: Newest periods that were not compared with what the model in service knew; 0 if
            that is not known.
        rules: What is allowed.
    """
    width = newest_width(now)
    if len(now.total) < 2 * width:
        return
    yield from _level(now, unproven, rules)
    yield from _mix(now, rules)
    yield from _repeated_numbers(now, rules)
    yield from _old_periods_again(now, rules)


def _level(now: DataProfile, unproven: int, rules: ContinuityConfig) -> Iterator[str]:
    """Compares the sales of the new windows with those of the windows before all of them."""
    width = newest_width(now)
    levels = _window_levels(now, width)
    count = min(max(-(-unproven // width), 1), _MOST_NEW_WINDOWS, len(levels) - 1)
    usual = float(np.median(levels[-count - _WINDOWS_BEFORE : -count]))
    if not usual > 0:
        return
    worst = max(levels[-count:], key=lambda level: _log_ratio(level, usual))
    said = f"sell {worst:,.6g} units each, those before them {usual:,.6g}"
    where = (
        f"{width} of the newest {count * width} periods"
        if count > 1
        else (f"the newest {width} periods")
    )
    most = rules.max_level_ratio
    if most is not None and _log_ratio(worst, usual) > np.log(most):
        yield f"{where} {said} (continuity.max_level_ratio: {most})"
        return
    # What says what is usual may be wrong too, where nothing proves it.
    known = _largest_change(levels[: -count - _WINDOWS_BEFORE], count, width, now)
    surprise = rules.max_level_surprise
    if surprise is None or known is None:
        return
    if _log_ratio(worst, usual) > known + np.log(surprise):
        yield (
            f"{where} {said}; the largest change in the history of this table is "
            f"{np.exp(known):.2f} times (continuity.max_level_surprise: {surprise})"
        )


def _largest_change(levels: FloatArray, count: int, width: int, now: DataProfile) -> float | None:
    """Largest log ratio of a window to the windows before it; None if history is too short."""
    least = _year(now) // width
    if len(levels) < least:
        return None
    ratios = [
        _log_ratio(levels[i], float(np.median(levels[i - gap - _WINDOWS_BEFORE : i - gap])))
        for gap in range(count)
        for i in range(gap + _WINDOWS_BEFORE, len(levels))
    ]
    finite = [ratio for ratio in ratios if np.isfinite(ratio)]
    return max(finite, default=None)


def _mix(now: DataProfile, rules: ContinuityConfig) -> Iterator[str]:
    """Compares which series the sales of the newest block belong to with the block before."""
    surprise = rules.max_level_surprise
    newest = now.last // BLOCK
    days = now.last - newest * BLOCK + 1
    merged = days < BLOCK // 4
    blocks = _shares(now, newest)
    if surprise is None or len(blocks) < _year(now) // BLOCK + 3:
        return
    if merged:
        blocks[-2] = blocks[-2] + blocks[-1]
        blocks, days = blocks[:-1], BLOCK
    totals = blocks.sum(1, keepdims=True)
    if not (totals > 0).all():
        return
    distance = np.abs(np.diff(blocks / totals, axis=0)).sum(1) / 2
    # Fewer days are noisier; the noise of a share falls with the root of what is counted.
    allowed = distance[:-1].max() * surprise * np.sqrt(BLOCK / days)
    if distance[-1] > allowed:
        yield (
            f"of the newest sales of the sampled series {distance[-1]:.0%} belong to other series "
            f"than in the {BLOCK} periods before, at most {distance[:-1].max():.0%} from one "
            f"such stretch to the next so far: series may be mixed up, or some be in another unit "
            f"(continuity.max_level_surprise: {surprise})"
        )


def _shares(now: DataProfile, newest: int) -> FloatArray:
    """Units of the sampled series by whole block, the newest perhaps begun. Shape [blocks, N]."""
    first = -(-now.first // BLOCK)
    span = range(first, newest + 1)
    rows = [[blocks.get(block, 0.0) for block in span] for _, blocks in sorted(now.sample.items())]
    return np.array(rows, float).reshape(len(rows), len(span)).T


def _repeated_numbers(now: DataProfile, rules: ContinuityConfig) -> Iterator[str]:
    """Compares how often a series repeats its number with how often it used to."""
    width = newest_width(now)
    share, common = (_repeated_share(now, part) for part in (slice(-width, None), slice(-width)))
    allowed = rules.max_repeated_share
    if allowed is not None and share > max(allowed, _UNUSUAL * common):
        yield (
            f"in the newest {width} periods {share:.0%} of the sales repeat the number of the "
            f"period before, {common:.0%} earlier: the feed may be frozen "
            f"(continuity.max_repeated_share: {allowed})"
        )


def _old_periods_again(now: DataProfile, rules: ContinuityConfig) -> Iterator[str]:
    """Looks for earlier periods with exactly the sums of the newest."""
    width, total = newest_width(now), np.array(now.total)
    newest = total[-width:]
    # Few units, or the same each period, may well come again.
    if rules.max_repeated_share is None or newest.sum() < _LEAST_UNITS or len(set(newest)) < 3:
        return
    windows = np.lib.stride_tricks.sliding_window_view(total[:-width], width)
    same = np.flatnonzero((windows == newest).all(axis=1))
    if len(same):
        back = len(total) - width - int(same[-1])
        yield (
            f"the newest {width} periods have exactly the sums of those {back} periods before "
            "them: old sales were delivered again under new dates "
            f"(continuity.max_repeated_share: {rules.max_repeated_share})"
        )


def _window_levels(now: DataProfile, width: int) -> FloatArray:
    """Mean units per period of windows of a width, the last one the newest."""
    total = np.array(now.total, float)
    return total[len(total) % width :].reshape(-1, width).mean(1)


def _log_ratio(level: float, usual: float) -> float:
    """Size of a change, up or down; infinite to or from nothing, 0 from nothing to nothing."""
    if level == usual:
        return 0.0
    if not (level > 0 and usual > 0):
        return float("inf")
    return abs(float(np.log(level / usual)))


def _repeated_share(profile: DataProfile, part: slice) -> float:
    selling = sum(profile.selling[part])
    return sum(profile.repeated[part]) / selling if selling else 0.0


def _year(profile: DataProfile) -> int:
    return _YEAR.get(profile.frequency, 52)
