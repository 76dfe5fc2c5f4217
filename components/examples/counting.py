"""Says what happened to the lines of sales, to empty periods and to small series."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from demandcast.components.examples.closures import closed_periods
from demandcast.components.examples.report import LineCount, Report
from demandcast.schema.config import DataConfig
from demandcast.schema.errors import ContractError
from demandcast.schema.periods import Frequency, date_of, days_of

__all__ = ["closed_dates", "counts_to_json", "data_lines", "no_line_left"]

_LISTED_DATES = 30


def data_lines(report: Report, data: DataConfig, frequency: Frequency) -> list[str]:
    """Says in words what each rule of transactions took, and which periods are unknown."""
    lines = [_words(count) for count in report.lines]
    dates = closed_dates(report, data, frequency)
    if dates:
        more = f" and {len(dates) - _LISTED_DATES} more" if len(dates) > _LISTED_DATES else ""
        lines.append(
            f"{len(dates):,} periods without any sale are unknown "
            f"(data.empty_period: {data.empty_period}): {', '.join(dates[:_LISTED_DATES])}{more}"
        )
    return lines


def closed_dates(report: Report, data: DataConfig, frequency: Frequency) -> list[str]:
    """Lists the start of each period that is unknown because no series sold anything."""
    periods = closed_periods(report, data.empty_period, frequency=frequency)
    return [date_of(day).isoformat() for day in days_of(np.array(periods, np.int64), frequency)]


def counts_to_json(counts: Sequence[LineCount]) -> str:
    """Writes counts as they stand in the artifact: a list of rule, lines and units."""
    return json.dumps(
        [{"rule": item.rule, "lines": item.lines, "units": item.units} for item in counts]
    )


def no_line_left(report: Report) -> ContractError:
    """Words the error of transactions of which the rules leave nothing."""
    words = "; ".join(_words(count) for count in report.lines)
    return ContractError(
        f"sales: the rules of data.transactions leave no sale ({words}); "
        "expected at least one, in a period that last_period: drop does not drop"
    )


def _words(count: LineCount) -> str:
    return f"{count.rule}: {count.lines:,} lines, {count.units:,.10g} units"
