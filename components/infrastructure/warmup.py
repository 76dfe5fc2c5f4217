"""The warm-up of a model: requests that a server runs before a version is available.

TensorFlow Serving reads them from a file of the version's own folder, up to 1,000. Without them
the first real requests wait for what TensorFlow does once: placing and optimising the graph.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from demandcast.schema.artifact_names import MAX_WARMUP_RECORDS, WARMUP_FILE

__all__ = ["read_warmup", "write_warmup"]


def write_warmup(folder: str, requests: Sequence[predict_pb2.PredictRequest]) -> None:
    """Writes the warm-up of a SavedModel.

    Args:
        folder: Folder of its `saved_model.pb`, on this machine.
        requests: In the order in which they are to run.

    Raises:
        ValueError: There are more than a server takes.
    """
    if len(requests) > MAX_WARMUP_RECORDS:
        raise ValueError(f"{len(requests)} warm-up requests; at most {MAX_WARMUP_RECORDS} are read")
    path = os.path.join(folder, WARMUP_FILE)  # noqa: PTH118 - TensorFlow takes text
    tf.io.gfile.makedirs(os.path.dirname(path))  # noqa: PTH120
    with tf.io.TFRecordWriter(path) as file:
        for request in requests:
            log = prediction_log_pb2.PredictionLog()
            log.predict_log.request.CopyFrom(request)
            file.write(log.SerializeToString())


def read_warmup(folder: str) -> Iterable[predict_pb2.PredictRequest]:
    """Reads the warm-up of a SavedModel back."""
    path = os.path.join(folder, WARMUP_FILE)  # noqa: PTH118
    for record in tf.data.TFRecordDataset(path):
        yield prediction_log_pb2.PredictionLog.FromString(record.numpy()).predict_log.request
