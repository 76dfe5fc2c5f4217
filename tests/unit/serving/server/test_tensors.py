"""The short way gives what the long way gives: arrays, bytes and refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from demandcast.serving import messages
from demandcast.serving.errors import RequestError
from demandcast.serving.server.tensors import encode_predict_response, encode_tensor, read_inputs
from demandcast.serving.signatures import Signature, TensorSpec
from demandcast.serving.wire import DTYPES, read_tensor, write_content, write_typed

ROW = TensorSpec("DT_FLOAT", (None, 3))


def spec_of(kind, shape):
    return TensorSpec(kind.name, shape)


def signature(**inputs):
    return Signature(inputs, {})


def proto_of(array, write=write_content):
    proto = messages.TensorProto()
    write(proto, array)
    return proto


@st.composite
def arrays(draw):
    kind = draw(st.sampled_from(DTYPES))
    shape = draw(nps.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
    if kind.name == "DT_STRING":
        array = np.empty(shape, dtype=object)
        array[...] = b""
        for place in np.ndindex(shape):
            array[place] = draw(st.binary(max_size=5))
        return kind, array
    return kind, draw(nps.arrays(kind.numpy, shape))


@given(arrays(), st.sampled_from([write_content, write_typed]), st.booleans())
def test_what_is_read_is_what_the_long_way_reads(drawn, write, exactly):
    kind, array = drawn
    proto = proto_of(array, write)
    wanted = array.shape if exactly else (None,) * array.ndim
    found = read_inputs(signature(x=spec_of(kind, wanted)), {"x": proto}, max_elements=1000)["x"]
    expected = read_tensor("x", proto)
    assert (
        (found.dtype, found.shape)
        == (expected.dtype, expected.shape)
        == (
            kind.numpy,
            array.shape,
        )
    )
    if kind.name == "DT_STRING":
        assert found.tolist() == expected.tolist() == array.tolist()
    else:
        # Bit by bit, NaN included.
        assert found.tobytes() == expected.tobytes() == array.tobytes()


@given(arrays())
def test_what_is_written_is_what_the_long_way_writes(drawn):
    _, array = drawn
    assert encode_tensor(array) == proto_of(array, write_typed).SerializeToString()


@given(arrays(), arrays(), st.integers(0, 2**63 - 1), st.text(max_size=300))
def test_an_answer_is_what_the_message_would_be(one, other, version, text):
    outputs = {"b": one[1], "": other[1]}
    found = encode_predict_response(
        outputs, ["b", ""], model=text, version=version, signature=text[:5]
    )
    response = messages.PredictResponse()
    response.model_spec.name = text
    response.model_spec.signature_name = text[:5]
    response.model_spec.version.value = version
    for name, array in outputs.items():
        write_typed(response.outputs[name], array)
    assert messages.PredictResponse.FromString(found) == response or has_nan(one, other)
    assert messages.PredictResponse.FromString(found).SerializeToString(
        deterministic=True
    ) == response.SerializeToString(deterministic=True)


def has_nan(*drawn):
    return any(array.dtype.kind == "f" and np.isnan(array).any() for _, array in drawn)


def test_only_what_is_asked_for_is_answered():
    outputs = {name: np.ones(1, np.float32) for name in "abc"}
    found = encode_predict_response(outputs, ["c", "a"], model="m", version=1, signature="s")
    assert set(messages.PredictResponse.FromString(found).outputs) == {"a", "c"}


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype="<f4").reshape(2, 3).T,
        np.arange(6, dtype=">f4"),
        np.arange(12, dtype="<f4")[::2],
        np.float32(1),
    ],
    ids=["turned", "big-endian", "every second", "a number"],
)
def test_arrays_of_any_layout(array):
    array = np.asarray(array)
    found = messages.TensorProto.FromString(encode_tensor(array))
    assert read_tensor("x", found).tolist() == array.tolist()
    assert encode_tensor(array) == proto_of(array, write_typed).SerializeToString()


@pytest.mark.parametrize("size", [127, 128, 16_383, 16_384, 300_000])
def test_lengths_of_any_number_of_bytes(size):
    array = np.arange(size, dtype="<f4")
    assert encode_tensor(array) == proto_of(array, write_typed).SerializeToString()


@pytest.mark.slow
def test_tensorflow_writes_the_same_answer():
    import tensorflow as tf
    from tensorflow.core.framework import tensor_pb2

    for shape in ((), (1,), (2, 3), (0, 3)):
        array = np.arange(np.prod(shape, dtype=int), dtype="<f4").reshape(shape)
        theirs = tensor_pb2.TensorProto.FromString(
            tf.io.serialize_tensor(tf.constant(array)).numpy()
        )
        ours = tensor_pb2.TensorProto.FromString(encode_tensor(array))
        assert ours.tensor_shape == theirs.tensor_shape
        assert ours.HasField("tensor_shape")
        np.testing.assert_array_equal(tf.make_ndarray(ours), array)


def refusal(proto, *, wanted=ROW, max_elements=1000):
    with pytest.raises(RequestError) as caught:
        read_inputs(signature(x=wanted), {"x": proto}, max_elements=max_elements)
    assert caught.value.status == "INVALID_ARGUMENT"
    return str(caught.value)


def sized(dtype, *sizes, **fields):
    proto = messages.TensorProto(dtype=dtype, **fields)
    for size in sizes:
        proto.tensor_shape.dim.add(size=size)
    return proto


@pytest.mark.parametrize(
    ("proto", "message"),
    [
        (proto_of(np.ones((2, 3))), 'input "x": expected DT_FLOAT [?, 3], got DT_DOUBLE [2, 3]'),
        (proto_of(np.ones((2, 4), "f4")), "expected DT_FLOAT [?, 3], got DT_FLOAT [2, 4]"),
        (proto_of(np.ones(3, "f4")), "expected DT_FLOAT [?, 3], got DT_FLOAT [3]"),
        (messages.TensorProto(), "expected DT_FLOAT [?, 3], got DT_0 []"),
        (sized(99, 2, 3), "got DT_99 [2, 3]"),
        (sized(1, -1, 3), "tensor parsing error: x: every axis needs a size of 0 or more"),
        (sized(1, 2, 3, tensor_content=b"x" * 23), "23 bytes of tensor_content for 6 DT_FLOAT"),
        (sized(1, 2, 3, float_val=[0] * 7), "7 values in float_val for 6 elements"),
        (sized(1, 400, 3), "1200 elements; at most 1000 are accepted"),
        (sized(1, 2**62, 3), f"{3 * 2**62} elements; at most 1000 are accepted"),
    ],
)
def test_what_is_refused_is_refused_by_the_long_way(proto, message):
    assert message in refusal(proto)


@pytest.mark.parametrize("sizes", [(0, 2**62), (2**62, 0), (0, 2**31, 2**31)])
def test_a_tensor_without_elements_may_not_have_an_axis_without_bounds(sizes):
    """NumPy makes no such array, and a model would fail somewhere inside."""
    wanted = TensorSpec("DT_FLOAT", (None,) * len(sizes))
    assert "elements; at most" in refusal(sized(1, *sizes), wanted=wanted)


def test_too_many_axes():
    wanted = TensorSpec("DT_FLOAT", None)
    found = read_inputs(signature(x=wanted), {"x": sized(1, *[1] * 32)}, max_elements=10)
    assert found["x"].shape == (1,) * 32
    assert "33 axes; at most 32 are accepted" in refusal(sized(1, *[1] * 33), wanted=wanted)


def test_all_that_is_wrong_is_said_at_once():
    wanted = signature(a=ROW, b=TensorSpec("DT_STRING", (None,)))
    protos = {"a": proto_of(np.ones(1)), "b": proto_of(np.ones(1))}
    with pytest.raises(RequestError) as caught:
        read_inputs(wanted, protos, max_elements=10)
    assert str(caught.value) == (
        'input "a": expected DT_FLOAT [?, 3], got DT_DOUBLE [1]; '
        'input "b": expected DT_STRING [?], got DT_DOUBLE [1]'
    )


def test_text_of_the_wrong_number_goes_the_long_way():
    wanted = signature(x=TensorSpec("DT_STRING", (None,)))
    proto = sized(7, 3, string_val=[b"a", b"b"])
    assert read_inputs(wanted, {"x": proto}, max_elements=9)["x"].tolist() == [b"a", b"b", b"b"]
