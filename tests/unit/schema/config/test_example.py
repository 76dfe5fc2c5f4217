"""The example and the reference page say what the models say."""

from pathlib import Path

import pytest
import yaml
from configurations import parse

from demandcast.components.simulation.dictionary import TABLES
from demandcast.schema.config import KubeflowConfig, RunConfig, TransactionsConfig, parse_config
from demandcast.schema.config.example import describe_keys, example_yaml, reference_markdown

KEYS = {key.path: key for key in describe_keys()}
PAGE = Path(__file__).parents[4] / "docs" / "configuration.md"


def leaves(values, prefix=""):
    """Paths of a nested configuration, written as the keys' own paths."""
    for name, value in values.items():
        path = f"{prefix}{name}"
        if isinstance(value, dict) and path in KEYS and KEYS[path].is_section:
            yield from leaves(value, f"{path}.")
        elif isinstance(value, list | tuple) and f"{path}[]" in KEYS:
            for item in value:
                yield from leaves(item, f"{path}[].")
        else:
            yield path, value


TRANSACTIONS = "data.transactions"
PRICE_BREAKS = "replenishment.tables.price_breaks"
CLOSURES = "replenishment.tables.supplier_closures"
COMMENTED_OUT = (TRANSACTIONS, PRICE_BREAKS, CLOSURES, "kubeflow")


def test_the_example_parses_and_has_every_key():
    parse_config(example_yaml())
    given = dict(leaves(parse_config(example_yaml()).model_dump()))
    given = {path for path in given if not path.startswith(COMMENTED_OUT)}
    assert given == {
        path
        for path, key in KEYS.items()
        if not key.is_section and not path.startswith(COMMENTED_OUT)
    }
    text = example_yaml()
    for key in KEYS.values():
        assert f"{key.name}:" in text


def test_the_section_that_is_a_comment_parses_too_and_has_every_key():
    lines = example_yaml().splitlines()
    begin = lines.index("  # transactions:")
    end = next(at for at in range(begin, len(lines)) if not lines[at].startswith("  # "))
    text = "\n".join(line.replace("  # ", "  ", 1) for line in lines[begin:end])
    text = text[: text.rindex("last_period: keep") + len("last_period: keep")]  # Then a comment.
    section = TransactionsConfig.model_validate(yaml.safe_load(text)["transactions"])
    given = dict(leaves({"transactions": section.model_dump()}, "data."))
    assert set(given) == {
        path
        for path, key in KEYS.items()
        if not key.is_section and path.startswith(f"{TRANSACTIONS}.")
    }


def test_the_section_of_kubeflow_that_is_a_comment_parses_too_and_has_every_key():
    lines = example_yaml().splitlines()
    lines = lines[lines.index("# kubeflow:") :]
    values = yaml.safe_load("\n".join(line.removeprefix("# ") for line in lines))
    section = KubeflowConfig.model_validate(values["kubeflow"])
    given = dict(leaves({"kubeflow": section.model_dump()}))
    assert set(given) == {
        path for path, key in KEYS.items() if not key.is_section and path.startswith("kubeflow.")
    }


def test_every_value_of_the_example_is_the_default_or_names_sample_data():
    tables = {f"data/{name}.parquet" for name in TABLES}
    columns = {name for table in TABLES.values() for name in table.columns}
    for path, value in leaves(parse_config(example_yaml()).model_dump(mode="json")):
        default = KEYS[path].default
        if default is not None and yaml.safe_load(default) == value:
            continue
        names = value if isinstance(value, list) else [value]
        # The stores of the sample data order in the evening.
        said = path in ("name", "replenishment.order_moment")
        assert said or set(names) <= tables | columns, path


def test_columns_of_the_example_are_where_the_sample_data_has_them():
    columns = parse_config(example_yaml()).data.columns
    sales = set(TABLES["sales"].columns)
    assert {*columns.series_key, columns.timestamp, columns.target} <= sales
    for table in parse_config(example_yaml()).data.static_tables:
        assert set(table.on) <= set(TABLES[Path(table.path).stem].columns)
    assert {columns.availability.column, *columns.observed_past.names} <= sales
    assert set(columns.static) <= {*TABLES["items"].columns, *TABLES["stores"].columns}
    assert set(columns.known_future.names) <= sales | set(TABLES["calendar"].columns)


def test_defaults_are_those_of_the_models():
    values = dict(leaves(parse().model_dump(mode="json")))
    for key in KEYS.values():
        if key.default is not None and key.path in values and not key.is_section:
            assert yaml.safe_load(key.default) == values[key.path], key.path


def test_every_key_has_a_description_above_it():
    lines = example_yaml().splitlines()
    inside = {
        f"      {name}:"
        for _, value in leaves(parse_config(example_yaml()).model_dump())
        if isinstance(value, dict)
        for name in value
    }
    assert "      units:" in inside  # A long mapping has a line for each of its keys.
    for number, line in enumerate(lines):
        if line.partition(":")[0] + ":" in inside:
            continue
        # Items of a list of sections, and of a list that is too long for a line.
        if line and not line.lstrip().startswith(("#", "- ")):
            assert lines[number - 1].lstrip().startswith("#"), line
    assert all(key.description.endswith(".") for key in KEYS.values())
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize(
    ("path", "allowed", "default"),
    [
        ("name", "text", None),
        ("forecast.horizon", "whole number, 1 to 1024", "28"),
        ("forecast.quantile_levels", "list of numbers", None),
        ("network.dropout", "number, at least 0, below 1", "0.1"),
        ("training.max_minutes", "number, above 0, or null", "null"),
        ("training.cache_in_memory", "true or false", "true"),
        ("data.duplicates", "one of error, sum, keep_last", "error"),
        ("data.columns.series_key", "list of text, at least 1", None),
        ("data.static_tables[]", "list of sections", "[]"),
        ("data.calendar", "section or null", "null"),
        ("data.columns", "section", None),
        ("forecast", "section", "of its keys"),
        ("features.interactions[].columns", "list of 2: text", None),
        (
            "features.imputation.numeric_by_column",
            "mapping of text to one of mean, median, zero",
            "{}",
        ),
        (
            "tuning.space.training",
            "mapping of text to candidates",
            "{learning_rate: {low: 0.0005, high: 0.01, scale: log}, batch_size: [128, 256, 512]}",
        ),
    ],
)
def test_allowed_values_in_words(path, allowed, default):
    assert KEYS[path].allowed == allowed
    if path != "forecast.quantile_levels":
        assert KEYS[path].default == default


def test_top_level_keys_come_in_the_order_of_the_model():
    top = [key.path for key in describe_keys() if not key.depth]
    assert top == list(RunConfig.model_fields)


def test_the_page_in_docs_is_up_to_date():
    write = (
        "write it with: .venv/bin/python -c 'from pathlib import Path; "
        "from demandcast.schema.config.example import reference_markdown; "
        'Path("docs/configuration.md").write_text(reference_markdown())\''
    )
    assert PAGE.read_text(encoding="utf-8") == reference_markdown(), write


def test_the_page_has_each_key_in_a_table():
    page = reference_markdown()
    for key in KEYS.values():
        assert f"| `{key.name}` | " in page
        if key.is_section:
            assert f"## `{key.path}`: " in page
