"""Reading the file: YAML, complaints, paths."""

import pytest
import yaml
from configurations import minimal, text_of

from demandcast.schema.config import load_config, parse_config, resolve_paths
from demandcast.schema.errors import ConfigurationError


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("horizon", r"horizon: unknown key; allowed here: beam, continuity, data, feature_schema"),
        ("forecast.horizn", r"forecast\.horizn: unknown key; .*context_length, frequency, horizon"),
        (
            "data.columns.known_future.text",
            r"known_future\.text: unknown key; .*categorical, numer",
        ),
        ("gate.floors.wape", r"gate\.floors\.wape: unknown key; .*coverage_tolerance"),
    ],
)
def test_unknown_keys_are_refused_with_their_path_and_the_keys_allowed_there(key, message):
    with pytest.raises(ConfigurationError, match=message):
        parse_config(text_of(**{key: 1}))


def test_unknown_keys_in_lists_and_optional_sections_too():
    with pytest.raises(ConfigurationError, match=r"static_tables\.0\.x: unknown key; .*: on, path"):
        parse_config(text_of(**{"data.static_tables": [{"path": "a", "on": ["b"], "x": 1}]}))
    with pytest.raises(ConfigurationError, match=r"availability\.x: unknown key; .*: column, kind"):
        parse_config(text_of(**{"data.columns.availability": {"column": "a", "x": 1}}))


def test_a_missing_key_is_named():
    values = minimal()
    del values["data"]["columns"]["target"]
    with pytest.raises(ConfigurationError, match=r"here: data\.columns\.target: missing"):
        parse_config(yaml.safe_dump(values), source="here")


def test_all_complaints_come_at_once_one_per_line():
    text = text_of(**{"forecast.horizon": 0, "network.units": 0, "colour": "red"})
    with pytest.raises(ConfigurationError) as caught:
        parse_config(text, source="run.yaml")
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert all(line.startswith("run.yaml: ") for line in lines)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("features.lags", 3, "features.lags: got 3; expected a list, such as [a, b]"),
        ("data.static_tables", {"a": 1}, "got {'a': 1}; expected a list, such as [a, b]"),
        ("forecast", 3, "forecast: got 3; expected keys and values"),
        ("forecast", None, "forecast: is empty; expected keys and values"),
        ("data", None, "data: is empty; expected keys and values"),
        ("data.static_tables", [3], "data.static_tables.0: got 3; expected keys and values"),
        ("features.imputation.numeric_by_column", [1], "got [1]; expected keys and values"),
        ("features.interactions", [{"columns": list("abc")}], "expected 2 values at most"),
        ("training.learning_rate", float("inf"), "got inf; Input should be a finite number"),
        ("gate.floors.coverage_tolerance", float("nan"), "got nan; Input should be a finite"),
    ],
)
def test_wrong_kinds_of_values_are_said_in_words_of_yaml(key, value, message):
    with pytest.raises(ConfigurationError) as caught:
        parse_config(text_of(**{key: value}))
    (line,) = str(caught.value).splitlines()
    assert message in line
    assert "tuple" not in line.lower()


@pytest.mark.parametrize("number", [".inf", "-.inf", ".nan"])
def test_numbers_are_finite(number):
    text = text_of() + f"training: {{learning_rate: {number}}}"
    with pytest.raises(ConfigurationError, match=r"training\.learning_rate: got .*(inf|nan)"):
        parse_config(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"expected keys and values, such as 'name: quickstart', got None"),
        ("- a\n- b", r"expected keys and values"),
        ("just words", r"got 'just words'"),
        ("name: [", r"not valid YAML"),
        ("name: a\nname: b", r"not valid YAML: key 'name' is given twice"),
        ("forecast: {horizon: 1, horizon: 2}", r"key 'horizon' is given twice"),
        ("name: !!python/object:os.system {}", r"not valid YAML"),
    ],
)
def test_what_is_no_configuration_is_refused(text, message):
    with pytest.raises(ConfigurationError, match=message):
        parse_config(text)


def test_on_and_no_are_words_and_true_is_not():
    text = """
        name: no
        data:
          sales: sales.csv
          columns: {series_key: [on, off], timestamp: yes, target: y}
          calendar: {path: calendar.csv, on: [yes]}
        training: {cache_in_memory: false}
    """
    config = parse_config(text)
    assert config.name == "no"
    assert config.data.columns.series_key == ("on", "off")
    assert config.data.calendar.on == ("yes",)
    assert config.training.cache_in_memory is False


def test_relative_paths_start_at_the_folder_of_the_file(tmp_path):
    file = tmp_path / "run.yaml"
    tables = {
        "data.sales": "in/sales-*.parquet",
        "data.future": "in/future.csv",
        "data.static_tables": [{"path": "items.csv", "on": ["item"]}],
        "data.calendar": {"path": "calendar.csv", "on": ["date"]},
        "feature_schema": "own.pbtxt",
    }
    file.write_text(text_of(**tables))
    config = load_config(file)
    assert config.data.sales == f"{tmp_path}/in/sales-*.parquet"
    assert config.data.future == f"{tmp_path}/in/future.csv"
    assert config.data.static_tables[0].path == f"{tmp_path}/items.csv"
    assert config.data.static_tables[0].on == ("item",)
    assert config.data.calendar.path == f"{tmp_path}/calendar.csv"
    assert config.feature_schema == f"{tmp_path}/own.pbtxt"
    assert config.workspace == f"{tmp_path}/runs"
    assert config.push.serving_directory == f"{tmp_path}/runs/serving"
    assert load_config(str(file)) == config


def test_absolute_and_remote_paths_stay(tmp_path):
    config = parse_config(
        text_of(
            **{
                "data.sales": "gs://bucket/sales-*.parquet",
                "workspace": "/srv/runs",
                "push.serving_directory": "s3://bucket/serving",
            }
        )
    )
    resolved = resolve_paths(config, tmp_path)
    assert resolved.data.sales == "gs://bucket/sales-*.parquet"
    assert resolved.workspace == "/srv/runs"
    assert resolved.push.serving_directory == "s3://bucket/serving"
    assert resolved.data.future is None
    assert resolved.data.calendar is None
    assert resolved.feature_schema is None
    assert resolve_paths(resolved, tmp_path / "elsewhere") == resolved


def test_the_scheme_of_this_machine_goes(tmp_path):
    changes = {"push.serving_directory": "file:///srv/serving", "data.sales": "file:///a.csv"}
    config = parse_config(text_of(**changes))
    resolved = resolve_paths(config, tmp_path)
    assert resolved.push.serving_directory == "/srv/serving"
    assert resolved.data.sales == "/a.csv"


def test_the_home_folder_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    config = resolve_paths(parse_config(text_of(**{"data.sales": "~/sales.csv"})), tmp_path / "x")
    assert config.data.sales == f"{tmp_path}/sales.csv"


def test_files_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(ConfigurationError, match=r"none\.yaml: no such file$") as caught:
        load_config(tmp_path / "none.yaml")
    assert str(caught.value).count("none.yaml") == 1
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_config(tmp_path)
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_config(binary)
    bad = tmp_path / "bad.yaml"
    bad.write_text(text_of(colour=1))
    with pytest.raises(ConfigurationError, match=r"bad\.yaml: colour: unknown key"):
        load_config(bad)
