"""Tiny models with the product's signatures, and servers of them."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

HORIZON = 3
LEVELS = (0.1, 0.5, 0.9)


def save_tiny_model(folder: Path, *, scale: float) -> None:
    """A model whose mean is `scale` times the mean of the observed target, for all steps."""
    import tensorflow as tf

    text, number = tf.string, tf.float32

    class Tiny(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = tf.Variable(scale)

        def answer(self, total: Any, count: Any) -> dict[str, Any]:
            mean = self.scale * tf.math.divide_no_nan(total, count)
            steps = mean[:, tf.newaxis] * tf.ones([1, HORIZON])
            levels = tf.constant(LEVELS)
            return {"mean": steps, "quantiles": steps[..., tf.newaxis] * 2.0 * levels}

        @tf.function(
            input_signature=[
                tf.TensorSpec([None], text, "store"),
                tf.TensorSpec([None], tf.int64, "cutoff"),
                tf.TensorSpec([None, None], number, "target"),
                tf.TensorSpec([None, None], number, "observed_mask"),
                tf.TensorSpec([None, None], number, "in_stock_fraction"),
                tf.TensorSpec([None, None], number, "price"),
                tf.TensorSpec([None, None], text, "promotion"),
                tf.TensorSpec([None, None], number, "weather"),
            ]
        )
        def default(  # noqa: PLR0917 - one per input
            self,
            store: Any,
            cutoff: Any,
            target: Any,
            observed_mask: Any,
            in_stock_fraction: Any,
            price: Any,
            promotion: Any,
            weather: Any,
        ) -> dict[str, Any]:
            del store, cutoff, in_stock_fraction, price, promotion, weather
            return self.answer(
                tf.reduce_sum(target * observed_mask, 1), tf.reduce_sum(observed_mask, 1)
            )

        @tf.function(input_signature=[tf.TensorSpec([None], text, "examples")])
        def from_examples(self, examples: Any) -> dict[str, Any]:
            parsed = tf.io.parse_example(examples, {"target": tf.io.RaggedFeature(number)})
            target = parsed["target"]
            return self.answer(tf.reduce_sum(target, 1), tf.cast(target.row_lengths(), tf.float32))

    model = Tiny()
    tf.saved_model.save(
        model,
        str(folder),
        signatures={"serving_default": model.default, "serving_examples": model.from_examples},
    )


def tiny_inputs(rows: int = 2, periods: int = 4) -> dict[str, np.ndarray]:
    """A request of the tiny model: `target` is 1, 2, 3, ... and all of it observed."""
    target = np.arange(1, rows * periods + 1, dtype=np.float32).reshape(rows, periods)
    return {
        "store": np.array([b"s"] * rows, dtype=object),
        "cutoff": np.full(rows, 20_000, np.int64),
        "target": target,
        "observed_mask": np.ones_like(target),
        "in_stock_fraction": np.ones_like(target),
        "price": np.ones((rows, periods + HORIZON), np.float32),
        "promotion": np.full((rows, periods + HORIZON), b"", dtype=object),
        "weather": np.ones_like(target),
    }


def push(model: Path, directory: Path, version: int) -> Path:
    """Publishes as the product does: written aside, then renamed."""
    directory.mkdir(parents=True, exist_ok=True)
    aside = directory / f".aside-{version}"
    shutil.copytree(model, aside)
    return aside.rename(directory / str(version))


def eventually(condition: Callable[[], bool], *, seconds: float = 30.0) -> None:
    """Waits for a condition, and fails if it does not come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("the condition did not come true in time")
        time.sleep(0.02)


def save_examples_model(folder: Path, *, scale: float) -> None:
    """A model of `tf.Example`s with signatures for Classify and Regress, and one for neither.

    From the feature `x` of an example, `regress` gives `scale` times x, and `classify` the
    classes `low` and `high` with the scores 1 - x and x.
    """
    import tensorflow as tf

    class OfExamples(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = tf.Variable(scale)

        def x(self, examples: Any) -> Any:
            return tf.io.parse_example(examples, {"x": tf.io.FixedLenFeature([], tf.float32)})["x"]

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "inputs")])
        def regress(self, inputs: Any) -> dict[str, Any]:
            return {"outputs": self.scale * self.x(inputs)}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "inputs")])
        def classify(self, inputs: Any) -> dict[str, Any]:
            x = self.x(inputs)
            classes = tf.repeat([["low", "high"]], tf.shape(x)[0], axis=0)
            return {"classes": classes, "scores": tf.stack([1 - x, x], axis=1)}

    model = OfExamples()
    tf.saved_model.save(
        model,
        str(folder),
        signatures={
            "serving_default": model.regress,
            "regress": model.regress,
            "classify": model.classify,
        },
    )
    for name in ("regress", "classify"):
        _set_method(folder / "saved_model.pb", name, f"tensorflow/serving/{name}")


def _set_method(path: Path, signature: str, method: str) -> None:
    """TensorFlow 2 saves each signature for Predict."""
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    saved.meta_graphs[0].signature_def[signature].method_name = method
    path.write_bytes(saved.SerializeToString())
