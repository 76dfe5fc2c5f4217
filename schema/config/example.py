"""Documents the configuration from its models: a commented example, and the reference page.

Descriptions, allowed values and defaults are read from the models' own JSON
schema, so neither text can disagree with what `parse_config` accepts.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from pydantic.json_schema import GenerateJsonSchema

from demandcast.schema.config.run import RunConfig

__all__ = ["Key", "describe_keys", "example_yaml", "reference_markdown"]

_WIDTH = 94

_EXAMPLE_VALUES: dict[str, Any] = {
    "name": "quickstart",
    "data.sales": "data/sales.parquet",
    "data.columns.series_key": ["store", "item"],
    "data.columns.timestamp": "date",
    "data.columns.target": "sales",
    "data.columns.static": ["category", "brand", "region", "format"],
    "data.columns.known_future.numeric": ["price"],
    "data.columns.known_future.categorical": ["promotion", "holiday"],
    "data.columns.observed_past.numeric": ["temperature", "rain"],
    "data.columns.availability.column": "in_stock_fraction",
    "data.static_tables[].path": "data/items.parquet",
    "data.static_tables[].on": ["item"],
    "data.calendar.path": "data/calendar.parquet",
    "data.calendar.on": ["date"],
    "data.future": "data/future.parquet",
    "data.transactions.exclude[].name": "no product",
    "data.transactions.exclude[].column": "item",
    "data.transactions.exclude[].matches": "^(POSTAGE|TEST)$",
    "data.transactions.positive": ["unit_price"],
    "data.transactions.cancelled.column": "invoice",
    "data.transactions.cancelled.matches": "^C",
    "data.transactions.pairs.columns": ["customer"],
    "features.price_column": "price",
    "features.holiday_column": "holiday",
    "features.interactions[].columns": ["category", "promotion"],
    "gate.slices": ["category"],
    "replenishment.tables.inventory.path": "data/inventory.parquet",
    "replenishment.tables.open_orders.path": "data/lead_times.parquet",
    "replenishment.tables.supply_terms.path": "data/supply_terms.parquet",
    "replenishment.tables.suppliers.path": "data/suppliers.parquet",
    "replenishment.tables.lead_times.path": "data/lead_times.parquet",
    "replenishment.tables.price_breaks.path": "data/price_breaks.parquet",
    "replenishment.tables.supplier_closures.path": "data/closures.csv",
    "replenishment.order_moment": "after_close",
    "kubeflow.pipeline_root": "gs://bucket/demandcast",
    "kubeflow.volumes[].claim": "sales",
    "kubeflow.volumes[].mount_path": "/data",
    "kubeflow.defaults.tolerations[].key": "nvidia.com/gpu",
}
"""Values of the example that are not defaults; the names follow the sample data."""

_COMMENTED_OUT = (
    "data.transactions",
    "replenishment.tables.price_breaks",
    "replenishment.tables.supplier_closures",
    "kubeflow",
)
"""Sections that the sample data has no use for; their lines are there as comments."""

_MORE_ITEMS: dict[str, list[dict[str, Any]]] = {
    "data.static_tables[]": [{"path": "data/stores.parquet", "on": ["store"]}],
}
"""Further items of lists of sections; the first has its keys in `_EXAMPLE_VALUES`."""


@dataclass(frozen=True)
class Key:
    """A key of the configuration.

    Attributes:
        path: Names from the top, joined by dots; `[]` marks a list of sections.
        description: What it says, from the model.
        allowed: Allowed values in words; "section" or "list of sections" for what holds keys.
        default: Default as YAML on one line; none for a key that must be given.
    """

    path: str
    description: str
    allowed: str
    default: str | None

    @property
    def name(self) -> str:
        """Last part of the path, as written in the file."""
        return self.path.removesuffix("[]").rpartition(".")[2]

    @property
    def parent(self) -> str:
        """Path of the section that holds it."""
        return self.path.rpartition(".")[0]

    @property
    def depth(self) -> int:
        """Number of sections around it."""
        return self.path.count(".")

    @property
    def is_section(self) -> bool:
        """Tells whether it holds keys."""
        return "section" in self.allowed


def describe_keys() -> tuple[Key, ...]:
    """Lists every key in the order of the models, a section before its keys.

    >>> next(key for key in describe_keys() if key.path == "forecast.horizon")
    Key(path='forecast.horizon', description='Periods forecast (H).', \
allowed='whole number, 1 to 1024', default='28')
    """
    schema = RunConfig.model_json_schema(schema_generator=_InOrder)
    return tuple(_walk(schema, schema["$defs"], ""))


def example_yaml() -> str:
    """Renders a configuration that holds every key, each with a comment.

    A section that does not fit the sample data is a comment as a whole.

    The values are defaults, or names and files of the sample data where there is none.
    """
    keys = describe_keys()
    lines = [_HEADER]
    for key, before, after in zip(keys, (None, *keys), (*keys[1:], None), strict=False):
        indent = "  " * _yaml_depth(key)
        dash = ""
        if before and before.path.endswith("[]"):
            indent, dash = indent.removesuffix("  "), "- "
        if not key.depth:
            lines.append("")
        begin = len(lines)
        lines += _comment(key, indent)
        lines += _entry(key, indent + dash)
        if after is None or after.parent != key.parent:
            lines += _more_items(key)
        lines[begin:] = [_commented_out(line, key) for line in lines[begin:]]
    return "\n".join(lines) + "\n"


def _commented_out(line: str, key: Key) -> str:
    """Makes a comment of a line of a section that the sample data has no use for."""
    for section in _COMMENTED_OUT:
        if key.path == section or key.path.startswith(f"{section}."):
            indent = "  " * section.count(".")
            return f"{indent}# {line.removeprefix(indent)}"
    return line


def _entry(key: Key, indent: str) -> list[str]:
    """Writes a key and its value, a long mapping or list with a line for each of its parts."""
    if key.is_section:
        return [f"{indent}{key.name}:"]
    value = _example_value(key)
    line = f"{indent}{key.name}: {_inline(value)}"
    if len(line) <= _WIDTH:
        return [line]
    if isinstance(value, list):
        return [f"{indent}{key.name}:", *(f"{indent}  - {_inline(item)}" for item in value)]
    return [f"{indent}{key.name}:", *(f"{indent}  {k}: {_inline(v)}" for k, v in value.items())]


def _more_items(last: Key) -> list[str]:
    """Writes the items after the first, below the last key of a list of sections."""
    indent = "  " * (_yaml_depth(last) - 1)
    return [f"{indent}- {_inline(item)}" for item in _MORE_ITEMS.get(last.parent, [])]


def reference_markdown() -> str:
    """Renders the page docs/configuration.md: a table of keys for each section."""
    keys = describe_keys()
    sections = [key for key in keys if key.is_section]
    parts = [_INTRODUCTION, _table("Top level", keys, parent="")]
    for section in sections:
        heading = f"`{section.path}`: {section.description.rstrip('.')}"
        parts.append(_table(heading, keys, parent=section.path))
    return "\n".join(part for part in parts if part)


_HEADER = """\
# A run of demandcast. Every key is here; those with a default may be left out. Columns and
# files are those of the sample data: demandcast sample-data data
# Relative paths start at the folder of this file."""

_INTRODUCTION = """\
# Configuration

One YAML file describes a run; `demandcast config --example` prints one with every key and a
comment on each. This page is written from the same models
(`schema/config/`), by `reference_markdown` of `schema/config/example.py`; a test keeps it current.

* An unknown key or a wrong value is refused with the key's path, the value and what is allowed.
* Relative paths start at the folder of the file. `data` also takes paths of any filesystem
  that Beam reads, such as `gs://bucket/sales-*.parquet`.
* *required* marks keys without a default. `[]` marks a list of sections.
"""


class _InOrder(GenerateJsonSchema):
    """Leaves the keys of defaults in the order in which the models write them."""

    def sort(self, value: Any, parent_key: str | None = None) -> Any:
        """Sorts nothing; called by pydantic."""
        del parent_key
        return value


def _walk(section: Mapping[str, Any], definitions: Mapping[str, Any], parent: str) -> Iterator[Key]:
    """Yields the keys of a section of the JSON schema, and of the sections in it."""
    for name, value in section["properties"].items():
        path = f"{parent}.{name}" if parent else name
        kind, nullable = _without_null(value)
        inner = kind.get("items", {}) if kind.get("type") == "array" else kind
        if "$ref" not in inner:
            allowed = _allowed(kind) + (", or null" if nullable else "")
            default = _inline(value["default"]) if "default" in value else None
            yield Key(path, value["description"], allowed, default)
            continue
        definition = definitions[inner["$ref"].rpartition("/")[2]]
        is_list = inner is not kind
        yield Key(
            path + "[]" * is_list,
            value.get("description", definition["description"]),  # Left out where equal.
            "list of sections" if is_list else "section or null" if nullable else "section",
            _section_default(value),
        )
        yield from _walk(definition, definitions, path + "[]" * is_list)


def _section_default(value: Mapping[str, Any]) -> str | None:
    """Words the default of a section: its keys have their own, unless there is none."""
    if "default" not in value:
        return None
    default = value["default"]
    return _inline(default) if not default else "of its keys"


def _without_null(value: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """Splits an optional type into the type and whether null is allowed too."""
    options = value.get("anyOf", [value])
    kinds = [option for option in options if option.get("type") != "null"]
    return kinds[0], len(kinds) < len(options)


def _allowed(kind: Mapping[str, Any]) -> str:
    """Words the values that a type of the JSON schema allows."""
    if "enum" in kind:
        return "one of " + ", ".join(kind["enum"])
    if kind["type"] == "array":
        return _allowed_list(kind)
    if kind["type"] == "object":
        held = kind["additionalProperties"]
        # Of sections there is the name only: the description of the key says more.
        words = (
            held["$ref"].rpartition("/")[2].removesuffix("Config").lower()
            if "$ref" in held
            else _allowed(held)
        )
        return f"mapping of text to {words}"
    if kind["type"] in ("integer", "number"):
        word = "whole number" if kind["type"] == "integer" else "number"
        return ", ".join([word, *_bounds(kind)])
    if kind.get("format") == "date":
        return "date"
    return {"string": "text", "boolean": "true or false"}[kind["type"]]


def _allowed_list(kind: Mapping[str, Any]) -> str:
    if "prefixItems" in kind:
        return f"list of {len(kind['prefixItems'])}: {_allowed(kind['prefixItems'][0])}"
    least = f", at least {kind['minItems']}" if "minItems" in kind else ""
    words = _allowed(kind["items"]).replace("number", "numbers").replace("list of", "lists of")
    return f"list of {words}{least}"


def _bounds(kind: Mapping[str, Any]) -> Iterator[str]:
    if "minimum" in kind and "maximum" in kind:
        yield f"{kind['minimum']:g} to {kind['maximum']:g}"
        return
    words = {
        "minimum": "at least",
        "exclusiveMinimum": "above",
        "maximum": "at most",
        "exclusiveMaximum": "below",
    }
    for bound, word in words.items():
        if bound in kind:
            yield f"{word} {kind[bound]:g}"


def _inline(value: Any) -> str:
    """Writes a value as YAML on one line."""
    text: str = yaml.safe_dump(value, default_flow_style=True, width=10_000, sort_keys=False)
    return text.removesuffix("\n").removesuffix("\n...")


def _example_value(key: Key) -> Any:
    if key.path in _EXAMPLE_VALUES:
        return _EXAMPLE_VALUES[key.path]
    return yaml.safe_load(key.default or "null")


def _yaml_depth(key: Key) -> int:
    """Levels of indentation: a list of sections adds one for its items."""
    parents = key.path.split(".")[:-1]
    return len(parents) + sum(parent.endswith("[]") for parent in parents)


def _comment(key: Key, indent: str) -> list[str]:
    """Writes the comment above a key: what it says, what is allowed, the default."""
    words = [key.description]
    if not key.is_section:
        default = "required" if key.default is None else f"default {key.default}"
        words.append(f"{key.allowed[0].upper()}{key.allowed[1:]}; {default}.")
    elif key.default in ("null", "[]"):
        words.append(f"May be left out: default {key.default}.")
    return [
        line
        for part in words
        for line in textwrap.wrap(
            part,
            _WIDTH,
            initial_indent=f"{indent}# ",
            subsequent_indent=f"{indent}# ",
            break_on_hyphens=False,
            break_long_words=False,
        )
    ]


def _table(heading: str, keys: tuple[Key, ...], *, parent: str) -> str:
    """Renders the keys directly below a section."""
    rows = [
        f"| `{key.name}` | {_cell(key.allowed)} | {_default_cell(key)} | {_cell(key.description)} |"
        for key in keys
        if key.parent == parent
    ]
    lines = [f"## {heading}", "", "| key | allowed | default | what it says |", "|---|---|---|---|"]
    return "\n".join([*lines, *rows, ""])


def _default_cell(key: Key) -> str:
    if key.default is None:
        return "*required*"
    return key.default if key.is_section and key.default.startswith("of") else f"`{key.default}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
