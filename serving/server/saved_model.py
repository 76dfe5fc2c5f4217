"""Adapter: a TensorFlow SavedModel as a `Servable`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import grpc
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.core.protobuf import saved_model_pb2

from demandcast.schema.artifact_names import SAVED_MODEL_FILE
from demandcast.serving.errors import RequestError
from demandcast.serving.signatures import Signature
from demandcast.serving.wire import read_signature

__all__ = ["SavedModel", "limit_threads", "load_saved_model"]

logger = logging.getLogger(__name__)

SERVING_TAG = "serve"
# TensorFlow and gRPC share the canonical codes, number by number.
_STATUS_BY_NUMBER = {code.value[0]: code.name for code in grpc.StatusCode}


class SavedModel:
    """One loaded version. Made by `load_saved_model`."""

    def __init__(self, version: int, loaded: Any, signature_defs: Mapping[str, Any]) -> None:
        self.version = version
        self.signature_defs = signature_defs
        # The functions live as long as the object they were loaded with.
        self._loaded = loaded
        self._functions = dict(loaded.signatures)
        self.signatures: Mapping[str, Signature] = {
            name: read_signature(signature_defs[name]) for name in self._functions
        }

    def predict(
        self, signature_name: str, inputs: Mapping[str, NDArray[Any]]
    ) -> dict[str, NDArray[Any]]:
        """Runs one signature; see `Servable.predict`."""
        try:
            outputs = self._functions[signature_name](**_tensors(inputs))
            return {name: tensor.numpy() for name, tensor in outputs.items()}
        except tf.errors.OpError as error:
            status = _STATUS_BY_NUMBER.get(error.error_code, "UNKNOWN")
            raise RequestError(status, error.message) from error


def _tensors(inputs: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """Makes tensors of arrays.

    Not by `tf.constant`: it loses 340 bytes for each tensor that it makes (TensorFlow 2.16), which
    would be 27 MB for 10,000 requests. An operation makes its own of what it is given.
    """
    if not inputs:
        return {}
    return dict(zip(inputs, tf.raw_ops.IdentityN(input=list(inputs.values())), strict=True))


def load_saved_model(folder: Path, version: int) -> SavedModel:
    """Loads a SavedModel with the tag ``serve``.

    Raises:
        Exception: Whatever TensorFlow says of files that are broken or missing.
    """
    message = saved_model_pb2.SavedModel()
    message.ParseFromString((folder / SAVED_MODEL_FILE).read_bytes())
    for graph in message.meta_graphs:
        if SERVING_TAG in graph.meta_info_def.tags:
            loaded = tf.saved_model.load(str(folder), tags=[SERVING_TAG])
            return SavedModel(version, loaded, dict(graph.signature_def.items()))
    raise ValueError(f"{folder} holds no graph with the tag {SERVING_TAG!r}")


def limit_threads(threads: int) -> None:
    """Limits the threads of one call, for the whole process; before it computes anything."""
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError as error:
        # Something in this process has used TensorFlow already; its threads are started.
        logger.debug("Threads stay as they are: %s", error)
