"""Requests of the contract tests, by the published stubs alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import grpc
import numpy as np
import pytest
from serving_models import HORIZON, LEVELS, tiny_inputs


def fill(spec: Any, name: str, *, version: int | None = None, label: str = "") -> None:
    """Says which model is asked."""
    spec.name = name
    if version is not None:
        spec.version.value = version
    if label:
        spec.version_label = label


def predict_request(
    arrays: Mapping[str, Any],
    *,
    name: str = "demand",
    signature: str = "",
    outputs: Sequence[str] = (),
    **which: Any,
) -> Any:
    """A `PredictRequest`, written as TensorFlow writes tensors."""
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2

    request = predict_pb2.PredictRequest(output_filter=outputs)
    request.model_spec.signature_name = signature
    fill(request.model_spec, name, **which)
    for key, array in arrays.items():
        request.inputs[key].CopyFrom(tf.make_tensor_proto(array))
    return request


def metadata_request(
    name: str = "demand", *, fields: Sequence[str] = ("signature_def",), **which: Any
) -> Any:
    """A `GetModelMetadataRequest`."""
    from tensorflow_serving.apis import get_model_metadata_pb2

    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=fields)
    fill(request.model_spec, name, **which)
    return request


def status_request(name: str = "demand", **which: Any) -> Any:
    """A `GetModelStatusRequest`."""
    from tensorflow_serving.apis import get_model_status_pb2

    request = get_model_status_pb2.GetModelStatusRequest()
    fill(request.model_spec, name, **which)
    return request


def states(stub: Any, name: str) -> dict[int, str]:
    """State of each version of a model; empty if there is no such model."""
    from tensorflow_serving.apis import get_model_status_pb2

    names = get_model_status_pb2.ModelVersionStatus.State
    try:
        found = stub.GetModelStatus(status_request(name), timeout=20)
    except grpc.RpcError as error:
        if error.code() is not grpc.StatusCode.NOT_FOUND:
            raise
        return {}
    return {one.version: names.Name(one.state) for one in found.model_version_status}


def refusal(call: Any, request: Any) -> tuple[str, str]:
    """Status and details of a call that is refused."""
    with pytest.raises(grpc.RpcError) as caught:
        call(request, timeout=20)
    return caught.value.code().name, caught.value.details()


def means(rows: int, periods: int) -> Any:
    """What the model `demand` answers to `tiny_inputs`. Shape [B, H]."""
    target = tiny_inputs(rows, periods)["target"]
    return np.repeat(target.mean(axis=1, keepdims=True), HORIZON, axis=1)


def check_answer(response: Any, mean: Any) -> None:
    """Checks both outputs of a tiny model."""
    import tensorflow as tf

    assert set(response.outputs) == {"mean", "quantiles"}
    np.testing.assert_allclose(tf.make_ndarray(response.outputs["mean"]), mean, rtol=1e-6)
    np.testing.assert_allclose(
        tf.make_ndarray(response.outputs["quantiles"]),
        mean[..., np.newaxis] * 2 * np.array(LEVELS),
        rtol=1e-6,
    )
