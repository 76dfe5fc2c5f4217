"""What the trainings on the same examples share."""

from types import SimpleNamespace

import numpy as np
import pytest

from demandcast.components.forecasting.job import TrainingJob
from demandcast.schema.config import NetworkConfig, TrainingConfig

pytestmark = pytest.mark.slow

NETWORK = NetworkConfig(units=4, head_units=4, embedding_size=2)
TRAINING = TrainingConfig(epochs=1, batch_size=64, windows_per_series=1)


@pytest.fixture(scope="module")
def job(world):
    return TrainingJob.from_arguments(world.trainer_arguments(world.folder))


def test_files_are_found_by_their_patterns(job, world, tmp_path):
    assert job.train_files == tuple(world.transformed_files)
    for name in ("b", "a"):
        (tmp_path / name).touch()
    arguments = world.trainer_arguments(tmp_path)
    arguments.train_files = [str(tmp_path / "?")]
    arguments.eval_files = [str(tmp_path / "b"), str(tmp_path / "a")]
    found = TrainingJob.from_arguments(SimpleNamespace(**vars(arguments)))
    both = (str(tmp_path / "a"), str(tmp_path / "b"))
    assert (found.train_files, found.validation_files) == (both, both)


def test_two_trainings_of_a_job_are_the_same_training(job):
    """Whatever random state the first left: else a trial would not say what the Trainer does."""
    (one, report), (two, again) = (job.train(NETWORK, TRAINING) for _ in range(2))
    assert report == again
    assert report.best_epoch == 1
    for left, right in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)


def test_sizes_of_categories_come_from_the_vocabularies(job):
    """3 stores, and one bucket for those that training did not see."""
    table = job.build(NETWORK).get_layer("static_0")
    assert table.input_dim == 3 + 1
