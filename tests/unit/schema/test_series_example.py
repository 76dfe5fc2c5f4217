"""Names of the example: they are an interface of stored examples and served models."""

from demandcast.schema import series_example


def test_names_are_pinned():
    values = {name: getattr(series_example, name) for name in series_example.__all__}
    assert {name: value for name, value in values.items() if isinstance(value, str | tuple)} == {
        "CUTOFF": "cutoff",
        "DEMAND_CLASS": "demand_class",
        "DEMAND_CLASSES": ("smooth", "erratic", "intermittent", "lumpy", "no_demand"),
        "FUTURE_IN_STOCK_FRACTION": "future_in_stock_fraction",
        "FUTURE_OBSERVED_MASK": "future_observed_mask",
        "FUTURE_TARGET": "future_target",
        "IN_STOCK_FRACTION": "in_stock_fraction",
        "LABELS": ("future_target", "future_observed_mask", "future_in_stock_fraction"),
        "NAIVE_FORECAST": "naive_forecast",
        "NAIVE_RMS_SCALE": "naive_rms_scale",
        "NAIVE_SCALE": "naive_scale",
        "OBSERVED_MASK": "observed_mask",
        "SPLITS": ("train", "validation", "eval"),
        "TARGET": "target",
    }


def test_no_column_may_have_the_name_of_a_feature_or_of_a_signature():
    features = {
        value
        for name in series_example.__all__
        if isinstance(value := getattr(series_example, name), str)
    }
    signature_names = {"quantiles", "mean", "examples"}
    table_names = {"series_id", "step", "timestamp", "mean", "cutoff"}
    expected = features | {*series_example.LABELS} | signature_names | table_names
    assert expected <= series_example.RESERVED_NAMES
