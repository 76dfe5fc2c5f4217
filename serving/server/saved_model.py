"""Adapter: a TensorFlow SavedModel as a `Servable`, in a session as TensorFlow Serving has it.

A session reads the graph and the weights as a loader without Python does, so what loads here loads
there. A call of its prepared function costs 0.7 ms less of CPU than one of a `tf.function`, which
makes a tensor object of each input and looks at the signature again.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import grpc
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.core.protobuf import config_pb2, saved_model_pb2
from tensorflow.python.saved_model.loader_impl import SavedModelLoader

from demandcast.schema.artifact_names import SAVED_MODEL_FILE
from demandcast.serving.errors import RequestError
from demandcast.serving.signatures import Signature
from demandcast.serving.wire import read_signature

__all__ = ["SavedModel", "load_saved_model"]

SERVING_TAG = "serve"
_NOT_ASKED = ("__saved_model_init_op", "__saved_model_train_op")
"""Entries among the signatures that say how a model is loaded."""
# TensorFlow and gRPC share the canonical codes, number by number.
_STATUS_BY_NUMBER = {code.value[0]: code.name for code in grpc.StatusCode}


class SavedModel:
    """One loaded version. Made by `load_saved_model`."""

    def __init__(self, version: int, session: Any, signature_defs: Mapping[str, Any]) -> None:
        self.version = version
        self.signature_defs = signature_defs
        asked = {name: d for name, d in signature_defs.items() if name not in _NOT_ASKED}
        self.signatures: Mapping[str, Signature] = {
            name: read_signature(definition) for name, definition in asked.items()
        }
        self._calls = {name: _prepared(session, asked[name]) for name in asked}

    def predict(
        self, signature_name: str, inputs: Mapping[str, NDArray[Any]]
    ) -> dict[str, NDArray[Any]]:
        """Runs one signature; see `Servable.predict`."""
        signature = self.signatures[signature_name]
        arrays = [inputs[name] for name in signature.inputs]
        try:
            outputs = self._calls[signature_name](*arrays)
        except tf.errors.OpError as error:
            status = _STATUS_BY_NUMBER.get(error.error_code, "UNKNOWN")
            raise RequestError(status, error.message) from error
        return dict(zip(signature.outputs, outputs, strict=True))


def _prepared(session: Any, signature_def: Any) -> Any:
    """A function of the inputs' arrays, in the order of the signature, to those of the outputs."""
    options = config_pb2.CallableOptions()
    options.feed.extend(info.name for info in signature_def.inputs.values())
    options.fetch.extend(info.name for info in signature_def.outputs.values())
    # `Session.make_callable` would go through `Session.run`: half a millisecond for 15 inputs.
    return session._make_callable_from_options(options)


def load_saved_model(folder: Path, version: int, *, threads: int | None = None) -> SavedModel:
    """Loads a SavedModel with the tag ``serve``.

    Args:
        folder: Where it is.
        version: Its number.
        threads: Of one call; the first model that a process loads decides for all. As many as
            there are cores if not given.

    Raises:
        Exception: Whatever TensorFlow says of files that are broken or missing.
    """
    message = saved_model_pb2.SavedModel()
    message.ParseFromString((folder / SAVED_MODEL_FILE).read_bytes())
    for graph in message.meta_graphs:
        if SERVING_TAG in graph.meta_info_def.tags:
            session = tf.compat.v1.Session(graph=tf.Graph(), config=_session_config(threads))
            SavedModelLoader(str(folder)).load(session, [SERVING_TAG])
            return SavedModel(version, session, dict(graph.signature_def.items()))
    raise ValueError(f"{folder} holds no graph with the tag {SERVING_TAG!r}")


def _session_config(threads: int | None) -> Any:
    config = tf.compat.v1.ConfigProto()
    if threads is not None:
        config.intra_op_parallelism_threads = threads
        # Below 0 for the thread that calls: none has to be woken.
        config.inter_op_parallelism_threads = threads if threads > 1 else -1
    return config
