"""Calls without a transport: what they hold, how answers are read, how long a wait lasts."""

import numpy as np
import pytest

from demandcast.serving import messages
from demandcast.serving.client.calls import (
    ModelChoice,
    Waiting,
    metadata_call,
    predict_call,
    read_statuses,
    status_call,
)
from demandcast.serving.errors import CallError
from demandcast.serving.version_status import VersionState, VersionStatus


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ModelChoice("m"), {"name": "m"}),
        (ModelChoice("m", version=0), {"name": "m", "version": {"value": 0}}),
        (ModelChoice("m", version_label="stable"), {"name": "m", "version_label": "stable"}),
    ],
)
def test_the_choice_of_a_model(choice, expected):
    spec = messages.ModelSpec()
    choice.write(spec)
    assert spec == messages.ModelSpec(**expected)


def test_a_prediction():
    call = predict_call(
        ModelChoice("m", 3),
        {"x": np.array([[1.0, 2.0]], np.float32), "s": ["ü"]},
        signature_name="other",
        outputs=["y"],
    )
    assert call.method.path == "/tensorflow.serving.PredictionService/Predict"
    assert call.request.model_spec.signature_name == "other"
    assert list(call.request.output_filter) == ["y"]
    # Two floats, little-endian.
    assert call.request.inputs["x"].tensor_content == b"\x00\x00\x80\x3f\x00\x00\x00\x40"
    assert list(call.request.inputs["s"].string_val) == ["ü".encode()]


def test_answers_that_cannot_be_read_are_errors_of_the_call():
    call = predict_call(ModelChoice("m"), {}, signature_name="s", outputs=())
    response = messages.PredictResponse()
    response.outputs["y"].dtype = messages.DATA_TYPES["DT_QINT8"]
    with pytest.raises(CallError, match=r"INTERNAL: Predict of here was answered: .*: y: dtype 11"):
        call.result(response, where="here")


def test_metadata():
    response = messages.GetModelMetadataResponse()
    response.model_spec.version.value = 7
    found = messages.SignatureDefMap()
    found.signature_def["s"].inputs["x"].dtype = messages.DATA_TYPES["DT_FLOAT"]
    response.metadata["signature_def"].Pack(found)
    call = metadata_call(ModelChoice("m"))
    assert list(call.request.metadata_field) == ["signature_def"]
    metadata = call.result(response, where="here")
    assert metadata.version == 7
    assert str(metadata.signatures["s"].inputs["x"]) == "DT_FLOAT []"


def test_states_are_sorted_and_strange_ones_unknown():
    response = messages.GetModelStatusResponse()
    response.model_version_status.add(version=2, state=30)
    response.model_version_status.add(version=1, state=35, status={"error_message": "odd"})
    assert read_statuses(response) == [
        VersionStatus(1, VersionState.UNKNOWN, "odd"),
        VersionStatus(2, VersionState.AVAILABLE),
    ]
    assert status_call(ModelChoice("m")).method.path.endswith("ModelService/GetModelStatus")


def test_a_wait_ends_with_what_was_seen_last():
    now = [0.0]
    waiting = Waiting("m on a", 5.0, clock=lambda: now[0])
    assert waiting.remaining_seconds() == 5.0
    assert waiting.see([VersionStatus(1, VersionState.LOADING)]) is None
    now[0] = 4.0
    assert waiting.remaining_seconds() == 1.0
    now[0] = 5.0
    with pytest.raises(CallError, match=r"no version of m on a .* 5\.0 s; last seen: 1 LOADING$"):
        waiting.remaining_seconds()
    waiting.see_error(CallError("UNAVAILABLE", "gone"))
    with pytest.raises(CallError, match="last seen: UNAVAILABLE: gone"):
        waiting.remaining_seconds()


def test_the_newest_version_in_service_is_the_one():
    waiting = Waiting("m", 1.0)
    states = [VersionState.AVAILABLE, VersionState.AVAILABLE, VersionState.LOADING]
    assert waiting.see([VersionStatus(n, state) for n, state in enumerate(states)]) == 1
