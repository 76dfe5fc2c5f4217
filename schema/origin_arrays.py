"""The origins table as dense arrays, a row per series and cutoff."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.schema.config.series import SeriesSpec
from demandcast.schema.errors import BadInputError, ContractError
from demandcast.schema.forecast_table import CUTOFF, MEAN, STEP, quantile_columns
from demandcast.schema.origins_table import (
    ACTUAL,
    DEMAND_CLASS,
    IN_STOCK_FRACTION,
    check_origins_table,
    cutoff_of_file,
    origins_file,
)
from demandcast.schema.periods import Frequency
from demandcast.schema.series_example import DEMAND_CLASSES

__all__ = ["OriginForecasts", "origin_cutoffs", "read_origins"]

_DAY_ZERO = datetime.date(1970, 1, 1)
_INDEX = "#index"


@dataclass(frozen=True)
class OriginForecasts:
    """Forecasts at several cutoffs beside what happened.

    A row is a series at a cutoff; rows are sorted by cutoff, then by key. Letters: B rows, C
    cutoffs, N series, H horizon, Q levels.

    Attributes:
        keys: Series key as text, sorted, each series once. Shape [N, key columns].
        cutoff_days: Last known periods, days since 1970-01-01, increasing. Shape [C].
        series_index: Place of the row's series in `keys`. Shape [B].
        cutoff_index: Place of the row's cutoff in `cutoff_days`. Shape [B].
        actual: Units per period; NaN where not recorded. Shape [B, H].
        observed_mask: Whether the period was recorded. Shape [B, H].
        in_stock_fraction: Share of the period in stock; 1 where not recorded. Shape [B, H].
        demand_class: Of the history up to the cutoff. Shape [B].
        quantiles: Units per period, not decreasing along Q, float32. Shape [B, H, Q].
        mean: Units per period, float32. Shape [B, H].
        quantile_levels: Levels of the quantiles. Shape [Q].
        frequency: Of the periods.
    """

    keys: pl.DataFrame
    cutoff_days: npt.NDArray[np.int64]
    series_index: npt.NDArray[np.int64]
    cutoff_index: npt.NDArray[np.int64]
    actual: npt.NDArray[np.float64]
    observed_mask: npt.NDArray[np.bool_]
    in_stock_fraction: npt.NDArray[np.float32]
    demand_class: npt.NDArray[np.str_]
    quantiles: npt.NDArray[np.float32]
    mean: npt.NDArray[np.float32]
    quantile_levels: tuple[float, ...]
    frequency: Frequency

    @property
    def rows_by_cutoff(self) -> npt.NDArray[np.int64]:
        """Row of each series at each cutoff; -1 where it has no forecast. Shape [C, N]."""
        rows = np.full((len(self.cutoff_days), self.keys.height), -1, np.int64)
        rows[self.cutoff_index, self.series_index] = np.arange(len(self.series_index))
        return rows

    def of_series(self, places: npt.NDArray[np.int64]) -> OriginForecasts:
        """Picks series.

        Args:
            places: Of the series in `keys`, increasing. Shape [M].
        """
        position = np.full(self.keys.height, -1, np.int64)
        position[places] = np.arange(len(places))
        rows = np.flatnonzero(position[self.series_index] >= 0)
        per_row = ("cutoff_index", "actual", "observed_mask", "in_stock_fraction", "demand_class")
        return dataclasses.replace(
            self,
            keys=self.keys[places],
            series_index=position[self.series_index[rows]],
            quantiles=self.quantiles[rows],
            mean=self.mean[rows],
            **{name: getattr(self, name)[rows] for name in per_row},
        )


def origin_cutoffs(folder: Path) -> tuple[datetime.date, ...]:
    """Lists the cutoffs of an origins table, oldest first.

    Raises:
        BadInputError: There is none in the folder.
    """
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    cutoffs = tuple(cutoff for name in names if (cutoff := cutoff_of_file(name)) is not None)
    if not cutoffs:
        raise BadInputError(
            f"{folder}: no forecasts of a backtest here; 'demandcast backtest --forecasts' keeps "
            "them as a file per cutoff, such as 2024-06-02.parquet"
        )
    return cutoffs


def read_origins(
    folder: Path, series: SeriesSpec, *, cutoffs: Sequence[datetime.date] | None = None
) -> OriginForecasts:
    """Reads an origins table, each file checked against its contract.

    Memory: B * H * (4 Q + 17) bytes for the arrays (9 levels, 28 steps: 1.5 kB per series and
    cutoff), and while it reads some 350 bytes per row of the largest file (100,000 series, 28
    steps: 1 GB). Some cutoffs at a time take less.

    Args:
        folder: The files, one per cutoff.
        series: Key, horizon, levels and frequency that the table has.
        cutoffs: Which cutoffs, in any order; None: all that there are.

    Raises:
        BadInputError: There is no table, or not at a cutoff asked for.
        ContractError: A file breaks the contract, or does not hold the cutoff of its name; the
            message names file and column.
    """
    chosen = _choose(folder, cutoffs)
    files = [folder / origins_file(cutoff) for cutoff in chosen]
    sizes = [_rows_of(file) // series.forecast.horizon for file in files]
    ends = np.cumsum([0, *sizes])
    arrays = _Arrays.empty(int(ends[-1]), series)
    parts = [
        arrays.fill(slice(begin, end), _checked(file, cutoff, series))
        for file, cutoff, begin, end in zip(files, chosen, ends[:-1], ends[1:], strict=True)
    ]
    keys, series_index = _numbered(pl.concat(parts))
    return OriginForecasts(
        keys=keys,
        cutoff_days=np.array([(cutoff - _DAY_ZERO).days for cutoff in chosen], np.int64),
        series_index=series_index,
        cutoff_index=np.repeat(np.arange(len(chosen)), sizes),
        actual=arrays.actual,
        observed_mask=~np.isnan(arrays.actual),
        in_stock_fraction=arrays.in_stock_fraction,
        demand_class=arrays.demand_class,
        quantiles=arrays.quantiles,
        mean=arrays.mean,
        quantile_levels=tuple(series.forecast.quantile_levels),
        frequency=series.forecast.frequency,
    )


@dataclass(frozen=True)
class _Arrays:
    """Dense arrays that files fill one after the other; shapes as in `OriginForecasts`."""

    series: SeriesSpec
    actual: npt.NDArray[np.float64]
    in_stock_fraction: npt.NDArray[np.float32]
    demand_class: npt.NDArray[np.str_]
    quantiles: npt.NDArray[np.float32]
    mean: npt.NDArray[np.float32]

    @classmethod
    def empty(cls, rows: int, series: SeriesSpec) -> _Arrays:
        """Makes room for so many rows."""
        horizon, levels = series.forecast.horizon, len(series.forecast.quantile_levels)
        return cls(
            series=series,
            actual=np.empty((rows, horizon), np.float64),
            in_stock_fraction=np.empty((rows, horizon), np.float32),
            demand_class=np.empty(rows, f"U{max(map(len, DEMAND_CLASSES))}"),
            quantiles=np.empty((rows, horizon, levels), np.float32),
            mean=np.empty((rows, horizon), np.float32),
        )

    def fill(self, rows: slice, table: pl.DataFrame) -> pl.DataFrame:
        """Lays a checked table, sorted by key and step, into some rows; gives the rows' keys."""
        shape = (-1, self.series.forecast.horizon)
        self.actual[rows] = table[ACTUAL].fill_null(np.nan).to_numpy().reshape(shape)
        self.in_stock_fraction[rows] = table[IN_STOCK_FRACTION].to_numpy().reshape(shape)
        self.mean[rows] = table[MEAN].to_numpy().reshape(shape)
        for level, name in enumerate(quantile_columns(self.series.forecast.quantile_levels)):
            self.quantiles[rows, :, level] = table[name].to_numpy().reshape(shape)
        first = table.filter(pl.col(STEP) == 1)
        self.demand_class[rows] = first[DEMAND_CLASS].to_numpy()
        return first.select(self.series.series_key)


def _choose(folder: Path, cutoffs: Sequence[datetime.date] | None) -> list[datetime.date]:
    """Returns the cutoffs to read, oldest first."""
    there = origin_cutoffs(folder)
    if cutoffs is None:
        return list(there)
    absent = sorted({*cutoffs} - {*there})
    if absent or not cutoffs:
        raise BadInputError(
            f"{folder}: no forecasts at cutoffs {[str(cutoff) for cutoff in absent]}; there are "
            f"{len(there)}, from {there[0]} to {there[-1]}"
        )
    return sorted({*cutoffs})


def _rows_of(file: Path) -> int:
    """Reads how many rows a file has, and nothing else."""
    try:
        return int(pl.scan_parquet(file).select(pl.len()).collect().item())
    except (pl.exceptions.PolarsError, OSError) as error:
        raise ContractError(f"{file}: not a Parquet file: {error}") from error


def _checked(file: Path, cutoff: datetime.date, series: SeriesSpec) -> pl.DataFrame:
    """Reads the file of a cutoff."""
    table = pl.read_parquet(file)
    try:
        check_origins_table(table, series)
    except ContractError as error:
        raise ContractError(f"{file}:\n{error}") from error
    found = table[CUTOFF].unique().sort().to_list()
    if found != [cutoff]:
        raise ContractError(
            f"{file}: column {CUTOFF!r} has {[str(day) for day in found[:3]]}; a file holds the "
            f"cutoff of its name, {cutoff}"
        )
    return table


def _numbered(keys: pl.DataFrame) -> tuple[pl.DataFrame, npt.NDArray[np.int64]]:
    """Returns the series of some rows, sorted, and the place of each row's among them."""
    names = keys.columns
    unique = keys.unique().sort(names)
    numbered = unique.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias(_INDEX))
    joined = keys.join(numbered, on=names, how="left", maintain_order="left")
    return unique, joined[_INDEX].to_numpy()
