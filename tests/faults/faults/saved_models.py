"""Changes of a SavedModel without a training: its weights, its answers, what it says of itself."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

__all__ = ["Answers", "alter_answers", "alter_weights"]

Answers = Mapping[str, tf.Tensor]
"""`quantiles` [B, H, Q] and `mean` [B, H]."""

_EXTRA = "assets.extra"


class _Altered(tf.Module):
    """Answers what another model answers, altered."""

    def __init__(self, model: tf.Module, alter: Callable[[Answers], Answers]) -> None:
        super().__init__()
        self.model = model
        self._alter = alter

    def signature(self, name: str) -> tf.types.experimental.ConcreteFunction:
        """Makes the altered signature of a name."""
        inner = self.model.signatures[name]
        _, inputs = inner.structured_input_signature

        def serve(**tensors: tf.Tensor) -> Answers:
            return dict(self._alter(inner(**tensors)))

        return tf.function(serve, autograph=False).get_concrete_function(**inputs)


def alter_answers(folder: Path, alter: Callable[[Answers], Answers]) -> None:
    """Puts a layer between a model and its answers.

    Args:
        folder: The SavedModel, which is replaced.
        alter: Takes and returns `quantiles` and `mean`.
    """
    altered = _Altered(tf.saved_model.load(str(folder)), alter)
    aside = folder.with_name(f"{folder.name}.altered")
    signatures = {name: altered.signature(name) for name in altered.model.signatures}
    tf.saved_model.save(altered, str(aside), signatures=signatures)
    shutil.copytree(folder / _EXTRA, aside / _EXTRA)
    shutil.rmtree(folder)
    aside.rename(folder)


def alter_weights(folder: Path, alter: Callable[[np.ndarray], np.ndarray]) -> None:
    """Changes every floating-point matrix among the constants of the graph: the weights.

    Both signatures hold the same weights, and get the same changed ones.

    Args:
        folder: The SavedModel.
        alter: Takes and returns a matrix.
    """
    file = folder / "saved_model.pb"
    model = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    changed: dict[bytes, np.ndarray] = {}
    for function in model.meta_graphs[0].graph_def.library.function:
        for node in function.node_def:
            if node.op != "Const":
                continue
            value = tf.make_ndarray(node.attr["value"].tensor)
            if _is_matrix(value):
                key = value.tobytes()
                if key not in changed:
                    changed[key] = alter(value.copy())
                proto = tf.make_tensor_proto(changed[key], value.dtype, value.shape)
                node.attr["value"].tensor.CopyFrom(proto)
    if not changed:
        raise ValueError(f"{folder} holds no weights to change")
    file.write_bytes(model.SerializeToString())


def _is_matrix(value: np.ndarray) -> bool:
    return value.ndim >= 2 and np.issubdtype(value.dtype, np.floating)
