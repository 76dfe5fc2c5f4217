"""`data:` where the tables are and which column has which role."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from demandcast.schema import series_example
from demandcast.schema.config.base import Section
from demandcast.schema.config.transactions import TransactionsConfig

__all__ = [
    "AvailabilityConfig",
    "CalendarConfig",
    "ColumnsConfig",
    "CovariatesConfig",
    "DataConfig",
    "SNAPSHOT",
    "TableConfig",
    "static_table_name",
]

SNAPSHOT = "{snapshot}"
"""Stands in a path for `data.snapshot`."""


def static_table_name(index: int) -> str:
    """Returns the name of a static table in messages.

    >>> static_table_name(0)
    'static_tables[0]'
    """
    return f"static_tables[{index}]"


class CovariatesConfig(Section):
    """Covariates of one kind, by type."""

    numeric: tuple[str, ...] = Field((), description="Columns of numbers.")
    categorical: tuple[str, ...] = Field(
        (), description="Columns of categories; any type, read as text."
    )

    @property
    def names(self) -> tuple[str, ...]:
        """Numeric names, then categorical ones."""
        return self.numeric + self.categorical


class AvailabilityConfig(Section):
    """The column that tells whether the item could be bought."""

    column: str = Field(description="Name of the column.")
    kind: Literal["in_stock_fraction", "stockout_flag", "stockout_hours", "on_hand"] = Field(
        "in_stock_fraction",
        description=(
            "in_stock_fraction: share of the period in stock, 0 to 1. "
            "stockout_flag: 1 or true where the item ran out. "
            "stockout_hours: hours out of stock, of opening_hours. "
            "on_hand: stock at the end of the period; 0 or less means it ran out."
        ),
    )
    opening_hours: float = Field(
        24.0, gt=0, description="Hours of a period in which it could sell; for stockout_hours."
    )


class ColumnsConfig(Section):
    """Which column of the tables plays which role."""

    series_key: tuple[str, ...] = Field(
        min_length=1, description="Columns that together name a series, such as store and item."
    )
    timestamp: str = Field(
        description=(
            "Start of the period: a date, or text as YYYY-MM-DD. "
            "In transactions: any moment in the period."
        )
    )
    target: str = Field(description="Units sold in the period; in transactions: by the line.")
    static: tuple[str, ...] = Field(
        (), description="Further attributes of a series, constant in time, such as category."
    )
    known_future: CovariatesConfig = Field(
        CovariatesConfig(), description="Covariates known ahead: price plan, promotion, holiday."
    )
    observed_past: CovariatesConfig = Field(
        CovariatesConfig(), description="Covariates seen only until the cutoff: measured weather."
    )
    availability: AvailabilityConfig | None = Field(
        None, description="Column that tells stockouts; none means always in stock."
    )

    @property
    def all_static(self) -> tuple[str, ...]:
        """Key columns, then the further attributes."""
        return self.series_key + self.static

    @model_validator(mode="after")
    def _one_role_per_column(self) -> ColumnsConfig:
        features = self.all_static + self.known_future.names + self.observed_past.names
        roles = (*features, self.timestamp, self.target)
        repeated = [name for name, count in Counter(roles).items() if count > 1]
        if repeated:
            raise ValueError(f"a column may have one role only; these have several: {repeated}")
        reserved = sorted(set(features) & series_example.RESERVED_NAMES)
        if reserved:
            raise ValueError(f"these column names are reserved by demandcast: {reserved}")
        return self


class TableConfig(Section):
    """A separate table, joined by key."""

    path: str = Field(description="File or glob, CSV or Parquet.")
    on: tuple[str, ...] = Field(
        min_length=1, description="Key columns it shares with the sales table."
    )


class CalendarConfig(TableConfig):
    """A table of dates."""

    on: tuple[str, ...] = Field(
        min_length=1,
        description="The timestamp column and, if wanted, columns of a series such as its region.",
    )
    missing_date: Literal["error", "empty"] = Field(
        "error",
        description=(
            "A date without a row: refuse, or empty: it has no event (empty category, missing "
            "number), now and in the future; for a table of the holidays alone."
        ),
    )


class DataConfig(Section):
    """Where the tables are, which column has which role, and what to do with odd rows."""

    sales: str = Field(
        description="File or glob of the sales table, CSV or Parquet, on any filesystem Beam reads."
    )
    snapshot: str = Field(
        "",
        description=(
            "What stands for {snapshot} in the paths of the tables, such as 2026-11-20: a name of "
            "data that never changes again. A scheduled run on Kubeflow gives its own."
        ),
    )
    columns: ColumnsConfig = Field(description="Roles of the columns.")
    static_tables: tuple[TableConfig, ...] = Field(
        (), description="Attributes of items or stores, one row per key."
    )
    calendar: CalendarConfig | None = Field(
        None,
        description="Holidays and events, one row per date (and, if wanted, per region).",
    )
    future: str | None = Field(
        None,
        description=(
            "File or glob with the known_future columns after the last sale: "
            "series key, timestamp, covariates."
        ),
    )
    transactions: TransactionsConfig | None = Field(
        None,
        description=(
            "Given if the sales table has a row per line of a till or an invoice, not one per "
            "series and period; an empty section ({}) takes the defaults."
        ),
    )
    duplicates: Literal["error", "sum", "keep_last"] = Field(
        "error", description="Two rows for one series and period: refuse, add up, keep the last."
    )
    negative_target: Literal["error", "clip", "net"] = Field(
        "error",
        description=(
            "Sales below zero: refuse; clip each row to 0; "
            "net: add up the rows of a period (returns against sales), then clip to 0."
        ),
    )
    missing_period: Literal["unknown", "zero"] = Field(
        "unknown",
        description=(
            "A period without a row: unknown (masked, never invented) or no demand. "
            "zero needs known_future values for those periods too, from future or calendar. "
            "With transactions zero if not given."
        ),
    )
    empty_period: Literal["zero", "unknown", "unknown_unless_weekly"] = Field(
        "zero",
        description=(
            "A period in which no series at all sold anything, for missing_period: zero. "
            "zero: no demand. unknown: closed, or lost from the table. unknown_unless_weekly: "
            "the same, but zero on a weekday on which nothing was ever sold. For tables in which "
            "something sells whenever the shop is open."
        ),
    )

    @model_validator(mode="before")
    @classmethod
    def _no_line_is_no_sale(cls, values: Any) -> Any:
        """Fills in what `missing_period` means by its default where rows are lines of sales."""
        if isinstance(values, Mapping) and values.get("transactions") is not None:
            return {"missing_period": "zero", **values}
        return values

    @property
    def paths(self) -> dict[str, str]:
        """File or glob of each table that is given, by the table's name, as written."""
        paths = {"sales": self.sales}
        for index, table in enumerate(self.static_tables):
            paths[static_table_name(index)] = table.path
        if self.calendar is not None:
            paths["calendar"] = self.calendar.path
        if self.future is not None:
            paths["future"] = self.future
        return paths

    @property
    def has_snapshots(self) -> bool:
        """Whether the sales are those of a snapshot, named in their path."""
        return SNAPSHOT in self.sales

    @field_validator("snapshot")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._=-]*|", value):
            raise ValueError(
                "data.snapshot may hold letters, digits, '.', '_', '=' and '-' only, "
                "such as 2026-11-20"
            )
        return value

    @model_validator(mode="after")
    def _snapshot_has_a_place(self) -> DataConfig:
        used = [name for name, path in self.paths.items() if SNAPSHOT in path]
        if used and not self.snapshot:
            raise ValueError(
                f"data.snapshot: missing; data.{used[0]} has {SNAPSHOT} in its path, "
                "so it must be given, such as 2026-11-20"
            )
        if self.snapshot and not self.has_snapshots:
            raise ValueError(
                f"data.snapshot: got {self.snapshot!r}, but data.sales has no {SNAPSHOT} in its "
                "path; expected there, such as sales/snapshot={snapshot}/*.parquet"
            )
        return self

    @model_validator(mode="after")
    def _calendar_has_dates(self) -> DataConfig:
        timestamp = self.columns.timestamp
        if self.calendar is not None and timestamp not in self.calendar.on:
            raise ValueError(
                f"data.calendar.on: got {list(self.calendar.on)}; it must contain the timestamp "
                f"column; allowed: [{timestamp!r}], or with columns of a series such as its region"
            )
        return self

    @model_validator(mode="after")
    def _net_needs_sums(self) -> DataConfig:
        if self.negative_target == "net" and self.duplicates == "keep_last":
            raise ValueError("negative_target: net adds up rows; use duplicates: sum")
        return self

    @model_validator(mode="after")
    def _lines_have_their_own_rules(self) -> DataConfig:
        if self.transactions is None:
            return self
        columns = self.columns
        odd = {
            "duplicates": self.duplicates != "error",
            "negative_target": self.negative_target != "error",
            "columns.availability": columns.availability is not None,
            "columns.observed_past.categorical": bool(columns.observed_past.categorical),
        }
        used = [f"data.{key}" for key, is_used in odd.items() if is_used]
        if used:
            raise ValueError(
                f"data.transactions: got {used} beside it; these are for a row per series and "
                "period; allowed: data.transactions.repeated_lines and returns, and covariates "
                "of data.calendar or data.future"
            )
        return self

    @model_validator(mode="after")
    def _empty_periods_are_filled(self) -> DataConfig:
        if self.empty_period != "zero" and self.missing_period != "zero":
            raise ValueError(
                f"data.empty_period: got {self.empty_period!r} with missing_period: unknown, "
                "where each period without a row is unknown; allowed: with missing_period: zero"
            )
        return self
