"""A provider's schema, read back out of the JavaScript that CDKTF generated from it.

CDKTF's prebuilt packages hold a class per resource and per block. Three of its parts say all
that is recovered here:

- the table of `...ToHclTerraform` (of `synthesizeHclAttributes` for a resource): name, block or
  not, kind of collection and type of whatever may be set;
- getters: names and types of whatever may be read; what has no line in the table is computed;
- `this._x = new X(this, "x")`, with a comment that tells whether it is required, and methods
  `resetX`, which exist for what is optional.

What it cannot say is in `overrides.yaml`, or lost: conflicts between arguments, values that the
API takes, which change replaces a resource, defaults.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from schema_provider.schema import Attribute, Block, Nested, NestedBlock, Nesting, Type

__all__ = ["Source", "recover"]

_CLASS = re.compile(r"^class (\w+) extends cdktf\.(\w+) \{$", re.MULTILINE)
_TABLE = re.compile(r"^function (\w+)ToHclTerraform\(struct\) \{$", re.MULTILINE)
_ENTRY = re.compile(
    r"^\s*(?P<name>\w+): \{\s*\n\s*value: (?P<value>[^\n]*),\n\s*isBlock: (?P<block>true|false),"
    r'\n\s*type: "(?P<kind>\w+)",\n\s*storageClassType: "(?P<storage>\w+)"',
    re.MULTILINE,
)
_MEMBER = re.compile(
    r"(?:// \w+ - computed: (?:true|false), optional: (?:true|false), required: "
    r"(?P<required>true|false)\s*\n\s*)?"
    r'this\._\w+ = new (?P<cls>[\w.]+)\(this, "(?P<name>\w+)"(?:, (?P<set>true|false))?\)'
)
_GETTER = re.compile(
    r"get \w+\(\) \{\s*\n\s*return (?P<value>[^\n]*\bget(?P<kind>\w*)Attribute\('(?P<name>\w+)'\))"
)
_RESET = re.compile(r"^\s*reset\w+\(\) \{\s*\n\s*this\._(\w+)[\w.]* = undefined", re.MULTILINE)

_READ: dict[str, Type] = {
    "String": "string",
    "Number": "number",
    "Boolean": "bool",
    "List": ["list", "string"],
    "NumberList": ["list", "number"],
    "BooleanList": ["list", "bool"],
    "StringMap": ["map", "string"],
    "NumberMap": ["map", "number"],
    "BooleanMap": ["map", "bool"],
    "AnyMap": ["map", "string"],
}
_MAPS: dict[str, Type] = {
    "cdktf.StringMap": ["map", "string"],
    "cdktf.NumberMap": ["map", "number"],
    "cdktf.BooleanMap": ["map", "bool"],
    "cdktf.AnyMap": ["map", "string"],
    "cdktf.StringMapList": ["list", ["map", "string"]],
}
_SCALARS = {"string": "string", "number": "number", "boolean": "bool", "any": "string"}
_OWNERS = {"TerraformResource", "TerraformDataSource", "TerraformProvider"}


@dataclass(frozen=True)
class _Entry:
    """A line of the table: something that may be set."""

    is_block: bool
    kind: str
    storage: str
    value: str


@dataclass(frozen=True)
class _Member:
    """An object that a class holds: a block, or a collection that is read."""

    cls: str
    of_set: bool
    required: bool


class Source:
    """The text of one resource's JavaScript, taken apart."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def classes(self) -> dict[str, tuple[str, str]]:
        """Base class and text of each class."""
        found = {}
        for match in _CLASS.finditer(self.text):
            end = self.text.find(f"\nexports.{match[1]} = {match[1]};", match.end())
            found[match[1]] = (match[2], self.text[match.start() : end])
        return found

    @cached_property
    def tables(self) -> dict[str, dict[str, _Entry]]:
        """What may be set, by the name of the struct."""
        return {
            match[1]: _entries(self.text[match.start() : self.text.find("\n}\n", match.end())])
            for match in _TABLE.finditer(self.text)
        }

    def owner(self) -> str:
        """The class of the resource, data source or provider itself."""
        owners = [name for name, (base, _) in self.classes.items() if base in _OWNERS]
        if len(owners) != 1:
            raise ValueError(f"one class of a resource was expected, not {owners}")
        return owners[0]

    def settable(self, cls: str) -> dict[str, _Entry]:
        """What may be set in a class."""
        base, body = self.classes[cls]
        if base not in _OWNERS:
            return self.tables.get(_struct(cls), {})
        entries = _entries(body[body.find("synthesizeHclAttributes()") :])
        if base == "TerraformProvider":
            # Terraform's own, and never seen by a provider.
            entries.pop("alias", None)
        return entries


def recover(text: str) -> Block:
    """The schema of the one resource, data source or provider in a text.

    Args:
        text: Its `index.js`, and the files of `index-structs` where it has some.

    Raises:
        ValueError: There is no such class, or more than one.
    """
    source = Source(text)
    return _of_class(source, source.owner())


def _entries(text: str) -> dict[str, _Entry]:
    return {
        match["name"]: _Entry(
            match["block"] == "true", match["kind"], match["storage"], match["value"]
        )
        for match in _ENTRY.finditer(text)
    }


def _struct(cls: str) -> str:
    """`ClusterPoolOutputReference` -> `clusterPool`."""
    stem = re.sub(r"(OutputReference|List|Map)$", "", cls)
    return stem[0].lower() + stem[1:]


def _of_class(source: Source, cls: str) -> Block:
    body = source.classes[cls][1]
    settable = source.settable(cls)
    members = {
        match["name"]: _Member(
            re.sub(r"^(?!cdktf\.)\w+\.", "", match["cls"]),
            match["set"] == "true",
            match["required"] == "true",
        )
        for match in _MEMBER.finditer(body)
    }
    resets = {name.lower() for name in _RESET.findall(body)}
    attributes: dict[str, Attribute] = {}
    blocks: dict[str, NestedBlock] = {}
    for name, entry in settable.items():
        member = members.get(name)
        required = member.required if member else name.replace("_", "") not in resets
        made = _set_by_the_user(source, name, entry, required)
        if isinstance(made, NestedBlock):
            blocks[name] = made
        else:
            attributes[name] = made
    only_read = {name: member for name, member in members.items() if name not in settable}
    for name, attribute in _only_read(source, body, only_read):
        attributes.setdefault(name, attribute)
    if source.classes[cls][0] == "TerraformResource" and "id" in settable:
        attributes["id"] = Attribute(type="string", optional=True, computed=True)
    return Block(attributes, {n: b for n, b in blocks.items() if n not in attributes})


def _set_by_the_user(
    source: Source, name: str, entry: _Entry, required: bool
) -> Attribute | NestedBlock:
    write_only = name.endswith("_wo")
    if not entry.is_block:
        return Attribute(
            type=_type(entry), required=required, optional=not required, write_only=write_only
        )
    inner = _inner(source, entry.storage)
    mapped = re.search(r"Mapper(?:Hcl)?\(.*, (true|false)\)", entry.value)
    is_timeouts = name == "timeouts"
    if entry.kind == "struct" and is_timeouts:
        return NestedBlock("single", inner)
    if entry.kind == "struct" or (mapped and mapped[1] == "false"):
        # Assigned with `=`: what providers on the newer framework have instead of blocks.
        return Attribute(
            nested=Nested(_nesting(entry.kind), _as_attributes(inner)),
            required=required,
            optional=not required,
            write_only=write_only,
        )
    return NestedBlock(
        _nesting(entry.kind),
        inner,
        min_items=1 if required else 0,
        max_items=0 if mapped else 1,
    )


def _inner(source: Source, storage: str) -> Block:
    """The block behind the type of an entry, such as `ClusterPoolList`."""
    stem = storage.removesuffix("List")
    for cls in (f"{storage}OutputReference", f"{stem}OutputReference"):
        if cls in source.classes:
            return _of_class(source, cls)
    # Blocks of a provider have a table and no class: nothing tells what is required.
    return _of_table(source, source.tables[_struct(stem)])


def _of_table(source: Source, table: dict[str, _Entry]) -> Block:
    made = {name: _set_by_the_user(source, name, entry, False) for name, entry in table.items()}
    return Block(
        {name: part for name, part in made.items() if isinstance(part, Attribute)},
        {name: part for name, part in made.items() if isinstance(part, NestedBlock)},
    )


def _type(entry: _Entry) -> Type:
    found = re.match("string|number|boolean|any", entry.storage)
    if found is None:
        raise ValueError(f"an attribute of the unknown type {entry.storage}")
    scalar = _SCALARS[found[0]]
    return scalar if entry.kind == "simple" else [entry.kind, scalar]


def _nesting(kind: str) -> Nesting:
    nestings: dict[str, Nesting] = {"struct": "single", "list": "list", "set": "set", "map": "map"}
    return nestings[kind]


def _only_read(
    source: Source, body: str, members: dict[str, _Member]
) -> Iterator[tuple[str, Attribute]]:
    for match in _GETTER.finditer(body):
        kind = _READ[match["kind"]]
        if "tolist" in match["value"] and isinstance(kind, list):
            kind = ["set", *kind[1:]]
        yield match["name"], Attribute(type=kind, computed=True)
    for name, member in members.items():
        if member.cls in _MAPS:
            yield name, Attribute(type=_MAPS[member.cls], computed=True)
        else:
            yield name, _read_objects(source, member)


def _read_objects(source: Source, member: _Member) -> Attribute:
    if member.cls.endswith("OutputReference"):
        nested = Nested("single", _as_attributes(_of_class(source, member.cls)))
        return Attribute(nested=nested, computed=True)
    stem = re.sub(r"(List|Map)$", "", member.cls)
    kind = "map" if member.cls.endswith("Map") else "set" if member.of_set else "list"
    inner = _of_class(source, f"{stem}OutputReference")
    return Attribute(type=[kind, _object(inner)], computed=True)


def _as_attributes(block: Block) -> dict[str, Attribute]:
    return {
        **block.attributes,
        **{
            name: Attribute(
                nested=Nested(nested.nesting, _as_attributes(nested.block)),
                required=nested.min_items > 0,
                optional=nested.min_items == 0,
            )
            for name, nested in block.blocks.items()
        },
    }


def _object(block: Block) -> Type:
    return ["object", {name: _value_type(a) for name, a in _as_attributes(block).items()}]


def _value_type(attribute: Attribute) -> Type:
    if attribute.nested is None:
        return attribute.type or "dynamic"
    inner: Type = [
        "object",
        {name: _value_type(a) for name, a in attribute.nested.attributes.items()},
    ]
    nesting = attribute.nested.nesting
    return inner if nesting == "single" else [nesting, inner]
