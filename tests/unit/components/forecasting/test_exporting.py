"""The exported model: two signatures with one answer, for whatever history comes."""

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from forecasting_world import (
    HORIZON,
    left_padded,
    raw_example,
    raw_examples,
    request_of,
    serialize,
)
from tensorflow.core.protobuf import saved_model_pb2

from demandcast.components.forecasting.dataset import WindowDataset
from demandcast.components.forecasting.exporting import ForecastModule, raw_signature
from demandcast.components.forecasting.windows import Windows
from demandcast.schema.config import SeriesSpec, TrainingConfig
from demandcast.schema.model_series import MODEL_SERIES_FILE
from demandcast.schema.model_training import MODEL_TRAINING_FILE, ModelTraining
from demandcast.schema.periods import date_of

pytestmark = pytest.mark.slow

LEVELS = 5


def from_tensors(world, examples, *, extra=0):
    """Answer of `serving_default`; shape [B, H, Q + 1]."""
    batch = left_padded(examples, world.series, extra=extra)
    tensors = {name: tf.constant(values) for name, values in batch.items()}
    return answer_of(world.served.signatures["serving_default"](**tensors))


def from_examples(world, examples):
    """Answer of `serving_examples`; shape [B, H, Q + 1]."""
    encoded = tf.constant([serialize(request_of(example)) for example in examples])
    return answer_of(world.served.signatures["serving_examples"](examples=encoded))


def answer_of(outputs):
    assert set(outputs) == {"quantiles", "mean"}
    assert {values.dtype for values in outputs.values()} == {tf.float32}
    quantiles, mean = outputs["quantiles"].numpy(), outputs["mean"].numpy()
    assert quantiles.shape == (*mean.shape, LEVELS)
    return np.concatenate([quantiles, mean[..., None]], axis=2)


def assert_same(left, right):
    np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-6)


def assert_sound(answer):
    assert np.isfinite(answer).all()
    assert (answer >= 0).all()
    assert (np.diff(answer[..., :-1], axis=2) >= 0).all()


def history(target, observed=None, stock=None, **columns):
    """An example with a history of its own."""
    length = len(target)
    example = raw_example(np.random.default_rng(2), length=length, number=1)
    return example | {
        "target": np.array(target, np.float32),
        "observed_mask": np.array([1] * length if observed is None else observed, np.float32),
        "in_stock_fraction": np.array([1] * length if stock is None else stock, np.float32),
        **columns,
    }


EDGES = {
    "one period": history([3]),
    "one period, not recorded": history([0], [0]),
    "never recorded": history([0] * 25, [0] * 25),
    "never sold": history([0] * 25),
    "always out of stock": history([0] * 25, stock=[0] * 25),
    "recorded late": history([0] * 20 + [2, 0, 3, 4, 1], [0] * 20 + [1] * 5),
    "a long gap": history([5] * 3 + [0] * 30 + [4], [1] * 3 + [0] * 30 + [1]),
    "constant": history([2] * 40),
    "with numbers where not recorded": history([2, np.nan, 1, -7] * 10, [1, 0, 1, 0] * 10),
    "with NaN and less than nothing": history([2, np.nan, 1, -7] * 10),
    "huge": history([1e9] * 40),
    "huge once": history([1] * 39 + [1e9]),
    "longer than any in training": history(list(range(300))),
    "of an unknown series": history([1, 2] * 10, store=b"new", item=b"new", category=b"new"),
    "of a nameless series": history([1, 2] * 10, store=b"", item=b"", category=b""),
    "with unknown covariates": history(
        [1, 2] * 10,
        event=np.array([b"hail"] * 27, object),
        sky=np.array([b"hail"] * 20, object),
        price=np.full(27, 1e9, np.float32),
    ),
    "without covariates": history(
        [1, 2] * 10,
        event=np.array([b""] * 27, object),
        sky=np.array([b""] * 20, object),
        price=np.full(27, np.nan, np.float32),
        display=np.full(27, np.nan, np.float32),
        temperature=np.full(20, np.nan, np.float32),
    ),
}


def test_both_signatures_give_the_same_numbers(world):
    examples = raw_examples(20, seed=50)
    answer = from_tensors(world, examples)
    assert answer.shape == (20, HORIZON, LEVELS + 1)
    assert_same(answer, from_examples(world, examples))
    assert_sound(answer)
    assert np.ptp(answer[:, 0, -1]) > 0.5


@pytest.mark.parametrize("edge", EDGES)
def test_edges_have_sound_forecasts_that_the_signatures_agree_on(world, edge):
    answer = from_tensors(world, [EDGES[edge]])
    assert_sound(answer)
    assert_same(answer, from_examples(world, [EDGES[edge]]))


def test_other_series_in_the_batch_change_nothing(world):
    examples = [*EDGES.values(), *raw_examples(6, seed=51)]
    together = from_tensors(world, examples)
    assert_same(together, from_examples(world, examples))
    assert_same(together[::-1], from_tensors(world, examples[::-1]))
    for example, expected in zip(examples, together, strict=True):
        assert_same(from_examples(world, [example])[0], expected)


@pytest.mark.parametrize("extra", [1, 100])
def test_left_padding_changes_nothing(world, extra):
    examples = [*EDGES.values(), *raw_examples(6, seed=52)]
    assert_same(from_tensors(world, examples, extra=extra), from_tensors(world, examples))


def test_a_new_series_has_no_history_at_all(world):
    example = EDGES["one period"]
    new = dict(example)
    for name, values in example.items():
        if isinstance(values, np.ndarray):
            new[name] = values[1:]
    answer = from_examples(world, [new, example])
    assert_sound(answer)
    assert_same(answer[1], from_examples(world, [example])[0])
    assert_same(answer[0], from_examples(world, [new])[0])
    assert_same(answer[0], from_tensors(world, [new])[0])


def test_an_empty_batch_has_an_empty_answer(world):
    empty = world.served.signatures["serving_examples"](examples=tf.constant([], tf.string))
    assert answer_of(empty).shape == (0, HORIZON, LEVELS + 1)
    batch = left_padded(world.examples[:2], world.series)
    tensors = {name: tf.constant(values)[:0] for name, values in batch.items()}
    empty = world.served.signatures["serving_default"](**tensors)
    assert answer_of(empty).shape == (0, HORIZON, LEVELS + 1)


def test_what_the_padding_holds_changes_nothing(world):
    examples = raw_examples(6, seed=53)
    batch = left_padded(examples, world.series, extra=9)
    for name in ("target", "price", "temperature", "in_stock_fraction"):
        batch[name][:, :9] = 77.0
    batch["event"][:, :9] = b"feast"
    tensors = {name: tf.constant(values) for name, values in batch.items()}
    answer = answer_of(world.served.signatures["serving_default"](**tensors))
    assert_same(answer, from_tensors(world, examples))


def test_an_example_with_its_labels_is_answered_alike(world):
    examples = raw_examples(5, seed=54)
    encoded = tf.constant([serialize(example) for example in examples])
    answer = answer_of(world.served.signatures["serving_examples"](examples=encoded))
    assert_same(answer, from_examples(world, examples))


def test_the_forecast_follows_the_level_of_the_series(world):
    low, high = from_tensors(world, [history([2] * 40), history([200] * 40)])[:, :, -1].mean(axis=1)
    assert 40 < high / low < 160


def test_the_names_of_the_request(world):
    spec = raw_signature(world.series)
    assert set(spec) == set(left_padded(world.examples[:1], world.series))
    _, found = world.served.signatures["serving_default"].structured_input_signature
    assert {name: (tensor.dtype, tensor.shape.rank) for name, tensor in found.items()} == {
        name: (tensor.dtype, tensor.shape.rank) for name, tensor in spec.items()
    }
    _, found = world.served.signatures["serving_examples"].structured_input_signature
    assert set(found) == {"examples"}


def test_the_network_sees_the_same_in_training_and_in_service(world):
    seen = []

    def network(inputs, training):
        assert training is False
        seen.append(inputs)
        return tf.zeros([tf.shape(inputs["decoder"])[0], HORIZON, LEVELS + 1])

    windows = Windows(world.series, world.features)
    module = ForecastModule(windows=windows, transform=world.transform_layer, network=network)
    module.serve_examples(tf.constant([serialize(example) for example in world.examples]))
    batch = left_padded(world.examples, world.series)
    module.serve_raw(**{name: tf.constant(values) for name, values in batch.items()})
    dataset = WindowDataset(
        windows,
        world.transform_output.transformed_feature_spec(),
        TrainingConfig(batch_size=len(world.examples)),
    )
    trained, _ = next(iter(dataset.evaluation(world.transformed_files)))
    for served in seen:
        assert set(served) == set(trained)
        for name, values in trained.items():
            np.testing.assert_allclose(served[name], values, rtol=1e-5, atol=1e-6, err_msg=name)


def test_needs_no_gpu(world):
    saved = saved_model_pb2.SavedModel()
    saved.ParseFromString((world.folder / "model" / "saved_model.pb").read_bytes())
    graph = saved.meta_graphs[0].graph_def
    functions = [node.op for function in graph.library.function for node in function.node_def]
    operations = {*(node.op for node in graph.node), *functions}
    assert "MatMul" in operations
    assert not [op for op in operations if "Cudnn" in op or op in ("PyFunc", "EagerPyFunc")]


def test_a_loader_without_python_serves_it(world):
    """As TensorFlow Serving loads it: its restore operation, its tables, and a session."""
    examples = [*EDGES.values(), *raw_examples(6, seed=56)]
    batch = left_padded(examples, world.series)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        loaded = tf.compat.v1.saved_model.load(session, ["serve"], world.model)
        signature = loaded.signature_def["serving_default"]
        outputs = session.run(
            {name: tensor.name for name, tensor in signature.outputs.items()},
            {signature.inputs[name].name: values for name, values in batch.items()},
        )
    found = np.concatenate([outputs["quantiles"], outputs["mean"][..., None]], axis=2)
    assert_same(found, from_tensors(world, examples))


TENSORFLOW_ALONE = """
import sys

import numpy as np
import tensorflow as tf

model = tf.saved_model.load(sys.argv[1])
given = np.load(sys.argv[2])
tensors = {
    name: tf.constant(values.tolist() if values.dtype.kind == "S" else values)
    for name, values in given.items()
}
encoded = list(tf.data.TFRecordDataset(sys.argv[3]).as_numpy_iterator())
expected = np.load(sys.argv[4])
for outputs in (
    model.signatures["serving_default"](**tensors),
    model.signatures["serving_examples"](examples=tf.constant(encoded)),
):
    found = np.concatenate([outputs["quantiles"], outputs["mean"][..., None]], axis=2)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
ours = ("tensorflow_transform", "tfx", "tfx_bsl", "apache_beam", "demandcast")
assert not [name for name in sys.modules if name.split(".")[0] in ours], "more than TensorFlow"
if "keras" in sys.modules:
    registered = sys.modules["keras"].saving.get_custom_objects()
    assert not [name for name in registered if "demandcast" in name], registered
print("same numbers")
"""


def test_tensorflow_alone_serves_it(world, tmp_path):
    examples = [*EDGES.values(), *raw_examples(6, seed=55)]
    batch = left_padded(examples, world.series)
    np.savez(
        tmp_path / "tensors.npz",
        **{name: v.astype("S") if v.dtype == object else v for name, v in batch.items()},
    )
    with tf.io.TFRecordWriter(str(tmp_path / "examples")) as writer:
        for example in examples:
            writer.write(serialize(request_of(example)))
    np.save(tmp_path / "expected.npy", from_tensors(world, examples))
    paths = [
        world.model,
        *(tmp_path / name for name in ("tensors.npz", "examples", "expected.npy")),
    ]
    result = subprocess.run(
        [sys.executable, "-I", "-c", textwrap.dedent(TENSORFLOW_ALONE), *map(str, paths)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip().endswith("same numbers")


@pytest.mark.parametrize(
    ("column", "length", "expected"),
    [
        ("price", 20, "price: expected one value per period of target and 7 after it"),
        ("event", 26, "event: expected one value per period of target and 7 after it"),
        ("temperature", 27, "temperature: expected one value per period of target"),
    ],
)
def test_covariates_of_a_wrong_length_are_refused(world, column, length, expected):
    example = history([1, 2] * 10)
    given = np.resize(example[column], length)
    with pytest.raises(tf.errors.InvalidArgumentError, match=expected):
        from_examples(world, [example | {column: given}])
    batch = left_padded([example], world.series)
    tensors = {name: tf.constant(values) for name, values in batch.items()}
    tensors[column] = tf.constant(given[None])
    with pytest.raises(tf.errors.InvalidArgumentError, match=expected):
        world.served.signatures["serving_default"](**tensors)


def test_the_model_says_what_it_was_trained_on(world):
    text = (Path(world.model) / MODEL_SERIES_FILE).read_text()
    assert SeriesSpec.model_validate_json(text) == world.series


def test_the_model_says_how_far_it_has_seen(world):
    """To the end of the newest horizon among the examples of training and validation."""
    text = (Path(world.model) / MODEL_TRAINING_FILE).read_text()
    newest = max(example["cutoff"] for example in world.examples)
    assert ModelTraining.model_validate_json(text).seen_until == date_of(newest + HORIZON)
