import io

import numpy as np
import pytest

from demandcast.pipeline.console import Console
from demandcast.pipeline.quickstart import ensure_sample_data, forecast_rows
from demandcast.schema.config import parse_config, resolve_paths
from demandcast.schema.config.example import example_yaml


@pytest.fixture
def config(tmp_path):
    return resolve_paths(parse_config(example_yaml()), tmp_path)


def test_the_table_has_dates_levels_and_what_was_sold(config):
    horizon = config.forecast.horizon
    series = {
        "store": "s1",
        "item": "i1",
        "cutoff": 365,  # 1971-01-01
        "future_target": [float(step) for step in range(horizon)],
        "future_observed_mask": [1.0, 0.0] + [1.0] * (horizon - 2),
    }
    quantiles = np.tile(np.arange(7.0), (1, horizon, 1))
    rows = forecast_rows([series], quantiles, config.series)
    assert len(rows) == 5
    assert rows[0] == ["s1", "i1", "1971-01-02", "1.0", "3.0", "5.0", "0"]
    assert rows[1] == ["s1", "i1", "1971-01-03", "1.0", "3.0", "5.0", "-"]


def test_a_short_horizon_is_shown_whole(config):
    series = {
        "store": "s1",
        "item": "i1",
        "cutoff": 0,
        "future_target": [2.0],
        "future_observed_mask": [1.0],
    }
    rows = forecast_rows([series], np.zeros((1, 1, 7)), config.series)
    assert rows == [["s1", "i1", "1970-01-02", "0.0", "0.0", "0.0", "2"]]


def test_sample_data_are_written_once(config, tmp_path):
    screen = io.StringIO()
    ensure_sample_data(config, Console(screen), preset="tiny")
    sales = tmp_path / "data" / "sales.parquet"
    written = sales.stat().st_mtime_ns
    ensure_sample_data(config, Console(screen), preset="tiny")
    assert sales.stat().st_mtime_ns == written
    assert "rows of sales" in screen.getvalue()
