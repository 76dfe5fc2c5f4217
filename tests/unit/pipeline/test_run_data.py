import json

import pytest
from run_folders import write_run
from tensorflow_metadata.proto.v0 import anomalies_pb2

from demandcast.pipeline.run_data import data_part
from demandcast.pipeline.run_files import read_run


@pytest.fixture
def folder(tmp_path):
    return write_run(tmp_path, "r1")


def test_shares_are_of_the_periods_that_they_are_about(folder):
    part = data_part(read_run(folder))
    assert part.not_recorded == 10 / 100
    assert part.zeros == (40 - 10) / 90
    assert part.mean_sale == pytest.approx(4.5 * 100 / 90)
    assert part.in_stock == pytest.approx(0.95)
    assert (part.rows, part.series, part.first, part.last) == (
        1000,
        10,
        "2024-01-01",
        "2026-03-30",
    )


def test_splits_have_their_demand_classes(folder):
    train, evaluation = data_part(read_run(folder)).splits
    assert (train.name, train.examples, train.demand_classes) == (
        "train",
        10,
        {"smooth": 7, "lumpy": 3},
    )
    assert evaluation.cutoffs == ("2026-03-16",)


def configured(folder, **forecast):
    file = folder / "run.json"
    report = json.loads(file.read_text())
    report["config"]["forecast"] = forecast
    file.write_text(json.dumps(report))


@pytest.mark.parametrize(
    ("frequency", "ends"), [("D", ("2026-02-15", "2026-03-30")), ("W-MON", ("2026-05-10", None))]
)
def test_splits_say_which_demand_they_look_at(folder, frequency, ends):
    """Two weeks of horizon after the cutoffs 2026-02-01 and 2026-03-16; or 14 weeks."""
    configured(folder, frequency=frequency, horizon=14)
    train, evaluation = data_part(read_run(folder)).splits
    assert (train.first, train.last) == ("2024-01-01", ends[0])
    if frequency == "D":
        assert (evaluation.first, evaluation.last) == ("2026-03-17", ends[1])
    else:
        assert evaluation.first == "2026-03-23"


def test_a_run_without_its_configuration_does_not_say_so(folder):
    assert {(split.first, split.last) for split in data_part(read_run(folder)).splits} == {
        (None, None)
    }


def test_the_age_of_the_data_is_counted_from_the_run(folder):
    file = folder / "run.json"
    report = json.loads(file.read_text())
    file.write_text(json.dumps(report | {"started": "2026-04-01T00:30:00+00:00"}))
    assert data_part(read_run(folder)).age_days == 2
    file.write_text(json.dumps(report | {"started": None}))
    assert data_part(read_run(folder)).age_days is None


def test_columns_are_described_by_role(folder):
    columns = {column.name: column for column in data_part(read_run(folder)).columns}
    assert list(columns) == ["category", "price", "promotion", "target"]
    assert columns["price"].role == "known ahead"
    assert columns["price"].missing == 4 / 100
    assert columns["promotion"].missing == 5 / 20
    assert columns["promotion"].summary == "1 value: none"
    assert columns["category"].summary == "4 values: dairy, meat, fruit, …"
    assert columns["target"].role == "target (column units)"


def test_anomalies_are_worded(folder):
    assert data_part(read_run(folder)).anomalies == ()
    run = read_run(folder)
    anomalies = anomalies_pb2.Anomalies()
    anomalies.anomaly_info["price"].short_description = "Out of range"
    anomalies.anomaly_info["price"].description = "below 0"
    file = run.artifact("ExampleValidator", "anomalies") / "Split-eval" / "SchemaDiff.pb"
    file.write_bytes(anomalies.SerializeToString())
    (line,) = data_part(run).anomalies
    assert line.startswith("eval, column 'price': Out of range: below 0")


def test_a_run_that_ended_early_has_what_it_got_to(tmp_path):
    assert data_part(read_run(write_run(tmp_path, "1", failed_in="SeriesExampleGen"))) is None
    part = data_part(read_run(write_run(tmp_path, "2", failed_in="StatisticsGen")))
    assert part.rows == 1000
    assert (part.not_recorded, part.anomalies, part.columns) == (None, None, ())
