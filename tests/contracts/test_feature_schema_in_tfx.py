"""What TFDV, TFXIO and Transform make of the composed schema."""

import numpy as np
import pytest
from validation_examples import NAN, SERIES, columns, record_batch, statistics_of

from demandcast.components.validation.anomalies import check_anomalies, describe_anomalies
from demandcast.components.validation.infer import infer_schema_text
from demandcast.schema import series_example
from demandcast.schema.errors import AnomalyError
from demandcast.schema.feature_schema import SERVING, TRAINING, compose_schema

pytestmark = pytest.mark.slow

NOT_IN_REQUESTS = (
    *series_example.LABELS,
    series_example.DEMAND_CLASS,
    series_example.NAIVE_SCALE,
    series_example.NAIVE_RMS_SCALE,
    series_example.NAIVE_FORECAST,
)


def anomalies_of(values, *, user=None, environment=None):
    import tensorflow_data_validation as tfdv

    return tfdv.validate_statistics(
        statistics_of(values), compose_schema(SERIES, user), environment=environment
    )


def lines_of(values, *, user=None, environment=None):
    schema = compose_schema(SERIES, user)
    found = anomalies_of(values, user=user, environment=environment)
    return describe_anomalies(found, schema, "train")


@pytest.mark.parametrize("environment", [None, TRAINING])
def test_good_examples_with_missing_covariates_have_no_anomaly(environment):
    assert any(np.isnan(value) for row in columns()["price"] for value in row)
    assert lines_of(columns(), environment=environment) == []


def test_a_covariate_that_is_missing_everywhere_is_no_anomaly():
    values = columns(temperature=[[NAN] * 3, [NAN], [NAN] * 2], sky=[[b""] * 3, [b""], [b""] * 2])
    assert lines_of(values) == []


def test_requests_without_labels_have_no_anomaly_in_serving_only():
    request = columns() | dict.fromkeys(NOT_IN_REQUESTS)
    assert lines_of(request, environment=SERVING) == []
    found = lines_of(request, environment=TRAINING)
    assert len(found) == len(NOT_IN_REQUESTS)


@pytest.mark.parametrize(
    ("changes", "column", "words"),
    [
        ({"target": [[-1.0], [0.0], [1.0]]}, "target", "Out-of-range values"),
        ({"target": [[NAN], [0.0], [1.0]]}, "target", "NaN"),
        ({"target": [[float("inf")], [0.0], [1.0]]}, "target", "Inf"),
        ({"in_stock_fraction": [[1.5], [0.0], [1.0]]}, "in_stock_fraction", "0 to 1"),
        ({"observed_mask": [[2.0], [0.0], [1.0]]}, "observed_mask", "0 to 1"),
        ({"cutoff": [[2024], [-1], [20000]]}, "cutoff", "0 to 47481"),
        ({"demand_class": [[b"smooth"], [b"odd"], [b"lumpy"]]}, "demand_class", "odd"),
        ({"naive_scale": [[0.0], [1.0], [1.0]]}, "naive_scale", "at least 1e-30"),
        ({"future_target": [[1.0], [1.0], [1.0]]}, "future_target", "2 per example"),
        ({"future_target": [[1.0, 1.0], [1.0], [1.0, 2.0]]}, "future_target", "2 per example"),
        ({"store": [[b"a", b"b"], [b"a"], [b"b"]]}, "store", "one per example"),
        ({"store": [[b"a"], None, [b"b"]]}, "store", "one per example"),
        ({"price": [[1.0, 1.0], [1.0] * 3, [1.0] * 3]}, "price", "at least 3 per example"),
        ({"price": [[float("inf")] * 3] * 3}, "price", "nothing infinite"),
        ({"price": [[b"1"] * 3] * 3}, "price", "Expected data of type: FLOAT but got STRING"),
        ({"price": None}, "price", "Column dropped"),
        ({"colour": [[b"red"], [b"red"], [b"blue"]]}, "colour", "no such column"),
    ],
)
def test_each_contradiction_is_one_line_with_split_column_found_and_allowed(changes, column, words):
    [line] = lines_of(columns(**changes))
    assert line.startswith(f"train, column {column!r}: ")
    assert "; the schema allows: " in line
    assert words in line


def test_user_rules_are_enforced():
    user = """
        feature { name: "promotion" string_domain { value: "a" value: "" } }
        feature { name: "price" float_domain { max: 9 } }
    """
    found = lines_of(columns(), user=user)
    assert [line.split(":")[0] for line in found] == [
        "train, column 'price'",
        "train, column 'promotion'",
    ]
    assert "b (" in found[1]
    assert "one of 'a', ''" in found[1]


def test_a_split_without_examples_is_an_anomaly():
    empty = {name: [] for name in columns()}
    with pytest.raises(AnomalyError, match="train: the split has no examples"):
        check_anomalies({"train": anomalies_of(empty)}, compose_schema(SERIES, None))


def test_the_inferred_schema_accepts_the_data_it_came_from():
    text = infer_schema_text(statistics_of(columns()), SERIES)
    assert lines_of(columns(), user=text) == []
    other = columns(category=[[b"dairy"], [b"tools"], [b"dairy"]])
    [line] = lines_of(other, user=text)
    assert "tools" in line


def test_tensors_are_dense_for_fixed_and_ragged_for_variable_features():
    import tensorflow as tf
    from tfx_bsl.coders import example_coder
    from tfx_bsl.tfxio import tf_example_record

    schema = compose_schema(SERIES, None)
    adapter = tf_example_record.TFExampleRecord("none", schema=schema).TensorAdapter()
    specs = adapter.TypeSpecs()
    assert set(specs) == set(columns())
    assert specs["store"] == tf.TensorSpec([None], tf.string)
    assert specs["cutoff"] == tf.TensorSpec([None], tf.int64)
    assert specs["future_target"] == tf.TensorSpec([None, 2], tf.float32)
    assert isinstance(specs["target"], tf.RaggedTensorSpec)
    assert isinstance(specs["promotion"], tf.RaggedTensorSpec)

    examples = example_coder.RecordBatchToExamplesEncoder().encode(record_batch(columns()))
    decoder = example_coder.ExamplesToRecordBatchDecoder(schema.SerializeToString())
    tensors = adapter.ToBatchTensors(decoder.DecodeBatch(examples))
    np.testing.assert_array_equal(tensors["target"].row_lengths(), [3, 1, 2])
    np.testing.assert_array_equal(tensors["price"].row_lengths(), [5, 3, 4])
    np.testing.assert_array_equal(tensors["naive_scale"], np.float32([1.0, 1e-3, 2.0]))


def test_transform_reads_the_schema_as_ragged_and_fixed_features():
    import tensorflow as tf
    from tensorflow_transform.tf_metadata import schema_utils

    spec = schema_utils.schema_as_feature_spec(compose_schema(SERIES, None)).feature_spec
    assert isinstance(spec["target"], tf.io.RaggedFeature)
    assert spec["future_target"] == tf.io.FixedLenFeature([2], tf.float32)
    assert spec["store"] == tf.io.FixedLenFeature([], tf.string)
