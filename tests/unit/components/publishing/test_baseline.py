import json
from pathlib import Path

import pytest

from demandcast.components.publishing.pointer import ANY_POINTER, POINTER_FILE, pointer_digest
from demandcast.components.storage.files import LocalFiles
from demandcast.schema.errors import ServingError

pytestmark = pytest.mark.slow


@pytest.fixture
def in_service(artifacts, tmp_path):
    """Runs ModelInService; returns its artifact."""

    from demandcast.components.publishing.baseline import ModelInService

    def run(digest=None):
        serving = str(tmp_path / "serving")
        model = artifacts("Model", "baseline")
        ModelInService.EXECUTOR_SPEC.executor_class().Do(
            {},
            {"model": [model]},
            {
                "serving_directory": serving,
                "pointer_digest": digest or pointer_digest(serving, LocalFiles()),
            },
        )
        return model

    return run


def test_without_a_pointer_the_baseline_is_absent(in_service):
    model = in_service()
    assert model.get_int_custom_property("absent") == 1
    assert Path(model.uri).is_dir()
    assert not (Path(model.uri) / "Format-Serving").exists()


def test_the_baseline_is_a_copy_of_the_model_in_service(push, in_service, tmp_path):
    push("a")
    before = pointer_digest(str(tmp_path / "serving"), LocalFiles())
    push("b")
    assert pointer_digest(str(tmp_path / "serving"), LocalFiles()) != before
    model = in_service()
    assert model.get_int_custom_property("absent") == 0
    pointer = json.loads((tmp_path / "serving" / POINTER_FILE).read_text())
    assert model.get_string_custom_property("digest") == pointer["digest"]
    assert model.get_string_custom_property("version") == str(pointer["version"])
    folder = Path(model.uri) / "Format-Serving"
    assert (folder / "saved_model.pb").read_text() == "saved_model.pb b"
    assert (folder / "variables/variables.index").exists()


def test_a_pointer_to_nothing_is_an_error_and_not_an_absent_model(push, in_service, tmp_path):
    push("a")
    version = json.loads((tmp_path / "serving" / POINTER_FILE).read_text())["version"]
    (tmp_path / "serving" / str(version)).rename(tmp_path / "elsewhere")
    with pytest.raises(
        ServingError, match=rf"names version {version}, but .* holds no saved_model"
    ):
        in_service()


def test_a_model_put_into_service_since_the_run_began_is_not_taken_for_the_one_before(
    push, in_service, tmp_path
):
    """Kept under the old key, it would be the wrong baseline after a rollback."""
    push("a")
    before = pointer_digest(str(tmp_path / "serving"), LocalFiles())
    push("b")
    with pytest.raises(ServingError, match="another model was put into service since this run"):
        in_service(before)


def test_whatever_is_in_service_is_taken_where_nobody_looked_beforehand(push, in_service):
    assert in_service(ANY_POINTER).get_int_custom_property("absent") == 1
    push("a")
    assert in_service(ANY_POINTER).get_int_custom_property("absent") == 0


def test_what_models_lost_little_by_little_goes_from_push_to_push(push, in_service, tmp_path):
    lost = {"increase": 0.02, "error": 0.01, "pushes": 2}
    push("a", metrics={"wape": 0.25}, carried=lost)
    pointer = json.loads((tmp_path / "serving" / POINTER_FILE).read_text())
    assert pointer["metrics"] == {
        "wape": 0.25,
        "carried_loss_increase": 0.02,
        "carried_loss_error": 0.01,
        "carried_loss_pushes": 2.0,
    }
    assert json.loads(in_service().get_string_custom_property("carried")) == lost


def test_a_pointer_of_an_earlier_version_carries_nothing(push, in_service):
    push("a", metrics={"wape": 0.25})
    carried = json.loads(in_service().get_string_custom_property("carried"))
    assert carried == {"increase": 0.0, "error": 0.0, "pushes": 0}
