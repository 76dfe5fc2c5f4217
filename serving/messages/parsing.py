"""Reads a `.proto` file without a compiler: the part of proto3 that our files need.

Messages, enums, `oneof`, `map`, `optional`, `repeated`, `json_name`, and services of plain calls.
No other options, no extensions, no streams: they are refused, with the line on which they stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from google.protobuf import descriptor_pb2

__all__ = ["Kinds", "kinds_of", "parse_proto"]

_Field = descriptor_pb2.FieldDescriptorProto

Kinds = Mapping[str, Any]
"""The type of a field (message or enum) that has this full name for its type."""

_TOKEN = re.compile(r'//[^\n]*|\s+|"[^"\n]*"|[A-Za-z_][\w.]*|\d+|[][{}()<>=;,]|.')
_SCALARS = {
    name: _Field.Type.Value(f"TYPE_{name.upper()}")
    for name in ("double", "float", "int32", "int64", "uint32", "uint64", "bool", "string", "bytes")
}


def parse_proto(name: str, text: str, known: Kinds) -> descriptor_pb2.FileDescriptorProto:
    """Reads a file.

    Args:
        name: Under which others import it.
        text: Its content.
        known: What the files that it imports declare, as `kinds_of` gives it.

    Returns:
        Its description, with full names and Google's types of fields.

    Raises:
        ValueError: It holds something else, or a type that is not declared.
    """
    file = _Parser(name, text).file()
    kinds = {**known, **kinds_of(file)}
    for scope, message in _messages(file.package, file.message_type):
        for field in message.field:
            if field.type_name:
                field.type_name, field.type = _resolved(name, scope, field.type_name, kinds)
    for service in file.service:
        for method in service.method:
            method.input_type, _ = _resolved(name, file.package, method.input_type, kinds)
            method.output_type, _ = _resolved(name, file.package, method.output_type, kinds)
    return file


def kinds_of(file: descriptor_pb2.FileDescriptorProto) -> Kinds:
    """What a file declares, by full name.

    >>> file = parse_proto("a.proto", "package a; message B { enum C { D = 0; } }", {})
    >>> sorted(kinds_of(file))
    ['a.B', 'a.B.C']
    """
    kinds: dict[str, Any] = {f"{file.package}.{e.name}": _Field.TYPE_ENUM for e in file.enum_type}
    for scope, message in _messages(file.package, file.message_type):
        kinds[scope] = _Field.TYPE_MESSAGE
        kinds |= {f"{scope}.{enum.name}": _Field.TYPE_ENUM for enum in message.enum_type}
    return kinds


def _messages(
    package: str, messages: Iterable[descriptor_pb2.DescriptorProto]
) -> Iterator[tuple[str, descriptor_pb2.DescriptorProto]]:
    """All messages with their full names, those inside of others too."""
    for message in messages:
        scope = f"{package}.{message.name}"
        yield scope, message
        yield from _messages(scope, message.nested_type)


def _resolved(file: str, scope: str, name: str, kinds: Kinds) -> tuple[str, Any]:
    """Finds a name as proto3 does: in the scope, then in each one around it."""
    while True:
        full = f"{scope}.{name}" if scope else name
        if full in kinds:
            return f".{full}", kinds[full]
        if not scope:
            raise ValueError(f"{file}: type {name} is not declared")
        scope = scope.rpartition(".")[0]


class _Parser:
    """Walks over the words of a file."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._words = [
            (match.group(), match.start())
            for match in _TOKEN.finditer(text)
            if not match.group().startswith("//") and not match.group().isspace()
        ]
        self._text = text
        self._place = 0

    def file(self) -> descriptor_pb2.FileDescriptorProto:
        """Reads all of it."""
        file = descriptor_pb2.FileDescriptorProto(name=self._name, syntax="proto3")
        while self._place < len(self._words):
            keyword = self._take()
            if keyword == "syntax":
                self._expect("=", '"proto3"', ";")
            elif keyword == "package":
                file.package = self._take()
                self._expect(";")
            elif keyword == "import":
                file.dependency.append(self._take().strip('"'))
                self._expect(";")
            elif keyword == "message":
                self._message(file.message_type.add())
            elif keyword == "enum":
                self._enum(file.enum_type.add())
            elif keyword == "service":
                self._service(file.service.add())
            else:
                raise self._wrong("a declaration", keyword)
        return file

    def _message(self, message: descriptor_pb2.DescriptorProto) -> None:
        message.name = self._take()
        # proto3 wants the oneofs that `optional` stands for behind the written ones.
        optional: list[descriptor_pb2.FieldDescriptorProto] = []
        for keyword in self._body():
            if keyword == "message":
                self._message(message.nested_type.add())
            elif keyword == "enum":
                self._enum(message.enum_type.add())
            elif keyword == "oneof":
                self._oneof(message)
            elif keyword == "map":
                self._map(message)
            elif keyword == "repeated":
                self._field(message, self._take()).label = _Field.LABEL_REPEATED
            elif keyword == "optional":
                optional.append(self._field(message, self._take()))
            else:
                self._field(message, keyword)
        for field in optional:
            field.proto3_optional = True
            field.oneof_index = len(message.oneof_decl)
            message.oneof_decl.add(name=f"_{field.name}")

    def _field(
        self, message: descriptor_pb2.DescriptorProto, kind: str
    ) -> descriptor_pb2.FieldDescriptorProto:
        """Reads a field whose type has just been read."""
        field = message.field.add(name=self._take(), label=_Field.LABEL_OPTIONAL)
        self._expect("=")
        field.number = self._number()
        if (word := self._take()) == "[":
            self._expect("json_name", "=")
            field.json_name = self._take().strip('"')
            self._expect("]", ";")
        elif word != ";":
            raise self._wrong(";", word)
        _set_type(field, kind)
        return field

    def _oneof(self, message: descriptor_pb2.DescriptorProto) -> None:
        index = len(message.oneof_decl)
        message.oneof_decl.add(name=self._take())
        for keyword in self._body():
            self._field(message, keyword).oneof_index = index

    def _map(self, message: descriptor_pb2.DescriptorProto) -> None:
        """Reads a map: a repeated message of keys and values, named after the field."""
        self._expect("<")
        key = self._take()
        self._expect(",")
        value = self._take()
        self._expect(">")
        field = self._field(message, "bytes")
        entry = message.nested_type.add(name=f"{field.name.title().replace('_', '')}Entry")
        entry.options.map_entry = True
        for number, (name, kind) in enumerate((("key", key), ("value", value)), start=1):
            part = entry.field.add(name=name, number=number, label=_Field.LABEL_OPTIONAL)
            _set_type(part, kind)
        field.label = _Field.LABEL_REPEATED
        _set_type(field, entry.name)

    def _enum(self, enum: descriptor_pb2.EnumDescriptorProto) -> None:
        enum.name = self._take()
        for name in self._body():
            self._expect("=")
            enum.value.add(name=name, number=self._number())
            self._expect(";")

    def _service(self, service: descriptor_pb2.ServiceDescriptorProto) -> None:
        service.name = self._take()
        for keyword in self._body():
            if keyword != "rpc":
                raise self._wrong("rpc", keyword)
            method = service.method.add(name=self._take())
            self._expect("(")
            method.input_type = self._take()
            self._expect(")", "returns", "(")
            method.output_type = self._take()
            self._expect(")", ";")

    def _body(self) -> Iterator[str]:
        """First words of what stands between braces."""
        self._expect("{")
        while (word := self._take()) != "}":
            yield word

    def _number(self) -> int:
        word = self._take()
        if not word.isdigit():
            raise self._wrong("a number", word)
        return int(word)

    def _expect(self, *words: str) -> None:
        for expected in words:
            if (word := self._take()) != expected:
                raise self._wrong(expected, word)

    def _take(self) -> str:
        if self._place == len(self._words):
            raise self._wrong("more", "the end of the file")
        word, _ = self._words[self._place]
        self._place += 1
        return word

    def _wrong(self, expected: str, word: str) -> ValueError:
        start = self._words[self._place - 1][1] if self._words else 0
        line = self._text.count("\n", 0, start) + 1
        return ValueError(f"{self._name}:{line}: expected {expected}, found {word}")


def _set_type(field: descriptor_pb2.FieldDescriptorProto, kind: str) -> None:
    """Sets a type of the language, or the name of another one, which is found later."""
    field.ClearField("type")
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
    else:
        field.type_name = kind
