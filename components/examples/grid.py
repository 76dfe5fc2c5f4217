"""Ragged histories: sorted rows laid on the time grid of their series, without a loop.

The cells of all series lie one after the other in flat arrays:

    series    0              1          2
    period    3  4  5  6     5  6       1  2  3 ...
    cell      0  1  2  3     4  5       6  7  8 ...
    offsets   0              4          6
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.components.examples.assembly import Partition
from demandcast.components.examples.blocks import CODE, IN_STOCK, PERIOD, TARGET, covariate
from demandcast.components.examples.lookup import Calendar, Words, encode_words
from demandcast.components.examples.roles import Roles

__all__ = [
    "Grid",
    "Span",
    "lay_on_grid",
    "ragged_offsets",
    "ragged_ranges",
    "right_aligned",
    "sums_of_runs",
]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class Span:
    """Which periods a grid holds.

    Attributes:
        earliest: No series begins before it.
        latest: Last period of each series.
        max_history: Longest history of an example, periods.
        zero_until: Periods without a row count as observed zeros up to here; None: unknown.
        closed: Periods without a row that are unknown nevertheless.
    """

    earliest: int
    latest: int
    max_history: int
    zero_until: int | None = None
    closed: tuple[int, ...] = ()


@dataclasses.dataclass(frozen=True)
class Grid:
    """Histories and what follows them, of the series that have a recorded period.

    Attributes:
        series: Key and static columns as text. Shape [N, ...].
        first: First recorded period. Shape [N].
        begin: Period of the first cell, `first` or later. Shape [N].
        offsets: First cell of each series, and the number of cells. Shape [N + 1].
        target: Units per period; 0 where not observed. Shape [cells], as all below.
        observed: Whether the period was recorded.
        in_stock: Share of the period in stock; 1 where not observed.
        numeric: Covariates by name; NaN where missing.
        words: Text covariates by name.
        given: By covariate: whether some table has a row for the cell.
        filled: Whether the cell counts as an observed zero because sales have no row for it.
    """

    series: pl.DataFrame
    first: IntArray
    begin: IntArray
    offsets: IntArray
    target: FloatArray
    observed: BoolArray
    in_stock: FloatArray
    numeric: dict[str, FloatArray]
    words: dict[str, Words]
    given: dict[str, BoolArray]
    filled: BoolArray


def ragged_offsets(lengths: IntArray) -> IntArray:
    """Returns where each of several runs begins, and where the last one ends.

    >>> ragged_offsets(np.array([2, 0, 3]))
    array([0, 2, 2, 5])
    """
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])


def ragged_ranges(starts: IntArray, lengths: IntArray) -> IntArray:
    """Counts up from each start, one run after the other.

    >>> ragged_ranges(np.array([5, 9]), np.array([3, 2]))
    array([ 5,  6,  7,  9, 10])
    """
    offsets = ragged_offsets(lengths)
    return np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], lengths)


def sums_of_runs(
    values: npt.NDArray[Any], starts: IntArray, ends: IntArray
) -> npt.NDArray[np.float64]:
    """Adds up runs of a flat array.

    >>> sums_of_runs(np.array([1, 2, 3]), np.array([0, 2]), np.array([2, 2]))
    array([3., 0.])
    """
    total = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    return np.asarray(total[ends] - total[starts])


def right_aligned(
    values: npt.NDArray[np.float32], starts: IntArray, lengths: IntArray
) -> npt.NDArray[np.float32]:
    """Lays runs of a flat array under each other, their ends in the last column.

    Args:
        values: Flat array.
        starts: Where each run begins. Shape [N].
        lengths: How long it is. Shape [N].

    Returns:
        0 on the left of short runs. Shape [N, longest].

    >>> right_aligned(np.array([1, 2, 3], np.float32), np.array([0, 2]), np.array([2, 1]))
    array([[1., 2.],
           [0., 3.]], dtype=float32)
    """
    width = int(lengths.max(initial=0))
    dense = np.zeros((len(starts), width), np.float32)
    places = ragged_ranges(np.arange(1, len(starts) + 1) * width - lengths, lengths)
    dense.reshape(-1)[places] = values[ragged_ranges(starts, lengths)]
    return dense


def lay_on_grid(
    partition: Partition, roles: Roles, span: Span, *, calendar: Calendar | None
) -> Grid:
    """Lays the rows of a partition on the grids of its series.

    Args:
        partition: Rows sorted by series and period.
        roles: Roles of the columns.
        span: Periods wanted.
        calendar: The calendar, if there is one.

    Returns:
        The grid; series without any recorded period are not in it.
    """
    sales = partition.sales
    first, kept = _first_recorded(sales, len(partition.series))
    layout = _Layout.of(first, kept, span)
    in_sales, inside = layout.cells_of(sales)
    layers = [(sales.filter(inside), in_sales)]
    if len(partition.future):
        in_future, ahead = layout.cells_of(partition.future)
        layers.insert(0, (partition.future.filter(ahead), in_future))  # Sales go on top.
    target, observed, in_stock = _lay_target(*layers[-1], layout.size)
    filled = _filled(layout, span, in_sales)
    grid = Grid(
        series=partition.series.filter(kept),
        first=first,
        begin=layout.begin,
        offsets=layout.offsets,
        target=target,
        observed=observed | filled,
        in_stock=in_stock,
        numeric={},
        words={},
        given={},
        filled=filled,
    )
    _add_covariates(grid, layers, roles)
    if calendar is not None:
        _add_calendar(grid, calendar, layout.lengths)
    return grid


@dataclasses.dataclass(frozen=True)
class _Layout:
    """Where the cells of each series lie; N series have a recorded period.

    Attributes:
        place: Position of a series among the N by its code; -1 if it is not one of them.
        begin: Period of the first cell. Shape [N].
        lengths: Cells. Shape [N].
        offsets: As in `Grid`. Shape [N + 1].
        latest: Last period of each series.
    """

    place: IntArray
    begin: IntArray
    lengths: IntArray
    offsets: IntArray
    latest: int

    @classmethod
    def of(cls, first: IntArray, kept: BoolArray, span: Span) -> _Layout:
        """Lays out series by their first recorded periods; arguments as from `_first_recorded`."""
        place = np.full(len(kept), -1, np.int64)
        place[kept] = np.arange(len(first))
        begin = np.maximum(first, span.earliest)
        lengths = np.maximum(span.latest - begin + 1, 0)
        return cls(place, begin, lengths, ragged_offsets(lengths), span.latest)

    @property
    def size(self) -> int:
        """Number of cells."""
        return int(self.offsets[-1])

    def cells_of(self, rows: pl.DataFrame) -> tuple[IntArray, BoolArray]:
        """Finds the cell of each row that has one, and which rows have."""
        at = self.place[rows[CODE].to_numpy()]
        period = rows[PERIOD].to_numpy().astype(np.int64)
        on_grid = (at >= 0) & (period <= self.latest)
        on_grid[on_grid] = period[on_grid] >= self.begin[at[on_grid]]
        at, period = at[on_grid], period[on_grid]
        return self.offsets[at] + period - self.begin[at], on_grid


def _filled(layout: _Layout, span: Span, in_sales: IntArray) -> BoolArray:
    """Tells which cells count as observed zeros: no row of sales, before the end, not closed."""
    filled = np.zeros(layout.size, np.bool_)
    if span.zero_until is not None:
        periods = _periods(layout.begin, layout.lengths)
        filled = (periods <= span.zero_until) & ~np.isin(periods, span.closed)
        filled[in_sales] = False
    return filled


_Layer = tuple[pl.DataFrame, IntArray]


def _add_covariates(grid: Grid, layers: list[_Layer], roles: Roles) -> None:
    """Lays the covariates of the sales and the future table; later layers go on top."""
    size = len(grid.target)
    tables = [roles.sales, *([] if roles.future is None else [roles.future])]
    for name in dict.fromkeys(name for table in tables for name in table.numeric):
        holders = _holders(layers, name)
        grid.numeric[name] = _lay_numbers(holders, covariate(name), size)
        grid.given[name] = _covered(holders, size)
    for name in dict.fromkeys(name for table in tables for name in table.categorical):
        holders = _holders(layers, name)
        grid.words[name] = _lay_words(holders, covariate(name), size)
        grid.given[name] = _covered(holders, size)


def _holders(layers: list[_Layer], name: str) -> list[_Layer]:
    return [(rows, cells) for rows, cells in layers if covariate(name) in rows.columns]


def _covered(layers: list[_Layer], size: int) -> BoolArray:
    given = np.zeros(size, np.bool_)
    for _, cells in layers:
        given[cells] = True
    return given


def _first_recorded(sales: pl.DataFrame, series: int) -> tuple[IntArray, BoolArray]:
    """Returns the first recorded period of each series that has one, and which have."""
    recorded = sales[TARGET].is_not_null().to_numpy()
    codes, at = np.unique(sales[CODE].to_numpy()[recorded], return_index=True)
    kept = np.zeros(series, np.bool_)
    kept[codes] = True
    return sales[PERIOD].to_numpy()[recorded][at].astype(np.int64), kept


def _lay_target(
    sales: pl.DataFrame, cells: IntArray, size: int
) -> tuple[FloatArray, BoolArray, FloatArray]:
    target = np.zeros(size, np.float32)
    observed = np.zeros(size, np.bool_)
    in_stock = np.ones(size, np.float32)
    recorded = sales[TARGET].is_not_null().to_numpy()
    cells = cells[recorded]
    target[cells] = sales[TARGET].to_numpy()[recorded]
    observed[cells] = True
    if IN_STOCK in sales.columns:
        in_stock[cells] = sales[IN_STOCK].fill_null(1.0).to_numpy()[recorded]
    return target, observed, in_stock


def _lay_numbers(layers: list[_Layer], column: str, size: int) -> FloatArray:
    values = np.full(size, np.nan, np.float32)
    for rows, cells in layers:
        known = rows[column].is_not_null().to_numpy()
        values[cells[known]] = rows[column].to_numpy()[known]
    return values


def _lay_words(layers: list[_Layer], column: str, size: int) -> Words:
    nothing = pl.Series([], dtype=pl.String)
    text = encode_words(pl.concat([nothing, *(rows[column] for rows, _ in layers)]))
    codes = np.zeros(size, np.int32)
    start = 0
    for rows, cells in layers:
        of_rows = text.codes[start : start + len(rows)]
        codes[cells[of_rows > 0]] = of_rows[of_rows > 0]
        start += len(rows)
    return Words(codes, text.words)


def _periods(begin: IntArray, lengths: IntArray) -> IntArray:
    return ragged_ranges(begin, lengths)


def _add_calendar(grid: Grid, calendar: Calendar, lengths: IntArray) -> None:
    keys = np.repeat(calendar.locate(grid.series), lengths)
    rows = calendar.rows_at(keys, _periods(grid.begin, lengths))
    given = calendar.has(rows)
    if calendar.table.missing_date == "empty":  # Then no row says that nothing is on.
        given = np.ones_like(given)
    for name, values in calendar.numeric.items():
        grid.numeric[name] = values[rows]
        grid.given[name] = given
    for name, text in calendar.words.items():
        grid.words[name] = Words(text.codes[rows], text.words)
        grid.given[name] = given
