"""Words for anomalies, from hand-made messages."""

import pytest
from tensorflow_metadata.proto.v0 import anomalies_pb2
from validation_examples import SERIES

from demandcast.components.validation.anomalies import (
    check_anomalies,
    describe_anomalies,
    describe_rule,
)
from demandcast.schema.errors import AnomalyError
from demandcast.schema.feature_schema import compose_schema

USER = """
    feature { name: "sky" domain: "skies" drift_comparator { infinity_norm { threshold: 0.1 } } }
    feature { name: "price" float_domain { max: 9.5 } }
    string_domain { name: "skies" value: "" value: "rain" }
"""
SCHEMA = compose_schema(SERIES, USER)


def anomalies(**reasons):
    """Anomalies of columns, each with its reasons as (short, long) texts."""
    found = anomalies_pb2.Anomalies()
    for column, texts in reasons.items():
        info = found.anomaly_info[column]
        info.short_description, info.description = "Multiple errors", "all in one"
        for short, long in texts:
            info.reason.add(short_description=short, description=long)
    return found


def rule_of(name):
    return next(describe_rule(f, SCHEMA) for f in SCHEMA.feature if f.name == name)


def test_no_anomaly_no_words():
    assert describe_anomalies(anomalies(), SCHEMA, "train") == []
    check_anomalies({"train": anomalies(), "eval": anomalies()}, SCHEMA)
    check_anomalies({}, SCHEMA)


def test_a_line_has_split_column_each_finding_and_the_rule():
    found = anomalies(target=[("Too low", "-2 < 0. "), ("Not finite", "has Inf values.")])
    assert describe_anomalies(found, SCHEMA, "eval") == [
        "eval, column 'target': Too low: -2 < 0; Not finite: has Inf values; "
        "the schema allows: numbers, at least 1 per example, at least 0, no NaN, nothing infinite"
    ]


def test_columns_come_in_order_of_their_names():
    found = anomalies(target=[("a", "b")], price=[("a", "b")], sky=[("a", "b")])
    starts = [line.split(":")[0] for line in describe_anomalies(found, SCHEMA, "train")]
    assert starts == [f"train, column '{name}'" for name in ("price", "sky", "target")]


def test_an_anomaly_without_reasons_is_worded_by_its_summary():
    [line] = describe_anomalies(anomalies(sky=[]), SCHEMA, "train")
    assert "Multiple errors: all in one" in line


def test_long_lists_are_cut():
    values = ", ".join(f"v{number} (<1%)" for number in range(1000))
    [line] = describe_anomalies(anomalies(sky=[("Unexpected", values)]), SCHEMA, "train")
    assert "v7 (<1%) and 992 more" in line
    assert len(line) < 300


def test_an_unknown_column_is_said_to_be_unknown():
    [line] = describe_anomalies(anomalies(colour=[("New", "not in schema")]), SCHEMA, "train")
    assert line.endswith("the schema allows: no such column")


def test_a_split_without_examples_and_a_finding_about_the_whole_split():
    found = anomalies_pb2.Anomalies(data_missing=True)
    assert describe_anomalies(found, SCHEMA, "eval") == ["eval: the split has no examples"]
    found = anomalies_pb2.Anomalies()
    found.dataset_anomaly_info.reason.add(short_description="Few", description="3 < 10")
    assert describe_anomalies(found, SCHEMA, "eval") == ["eval: the whole split: Few: 3 < 10"]


def test_check_lists_all_splits_in_one_error():
    both = {"train": anomalies(sky=[("a", "b")]), "eval": anomalies(sky=[("a", "b")])}
    with pytest.raises(AnomalyError, match="contradicts the schema, 2 anomalies:") as caught:
        check_anomalies(both, SCHEMA)
    lines = str(caught.value).splitlines()[1:]
    assert [line.split(",")[0] for line in lines] == ["  train", "  eval"]
    with pytest.raises(AnomalyError, match="contradicts the schema, 1 anomaly:"):
        check_anomalies({"eval": both["eval"]}, SCHEMA)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("store", "text, one per example"),
        ("cutoff", "whole numbers, one per example, 0 to 47481"),
        ("in_stock_fraction", "numbers, at least 1 per example, 0 to 1, no NaN"),
        ("price", "numbers, at least 3 per example, at most 9.5, nothing infinite"),
        ("temperature", "numbers, at least 1 per example, nothing infinite"),
        ("sky", "text, at least 1 per example, one of '', 'rain', drift below a threshold"),
        (
            "future_observed_mask",
            "numbers, 2 per example, 0 to 1, no NaN, not in environment SERVING",
        ),
    ],
)
def test_rules_in_words(name, words):
    assert rule_of(name) == words
