"""The command; what it compiles is tested beside `pipeline/kubeflow/compiling.py`."""

import pytest
import yaml
from compiled_pipeline import CONFIG, compile_example
from configurations import parse
from kubeflow_specs import IMAGE

from demandcast.pipeline.cli.compile_table import explain_pipeline, stage_rows
from demandcast.pipeline.cli.main import invoke


def test_what_pods_lack_is_said_before_anything_is_loaded_or_written(tmp_path, capsys):
    config = CONFIG.with_name("quickstart.yaml")
    output = tmp_path / "pipeline.yaml"
    assert invoke(["compile", "--config", str(config), "--output", str(output)]) == 2
    error = capsys.readouterr().err
    assert "error: kubeflow.image: missing" in error
    assert "data.sales: got" in error
    assert "loading" not in error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_file_is_what_is_compiled_and_the_explanation_goes_to_standard_output(tmp_path, capsys):
    output = tmp_path / "new" / "pipeline.yaml"
    arguments = ["compile", "--config", str(CONFIG), "--output", str(output), "--explain"]
    assert invoke(arguments) == 0
    assert output.read_text() == compile_example()
    assert [path.name for path in output.parent.iterdir()] == ["pipeline.yaml"]
    assert len(list(yaml.safe_load_all(output.read_text()))) == 2
    screen = capsys.readouterr()
    assert "kubeflow: 15 stages in" in screen.err
    assert "parameter of a run" in screen.out


def test_the_explanation_has_parameters_stages_and_what_is_not_cached():
    config = parse(
        **{
            "kubeflow.image": IMAGE,
            "kubeflow.pipeline_root": "gs://b/root",
            "kubeflow.stages": {"Trainer": {"gpus": 1, "timeout_minutes": 60}},
            "training.epochs": 7,
        }
    )
    text = explain_pipeline(config, ["SeriesExampleGen", "Trainer", "Pusher"])
    lines = text.splitlines()
    (epochs,) = [line for line in lines if line.startswith("training_epochs")]
    assert epochs.split()[1] == "7"
    assert "floors.wape_skill: 0.0" in text
    assert stage_rows(config, ["Trainer"]) == [
        ["Trainer", f"demandcast@{'1' * 12}", "2", "8 GiB", "1", "2", "60 min", "yes"]
    ]
    assert any(line.startswith("SeriesExampleGen runs each time: the data may") for line in lines)
    assert not any(line.startswith("ModelInService runs") for line in lines)
    assert "gs://b/root" in lines[-1]
