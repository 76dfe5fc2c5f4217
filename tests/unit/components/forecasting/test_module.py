"""`run_fn`, as the Trainer calls it."""

import json

import pytest

from demandcast.components.forecasting.module import run_fn
from demandcast.schema.config import NetworkConfig, TrainingConfig
from demandcast.schema.errors import DemandcastError

pytestmark = pytest.mark.slow


def test_writes_a_model_and_a_report(world):
    report = json.loads((world.folder / "run" / "training.json").read_text())
    assert report["series"] == len(world.examples)
    assert 1 <= report["best_epoch"] <= 3
    assert len(report["curves"]["loss"]) == 3
    assert report["validation_loss"] < 2
    assert (world.folder / "model" / "saved_model.pb").is_file()


def test_a_loss_that_is_no_number_gives_an_error_and_no_model(world, tmp_path):
    training = TrainingConfig(epochs=1, batch_size=64, windows_per_series=2, learning_rate=1e38)
    arguments = world.trainer_arguments(
        tmp_path,
        training=training.model_copy(update={"schedule": "constant"}).model_dump_json(),
        network=NetworkConfig(units=1, head_units=1).model_dump_json(),
    )
    with pytest.raises(
        DemandcastError, match=r"no epoch had a finite validation loss.*learning_rate"
    ):
        run_fn(arguments)
    assert not (tmp_path / "model").exists()
    report = json.loads((tmp_path / "run" / "training.json").read_text())
    assert report["best_epoch"] is None
    assert report["warnings"] == ["the training loss became NaN; training ended there"]
