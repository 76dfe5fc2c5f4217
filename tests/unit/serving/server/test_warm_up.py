"""Recorded requests are replayed before a version comes into service."""

import numpy as np
import pytest

from demandcast.schema.artifact_names import MAX_WARMUP_RECORDS, WARMUP_FILE
from demandcast.serving import messages
from demandcast.serving.errors import RequestError
from demandcast.serving.server.records import encode_record
from demandcast.serving.server.warm_up import WarmUpError, warm_up
from demandcast.serving.signatures import Signature, TensorSpec
from demandcast.serving.wire import write_content, write_typed

ROWS = TensorSpec("DT_FLOAT", (None,))


class Servable:
    """Remembers what it was asked; refuses negative numbers."""

    version = 1
    signatures = {  # noqa: RUF012
        name: Signature({"x": ROWS}, {"y": ROWS}) for name in ("serving_default", "other")
    }
    signature_defs = {}  # noqa: RUF012

    def __init__(self):
        self.asked = []

    def predict(self, signature_name, inputs):
        if (inputs["x"] < 0).any():
            raise RequestError("INVALID_ARGUMENT", "negative")
        self.asked.append((signature_name, inputs["x"].tolist()))
        return {"y": inputs["x"]}


def record(value, *, signature="", name="x", write=write_content):
    log = messages.PredictionLog()
    log.predict_log.request.model_spec.signature_name = signature
    write(log.predict_log.request.inputs[name], np.array([value], np.float32))
    return log.SerializeToString()


def write(folder, *records):
    path = folder / WARMUP_FILE
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"".join(map(encode_record, records)))
    return path


def test_without_a_file_there_is_nothing_to_do(tmp_path):
    assert warm_up(Servable(), tmp_path) == 0
    assert WARMUP_FILE == "assets.extra/tf_serving_warmup_requests"


def test_replays_all_in_order(tmp_path):
    servable = Servable()
    write(tmp_path, record(1), record(2, signature="other", write=write_typed), record(3))
    assert warm_up(servable, tmp_path) == 3
    assert servable.asked == [("serving_default", [1]), ("other", [2]), ("serving_default", [3])]


def test_replays_no_more_than_so_many(tmp_path):
    servable = Servable()
    write(tmp_path, *[record(1)] * (MAX_WARMUP_RECORDS + 1))
    assert warm_up(servable, tmp_path) == len(servable.asked) == MAX_WARMUP_RECORDS == 1000


def classify():
    log = messages.PredictionLog()
    log.classify_log.request.model_spec.name = "m"
    return log.SerializeToString()


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (record(-1), "negative"),
        (record(1, signature="s"), 'Serving signature key "s" not found'),
        (record(1, name="z"), "input tensor alias not found in signature: z"),
        (classify(), "classify_log is not replayed by this server; predict_log is"),
        (b"\xff\xff", "parsing"),
        (b"", "None is not replayed"),
    ],
    ids=["refused", "signature", "input", "other call", "no message", "nothing"],
)
def test_one_bad_request_makes_the_version_unfit(tmp_path, bad, message):
    path = write(tmp_path, record(1), bad)
    with pytest.raises(WarmUpError, match=f"warm-up request 1 of {path}: .*{message}"):
        warm_up(Servable(), tmp_path)


def test_a_damaged_file_makes_the_version_unfit(tmp_path):
    path = write(tmp_path, record(1))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(WarmUpError, match=r"warm-up request 0 .*record 0 at byte 0 is damaged"):
        warm_up(Servable(), tmp_path)


@pytest.mark.slow
def test_replays_what_tensorflow_recorded(tmp_path):
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

    request = predict_pb2.PredictRequest()
    request.inputs["x"].CopyFrom(tf.make_tensor_proto(np.array([5], np.float32)))
    (tmp_path / WARMUP_FILE).parent.mkdir()
    with tf.io.TFRecordWriter(str(tmp_path / WARMUP_FILE)) as writer:
        log = prediction_log_pb2.PredictLog(request=request)
        writer.write(prediction_log_pb2.PredictionLog(predict_log=log).SerializeToString())
    servable = Servable()
    assert warm_up(servable, tmp_path) == 1
    assert servable.asked == [("serving_default", [5])]
