import json
from pathlib import Path

import pytest
from publishing_files import LocalFiles, write_model

from demandcast.components.publishing.pointer import POINTER_FILE
from demandcast.components.storage.model_digest import model_digest
from demandcast.schema.artifact_names import WARMUP_FILE
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


def test_the_warmed_copy_is_pushed_and_is_the_model_that_was_judged(push, infra_blessing, tmp_path):
    judged = {
        MODEL_DIGEST: model_digest(write_model(tmp_path / "a", "a"), LocalFiles()),
        BASELINE_DIGEST: "",
    }
    pushed = push("a", judged=judged, infra=infra_blessing("a", reason="both agree"))
    version = Path(pushed.get_string_custom_property("pushed_destination"))
    assert (version / WARMUP_FILE).read_text() == "requests"
    pointer = json.loads((tmp_path / "serving" / POINTER_FILE).read_text())
    assert pointer["digest"] == judged[MODEL_DIGEST]
    assert (
        json.loads((Path(pushed.uri) / "push.json").read_text())["infrastructure"] == "both agree"
    )


def test_another_model_in_the_copy_is_not_pushed(push, infra_blessing, tmp_path):
    judged = {
        MODEL_DIGEST: model_digest(write_model(tmp_path / "a", "a"), LocalFiles()),
        BASELINE_DIGEST: "",
    }
    with pytest.raises(ServingError, match="not the files that were evaluated"):
        push("a", judged=judged, infra=infra_blessing("b", reason="both agree"))
    assert not (tmp_path / "serving").exists()


def test_a_model_that_no_server_can_serve_is_not_pushed_and_the_reason_is_said(
    push, infra_blessing, tmp_path
):
    pushed = push("a", infra=infra_blessing("a", reason="answers NaN", blessed=False))
    assert pushed.get_int_custom_property("pushed") == 0
    reason = "the model did not pass the infrastructure check: answers NaN"
    assert pushed.get_string_custom_property("reason") == reason
    assert not (tmp_path / "serving").exists()


def test_a_push_without_a_check_says_that_nobody_looked(push):
    record = json.loads((Path(push("a").uri) / "push.json").read_text())
    assert record["infrastructure"].startswith("not checked: nobody looked")


def test_a_model_whose_stock_costs_too_much_is_not_pushed_and_the_reason_is_said(
    push, cost_blessing, infra_blessing, tmp_path
):
    dear = cost_blessing(reason="stock costs 9 % more", blessed=False)
    pushed = push("a", cost=dear, infra=infra_blessing("a", reason="both agree"))
    assert pushed.get_int_custom_property("pushed") == 0
    reason = "the model did not pass the cost check: stock costs 9 % more"
    assert pushed.get_string_custom_property("reason") == reason
    assert not (tmp_path / "serving").exists()


def test_a_push_says_what_came_of_the_cost(push, cost_blessing):
    judged = push("a", cost=cost_blessing(reason="stock costs as much as that of version 3"))
    assert judged.get_int_custom_property("pushed") == 1
    record = json.loads((Path(judged.uri) / "push.json").read_text())
    assert record["cost"] == "stock costs as much as that of version 3"
    record = json.loads((Path(push("b").uri) / "push.json").read_text())
    assert record["cost"] == "not judged: gate.cost is off"
