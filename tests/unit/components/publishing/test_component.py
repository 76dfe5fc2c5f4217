import json
from pathlib import Path

import pytest

from demandcast.components.publishing.pointer import POINTER_FILE
from demandcast.schema.errors import ServingError
from demandcast.schema.model_properties import BASELINE_DIGEST, MODEL_DIGEST

pytestmark = pytest.mark.slow


def test_a_blessed_model_is_pushed_with_its_metrics(push, tmp_path):
    pushed = push("a", metrics={"wape": 0.25, "bias": None})
    assert pushed.get_int_custom_property("pushed") == 1
    pointer = json.loads((tmp_path / "serving" / POINTER_FILE).read_text())
    assert pointer["metrics"] == {"wape": 0.25}
    assert pointer["run_id"] == "run-7"
    assert pushed.get_string_custom_property("pushed_version") == str(pointer["version"])
    assert pushed.get_string_custom_property("pushed_destination") == pointer["uri"]
    assert (Path(pointer["uri"]) / "saved_model.pb").read_text() == "saved_model.pb a"
    record = json.loads((Path(pushed.uri) / "push.json").read_text())
    assert record["in_service"] == pointer


def test_a_run_that_names_itself_is_the_one_that_pushed(push, tmp_path):
    push("a", run_id="kubeflow-7")
    pointer = json.loads((tmp_path / "serving" / "in_service.json").read_text())
    assert pointer["run_id"] == "kubeflow-7"


def test_a_model_without_blessing_leaves_the_serving_directory_alone(push, tmp_path):
    pushed = push("a", blessed=False)
    assert pushed.get_int_custom_property("pushed") == 0
    assert pushed.get_string_custom_property("reason") == "the model did not pass the gate"
    assert not (tmp_path / "serving").exists()
    assert (Path(pushed.uri) / "push.json").exists()


def test_the_same_model_is_pushed_once(push, tmp_path):
    push("a")
    pushed = push("a")
    assert pushed.get_int_custom_property("pushed") == 0
    assert pushed.get_string_custom_property("reason").startswith("this model is already in")
    assert len([path for path in (tmp_path / "serving").iterdir() if path.is_dir()]) == 1


def test_an_evaluation_without_verdict_is_a_push_without_metrics(push, tmp_path):
    push("a")
    assert json.loads((tmp_path / "serving" / POINTER_FILE).read_text())["metrics"] == {}


def test_a_blessing_of_another_model_counts_for_nothing(push, tmp_path):
    with pytest.raises(ServingError, match="not the files that were evaluated"):
        push("a", judged={MODEL_DIGEST: "0" * 64, BASELINE_DIGEST: ""})
    assert not (tmp_path / "serving").exists()
