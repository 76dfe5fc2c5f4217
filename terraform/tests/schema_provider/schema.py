"""The shape of a provider's schema, as `terraform providers schema -json` prints it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

__all__ = ["Attribute", "Block", "Nested", "NestedBlock", "Nesting", "ProviderSchema", "Type"]

Type = str | list[Any]
"""A type as cty writes it: `"string"`, `["list", "string"]`, `["object", {"a": "number"}]`."""

Nesting = Literal["single", "list", "set", "map"]


@dataclass(frozen=True)
class Nested:
    """The attributes of objects that are assigned with `=`.

    Attributes:
        nesting: One object, or a collection of them.
        attributes: By name.
    """

    nesting: Nesting
    attributes: Mapping[str, Attribute]


@dataclass(frozen=True)
class Attribute:
    """What is assigned with `=`, or only read.

    Attributes:
        type: Its type, unless it is `nested`.
        nested: Attributes of the objects in it.
        required: Has to be set.
        optional: May be set.
        computed: Known after apply where it is not set.
        sensitive: Is not shown.
        write_only: Is in no state; null in every plan.
        example: What is made up for it, where its form matters to those who read it.
    """

    type: Type | None = None
    nested: Nested | None = None
    required: bool = False
    optional: bool = False
    computed: bool = False
    sensitive: bool = False
    write_only: bool = False
    example: str | None = None


@dataclass(frozen=True)
class NestedBlock:
    """A block within a block.

    Attributes:
        nesting: `single` for timeouts, else what its instances make.
        block: What is in it.
        min_items: 1 where it has to be there.
        max_items: 1 where there is at most one, 0 without a bound.
    """

    nesting: Nesting
    block: Block
    min_items: int = 0
    max_items: int = 0


@dataclass(frozen=True)
class Block:
    """Attributes and blocks of a resource, a data source, a provider or a block of theirs."""

    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    blocks: Mapping[str, NestedBlock] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The shape of `terraform providers schema -json`."""
        return {
            "attributes": {name: _attribute(a) for name, a in sorted(self.attributes.items())},
            "block_types": {name: _block(b) for name, b in sorted(self.blocks.items())},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Block:
        """The block that `as_json` wrote."""
        return cls(
            {name: _to_attribute(a) for name, a in data["attributes"].items()},
            {name: _to_block(b) for name, b in data["block_types"].items()},
        )


@dataclass(frozen=True)
class ProviderSchema:
    """All of a provider.

    Attributes:
        name: Such as `google`.
        version: Of the provider that the schema describes.
        provider: What its `provider` block takes.
        resources: By type.
        data_sources: By type.
    """

    name: str
    version: str
    provider: Block
    resources: Mapping[str, Block]
    data_sources: Mapping[str, Block]

    def parts(self) -> Iterator[tuple[str, Block]]:
        """Every block with the name that the overrides give it."""
        yield "provider", self.provider
        yield from self.resources.items()
        yield from ((f"data.{name}", block) for name, block in self.data_sources.items())

    def with_parts(self, parts: Mapping[str, Block]) -> ProviderSchema:
        """The same with some blocks replaced, under the names of `parts`."""
        return replace(
            self,
            provider=parts.get("provider", self.provider),
            resources={name: parts.get(name, b) for name, b in self.resources.items()},
            data_sources={n: parts.get(f"data.{n}", b) for n, b in self.data_sources.items()},
        )


_FLAGS = ("required", "optional", "computed", "sensitive", "write_only")


def _attribute(attribute: Attribute) -> dict[str, Any]:
    flags: dict[str, Any] = {name: True for name in _FLAGS if getattr(attribute, name)}
    if attribute.example is not None:
        flags["example"] = attribute.example
    if attribute.nested is None:
        return {"type": attribute.type, **flags}
    inner = {name: _attribute(a) for name, a in sorted(attribute.nested.attributes.items())}
    return {
        "nested_type": {"nesting_mode": attribute.nested.nesting, "attributes": inner},
        **flags,
    }


def _to_attribute(data: Mapping[str, Any]) -> Attribute:
    flags: dict[str, Any] = {name: True for name in _FLAGS if data.get(name)}
    flags["example"] = data.get("example")
    if "nested_type" not in data:
        return Attribute(type=data["type"], **flags)
    nested = data["nested_type"]
    inner = {name: _to_attribute(a) for name, a in nested["attributes"].items()}
    return Attribute(nested=Nested(nested["nesting_mode"], inner), **flags)


def _block(nested: NestedBlock) -> dict[str, Any]:
    bounds = {"min_items": nested.min_items, "max_items": nested.max_items}
    return {
        "nesting_mode": nested.nesting,
        "block": nested.block.as_json(),
        **{name: bound for name, bound in bounds.items() if bound},
    }


def _to_block(data: Mapping[str, Any]) -> NestedBlock:
    return NestedBlock(
        data["nesting_mode"],
        Block.from_json(data["block"]),
        data.get("min_items", 0),
        data.get("max_items", 0),
    )
