"""Schemas and values in the messages of Terraform's plugin protocol 6."""

from __future__ import annotations

import json
from typing import Any

import msgpack
from tf.gen import tfplugin_pb2 as pb

from schema_provider.checks import Path
from schema_provider.schema import Attribute, Block, NestedBlock, ProviderSchema
from schema_provider.values import Unknown

__all__ = ["decode", "encode", "metadata", "schema_message", "unconfigurable"]

_CAPABILITIES = {"plan_destroy": True, "get_provider_schema_optional": True}
# Field 11 of Schema.Attribute, true. The generated messages are older than it and pass it on.
_WRITE_ONLY = b"\x58\x01"


def encode(value: Any) -> pb.DynamicValue:
    """A value with its unknowns as Terraform reads it."""
    return pb.DynamicValue(msgpack=msgpack.packb(value, use_bin_type=True, default=_extension))


def _extension(value: Any) -> msgpack.ExtType:
    if isinstance(value, Unknown):
        return msgpack.ExtType(value.code, value.data)
    raise TypeError(f"no value of Terraform's: {value!r}")


def decode(value: pb.DynamicValue) -> Any:
    """A value that Terraform sent."""
    if value.msgpack:
        return msgpack.unpackb(value.msgpack, raw=False, strict_map_key=False, ext_hook=Unknown)
    return json.loads(value.json) if value.json else None


def metadata(schema: ProviderSchema) -> pb.GetMetadata.Response:
    """The names of everything that a provider has."""
    return pb.GetMetadata.Response(
        server_capabilities=pb.ServerCapabilities(**_CAPABILITIES),
        resources=[pb.GetMetadata.ResourceMetadata(type_name=name) for name in schema.resources],
        data_sources=[
            pb.GetMetadata.DataSourceMetadata(type_name=name) for name in schema.data_sources
        ],
    )


def schema_message(schema: ProviderSchema) -> pb.GetProviderSchema.Response:
    """All of a provider's schema."""
    return pb.GetProviderSchema.Response(
        provider=_schema(schema.provider),
        resource_schemas={name: _schema(block) for name, block in schema.resources.items()},
        data_source_schemas={name: _schema(block) for name, block in schema.data_sources.items()},
        server_capabilities=pb.ServerCapabilities(**_CAPABILITIES),
    )


def _schema(block: Block) -> pb.Schema:
    return pb.Schema(version=0, block=_block(block))


def _block(block: Block) -> pb.Schema.Block:
    return pb.Schema.Block(
        attributes=[_attribute(name, a) for name, a in sorted(block.attributes.items())],
        block_types=[_nested_block(name, b) for name, b in sorted(block.blocks.items())],
    )


def _nested_block(name: str, nested: NestedBlock) -> pb.Schema.NestedBlock:
    modes = pb.Schema.NestedBlock.NestingMode
    return pb.Schema.NestedBlock(
        type_name=name,
        block=_block(nested.block),
        nesting=modes.Value(nested.nesting.upper()),
        min_items=nested.min_items,
        max_items=nested.max_items,
    )


def _attribute(name: str, attribute: Attribute) -> pb.Schema.Attribute:
    message = pb.Schema.Attribute(
        name=name,
        required=attribute.required,
        optional=attribute.optional,
        computed=attribute.computed,
        sensitive=attribute.sensitive,
    )
    if attribute.nested is None:
        message.type = json.dumps(attribute.type).encode()
    else:
        modes = pb.Schema.Object.NestingMode
        inner = attribute.nested.attributes
        message.nested_type.CopyFrom(
            pb.Schema.Object(
                attributes=[_attribute(key, a) for key, a in sorted(inner.items())],
                nesting=modes.Value(attribute.nested.nesting.upper()),
            )
        )
    if attribute.write_only:
        message.MergeFromString(_WRITE_ONLY)
    return message


def unconfigurable(path: Path) -> pb.Diagnostic:
    """The words of the real providers for an attribute that is set and only read."""
    steps = [
        pb.AttributePath.Step(element_key_int=step)
        if isinstance(step, int)
        else pb.AttributePath.Step(attribute_name=step)
        for step in path
    ]
    return pb.Diagnostic(
        severity=pb.Diagnostic.ERROR,
        summary="Value for unconfigurable attribute",
        detail=(
            f'Can\'t configure a value for "{path[-1]}": its value will be decided automatically '
            "based on the result of applying this configuration."
        ),
        attribute=pb.AttributePath(steps=steps),
    )
