"""Reading of `.proto` files; that ours are the published messages is test_messages.py."""

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from demandcast.serving.messages.parsing import kinds_of, parse_proto

FIELD = descriptor_pb2.FieldDescriptorProto

TEXT = """
// A comment.
syntax = "proto3";
package a.b;

message Outer {
  enum Kind { NONE = 0; SOME = 7; }
  message Inner { Kind kind = 1; Outer outer = 2; }  // Both from around it.
  oneof choice {
    string text = 3;
    Inner inner = 4;
  }
  repeated double values = 5;
  map<string, Inner> two_words = 6;
  optional bool said = 8 [json_name = "was_said"];
}

service Calls { rpc Ask(Outer) returns (Outer.Inner); }
"""


@pytest.fixture(scope="module")
def file():
    return parse_proto("x.proto", TEXT, {})


def field(file, name):
    (found,) = [one for one in file.message_type[0].field if one.name == name]
    return found


@pytest.mark.parametrize(
    ("name", "number", "label", "kind", "type_name"),
    [
        ("text", 3, FIELD.LABEL_OPTIONAL, FIELD.TYPE_STRING, ""),
        ("inner", 4, FIELD.LABEL_OPTIONAL, FIELD.TYPE_MESSAGE, ".a.b.Outer.Inner"),
        ("values", 5, FIELD.LABEL_REPEATED, FIELD.TYPE_DOUBLE, ""),
        ("two_words", 6, FIELD.LABEL_REPEATED, FIELD.TYPE_MESSAGE, ".a.b.Outer.TwoWordsEntry"),
        ("said", 8, FIELD.LABEL_OPTIONAL, FIELD.TYPE_BOOL, ""),
    ],
)
def test_fields(file, name, number, label, kind, type_name):
    found = field(file, name)
    assert (found.number, found.label, found.type) == (number, label, kind)
    assert found.type_name == type_name


def test_oneofs_are_the_written_ones_and_then_those_of_optional(file):
    (outer,) = file.message_type
    assert [one.name for one in outer.oneof_decl] == ["choice", "_said"]
    assert (field(file, "text").oneof_index, field(file, "said").oneof_index) == (0, 1)
    assert field(file, "said").proto3_optional
    assert field(file, "said").json_name == "was_said"
    assert not field(file, "values").HasField("oneof_index")


def test_types_inside_are_found_from_the_inside_out(file):
    inner = file.message_type[0].nested_type[0]
    assert [one.type_name for one in inner.field] == [".a.b.Outer.Kind", ".a.b.Outer"]
    assert kinds_of(file) == {
        "a.b.Outer": FIELD.TYPE_MESSAGE,
        "a.b.Outer.Kind": FIELD.TYPE_ENUM,
        "a.b.Outer.Inner": FIELD.TYPE_MESSAGE,
        "a.b.Outer.TwoWordsEntry": FIELD.TYPE_MESSAGE,
    }


def test_services(file):
    (call,) = file.service[0].method
    assert (call.name, call.input_type, call.output_type) == (
        "Ask",
        ".a.b.Outer",
        ".a.b.Outer.Inner",
    )


def test_other_files_are_known(file):
    other = parse_proto(
        "y.proto",
        'syntax = "proto3"; package a.c; import "x.proto"; message More { b.Outer.Kind kind = 1; }',
        kinds_of(file),
    )
    assert other.dependency == ["x.proto"]
    assert other.message_type[0].field[0].type_name == ".a.b.Outer.Kind"


def test_the_description_makes_classes(file):
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    outer = message_factory.GetMessageClass(pool.FindMessageTypeByName("a.b.Outer"))
    # Field 3, bytes "hi"; field 5, packed, 8 bytes; field 8, true.
    message = outer(text="hi", values=[0.0], said=True)
    assert message.SerializeToString() == b"\x1a\x02hi" + b"\x2a\x08" + bytes(8) + b"\x40\x01"
    assert not outer().HasField("said")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("message A { string b = 1 }", "z.proto:1: expected ;, found }"),
        ("message A {\n string b = x; }", "z.proto:2: expected a number, found x"),
        ("message A { B b = 1; }", "z.proto: type B is not declared"),
        ("option a = 1;", "z.proto:1: expected a declaration, found option"),
        ('syntax = "proto2";', 'z.proto:1: expected "proto3", found "proto2"'),
        ("service A { option b = 1; }", "z.proto:1: expected rpc, found option"),
        ("service A { rpc B(stream C) returns (C); }", "z.proto:1: expected ), found C"),
        ("message A {\n", "z.proto:1: expected more, found the end of the file"),
        (
            "message A { string b = 1 [deprecated = true]; }",
            "z.proto:1: expected json_name, found deprecated",
        ),
    ],
)
def test_anything_else_is_refused(text, message):
    with pytest.raises(ValueError, match=r"z\.proto") as caught:
        parse_proto("z.proto", text, {})
    assert str(caught.value) == message
