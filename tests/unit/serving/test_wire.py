"""Tensors on the wire, against TensorFlow's own encoders and decoders."""

import doctest

import numpy as np
import pytest

from demandcast.serving import wire
from demandcast.serving.errors import RequestError
from demandcast.serving.wire import DTYPES, read_tensor, write_content, write_typed

pytestmark = pytest.mark.slow

NUMBERS = [kind for kind in DTYPES if kind.name != "DT_STRING"]
SHAPES = [(), (0,), (1,), (5,), (2, 3), (2, 0, 3), (2, 1, 4)]
WRITERS = [write_typed, write_content]


@pytest.fixture(scope="module")
def tf():
    import tensorflow

    return tensorflow


@pytest.fixture
def proto():
    return _new_proto()


def _new_proto():
    from tensorflow.core.framework import tensor_pb2

    return tensor_pb2.TensorProto()


def sample(kind, shape):
    seeded = np.random.default_rng(7)
    values = seeded.integers(0, 2 if kind.name == "DT_BOOL" else 100, shape)
    return np.asarray(values).astype(kind.numpy)


def test_examples_in_docstrings():
    assert doctest.testmod(wire).failed == 0


@pytest.mark.parametrize("kind", DTYPES, ids=lambda kind: kind.name)
def test_numbers_are_tensorflows(tf, kind):
    from tensorflow.core.framework import types_pb2

    assert types_pb2.DataType.Value(kind.name) == kind.number
    assert np.dtype(tf.dtypes.as_dtype(kind.number).as_numpy_dtype) == kind.numpy


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("kind", NUMBERS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("write", WRITERS)
def test_numbers_there_and_back(tf, proto, write, kind, shape):
    array = sample(kind, shape)
    write(proto, array)
    for read in (
        read_tensor("x", proto),
        tf.io.parse_tensor(proto.SerializeToString(), kind.number),
    ):
        found = np.asarray(read)
        assert (found.dtype, found.shape) == (kind.numpy, shape)
        np.testing.assert_array_equal(found, array)
    assert bool(proto.tensor_content) is (write is write_content and array.size > 0)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("kind", NUMBERS, ids=lambda kind: kind.name)
def test_reads_what_tensorflow_writes(tf, kind, shape):
    array = sample(kind, shape)
    for proto in (
        tf.make_tensor_proto(array),
        _new_proto().FromString(tf.io.serialize_tensor(tf.constant(array)).numpy()),
    ):
        read = read_tensor("x", proto)
        assert (read.dtype, read.shape) == (kind.numpy, shape)
        np.testing.assert_array_equal(read, array)
        assert read.flags.writeable


TEXTS = ["", "a", "brötchen 🥐", "x" * 300]


@pytest.mark.parametrize("write", WRITERS)
def test_text_there_and_back(tf, proto, write):
    write(proto, np.array(TEXTS).reshape(2, 2))
    expected = np.array([text.encode() for text in TEXTS], dtype=object).reshape(2, 2)
    np.testing.assert_array_equal(read_tensor("x", proto), expected)
    np.testing.assert_array_equal(tf.make_ndarray(proto), expected)


@pytest.mark.parametrize("texts", [TEXTS, ["one"]], ids=len)
def test_packed_text(tf, proto, texts):
    from google.protobuf.internal.encoder import _VarintBytes

    encoded = [text.encode() for text in texts]
    proto.dtype = 7
    proto.tensor_shape.dim.add(size=len(texts))
    proto.tensor_content = b"".join([*(_VarintBytes(len(t)) for t in encoded), *encoded])
    assert read_tensor("x", proto).tolist() == encoded
    by_tensorflow = tf.io.parse_tensor(proto.SerializeToString(), tf.string)
    assert by_tensorflow.numpy().tolist() == encoded


def test_special_numbers(proto):
    values = np.array([np.nan, np.inf, -np.inf, -0.0, 3.4e38, 1e-45], np.float32)
    write_typed(proto, values)
    assert read_tensor("x", proto).tobytes() == values.tobytes()


@pytest.mark.parametrize(
    ("values", "expected"), [([], [0, 0, 0]), ([5.0], [5, 5, 5]), ([1.0, 2.0], [1, 2, 2])]
)
def test_the_last_value_fills_the_rest(tf, proto, values, expected):
    proto.dtype = 1
    proto.tensor_shape.dim.add(size=3)
    proto.float_val.extend(values)
    assert read_tensor("x", proto).tolist() == expected
    assert tf.io.parse_tensor(proto.SerializeToString(), tf.float32).numpy().tolist() == expected


def test_the_last_text_fills_the_rest(proto):
    proto.dtype = 7
    proto.tensor_shape.dim.add(size=2)
    assert read_tensor("x", proto).tolist() == [b"", b""]
    proto.string_val.append(b"a")
    assert read_tensor("x", proto).tolist() == [b"a", b"a"]


def refusal(proto, **options):
    with pytest.raises(RequestError) as caught:
        read_tensor("price", proto, **options)
    assert caught.value.status == "INVALID_ARGUMENT"
    return str(caught.value)


def test_a_small_message_cannot_ask_for_a_huge_tensor(proto):
    proto.dtype = 1
    for _ in range(4):
        proto.tensor_shape.dim.add(size=2**62)
    assert refusal(proto) == (
        f"tensor parsing error: price: {2**248} elements; at most {2**31 - 1} are accepted"
    )
    del proto.tensor_shape.dim[:]
    proto.tensor_shape.dim.add(size=11)
    assert "11 elements; at most 10" in refusal(proto, max_elements=10)


def test_values_that_do_not_fill_the_shape(proto):
    proto.dtype = 1
    proto.tensor_shape.dim.add(size=2)
    proto.float_val.extend([1, 2, 3])
    assert "3 values in float_val for 2 elements" in refusal(proto)
    proto.tensor_content = b"1234567"
    assert "7 bytes of tensor_content for 2 DT_FLOAT: 8" in refusal(proto)


@pytest.mark.parametrize(
    "content", [b"\x05abc", b"\xff\xff\xff\xff\xff\xff\x01", b"\x80", b"\x01ab"]
)
def test_broken_packed_text(proto, content):
    proto.dtype = 7
    proto.tensor_shape.dim.add(size=1)
    proto.tensor_content = content
    assert "tensor_content does not hold" in refusal(proto)


@pytest.mark.parametrize("number", [0, 8, 14, 20, 21, 999])
def test_other_types_are_refused(proto, number):
    proto.dtype = number
    assert f"dtype {number} is not supported" in refusal(proto)


def test_shapes_that_are_not_known(proto):
    proto.dtype = 1
    proto.tensor_shape.dim.add(size=-1)
    assert "every axis needs a size" in refusal(proto)
    proto.tensor_shape.unknown_rank = True
    assert "every axis needs a size" in refusal(proto)


@pytest.mark.parametrize(
    "array", [np.array([1j]), np.array(["2026-01-01"], "M8[D]"), np.array([1.0], "g")]
)
def test_arrays_that_cannot_be_sent(proto, array):
    with pytest.raises(ValueError, match="cannot be sent"):
        write_typed(proto, array)


def test_objects_other_than_text_cannot_be_sent(proto):
    with pytest.raises(ValueError, match="must hold text or bytes, not None"):
        write_content(proto, np.array(["a", None], dtype=object))


def test_big_endian_and_strided_arrays_are_sent_right(proto):
    write_content(proto, np.arange(6, dtype=">i4").reshape(2, 3).T)
    assert read_tensor("x", proto).tolist() == [[0, 3], [1, 4], [2, 5]]


def test_unknown_name_of_a_type():
    with pytest.raises(ValueError, match="DT_VARIANT is not supported"):
        wire.numpy_dtype("DT_VARIANT")
