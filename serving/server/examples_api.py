"""Classify and Regress: `tf.Example`s in, classes or numbers out.

Demand models have no such signatures; others in the same server may. Statuses and wording are
those of TensorFlow Serving's `classifier.cc` and `regressor.cc`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from demandcast.serving import messages
from demandcast.serving.errors import RequestError
from demandcast.serving.server.servable import Servable
from demandcast.serving.signatures import DEFAULT_SIGNATURE
from demandcast.serving.wire import numpy_dtype

__all__ = [
    "CLASSIFY",
    "REGRESS",
    "check_method",
    "classifications",
    "regressions",
    "serialized_examples",
]

CLASSIFY = "tensorflow/serving/classify"
REGRESS = "tensorflow/serving/regress"
INPUTS = "inputs"
"""The only input of such a signature."""

_KIND = {CLASSIFY: "classification", REGRESS: "regression"}
_OUTPUTS = {CLASSIFY: ("classes", "scores"), REGRESS: ("outputs",)}

Outputs = Mapping[str, NDArray[Any]]


def check_method(servable: Servable, signature: str, method: str) -> str:
    """Checks that a signature is made for a method; returns its name.

    Raises:
        RequestError: INVALID_ARGUMENT; there is no such signature, or it is for another method.
    """
    name = signature or DEFAULT_SIGNATURE
    found = servable.signature_defs.get(name)
    if found is None:
        raise _refused(f"No signature was found with the name: {name}")
    kind = _KIND[method]
    if found.method_name != method:
        raise _refused(
            f"Expected {kind} signature method_name to be {method}. Was: {found.method_name}"
        )
    if len(found.inputs) != 1:
        raise _refused("Expected one input Tensor.")
    if INPUTS not in found.inputs:
        raise _refused(f"No {kind} inputs found in SignatureDef: {name}")
    allowed = _OUTPUTS[method]
    if not set(found.outputs) <= set(allowed) or not found.outputs:
        wanted = " or ".join(f'"{output}"' for output in allowed)
        raise _refused(f"Expected {kind} signature outputs to contain at least one of {wanted}.")
    return name


def serialized_examples(request_input: Any) -> dict[str, NDArray[Any]]:
    """Makes the input of the signature of an `Input`; a shared context is put into each example.

    A feature that an example holds itself wins over that of the context.

    Raises:
        RequestError: INVALID_ARGUMENT; there is no example.
    """
    kind = request_input.WhichOneof("kind")
    examples: list[Any] = []
    if kind == "example_list":
        examples = list(request_input.example_list.examples)
    elif kind == "example_list_with_context":
        examples = [
            _with_context(example, request_input.example_list_with_context.context)
            for example in request_input.example_list_with_context.examples
        ]
    if not examples:
        raise _refused("Input is empty.")
    array = np.empty(len(examples), dtype=object)
    array[:] = [example.SerializeToString() for example in examples]
    return {INPUTS: array}


def classifications(outputs: Outputs, *, rows: int) -> Any:
    """Writes a `ClassificationResult`.

    Args:
        outputs: `classes` (text) or `scores` (float), or both. Shape [B, K].
        rows: B, the number of examples.

    Raises:
        RequestError: INVALID_ARGUMENT; the model's outputs are not of such a shape.
    """
    for name, array in outputs.items():
        _check_dtype(name, array, "DT_STRING" if name == "classes" else "DT_FLOAT")
        if array.ndim != 2:
            raise _refused(
                f"Expected Tensor shape: [batch_size num_classes] but got {list(array.shape)}"
            )
        if len(array) != rows:
            raise _refused(f"Expected {name} output batch size of {rows}. Got: {len(array)}")
    if len({array.shape for array in outputs.values()}) != 1:
        sizes = " vs. ".join(str(array.shape[1]) for array in outputs.values())
        raise _refused(f"Tensors class and score should match in dim_size(1). Got {sizes}")
    result = messages.ClassificationResult()
    labels, scores = outputs.get("classes"), outputs.get("scores")
    for row in range(rows):
        classes = result.classifications.add().classes
        for column in range(next(iter(outputs.values())).shape[1]):
            one = classes.add()
            if labels is not None:
                one.label = labels[row, column].decode("utf-8", "replace")
            if scores is not None:
                one.score = float(scores[row, column])
    return result


def regressions(outputs: Outputs, *, rows: int) -> Any:
    """Writes a `RegressionResult`.

    Args:
        outputs: `outputs`, float. Shape [B] or [B, 1].
        rows: B, the number of examples.

    Raises:
        RequestError: INVALID_ARGUMENT; the model's output is not of such a shape.
    """
    array = outputs["outputs"]
    _check_dtype("output", array, "DT_FLOAT")
    if array.shape not in {(rows,), (rows, 1)}:
        raise _refused(
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got "
            f"{list(array.shape)}"
        )
    result = messages.RegressionResult()
    for value in array.reshape(-1).tolist():
        result.regressions.add(value=value)
    return result


def _with_context(example: Any, context: Any) -> Any:
    merged = messages.Example()
    merged.CopyFrom(context)
    for name, feature in example.features.feature.items():
        merged.features.feature[name].CopyFrom(feature)
    return merged


def _check_dtype(name: str, array: NDArray[Any], wanted: str) -> None:
    if array.dtype != numpy_dtype(wanted):
        raise _refused(f"Expected {name} Tensor of {wanted}. Got: {array.dtype}")


def _refused(message: str) -> RequestError:
    return RequestError("INVALID_ARGUMENT", message)
