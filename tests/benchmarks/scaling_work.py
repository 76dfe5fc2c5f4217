"""One measured piece of work in a process of its own; `scaling.py` calls it.

    python tests/benchmarks/scaling_work.py NAME demand.yaml run.json

`forecast` is ours, the others are references. Imports are not counted, nor what a reference
does to get ready: a pipeline pays them once.
"""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl

from demandcast.pipeline.memory import peak_memory_bytes, reset_peak_memory
from demandcast.pipeline.reports import RunReport, read_report
from demandcast.schema.config import RunConfig, load_config

_BATCHES = 20
_TIMES = 5
"""How often a short reference is repeated."""

Spent = dict[str, float]


@contextlib.contextmanager
def _measured() -> Iterator[Spent]:
    """Measures what is done inside: wall time and CPU in seconds, peak memory in bytes."""
    spent: Spent = {}
    reset_peak_memory()
    wall, cpu = time.perf_counter(), time.process_time()
    yield spent
    spent |= {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    spent["memory"] = peak_memory_bytes()


def forecast(config: RunConfig, report: RunReport) -> tuple[int, Spent]:
    """The batch forecast of all series, from tables to the forecast table."""
    from demandcast.pipeline.batch_forecast import forecast_batch

    output = Path(report.log).with_name("forecast")
    with _measured() as spent:
        summary = forecast_batch(config, output=output, cutoff=None, formats=["parquet"])
    return summary.series, spent


def table_pass(config: RunConfig, _: RunReport) -> tuple[int, Spent]:
    """Polars: the sales table joined and sorted, a row of lists per series, as Parquet."""
    key = list(config.data.columns.series_key)
    with tempfile.TemporaryDirectory() as folder, _measured() as spent:
        for _ in range(_TIMES):
            table = _joined(config).sort([*key, config.data.columns.timestamp])
            table.group_by(key).agg(pl.all()).write_parquet(Path(folder) / "series.parquet")
    return table.height * _TIMES, spent


def describe(config: RunConfig, _: RunReport) -> tuple[int, Spent]:
    """Polars: moments, quartiles and ten bins of each number, counts of each category."""
    table = _joined(config)
    with _measured() as spent:
        for _ in range(_TIMES):
            _describe(table)
    return table.height * _TIMES, spent


def bare_graph(config: RunConfig, report: RunReport) -> tuple[int, Spent]:
    """TensorFlow: the graph that Transform made, applied to the same files, without Beam."""
    import tensorflow as tf

    files = sorted(Path(_uri(report, "SeriesExampleGen", "examples")).glob("Split-*/*.gz"))
    output = _transform_output(report)
    layer, spec = output.transform_features_layer(), output.raw_feature_spec()
    apply = tf.function(
        lambda records: layer(tf.io.parse_example(records, spec)),
        input_signature=[tf.TensorSpec([None], tf.string)],
        autograph=False,
    )

    def batches(paths: list[Path]) -> Any:
        return tf.data.TFRecordDataset([str(path) for path in paths], "GZIP").batch(100)

    apply(next(iter(batches(files))))
    with _measured() as spent:
        for batch in batches(files):
            apply(batch)
    return _rows(config), spent


def bare_training(config: RunConfig, report: RunReport) -> tuple[int, Spent]:
    """Keras: two LSTMs of our sizes and a dense layer learn random numbers held in memory."""
    model, past, future = _bare_network(config, report)
    windows = _BATCHES * config.training.batch_size
    inputs, target = _random(windows, past, future)
    model.compile("adam", "mse")
    batch = config.training.batch_size
    model.fit(inputs, target, batch_size=batch, verbose=0)
    with _measured() as spent:
        model.fit(inputs, target, batch_size=batch, epochs=_TIMES, verbose=0)
    return windows * _TIMES, spent


def bare_inference(config: RunConfig, report: RunReport) -> tuple[int, Spent]:
    """Keras: the same network forecasts random numbers held in memory."""
    model, past, future = _bare_network(config, report)
    series = _BATCHES * config.training.batch_size
    inputs, _ = _random(series, past, future)
    model.predict(inputs, batch_size=config.training.batch_size, verbose=0)
    with _measured() as spent:
        for _ in range(_TIMES):
            model.predict(inputs, batch_size=config.training.batch_size, verbose=0)
    return series * _TIMES, spent


def _describe(table: pl.DataFrame) -> None:
    table.describe()
    for name, kind in table.schema.items():
        if kind.is_numeric():
            table[name].drop_nulls().hist(bin_count=10)
        else:
            table[name].value_counts(sort=True)


def _joined(config: RunConfig) -> pl.DataFrame:
    data = config.data
    table = pl.read_parquet(data.sales)
    for other in data.static_tables:
        table = table.join(pl.read_parquet(other.path), on=list(other.on), how="left")
    if data.calendar is not None:
        table = table.join(
            pl.read_parquet(data.calendar.path), on=list(data.calendar.on), how="left"
        )
    columns = data.columns
    return table.select(
        *columns.series_key, columns.timestamp, columns.target, *columns.static,
        *columns.known_future.numeric, *columns.known_future.categorical,
        *columns.observed_past.numeric, *columns.observed_past.categorical,
        *([columns.availability.column] if columns.availability else []),
    )  # fmt: skip


def _rows(config: RunConfig) -> int:
    return int(pl.scan_parquet(config.data.sales).select(pl.len()).collect().item())


def _uri(report: RunReport, stage: str, output: str) -> str:
    found = report.artifact(stage, output)
    if found is None:
        sys.exit(f"the run has no {output} of {stage}")
    return found.uri


def _transform_output(report: RunReport) -> Any:
    import tensorflow_transform as tft

    return tft.TFTransformOutput(_uri(report, "Transform", "transform_graph"))


def _bare_network(
    config: RunConfig, report: RunReport
) -> tuple[Any, tuple[int, ...], tuple[int, ...]]:
    """An encoder and a decoder as wide and long as ours, and nothing else of ours."""
    import keras

    from demandcast.components.forecasting.job import TrainingJob
    from demandcast.components.forecasting.windows import Windows

    examples = Path(_uri(report, "Transform", "transformed_examples"))
    files = tuple(map(str, sorted(examples.glob("Split-train/*.gz"))))
    windows = Windows(config.series, config.features)
    ours = TrainingJob(windows, _transform_output(report), files, files).build(config.network)
    past, future = (
        ours.get_layer(name).output.shape[1:] for name in ("past", "future")
    )  # After embedding.
    encoder_input, decoder_input = keras.Input(past), keras.Input(future)
    _, *state = keras.layers.LSTM(config.network.units, return_state=True)(encoder_input)
    decoded = keras.layers.LSTM(config.network.units, return_sequences=True)(
        decoder_input, initial_state=state
    )
    forecasts = keras.layers.Dense(len(config.forecast.quantile_levels) + 1)(decoded)
    return keras.Model([encoder_input, decoder_input], forecasts), past, future


def _random(windows: int, past: tuple[int, ...], future: tuple[int, ...]) -> tuple[list[Any], Any]:
    import numpy as np

    generator = np.random.default_rng(17)
    inputs = [
        generator.standard_normal((windows, *shape), dtype=np.float32) for shape in (past, future)
    ]
    return inputs, generator.standard_normal((windows, future[0], 1), dtype=np.float32)


_WORK: dict[str, Callable[[RunConfig, RunReport], tuple[int, Spent]]] = {
    "forecast": forecast,
    "table-pass": table_pass,
    "describe": describe,
    "bare-graph": bare_graph,
    "bare-training": bare_training,
    "bare-inference": bare_inference,
}


def main() -> None:
    name, config_file, report_file = sys.argv[1:]
    amount, spent = _WORK[name](load_config(config_file), read_report(Path(report_file)))
    print(json.dumps({"amount": amount, **spent}))


if __name__ == "__main__":
    main()
