"""Rows of metrics and the files that hold them."""

import csv
import json

import numpy as np
import pytest

from demandcast.components.backtest import result
from demandcast.components.backtest.result import (
    ALL,
    Backtest,
    BacktestModel,
    make_rows,
    read_backtest,
    write_backtest,
)
from demandcast.components.backtest.scoring import FORECASTERS
from demandcast.components.metrics.statistics import Forecasts, example_statistics

FIRST, SECOND = 19723, 19730  # 2024-01-01 and a week later.


def sums(actual, forecast, counts=1):
    """Statistics of one example of one step, the same forecast for each forecaster."""
    rows = example_statistics(
        Forecasts(
            actual=[[actual]],
            scored_mask=[[counts]],
            quantiles=[[[forecast] * 3]],
            mean=[[forecast]],
            naive_forecast=[[forecast]],
            naive_scale=[2.0],
            naive_rms_scale=[4.0],
        ),
        (0.1, 0.5, 0.9),
    )
    return np.repeat(rows, len(FORECASTERS), axis=0)


def make_backtest(rows, **changes):
    values = {
        "backtest_id": "20240101-000000-000",
        "created": "2024-01-01T00:00:00+00:00",
        "pipeline": "demand",
        "model": BacktestModel(version=7, digest="d", run_id="r", seen_until="2023-12-31"),
        "retrain": False,
        "models": {},
        "cutoffs": ("2024-01-01", "2024-01-08"),
        "seen_cutoffs": (),
        "horizon": 1,
        "frequency": "D",
        "seconds": 1.5,
        "rows": rows,
    }
    return Backtest(**values | changes)


@pytest.fixture
def rows():
    return make_rows(
        {
            SECOND: {"overall": sums(10.0, 13.0), "store=s2": sums(10.0, 13.0)},
            FIRST: {"overall": sums(30.0, 28.0), "store=s1": sums(30.0, 28.0)},
        }
    )


def test_cutoffs_and_slices_stand_in_order(rows):
    places = list(dict.fromkeys((row.cutoff, row.slice) for row in rows))
    assert places == [
        (ALL, "overall"),
        (ALL, "store=s1"),
        (ALL, "store=s2"),
        ("2024-01-01", "overall"),
        ("2024-01-01", "store=s1"),
        ("2024-01-08", "overall"),
        ("2024-01-08", "store=s2"),
    ]
    assert [row.forecaster for row in rows[:4]] == list(FORECASTERS)


def test_metrics_over_all_cutoffs_are_those_of_the_sums(rows):
    found = make_backtest(rows)
    overall = found.row()
    assert overall.examples == 2
    assert overall.wape == (3 + 2) / (10 + 30)
    assert overall.bias == (3 - 2) / (10 + 30)
    assert overall.mase == pytest.approx((3 / 2 + 2 / 2) / 2)
    assert overall.rmsse == pytest.approx((3 / 4 + 2 / 4) / 2)
    assert found.row(cutoff="2024-01-08").wape == 3 / 10
    assert found.row(of="store=s1").wape == 2 / 30
    with pytest.raises(KeyError):
        found.row(cutoff="2024-01-08", of="store=s1")


def test_a_point_forecast_has_no_interval(rows):
    found = make_backtest(rows)
    assert found.row().coverage_80 == 0  # Both numbers lie outside of a point.
    assert found.row().coverage_90 is None  # The levels have no 0.05 and 0.95.
    for forecaster in FORECASTERS[1:]:
        assert found.row(forecaster=forecaster).coverage_80 is None


def test_what_has_no_example_that_counts_has_no_row_but_overall():
    rows = make_rows({FIRST: {"overall": sums(1.0, 1.0, 0), "store=s1": sums(1.0, 1.0, 0)}})
    assert {row.slice for row in rows} == {"overall"}
    assert {row.examples for row in rows} == {0}
    assert {row.wape for row in rows} == {None}


def test_files_say_the_same(rows, tmp_path):
    found = make_backtest(rows)
    write_backtest(found, tmp_path / "new")
    assert read_backtest(tmp_path / "new") == found
    values = json.loads((tmp_path / "new" / "backtest.json").read_text())
    with (tmp_path / "new" / "metrics.csv").open() as file:
        table = list(csv.DictReader(file))
    assert len(table) == len(values["rows"]) == len(rows)
    for line, row in zip(table, values["rows"], strict=True):
        assert line == {name: "" if v is None else str(v) for name, v in row.items()}
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"backtest.json", "metrics.csv"}


def test_reports_from_before_forecasts_were_kept_still_read(rows, tmp_path):
    write_backtest(make_backtest(rows), tmp_path)
    values = json.loads((tmp_path / "backtest.json").read_text())
    assert values.pop("origins", "absent") is None
    (tmp_path / "backtest.json").write_text(json.dumps(values))
    assert read_backtest(tmp_path) == make_backtest(rows)


def test_the_report_is_written_last_and_whole(rows, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr(result, "_csv", fail)
    with pytest.raises(OSError, match="full"):
        write_backtest(make_backtest(rows), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_contract_of_the_report(rows):
    """Names that the HTML report and scripts read."""
    values = json.loads(make_backtest(rows).model_dump_json())
    assert {
        "backtest_id",
        "created",
        "pipeline",
        "model",
        "retrain",
        "cutoffs",
        "horizon",
        "frequency",
        "seconds",
        "rows",
    } <= set(values)
    assert set(values["rows"][0]) == {
        "cutoff",
        "slice",
        "forecaster",
        "examples",
        "weighted_quantile_loss",
        "wape",
        "bias",
        "mase",
        "rmsse",
        "coverage_80",
        "coverage_90",
    }
