"""Periods in which no series sold anything, and a period that is not over yet."""

from __future__ import annotations

import dataclasses
from typing import Literal

from demandcast.components.examples.report import Report
from demandcast.schema.periods import Frequency

__all__ = ["closed_periods", "without_last_period"]

_DAYS_OF_A_WEEK = 7
_LEAST_WEEKS = 4
"""So often must a weekday have passed without a sale, before it counts as one of rest."""


def closed_periods(
    report: Report,
    rule: Literal["zero", "unknown", "unknown_unless_weekly"],
    *,
    frequency: Frequency,
) -> tuple[int, ...]:
    """Finds the periods that are unknown for all series, because none sold anything.

    Args:
        report: Span of the data, and the periods in which something was sold.
        rule: `DataConfig.empty_period`.
        frequency: Grid of the periods.

    Returns:
        Periods between the oldest and the newest, ascending.

    >>> closed_periods(Report(oldest=0, newest=4, selling=frozenset({0, 2, 4})), "unknown",
    ...                frequency="D")
    (1, 3)
    """
    if rule == "zero" or report.oldest is None or report.newest is None:
        return ()
    empty = [
        period for period in range(report.oldest, report.newest + 1) if period not in report.selling
    ]
    if rule == "unknown" or frequency != "D":
        return tuple(empty)
    weekdays_of_sales = {period % _DAYS_OF_A_WEEK for period in report.selling}
    counts = [0] * _DAYS_OF_A_WEEK
    for period in empty:
        counts[period % _DAYS_OF_A_WEEK] += 1
    of_rest = {
        weekday
        for weekday, count in enumerate(counts)
        if weekday not in weekdays_of_sales and count >= _LEAST_WEEKS
    }
    return tuple(period for period in empty if period % _DAYS_OF_A_WEEK not in of_rest)


def without_last_period(report: Report) -> Report:
    """Takes the newest period for unfinished: the data then end before it."""
    if report.newest is None or report.oldest is None:
        return report
    if report.newest == report.oldest:
        return dataclasses.replace(report, oldest=None, newest=None)
    periods = tuple(row for row in report.counts.periods if row[0] < report.newest)
    counts = dataclasses.replace(report.counts, periods=periods)
    return dataclasses.replace(report, newest=report.newest - 1, counts=counts)
