"""What the network sees."""

import pytest
from configurations import parse

from demandcast.schema.config import Interaction
from demandcast.schema.errors import ConfigurationError


def test_an_interaction_is_named_by_its_columns():
    assert Interaction(columns=("category", "promotion")).name == "category_x_promotion"


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("features.lags", [364, 364], r"features: lags has a value twice: \[364, 364\]"),
        ("features.moving_averages", [7, 7], "moving_averages has a value twice"),
        ("features.moving_averages", [0], "moving_averages must be 1 or more"),
        ("features.calendar", ["month", "month"], "calendar has a value twice"),
        ("features.calendar", ["moon"], r"features\.calendar\.0: got 'moon'; .*'week_of_year'"),
        ("features.growth_window", 0, r"features\.growth_window: got 0"),
        ("features.outliers.lower_quantile", 0.5, r"outliers\.lower_quantile: got 0\.5"),
        ("features.outliers.upper_quantile", 0.5, r"outliers\.upper_quantile: got 0\.5"),
        ("features.outliers.method", "z", r"outliers\.method: got 'z'; .*'none', 'quantile'"),
        ("features.imputation.numeric", "x", r"imputation\.numeric: got 'x'; .*'mean', 'median'"),
        ("features.vocabulary.oov_buckets", 0, r"vocabulary\.oov_buckets: got 0"),
        ("features.interactions", [{"columns": ["store"]}], r"interactions\.0\.columns"),
        (
            "features.interactions",
            [{"columns": ["store", "store"]}],
            r"interactions\.0\.columns: got .*'store'.*; the two columns are the same",
        ),
    ],
)
def test_wrong_values_are_refused_with_path_value_and_what_is_allowed(key, value, message):
    with pytest.raises(ConfigurationError, match=message):
        parse(**{key: value})


def test_all_may_be_switched_off():
    features = parse(
        **{
            "features.lags": [],
            "features.moving_averages": [],
            "features.growth_window": None,
            "features.calendar": [],
        }
    ).features
    assert not (features.lags)
    assert not (features.moving_averages)
    assert not (features.calendar)
    assert features.growth_window is None
