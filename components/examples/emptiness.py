"""Says in words what each split holds, and why one holds nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from demandcast.components.examples.ingestion import Ingestion
from demandcast.components.examples.report import Report
from demandcast.schema.config import SamplingConfig
from demandcast.schema.errors import ContractError
from demandcast.schema.periods import Frequency, date_of, days_of

__all__ = ["dates_of", "refuse_empty_splits", "split_lines"]

_LISTED_CUTOFFS = 3


def dates_of(periods: Sequence[int], frequency: Frequency) -> list[str]:
    """Returns the dates on which periods start, as text."""
    return [date_of(day).isoformat() for day in days_of(np.array(periods), frequency)]


def split_lines(ingestion: Ingestion, report: Report) -> list[str]:
    """Says in words what each split holds."""
    counts, left_out = dict(report.examples), dict(report.left_out)
    plans = ingestion.plans(report.newest) if report.newest is not None else ()
    return [
        f"{plan.name}: {_counted(counts.get(plan.name, 0), 'example')}, "
        f"{_cutoffs(dates_of(plan.cutoffs, ingestion.forecast.frequency))}"
        f"{_too_little(left_out.get(plan.name, 0))}"
        for plan in plans
    ]


def refuse_empty_splits(ingestion: Ingestion, report: Report, splits: Sequence[str]) -> None:
    """Checks that each split has an example.

    Raises:
        ContractError: One has none; the message says why and what to change.
    """
    counts = dict(report.examples)
    empty = [split for split in splits if not counts.get(split)]
    if not empty or report.oldest is None or report.newest is None:
        return
    if ingestion.latest:
        raise ContractError(_wrong_cutoff(ingestion, report.oldest, report.newest))
    if ingestion.sampling.validation.kind == "held_out_series" and empty in (
        ["train"],
        ["validation"],
    ):
        raise ContractError(_too_few_series(ingestion, report, empty[0]))
    newest = ingestion.last_period(report.newest)
    first, last = dates_of((report.oldest, newest), ingestion.forecast.frequency)
    if newest < report.oldest:
        raise ContractError(
            f"sampling.end: {ingestion.sampling.end} lies before the first sale; expected {first} "
            "or later"
        )
    periods = _counted(newest - report.oldest + 1, "period")
    if newest < report.newest:
        periods += " until sampling.end"
    needed = _needed(ingestion.sampling)
    raise ContractError(
        f"no example for {', '.join(empty)}: the sales table has {periods}, from {first} to "
        f"{last}, and a split needs a series with {needed} up to its cutoff "
        f"({'; '.join(split_lines(ingestion, report))}); expected a longer history, or a smaller "
        "forecast.horizon, sampling.eval_cutoffs, sampling.min_history, min_demand or "
        "min_demand_periods"
    )


def _needed(sampling: SamplingConfig) -> str:
    """Says what a series must show up to a cutoff."""
    parts = [_counted(sampling.min_history, "recorded period")]
    if sampling.min_demand > 0:
        parts.append(f"a demand of {sampling.min_demand:g}")
    if sampling.min_demand_periods > 0:
        parts.append(f"demand in {_counted(sampling.min_demand_periods, 'period')}")
    return " and ".join(parts)


def _wrong_cutoff(ingestion: Ingestion, oldest: int, newest: int) -> str:
    first, last = dates_of((oldest, newest), ingestion.forecast.frequency)
    plans = ingestion.plans(newest)
    if plans and plans[0].cutoffs[0] >= oldest:
        return (
            "no series goes on at the cutoff: none has a record of late, or a plan; expected rows "
            "of the future table (data.future), or another cutoff; nothing was written"
        )
    if not plans:
        return (
            f"the cutoff lies after the newest sale; expected {last} or earlier; nothing was "
            "written"
        )
    return (
        f"the cutoff lies before the first sale; expected {first} or later, up to {last}; "
        "nothing was written"
    )


def _too_few_series(ingestion: Ingestion, report: Report, empty: str) -> str:
    fraction = ingestion.sampling.validation.fraction
    size = "larger" if empty == "validation" else "smaller"
    return (
        f"no example for {empty}: sampling.validation.kind held_out_series with a fraction of "
        f"{fraction:g} left it none of {report.series:,} series "
        f"({'; '.join(split_lines(ingestion, report))}); expected a {size} "
        "sampling.validation.fraction, or sampling.validation.kind: later_cutoffs"
    )


def _too_little(count: int) -> str:
    if not count:
        return ""
    return f"; {count:,} left out: history too short, or too little demand in it"


def _cutoffs(dates: Sequence[str]) -> str:
    if len(dates) <= _LISTED_CUTOFFS:
        return f"cutoff {' and '.join(dates)}"
    return f"{len(dates)} cutoffs from {dates[0]} back to {dates[-1]}"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
