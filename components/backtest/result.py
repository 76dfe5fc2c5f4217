"""What a backtest found: rows of metrics, as `backtest.json` and `metrics.csv`."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from demandcast.components.backtest.scoring import (
    FORECASTERS,
    MODEL,
    OVERALL,
    SlicedSums,
    SlicedSumsByCutoff,
)
from demandcast.components.metrics.arrays import FloatArray
from demandcast.components.metrics.statistics import metric_values
from demandcast.schema.artifact_names import BACKTEST_FILE, BACKTEST_METRICS_FILE
from demandcast.schema.config.base import Section
from demandcast.schema.periods import date_of
from demandcast.schema.whole_file import write_whole

__all__ = [
    "ALL",
    "METRICS",
    "Backtest",
    "BacktestModel",
    "BacktestRow",
    "make_rows",
    "read_backtest",
    "write_backtest",
]

ALL = "all"
"""Stands for the cutoff in rows over all cutoffs."""

METRICS = (
    "weighted_quantile_loss",
    "wape",
    "bias",
    "mase",
    "rmsse",
    "coverage_80",
    "coverage_90",
)


class BacktestRow(Section):
    """One forecaster at one cutoff in one slice; the metrics are those of the gate.

    Attributes:
        cutoff: ISO date, or `ALL`.
        slice: `overall`, or column and value such as `category=dairy`.
        forecaster: One of `scoring.FORECASTERS`.
        examples: Examples with a period that counts.
        weighted_quantile_loss: None, as below, where it cannot be computed.
        wape: Of the median.
        bias: Of the mean; positive is over-forecast.
        mase: Of the median.
        rmsse: Of the mean.
        coverage_80: Share of periods in the 80 % interval; None of point forecasts.
        coverage_90: The same of the 90 % interval.
    """

    cutoff: str
    slice: str
    forecaster: str
    examples: int
    weighted_quantile_loss: float | None
    wape: float | None
    bias: float | None
    mase: float | None
    rmsse: float | None
    coverage_80: float | None
    coverage_90: float | None


class BacktestModel(Section):
    """The model that was scored.

    Attributes:
        version: Number in the serving directory; None of a model that never served.
        digest: Digest of its content.
        run_id: Run that made it; None where nobody wrote that down.
        seen_until: Last period, ISO date, that it has seen in training; None: it does not say.
    """

    version: int | None
    digest: str
    run_id: str | None
    seen_until: str | None


class Backtest(Section):
    """What a backtest found.

    Attributes:
        backtest_id: Its identity.
        created: When it ended, ISO 8601, UTC.
        pipeline: Name of the pipeline.
        model: The model that was scored; None if one was trained for each cutoff.
        retrain: Whether one was.
        models: Where one was trained for each cutoff, those, by cutoff.
        cutoffs: ISO dates, oldest first.
        seen_cutoffs: Those of them before which the model's training did not end, or of which
            it is not known: their scores are hindsight.
        horizon: Periods after each cutoff.
        frequency: Of the periods.
        seconds: Wall time, seconds.
        rows: Metrics: over all cutoffs first, then by cutoff; overall first, then by slice.
        origins: Folder of the origins table, beside the report; None: the forecasts were not kept.
    """

    backtest_id: str
    created: str
    pipeline: str
    model: BacktestModel | None
    retrain: bool
    models: dict[str, BacktestModel]
    cutoffs: tuple[str, ...]
    seen_cutoffs: tuple[str, ...]
    horizon: int
    frequency: str
    seconds: float
    rows: tuple[BacktestRow, ...]
    origins: str | None = None

    def row(self, *, cutoff: str = ALL, of: str = OVERALL, forecaster: str = MODEL) -> BacktestRow:
        """Finds a row.

        Raises:
            KeyError: There is no such row.
        """
        wanted = (cutoff, of, forecaster)
        for row in self.rows:
            if (row.cutoff, row.slice, row.forecaster) == wanted:
                return row
        raise KeyError(wanted)


def make_rows(sums: SlicedSumsByCutoff) -> tuple[BacktestRow, ...]:
    """Computes the metrics of each slice at each cutoff, and over all cutoffs.

    Args:
        sums: Sums of statistics by cutoff and slice; slices without an example that counts give
            no rows.
    """
    together: SlicedSums = {}
    for slices in sums.values():
        for name, total in slices.items():
            together[name] = together[name] + total if name in together else total
    by_date: dict[str, Mapping[str, FloatArray]] = {ALL: together}
    by_date |= {date_of(day).isoformat(): sums[day] for day in sorted(sums)}
    return tuple(
        row
        for cutoff, slices in by_date.items()
        for name in sorted(slices, key=lambda name: (name != OVERALL, name))
        for row in _rows_of_slice(slices[name], cutoff=cutoff, name=name)
    )


def _rows_of_slice(total: FloatArray, *, cutoff: str, name: str) -> Iterator[BacktestRow]:
    """Reads the metrics of each forecaster from its sums [F, S]."""
    values = metric_values(total)
    for position, forecaster in enumerate(FORECASTERS):
        examples = round(float(values["examples"][position]))
        if not examples and name != OVERALL:
            continue
        metrics = {metric: _number(values[metric], position) for metric in METRICS}
        if forecaster != MODEL:  # A point has no interval.
            metrics |= {"coverage_80": None, "coverage_90": None}
        yield BacktestRow(
            cutoff=cutoff, slice=name, forecaster=forecaster, examples=examples, **metrics
        )


def _number(values: FloatArray, position: int) -> float | None:
    value = float(np.asarray(values)[position])
    return value if math.isfinite(value) else None


def write_backtest(backtest: Backtest, folder: Path) -> None:
    """Writes both files whole, `BACKTEST_FILE` last: where it is, the other one is too."""
    folder.mkdir(parents=True, exist_ok=True)
    contents = {
        BACKTEST_METRICS_FILE: _csv(backtest.rows),
        BACKTEST_FILE: backtest.model_dump_json(indent=2) + "\n",
    }
    for name, text in contents.items():
        write_whole(folder / name, text)


def read_backtest(folder: Path) -> Backtest:
    """Reads what `write_backtest` wrote."""
    return Backtest.model_validate_json((folder / BACKTEST_FILE).read_bytes())


def _csv(rows: Sequence[BacktestRow]) -> str:
    """Writes rows as CSV; what cannot be computed is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(BacktestRow.model_fields), lineterminator="\n")
    writer.writeheader()
    writer.writerows(row.model_dump() for row in rows)
    return text.getvalue()
