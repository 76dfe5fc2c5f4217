"""A model in a serving directory; how commands choose one is in `test_model_choice.py`."""

import pytest
from history_world import World

from demandcast.components.storage.files import LocalFiles
from demandcast.pipeline.chosen_model import chosen_model, find_in_service
from demandcast.schema.errors import ServingError


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_nothing_is_in_service_before_a_push(world):
    assert find_in_service(str(world.serving), LocalFiles()) is None


def test_the_pointer_names_what_is_in_service(world):
    version = world.push("new", "20261119-093000-000")
    found = find_in_service(str(world.serving), LocalFiles())
    folder = str(world.serving / str(version))
    run_id = "20261119-093000-000"
    assert found == chosen_model(folder, LocalFiles(), version=version, run_id=run_id)
    assert found.version == version


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(ServingError, match="the model was removed"):
        chosen_model(str(tmp_path), LocalFiles(), version=None, run_id=None)
