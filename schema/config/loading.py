"""Reads the YAML file; every complaint names the key, the value and what is allowed."""

from __future__ import annotations

import os
import re
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from demandcast.schema.config.run import RunConfig
from demandcast.schema.errors import ConfigurationError

__all__ = ["load_config", "parse_config", "read_text", "read_yaml", "resolve_paths"]

_BOOLEAN = "tag:yaml.org,2002:bool"


_EXPECTED = {
    "tuple_type": "expected a list, such as [a, b]",
    "list_type": "expected a list, such as [a, b]",
    "model_type": "expected keys and values",
    "model_attributes_type": "expected keys and values",
    "dict_type": "expected keys and values",
}
"""How users of YAML say what pydantic says in words of Python, by its kind of error."""


def load_config(path: Path | str) -> RunConfig:
    """Reads a configuration file; relative paths in it start at its folder.

    Raises:
        ConfigurationError: The file cannot be read, is no YAML mapping, has an unknown key
            or a wrong value; all complaints are listed, one per line.
    """
    file = Path(path)
    config = parse_config(read_text(file), source=str(file))
    return resolve_paths(config, file.resolve().parent)


def read_text(file: Path) -> str:
    """Reads the text of a configuration file.

    Raises:
        ConfigurationError: There is no such file, or it cannot be read as UTF-8.
    """
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigurationError(f"{file}: no such file") from error
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file}: cannot be read: {error}") from error


def parse_config(text: str, *, source: str = "configuration") -> RunConfig:
    """Parses the text of a configuration file.

    Raises:
        ConfigurationError: As for `load_config`.
    """
    try:
        values = read_yaml(text)
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{source}: not valid YAML: {error}") from error
    if not isinstance(values, Mapping):
        raise ConfigurationError(
            f"{source}: expected keys and values, such as 'name: quickstart', got {values!r}"
        )
    try:
        return RunConfig.model_validate(values)
    except ValidationError as error:
        lines = [_complaint(details) for details in error.errors()]
        raise ConfigurationError("\n".join(f"{source}: {line}" for line in lines)) from error


def resolve_paths(config: RunConfig, folder: Path) -> RunConfig:
    """Returns the configuration with relative local paths made absolute from a folder."""

    def absolute(path: str | None) -> str | None:
        if path is None:
            return None
        # The one scheme that is a path of this machine; nobody below has to know it.
        path = path.removeprefix("file://")
        if "://" in path:
            return path
        return os.path.normpath(folder / Path(path).expanduser())

    data = config.data
    tables = {
        "sales": absolute(data.sales),
        "future": absolute(data.future),
        "static_tables": tuple(
            table.model_copy(update={"path": absolute(table.path)}) for table in data.static_tables
        ),
        "calendar": data.calendar
        and data.calendar.model_copy(update={"path": absolute(data.calendar.path)}),
    }
    supply = config.replenishment.tables
    supply_tables = {
        name: table.model_copy(update={"path": absolute(table.path)})
        for name in type(supply).model_fields
        if (table := getattr(supply, name)) is not None
    }
    workspace = absolute(config.workspace)
    serving = absolute(config.push.serving_directory) or f"{workspace}/serving"
    return config.model_copy(
        update={
            "workspace": workspace,
            "feature_schema": absolute(config.feature_schema),
            "data": data.model_copy(update=tables),
            "replenishment": config.replenishment.model_copy(
                update={"tables": supply.model_copy(update=supply_tables)}
            ),
            "push": config.push.model_copy(update={"serving_directory": serving}),
        }
    )


class _Loader(yaml.SafeLoader):
    """Safe YAML that refuses a key given twice and knows the booleans of YAML 1.2 only.

    YAML 1.1 reads the words on, off, yes and no as booleans, and `on` is a key of ours.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Builds a mapping; a repeated key is an error instead of a silent last word."""
        names = [key.value for key, _ in node.value]
        for index, (key, _) in enumerate(node.value):
            if key.value in names[:index]:
                raise yaml.constructor.ConstructorError(
                    problem=f"key {key.value!r} is given twice", problem_mark=key.start_mark
                )
        return super().construct_mapping(node, deep=deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _BOOLEAN]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    _BOOLEAN, re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


def read_yaml(text: str) -> Any:
    """Reads YAML as configurations mean it: only true and false are booleans, no key twice.

    Raises:
        yaml.YAMLError: The text is no such YAML.
    """
    loader = _Loader(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def _complaint(details: Mapping[str, Any]) -> str:
    """Words one pydantic error as key, value, what is allowed."""
    key = ".".join(str(part) for part in details["loc"]) or "configuration"
    kind, value = details["type"], details["input"]
    if kind == "extra_forbidden":
        allowed = ", ".join(_keys_beside(details["loc"]))
        return f"{key}: unknown key; allowed here: {allowed}"
    if kind == "missing":
        return f"{key}: missing; it must be given"
    if value is None and kind in ("model_type", "dict_type"):
        return f"{key}: is empty; expected keys and values"
    if kind == "too_long":
        most = details["ctx"]["max_length"]
        return f"{key}: got {value!r}; expected {most} values at most"
    message = _EXPECTED.get(kind) or str(details["msg"]).removeprefix("Value error, ")
    if isinstance(value, Mapping) and kind not in _EXPECTED:
        return f"{key}: {message}"  # A check across keys: its message names them.
    return f"{key}: got {value!r}; {message}"


def _keys_beside(location: tuple[int | str, ...]) -> list[str]:
    """Lists the keys allowed where an unknown one was found."""
    section: Any = RunConfig
    for part in location[:-1]:
        fields = getattr(section, "model_fields", {})
        if part in fields:  # Or it is a position in a list, or a key of a mapping.
            section = _section_of(fields[part].annotation)
    return sorted(section.model_fields) if hasattr(section, "model_fields") else []


def _section_of(annotation: Any) -> Any:
    """Finds the section inside an annotation such as `tuple[TableConfig, ...]`."""
    if hasattr(annotation, "model_fields"):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _section_of(argument)
        if found is not None:
            return found
    return None
