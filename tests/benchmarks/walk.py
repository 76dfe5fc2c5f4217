"""What the benchmarks on real data share: they run the commands and print tables."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.components.metrics.point import bias, wape
from demandcast.components.metrics.quantile import (
    coverage,
    naive_quantiles,
    weighted_quantile_loss,
)
from demandcast.schema.config import ForecastConfig
from demandcast.schema.forecast_table import MEAN, quantile_columns

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Forecast:
    """What one forecaster says.

    Attributes:
        median: Units per period. Shape [N, H].
        mean: Units per period. Shape [N, H].
        quantiles: Units per period. Shape [N, H, Q].
    """

    median: Array
    mean: Array
    quantiles: Array

    @classmethod
    def of_points(cls, points: Array, *, levels: int) -> Forecast:
        """A forecast without intervals: all quantiles are the point."""
        return cls(points, points, naive_quantiles(points, levels=levels))

    @classmethod
    def of_table(cls, table: pl.DataFrame, forecast: ForecastConfig) -> Forecast:
        """Reads a forecast table that is sorted by series and step."""
        levels, horizon = forecast.quantile_levels, forecast.horizon
        quantiles = table.select(quantile_columns(levels)).to_numpy().astype(np.float64)
        quantiles = quantiles.reshape(-1, horizon, len(levels))
        mean = table[MEAN].to_numpy().astype(np.float64).reshape(-1, horizon)
        return cls(quantiles[:, :, forecast.median_index], mean, quantiles)

    def scores(self, actual: Array, scored: Array, levels: Sequence[float]) -> str:
        """WAPE, weighted quantile loss, coverage of 80 % and 90 % and bias, as cells."""
        inside = [
            coverage(
                actual, self.quantiles, quantile_levels=levels, scored_mask=scored, nominal=nominal
            )
            for nominal in (0.8, 0.9)
        ]
        loss = weighted_quantile_loss(
            actual, self.quantiles, quantile_levels=levels, scored_mask=scored
        )
        return (
            f"{wape(actual, self.median, scored_mask=scored):.4f} | {loss:.4f} "
            f"| {inside[0]:.3f} | {inside[1]:.3f} "
            f"| {bias(actual, self.mean, scored_mask=scored):+.3f}"
        )


def run_command(name: str, config: Path, overrides: Sequence[str], *arguments: str) -> str:
    """Runs a demandcast command and says what it took; its exit code 4 is a result too."""
    command = [str(Path(sys.executable).with_name("demandcast")), name, "--config", str(config)]
    for override in overrides:
        command += ["--set", override]
    start = time.monotonic()
    process = subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True)
    output = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    code = os.waitstatus_to_exitcode(status)
    print(
        f"{name}: {time.monotonic() - start:.0f} s, CPU {usage.ru_utime + usage.ru_stime:.0f} s, "
        f"peak memory {usage.ru_maxrss / 2**20:.2f} GiB, exit code {code}",
        flush=True,
    )
    if code not in (0, 4):
        sys.exit(f"{name} failed")
    return output


def print_stages(name: str, report: Mapping[str, object]) -> None:
    """Prints time and memory of each stage of a run."""
    print(f"\n| stage of {name} | wall time, s | peak memory, GiB |\n|---|---|---|")
    stages = report["stages"]
    for stage in stages if isinstance(stages, list) else []:
        memory = stage["peak_memory_bytes"] / 2**30
        print(f"| {stage['name']} ({stage['status']}) | {stage['seconds']:.1f} | {memory:.2f} |")
    print(f"| whole run | {report['seconds']:.0f} | |")
