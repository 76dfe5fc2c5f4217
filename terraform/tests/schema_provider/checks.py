"""What a provider refuses in a configuration before any cloud is asked, and Terraform does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schema_provider.schema import Block

__all__ = ["Path", "set_but_only_read"]

Path = tuple[str | int, ...]
"""Names of attributes and blocks, and numbers of elements."""


def set_but_only_read(block: Block, configuration: Any, path: Path = ()) -> Iterator[Path]:
    """Attributes that a configuration sets although they are only read.

    Args:
        block: The schema.
        configuration: As Terraform sends it.
        path: Of the block.
    """
    if not isinstance(configuration, dict):
        return
    for name, attribute in block.attributes.items():
        may_be_set = attribute.required or attribute.optional
        if configuration.get(name) is not None and not may_be_set:
            yield (*path, name)
    for name, nested in block.blocks.items():
        inner = configuration.get(name)
        if isinstance(inner, list) and nested.nesting == "list":
            for number, one in enumerate(inner):
                yield from set_but_only_read(nested.block, one, (*path, name, number))
        elif isinstance(inner, list):
            # An element of a set has no number; the path ends at the set.
            for one in inner:
                yield from ((*path, name) for _ in set_but_only_read(nested.block, one))
        else:
            yield from set_but_only_read(nested.block, inner, (*path, name))
