"""Tables of several libraries behind one face: pandas, pyarrow, polars, mappings of plain arrays.

None of the libraries is imported here: a table that was given has already brought its own. Text
comes as codes, so that what is done per value is done once per distinct value, and not per row.
"""

from __future__ import annotations

import abc
import datetime
import itertools
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from demandcast.schema.errors import ContractError

__all__ = ["AnyTable", "Table", "Texts", "open_table"]

Array = NDArray[Any]
Table = Any
"""A `pandas.DataFrame`, `pyarrow.Table`, `polars.DataFrame`, or a mapping of arrays."""

_MICROSECONDS_PER_DAY = 86_400_000_000
_SHOWN = 3
# From year 1 to 9999, as dates of Python.
_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896


@dataclass(frozen=True)
class Texts:
    """A column of text.

    Attributes:
        codes: Place in `values` for each row; -1 where nothing stands. Shape [R].
        values: Distinct values.
    """

    codes: NDArray[np.int64]
    values: tuple[str, ...]


class AnyTable(abc.ABC):
    """A table of some library."""

    def __init__(self, name: str, table: Table) -> None:
        """Opens it.

        Args:
            name: For messages.
            table: Of the library.
        """
        self.name = name
        self._table = table

    @property
    @abc.abstractmethod
    def columns(self) -> list[str]:
        """Names of the columns."""

    @property
    @abc.abstractmethod
    def height(self) -> int:
        """Number of rows."""

    def texts(self, column: str) -> Texts:
        """A column of text; whole numbers, truth values and dates are written out.

        Raises:
            ContractError: It holds something else.
        """
        codes, values = self._codes(column)
        written = []
        for value in values:
            text = _written(value)
            if text is None:
                raise self.error(
                    column, f"holds {value!r}; it must be text, whole numbers or true and false"
                )
            written.append(text)
        return Texts(codes, tuple(written))

    def numbers(self, column: str) -> NDArray[np.float64]:
        """A column of numbers; NaN where nothing stands. Shape [R].

        Raises:
            ContractError: It holds something else.
        """
        values = self._numbers(column)
        if values is None:
            raise self.error(column, f"must hold numbers; its type is {self._type(column)}")
        return values

    def days(self, column: str) -> NDArray[np.int64]:
        """A column of dates, as days since 1970-01-01. Shape [R].

        Raises:
            ContractError: It holds something else, nothing in some rows, or a time of day.
        """
        try:
            moments = self._moments(column)
        except (ValueError, TypeError, OverflowError) as error:
            raise self.error(column, f"must hold dates: {error}") from error
        if moments is None:
            raise self.error(
                column,
                f"must hold dates without a time zone, or text as YYYY-MM-DD; its type is "
                f"{self._type(column)}",
            )
        self.check(column, np.isnat(moments), "holds no date")
        moments = moments.astype("datetime64[us]").astype(np.int64)
        days, rest = np.divmod(moments, _MICROSECONDS_PER_DAY)
        self.check(column, rest != 0, "holds a time of day; periods begin at midnight")
        self.check(
            column,
            (days < _FIRST_DAY) | (days > _LAST_DAY),
            "holds a date outside of year 1 to 9999",
        )
        return days

    def check(self, column: str, broken: NDArray[np.bool_], what: str) -> None:
        """Refuses a column in which some rows are wrong.

        Raises:
            ContractError: Some are; with their number and the first of them.
        """
        rows = np.flatnonzero(broken)
        if len(rows):
            first = ", ".join(str(row) for row in rows[:_SHOWN])
            raise self.error(column, f"{what}: {len(rows)} rows, first: {first}")

    def error(self, column: str, what: str) -> ContractError:
        """An error about a column."""
        return ContractError(f"{self.name}: column {column!r} {what}")

    @abc.abstractmethod
    def _codes(self, column: str) -> tuple[NDArray[np.int64], Iterable[Any]]:
        """Codes of the rows, -1 where nothing stands, and the values that they stand for."""

    @abc.abstractmethod
    def _numbers(self, column: str) -> NDArray[np.float64] | None:
        """Numbers; None for a column of another type."""

    @abc.abstractmethod
    def _moments(self, column: str) -> Array | None:
        """Moments of NumPy's type; None for a column of another type."""

    @abc.abstractmethod
    def _type(self, column: str) -> str:
        """Type of a column, for messages."""

    @abc.abstractmethod
    def like(self, columns: Mapping[str, Array]) -> Table:
        """A table of this kind: text as objects, days as `datetime64[D]`, numbers."""


def open_table(name: str, table: Table) -> AnyTable:
    """Opens a table of any kind.

    Args:
        name: For messages.
        table: What the application has.

    Raises:
        ContractError: It is of no kind that is known here.
    """
    library = type(table).__module__.partition(".")[0]
    kinds: dict[str, tuple[str, type[AnyTable]]] = {
        "pandas": ("DataFrame", _Pandas),
        "pyarrow": ("Table", _Arrow),
        "polars": ("DataFrame", _Polars),
    }
    wanted, kind = kinds.get(library, ("", _Arrays))
    if wanted and type(table).__name__ == wanted:
        return kind(name, table)
    if isinstance(table, Mapping):
        return _Arrays(name, table)
    raise ContractError(
        f"{name}: a {type(table).__module__}.{type(table).__name__} is no table; a pandas or "
        "polars DataFrame, a pyarrow Table, or a mapping of arrays is"
    )


def _written(value: Any) -> str | None:
    """A value as ingestion writes it; None for one that is no text."""
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | datetime.date):
        return str(value)
    return None


def _is_missing(value: Any) -> bool:
    return value is None or value != value  # noqa: PLR0124 - NaN and NaT


def _codes_of_objects(values: Iterable[Any], rows: int) -> tuple[NDArray[np.int64], list[Any]]:
    """Numbers distinct objects in the order in which they appear."""
    objects = list(values)
    distinct = [value for value in dict.fromkeys(objects) if not _is_missing(value)]
    numbers = {value: number for number, value in enumerate(distinct)}
    codes = np.fromiter(map(numbers.get, objects, itertools.repeat(-1)), np.int64, rows)
    return codes, distinct


def _moments_of(values: Array) -> Array | None:
    """Dates, moments or text of dates as NumPy's type; None for numbers."""
    if not values.size:
        return np.empty(0, "datetime64[us]")
    if values.dtype.kind == "M":
        return values
    if values.dtype.kind == "S":
        values = values.astype(str)
    if values.dtype.kind == "O" and any(
        getattr(value, "tzinfo", None) is not None for value in dict.fromkeys(values.tolist())
    ):
        return None
    return values.astype("datetime64[us]") if values.dtype.kind in "UO" else None


class _Arrays(AnyTable):
    """A mapping of plain arrays or lists."""

    def __init__(self, name: str, table: Mapping[str, ArrayLike]) -> None:
        arrays = {column: np.asarray(values) for column, values in table.items()}
        shapes = {column: array.shape for column, array in arrays.items()}
        if any(len(shape) != 1 for shape in shapes.values()) or len(set(shapes.values())) > 1:
            raise ContractError(
                f"{name}: every column must be one list of values, all of one length; shapes are "
                f"{shapes}"
            )
        super().__init__(name, arrays)

    @property
    def columns(self) -> list[str]:
        return list(self._table)

    @property
    def height(self) -> int:
        return next((len(array) for array in self._table.values()), 0)

    def _codes(self, column: str) -> tuple[NDArray[np.int64], Iterable[Any]]:
        values = self._table[column]
        return _codes_of_objects(values.tolist(), len(values))

    def _numbers(self, column: str) -> NDArray[np.float64] | None:
        values = self._table[column]
        if values.dtype.kind in "fiub":
            return np.asarray(values, np.float64)
        if values.dtype.kind != "O":
            return None
        codes, distinct = _codes_of_objects(values.tolist(), len(values))
        if any(isinstance(value, str | bytes) for value in distinct):
            return None
        try:
            return np.array([*distinct, np.nan], np.float64)[codes]
        except (TypeError, ValueError):
            return None

    def _moments(self, column: str) -> Array | None:
        return _moments_of(self._table[column])

    def _type(self, column: str) -> str:
        return str(self._table[column].dtype)

    def like(self, columns: Mapping[str, Array]) -> Table:
        return dict(columns)


class _Pandas(AnyTable):
    """A `pandas.DataFrame`; its index is not looked at."""

    @property
    def columns(self) -> list[str]:
        return [str(column) for column in self._table.columns]

    @property
    def height(self) -> int:
        return len(self._table)

    def _codes(self, column: str) -> tuple[NDArray[np.int64], Iterable[Any]]:
        codes, values = _library("pandas").factorize(self._table[column])
        return np.asarray(codes, np.int64), list(values)

    def _numbers(self, column: str) -> NDArray[np.float64] | None:
        types, series = _library("pandas").api.types, self._table[column]
        if not (types.is_numeric_dtype(series) or types.is_bool_dtype(series)):
            kind = types.infer_dtype(series, skipna=True)
            numeric = ("integer", "floating", "mixed-integer-float", "boolean", "decimal", "empty")
            if series.dtype != object or kind not in numeric:
                return None
        return np.asarray(series.to_numpy(np.float64, na_value=np.nan))

    def _moments(self, column: str) -> Array | None:
        series = self._table[column]
        if getattr(series.dtype, "tz", None) is not None:
            return None
        return _moments_of(series.to_numpy())

    def _type(self, column: str) -> str:
        return str(self._table[column].dtype)

    def like(self, columns: Mapping[str, Array]) -> Table:
        made = {
            name: array.astype("datetime64[ns]") if array.dtype.kind == "M" else array
            for name, array in columns.items()
        }
        return _library("pandas").DataFrame(made)


class _Arrow(AnyTable):
    """A `pyarrow.Table`."""

    @property
    def columns(self) -> list[str]:
        return list(self._table.column_names)

    @property
    def height(self) -> int:
        return int(self._table.num_rows)

    def _column(self, column: str) -> Any:
        values = self._table.column(column)
        if _library("pyarrow").types.is_dictionary(values.type):
            return values.cast(values.type.value_type)
        return values

    def _codes(self, column: str) -> tuple[NDArray[np.int64], Iterable[Any]]:
        arrow, values = _library("pyarrow"), self._column(column)
        if arrow.types.is_null(values.type):
            return np.full(len(values), -1, np.int64), []
        chunks = values.dictionary_encode().unify_dictionaries().chunks
        if not chunks:
            return np.zeros(0, np.int64), []
        codes = [chunk.indices.cast(arrow.int64()).fill_null(-1).to_numpy() for chunk in chunks]
        return np.concatenate(codes), chunks[0].dictionary.to_pylist()

    def _numbers(self, column: str) -> NDArray[np.float64] | None:
        arrow, values = _library("pyarrow"), self._column(column)
        types = arrow.types
        if types.is_boolean(values.type):
            values = values.cast(arrow.int8())
        known = (types.is_integer, types.is_floating, types.is_decimal, types.is_null)
        if not any(is_kind(values.type) for is_kind in known):
            return None
        return np.asarray(values.cast(arrow.float64(), safe=False).to_numpy(), np.float64)

    def _moments(self, column: str) -> Array | None:
        arrow, values = _library("pyarrow"), self._column(column)
        types = arrow.types
        if types.is_date(values.type) or (
            types.is_timestamp(values.type) and values.type.tz is None
        ):
            return np.asarray(values.cast(arrow.timestamp("us"), safe=False).to_numpy())
        is_text = types.is_string(values.type) or types.is_large_string(values.type)
        return _moments_of(values.to_numpy()) if is_text else None

    def _type(self, column: str) -> str:
        return str(self._column(column).type)

    def like(self, columns: Mapping[str, Array]) -> Table:
        arrow = _library("pyarrow")
        return arrow.table({name: arrow.array(array) for name, array in columns.items()})


class _Polars(AnyTable):
    """A `polars.DataFrame`."""

    @property
    def columns(self) -> list[str]:
        return list(self._table.columns)

    @property
    def height(self) -> int:
        return int(self._table.height)

    def _codes(self, column: str) -> tuple[NDArray[np.int64], Iterable[Any]]:
        polars, values = _library("polars"), self._table[column]
        if values.dtype in (polars.Categorical, polars.Enum):
            values = values.cast(polars.String)
        distinct = values.drop_nulls().unique(maintain_order=True)
        numbers = polars.Series(range(len(distinct)), dtype=polars.Int64)
        codes = values.replace_strict(
            distinct, numbers, default=None, return_dtype=polars.Int64
        ).fill_null(-1)
        return codes.to_numpy(), distinct.to_list()

    def _numbers(self, column: str) -> NDArray[np.float64] | None:
        polars, values = _library("polars"), self._table[column]
        if not (values.dtype.is_numeric() or values.dtype in (polars.Boolean, polars.Null)):
            return None
        return np.asarray(values.cast(polars.Float64).fill_null(np.nan).to_numpy())

    def _moments(self, column: str) -> Array | None:
        polars, values = _library("polars"), self._table[column]
        if values.dtype == polars.String:
            return _moments_of(values.to_numpy())
        plain = values.dtype == polars.Datetime and values.dtype.time_zone is None
        if not (plain or values.dtype == polars.Date):
            return None
        return np.asarray(values.cast(polars.Datetime("us")).to_numpy())

    def _type(self, column: str) -> str:
        return str(self._table[column].dtype)

    def like(self, columns: Mapping[str, Array]) -> Table:
        polars = _library("polars")
        made: Sequence[Any] = [
            polars.Series(
                name, array, dtype=polars.String if array.dtype.kind == "O" else None, strict=True
            )
            for name, array in columns.items()
        ]
        return polars.DataFrame(made)


def _library(name: str) -> Any:
    """The library of a table that was given, which its maker has imported."""
    return sys.modules[name]
