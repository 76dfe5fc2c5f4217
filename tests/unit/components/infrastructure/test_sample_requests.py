from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from infrastructure_world import SERIES, example, save_model, write_examples
from tensorflow.core.protobuf import saved_model_pb2

from demandcast.components.infrastructure.sample_requests import (
    examples_inputs,
    input_specs,
    raw_inputs,
    read_records,
)
from demandcast.schema.errors import ServingError

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def specs(tmp_path_factory):
    model = save_model(tmp_path_factory.mktemp("model"))
    message = saved_model_pb2.SavedModel()
    message.ParseFromString(Path(model.uri, "Format-Serving", "saved_model.pb").read_bytes())
    return input_specs(message.meta_graphs[0].signature_def["serving_default"])


RECORDS = [example(index).SerializeToString() for index in (2, 0)]


def test_the_records_are_the_first_of_the_split_and_no_more_than_asked(tmp_path):
    split = write_examples(tmp_path).uri + "/Split-eval"
    records = read_records(split, 3)
    assert records == [example(index).SerializeToString() for index in range(3)]
    assert len(read_records(split, 100)) == SERIES


def test_a_split_without_examples_is_named(tmp_path):
    with pytest.raises(ServingError, match=r"Split-eval: no examples to ask the model with$"):
        read_records(str(tmp_path / "Split-eval"), 3)


def test_raw_tensors_are_padded_on_the_left_by_what_the_name_says(specs):
    arrays = raw_inputs(RECORDS, specs)
    assert set(arrays) == set(specs)
    assert arrays["store"].tolist() == [b"store 2", b"store 0"]
    assert arrays["cutoff"].tolist() == [20_002, 20_000]
    assert arrays["cutoff"].dtype == np.int64
    np.testing.assert_array_equal(arrays["target"], [[3, 3, 3, 3], [0, 0, 1, 1]])
    np.testing.assert_array_equal(arrays["in_stock_fraction"], np.ones((2, 4)))
    assert arrays["promotion"][1].tolist() == [b"", b"", *[b"none"] * 5]
    np.testing.assert_array_equal(arrays["price"][1], [np.nan, np.nan, *[2.5] * 5])


def test_raw_tensors_are_those_of_an_application(specs):
    """`forecast_request` is how an application makes them; both must pad alike."""
    from demandcast.serving.forecasting import forecast_request
    from demandcast.serving.signatures import Signature, TensorSpec

    names = {"float32": "DT_FLOAT", "int64": "DT_INT64", "object": "DT_STRING"}
    signature = Signature(
        {
            name: TensorSpec(names[str(dtype)], (None,) * rank)
            for name, (dtype, rank) in specs.items()
        },
        {"mean": TensorSpec("DT_FLOAT", (None, 3))},
    )
    series = []
    for record in RECORDS:
        features = tf.train.Example.FromString(record).features.feature
        one = {}
        for name, (_, rank) in specs.items():
            feature = features[name]
            values = list(getattr(feature, feature.WhichOneof("kind")).value)
            one[name] = values if rank == 2 else values[0]
        series.append(one)
    asked = forecast_request(series, signature=signature)
    for name, array in raw_inputs(RECORDS, specs).items():
        np.testing.assert_array_equal(asked[name], array)
        assert asked[name].dtype == array.dtype


def test_records_are_cut_down_to_what_the_model_reads(specs):
    arrays = examples_inputs(RECORDS, specs)
    assert list(arrays) == ["examples"]
    features = tf.train.Example.FromString(arrays["examples"][0]).features.feature
    assert set(features) == set(specs)
    assert list(features["target"].float_list.value) == [3.0] * 4
