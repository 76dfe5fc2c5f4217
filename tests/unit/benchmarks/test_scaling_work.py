"""The references that need what a run left behind, on the small world."""

import shutil
from types import SimpleNamespace

import pytest
import scaling_work
from forecasting_world import CONTEXT, HORIZON, serialize

from demandcast.pipeline.reports import ArtifactReport
from demandcast.schema.config import NetworkConfig, TrainingConfig
from demandcast.schema.feature_schema import compose_schema_text

pytestmark = pytest.mark.slow

ROWS = 1000


@pytest.fixture(scope="module")
def left_behind(world, tmp_path_factory):
    """The examples, transformed examples and graph of a run, where its report says."""
    import tensorflow as tf
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2
    from tensorflow_transform.tf_metadata import dataset_metadata, metadata_io

    folder = tmp_path_factory.mktemp("run")
    raw = folder / "examples" / "Split-train" / "data.gz"
    transformed = folder / "transformed" / "Split-train"
    for path in (raw.parent, transformed):
        path.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(raw), "GZIP") as writer:
        for example in world.examples:
            writer.write(serialize(example))
    for file in world.transformed_files:
        (transformed / "data.gz").symlink_to(file)
    shutil.copytree(world.folder / "transform", folder / "graph")
    schema = text_format.Parse(compose_schema_text(world.series, None), schema_pb2.Schema())
    # TFX's Transform writes it, the small world does not.
    metadata_io.write_metadata(
        dataset_metadata.DatasetMetadata(schema), str(folder / "graph" / "metadata")
    )
    uris = {
        "examples": folder / "examples",
        "transformed_examples": folder / "transformed",
        "transform_graph": folder / "graph",
    }
    return SimpleNamespace(artifact=lambda stage, output: ArtifactReport(str(uris[output])))


@pytest.fixture
def config(world):
    return SimpleNamespace(
        series=world.series,
        features=world.features,
        forecast=world.series.forecast,
        network=NetworkConfig(units=12, head_units=12),
        training=TrainingConfig(batch_size=4),
    )


def test_the_bare_graph_takes_the_examples_as_they_are(config, left_behind, monkeypatch):
    monkeypatch.setattr(scaling_work, "_rows", lambda config: ROWS)
    amount, spent = scaling_work.bare_graph(config, left_behind)
    assert amount == ROWS
    assert spent.keys() == {"wall", "cpu", "memory"}
    assert spent["cpu"] > 0


@pytest.mark.parametrize("work", ["bare-training", "bare-inference"])
def test_the_bare_network_takes_as_many_windows_as_it_says(config, left_behind, monkeypatch, work):
    monkeypatch.setattr(scaling_work, "_BATCHES", 3)
    monkeypatch.setattr(scaling_work, "_TIMES", 2)
    amount, spent = scaling_work._WORK[work](config, left_behind)
    assert amount == 3 * 4 * 2
    assert spent["cpu"] > 0


def test_the_bare_network_is_as_long_as_ours(config, left_behind):
    network, past, future = scaling_work._bare_network(config, left_behind)
    assert (past[0], future[0]) == (CONTEXT, HORIZON)
    levels = len(config.forecast.quantile_levels)
    assert network.output_shape == (None, HORIZON, levels + 1)
