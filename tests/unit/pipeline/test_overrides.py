import doctest
from pathlib import Path

import pytest

from demandcast.pipeline import overrides as module
from demandcast.pipeline.overrides import apply_overrides, load_with_overrides
from demandcast.schema.config.example import example_yaml
from demandcast.schema.errors import ConfigurationError

HERE = Path("/here")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "project" / "demand.yaml"
    path.parent.mkdir()
    path.write_text(example_yaml())
    return path


def test_examples_in_docstrings_are_true():
    assert doctest.testmod(module).failed == 0


def test_without_overrides_the_file_is_read_as_it_is(file):
    config = load_with_overrides(file, [], folder=HERE)
    assert config.data.sales == str(file.parent / "data/sales.parquet")
    assert config.training.epochs == 20


def test_values_are_yaml_and_checked_like_the_file(file):
    config = load_with_overrides(
        file,
        ["training.epochs=3", "features.lags=[28, 35]", "training.max_minutes=null", "name=other"],
        folder=HERE,
    )
    assert config.training.epochs == 3
    assert config.features.lags == (28, 35)
    assert config.training.max_minutes is None
    assert config.name == "other"


def test_paths_in_overrides_start_at_the_current_folder(file):
    config = load_with_overrides(
        file,
        [
            "data.sales=new/sales.csv",
            "data.calendar.path=calendar.csv",
            "data.static_tables.1.path=stores.csv",
            "data.future=gs://bucket/future.parquet",
            "workspace=out",
            "push.serving_directory=/srv/serving",
        ],
        folder=HERE,
    )
    assert config.data.sales == "/here/new/sales.csv"
    assert config.data.calendar.path == "/here/calendar.csv"
    assert config.data.static_tables[0].path == str(file.parent / "data/items.parquet")
    assert config.data.static_tables[1].path == "/here/stores.csv"
    assert config.data.future == "gs://bucket/future.parquet"
    assert config.workspace == "/here/out"
    assert config.push.serving_directory == "/srv/serving"


def test_paths_inside_a_whole_section_start_at_the_current_folder_too():
    changed = apply_overrides({}, ["data.static_tables=[{path: a.csv, on: [b]}]"], folder=HERE)
    assert changed == {"data": {"static_tables": [{"path": "/here/a.csv", "on": ["b"]}]}}


def test_the_last_override_of_a_key_counts():
    changed = apply_overrides({}, ["a.b=1", "a.b=2"], folder=HERE)
    assert changed == {"a": {"b": 2}}


def test_the_given_values_are_not_changed():
    values = {"a": {"b": 1}}
    apply_overrides(values, ["a.b=2"], folder=HERE)
    assert values == {"a": {"b": 1}}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.epochs", "expected key.path=value"),
        ("=3", "expected key.path=value"),
        ("training..epochs=3", "expected key.path=value"),
        ("training.epochs=[", "is not valid YAML"),
        ("name.first=x", r"name is 'quickstart', which has no 'first'"),
        ("data.static_tables.7.path=x", r"which has no '7'"),
        ("training.epochz=3", r"training\.epochz: unknown key"),
        ("training.epochs=0", r"training\.epochs: got 0"),
    ],
)
def test_a_wrong_override_is_named(file, override, message):
    with pytest.raises(ConfigurationError, match=message):
        load_with_overrides(file, [override], folder=HERE)


@pytest.mark.parametrize("text", ["[1, 2]", "", "a: ["])
def test_a_file_without_keys_is_named(tmp_path, text):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=r"bad\.yaml"):
        load_with_overrides(path, ["name=x"], folder=HERE)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match=r"none\.yaml: no such file$"):
        load_with_overrides(tmp_path / "none.yaml", [], folder=HERE)
