"""Turns stored columns into dates, numbers and categories, and says what could not be.

Text and typed columns go through the same functions, so that a CSV and a
Parquet file of the same table give the same examples.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import polars as pl

__all__ = [
    "ParsedDays",
    "ParsedNumbers",
    "is_text_like",
    "parse_days",
    "parse_numbers",
    "parse_text",
]

BoolArray = npt.NDArray[np.bool_]

NULL_WORDS = ("", "na", "n/a", "nan", "null", "none")
"""Text that means a missing number or date, in any case of letters."""

_TIME = r"^[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+]00:?00)?$"
_MIDNIGHT = r"^[T ]00:00(:00(\.0+)?)?(Z|[+]00:?00)?$"
_MILLISECONDS_PER_DAY = 86_400_000


@dataclasses.dataclass(frozen=True)
class ParsedDays:
    """Dates of a column.

    Attributes:
        days: Days since 1970-01-01, int64; 0 where there is none. Shape [rows].
        missing: Nothing was given.
        failed: Something was given that is no date.
        inside_day: A date with a time of day other than midnight UTC.
    """

    days: npt.NDArray[np.int64]
    missing: BoolArray
    failed: BoolArray
    inside_day: BoolArray


@dataclasses.dataclass(frozen=True)
class ParsedNumbers:
    """Numbers of a column.

    Attributes:
        values: Float64, null where missing, failed or infinite. Shape [rows].
        failed: Something was given that is no number; None if all are numbers.
        infinite: Infinite, or too large for float32; None if all are finite.
    """

    values: pl.Series
    failed: pl.Series | None
    infinite: pl.Series | None


def parse_days(column: pl.Series) -> ParsedDays:
    """Reads dates: a date, a timestamp, or text as YYYY-MM-DD with or without a time.

    >>> parse_days(pl.Series(["1970-01-03", "3 January", None])).failed
    array([False,  True, False])
    """
    given = column.is_not_null()
    inside = pl.repeat(False, len(column), eager=True)
    if isinstance(column.dtype, pl.Categorical | pl.Enum):
        column = column.cast(pl.String)
    if column.dtype == pl.String:
        given &= ~column.str.strip_chars().str.to_lowercase().is_in(NULL_WORDS).fill_null(True)
        dates, inside = _dates_of_text(column)
    elif isinstance(column.dtype, pl.Datetime):
        if column.dtype.time_zone is not None:
            column = column.dt.convert_time_zone("UTC")
        since_midnight = column.dt.timestamp("ms") % _MILLISECONDS_PER_DAY
        dates, inside = column.dt.date(), (since_midnight != 0).fill_null(False)
    elif column.dtype == pl.Date:
        dates = column
    else:
        dates = pl.Series(column.name, [None], pl.Date).new_from_index(0, len(column))
    return ParsedDays(
        days=dates.cast(pl.Int32).fill_null(0).cast(pl.Int64).to_numpy(),
        missing=(~given).to_numpy(),
        failed=(given & dates.is_null()).to_numpy(),
        inside_day=inside.to_numpy(),
    )


def _dates_of_text(column: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Returns the dates, and which of them carry a time of day other than midnight."""
    text = column.str.strip_chars()
    dates = text.str.to_date("%Y-%m-%d", strict=False, exact=True)
    if dates.null_count() == column.null_count():
        return dates, pl.repeat(False, len(column), eager=True)
    rest = text.str.slice(10)
    timed = rest.str.contains(_TIME).fill_null(False)
    heads = text.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False, exact=True)
    dates = dates.zip_with(~timed, heads)
    return dates, timed & dates.is_not_null() & ~rest.str.contains(_MIDNIGHT).fill_null(False)


def parse_numbers(column: pl.Series) -> ParsedNumbers:
    """Reads numbers; true and false are 1 and 0, NaN is missing.

    >>> parse_numbers(pl.Series(["1.5", "NA", "true", "x"])).values.to_list()
    [1.5, None, 1.0, None]
    """
    if isinstance(column.dtype, pl.Categorical | pl.Enum):
        column = column.cast(pl.String)
    if column.dtype == pl.String:
        return _numbers_of_text(column)
    if column.dtype in (pl.Boolean, pl.Null) or column.dtype.is_integer():
        return ParsedNumbers(column.cast(pl.Float64), None, None)
    if column.dtype.is_numeric():
        return _finite(column.cast(pl.Float64).fill_nan(None), None)
    nothing = pl.Series(column.name, [None], pl.Float64).new_from_index(0, len(column))
    return ParsedNumbers(nothing, column.is_not_null(), None)


def _numbers_of_text(column: pl.Series) -> ParsedNumbers:
    numbers = column.cast(pl.Float64, strict=False)
    if numbers.null_count() == column.null_count():
        return _finite(numbers.fill_nan(None), None)
    words = column.str.strip_chars().str.to_lowercase()
    words = words.replace({"true": "1", "false": "0"})
    given = words.is_not_null() & ~words.is_in(NULL_WORDS).fill_null(True)
    numbers = words.cast(pl.Float64, strict=False)
    return _finite(numbers.fill_nan(None), given & numbers.is_null())


def _finite(numbers: pl.Series, failed: pl.Series | None) -> ParsedNumbers:
    infinite = numbers.cast(pl.Float32).is_infinite().fill_null(False)
    if not infinite.any():
        return ParsedNumbers(numbers, failed, None)
    return ParsedNumbers(numbers.set(infinite, None), failed, infinite)


def parse_text(column: pl.Series) -> pl.Series:
    """Reads categories as text: 5 and 5.0 are "5", true is "true", empty is missing.

    >>> parse_text(pl.Series([5.0, 5.5, None])).to_list()
    ['5', '5.5', None]
    """
    if column.dtype == pl.String:
        return column.set(column == "", None) if (column == "").any() else column
    if column.dtype.is_float():
        whole = (column == column.floor()) & (column.abs() < 2**53)
        as_integer = column.set(~whole, None).cast(pl.Int64).cast(pl.String)
        text = column.fill_nan(None).cast(pl.String)
        return as_integer.fill_null(text)
    if not is_text_like(column.dtype):
        return pl.Series(column.name, [None], pl.String).new_from_index(0, len(column))
    if column.dtype == pl.Binary:
        return parse_text(_text_of_bytes(column))
    return parse_text(column.cast(pl.String, strict=False))


def is_text_like(dtype: pl.DataType) -> bool:
    """Tells whether values of a type can be read as categories.

    >>> is_text_like(pl.Date()), is_text_like(pl.Duration())
    (True, False)
    """
    return not dtype.is_nested() and dtype not in (pl.Duration, pl.Time, pl.Object)


def _text_of_bytes(column: pl.Series) -> pl.Series:
    """Decodes UTF-8; what is none becomes missing."""
    try:
        return column.cast(pl.String)
    except pl.exceptions.PolarsError:  # A cast cannot skip the bad values.
        words = {word: _decoded(word) for word in column.drop_nulls().unique().to_list()}
        text = [None if word is None else words[word] for word in column.to_list()]
        return pl.Series(column.name, text, pl.String)


def _decoded(word: bytes) -> str | None:
    try:
        return word.decode()
    except UnicodeDecodeError:
        return None
