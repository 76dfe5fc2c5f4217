"""The composed schema: curated rules, generated features, the user's rules, environments."""

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from validation_examples import SERIES

from demandcast.schema import series_example
from demandcast.schema.config import CovariatesConfig, ForecastConfig, SeriesSpec
from demandcast.schema.errors import ConfigurationError
from demandcast.schema.feature_schema import (
    SERVING,
    TRAINING,
    compose_schema,
    compose_schema_text,
    own_columns,
    parse_schema,
)

PLAIN = SeriesSpec(
    series_key=("id",),
    static=("id",),
    known_future=CovariatesConfig(),
    observed_past=CovariatesConfig(),
    forecast=ForecastConfig(),
)


def features_of(series=SERIES, user=None):
    return {feature.name: feature for feature in compose_schema(series, user).feature}


def test_holds_every_feature_of_the_example_and_every_column():
    curated = {
        series_example.CUTOFF,
        series_example.TARGET,
        series_example.OBSERVED_MASK,
        series_example.IN_STOCK_FRACTION,
        *series_example.LABELS,
        series_example.DEMAND_CLASS,
        series_example.NAIVE_SCALE,
        series_example.NAIVE_RMS_SCALE,
        series_example.NAIVE_FORECAST,
    }
    own = {"store", "item", "category", "price", "promotion", "temperature", "sky"}
    assert set(features_of()) == curated | own
    assert set(features_of(PLAIN)) == curated | {"id"}


def test_demand_classes_are_those_of_the_examples():
    domain = features_of()[series_example.DEMAND_CLASS].string_domain
    assert tuple(domain.value) == series_example.DEMAND_CLASSES


@pytest.mark.parametrize(
    ("names", "low", "high"),
    [
        (["in_stock_fraction", "observed_mask"], 0, 1),
        (["future_in_stock_fraction", "future_observed_mask"], 0, 1),
        (["target", "future_target", "naive_forecast"], 0, None),
    ],
)
def test_ranges_of_curated_numbers(names, low, high):
    for name in names:
        domain = features_of()[name].float_domain
        assert domain.min == low
        assert (domain.max if domain.HasField("max") else None) == high
        assert domain.disallow_nan


def test_scales_are_above_zero():
    for name in (series_example.NAIVE_SCALE, series_example.NAIVE_RMS_SCALE):
        assert features_of()[name].float_domain.min > 0


def test_cutoffs_are_days_from_1970_to_2099():
    domain = features_of()[series_example.CUTOFF].int_domain
    years, leap_days = 130, 32
    assert (domain.min, domain.max) == (0, years * 365 + leap_days - 1)


@pytest.mark.parametrize("horizon", [1, 2, 28])
def test_labels_have_the_horizon_as_fixed_shape(horizon):
    series = SERIES.model_copy(update={"forecast": ForecastConfig(horizon=horizon)})
    features = features_of(series)
    for name in (*series_example.LABELS, series_example.NAIVE_FORECAST):
        assert [dimension.size for dimension in features[name].shape.dim] == [horizon]
    assert features["price"].value_count.min == 1 + horizon
    assert features["temperature"].value_count.min == features["target"].value_count.min == 1


def test_static_columns_and_scalars_hold_one_value():
    for name in ("store", "item", "category", "cutoff", "demand_class", "naive_scale"):
        feature = features_of()[name]
        assert feature.HasField("shape")
        assert not feature.shape.dim


def test_requests_have_no_labels_and_nothing_that_only_evaluation_needs():
    schema = compose_schema(SERIES, None)
    assert list(schema.default_environment) == [TRAINING, SERVING]
    absent = {f.name for f in schema.feature if SERVING in f.not_in_environment}
    assert absent == {
        *series_example.LABELS,
        series_example.DEMAND_CLASS,
        series_example.NAIVE_SCALE,
        series_example.NAIVE_RMS_SCALE,
        series_example.NAIVE_FORECAST,
    }
    assert not any(TRAINING in f.not_in_environment for f in schema.feature)


def test_each_feature_is_always_present_and_has_a_tensor_representation():
    schema = compose_schema(SERIES, None)
    group = schema.tensor_representation_group
    assert list(group) == [""]
    assert {f.name for f in schema.feature} == set(group[""].tensor_representation)
    for feature in schema.feature:
        representation = group[""].tensor_representation[feature.name]
        expected = "dense_tensor" if feature.HasField("shape") else "ragged_tensor"
        assert representation.WhichOneof("kind") == expected
        assert feature.presence.min_fraction == 1


def test_missing_covariates_are_legal_and_infinite_ones_are_not():
    for name in ("price", "temperature"):
        domain = features_of()[name].float_domain
        assert not domain.disallow_nan
        assert domain.disallow_inf


def test_text_parses_back_and_is_reproducible():
    user = 'feature { name: "price" float_domain { min: 0.1 } }'
    text = compose_schema_text(SERIES, user)
    assert text == compose_schema_text(SERIES, user)
    assert text_format.Parse(text, schema_pb2.Schema()) == compose_schema(SERIES, user)


def test_own_columns_are_static_covariates_and_the_target():
    assert set(own_columns(SERIES)) == {
        *("store", "item", "category", "price", "promotion", "temperature", "sky", "target")
    }


class TestUserSchema:
    def test_adds_domains_ranges_and_drift_thresholds(self):
        user = """
            feature {
              name: "promotion" type: BYTES domain: "promotions"
              drift_comparator { infinity_norm { threshold: 0.1 } }
            }
            feature { name: "category" string_domain { value: "dairy" } }
            feature { name: "price" float_domain { min: 0.1 max: 50 } }
            string_domain { name: "promotions" value: "" value: "a" }
        """
        schema = compose_schema(SERIES, user)
        features = {feature.name: feature for feature in schema.feature}
        assert features["promotion"].domain == "promotions"
        assert features["promotion"].drift_comparator.infinity_norm.threshold == 0.1
        assert features["promotion"].value_count.min == 1 + 2
        assert list(features["category"].string_domain.value) == ["dairy"]
        assert features["price"].float_domain.max == 50
        assert features["price"].float_domain.disallow_inf
        assert [domain.name for domain in schema.string_domain] == ["promotions"]

    def test_narrows_and_never_widens(self):
        wide = 'feature { name: "target" float_domain { min: -5 max: 9 disallow_nan: false } }'
        narrow = 'feature { name: "target" float_domain { min: 1 } }'
        assert features_of(user=wide)["target"].float_domain.min == max(0, -5)
        assert features_of(user=wide)["target"].float_domain.max == 9
        assert features_of(user=wide)["target"].float_domain.disallow_nan
        assert features_of(user=narrow)["target"].float_domain.min == max(0, 1)

    def test_may_forbid_missing_numbers_but_not_weaken_presence(self):
        user = """feature {
            name: "price" presence { min_fraction: 0.5 } float_domain { disallow_nan: true }
        }"""
        price = features_of(user=user)["price"]
        assert price.float_domain.disallow_nan
        assert price.presence.min_fraction == 1

    def test_an_empty_one_changes_nothing(self):
        assert compose_schema(SERIES, "") == compose_schema(SERIES, None)

    @pytest.mark.parametrize(
        ("user", "message"),
        [
            ('feature { name: "prise" }', r"column 'prise': no such column; allowed: store, item"),
            ('feature { name: "cutoff" }', r"column 'cutoff': no such column"),
            ('feature { name: "price" type: BYTES }', r"'price': type BYTES; .* makes it FLOAT"),
            ('feature { name: "sky" float_domain {} }', r"'sky': float_domain .* it BYTES"),
            ('feature { name: "price" string_domain {} }', r"'price': string_domain .* it FLOAT"),
            ('feature { name: "sky" domain: "d" }', r"'sky': no string_domain 'd'; given: \[\]"),
            ('feature { name: "sky" value_count { max: 1 } }', r"'sky': may not set value_count;"),
            ('feature { name: "sky" } feature { name: "sky" }', r"'sky': given 2 times"),
            ('default_environment: "X"', r"top level: may not set default_environment; allowed"),
            ("feature { nam", r"feature_schema: not a schema in text format: 1:11"),
        ],
    )
    def test_refuses_what_it_may_not_say(self, user, message):
        with pytest.raises(ConfigurationError, match=message):
            compose_schema_text(SERIES, user)

    def test_all_complaints_come_at_once(self):
        user = 'feature { name: "a" } feature { name: "b" } feature { name: "sky" type: FLOAT }'
        with pytest.raises(ConfigurationError) as caught:
            compose_schema_text(SERIES, user)
        assert len(str(caught.value).splitlines()) == 3


def test_parse_schema_names_its_source():
    with pytest.raises(ConfigurationError, match=r"^here: not a schema"):
        parse_schema("{", source="here")


def test_curated_names_are_reserved_so_no_column_can_clash():
    curated = set(features_of(PLAIN)) - {"id"}
    assert curated <= series_example.RESERVED_NAMES
