"""Which model is meant, and what it says about itself."""

import datetime
from pathlib import Path

import pytest
from history_world import World, stages_of
from publishing_files import write_model

from demandcast.components.publishing.rollback import RollbackRequest, roll_back
from demandcast.components.storage.files import LocalFiles
from demandcast.components.storage.model_digest import model_digest
from demandcast.pipeline.model_choice import model_in_service, model_of_run, model_of_version
from demandcast.pipeline.reports import ArtifactReport, StageReport
from demandcast.schema.errors import BadInputError, DemandcastError, ServingError
from demandcast.schema.model_training import MODEL_TRAINING_FILE

FIRST, SECOND = "20261119-093000-000", "20261120-093000-000"


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def say(folder, text):
    file = Path(folder) / MODEL_TRAINING_FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_the_pointer_names_the_model_in_service(world):
    world.push("old", FIRST)
    version = world.push("new", SECOND, hour=1)
    found = model_in_service(world.config)
    assert (found.version, found.run_id) == (version, SECOND)
    assert found.folder == str(world.serving / str(version))
    assert found.digest == model_digest(found.folder, LocalFiles())
    assert found.seen_until is None


def test_another_version_has_its_own_run(world):
    old = world.push("old", FIRST)
    world.push("new", SECOND, hour=1)
    assert (model_of_version(world.config, old).run_id, old) == (FIRST, old)


def test_after_a_rollback_the_earlier_model_is_meant(world):
    world.push("old", FIRST)
    world.push("new", SECOND, hour=1)
    now = datetime.datetime(2026, 11, 20, tzinfo=datetime.UTC)
    request = RollbackRequest(to_version=None, by="a test", reason="because")
    roll_back(request, str(world.serving), files=LocalFiles(), now=now)
    assert model_in_service(world.config).run_id == FIRST


def test_a_model_says_how_far_it_has_seen(world):
    version = world.push("new", SECOND)
    say(world.serving / str(version), '{"seen_until": "2024-05-01"}')
    assert model_in_service(world.config).seen_until == datetime.date(2024, 5, 1)


def test_a_word_that_nobody_understands_is_an_error(world):
    version = world.push("new", SECOND)
    say(world.serving / str(version), '{"seen_until": "soon"}')
    with pytest.raises(DemandcastError, match=r"training\.json: not what the Trainer writes"):
        model_in_service(world.config)


def test_without_a_model_it_says_so(world):
    with pytest.raises(ServingError, match="no model is in service; 'demandcast run' pushes one"):
        model_in_service(world.config)


def test_a_version_that_is_not_there_names_those_that_are(world):
    version = world.push("new", SECOND)
    with pytest.raises(BadInputError, match=rf"--model: got 3; in .* there are \[{version}\]"):
        model_of_version(world.config, 3)


def test_a_model_whose_files_are_gone(world):
    version = world.push("new", SECOND)
    (world.serving / str(version) / "saved_model.pb").unlink()
    with pytest.raises(ServingError, match="the model was removed"):
        model_in_service(world.config)


@pytest.mark.slow
def test_the_model_of_a_run_serves_nowhere(world):
    uri = world.folder / "artifacts" / "Trainer" / "model" / "5"
    write_model(uri / "Format-Serving", "candidate")
    trainer = StageReport("Trainer", "run", "", 1.0, 0, {"model": ArtifactReport(str(uri))})
    world.report(SECOND, stages=(trainer,))
    found = model_of_run(world.config, "latest")
    assert (found.version, found.run_id) == (None, SECOND)
    assert found.folder == str(uri / "Format-Serving")


def test_a_run_without_a_model_says_how_it_ended(world):
    world.report(SECOND, status="failed", stages=stages_of(("Transform", "failed")))
    with pytest.raises(BadInputError, match="failed at Transform; it trained no model"):
        model_of_run(world.config, SECOND)
    with pytest.raises(BadInputError, match="run '2001': no such run"):
        model_of_run(world.config, "2001")
