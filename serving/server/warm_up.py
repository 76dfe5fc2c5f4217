"""Replays the requests that a model brings with it, before anyone else asks it.

They lie in `assets.extra/tf_serving_warmup_requests`: TFRecords of `PredictionLog`, at most
1000, as in TensorFlow Serving. The first call of a signature builds what later calls use.
"""

from __future__ import annotations

from pathlib import Path

from demandcast.schema.artifact_names import MAX_WARMUP_RECORDS, WARMUP_FILE
from demandcast.serving import messages
from demandcast.serving.server.records import read_records
from demandcast.serving.server.servable import Servable
from demandcast.serving.signatures import DEFAULT_SIGNATURE, check_input_names
from demandcast.serving.wire import read_tensor

__all__ = ["WarmUpError", "warm_up"]


class WarmUpError(ValueError):
    """A recorded request is damaged, or the model does not answer it."""


def warm_up(servable: Servable, folder: Path) -> int:
    """Replays the recorded requests of a version.

    Args:
        servable: The version, loaded.
        folder: Where it lies.

    Returns:
        How many were replayed; 0 if it brings none.

    Raises:
        WarmUpError: One of them cannot be read or answered; the version is not fit to serve.
    """
    path = folder / WARMUP_FILE
    if not path.is_file():
        return 0
    replayed = 0
    try:
        for record in read_records(path, at_most=MAX_WARMUP_RECORDS):
            _replay(servable, messages.PredictionLog.FromString(record))
            replayed += 1
    except Exception as error:
        # A damaged record, a signature that is gone, a model that refuses: all mean the same.
        raise WarmUpError(f"warm-up request {replayed} of {path}: {error}") from error
    return replayed


def _replay(servable: Servable, log: messages.PredictionLog) -> None:
    kind = log.WhichOneof("log_type")
    if kind != "predict_log":
        raise ValueError(f"{kind} is not replayed by this server; predict_log is")
    request = log.predict_log.request
    name = request.model_spec.signature_name or DEFAULT_SIGNATURE
    signature = servable.signatures.get(name)
    if signature is None:
        raise ValueError(f'Serving signature key "{name}" not found.')
    check_input_names(signature, request.inputs)
    servable.predict(name, {key: read_tensor(key, proto) for key, proto in request.inputs.items()})
