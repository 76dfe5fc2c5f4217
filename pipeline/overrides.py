"""`--set key.path=value`: changes single values of a configuration file."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from demandcast.schema.config import RunConfig, parse_config, resolve_paths
from demandcast.schema.config.loading import read_text, read_yaml
from demandcast.schema.errors import ConfigurationError

__all__ = ["apply_overrides", "load_with_overrides"]

# "*" stands for a position in a list.
_PATHS = frozenset(
    {
        ("workspace",),
        ("feature_schema",),
        ("data", "sales"),
        ("data", "future"),
        ("data", "calendar", "path"),
        ("data", "static_tables", "*", "path"),
        ("push", "serving_directory"),
    }
)


def load_with_overrides(file: Path, overrides: Sequence[str], *, folder: Path) -> RunConfig:
    """Reads a configuration file and changes values in it.

    Args:
        file: The YAML file; relative paths in it start at its own folder.
        overrides: `key.path=value` each; the value is YAML.
        folder: Where relative paths in overrides start.

    Returns:
        The configuration, checked as if the file had said it all.

    Raises:
        ConfigurationError: The file cannot be read or is no mapping, an override has no '=' or
            goes through a value that has no keys, or the result is refused.
    """
    text = read_text(file)
    if overrides:
        values = _mapping(text, source=str(file))
        changed = apply_overrides(values, overrides, folder=folder)
        text = yaml.safe_dump(changed, sort_keys=False)
    config = parse_config(text, source=str(file))
    return resolve_paths(config, file.resolve().parent)


def apply_overrides(
    values: Mapping[str, Any], overrides: Sequence[str], *, folder: Path
) -> dict[str, Any]:
    """Returns the values with overrides applied, later ones last.

    Raises:
        ConfigurationError: As for `load_with_overrides`.

    >>> apply_overrides({"training": {"epochs": 20}}, ["training.epochs=2"], folder=Path("/x"))
    {'training': {'epochs': 2}}
    >>> apply_overrides({}, ["data.sales=sales.csv"], folder=Path("/x"))
    {'data': {'sales': '/x/sales.csv'}}
    """
    result = copy.deepcopy(dict(values))
    for override in overrides:
        key, separator, text = override.partition("=")
        parts = tuple(key.strip().split("."))
        if not separator or not all(parts):
            raise ConfigurationError(
                f"--set {override!r}: expected key.path=value, such as training.epochs=5"
            )
        try:
            value = read_yaml(text)
        except yaml.YAMLError as error:
            raise ConfigurationError(f"--set {key}: {text!r} is not valid YAML: {error}") from error
        _put(result, parts, _with_absolute_paths(value, parts, folder))
    return result


def _mapping(text: str, *, source: str) -> Mapping[str, Any]:
    try:
        values = read_yaml(text)
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{source}: not valid YAML: {error}") from error
    if not isinstance(values, Mapping):
        raise ConfigurationError(f"{source}: expected keys and values, got {values!r}")
    return values


def _put(values: dict[str, Any], parts: tuple[str, ...], value: Any) -> None:
    """Sets a value inside nested mappings and lists; missing mappings are made."""
    here: Any = values
    for depth, part in enumerate(parts):
        last = depth == len(parts) - 1
        if isinstance(here, list) and part.isdecimal() and int(part) < len(here):
            index: Any = int(part)
        elif isinstance(here, dict):
            index = part
            if not last and here.get(part) is None:
                here[part] = {}
        else:
            raise ConfigurationError(
                f"--set {'.'.join(parts)}: {'.'.join(parts[:depth]) or 'the file'} is {here!r}, "
                f"which has no {part!r}"
            )
        if last:
            here[index] = value
        else:
            here = here[index]


def _with_absolute_paths(value: Any, parts: tuple[str, ...], folder: Path) -> Any:
    """Makes relative paths in an override start at the folder."""
    pattern = tuple("*" if part.isdecimal() else part for part in parts)
    if isinstance(value, str) and pattern in _PATHS and "://" not in value:
        return str(folder / Path(value).expanduser())
    if isinstance(value, dict):
        return {k: _with_absolute_paths(v, (*parts, str(k)), folder) for k, v in value.items()}
    if isinstance(value, list):
        return [_with_absolute_paths(v, (*parts, str(i)), folder) for i, v in enumerate(value)]
    return value
