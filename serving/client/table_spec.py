"""`TableSpec`: what the tables of an application mean, as far as the model cannot say it itself.

The signature of a model names its inputs. Which columns name a series, what a period is and
which levels its quantiles have stands in `assets.extra/series.json` beside the model, which no
call brings: `TableSpec.from_series_json` reads it where the file is at hand.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal, cast

from demandcast.schema.errors import ConfigurationError
from demandcast.schema.periods import FREQUENCIES, Frequency

__all__ = ["RequestLimits", "TableSpec"]


@dataclass(frozen=True)
class TableSpec:
    """Columns of the tables, and their grid.

    Attributes:
        series_key: Columns that together name a series.
        quantile_levels: Of the model, strictly increasing in (0, 1).
        frequency: ``D``, or ``W-MON`` to ``W-SUN``: weeks that begin on that weekday.
        timestamp: Column with the start of the period.
        target: Column with the units sold.
        observed: Column with 1 where the period was recorded; where there is none, a row with a
            target was.
        in_stock_fraction: Column with the share of the period in stock, 0 to 1; all of it where
            there is none.
        known_future: Covariates that the future table has to bring; those that it does bring
            where not given.
        missing_period: What a period without a row means, between the first row of a series and
            the cutoff: not recorded, or nothing sold. As `data.missing_period` was in training.
        history_periods: Newest periods that are sent; all where not given.
    """

    series_key: tuple[str, ...]
    quantile_levels: tuple[float, ...]
    frequency: Frequency = "D"
    timestamp: str = "timestamp"
    target: str = "target"
    observed: str | None = None
    in_stock_fraction: str | None = None
    known_future: tuple[str, ...] | None = None
    missing_period: Literal["unknown", "zero"] = "unknown"
    history_periods: int | None = None

    def __post_init__(self) -> None:
        complaints = [*self._column_complaints(), *self._value_complaints()]
        if complaints:
            raise ConfigurationError("; ".join(complaints))

    @classmethod
    def from_series_json(cls, text: str, **columns: Any) -> TableSpec:
        """Takes what a model says of itself in ``assets.extra/series.json``.

        Args:
            text: Content of that file.
            columns: Further fields: names of the application's own columns.

        Raises:
            ConfigurationError: It is another file.
        """
        try:
            document = json.loads(text)
            forecast, known = document["forecast"], document["known_future"]
            return cls(
                series_key=tuple(document["series_key"]),
                quantile_levels=tuple(forecast["quantile_levels"]),
                frequency=forecast["frequency"],
                known_future=(*known["numeric"], *known["categorical"]),
                **columns,
            )
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(f"this is no series.json of a model: {error!r}") from error

    def _column_complaints(self) -> list[str]:
        complaints = [] if self.series_key else ["series_key names no column"]
        if isinstance(cast(object, self.series_key), str):
            complaints.append(f"series_key is {self.series_key!r}; it is a tuple of names")
        optional = (self.observed, self.in_stock_fraction)
        names = (*self.series_key, self.timestamp, self.target, *filter(None, optional))
        twice = sorted(name for name, count in Counter(names).items() if count > 1)
        if twice:
            complaints.append(f"a column has one role only; these have several: {twice}")
        return complaints

    def _value_complaints(self) -> list[str]:
        complaints, levels = [], self.quantile_levels
        if self.frequency not in FREQUENCIES:
            complaints.append(f"frequency is {self.frequency!r}; it is one of {list(FREQUENCIES)}")
        rising = all(low < high for low, high in itertools.pairwise(levels))
        if not (levels and rising and levels[0] > 0 and levels[-1] < 1):
            complaints.append(
                f"quantile_levels are {list(levels)}; they increase strictly between 0 and 1"
            )
        if self.missing_period not in ("unknown", "zero"):
            complaints.append(
                f"missing_period is {self.missing_period!r}; it is 'unknown' or 'zero'"
            )
        if self.history_periods is not None and self.history_periods < 1:
            complaints.append(f"history_periods is {self.history_periods}; it must be 1 or more")
        return complaints


@dataclass(frozen=True)
class RequestLimits:
    """In which portions a table is sent.

    Attributes:
        series: Of one request.
        concurrent: Requests at the same time; an asynchronous client only, the other one sends
            them one after another.
    """

    series: int = 64
    concurrent: int = 4

    def __post_init__(self) -> None:
        if self.series < 1 or self.concurrent < 1:
            raise ConfigurationError(
                f"{self.series} series in {self.concurrent} requests at once; both must be 1 or "
                "more"
            )
