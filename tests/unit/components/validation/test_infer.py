"""A first schema from hand-made statistics."""

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2
from validation_examples import SERIES

from demandcast.components.validation.infer import infer_schema_text
from demandcast.schema.errors import ContractError
from demandcast.schema.feature_schema import compose_schema_text, own_columns

NUMERIC = ("price", "temperature", "target")


def numbers(*, low=0.0, high=1.0, missing=0, total=10):
    feature = statistics_pb2.FeatureNameStatistics(type=statistics_pb2.FeatureNameStatistics.FLOAT)
    feature.num_stats.min, feature.num_stats.max = low, high
    feature.num_stats.common_stats.tot_num_values = total
    feature.num_stats.histograms.add(num_nan=missing)
    return feature


def texts(*values, unique=None, invalid=0):
    feature = statistics_pb2.FeatureNameStatistics(type=statistics_pb2.FeatureNameStatistics.STRING)
    feature.string_stats.unique = len(values) if unique is None else unique
    feature.string_stats.invalid_utf8_count = invalid
    for value in values:
        feature.string_stats.rank_histogram.buckets.add(label=value)
    return feature


def statistics(examples=3, **changes):
    dataset = statistics_pb2.DatasetFeatureStatistics(num_examples=examples)
    plain = {name: numbers() if name in NUMERIC else texts("a") for name in own_columns(SERIES)}
    for name, feature in (plain | changes).items():
        if feature is not None:
            dataset.features.add().CopyFrom(feature)
            dataset.features[-1].path.step.append(name)
    return dataset


def infer(*splits, **options):
    found = statistics_pb2.DatasetFeatureStatisticsList()
    for name, split in zip(("train", "eval"), splits, strict=False):
        found.datasets.add().CopyFrom(split)
        found.datasets[-1].name = name
    text = infer_schema_text(found, SERIES, **options)
    compose_schema_text(SERIES, text)  # Whatever is inferred must be accepted.
    schema = text_format.Parse(text, schema_pb2.Schema())
    return text, {feature.name: feature for feature in schema.feature}


def test_sets_type_and_presence_of_each_own_column():
    _, features = infer(statistics())
    assert {name: feature.type for name, feature in features.items()} == own_columns(SERIES)
    assert all(feature.presence.min_fraction == 1 for feature in features.values())


def test_few_categories_become_a_domain_and_many_do_not():
    split = statistics(category=texts("dairy", "bread", ""), sky=texts("a", "b", "c", "d"))
    text, features = infer(split, max_categories=3)
    assert list(features["category"].string_domain.value) == ["", "bread", "dairy"]
    assert not features["sky"].HasField("string_domain")
    assert "# sky: at least 4 different values seen, too many to list" in text


def test_a_histogram_that_does_not_hold_all_values_gives_no_domain():
    _, features = infer(statistics(sky=texts("a", "b", unique=5000)))
    assert not features["sky"].HasField("string_domain")


def test_series_keys_stay_open():
    text, features = infer(statistics(store=texts("s1", "s2")))
    assert not features["store"].HasField("string_domain")
    assert "# store: part of the series key; open for new series." in text


def test_ranges_are_left_open_and_drawn_as_a_comment_that_can_be_uncommented():
    text, features = infer(statistics(price=numbers(low=0.5, high=123456.75, missing=2, total=8)))
    assert not features["price"].HasField("float_domain")
    line = "# float_domain { min: 0.5 max: 123456.75 }"
    assert line in text
    assert f"{2 / 8:.1%} missing" in text
    enforced = text_format.Parse(text.replace(line, line[2:]), schema_pb2.Schema())
    price = next(feature for feature in enforced.feature if feature.name == "price")
    assert (price.float_domain.min, price.float_domain.max) == (0.5, 123456.75)


def test_what_any_split_has_seen_counts():
    train = statistics(category=texts("dairy"), price=numbers(low=2, high=3))
    later = statistics(category=texts("bread"), price=numbers(low=1, high=2))
    text, features = infer(train, later)
    assert list(features["category"].string_domain.value) == ["bread", "dairy"]
    assert "# float_domain { min: 1.0 max: 3.0 }" in text
    assert "from statistics of train 3 examples, eval 3 examples." in text


def test_a_split_without_a_value_does_not_widen_the_range():
    train = statistics(price=numbers(low=2, high=3))
    empty = statistics(price=numbers(low=0, high=0, missing=10, total=10))
    text, _ = infer(train, empty)
    assert "# float_domain { min: 2.0 max: 3.0 }" in text
    text, _ = infer(empty)
    assert "# price: no value seen." in text


def test_text_that_is_not_utf8_gets_no_domain():
    for feature in (texts("a", "__BYTES_VALUE__"), texts("a", invalid=1)):
        text, features = infer(statistics(sky=feature))
        assert not features["sky"].HasField("string_domain")
        assert "not UTF-8" in text


def test_quotes_line_ends_and_accents_survive():
    values = ['say "hi"', "two\nlines", "café"]
    _, features = infer(statistics(category=texts(*values)))
    assert sorted(features["category"].string_domain.value) == sorted(values)


def test_refuses_empty_splits_and_missing_columns():
    with pytest.raises(ContractError, match="train has no example"):
        infer(statistics(examples=0))
    with pytest.raises(ContractError, match="the statistics are empty"):
        infer()
    with pytest.raises(ContractError, match=r"eval has no columns \['price', 'sky'\]; found"):
        infer(statistics(), statistics(price=None, sky=None))


def test_statistics_without_a_name_are_of_the_split():
    found = statistics_pb2.DatasetFeatureStatisticsList(datasets=[statistics(examples=1234)])
    text = infer_schema_text(found, SERIES)
    assert text.startswith("# Schema of the data's own columns, from statistics of 1,234 examples.")
    found.datasets[0].num_examples = 0
    with pytest.raises(ContractError, match="the split has no example"):
        infer_schema_text(found, SERIES)
