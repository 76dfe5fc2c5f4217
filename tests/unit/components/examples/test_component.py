"""SeriesExampleGen in a TFX pipeline, and what reads its artifact."""

import json
from pathlib import Path

import pytest
from examples_tables import make_data, row, write_rows
from transactions_tables import data_of, line, write_lines

from demandcast.components.examples.fingerprint import data_fingerprint
from demandcast.schema.config import BeamConfig, ForecastConfig, SamplingConfig
from demandcast.schema.errors import ContractError

pytestmark = pytest.mark.slow

ROWS = [row(day, float(day % 5), item=item) for item in "abcdefgh" for day in range(60)]


def component(data, fingerprint=None):
    from demandcast.components.examples.component import SeriesExampleGen

    return SeriesExampleGen(
        data=data,
        forecast=ForecastConfig(horizon=7),
        sampling=SamplingConfig(),
        beam=BeamConfig(partitions=2, args=("--runner=Nothing",)),
        fingerprint=data_fingerprint(data) if fingerprint is None else fingerprint,
        code_digest="c",
    )


def run(tmp_path, *components):
    from tfx import v1 as tfx

    connection = tfx.orchestration.metadata.sqlite_metadata_connection_config
    pipeline = tfx.dsl.Pipeline(
        pipeline_name="ingest",
        pipeline_root=str(tmp_path / "root"),
        components=list(components),
        enable_cache=True,
        metadata_connection_config=connection(str(tmp_path / "metadata.sqlite")),
    )
    tfx.orchestration.LocalDagRunner().run(pipeline)


def stored(tmp_path, type_name):
    from ml_metadata import metadata_store
    from ml_metadata.proto import metadata_store_pb2

    config = metadata_store_pb2.ConnectionConfig()
    config.sqlite.filename_uri = str(tmp_path / "metadata.sqlite")
    return metadata_store.MetadataStore(config).get_artifacts_by_type(type_name)


def test_the_artifact_is_read_by_statistics_gen(tmp_path):
    import tensorflow_data_validation as tfdv
    from tfx.components import StatisticsGen

    data = make_data(write_rows(tmp_path / "sales.parquet", ROWS))
    generate = component(data)
    run(tmp_path, generate, StatisticsGen(examples=generate.outputs["examples"]))

    (examples,) = stored(tmp_path, "Examples")
    assert json.loads(examples.properties["split_names"].string_value) == [
        "train",
        "validation",
        "eval",
    ]
    custom = examples.custom_properties
    assert custom["payload_format"].string_value == "FORMAT_TF_EXAMPLE"
    assert custom["file_format"].string_value == "tfrecords_gzip"
    assert {name: custom[f"examples_{name}"].int_value for name in ("train", "eval")} == {
        "train": 8,
        "eval": 8,
    }
    with Path(examples.uri, "summary.json").open() as stream:
        summary = json.load(stream)
    assert (summary["rows"], summary["series"], summary["last"]) == (480, 8, "2024-02-29")
    assert summary["splits"]["eval"] == {
        "examples": 8,
        "left_out": 0,
        "cutoffs": ["2024-02-22"],
        "series": "all",
    }

    assert (summary["transactions"], summary["unknown_periods"]) == ([], [])
    assert custom["left_out_eval"].int_value == 0

    (statistics,) = stored(tmp_path, "ExampleStatistics")
    for split in ("train", "validation", "eval"):
        found = tfdv.load_stats_binary(f"{statistics.uri}/Split-{split}/FeatureStats.pb")
        assert found.datasets[0].num_examples == 8


def test_lines_of_sales_reach_the_statistics_and_are_counted_in_the_artifact(tmp_path):
    """A small table of lines, by way of Beam and TFX: sales, a cancelled one, postage, repeats."""
    import tensorflow_data_validation as tfdv
    from tfx.components import StatisticsGen

    lines = [
        line(f"{day} {hour}:00", hour, item=item, invoice=f"{day}{hour}{item}")
        for day in range(1, 32)
        for hour in (9, 12)
        for item in "abcd"
        if day != 6
    ]
    lines += [line("9 10:00", 500), line("9 10:05", -500, invoice="C1"), lines[0]]
    lines += [line("9", 1, item="POST"), line("30", 40, item="new"), line("11", -2)]
    rules = {
        "exclude": [{"name": "no product", "column": "item", "matches": "^POST$"}],
        "cancelled": {"column": "invoice", "matches": "^C"},
        "pairs": {"columns": ["customer"]},
        "repeated_lines": "drop",
        "last_period": "drop",
    }
    path = write_lines(tmp_path / "sales.parquet", lines)
    generate = component(data_of(path, rules, empty_period="unknown"))
    run(tmp_path, generate, StatisticsGen(examples=generate.outputs["examples"]))

    (examples,) = stored(tmp_path, "Examples")
    counts = {
        count["rule"]: (count["lines"], count["units"])
        for count in json.loads(examples.custom_properties["transactions"].string_value)
    }
    sold = 30 * 4 * (9 + 12)
    assert counts == {
        "read": (30 * 2 * 4 + 6, sold + 500 - 500 + 9 + 1 + 40 - 2),
        "no product": (1, 1),
        "repeated lines": (1, 9),
        "sales taken back within 1 day": (1, 500),
        "what took them back within 1 day": (1, -500),
        "returns ignored": (1, -2),
        "sales": (30 * 2 * 4 + 1, sold + 40),
        "demand (rows of a series and period)": (30 * 4 + 1, sold + 40),
    }
    summary = json.loads(Path(examples.uri, "summary.json").read_text())
    assert (summary["first"], summary["last"]) == ("2024-01-01", "2024-01-30")
    assert summary["unknown_periods"] == ["2024-01-06"]
    assert [summary["splits"][name]["examples"] for name in ("train", "eval")] == [4, 4]

    (statistics,) = stored(tmp_path, "ExampleStatistics")
    found = tfdv.load_stats_binary(f"{statistics.uri}/Split-eval/FeatureStats.pb")
    target = next(
        feature for feature in found.datasets[0].features if feature.path.step[0] == "target"
    )
    assert target.num_stats.common_stats.tot_num_values == 4 * 23
    assert target.num_stats.max == 9 + 12
    assert target.num_stats.num_zeros == 4  # The closed day of each series.


def test_unchanged_data_is_not_read_again_and_changed_data_is(tmp_path):
    data = make_data(write_rows(tmp_path / "sales.parquet", ROWS))
    run(tmp_path, component(data))
    run(tmp_path, component(data))
    assert len(stored(tmp_path, "Examples")) == 1
    write_rows(tmp_path / "sales.parquet", [*ROWS, row(60, 1.0, item="a")])
    run(tmp_path, component(data))
    assert len(stored(tmp_path, "Examples")) == 2


def test_where_nobody_looked_at_the_data_the_stage_takes_its_fingerprint_itself(tmp_path):
    data = make_data(str(tmp_path / "{snapshot}.parquet"), snapshot="2026-11-20")
    write_rows(tmp_path / "2026-11-20.parquet", ROWS)
    run(tmp_path, component(data, fingerprint=""))
    (artifact,) = stored(tmp_path, "Examples")
    assert artifact.custom_properties["fingerprint"].string_value == data_fingerprint(data)
    assert artifact.custom_properties["rows"].int_value == len(ROWS)


def test_data_that_changes_while_it_is_read_is_refused(tmp_path):
    """Its examples would be kept under the fingerprint of the data as it was before."""
    data = make_data(write_rows(tmp_path / "sales.parquet", ROWS))
    with pytest.raises(ContractError, match="a table changed while it was read"):
        run(tmp_path, component(data, fingerprint="of the data before"))
    assert stored(tmp_path, "Examples") == []


def test_a_broken_contract_stops_the_run_with_its_own_message(tmp_path):
    data = make_data(write_rows(tmp_path / "sales.parquet", [*ROWS, ROWS[3]]))
    with pytest.raises(ContractError, match=r"duplicate key \(1 row\)"):
        run(tmp_path, component(data))
