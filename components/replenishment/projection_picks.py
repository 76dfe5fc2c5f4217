"""Projects the stock of a few series for pictures: the riskiest, the most overstocked, typical."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.components.metrics.arrays import FloatArray
from demandcast.components.replenishment.line_arrays import LineArrays, Sampler
from demandcast.components.replenishment.stock_projection import Stock, stock_bands
from demandcast.schema.artifact_names import PROPOSAL_PROJECTIONS_FILE
from demandcast.schema.periods import Frequency, date_of, days_of, period_of
from demandcast.schema.stock_projections import StockProjection, StockProjections
from demandcast.schema.whole_file import write_whole

__all__ = ["LEVELS", "pick_lines", "project_picks", "write_projections"]

Int64Array = npt.NDArray[np.int64]
Why = Literal["riskiest", "overstocked", "typical"]

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Quantiles of the stock that a picture shows."""

_EACH = 2
_DIGITS = 2


def pick_lines(table: pl.DataFrame) -> list[tuple[Why, int]]:
    """Picks a few computed lines of a proposal table.

    Two with the largest expected stockout cost, two with the most money above their base-stock
    level, and two orders a third and two thirds of the way down the list by value.

    Args:
        table: Computed lines, with `row` beside the columns of the proposal table.

    Returns:
        Why, and the value of `row`; no line twice.
    """
    excess = pl.col("excess_units") * pl.col("unit_cost")
    risky = table.filter(pl.col("stockout_probability") > 0).sort(
        ["expected_stockout_cost", "stockout_probability", "rank"],
        descending=[True, True, False],
        nulls_last=True,
    )
    excessive = table.filter(excess > 0).sort([excess, pl.col("rank")], descending=[True, False])
    ordered = table.filter(pl.col("status") == "order").sort(
        ["order_value", "rank"], descending=[True, False], nulls_last=True
    )
    thirds = [ordered.height * place // (_EACH + 1) for place in range(1, _EACH + 1)]
    lists: dict[Why, list[int]] = {
        "riskiest": risky["row"].head(_EACH).to_list(),
        "overstocked": excessive["row"].head(_EACH).to_list(),
        "typical": [ordered["row"][place] for place in thirds if place < ordered.height],
    }
    picked: dict[int, Why] = {}
    for why, rows in lists.items():
        for row in rows:
            picked.setdefault(row, why)
    return [(why, row) for row, why in picked.items()]


def project_picks(
    table: pl.DataFrame,
    lines: LineArrays,
    *,
    computed: pl.DataFrame,
    order_quantity: FloatArray,
    sampler: Sampler,
    frequency: Frequency,
) -> StockProjections:
    """Projects the stock of a few lines, with their orders and without.

    Args:
        table: The proposal table.
        lines: Arrays of the computed lines (n).
        computed: Their key columns, in the same order. Shape [n].
        order_quantity: Ordered now, units. Shape [n].
        sampler: The paths that the proposals were made from.
        frequency: Of the periods.
    """
    days = 1 if frequency == "D" else 7
    keys = computed.columns
    known = table.join(computed.with_row_index("row").cast({"row": pl.Int64}), on=keys, how="inner")
    picks = pick_lines(known)
    rows = np.array([row for _, row in picks], np.int64)
    bands, without = _projected(lines.take(rows), sampler, order_quantity[rows])
    facts = {row["row"]: row for row in known.filter(pl.col("row").is_in(rows)).to_dicts()}
    return StockProjections(
        period_days=days,
        projections=tuple(
            StockProjection(
                why=why,
                available=round(float(lines.available[row]), _DIGITS),
                bands=tuple(tuple(evening) for evening in bands[place].round(_DIGITS).tolist()),
                without=tuple(without[place].round(_DIGITS).tolist()),
                levels=LEVELS,
                timestamps=tuple(_timestamps(facts[row]["cutoff"], frequency, bands.shape[1])),
                **_line_facts(facts[row], keys, days),
            )
            for place, (why, row) in enumerate(picks)
        ),
    )


def write_projections(projections: StockProjections, folder: Path) -> Path:
    """Writes projections beside the proposals; returns the file."""
    file = folder / PROPOSAL_PROJECTIONS_FILE
    write_whole(file, projections.model_dump_json())
    return file


def _projected(
    picked: LineArrays, sampler: Sampler, order_quantity: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Returns bands with the orders, and medians without. Shapes [n, H, B], [n, H]."""
    horizon = picked.quantiles.shape[1]
    bands = np.empty((len(picked), horizon, len(LEVELS)))
    without = np.empty((len(picked), horizon))
    groups = sampler.groups(picked) if len(picked) else np.empty(0, np.int64)
    for group in np.unique(groups).tolist():
        rows = np.flatnonzero(groups == group)
        part = sampler.part(picked, rows, group)
        stock = Stock(
            available=part.lines.available,
            arrivals=part.lines.arrivals,
            interval=part.next_lead_time + part.lines.review_period[:, None],
        )
        for ordered, levels, found in (
            (order_quantity[rows], LEVELS, bands),
            (np.zeros(rows.size), (0.5,), without[..., None]),
        ):
            found[rows] = stock_bands(
                part.cumulative,
                stock,
                order_quantity=ordered,
                order_lead_time=part.lead_time,
                levels=np.array(levels),
            )
    return bands, without


def _timestamps(cutoff: datetime.date, frequency: Frequency, horizon: int) -> Iterator[str]:
    """Dates the periods after the cutoff."""
    periods = period_of(cutoff, frequency) + np.arange(1, horizon + 1)
    for start in days_of(periods, frequency).tolist():
        yield date_of(start).isoformat()


def _line_facts(row: dict[str, Any], keys: Sequence[str], days: int) -> dict[str, Any]:
    """Takes from a row of the table what a picture needs."""
    interval = row["protection_interval"]
    end = None if interval is None else datetime.timedelta(days=round(interval * days))
    return {
        "series": {key: row[key] for key in keys},
        "status": row["status"],
        "reason": row["reason"],
        "order_quantity": row["order_quantity"],
        "due_date": None if row["due_date"] is None else row["due_date"].isoformat(),
        "interval_end": None if end is None else (row["cutoff"] + end).isoformat(),
        "base_stock_level": round(row["base_stock_level"], _DIGITS),
        "cutoff": row["cutoff"].isoformat(),
    }
