"""What operators rely on: health and metrics."""

import grpc
import pytest
from serving_contract_calls import metadata_request, predict_request, refusal
from serving_models import tiny_inputs

pytestmark = pytest.mark.slow

PAGE = "/monitoring/prometheus/metrics"


@pytest.mark.parametrize("service", ["PredictionService", "ModelService"])
def test_health(channel, service):
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    stub = health_pb2_grpc.HealthStub(channel)
    answer = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=20)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_health_of_what_is_not_there(channel):
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    stub = health_pb2_grpc.HealthStub(channel)
    with pytest.raises(grpc.RpcError) as caught:
        stub.Check(health_pb2.HealthCheckRequest(service="x"), timeout=20)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def scraped(rest):
    """Samples of the page for Prometheus, by name and labels."""
    from prometheus_client.parser import text_string_to_metric_families

    status, text = rest("GET", PAGE)
    assert status == 200
    return {
        (sample.name.removesuffix("_total"), tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def grown(rest, work, name, **labels):
    """By how much a number grows."""
    key = (f":tensorflow:serving:{name}", tuple(sorted(labels.items())))
    before = scraped(rest).get(key, 0)
    work()
    return scraped(rest).get(key, 0) - before


def test_requests_are_counted_by_model_and_status(rest, stubs):
    good = predict_request(tiny_inputs())
    bad = predict_request({})

    def work():
        stubs.prediction.Predict(good, timeout=20)
        refusal(stubs.prediction.Predict, bad)

    assert grown(rest, work, "request_count", model_name="demand", status="OK") == 1
    name = {"model_name": "demand", "status": "INVALID_ARGUMENT"}
    assert grown(rest, work, "request_count", **name) == 1


def test_latencies_are_counted_by_call_and_door(rest, stubs):
    request = predict_request(tiny_inputs())

    def over_grpc():
        stubs.prediction.Predict(request, timeout=20)

    labels = {"model_name": "demand", "API": "Predict", "entrypoint": "GRPC"}
    assert grown(rest, over_grpc, "request_latency_count", **labels) == 1
    microseconds = grown(rest, over_grpc, "request_latency_sum", **labels)
    assert 10 < microseconds < 20e6

    def over_rest():
        body = '{"signature_name": "serving_examples", "instances": [{"b64": ""}]}'
        assert rest("POST", "/v1/models/demand:predict", body)[0] == 200

    labels = {"model_name": "demand", "API": "Predict", "entrypoint": "REST"}
    assert grown(rest, over_rest, "request_latency_count", **labels) == 1


def test_buckets(rest, stubs):
    stubs.prediction.Predict(predict_request(tiny_inputs()), timeout=20)
    bounds = [
        dict(labels)["le"]
        for (name, labels) in scraped(rest)
        if name == ":tensorflow:serving:request_latency_bucket"
        and dict(labels)["model_name"] == "demand"
        and dict(labels)["entrypoint"] == "GRPC"
        and dict(labels)["API"] == "Predict"
    ]
    assert len(bounds) == 33 + 1
    assert bounds[:3] == ["10", "18", "32.4"]
    assert bounds[-1] == "+Inf"


def test_calls_of_the_model_are_timed(rest, stubs):
    request = predict_request(tiny_inputs())

    def total():
        return sum(
            value
            for (name, labels), value in scraped(rest).items()
            if name == ":tensorflow:serving:runtime_latency_count"
            and dict(labels)["model_name"] == "demand"
        )

    before = total()
    stubs.prediction.Predict(request, timeout=20)
    stubs.prediction.GetModelMetadata(metadata_request(), timeout=20)
    assert total() == before + 1


def test_names_of_callers_make_no_new_series(rest, stubs, ours):
    if not ours:
        pytest.skip("TensorFlow Serving counts any name")
    request = predict_request(tiny_inputs(), name="made-up-by-a-caller")
    refusal(stubs.prediction.Predict, request)
    assert "made-up-by-a-caller" not in rest("GET", PAGE)[1]
