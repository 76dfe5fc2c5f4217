"""Counts for the profile of the data: by period, for a sample of series, and correlations.

Each partition counts its own rows; counts add up, in any order.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl

from demandcast.components.examples.assembly import Partition
from demandcast.components.examples.blocks import CODE, PERIOD, TARGET, covariate
from demandcast.components.examples.partition import series_hash
from demandcast.components.examples.report import SAMPLED_SERIES, ProfileCounts
from demandcast.schema.data_profile import BLOCK, DataProfile
from demandcast.schema.periods import Frequency

__all__ = ["count_partition", "profile_of"]

_SALT = "demandcast:profl"


def count_partition(
    partition: Partition, *, key: Sequence[str], known: Iterable[str]
) -> ProfileCounts:
    """Counts what a partition adds to the profile.

    Args:
        partition: Rows sorted by series and period.
        key: Key columns of the series.
        known: Known-future numbers.
    """
    rows = partition.sales.filter(pl.col(TARGET).is_not_null())
    return ProfileCounts(
        periods=_by_period(rows),
        sample=_sample(partition.series.select(key), rows),
        moments=tuple(
            (name, *_moments(rows, covariate(name)))
            for name in known
            if covariate(name) in rows.columns
        ),
    )


def _by_period(rows: pl.DataFrame) -> tuple[tuple[int, int, int, float, int], ...]:
    repeats = (
        (pl.col(TARGET) == pl.col(TARGET).shift())
        & (pl.col(TARGET) > 0)
        & (pl.col(CODE) == pl.col(CODE).shift())
        & (pl.col(PERIOD) == pl.col(PERIOD).shift() + 1)
    )
    counted = (
        rows.select(PERIOD, TARGET, repeats.alias("#repeats"))
        .group_by(PERIOD)
        .agg(
            pl.len().alias("recorded"),
            (pl.col(TARGET) > 0).sum().alias("selling"),
            pl.col(TARGET).sum().alias("total"),
            pl.col("#repeats").sum().alias("repeated"),
        )
        .sort(PERIOD)
    )
    return tuple(counted.rows())


def _sample(
    keys: pl.DataFrame, rows: pl.DataFrame
) -> tuple[tuple[str, tuple[tuple[int, float], ...]], ...]:
    hashes = series_hash(keys, salt=_SALT)
    chosen = np.argsort(hashes, kind="stable")[:SAMPLED_SERIES]
    blocks = (
        rows.filter(pl.col(CODE).is_in(chosen))
        .group_by(CODE, (pl.col(PERIOD) // BLOCK).alias("#block"))
        .agg(pl.col(TARGET).sum())
        .sort(CODE, "#block")
    )
    parts = blocks.group_by(CODE, maintain_order=True).agg(pl.col("#block"), pl.col(TARGET))
    return tuple(
        (f"{hashes[code]:016x}", tuple(zip(numbers, units, strict=True)))
        for code, numbers, units in parts.rows()
    )


def _moments(rows: pl.DataFrame, column: str) -> tuple[float, ...]:
    """Count and sums of x, y, x x, y y and x y, where both are known."""
    x, y = pl.col(column).cast(pl.Float64), pl.col(TARGET)
    both = rows.filter(x.is_finite() & y.is_finite())
    sums = both.select(
        pl.len().cast(pl.Float64).alias("n"),
        x.sum().alias("x"),
        y.sum().alias("y"),
        (x * x).sum().alias("xx"),
        (y * y).sum().alias("yy"),
        (x * y).sum().alias("xy"),
    )
    return tuple(float(value) for value in sums.row(0))


def profile_of(counts: ProfileCounts, *, frequency: Frequency) -> DataProfile:
    """Makes the profile of the whole table; its counts are not empty."""
    first, last = counts.periods[0][0], counts.periods[-1][0]
    by_period = {period: numbers for period, *numbers in counts.periods}
    filled = [by_period.get(period, [0, 0, 0.0, 0]) for period in range(first, last + 1)]
    recorded, selling, total, repeated = zip(*filled, strict=True)
    return DataProfile(
        frequency=frequency,
        first=first,
        recorded=recorded,
        selling=selling,
        total=total,
        repeated=repeated,
        sample={name: dict(blocks) for name, blocks in counts.sample},
        correlation={name: _correlation(*sums) for name, *sums in counts.moments},
    )


def _correlation(n: float, x: float, y: float, xx: float, yy: float, xy: float) -> float | None:
    if not n:
        return None
    spread_x, spread_y = xx / n - (x / n) ** 2, yy / n - (y / n) ** 2
    # Below the rounding of the sums, a spread is none.
    if spread_x <= 1e-12 * xx / n or spread_y <= 1e-12 * yy / n:
        return None
    return (xy / n - x / n * y / n) / math.sqrt(spread_x * spread_y)
