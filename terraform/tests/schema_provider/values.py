"""What a provider answers with when there is nothing behind it: planned, applied and read values.

Values are as Terraform sends them: a dict per object with every name in it, null where nothing is
set, and `Unknown` for what is known after apply.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from schema_provider.schema import Attribute, Block, NestedBlock, Type

__all__ = ["Unknown", "imported", "made_up", "planned", "realised"]


@dataclass(frozen=True)
class Unknown:
    """A value that is known after apply.

    Attributes:
        code: The extension type under which Terraform sent it; 12 says something about it.
        data: What Terraform sent with it.
    """

    code: int = 0
    data: bytes = b"\x00"


def planned(block: Block, proposed: Any, prior: Any = None) -> Any:
    """What a plan says of a resource: what is proposed, and unknown what the cloud would fill.

    Args:
        block: Its schema.
        proposed: Terraform's merger of configuration and prior state; null for a deletion.
        prior: The state before; null for a creation.
    """
    if not isinstance(proposed, dict):
        return proposed
    before = prior if isinstance(prior, dict) else {}
    filled = _fill(block.attributes, proposed)
    for name, nested in block.blocks.items():
        filled[name] = _planned_block(nested, proposed.get(name), before.get(name))
    return filled


def _fill(attributes: Mapping[str, Attribute], proposed: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes with an unknown where nothing is set and the provider computes."""
    filled = dict(proposed)
    for name, attribute in attributes.items():
        value = filled.get(name)
        if attribute.write_only:
            filled[name] = None
        elif value is None and attribute.computed:
            filled[name] = Unknown()
        elif attribute.nested is not None:
            inner = attribute.nested.attributes
            filled[name] = _each(value, partial(_fill, inner))
    return filled


def _planned_block(nested: NestedBlock, proposed: Any, prior: Any) -> Any:
    fills_itself = nested.nesting in ("list", "set") and any(
        attribute.computed and not attribute.optional
        for attribute in nested.block.attributes.values()
    )
    if not proposed and fills_itself and not isinstance(proposed, Unknown):
        # Such as master_auth: not set, and yet there after apply. Known once it was applied.
        return prior or Unknown()
    return _each(proposed, partial(planned, nested.block))


def _each(value: Any, change: Callable[[Any], Any]) -> Any:
    """One object or each of a collection, changed; anything else as it is."""
    if isinstance(value, list):
        return [change(one) if isinstance(one, dict) else one for one in value]
    return change(value) if isinstance(value, dict) else value


def realised(block: Block, value: Any, path: str) -> Any:
    """A planned value after apply: every unknown has become something.

    Args:
        block: Its schema.
        value: What `planned` said.
        path: Of the block, for names in invented values.
    """
    if not isinstance(value, dict):
        return value
    done = _realise(block.attributes, value, path)
    for name, nested in block.blocks.items():
        here = f"{path}.{name}"
        if isinstance(value.get(name), Unknown):
            done[name] = [realised(nested.block, _all_unknown(nested.block), here)]
        else:
            done[name] = _each(value.get(name), partial(realised, nested.block, path=here))
    return done


def _all_unknown(block: Block) -> dict[str, Any]:
    """An object whose computed attributes are unknown, and in which nothing else is set."""
    empty = {name: _nothing(nested) for name, nested in block.blocks.items()}
    unset: dict[str, Any] = dict.fromkeys(block.attributes)
    return {**_fill(block.attributes, unset), **empty}


def _nothing(nested: NestedBlock) -> Any:
    return [] if nested.nesting in ("list", "set") else None


def _realise(
    attributes: Mapping[str, Attribute], value: Mapping[str, Any], path: str
) -> dict[str, Any]:
    done = dict(value)
    for name, attribute in attributes.items():
        here = f"{path}.{name}"
        if isinstance(done.get(name), Unknown):
            done[name] = _invented(attribute, here)
        elif attribute.nested is not None:
            inner = attribute.nested.attributes
            done[name] = _each(done.get(name), partial(_realise, inner, path=here))
    return done


def _invented(attribute: Attribute, path: str) -> Any:
    if attribute.example is not None:
        return attribute.example
    if attribute.nested is None:
        return made_up(attribute.type or "dynamic", path)
    if attribute.nested.nesting != "single":
        return {} if attribute.nested.nesting == "map" else []
    inner = attribute.nested.attributes
    return {name: _invented(a, f"{path}.{name}") for name, a in inner.items()}


def made_up(kind: Type, path: str) -> Any:
    """A value of a type, the same for the same path.

    >>> made_up("string", "google_storage_bucket.url")
    'made-up-google_storage_bucket.url'
    """
    text = f"made-up-{path}"
    if path.endswith(("certificate", "_key")):
        # Who reads it decodes it.
        text = base64.b64encode(text.encode()).decode()
    scalars: dict[str, Any] = {"string": text, "number": 1, "bool": False}
    if kind == "dynamic":
        # With its type, in JSON.
        return [b'"string"', text]
    if isinstance(kind, str):
        return scalars[kind]
    if kind[0] in ("list", "set"):
        # Objects are there for those who index them; of strings there may be none.
        return [made_up(kind[1], path)] if isinstance(kind[1], list) else []
    if kind[0] == "object":
        return {name: made_up(inner, f"{path}.{name}") for name, inner in kind[1].items()}
    return {}


def imported(block: Block, path: str, identifier: str) -> dict[str, Any]:
    """The state of a resource of which no more is known than its id."""
    value = realised(block, _all_unknown(block), path)
    return {**value, "id": identifier} if "id" in block.attributes else dict(value)
