"""Timestamps with a time of day, brought to the clock of the shop."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.components.examples.parsing import NULL_WORDS
from demandcast.schema.config import TransactionsConfig

__all__ = ["MICROSECONDS_PER_DAY", "ParsedMoments", "parse_moments"]

MICROSECONDS_PER_DAY = 86_400_000_000

_FORMATS = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%d")
_ZONE = r"(?:[Zz]|[+-]\d{2}:?\d{2})$"
_TIME_WITH_ZONE = r"\d{2}:\d{2}.*" + _ZONE


@dataclasses.dataclass(frozen=True)
class ParsedMoments:
    """Timestamps of a column.

    Attributes:
        moments: Microseconds since 1970-01-01 00:00 on the shop's clock; 0 where there is none.
            Int64, shape [rows].
        missing: Nothing was given. Shape [rows].
        failed: Something was given that is no timestamp. Shape [rows].
    """

    moments: npt.NDArray[np.int64]
    missing: npt.NDArray[np.bool_]
    failed: npt.NDArray[np.bool_]

    @property
    def days(self) -> npt.NDArray[np.int64]:
        """Days since 1970-01-01 on the shop's clock. Shape [rows]."""
        return self.moments // MICROSECONDS_PER_DAY


def parse_moments(column: pl.Series, rules: TransactionsConfig) -> ParsedMoments:
    """Reads dates and timestamps, stored as such or as text.

    Args:
        column: The column as it is stored.
        rules: Format and zones.

    >>> text = pl.Series(["1970-01-02 00:00:01", "1970-01-02T23:30:00-01:00", "yesterday"])
    >>> parsed = parse_moments(text, TransactionsConfig())
    >>> parsed.days, parsed.failed
    (array([1, 2, 0]), array([False, False,  True]))
    """
    if isinstance(column.dtype, pl.Categorical | pl.Enum):
        column = column.cast(pl.String)
    given = column.is_not_null()
    if column.dtype == pl.String:
        column = column.str.strip_chars()
        given &= ~column.str.to_lowercase().is_in(NULL_WORDS).fill_null(True)
        local = _moments_of_text(column, rules)
    elif isinstance(column.dtype, pl.Datetime):
        local = _local(column.cast(pl.Datetime("us", column.dtype.time_zone)), rules)
    elif column.dtype == pl.Date:  # A date is a date in each zone.
        local = column.cast(pl.Datetime("us"))
    else:
        local = pl.Series([None], dtype=pl.Datetime("us")).new_from_index(0, len(column))
    return ParsedMoments(
        moments=local.cast(pl.Int64).fill_null(0).to_numpy(),
        missing=(~given).to_numpy(),
        failed=(given & local.is_null()).to_numpy(),
    )


def _local(moments: pl.Series, rules: TransactionsConfig) -> pl.Series:
    """Brings timestamps, with a zone or without, to the shop's clock without a zone."""
    zone = moments.dtype.time_zone  # type: ignore[attr-defined]
    if zone is None:
        if rules.recorded_time_zone is None:
            return moments
        # An hour that a clock never showed is no timestamp; of one shown twice it is the first.
        moments = moments.dt.replace_time_zone(
            rules.recorded_time_zone, ambiguous="earliest", non_existent="null"
        )
    target = rules.time_zone or ("UTC" if zone is not None else rules.recorded_time_zone)
    return moments.dt.convert_time_zone(str(target)).dt.replace_time_zone(None)


def _moments_of_text(text: pl.Series, rules: TransactionsConfig) -> pl.Series:
    if rules.timestamp_format is not None:
        parsed = text.str.to_datetime(rules.timestamp_format, strict=False, time_unit="us")
        return _local(parsed, rules)
    zoned = text.str.contains(_TIME_WITH_ZONE).fill_null(False)
    if not zoned.any():
        return _local(_naive(text), rules)
    offset = text.str.extract(f"({_ZONE})").str.replace(":", "").str.to_lowercase()
    offset = offset.str.replace("z", "+0000")
    minutes = offset.str.slice(1, 2).cast(pl.Int64) * 60 + offset.str.slice(3, 2).cast(pl.Int64)
    minutes = minutes.zip_with(~offset.str.starts_with("-").fill_null(False), -minutes)
    naive = _naive(text.str.replace(_ZONE, "").zip_with(zoned, text))
    offsets = pl.DataFrame({"minutes": minutes}).select(pl.duration(minutes="minutes"))
    in_utc = (naive - offsets.to_series()).dt.replace_time_zone("UTC")
    return _local(in_utc, rules).zip_with(zoned, _local(naive, rules))


def _naive(text: pl.Series) -> pl.Series:
    """Reads text without a zone in the first format that fits."""
    text = text.str.replace(r"^(\d{4}-\d{2}-\d{2})[Tt]", "${1} ")
    moments = text.str.to_datetime(_FORMATS[0], strict=False, time_unit="us")
    for form in _FORMATS[1:]:
        if moments.null_count() == text.null_count():
            break
        other = text.str.to_datetime(form, strict=False, time_unit="us")
        moments = moments.fill_null(other)
    return moments
