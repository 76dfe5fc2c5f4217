"""Which column of which table plays which role.

A column with a role is taken from the first table that has it: static tables in
their order, the calendar (covariates only), then the sales table. Joined
tables come first because they were given for exactly this purpose.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Literal

from demandcast.schema.config import (
    AvailabilityConfig,
    ColumnsConfig,
    CovariatesConfig,
    DataConfig,
    TableConfig,
)
from demandcast.schema.config.data import SNAPSHOT, static_table_name
from demandcast.schema.errors import ContractError

__all__ = [
    "CALENDAR",
    "FUTURE",
    "Header",
    "JoinedTable",
    "Roles",
    "RowTable",
    "SALES",
    "resolve_roles",
    "table_paths",
]

SALES = "sales"
FUTURE = "future"
CALENDAR = "calendar"

Header = tuple[str, tuple[str, ...]]
"""Path of a file and the names of its columns."""


def table_paths(data: DataConfig) -> dict[str, str]:
    """Returns file or glob of each table that is given, by the table's name."""
    return {name: path.replace(SNAPSHOT, data.snapshot) for name, path in data.paths.items()}


@dataclasses.dataclass(frozen=True)
class RowTable:
    """A table with rows of series: sales, or future covariates.

    There is one row per series and period, or one per line of a sale (transactions).

    Attributes:
        name: `SALES` or `FUTURE`.
        key: Series key.
        timestamp: Start of the period.
        static: Attributes taken from this table, and columns by which others are joined.
        numeric: Covariates that are numbers.
        categorical: Covariates that are text.
        target: None in the future table.
        availability: None without one.
        line: Columns that make a line of a sale; none if lines are not compared.
        rules: Columns that only the rules of transactions read.
    """

    name: str
    key: tuple[str, ...]
    timestamp: str
    static: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    target: str | None = None
    availability: AvailabilityConfig | None = None
    line: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns to read."""
        available = None if self.availability is None else self.availability.column
        optional = (self.target, available)
        return (
            *self.key,
            self.timestamp,
            *self.static,
            *self.numeric,
            *self.categorical,
            *(name for name in optional if name is not None),
            *self.line,
            *self.rules,
        )


@dataclasses.dataclass(frozen=True)
class JoinedTable:
    """A table joined by key: static attributes, or a calendar.

    Attributes:
        name: Name of the table in messages.
        on: Static columns by which it is joined; a calendar's timestamp not among them.
        timestamp: A calendar's date; None for static attributes.
        static: Attributes taken from it.
        numeric: Covariates that are numbers.
        categorical: Covariates that are text.
        missing_date: What a date without a row means; a calendar only: see `CalendarConfig`.
    """

    name: str
    on: tuple[str, ...]
    timestamp: str | None = None
    static: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    missing_date: Literal["error", "empty"] = "error"

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns to read."""
        date = () if self.timestamp is None else (self.timestamp,)
        return (*self.on, *date, *self.static, *self.numeric, *self.categorical)


@dataclasses.dataclass(frozen=True)
class Roles:
    """Roles of all tables."""

    sales: RowTable
    future: RowTable | None
    static_tables: tuple[JoinedTable, ...]
    calendar: JoinedTable | None


def resolve_roles(data: DataConfig, headers: Mapping[str, Sequence[Header]]) -> Roles:
    """Finds the table of each column.

    Args:
        data: The configuration.
        headers: Headers of all files of each table, by the table's name.

    Raises:
        ContractError: Columns are missing, in all files of a table or in some of them, or a
            table is joined by columns that nothing gives; all are listed.
    """
    resolver = _Resolver(data, headers)
    roles = resolver.resolve()
    problems = resolver.problems + _missing_columns(roles, headers)
    if problems:
        raise ContractError(
            "columns are missing; nothing was read\n" + "\n".join(f"  {line}" for line in problems)
        )
    return roles


class _Resolver:
    """Collects roles and, meanwhile, problems."""

    def __init__(self, data: DataConfig, headers: Mapping[str, Sequence[Header]]) -> None:
        self.problems: list[str] = []
        self._data = data
        self._headers = headers
        self._names = {
            table: {name for _, names in files for name in names}
            for table, files in headers.items()
        }

    def resolve(self) -> Roles:
        columns = self._data.columns
        joined, links = self._static_tables(columns)
        calendar, calendar_links = self._calendar(columns, [*joined])
        taken = {name for table in joined for name in table.static}
        static = [name for name in columns.static if name not in taken]
        links = [name for name in dict.fromkeys(links + calendar_links) if name not in static]
        in_calendar = set() if calendar is None else {*calendar.numeric, *calendar.categorical}
        future = RowTable(
            name=FUTURE,
            key=columns.series_key,
            timestamp=columns.timestamp,
            numeric=_without(columns.known_future.numeric, in_calendar),
            categorical=_without(columns.known_future.categorical, in_calendar),
        )
        known, past = columns.known_future, columns.observed_past
        if self._data.transactions is not None:
            self._refuse_known_lines(future)
            known = CovariatesConfig()
        sales = RowTable(
            name=SALES,
            key=columns.series_key,
            timestamp=columns.timestamp,
            static=(*static, *links),
            numeric=_without(known.numeric + past.numeric, in_calendar),
            categorical=_without(known.categorical + past.categorical, in_calendar),
            target=columns.target,
            availability=columns.availability,
            line=self._line(),
            rules=() if self._data.transactions is None else self._data.transactions.rule_columns,
        )
        return Roles(sales, future if self._data.future else None, joined, calendar)

    def _line(self) -> tuple[str, ...]:
        """Returns the columns that tell whether two lines of a sale are the same."""
        rules = self._data.transactions
        if rules is None or rules.repeated_lines == "keep":
            return ()
        files = self._headers[SALES]
        return rules.line_columns or (files[0][1] if files else ())

    def _refuse_known_lines(self, future: RowTable) -> None:
        """Reports covariates known ahead that only lines of sales could give."""
        names = future.numeric + future.categorical
        if names and self._data.future is None:
            self.problems.append(
                f"sales: lines of sales cannot tell {list(names)} ahead (columns.known_future); "
                "expected in data.calendar, in data.future with past periods too, or as "
                "columns.observed_past"
            )

    def _static_tables(self, columns: ColumnsConfig) -> tuple[tuple[JoinedTable, ...], list[str]]:
        """Returns the static tables, and columns of the sales table by which they are joined."""
        joined: list[JoinedTable] = []
        links: list[str] = []
        taken: set[str] = set()
        for index, table in enumerate(self._data.static_tables):
            name = static_table_name(index)
            links += self._links(name, table.on, given={*columns.series_key, *taken})
            wanted = [
                column
                for column in (*columns.static, *self._later_keys(index))
                if column in self._names[name] and column not in {*taken, *links, *table.on}
            ]
            wanted = [column for column in dict.fromkeys(wanted) if column != columns.timestamp]
            taken.update(wanted)
            joined.append(JoinedTable(name, table.on, static=tuple(wanted)))
        return tuple(joined), links

    def _later_keys(self, index: int) -> list[str]:
        """Lists key columns of the tables that are joined after a static table."""
        later: list[TableConfig] = list(self._data.static_tables[index + 1 :])
        if self._data.calendar is not None:
            later.append(self._data.calendar)
        key = self._data.columns.series_key
        return [column for table in later for column in table.on if column not in key]

    def _calendar(
        self, columns: ColumnsConfig, joined: Sequence[JoinedTable]
    ) -> tuple[JoinedTable | None, list[str]]:
        table = self._data.calendar
        if table is None:
            return None, []
        on = tuple(name for name in table.on if name != columns.timestamp)
        given = {*columns.series_key, *(name for other in joined for name in other.static)}
        has = self._names[CALENDAR] - {*table.on}
        known, past = columns.known_future, columns.observed_past
        calendar = JoinedTable(
            CALENDAR,
            on,
            timestamp=columns.timestamp,
            numeric=tuple(name for name in known.numeric + past.numeric if name in has),
            categorical=tuple(name for name in known.categorical + past.categorical if name in has),
            missing_date=table.missing_date,
        )
        return calendar, self._links(CALENDAR, on, given=given)

    def _links(self, name: str, on: Sequence[str], *, given: set[str]) -> list[str]:
        """Returns the join keys that the sales table must give."""
        links = [column for column in on if column not in given]
        absent = [column for column in links if column not in self._names[SALES]]
        if absent:
            self.problems.append(
                f"{name}: joined on {absent}, which neither the sales table nor a static table "
                f"before it has; sales has {sorted(self._names[SALES])}"
            )
        return [column for column in links if column not in absent]


def _without(names: Sequence[str], taken: set[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name not in taken)


def _missing_columns(roles: Roles, headers: Mapping[str, Sequence[Header]]) -> list[str]:
    """Words each column that a table should have and some of its files have not."""
    tables: list[RowTable | JoinedTable] = [roles.sales, *roles.static_tables]
    tables += [table for table in (roles.calendar, roles.future) if table is not None]
    lines = []
    for table in tables:
        files = headers[table.name]
        for column in dict.fromkeys(table.columns):
            without = [(path, names) for path, names in files if column not in names]
            if without:
                path, names = without[0]
                lines.append(
                    f"{table.name}: column {column!r} is missing in {len(without)} of "
                    f"{len(files)} files; first: {path}, which has {sorted(names)}"
                )
    return lines
