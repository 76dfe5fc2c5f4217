"""The query with which prometheus-adapter answers the autoscaler, run by promtool."""

import subprocess

import pytest
import yaml
from k8s_manifests import ROOT, infra_tool

pytestmark = pytest.mark.slow

RULES = ROOT / "serving/k8s/components/latency-autoscaling/adapter-rules.yaml"
BUCKETS = ":tensorflow:serving:request_latency_bucket"
LABELS = 'API="Predict",entrypoint="GRPC",model_name="demand",namespace="demand-serving"'


def adapter_rule():
    (rule,) = yaml.safe_load(RULES.read_text(encoding="utf-8"))["rules"]["custom"]
    return rule


def query():
    """As the adapter writes it for the pods of a namespace."""
    rule = adapter_rule()
    series = rule["seriesQuery"].partition('__name__="')[2].partition('"')[0]
    return (
        rule["metricsQuery"]
        .replace("<<.Series>>", series)
        .replace("<<.LabelMatchers>>", 'namespace="demand-serving",pod=~"fast|slow"')
        .replace("<<.GroupBy>>", "pod")
    )


def buckets(pod, per_minute, labels=LABELS):
    """Counters of a pod whose calls fall into a bucket; bounds in microseconds."""
    return [
        {
            "series": f'{BUCKETS}{{{labels},pod="{pod}",le="{le}"}}',
            "values": f"0+{calls}x10",
        }
        for le, calls in per_minute.items()
    ]


def run(tmp_path, series, expected):
    """promtool's verdict on what the query gives after ten minutes."""
    (tmp_path / "rules.yaml").write_text(
        yaml.safe_dump(
            {"groups": [{"name": "g", "rules": [{"record": "latency", "expr": query()}]}]}
        )
    )
    test = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": series,
                "promql_expr_test": [
                    {"expr": "latency", "eval_time": "10m", "exp_samples": expected}
                ],
            }
        ],
    }
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(test))
    return subprocess.run(
        [str(infra_tool("promtool")), "test", "rules", "test.yaml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_is_the_95th_percentile_of_each_pod_in_milliseconds(tmp_path):
    """Between 10 and 20 ms lie all calls of one pod, between 40 and 80 ms those of the other.

    Prometheus draws a line within the bucket: 10 + 0.95 (20 - 10), and 40 + 0.95 (80 - 40).
    """
    series = buckets("fast", {"10000": 0, "20000": 60, "+Inf": 60})
    series += buckets("slow", {"40000": 0, "80000": 60, "+Inf": 60})
    expected = [
        {"labels": 'latency{pod="fast"}', "value": 10 + 0.95 * 10},
        {"labels": 'latency{pod="slow"}', "value": 40 + 0.95 * 40},
    ]
    done = run(tmp_path, series, expected)
    assert done.returncode == 0, done.stdout + done.stderr


def test_other_calls_than_predict_do_not_count(tmp_path):
    series = buckets("fast", {"10000": 0, "20000": 60, "+Inf": 60})
    other = LABELS.replace("Predict", "GetModelMetadata")
    series += buckets("fast", {"10000": 0, "20000": 0, "900000": 99, "+Inf": 99}, other)
    done = run(tmp_path, series, [{"labels": 'latency{pod="fast"}', "value": 19.5}])
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_test_can_fail(tmp_path):
    series = buckets("fast", {"10000": 0, "20000": 60, "+Inf": 60})
    done = run(tmp_path, series, [{"labels": 'latency{pod="fast"}', "value": 20}])
    assert done.returncode != 0
    assert "1.95E+01" in done.stderr
