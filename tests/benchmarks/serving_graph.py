"""CPU time of the exported graph in this process, without a server around it.

    python tests/benchmarks/serving_graph.py --model runs/serving [--reference its/folder]

With one thread for all, so that CPU time is what a request costs. Both models are called in turn:
what disturbs the machine disturbs both, and the ratio stays.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from demandcast.schema.artifact_names import SAVED_MODEL_FILE
from demandcast.schema.config.series import SeriesSpec
from demandcast.schema.model_series import MODEL_SERIES_FILE
from demandcast.serving.server.saved_model import SavedModel, load_saved_model

SIGNATURE = "serving_default"
ROUNDS = 15
SECONDS_PER_ROUND = 0.1
NOT_RUN = ("Const", "Placeholder", "NoOp", "VarHandleOp")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="SavedModel, or its versions")
    parser.add_argument("--reference", type=Path, help="SavedModel to compare with")
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 16, 64])
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    folders = {"model": newest(options.model)}
    if options.reference:
        folders["reference"] = newest(options.reference)
    models = {name: load_saved_model(folder, 1) for name, folder in folders.items()}
    for name, folder in folders.items():
        first, operations = first_call(models[name], folder), operations_run(folder)
        print(f"{name:9}  {operations:5,} operations, first call {first:.1f} s, {folder}")
    print(f"\n{'rows':>4}  " + "".join(f"{name:>15}" for name in models) + "    ratio")
    for rows in options.rows:
        print(line(rows, cpu_milliseconds(models, folders, rows=rows)), flush=True)


def line(rows: int, milliseconds: dict[str, float]) -> str:
    cells = "".join(f"{value:12.2f} ms" for value in milliseconds.values())
    ratio = milliseconds["model"] / milliseconds.get("reference", float("nan"))
    return f"{rows:4}  {cells}    " + (f"{ratio:5.2f}" if "reference" in milliseconds else "")


def newest(folder: Path) -> Path:
    """The folder itself if it holds a model, else that of its newest version."""
    if (folder / SAVED_MODEL_FILE).exists():
        return folder
    return max(
        folder.glob(f"[0-9]*/{SAVED_MODEL_FILE}"), key=lambda path: int(path.parent.name)
    ).parent


def first_call(model: SavedModel, folder: Path) -> float:
    """Seconds of the first answer: TensorFlow optimizes the graph then."""
    begin = time.perf_counter()
    model.predict(SIGNATURE, example(model, folder, rows=1))
    return time.perf_counter() - begin


def cpu_milliseconds(
    models: dict[str, SavedModel], folders: dict[str, Path], *, rows: int
) -> dict[str, float]:
    """Least CPU time of a call, over rounds in which each model has its turn."""
    requests = {name: example(models[name], folders[name], rows=rows) for name in models}
    calls: dict[str, int] = {}
    for name, model in models.items():
        begin = time.process_time()
        model.predict(SIGNATURE, requests[name])
        calls[name] = max(1, int(SECONDS_PER_ROUND / max(time.process_time() - begin, 1e-4)))
    best = dict.fromkeys(models, float("inf"))
    for _ in range(ROUNDS):
        for name, model in models.items():
            begin = time.process_time()
            for _ in range(calls[name]):
                model.predict(SIGNATURE, requests[name])
            spent = 1000 * (time.process_time() - begin) / calls[name]
            best[name] = min(best[name], spent)
    return best


def example(model: SavedModel, folder: Path, *, rows: int) -> dict[str, np.ndarray]:
    """A request for series as long as the model's context, observed throughout."""
    series = SeriesSpec.model_validate_json((folder / MODEL_SERIES_FILE).read_text("utf-8"))
    context, horizon = series.forecast.context_length, series.forecast.horizon
    ahead = dict.fromkeys(series.known_future.names, context + horizon)
    kinds = {"DT_FLOAT": np.float32, "DT_INT64": np.int64}
    request = {}
    for name, spec in model.signatures[SIGNATURE].inputs.items():
        shape = (rows, ahead.get(name, context))[: len(spec.shape)]
        request[name] = (
            np.full(shape, b"x", object)
            if spec.dtype == "DT_STRING"
            else np.ones(shape, kinds[spec.dtype])
        )
    return request


def operations_run(folder: Path) -> int:
    """Operations of one call: of the functions of the signature, as saved, loops counted once."""
    found = tf.saved_model.load(str(folder)).signatures[SIGNATURE]
    graph = found.graph.as_graph_def()
    library = {function.signature.name: function.node_def for function in graph.library.function}

    def count(nodes: object) -> int:
        total = 0
        for node in nodes:
            called = [value.func.name for value in node.attr.values() if value.HasField("func")]
            total += node.op not in NOT_RUN
            total += sum(count(library[name]) for name in called if name in library)
        return total

    return count(graph.node)


if __name__ == "__main__":
    main()
