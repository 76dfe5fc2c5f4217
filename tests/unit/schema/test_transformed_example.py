"""Names of the transformed features, by the features asked for."""

import pytest

from demandcast.schema.config import (
    ColumnsConfig,
    CovariatesConfig,
    FeaturesConfig,
    ForecastConfig,
    Interaction,
    SeriesSpec,
)
from demandcast.schema.transformed_example import TransformedSpec, is_numeric


def series_of(**roles):
    columns = {"series_key": ("store", "item"), "timestamp": "date", "target": "sales", **roles}
    return SeriesSpec.from_config(ColumnsConfig(**columns), ForecastConfig())


BARE = FeaturesConfig(lags=(), moving_averages=(), growth_window=None)
FULL = series_of(
    static=("category",),
    known_future=CovariatesConfig(numeric=("price", "display"), categorical=("event",)),
    observed_past=CovariatesConfig(numeric=("temperature",), categorical=("sky",)),
)


def test_the_bare_minimum():
    spec = TransformedSpec.from_config(series_of(), BARE)
    assert spec == TransformedSpec(
        static_index=("static_store", "static_item"),
        known_numeric=(),
        known_index=(),
        past_numeric=(),
        past_index=(),
        known_units=(),
        past_units=(),
        has_holiday=False,
    )
    assert spec.indices == ("static_store", "static_item")


def test_everything():
    features = FeaturesConfig(
        lags=(28, 364),
        moving_averages=(7, 28),
        growth_window=14,
        price_column="price",
        holiday_column="event",
        interactions=[
            {"columns": ("price", "display")},
            {"columns": ("store", "category")},
            {"columns": ("category", "event")},
        ],
    )
    spec = TransformedSpec.from_config(FULL, features)
    assert spec.static_index == (
        "static_store",
        "static_item",
        "static_category",
        "static_store_x_category",
    )
    assert spec.known_numeric == (
        "known_price",
        "known_display",
        "known_price_x_display",
        "known_average_price",
        "known_relative_price",
    )
    assert spec.known_index == ("known_event", "known_category_x_event")
    assert spec.past_numeric == ("past_temperature", "past_growth")
    assert spec.past_index == ("past_sky",)
    assert spec.known_units == ("lag_28", "lag_364")
    assert spec.past_units == ("moving_average_7", "moving_average_28")
    assert spec.has_holiday
    assert spec.indices == spec.static_index + spec.known_index + spec.past_index


def test_each_lag_has_a_mask():
    assert TransformedSpec.mask_of("lag_28") == "lag_28_mask"


@pytest.mark.parametrize(
    ("columns", "numeric"),
    [(("price", "display"), True), (("store", "category"), False), (("category", "event"), False)],
)
def test_numbers_multiply_and_categories_cross(columns, numeric):
    assert is_numeric(Interaction(columns=columns), FULL) is numeric
