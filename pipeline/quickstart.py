"""What `demandcast quickstart` does around the pipeline: sample data before, a server after."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from demandcast.pipeline.capture import captured_output
from demandcast.pipeline.cli.results import table_text
from demandcast.pipeline.console import Console
from demandcast.pipeline.reports import RunReport
from demandcast.schema import series_example
from demandcast.schema.artifact_names import PROPOSALS_FILE
from demandcast.schema.config import RunConfig, SeriesSpec
from demandcast.schema.errors import ServingError
from demandcast.schema.periods import days_of, periods_of
from demandcast.schema.proposal_table import RISK_CLASSES

__all__ = [
    "Answer",
    "ask_server",
    "ensure_sample_data",
    "forecast_rows",
    "read_series",
    "urgent_orders",
]

_SERIES_SHOWN = 3
_STEPS_SHOWN = 5
_ORDERS_SHOWN = 5
_EXAMPLES_READ = 200
_START_SECONDS = 120.0

Series = Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """What the server answered.

    Attributes:
        version: Version of the model that answered.
        address: Where it was asked.
        table: Forecasts of a few series, as text.
    """

    version: int
    address: str
    table: str


def ensure_sample_data(config: RunConfig, console: Console, *, preset: str) -> None:
    """Writes sample data beside the sales table of the configuration, unless it is there."""
    sales = Path(config.data.sales)
    if sales.exists():
        console.say(f"sample data: {sales.parent}")
        return
    from demandcast.components.simulation.config import preset as make_config
    from demandcast.components.simulation.write import write_sample_data

    console.heading("sample data")
    with console.following("demandcast"):
        size = make_config(preset, horizon=config.forecast.horizon)
        write_sample_data(sales.parent, size)


def ask_server(
    config: RunConfig, console: Console, *, report: RunReport, arguments: Sequence[str]
) -> Answer:
    """Starts a server on what was pushed, asks it for a few series, stops it.

    Args:
        config: The run.
        console: Shows the progress.
        report: Of the run; its examples are asked for.
        arguments: --config and --set for the server.

    Raises:
        ServingError: The server did not start, or did not answer.
    """
    log = Path(report.log).with_name("serve.log")
    console.heading("server")
    with captured_output(log), _server(arguments, log=log) as address:
        console.note(f"listening on {address}")
        from demandcast.serving.client import DemandClient
        from demandcast.serving.forecasting import forecast

        series = _choose(read_series(report, config.series))
        with DemandClient(address, model_name=config.push.model_name) as client:
            version = client.wait_until_available(_START_SECONDS)
            console.note(f"version {version} is in service")
            inputs = set(client.metadata().signatures["serving_default"].inputs)
            requests = [{k: v for k, v in one.items() if k in inputs} for one in series]
            answer = forecast(client, requests)
    rows = forecast_rows(series, answer.quantiles, config.series)
    header = [*config.series.series_key, "date", "P10", "median", "P90", "sold"]
    return Answer(version, address, table_text(header, rows, left=len(config.series.series_key)))


def forecast_rows(
    series: Sequence[Series], quantiles: np.ndarray[Any, Any], spec: SeriesSpec
) -> list[list[str]]:
    """Lays out the first steps of each forecast beside what was sold.

    Args:
        series: Examples, with their labels.
        quantiles: Units per period. Shape [B, H, Q].
        spec: Names and levels.
    """
    levels = spec.forecast.quantile_levels
    positions = [int(np.argmin(np.abs(np.array(levels) - level))) for level in (0.1, 0.5, 0.9)]
    rows = []
    for one, forecast in zip(series, quantiles, strict=True):
        frequency = spec.forecast.frequency
        first = int(periods_of(np.array([one[series_example.CUTOFF]]), frequency)[0]) + 1
        for step in range(min(_STEPS_SHOWN, len(forecast))):
            day = int(days_of(np.array([first + step]), frequency)[0])
            known = one[series_example.FUTURE_OBSERVED_MASK][step] > 0
            sold = f"{one[series_example.FUTURE_TARGET][step]:.0f}" if known else "-"
            rows.append(
                [
                    *(one[name] for name in spec.series_key),
                    (datetime.date(1970, 1, 1) + datetime.timedelta(days=day)).isoformat(),
                    *(f"{forecast[step][position]:.1f}" for position in positions),
                    sold,
                ]
            )
    return rows


def urgent_orders(report: RunReport, spec: SeriesSpec) -> str:
    """Lays out the most urgent orders of a run; empty if it proposed none.

    Args:
        report: Of the run.
        spec: Names of the series key.
    """
    import polars as pl

    folder = (report.orders or {}).get("folder")
    if folder is None:
        return ""
    table = pl.read_parquet(Path(folder, PROPOSALS_FILE))
    risk = pl.col("risk_class").replace_strict(RISK_CLASSES, range(len(RISK_CLASSES)), default=-1)
    ordered = table.filter(pl.col("order_quantity") > 0).sort(-risk, "rank")
    orders = ordered.head(_ORDERS_SHOWN)
    header = ["supplier", *spec.series_key, "due", "quantity"]
    rows = [
        [
            str(row["supplier"]),
            *(row[key] for key in spec.series_key),
            row["due_date"].isoformat(),
            f"{row['order_quantity']:,.0f}",
        ]
        for row in orders.iter_rows(named=True)
    ]
    lines = table_text(header, rows, left=len(header) - 1).splitlines()
    reasons = ["reason", *orders["reason"]]
    return "\n".join(f"{line}  {why}" for line, why in zip(lines, reasons, strict=True))


@contextlib.contextmanager
def _server(arguments: Sequence[str], *, log: Path) -> Iterator[str]:
    """Runs `demandcast serve` on a free port; gives its address."""
    command = [sys.executable, "-P", "-c", "from demandcast.pipeline.cli import main; main()"]
    command += ["serve", *arguments, "--port", "0", "--json", "--quiet"]
    with log.open("a", encoding="utf-8") as errors:
        process = subprocess.Popen(  # noqa: S603 - our own command
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env=dict(os.environ)
        )
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise ServingError(f"the server ended with code {process.wait()}; its log: {log}")
        yield str(json.loads(line)["address"])
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()


def _choose(series: Sequence[Series]) -> list[Series]:
    """Picks the series that sold most, for a table worth reading."""
    by_sales = sorted(series, key=lambda one: -float(np.mean(one[series_example.TARGET])))
    return by_sales[:_SERIES_SHOWN]


def read_series(report: RunReport, spec: SeriesSpec) -> list[Series]:
    """Reads some evaluation examples: histories up to a cutoff, and what was sold after it."""
    import tensorflow as tf

    artifact = report.artifact("SeriesExampleGen", "examples")
    pattern = str(Path(artifact.uri if artifact else "", "Split-eval", "*"))
    files = sorted(tf.io.gfile.glob(pattern))
    records = tf.data.TFRecordDataset(files, compression_type="GZIP").take(_EXAMPLES_READ)
    text = {*spec.static, *spec.known_future.categorical, *spec.observed_past.categorical}
    scalars = {*spec.static, series_example.CUTOFF}
    found: list[Series] = []
    for record in records.as_numpy_iterator():
        features = tf.train.Example.FromString(record).features.feature
        values = {name: _values(feature, name in text) for name, feature in features.items()}
        found.append({k: v[0] if k in scalars else v for k, v in values.items()})
    return found


def _values(feature: Any, is_text: bool) -> list[Any]:
    values = list(getattr(feature, feature.WhichOneof("kind") or "float_list").value)
    return [value.decode("utf-8", "replace") for value in values] if is_text else values
