"""SchemaImport and AnomalyGate in a real run of StatisticsGen and ExampleValidator."""

import pytest
from validation_examples import SERIES, columns, write_split

from demandcast.schema.errors import AnomalyError, ConfigurationError
from demandcast.schema.feature_schema import compose_schema, compose_schema_text, parse_schema

pytestmark = pytest.mark.slow

BAD = {"target": [[-1.0], [0.0], [1.0]], "demand_class": [[b"odd"], [b"smooth"], [b"lumpy"]]}


def build_pipeline(folder, *, schema_text, code_digest="1"):
    from tfx.components import ExampleValidator, StatisticsGen
    from tfx.dsl.components.common.importer import Importer
    from tfx.orchestration import metadata, pipeline
    from tfx.types import standard_artifacts

    from demandcast.components.validation.component import AnomalyGate, SchemaImport

    importer = Importer(
        source_uri=str(folder / "examples"),
        artifact_type=standard_artifacts.Examples,
        properties={"split_names": '["train", "eval"]'},
        custom_properties={
            "payload_format": "FORMAT_TF_EXAMPLE",
            "file_format": "tfrecords_gzip",
        },
    ).with_id("Importer")
    statistics = StatisticsGen(examples=importer.outputs["result"])
    schema = SchemaImport(schema_text=schema_text, code_digest=code_digest)
    validator = ExampleValidator(
        statistics=statistics.outputs["statistics"], schema=schema.outputs["schema"]
    )
    gate = AnomalyGate(
        anomalies=validator.outputs["anomalies"],
        schema=schema.outputs["schema"],
        code_digest=code_digest,
    )
    return pipeline.Pipeline(
        pipeline_name="validation",
        pipeline_root=str(folder / "root"),
        components=[importer, statistics, schema, validator, gate],
        metadata_connection_config=metadata.sqlite_metadata_connection_config(
            str(folder / "metadata.sqlite")
        ),
        enable_cache=True,
        beam_pipeline_args=["--direct_running_mode=in_memory"],
    )


def run(folder, **arguments):
    from tfx.orchestration.local import local_dag_runner

    local_dag_runner.LocalDagRunner().run(build_pipeline(folder, **arguments))


def schema_files(folder, node):
    return sorted((folder / "root" / node / "schema").glob("*/schema.pbtxt"))


@pytest.fixture(autouse=True)
def _no_arguments_of_the_test_runner(monkeypatch):
    """TFX hands the arguments of the process to Beam."""
    monkeypatch.setattr("sys.argv", ["test"])


def test_clean_data_gets_a_validated_schema_and_unchanged_nodes_are_cached(tmp_path):
    for split in ("train", "eval"):
        write_split(tmp_path / "examples", split, columns())
    text = compose_schema_text(SERIES, None)
    for _ in range(2):
        run(tmp_path, schema_text=text)
    [imported], [validated] = (
        schema_files(tmp_path, node) for node in ("SchemaImport", "AnomalyGate")
    )
    assert imported.read_text() == text
    expected = compose_schema(SERIES, None)
    assert parse_schema(validated.read_text(), source="gate") == expected
    assert not list(tmp_path.rglob("*.partial"))

    run(tmp_path, schema_text=text, code_digest="2")
    assert len(schema_files(tmp_path, "AnomalyGate")) == 2


def test_an_anomaly_stops_the_run_with_the_original_error(tmp_path):
    write_split(tmp_path / "examples", "train", columns())
    write_split(tmp_path / "examples", "eval", columns(**BAD))
    with pytest.raises(AnomalyError) as caught:
        run(tmp_path, schema_text=compose_schema_text(SERIES, None))
    headline, *lines = str(caught.value).splitlines()
    assert headline == "the data contradicts the schema, 2 anomalies:"
    assert [line.partition(":")[0].strip() for line in lines] == [
        "eval, column 'demand_class'",
        "eval, column 'target'",
    ]
    assert type(caught.value).exit_code == 3
    assert schema_files(tmp_path, "AnomalyGate") == []


def test_a_schema_that_cannot_be_read_is_refused(tmp_path):
    from tfx.types import standard_artifacts

    from demandcast.components.validation.component import SchemaImport

    output = standard_artifacts.Schema()
    output.uri = str(tmp_path / "schema")
    executor = SchemaImport.EXECUTOR_SPEC.executor_class()
    with pytest.raises(ConfigurationError, match="schema_text: not a schema"):
        executor.Do({}, {"schema": [output]}, {"schema_text": "feature {", "code_digest": ""})
    assert not (tmp_path / "schema").exists()
