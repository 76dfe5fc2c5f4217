"""`preprocessing_fn` with as few features as can be, over data that never sold."""

import numpy as np
import pytest
from forecasting_world import HORIZON, raw_example, raw_tensors, transform_examples

from demandcast.schema.config import (
    ColumnsConfig,
    CovariatesConfig,
    FeaturesConfig,
    ForecastConfig,
    SeriesSpec,
)

pytestmark = pytest.mark.slow


def without_sales(length, number):
    """One series without a sale, and with a numeric column of holidays."""
    example = raw_example(np.random.default_rng(number), length=length, number=number)
    promotion = np.zeros(length + HORIZON, np.float32)
    promotion[:3] = (np.nan, 1.0, -2.0)
    kept = ("store", "item", "cutoff", "observed_mask", "in_stock_fraction", "naive_forecast")
    labels = ("future_target", "future_observed_mask", "future_in_stock_fraction")
    scalars = ("demand_class", "naive_scale", "naive_rms_scale")
    return {name: example[name] for name in (*kept, *labels, *scalars)} | {
        "target": np.zeros(length, np.float32),
        "promotion": promotion,
    }


@pytest.fixture(scope="module")
def transform(tmp_path_factory):
    import tensorflow_transform as tft

    columns = ColumnsConfig(
        series_key=("store", "item"),
        timestamp="date",
        target="sales",
        known_future=CovariatesConfig(numeric=("promotion",)),
    )
    features = FeaturesConfig(
        lags=(), moving_averages=(), growth_window=None, holiday_column="promotion"
    )
    folder = tmp_path_factory.mktemp("bare")
    transform_examples(
        folder,
        [without_sales(length, number) for number, length in enumerate((1, 4, 9, 9))],
        configs={
            "series": SeriesSpec.from_config(
                columns, ForecastConfig(horizon=HORIZON)
            ).model_dump_json(),
            "features": features.model_dump_json(),
        },
    )
    return tft.TFTransformOutput(str(folder / "transform"))


def test_names(transform):
    assert set(transform.transformed_feature_spec()) == {
        "cutoff",
        "target",
        "observed_mask",
        "in_stock_fraction",
        "future_target",
        "future_observed_mask",
        "future_in_stock_fraction",
        "naive_forecast",
        "static_store",
        "static_item",
        "known_promotion",
        "holiday",
        "target_level",
    }


def test_without_sales_the_level_is_one_unit(transform):
    layer = transform.transform_features_layer()
    found = layer(raw_tensors([without_sales(5, 1), without_sales(1, 2)]))
    assert found["target_level"].numpy().tolist() == [1.0, 1.0]


def test_numbers_mark_holidays_where_they_are_not_zero(transform):
    layer = transform.transform_features_layer()
    found = layer(raw_tensors([without_sales(2, 1)]))
    assert found["holiday"].numpy()[0].tolist() == [0, 1, 1] + [0] * (2 + HORIZON - 3)
