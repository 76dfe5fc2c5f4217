"""Corrections of what the recovery cannot know, each with its reason: `overrides.yaml`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from schema_provider.schema import Attribute, Block, Nested, ProviderSchema

__all__ = ["OVERRIDES", "OverrideError", "corrected"]

OVERRIDES = Path(__file__).parent / "overrides.yaml"

_FLAGS = {"required", "optional", "computed", "sensitive", "write_only"}


class OverrideError(Exception):
    """A correction fits nothing in the schema, or says nothing that can be done."""


def corrected(schema: ProviderSchema, file: Path = OVERRIDES) -> ProviderSchema:
    """A schema with the corrections for its provider.

    Raises:
        OverrideError: A correction names what the schema has not, or gives no reason.
    """
    changes: dict[str, list[tuple[Sequence[str], Mapping[str, Any]]]] = defaultdict(list)
    for entry in yaml.safe_load(file.read_text(encoding="utf-8"))[schema.name]:
        if not entry.get("because"):
            raise OverrideError(f"{entry.get('at')}: a correction needs its reason, `because`")
        for place in entry["at"]:
            part, *path = place.removeprefix("data.").split(".")
            prefix = "data." if place.startswith("data.") else ""
            changes[prefix + part].append((path, entry["set"]))
    blocks = dict(schema.parts())
    if unknown := set(changes) - set(blocks):
        raise OverrideError(f"{schema.name} {schema.version} has no {sorted(unknown)}")
    for part, found in changes.items():
        for path, change in found:
            blocks[part] = _change(blocks[part], path, change, part)
    return schema.with_parts(blocks)


def _change(block: Block, path: Sequence[str], change: Mapping[str, Any], where: str) -> Block:
    name, *rest = path
    here = f"{where}.{name}"
    if rest:
        if name not in block.blocks:
            raise OverrideError(f"there is no block {here}")
        inner = _change(block.blocks[name].block, rest, change, here)
        return replace(
            block, blocks={**block.blocks, name: replace(block.blocks[name], block=inner)}
        )
    if change == {"assigned": True}:
        return _assigned(block, name, here)
    if unknown := set(change) - _FLAGS - {"type", "example"}:
        raise OverrideError(f"{here}: nothing is known of {sorted(unknown)}")
    old = block.attributes.get(name)
    if old is None:
        raise OverrideError(f"there is no attribute {here}")
    bare = replace(old, nested=None) if "type" in change else old
    return replace(block, attributes={**block.attributes, name: replace(bare, **change)})


def _assigned(block: Block, name: str, here: str) -> Block:
    """A block that is in truth an object, assigned with `=`."""
    nested = block.blocks.get(name)
    if nested is None:
        raise OverrideError(f"there is no block {here}")
    attribute = Attribute(nested=Nested(nested.nesting, nested.block.attributes), optional=True)
    return Block(
        {**block.attributes, name: attribute},
        {other: kept for other, kept in block.blocks.items() if other != name},
    )
