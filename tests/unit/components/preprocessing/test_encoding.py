"""Scaling and categories: one run of Transform over every variant at once."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from forecasting_world import run_transform, serialize
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from demandcast.components.preprocessing.encoding import (
    MISSING_CATEGORY,
    Distribution,
    category_index,
    clip,
    impute,
    scale_numeric,
)
from demandcast.schema.config import OutlierConfig, VocabularyConfig

pytestmark = pytest.mark.slow

SERIES, PERIODS = 400, 10
NUMERIC = ("plain", "gaps", "freaks", "constant", "empty", "huge", "tiny")
METHODS = {
    "none": OutlierConfig(method="none"),
    "quantile": OutlierConfig(method="quantile", lower_quantile=0.02, upper_quantile=0.9),
    "iqr": OutlierConfig(method="iqr", iqr_multiple=1.5),
}
IMPUTATIONS = ("mean", "median", "zero")
EDGES = ("constant", "empty", "huge", "tiny")
EDGE_METHODS = ("none", "quantile")
RARE = VocabularyConfig(min_count=5, oov_buckets=3)
FEW = VocabularyConfig(min_count=1, max_size=2, oov_buckets=1)


def tables():
    """Columns of the training data, each [series, periods]."""
    rng = np.random.default_rng(11)
    shape = (SERIES, PERIODS)
    plain = rng.gamma(2.0, 10.0, shape)
    numbers = {
        "plain": plain,
        "gaps": np.where(rng.random(shape) < 0.3, np.nan, plain),
        "freaks": np.where(rng.random(shape) < 0.01, 1e6, rng.normal(100, 5, shape)),
        "constant": np.where(rng.random(shape) < 0.1, np.nan, 12345.678),
        "empty": np.full(shape, np.nan),
        "huge": rng.choice([1e38, 2e38, -3e38], shape),
        "tiny": rng.normal(3e-8, 1e-8, shape),
    }
    words = rng.choice(["common", "second", ""], shape, p=[0.6, 0.3, 0.1]).astype(object)
    words[:4, 0] = "rare"
    return numbers, words


def encoded(numbers, words):
    return [
        serialize(
            {name: values[row].astype(np.float32) for name, values in numbers.items()}
            | {
                "word": np.array([word.encode() for word in words[row]], object),
                "shop": words[row, 1].encode(),
            }
        )
        for row in range(len(words))
    ]


SCHEMA = (
    "".join(
        f'feature {{ name: "{name}" type: {kind} {shape} }}'
        for name, kind, shape in [
            *((name, "FLOAT", "") for name in NUMERIC),
            ("word", "BYTES", ""),
            ("shop", "BYTES", "presence { min_fraction: 1 } shape { }"),
        ]
    )
    + "represent_variable_length_as_ragged: true"
)


def preprocess(inputs):
    outputs = {}
    for name, (method, outliers), how in itertools.product(NUMERIC, METHODS.items(), IMPUTATIONS):
        if (name != "gaps" and how != "mean") or (name in EDGES and method not in EDGE_METHODS):
            continue
        key = f"{name}_{method}_{how}"
        outputs[key] = scale_numeric(inputs[name], outliers=outliers, imputation=how, name=key)
    for missing, (size, vocabulary) in itertools.product(
        ("own_category", "most_frequent"), {"rare": RARE, "few": FEW}.items()
    ):
        key = f"word_{missing}_{size}"
        outputs[key] = category_index(
            inputs["word"], vocabulary=vocabulary, missing=missing, name=key
        )
    outputs["shop"] = category_index(
        inputs["shop"], vocabulary=RARE, missing="most_frequent", name="shop"
    )
    outputs["all_rare"] = category_index(
        inputs["word"],
        vocabulary=VocabularyConfig(min_count=10**6, oov_buckets=3),
        missing="most_frequent",
        name="all_rare",
    )
    return outputs


@pytest.fixture(scope="module")
def transform(tmp_path_factory):
    """Transform's output, and its graph as a function of one value per column."""
    import tensorflow_transform as tft

    folder = tmp_path_factory.mktemp("encoding")
    schema = text_format.Parse(SCHEMA, schema_pb2.Schema())
    run_transform(folder, encoded(*tables()), schema=schema, preprocess=preprocess)
    output = tft.TFTransformOutput(str(folder / "transform"))
    layer = output.transform_features_layer()

    def apply(values, words):
        count = max(len(values), len(words))
        values = [*values, *[0.0] * (count - len(values))]
        words = [*words, *["common"] * (count - len(words))]
        return layer(
            {name: tf.ragged.constant([[value] for value in values]) for name in NUMERIC}
            | {
                "word": tf.ragged.constant([[word] for word in words]),
                "shop": tf.constant(words),
            }
        )

    return output, apply


def scaled(transform, key, values):
    _, apply = transform
    return apply(values, [])[key].flat_values.numpy()


def expected_distribution(name, method):
    """Bounds, and what is left after clipping, with NumPy over all values."""
    values = tables()[0][name]
    known = values[np.isfinite(values)]
    low, high = -np.inf, np.inf
    if method == "quantile":
        low, high = np.quantile(known, (0.02, 0.9))
    elif method == "iqr":
        q1, q3 = np.quantile(known, (0.25, 0.75))
        low, high = q1 - 1.5 * (q3 - q1), q3 + 1.5 * (q3 - q1)
    return low, high, np.clip(known, low, high)


@pytest.mark.parametrize("method", METHODS)
def test_scaled_to_mean_0_and_deviation_1(transform, method):
    _, _, kept = expected_distribution("plain", method)
    points = np.quantile(kept, (0.1, 0.3, 0.5, 0.7))
    found = scaled(transform, f"plain_{method}_mean", points.tolist())
    np.testing.assert_allclose(found, (points - kept.mean()) / kept.std(), atol=0.04)


@pytest.mark.parametrize("method", ["quantile", "iqr"])
def test_outliers_are_moved_onto_the_bounds(transform, method):
    low, high, kept = expected_distribution("freaks", method)
    found = scaled(transform, f"freaks_{method}_mean", [-1e30, 1e30, 100.0])
    expected = (np.array([low, high, 100.0]) - kept.mean()) / kept.std()
    np.testing.assert_allclose(found, expected, atol=0.15)


def test_without_a_method_nothing_is_moved(transform):
    far, farther = scaled(transform, "plain_none_mean", [1e4, 2e4])
    assert farther == pytest.approx(2 * far, rel=0.01)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("missing", [np.nan, np.inf, -np.inf])
def test_what_stands_in_for_a_missing_number(transform, method, missing):
    _, _, kept = expected_distribution("gaps", method)
    stand_in = {"mean": kept.mean(), "median": np.median(kept), "zero": max(0.0, kept.min())}
    for how in IMPUTATIONS:
        key = f"gaps_{method}_{how}"
        found, same = scaled(transform, key, [missing, stand_in[how]])
        assert found == pytest.approx(same, abs=0.03)
    assert scaled(transform, f"gaps_{method}_mean", [missing]) == pytest.approx([0.0], abs=1e-6)


@pytest.mark.parametrize("method", EDGE_METHODS)
def test_a_constant_column_is_0(transform, method):
    found = scaled(transform, f"constant_{method}_mean", [12345.678, np.nan])
    assert found.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("method", EDGE_METHODS)
def test_a_column_that_is_always_missing_is_0(transform, method):
    assert scaled(transform, f"empty_{method}_mean", [np.nan, np.nan]).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("method", EDGE_METHODS)
def test_huge_numbers_stay_finite(transform, method):
    found = scaled(transform, f"huge_{method}_mean", [1e38, 2e38, -3e38, np.nan])
    assert np.isfinite(found).all()
    assert found[2] < found[3] < found[1]


@pytest.mark.parametrize("method", EDGE_METHODS)
def test_tiny_numbers_are_no_constant(transform, method):
    low, high = scaled(transform, f"tiny_{method}_mean", [2e-8, 4e-8])
    assert high - low == pytest.approx(2, rel=0.3)


def indices(transform, key, words):
    _, apply = transform
    found = apply([], words)[key]
    return (found.flat_values if isinstance(found, tf.RaggedTensor) else found).numpy().tolist()


def test_categories_are_numbered_by_frequency_and_rare_ones_share_buckets(transform):
    key = "word_own_category_rare"
    common, second, missing, rare, *unseen = indices(
        transform, key, ["common", "second", "", "rare", *(f"new{n}" for n in range(40))]
    )
    assert (common, second, missing) == (0, 1, 2)
    assert rare in (3, 4, 5)
    assert set(unseen) == {3, 4, 5}


def test_a_missing_category_may_be_the_most_frequent(transform):
    common, second, missing, rare = indices(
        transform, "word_most_frequent_rare", ["common", "second", "", "rare"]
    )
    assert (common, second, missing) == (0, 1, 0)
    assert rare in (2, 3, 4)


def test_only_so_many_categories_are_kept(transform):
    for missing, expected in (("own_category", 2), ("most_frequent", 0)):
        key = f"word_{missing}_few"
        assert indices(transform, key, ["common", "second", "", "rare"]) == [0, 1, expected, 2]


def test_a_category_constant_in_time_is_not_ragged(transform):
    assert indices(transform, "shop", ["common", "second", ""]) == [0, 1, 0]


def test_every_index_fits_below_vocabulary_size_plus_buckets(transform):
    output, _ = transform
    words = ["common", "second", "", "rare", *(f"new{n}" for n in range(40))]
    for key, buckets in {
        "word_own_category_rare": 3,
        "word_most_frequent_rare": 3,
        "word_own_category_few": 1,
        "word_most_frequent_few": 1,
        "shop": 3,
        "all_rare": 3,
    }.items():
        found = indices(transform, key, words)
        assert min(found) == 0 or key == "all_rare"
        assert max(found) == output.vocabulary_size_by_name(key) + buckets - 1


def test_own_category_has_a_name(transform):
    output, _ = transform
    names = [name.decode() for name in output.vocabulary_by_name("word_own_category_rare")]
    assert names == ["common", "second", MISSING_CATEGORY]


def test_impute():
    values = tf.constant([1.0, np.nan, np.inf])
    assert impute(values, tf.constant(5.0)).numpy().tolist() == [1.0, 5.0, 5.0]
    assert impute(values, tf.constant(np.nan)).numpy().tolist() == [1.0, 0.0, 0.0]


def test_clip():
    bounds = Distribution(*map(tf.constant, (1.0, 3.0, 2.0, 2.0, 1.0)))
    values = tf.constant([0.0, 2.0, 9.0])
    assert clip(values, bounds, METHODS["iqr"]).numpy().tolist() == [1.0, 2.0, 3.0]
    assert clip(values, bounds, METHODS["none"]).numpy().tolist() == [0.0, 2.0, 9.0]
