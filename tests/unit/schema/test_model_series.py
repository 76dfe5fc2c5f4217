"""Which examples may be given to which model."""

import pytest
from configurations import parse

from demandcast.schema.model_series import misfits

KNOWN = {"data.columns.known_future": {"numeric": ["price"], "categorical": ["event"]}}


def series(**changes):
    return parse(**{"features.lags": []}, **changes).series


def test_equal_ones_fit():
    assert misfits(series(**KNOWN), series(**KNOWN)) == []


def test_further_columns_and_another_context_do_no_harm():
    richer = series(**KNOWN, **{"data.columns.static": ["brand"], "forecast.context_length": 9})
    assert misfits(series(), richer) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"forecast.horizon": 5}, "forecast.horizon: the model has 28, asked is 5"),
        ({"forecast.frequency": "W-MON"}, "forecast.frequency: the model has D, asked is W-MON"),
        (
            {"forecast.quantile_levels": [0.01, 0.1, 0.2, 0.5, 0.8, 0.9, 0.99]},
            "forecast.quantile_levels: the model has [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95], "
            "asked is [0.01, 0.1, 0.2, 0.5, 0.8, 0.9, 0.99]",
        ),
    ],
)
def test_answers_of_another_meaning_are_named(changes, expected):
    assert misfits(series(), series(**changes)) == [expected]


def test_a_column_less_or_in_another_role_is_named():
    other = {"data.columns.known_future": {"numeric": ["event"], "categorical": []}}
    assert misfits(series(**KNOWN), series(**other)) == [
        "known_future.numeric: the model reads ['price'], which is not given",
        "known_future.categorical: the model reads ['event'], which is not given",
    ]


def test_another_key_is_named():
    assert misfits(series(), series(**{"data.columns.series_key": ["store"]})) == [
        "series_key: the model has ['store', 'item'], asked is ['store']",
        "static: the model reads ['item'], which is not given",
    ]
