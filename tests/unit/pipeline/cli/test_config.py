import json

import pytest
import yaml

from demandcast.pipeline.cli.main import invoke
from demandcast.schema.config import parse_config


@pytest.fixture
def file(tmp_path, capsys):
    assert invoke(["config", "--example"]) == 0
    path = tmp_path / "demand.yaml"
    path.write_text(capsys.readouterr().out)
    return path


def test_the_example_is_a_configuration(file):
    assert parse_config(file.read_text()).name == "quickstart"


def test_all_values_of_a_file_are_shown(file, capsys):
    assert invoke(["config", "--config", str(file), "--set", "training.epochs=3"]) == 0
    values = yaml.safe_load(capsys.readouterr().out)
    assert values["training"]["epochs"] == 3
    assert values["training"]["patience"] == 5
    assert values["push"]["serving_directory"] == str(file.parent / "runs/serving")


def test_as_json(file, capsys):
    assert invoke(["config", "--config", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["forecast"]["horizon"] == 28


def test_a_wrong_file_is_refused(file, capsys):
    assert invoke(["config", "--config", str(file), "--set", "training.epochs=0"]) == 2
    assert "training.epochs: got 0" in capsys.readouterr().err
