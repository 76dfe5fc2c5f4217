"""The Beam pipelines end to end, on small tables."""

import datetime
import json
import math
from pathlib import Path

import pytest
from examples_tables import check_purely, examples_of, make_data, row, write_rows
from transactions_tables import data_of, line, write_lines

from demandcast.components.examples.splits import plan_splits
from demandcast.schema.config import (
    BeamConfig,
    CalendarConfig,
    ForecastConfig,
    SamplingConfig,
    ValidationConfig,
)
from demandcast.schema.errors import ContractError

pytestmark = pytest.mark.slow

FORECAST = ForecastConfig(horizon=4)
SAMPLING = SamplingConfig(eval_cutoffs=2, validation=ValidationConfig(cutoffs=1))
BEAM = BeamConfig(partitions=3, block_rows=1000)
ROWS = [
    row(day, float(day % 5), item=item, event="x" if day % 9 == 0 else None)
    for item in "abcdefgh"
    for day in range(30)
]


def ingestion(data, **changes):
    from demandcast.components.examples.ingestion import Ingestion
    from demandcast.components.examples.tables import open_tables

    values = {"forecast": FORECAST, "sampling": SAMPLING, "beam": BEAM} | changes
    return Ingestion(data=data, tables=open_tables(data), **values)


def read_examples(folder):
    """Reads examples with TensorFlow, as lists by split, series and cutoff."""
    import tensorflow as tf

    found = {}
    for path in sorted(Path(folder).glob("Split-*/*")):
        for record in tf.data.TFRecordDataset(str(path), "GZIP").as_numpy_iterator():
            features = tf.train.Example.FromString(record).features.feature
            values = {
                name: list(getattr(feature, feature.WhichOneof("kind")).value)
                for name, feature in sorted(features.items())
            }
            key = tuple(values[name][0].decode() for name in ("store", "item"))
            split = path.parent.name.removeprefix("Split-")
            found[split, key, values["cutoff"][0]] = values
    return found


def without_nan(value):
    return ["nan" if isinstance(item, float) and math.isnan(item) else item for item in value]


@pytest.mark.parametrize("name", ["sales.parquet", "sales.csv"])
def test_written_examples_equal_the_pure_walk(tmp_path, name):
    from demandcast.components.examples.run import write_splits

    data = make_data(write_rows(tmp_path / name, ROWS))
    report = write_splits(ingestion(data), str(tmp_path / "out"))
    _, checked, _, _ = check_purely(data, FORECAST)
    plans = plan_splits(checked.newest, FORECAST, SAMPLING)
    expected = {
        (split, key, example["cutoff"][0]): example
        for (split, key, _), example in examples_of(data, FORECAST, plans).items()
    }
    found = read_examples(tmp_path / "out")
    assert set(found) == set(expected)
    for place, example in expected.items():
        assert set(found[place]) == set(example)
        for feature, values in example.items():
            assert without_nan(found[place][feature]) == without_nan(values)
    assert dict(report.examples) == {"train": 8, "validation": 8, "eval": 16}
    assert (report.rows, report.series) == (240, 8)
    left = [path.name for path in (tmp_path / "out").iterdir()]
    assert sorted(left) == ["Split-eval", "Split-train", "Split-validation"]


def test_two_runs_write_the_same_examples_in_the_same_order(tmp_path):
    from demandcast.components.examples.run import write_splits

    data = make_data(write_rows(tmp_path / "sales.csv", ROWS))
    contents = []
    for name in ("one", "two"):
        write_splits(ingestion(data), str(tmp_path / name))
        contents.append(list(read_examples(tmp_path / name).items()))
    assert repr(contents[0]) == repr(contents[1])  # NaN is not equal to itself.
    assert contents[0]


def test_an_earlier_end_gives_the_examples_of_a_table_that_ends_there(tmp_path):
    """Nothing of later rows is in any example: the tables may as well not have them."""
    from demandcast.components.examples.run import write_splits

    late = [row(day, 99.0, item="z", event="late", price=9.0) for day in range(24, 30)]
    whole = make_data(write_rows(tmp_path / "whole.csv", ROWS + late))
    end = datetime.date(2024, 1, 24)
    cut = make_data(write_rows(tmp_path / "cut.csv", [one for one in ROWS if one["date"] <= end]))
    sampling = SAMPLING.model_copy(update={"end": end})
    write_splits(ingestion(whole, sampling=sampling), str(tmp_path / "early"))
    write_splits(ingestion(cut), str(tmp_path / "cut"))
    early, expected = read_examples(tmp_path / "early"), read_examples(tmp_path / "cut")
    assert early
    assert repr(early) == repr(expected)  # NaN is not equal to itself.


def test_a_broken_contract_writes_nothing_and_comes_as_one_error(tmp_path):
    from demandcast.components.examples.run import check_data, write_splits

    rows = [*ROWS, row(3, -1.0, item="a"), row(40, item="z", category="toys"), row(41, item="z")]
    path = write_rows(tmp_path / "sales.csv", rows)
    path.write_text(path.read_text() + "1,z,2024-03-01\n")
    (tmp_path / "days.csv").write_text("date,event\n2024-01-01,x\n2024-01-01,y\n")
    data = make_data(path, calendar=CalendarConfig(path=f"{tmp_path}/days.csv", on=("date",)))
    with pytest.raises(ContractError) as caught:
        write_splits(ingestion(data), str(tmp_path / "out"))
    message = str(caught.value)
    for problem in (
        "sales: column 'target': negative target (1 row)",
        "sales: column 'store, item, date': duplicate key (1 row)",
        "sales: column 'category': static attribute changes within a series (1 series)",
        "sales: column 'date': date without a row in the calendar (",
        "sales: column '(all)': wrong number of values in a row (1 row); expected 9 values",
        "calendar: column 'date': key repeated (1 row)",
    ):
        assert problem in message
    assert [item for item in (tmp_path / "out").rglob("*") if item.is_file()] == []
    with pytest.raises(ContractError) as again:
        check_data(data, FORECAST, SAMPLING, BEAM)
    assert str(again.value) == message


def test_checks_alone_report_the_span(tmp_path):
    from demandcast.components.examples.run import check_data, dates_of

    data = make_data(write_rows(tmp_path / "sales.csv", ROWS))
    report = check_data(data, FORECAST, SAMPLING, BEAM)
    assert (report.rows, report.series, report.examples) == (240, 8, ())
    assert dates_of([report.oldest, report.newest], "D") == ["2024-01-01", "2024-01-30"]


def test_too_short_a_history_names_the_empty_splits_and_their_cutoffs(tmp_path):
    from demandcast.components.examples.run import write_splits

    data = make_data(write_rows(tmp_path / "sales.csv", [row(day) for day in range(9)]))
    with pytest.raises(ContractError) as caught:
        write_splits(ingestion(data), str(tmp_path / "out"))
    message = str(caught.value)
    assert message.startswith(
        "no example for train, validation: the sales table has 9 periods, from 2024-01-01 to "
        "2024-01-09"
    )
    assert "train: 0 examples, cutoff 2023-12-24" in message
    assert "expected a longer history" in message


@pytest.mark.parametrize("rows", [[], [row(day, None) for day in range(9)]])
def test_a_table_without_any_target(tmp_path, rows):
    from demandcast.components.examples.run import write_splits

    data = make_data(write_rows(tmp_path / "sales.parquet", rows))
    with pytest.raises(ContractError, match="sales: column 'target' has no value in any row"):
        write_splits(ingestion(data), str(tmp_path / "out"))


def test_lines_of_which_the_rules_leave_nothing(tmp_path):
    from demandcast.components.examples.run import check_data

    path = write_lines(tmp_path / "sales.csv", [line("1", 3), line("2", -1)])
    nothing = {"exclude": [{"name": "all", "column": "item", "matches": "."}]}
    for rules, words in (
        (nothing, r"leave no sale \(read: 2 lines, 2 units; all: 2 lines, 2 units"),
        ({"last_period": "drop"}, r"leave no sale .*sales: 1 lines, 3 units"),
    ):
        with pytest.raises(ContractError, match=words):
            check_data(data_of(path, rules), FORECAST, SAMPLING, BEAM)


def test_an_unreadable_file_is_a_violation(tmp_path):
    from demandcast.components.examples.run import check_data

    path = write_rows(tmp_path / "sales.csv", ROWS)
    path.write_bytes(path.read_bytes().replace(b"food", b"f\xff\xfed", 1))
    with pytest.raises(
        ContractError, match=r"not UTF-8 text \(1 file\); expected UTF-8 text; first: sales\.csv \("
    ):
        check_data(make_data(path), FORECAST, SAMPLING, BEAM)


def test_tables_on_a_remote_filesystem(tmp_path, examples_remote):
    """Any filesystem that Beam knows: here one whose paths start with toy://."""
    from demandcast.components.examples.fingerprint import data_fingerprint
    from demandcast.components.examples.run import write_splits

    for name in ("part1.parquet", "part2.csv"):
        write_rows(
            tmp_path / name, [item for item in ROWS if (item["item"] < "d") == ("1" in name)]
        )
    folder = examples_remote(tmp_path)
    data = make_data(f"{folder}/part*")
    report = write_splits(ingestion(data), str(tmp_path / "out"))
    assert report.series == 8
    before = data_fingerprint(data)
    assert before == data_fingerprint(data)
    (tmp_path / "part2.csv").write_text("other")
    assert before != data_fingerprint(data)


def test_reports_reach_the_driver_as_json(tmp_path):
    from demandcast.components.examples.run import read_text, write_text

    write_text(str(tmp_path / "x.json"), json.dumps({"a": "ü"}))
    assert json.loads(read_text(str(tmp_path / "x.json"))) == {"a": "ü"}


def test_zeros_without_covariates_are_refused_and_with_a_plan_accepted(tmp_path):
    from demandcast.components.examples.run import write_splits

    gappy = [one for one in ROWS if one["date"].day % 3 or one["item"] == "a"]
    sales = write_rows(tmp_path / "sales.csv", gappy)
    data = make_data(sales, missing_period="zero")
    with pytest.raises(ContractError, match="not known in periods without a row"):
        write_splits(ingestion(data), str(tmp_path / "refused"))
    assert not list((tmp_path / "refused").glob("Split-*/data*"))
    plan = [{key: one[key] for key in ("store", "item", "date", "price", "event")} for one in ROWS]
    future = write_rows(tmp_path / "plan.csv", plan)
    planned = make_data(sales, missing_period="zero", future=str(future))
    report = write_splits(ingestion(planned), str(tmp_path / "accepted"))
    assert dict(report.examples)["eval"] == 2 * 8


def test_examples_are_handed_on_without_being_written(tmp_path):
    import apache_beam as beam

    from demandcast.components.examples.run import feed_examples

    class Describe(beam.PTransform):
        def expand(self, batches):
            return (
                batches
                | beam.Map(lambda batch: (batch.split, batch.cutoff_day, len(batch.examples)))
                | beam.combiners.ToList()
                | beam.Map(lambda found: json.dumps(sorted(found)))
            )

    data = make_data(write_rows(tmp_path / "sales.csv", ROWS))
    newest = (datetime.date(2024, 1, 30) - datetime.date(1970, 1, 1)).days
    fed = ingestion(data, backtest_cutoffs=(newest - 4, newest - 20))
    batches = json.loads(feed_examples(fed, Describe()))
    assert {split for split, _, _ in batches} == {"backtest"}
    counts = {day: 0 for _, day, _ in batches}
    for _, day, count in batches:
        counts[day] += count
    assert counts == {newest - 4: 8, newest - 20: 8}
    assert [path.name for path in tmp_path.iterdir()] == ["sales.csv"]


def test_a_broken_contract_is_not_handed_on(tmp_path):
    import apache_beam as beam

    from demandcast.components.examples.run import feed_examples

    data = make_data(write_rows(tmp_path / "sales.csv", [*ROWS, ROWS[0]]))
    with pytest.raises(ContractError, match="duplicate key"):
        feed_examples(
            ingestion(data, backtest_cutoffs=(19740,)), beam.combiners.ToList() | beam.Map(str)
        )


def test_a_horizon_that_ends_after_the_data_needs_a_plan(tmp_path):
    """Three days are recorded after the newest cutoff, and the horizon has four."""
    import apache_beam as beam

    from demandcast.components.examples.run import feed_examples

    def cutoffs_of(batches):
        return json.dumps(sorted({batch.cutoff_day for batch in batches}))

    newest = (datetime.date(2024, 1, 30) - datetime.date(1970, 1, 1)).days
    cutoffs = (newest - 20, newest - 3)
    sales = write_rows(tmp_path / "sales.csv", ROWS)
    consumer = beam.combiners.ToList() | beam.Map(cutoffs_of)
    with pytest.raises(ContractError, match="8 of 8 series, from 2024-01-31 to 2024-01-31"):
        feed_examples(
            ingestion(make_data(sales), backtest_cutoffs=cutoffs, looks_ahead=True), consumer
        )
    ahead = [row(30, None, item=item) for item in "abcdefgh"]
    plan = [{key: one[key] for key in ("store", "item", "date", "price", "event")} for one in ahead]
    data = make_data(sales, future=str(write_rows(tmp_path / "plan.csv", plan)))
    fed = ingestion(data, backtest_cutoffs=cutoffs, looks_ahead=True)
    assert json.loads(feed_examples(fed, consumer)) == [*cutoffs]


def test_workers_on_other_machines_share_a_folder(tmp_path):
    from demandcast.components.examples.run import (
        make_directory,
        remove_directory,
        shared_folder,
    )

    assert shared_folder(BEAM) is None
    elsewhere = BEAM.model_copy(update={"args": (f"--temp_location={tmp_path}/shared",)})
    one, two = shared_folder(elsewhere), shared_folder(elsewhere)
    assert Path(one).parent == tmp_path / "shared"
    assert one != two
    make_directory(one)
    (Path(one) / "part").write_text("x")
    remove_directory(one)
    remove_directory(two)  # It was never made.
    assert list((tmp_path / "shared").iterdir()) == []
