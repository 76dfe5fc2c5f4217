"""Calls of a server by bytes alone, and a model that needs no TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from demandcast.serving import messages
from demandcast.serving.signatures import Signature, TensorSpec
from demandcast.serving.wire import write_content

PREDICT = "/tensorflow.serving.PredictionService/Predict"
STATUS = "/tensorflow.serving.ModelService/GetModelStatus"


class Doubling:
    """Answers twice its input."""

    version = 1
    signatures: Mapping[str, Signature] = {
        "serving_default": Signature(
            {"x": TensorSpec("DT_FLOAT", (None,))}, {"y": TensorSpec("DT_FLOAT", (None,))}
        )
    }
    signature_defs: Mapping[str, Any] = {}

    def predict(self, signature_name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Twice `x`."""
        del signature_name
        return {"y": inputs["x"] * np.float32(2)}


def predict_bytes(inputs: Mapping[str, Any], *, model: str = "demand") -> bytes:
    """A `PredictRequest`."""
    request = messages.PredictRequest()
    request.model_spec.name = model
    for name, array in inputs.items():
        write_content(request.inputs[name], array)
    return bytes(request.SerializeToString())


def status_bytes(model: str = "demand") -> bytes:
    """A `GetModelStatusRequest`."""
    request = messages.GetModelStatusRequest()
    request.model_spec.name = model
    return bytes(request.SerializeToString())
