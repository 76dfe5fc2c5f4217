"""`data.transactions:` how lines of a till or of invoices become demand per period."""

from __future__ import annotations

import zoneinfo
from collections import Counter
from typing import Literal

from pydantic import Field, field_validator, model_validator

from demandcast.schema.config.base import Section

__all__ = ["CancelledConfig", "ExclusionConfig", "PairsConfig", "TransactionsConfig"]


def _regular_expression(pattern: str | None) -> str | None:
    """Refuses what the engine of polars cannot search for."""
    if pattern is None:
        return None
    import polars as pl  # Applications that only ask for forecasts need neither.

    try:
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.PolarsError as error:
        raise ValueError(
            f"got {pattern!r}; allowed: a regular expression without look-around or "
            f"back-references ({' '.join(str(error).split())})"
        ) from error
    return pattern


class ExclusionConfig(Section):
    """Lines that are no demand for an item: postage, bank charges, samples, tests."""

    name: str = Field(min_length=1, description="What such lines are, for the count of them.")
    column: str = Field(description="Column whose text decides.")
    matches: str | None = Field(
        None, description="Regular expression; lines where it is found are left out."
    )
    unless: str | None = Field(
        None, description="Regular expression; lines where it is not found are left out."
    )

    _check = field_validator("matches", "unless")(_regular_expression)

    @model_validator(mode="after")
    def _one_of_two(self) -> ExclusionConfig:
        if (self.matches is None) == (self.unless is None):
            raise ValueError(f"exclusion {self.name!r}: give one of matches and unless")
        return self


class CancelledConfig(Section):
    """How a line says that it takes back a sale, whatever the sign of its quantity."""

    column: str = Field(description="Column whose text decides, such as the invoice number.")
    matches: str = Field(description="Regular expression, such as ^C.")

    _check = field_validator("matches")(_regular_expression)


class PairsConfig(Section):
    """When a sale and the line that takes it back are both no demand."""

    columns: tuple[str, ...] = Field(
        (),
        description=(
            "Columns that must be equal, such as the customer; a line without a value there is "
            "never paired. Series key and absolute quantity must always be equal."
        ),
    )
    within_days: float = Field(
        1.0,
        ge=0,
        description=(
            "How long after the sale it may be taken back, days of 24 hours. What comes later is "
            "a return: the item was wanted."
        ),
    )


class TransactionsConfig(Section):
    """Makes a row per series and period from lines of sales; each rule counts what it takes."""

    timestamp_format: str | None = Field(
        None,
        description=(
            "Format of timestamps that are text, such as '%d/%m/%Y %H:%M'; "
            "YYYY-MM-DD with or without a time if not given."
        ),
    )
    recorded_time_zone: str | None = Field(
        None,
        description=(
            "Zone of timestamps without one, such as UTC; already those of time_zone if not given."
        ),
    )
    time_zone: str | None = Field(
        None,
        description=(
            "Zone in which a period begins, such as Europe/London. If not given: as recorded, and "
            "UTC for timestamps that carry a zone."
        ),
    )
    missing: Literal["error", "drop"] = Field(
        "error", description="A line without series key, timestamp or target: refuse, leave out."
    )
    exclude: tuple[ExclusionConfig, ...] = Field(
        (), description="Lines to leave out; the first that fits counts."
    )
    positive: tuple[str, ...] = Field(
        (), description="Columns of numbers, such as the price; lines without one above 0 go."
    )
    repeated_lines: Literal["keep", "drop"] = Field(
        "keep",
        description=(
            "Lines equal in all of line_columns: keep them (two of the same were sold), or drop "
            "all but the first (the export holds them twice)."
        ),
    )
    line_columns: tuple[str, ...] = Field(
        (), description="Columns that make a line; all of the table if none."
    )
    cancelled: CancelledConfig | None = Field(
        None, description="Lines that take back a sale; negative quantities always do."
    )
    pairs: PairsConfig | None = Field(
        None, description="Leave out a sale together with the line that takes it back."
    )
    returns: Literal["ignore", "net"] = Field(
        "ignore",
        description=(
            "Other lines that take back a sale: ignore, as demand is what was bought; or net: "
            "subtract them in their own period, down to 0."
        ),
    )
    last_period: Literal["keep", "drop"] = Field(
        "keep", description="Drop the newest period if the export was made in the middle of it."
    )

    @field_validator("time_zone", "recorded_time_zone")
    @classmethod
    def _is_a_zone(cls, value: str | None) -> str | None:
        if value is not None and value not in zoneinfo.available_timezones():
            raise ValueError(f"got {value!r}; allowed: names such as UTC or Europe/London")
        return value

    @model_validator(mode="after")
    def _exclusions_have_names(self) -> TransactionsConfig:
        names = Counter(rule.name for rule in self.exclude)
        twice = [name for name, count in names.items() if count > 1]
        if twice:
            raise ValueError(f"exclude: each rule needs a name of its own; got twice: {twice}")
        return self

    @property
    def rule_columns(self) -> tuple[str, ...]:
        """Columns that the rules read, beside those with a role and `line_columns`."""
        names = [rule.column for rule in self.exclude] + list(self.positive)
        if self.cancelled is not None:
            names.append(self.cancelled.column)
        if self.pairs is not None:
            names += self.pairs.columns
        return tuple(dict.fromkeys(names))

    @property
    def needs_lines(self) -> bool:
        """Whether a rule compares lines with each other, so that none may be added up before."""
        return self.repeated_lines == "drop" or self.pairs is not None
