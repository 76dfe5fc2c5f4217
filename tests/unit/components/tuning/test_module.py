"""`tuner_fn`, as the Tuner calls it, and the Trainer with what it found."""

import json

import pytest
from tuning_fakes import tuning

from demandcast.components.forecasting.module import run_fn
from demandcast.schema.model_training import MODEL_TRAINING_FILE

pytestmark = pytest.mark.slow

SPACE = {"network": {"units": [4, 12]}, "training": {"learning_rate": [2e-3, 8e-3]}}


@pytest.fixture(scope="module")
def arguments(world, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tuner")
    config = tuning(space=SPACE, algorithm="random", max_trials=2)
    return world.trainer_arguments(
        folder,
        tuning=config.model_dump_json(exclude={"enabled"}),
        directory=str(folder / "tuning"),
        code_digest="0" * 64,
    )


@pytest.fixture(scope="module")
def tuner(arguments):
    from demandcast.components.tuning.module import tuner_fn

    result = tuner_fn(arguments)
    result.tuner.search(**result.fit_kwargs)
    return result.tuner


def test_the_first_trial_is_what_the_trainer_did_without_a_search(tuner, world):
    """The same loss to the last digit: there is one training, not a copy of it."""
    report = json.loads((world.folder / "run" / "training.json").read_text())
    first, second = tuner.summary().trials
    assert first.values == {"network.units": 12, "training.learning_rate": 2e-3}
    assert first.score == report["validation_loss"]
    assert first.epochs == len(report["curves"]["loss"])
    assert second.values != first.values


def test_the_trainer_trains_with_the_best_values_and_says_so(tuner, arguments, world, tmp_path):
    (best,) = tuner.get_best_hyperparameters()
    changed = world.trainer_arguments(tmp_path)
    # As the Trainer reads it from TFX's file.
    changed.hyperparameters = json.loads(json.dumps(best.get_config()))
    run_fn(changed)
    report = json.loads((tmp_path / "run" / "training.json").read_text())
    assert report["validation_loss"] == tuner.summary().best_first[0].score
    settings = report["settings"]
    assert settings["tuned"] == best.values
    assert settings["network"]["units"] == best.values["network.units"]
    assert settings["training"]["learning_rate"] == best.values["training.learning_rate"]
    assert settings["training"]["epochs"] == 3
    written = json.loads((tmp_path / "model" / MODEL_TRAINING_FILE).read_text())
    assert written["settings"] == settings


def test_without_a_search_the_settings_are_the_configured_ones(world):
    settings = json.loads((world.folder / "run" / "training.json").read_text())["settings"]
    assert settings["tuned"] == {}
    assert settings["network"]["units"] == 12


def test_the_search_is_kept_under_its_identity(tuner, arguments, tmp_path):
    from pathlib import Path

    from demandcast.components.tuning.module import tuner_fn

    folder = Path(arguments.custom_config["directory"])
    (search,) = folder.iterdir()
    again = tuner_fn(arguments).tuner
    assert again.oracle.resumed_trials == 2
    other = dict(arguments.custom_config, code_digest="1" * 64)
    changed = type(arguments)(**{**vars(arguments), "custom_config": other})
    assert tuner_fn(changed).tuner.oracle.resumed_trials == 0
    assert search in folder.iterdir()
