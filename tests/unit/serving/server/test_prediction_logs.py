"""A log for each model that has one; the records are TensorFlow Serving's."""

import logging

import numpy as np
import pytest

from demandcast.serving import messages
from demandcast.serving.server.config import PredictionLogConfig
from demandcast.serving.server.prediction_logs import PredictionLogs
from demandcast.serving.server.records import read_records
from demandcast.serving.wire import write_content, write_typed


@pytest.fixture
def pair():
    """Bytes of a request and of its answer."""
    request, response = messages.PredictRequest(), messages.PredictResponse()
    request.model_spec.name = response.model_spec.name = "demand"
    response.model_spec.version.value = 7
    write_content(request.inputs["x"], np.arange(3, dtype=np.float32))
    write_typed(response.outputs["y"], np.arange(3, dtype=np.float32))
    return request.SerializeToString(), response.SerializeToString()


def kept(directory):
    return [
        messages.PredictionLog.FromString(record)
        for path in sorted(directory.glob("*.tfrecord"))
        for record in read_records(path)
    ]


def test_a_record_holds_request_answer_and_rate(tmp_path, pair):
    config = PredictionLogConfig(directory=tmp_path)
    logs = PredictionLogs(lambda model: config)
    logs.offer("demand", *pair)
    logs.close(10)
    (log,) = kept(tmp_path)
    assert log.predict_log.request.SerializeToString() == pair[0]
    assert log.predict_log.response == messages.PredictResponse.FromString(pair[1])
    assert log.log_metadata.model_spec.version.value == 7
    assert log.log_metadata.sampling_config.sampling_rate == 1.0
    assert (logs.written, logs.dropped) == (1, 0)


@pytest.mark.slow
def test_the_published_stubs_read_it(tmp_path, pair):
    from tensorflow_serving.apis import prediction_log_pb2

    logs = PredictionLogs(lambda model: PredictionLogConfig(directory=tmp_path))
    logs.offer("demand", *pair)
    logs.close(10)
    (path,) = tmp_path.iterdir()
    (record,) = read_records(path)
    log = prediction_log_pb2.PredictionLog.FromString(record)
    assert log.WhichOneof("log_type") == "predict_log"
    assert list(log.predict_log.response.outputs["y"].float_val) == [0, 1, 2]


def test_each_model_has_its_own(tmp_path, pair):
    configs = {
        "a": PredictionLogConfig(directory=tmp_path / "a"),
        "b/c": PredictionLogConfig(directory=tmp_path / "b"),
        "never": PredictionLogConfig(directory=tmp_path / "never", sampling_rate=0),
        "none": PredictionLogConfig(),
    }
    logs = PredictionLogs(configs.__getitem__)
    assert [logs.wants(model) for model in configs] == [True, True, False, False]
    for model in configs:
        logs.offer(model, *pair)
    logs.close(10)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
    assert logs.written == 2


def test_two_models_whose_names_begin_alike_share_a_directory(tmp_path, pair):
    config = PredictionLogConfig(directory=tmp_path)
    logs = PredictionLogs(lambda model: config)
    for model in ("demand-eu", "demand", "demand-eu", "demand"):
        logs.offer(model, *pair)
    logs.close(10)
    assert (len(kept(tmp_path)), logs.written, logs.dropped) == (4, 4, 0)


def test_bounds_that_change_begin_a_new_log_and_the_old_one_is_closed_too(tmp_path, pair):
    configs = [PredictionLogConfig(directory=tmp_path)]
    logs = PredictionLogs(lambda model: configs[-1])
    logs.offer("demand", *pair)
    configs.append(PredictionLogConfig(directory=tmp_path, max_file_bytes=10))
    logs.offer("demand", *pair)
    logs.close(10)
    assert (len(kept(tmp_path)), logs.written, logs.dropped) == (2, 2, 0)
    assert list(tmp_path.glob("*.open")) == []


def test_a_directory_that_cannot_be_made_is_said_and_each_record_is_counted(tmp_path, pair, caplog):
    (tmp_path / "file").touch()
    config = PredictionLogConfig(directory=tmp_path / "file" / "logs")
    logs = PredictionLogs(lambda model: config)
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            logs.offer("demand", *pair)
    logs.close(10)
    (message,) = caplog.messages
    assert message.endswith("nothing of demand is kept")
    assert (logs.written, logs.dropped) == (0, 3)
