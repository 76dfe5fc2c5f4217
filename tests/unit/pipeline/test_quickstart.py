import io

import numpy as np
import pytest
from supply_world import forecast_table, supply_config, write_supply

from demandcast.pipeline.console import Console
from demandcast.pipeline.proposal_folder import ProposalFolder, make_proposals
from demandcast.pipeline.quickstart import ensure_sample_data, forecast_rows, urgent_orders
from demandcast.pipeline.reports import RunReport
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


def report_of(orders):
    return RunReport("test", "r1", "succeeded", 0.0, (), "", "", "", orders=orders)


def test_the_most_urgent_orders_are_shown_with_their_reasons(tmp_path):
    write_supply(tmp_path)
    config = supply_config(tmp_path)
    target = ProposalFolder("p-1", tmp_path / "orders")
    make_proposals(config, forecast_table(config), origins=None, target=target)
    text = urgent_orders(report_of({"folder": str(target.folder)}), config.series)
    header, *lines = text.splitlines()
    assert header.split() == ["supplier", "store", "item", "due", "quantity", "reason"]
    first = lines[0].split()
    # The store that sells more stands to lose more.
    assert first[:5] == ["s", "b", "007", "2026-07-03", "5"]
    assert len(lines) == 2


@pytest.mark.parametrize("orders", [None, {"proposed": 0, "finding": "no model is in service"}])
def test_without_proposals_no_table_is_shown(orders, config):
    assert urgent_orders(report_of(orders), config.series) == ""
