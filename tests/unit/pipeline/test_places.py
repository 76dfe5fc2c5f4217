from demandcast.pipeline import places
from demandcast.schema.config import load_config
from demandcast.schema.config.example import example_yaml


def test_everything_lies_below_the_folder_of_the_pipeline(tmp_path):
    file = tmp_path / "demand.yaml"
    file.write_text(example_yaml())
    config = load_config(file).model_copy(update={"workspace": tmp_path, "name": "demand"})
    folder = tmp_path / "demand"
    assert places.pipeline_folder(config) == folder
    assert places.artifacts_folder(config) == folder / "artifacts"
    assert places.metadata_file(config) == folder / "metadata.db"
    assert places.runs_folder(config) == folder / "runs"
    assert places.run_folder(config, "r1") == folder / "runs" / "r1"
    assert places.tuning_folder(config) == folder / "tuning"
    assert places.backtests_folder(config) == folder / "backtests"
    assert places.retrained_folder(config) == folder / "backtests" / "retrained"
    assert places.orders_folder(config) == folder / "orders"
    assert places.allocations_folder(config) == folder / "allocations"
