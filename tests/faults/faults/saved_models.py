"""Changes of a SavedModel without a training: its weights, its answers, what it says of itself."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

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
    """Changes every floating-point matrix in the file of the weights.

    Args:
        folder: The SavedModel; its graph stays as it is.
        alter: Takes and returns a matrix.
    """
    prefix = str(folder / "variables" / "variables")
    reader = tf.train.load_checkpoint(prefix)
    values = {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}
    changed = {
        name: alter(value) if isinstance(value, np.ndarray) and _is_matrix(value) else value
        for name, value in sorted(values.items())
    }
    tf.raw_ops.SaveV2(
        prefix=prefix,
        tensor_names=list(changed),
        shape_and_slices=[""] * len(changed),
        tensors=[tf.constant(value) for value in changed.values()],
    )


def _is_matrix(value: np.ndarray) -> bool:
    return value.ndim >= 2 and np.issubdtype(value.dtype, np.floating)
