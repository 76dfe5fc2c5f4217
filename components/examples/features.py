"""From a grid and a cutoff to the columns of the examples, as Arrow arrays."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from demandcast.components.examples.ahead import ended
from demandcast.components.examples.assembly import Partition
from demandcast.components.examples.blocks import CODE, PERIOD
from demandcast.components.examples.grid import (
    Grid,
    Span,
    ragged_offsets,
    ragged_ranges,
    right_aligned,
    sums_of_runs,
)
from demandcast.components.examples.splits import ENDED, SplitPlan, members_of
from demandcast.components.metrics.baselines import naive_scales, seasonal_naive
from demandcast.components.metrics.classification import demand_class
from demandcast.schema import series_example
from demandcast.schema.config import SeriesSpec
from demandcast.schema.periods import days_of

__all__ = ["ExampleBatch", "build_examples", "cut_into_chunks", "grid_span"]

IntArray = npt.NDArray[np.int64]

_CELLS_AT_A_TIME = 1_000_000
"""Bounds the memory: cells of a dense array of histories."""


@dataclasses.dataclass(frozen=True)
class ExampleBatch:
    """Examples of one split at one cutoff.

    Attributes:
        split: Name of the split.
        keys: Series key of each example, as text. Shape [B, key columns].
        cutoff_day: Last known period, days since 1970-01-01.
        columns: One list column per feature of the example. Shape [B, ...].
    """

    split: str
    keys: pl.DataFrame
    cutoff_day: int
    columns: pa.RecordBatch


def grid_span(
    plans: Sequence[SplitPlan], spec: SeriesSpec, *, max_history: int, zero_until: int | None
) -> Span:
    """Returns the periods that the examples of some splits need."""
    cutoffs = [cutoff for plan in plans for cutoff in plan.cutoffs]
    return Span(
        earliest=min(cutoffs) - max_history + 1,
        latest=max(cutoffs) + spec.forecast.horizon,
        max_history=max_history,
        zero_until=zero_until,
    )


def cut_into_chunks(partition: Partition, periods: int) -> Iterator[Partition]:
    """Cuts a partition by series, so that a chunk's histories fit into memory.

    Args:
        partition: Rows sorted by series.
        periods: Longest history of a series, periods.
    """
    size = max(1, _CELLS_AT_A_TIME // max(1, periods))
    for start in range(0, len(partition.series), size):
        stop = min(start + size, len(partition.series))
        yield Partition(
            partition.series.slice(start, stop - start),
            _rows_of(partition.sales, start, stop),
            _rows_of(partition.future, start, stop),
        )


def _rows_of(rows: pl.DataFrame, start: int, stop: int) -> pl.DataFrame:
    low, high = np.searchsorted(rows[CODE].to_numpy(), [start, stop])
    return rows.slice(low, high - low).with_columns(pl.col(CODE) - start)


def build_examples(
    partition: Partition,
    lay: Callable[[Partition], Grid],
    plans: Sequence[SplitPlan],
    spec: SeriesSpec,
    *,
    span: Span,
    left_out: Counter[str] | None = None,
) -> Iterator[ExampleBatch]:
    """Builds the examples of a partition.

    Args:
        partition: Rows sorted by series and period.
        lay: Lays a part of it on the grid: `lay_on_grid` with all else given.
        plans: Splits and their cutoffs.
        spec: Names and shapes of an example.
        span: Periods wanted, from `grid_span`.
        left_out: Series whose history shows too little are added up here, by split; under `ENDED`
            those that have ended where a forecast is to be made.

    Yields:
        Batches that hold at least one example.
    """
    horizon = spec.forecast.horizon
    begin = max(span.earliest, int(partition.sales[PERIOD].to_numpy().min(initial=span.latest)))
    for chunk in cut_into_chunks(partition, span.latest - begin + 1):
        grid = lay(chunk)
        for plan in plans:
            members = members_of(plan, grid.series.select(spec.series_key))
            for cutoff in plan.cutoffs:
                gone = members & (ended(grid, cutoff, spec) if not plan.labels else np.False_)
                window = _select(
                    grid, plan, cutoff, members=members & ~gone, sizes=(span.max_history, horizon)
                )
                if left_out is not None:
                    left_out[plan.name] += window.left_out
                    if gone.any():
                        left_out[ENDED] += int(gone.sum())
                if len(window.at):
                    yield _example_batch(grid, window, plan, cutoff, spec=spec)


@dataclasses.dataclass(frozen=True)
class _Window:
    """Where the histories of some series lie in the flat arrays of a grid."""

    at: IntArray
    """Positions of the series."""
    start: IntArray
    """First cell of the history."""
    length: IntArray
    """Periods of history, T."""
    left_out: int
    """Series with a history that is too short, or shows too little demand."""


def _example_batch(
    grid: Grid, window: _Window, plan: SplitPlan, cutoff: int, *, spec: SeriesSpec
) -> ExampleBatch:
    """Cuts the examples of one cutoff out of a grid; nothing after it enters the history."""
    horizon = spec.forecast.horizon
    history = ragged_ranges(window.start, window.length)
    extended = ragged_ranges(window.start, window.length + horizon)
    past = ragged_offsets(window.length)
    both = ragged_offsets(window.length + horizon)
    series = grid.series[window.at]
    columns: dict[str, Any] = {
        name: _one_each(_binary(series[name].fill_null(""))) for name in spec.static
    }
    day = int(days_of(np.array([cutoff]), spec.forecast.frequency)[0])
    columns[series_example.CUTOFF] = _one_each(pa.array(np.full(len(series), day, np.int64)))
    for name, values in _observations(grid).items():
        columns[name] = _lists(pa.array(values[history]), past)
    for names, cells, offsets in (
        (spec.known_future, extended, both),
        (spec.observed_past, history, past),
    ):
        for name in names.numeric:
            columns[name] = _lists(pa.array(grid.numeric[name][cells]), offsets)
        for name in names.categorical:
            text = grid.words[name]
            columns[name] = _lists(_decoded(text.codes[cells], text.words), offsets)
    if plan.labels:
        columns |= _labels(grid, window, horizon)
    columns |= _statistics(grid, window, spec)
    return ExampleBatch(
        plan.name,
        series.select(spec.series_key),
        day,
        pa.RecordBatch.from_arrays(list(columns.values()), list(columns)),
    )


def _select(
    grid: Grid,
    plan: SplitPlan,
    cutoff: int,
    *,
    members: npt.NDArray[np.bool_],
    sizes: tuple[int, int],
) -> _Window:
    """Finds the series that have an example, and where their histories lie.

    A history begins with a recorded period, as the served graph lets it begin, even where
    `max_history` cuts it inside of a gap.
    """
    max_history, horizon = sizes
    length = np.minimum(cutoff - grid.first + 1, max_history)
    at = np.flatnonzero(members & (length >= 1))
    length = length[at]
    end = grid.offsets[at] + cutoff + 1 - grid.begin[at]
    start = end - length
    enough = sums_of_runs(grid.observed, start, end) >= max(plan.min_history, 1)
    if plan.min_demand > 0:
        enough &= sums_of_runs(grid.target, start, end) >= plan.min_demand
    if plan.min_demand_periods > 0:
        enough &= sums_of_runs(grid.target > 0, start, end) >= plan.min_demand_periods
    judged = enough & (sums_of_runs(grid.observed, end, end + horizon) >= plan.min_future)
    # Cells with a record, in order: the history begins at the first that is not before it.
    before = np.concatenate([[0], np.cumsum(grid.observed)])[start[judged]]
    start = np.flatnonzero(grid.observed)[before]
    return _Window(at[judged], start, end[judged] - start, left_out=int(np.sum(~enough)))


def _observations(grid: Grid) -> Mapping[str, npt.NDArray[np.float32]]:
    return {
        series_example.TARGET: grid.target,
        series_example.OBSERVED_MASK: grid.observed.astype(np.float32),
        series_example.IN_STOCK_FRACTION: grid.in_stock,
    }


def _labels(grid: Grid, window: _Window, horizon: int) -> dict[str, Any]:
    ahead = np.full(len(window.at), horizon, np.int64)
    cells = ragged_ranges(window.start + window.length, ahead)
    values = _observations(grid).values()
    return {
        name: _lists(pa.array(observed[cells]), ragged_offsets(ahead))
        for name, observed in zip(series_example.LABELS, values, strict=True)
    }


def _statistics(grid: Grid, window: _Window, spec: SeriesSpec) -> dict[str, Any]:
    """Computes what the history says about itself."""
    season, horizon = spec.forecast.season, spec.forecast.horizon
    target = right_aligned(grid.target, window.start, window.length)
    mask = right_aligned(grid.observed.astype(np.float32), window.start, window.length)
    naive = seasonal_naive(target, mask, season=season, horizon=horizon)
    mean_scale, rms_scale = naive_scales(target, mask, season=season)
    classes = demand_class(target, mask)
    steps = ragged_offsets(np.full(len(target), horizon, np.int64))
    return {
        series_example.DEMAND_CLASS: _one_each(pa.array(classes.astype("S").astype(object))),
        series_example.NAIVE_SCALE: _one_each(pa.array(mean_scale.astype(np.float32))),
        series_example.NAIVE_RMS_SCALE: _one_each(pa.array(rms_scale.astype(np.float32))),
        series_example.NAIVE_FORECAST: _lists(
            pa.array(naive.astype(np.float32).reshape(-1)), steps
        ),
    }


def _lists(values: Any, offsets: IntArray) -> Any:
    return pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), values)


def _one_each(values: Any) -> Any:
    return _lists(values, np.arange(len(values) + 1))


def _binary(column: pl.Series) -> Any:
    return column.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.large_binary())


def _decoded(codes: npt.NDArray[np.int32], words: Sequence[str]) -> Any:
    """Writes codes as their words."""
    return pa.array([word.encode() for word in words], pa.large_binary()).take(pa.array(codes))
