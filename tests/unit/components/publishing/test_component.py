import json
from pathlib import Path

import pytest
from publishing_files import write_model

from demandcast.components.publishing.pointer import POINTER_FILE, pointer_digest
from demandcast.schema.errors import ServingError

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def component():
    """Imported when a test runs: collecting must not take the 16 s of TFX."""
    from demandcast.components.publishing import component

    return component


@pytest.fixture
def artifacts(tmp_path):
    """Makes an artifact of a standard type, with a folder of its own."""
    from tfx.types import standard_artifacts

    def make(kind, name):
        artifact = getattr(standard_artifacts, kind)()
        artifact.uri = str(tmp_path / "artifacts" / name)
        return artifact

    return make


@pytest.fixture
def push(component, artifacts, tmp_path):
    """Runs the Pusher on a model with given content; returns its artifact."""
    from tfx.dsl.components.base import base_executor

    def run(content, *, blessed=True, metrics=None):
        model = artifacts("Model", f"model-{content}")
        write_model(Path(model.uri) / "Format-Serving", content)
        blessing = artifacts("ModelBlessing", "blessing")
        blessing.set_int_custom_property("blessed", int(blessed))
        evaluation = artifacts("ModelEvaluation", "evaluation")
        if metrics is not None:
            Path(evaluation.uri).mkdir(parents=True, exist_ok=True)
            slices = [
                {"name": "overall", "candidate": metrics},
                {"name": "demand_class=smooth", "candidate": {"wape": 9.0}},
            ]
            (Path(evaluation.uri) / "verdict.json").write_text(json.dumps({"slices": slices}))
        pushed = artifacts("PushedModel", f"pushed-{content}")
        context = base_executor.BaseExecutor.Context(pipeline_run_id="run-7")
        component.Pusher.EXECUTOR_SPEC.executor_class(context).Do(
            {"model": [model], "model_blessing": [blessing], "evaluation": [evaluation]},
            {"pushed_model": [pushed]},
            {"serving_directory": str(tmp_path / "serving")},
        )
        return pushed

    return run


@pytest.fixture
def in_service(component, artifacts, tmp_path):
    """Runs ModelInService; returns its artifact."""

    def run(name="baseline"):
        model = artifacts("Model", name)
        component.ModelInService.EXECUTOR_SPEC.executor_class().Do(
            {},
            {"model": [model]},
            {"serving_directory": str(tmp_path / "serving"), "pointer_digest": "none"},
        )
        return model

    return run


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


def test_without_a_pointer_the_baseline_is_absent(in_service):
    model = in_service()
    assert model.get_int_custom_property("absent") == 1
    assert Path(model.uri).is_dir()
    assert not (Path(model.uri) / "Format-Serving").exists()


def test_the_baseline_is_a_copy_of_the_model_in_service(push, in_service, component, tmp_path):
    push("a")
    before = pointer_digest(str(tmp_path / "serving"), component.TfxFiles())
    push("b")
    assert pointer_digest(str(tmp_path / "serving"), component.TfxFiles()) != before
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


def test_files_on_disk(component, tmp_path):
    files = component.TfxFiles()
    root = str(tmp_path)
    files.write(f"{root}/a/b/c.txt", b"12345")
    files.copy(f"{root}/a/b/c.txt", f"{root}/a/d.txt")
    assert files.files_below(f"{root}/a") == ["b/c.txt", "d.txt"]
    assert files.folders(f"{root}/a") == ["b"]
    assert files.folders(f"{root}/none") == []
    assert b"".join(files.blocks(f"{root}/a/d.txt")) == files.read(f"{root}/a/d.txt") == b"12345"
    files.write(f"{root}/e.txt", b"new")
    files.rename(f"{root}/e.txt", f"{root}/a/d.txt")
    assert files.read(f"{root}/a/d.txt") == b"new"
    files.rename(f"{root}/a", f"{root}/f")
    assert files.exists(f"{root}/f/b/c.txt")
    files.remove_folder(f"{root}/f")
    assert not files.exists(f"{root}/f")
