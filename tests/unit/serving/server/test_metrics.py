"""What Prometheus is told: names, labels, buckets; read back by Prometheus' own library."""

import threading

import pytest
from prometheus_client.parser import text_string_to_metric_families

from demandcast.serving.server.metrics import LATENCY_BOUNDS, Histogram, Metrics


def samples(metrics):
    """Value of each sample by its name and labels.

    The library reads a counter as if its name ended with `_total`.
    """
    return {
        (sample.name.removesuffix("_total"), tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(metrics.exposition())
        for sample in family.samples
    }


def value(metrics, name, **labels):
    return samples(metrics)[name, tuple(sorted(labels.items()))]


def count(metrics, model="m", status="OK", *, api="Predict", entrypoint="GRPC", seconds=0.001):
    metrics.count_request(model, status, api=api, entrypoint=entrypoint, seconds=seconds)


def test_nothing_yet():
    assert Metrics().exposition() == "\n"
    assert samples(Metrics()) == {}


def test_bounds_are_those_of_tensorflow_serving():
    assert len(LATENCY_BOUNDS) == 33
    assert LATENCY_BOUNDS[:3] == pytest.approx((10, 18, 32.4))
    assert LATENCY_BOUNDS[32] == pytest.approx(10 * 1.8**32)
    assert 1.47e9 < LATENCY_BOUNDS[32] < 1.48e9  # Microseconds: 25 minutes.


def test_names_and_labels():
    metrics = Metrics()
    count(metrics)
    metrics.time_model("m", api="Predict", seconds=0.002)
    metrics.time_warm_up("/models/m/1", "OK", 0.5)
    metrics.watch("waiting_rows", "Rows that wait.", lambda: 3)
    kinds = {f.name: f.type for f in text_string_to_metric_families(metrics.exposition())}
    assert kinds == {
        ":tensorflow:serving:request_count": "counter",
        ":tensorflow:serving:request_latency": "histogram",
        ":tensorflow:serving:runtime_latency": "histogram",
        ":tensorflow:serving:model_warmup_latency": "histogram",
        ":demandcast:serving:waiting_rows": "gauge",
    }
    prefix = ":tensorflow:serving:"
    assert "_total" not in metrics.exposition()
    assert value(metrics, f"{prefix}request_count", model_name="m", status="OK") == 1
    request = {"model_name": "m", "API": "Predict", "entrypoint": "GRPC"}
    assert value(metrics, f"{prefix}request_latency_count", **request) == 1
    assert value(metrics, f"{prefix}request_latency_sum", **request) == 1000
    runtime = {"model_name": "m", "API": "Predict", "runtime": "TF2"}
    assert value(metrics, f"{prefix}runtime_latency_sum", **runtime) == 2000
    warm = {"model_path": "/models/m/1", "status": "OK"}
    assert value(metrics, f"{prefix}model_warmup_latency_sum", **warm) == 500_000
    assert value(metrics, ":demandcast:serving:waiting_rows") == 3


def test_requests_are_counted_by_status_and_only_good_ones_are_timed():
    metrics = Metrics()
    for status in ("OK", "OK", "INVALID_ARGUMENT"):
        count(metrics, status=status)
    count(metrics, entrypoint="REST")
    name = ":tensorflow:serving:request_count"
    assert value(metrics, name, model_name="m", status="OK") == 3
    assert value(metrics, name, model_name="m", status="INVALID_ARGUMENT") == 1
    name = ":tensorflow:serving:request_latency_count"
    of = {"model_name": "m", "API": "Predict"}
    assert value(metrics, name, entrypoint="GRPC", **of) == 2
    assert value(metrics, name, entrypoint="REST", **of) == 1


def buckets(metrics):
    """Cumulated counts by upper bound, in order."""
    return [
        (float(dict(labels)["le"]), found)
        for (name, labels), found in samples(metrics).items()
        if name.endswith("request_latency_bucket")
    ]


def test_buckets_are_cumulated_and_a_bound_belongs_to_its_own():
    metrics = Metrics()
    for microseconds in (5, 10, 10.1, 18, 1e12):
        count(metrics, seconds=microseconds / 1e6)
    found = buckets(metrics)
    assert len(found) == 33 + 1
    assert [bound for bound, _ in found] == pytest.approx([*LATENCY_BOUNDS, float("inf")], rel=1e-5)
    assert [n for _, n in found] == [2, 4, *[4] * 31, 5]


def test_bounds_are_written_as_tensorflow_serving_writes_them():
    """Six digits, as C++ streams do; dashboards and rules name them."""
    metrics = Metrics()
    count(metrics)
    text = metrics.exposition()
    for bound in ("10", "18", "32.4", "58.32", "104.976", "188.957", "1.47476e+09", "+Inf"):
        assert f'le="{bound}"' in text


def test_sums_do_not_lose_digits():
    """A rate of a sum that is written with six digits moves in steps, or not at all."""
    metrics = Metrics()
    count(metrics, seconds=1e6)
    name, of = ":tensorflow:serving:request_latency_sum", {"model_name": "m", "API": "Predict"}
    before = value(metrics, name, entrypoint="GRPC", **of)
    count(metrics, seconds=0.000_5)
    assert value(metrics, name, entrypoint="GRPC", **of) - before == 500
    metrics.watch("written", "Records.", lambda: 123_456_789)
    assert value(metrics, ":demandcast:serving:written") == 123_456_789


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\nb", 'ü"\\\n', "{}=,", ""])
def test_any_name_is_a_label(name):
    metrics = Metrics()
    count(metrics, name)
    found = value(metrics, ":tensorflow:serving:request_count", model_name=name, status="OK")
    assert found == 1


def test_gauges_are_asked_at_each_scrape():
    metrics, numbers = Metrics(), iter([1, 2.5])
    metrics.watch("n", "A number.", lambda: next(numbers))
    assert [value(metrics, ":demandcast:serving:n") for _ in range(2)] == [1, 2.5]


def test_many_threads_count_right_while_it_is_read():
    metrics = Metrics()

    def work():
        for _ in range(500):
            count(metrics, seconds=0.001)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        metrics.exposition()
    for thread in threads:
        thread.join()
    assert buckets(metrics)[-1][1] == 2000


def test_a_histogram_counts_all_that_it_adds():
    histogram = Histogram()
    for found in (0, 11, 1e99):
        histogram.add(found)
    assert (histogram.counts[0], histogram.counts[1], histogram.counts[-1]) == (1, 1, 1)
    assert sum(histogram.counts) == 3
