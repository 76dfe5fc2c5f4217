"""What the tables mean: defaults, what is refused, and the file that a model brings."""

import pytest

from demandcast.schema.config import ColumnsConfig, CovariatesConfig, ForecastConfig, SeriesSpec
from demandcast.schema.errors import ConfigurationError
from demandcast.serving.client.table_spec import RequestLimits, TableSpec

GOOD = {"series_key": ("store", "item"), "quantile_levels": (0.1, 0.5, 0.9)}


def test_defaults():
    assert TableSpec(**GOOD) == TableSpec(
        series_key=("store", "item"),
        quantile_levels=(0.1, 0.5, 0.9),
        frequency="D",
        timestamp="timestamp",
        target="target",
        observed=None,
        in_stock_fraction=None,
        known_future=None,
        missing_period="unknown",
        history_periods=None,
    )
    assert RequestLimits() == RequestLimits(series=64, concurrent=4)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"series_key": ()}, "series_key names no column"),
        ({"series_key": "store"}, "series_key is 'store'; it is a tuple of names"),
        ({"target": "store"}, r"a column has one role only; these have several: \['store'\]"),
        ({"observed": "target"}, r"these have several: \['target'\]"),
        ({"frequency": "M"}, "frequency is 'M'; it is one of .*'D', 'W-MON'"),
        ({"quantile_levels": ()}, r"quantile_levels are \[\]; they increase strictly"),
        ({"quantile_levels": (0.5, 0.5)}, r"quantile_levels are \[0.5, 0.5\]"),
        ({"quantile_levels": (0.0, 0.5)}, "between 0 and 1"),
        ({"quantile_levels": (0.5, 1)}, "between 0 and 1"),
        ({"missing_period": "none"}, "missing_period is 'none'; it is 'unknown' or 'zero'"),
        ({"history_periods": 0}, "history_periods is 0; it must be 1 or more"),
    ],
)
def test_what_makes_no_sense(values, message):
    with pytest.raises(ConfigurationError, match=message):
        TableSpec(**{**GOOD, **values})


def test_all_complaints_come_at_once():
    with pytest.raises(ConfigurationError, match=r"frequency is 'M'.*; history_periods is 0"):
        TableSpec(**GOOD, frequency="M", history_periods=0)


@pytest.mark.parametrize("values", [{"series": 0}, {"concurrent": 0}])
def test_limits_are_above_zero(values):
    with pytest.raises(ConfigurationError, match="both must be 1 or more"):
        RequestLimits(**values)


def test_the_file_of_a_model():
    series = SeriesSpec.from_config(
        ColumnsConfig(
            series_key=("store", "item"),
            timestamp="date",
            target="units",
            known_future=CovariatesConfig(numeric=("price",), categorical=("promotion",)),
        ),
        ForecastConfig(frequency="W-MON", quantile_levels=(0.1, 0.5)),
    )
    spec = TableSpec.from_series_json(series.model_dump_json(), timestamp="date", target="units")
    assert spec == TableSpec(
        series_key=("store", "item"),
        quantile_levels=(0.1, 0.5),
        frequency="W-MON",
        timestamp="date",
        target="units",
        known_future=("price", "promotion"),
    )


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"forecast": 1, "known_future": 2}'])
def test_another_file(text):
    with pytest.raises(ConfigurationError, match=r"this is no series\.json of a model"):
        TableSpec.from_series_json(text)
