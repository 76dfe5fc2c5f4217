"""A function that becomes part of a graph gives the same, there and when it was saved."""

import numpy as np
import pytest
import tensorflow as tf

from demandcast.components.forecasting.inlining import inlined

pytestmark = pytest.mark.slow

SPEC = {
    "numbers": tf.RaggedTensorSpec([None, None], tf.float32, ragged_rank=1),
    "word": tf.TensorSpec([None], tf.string),
}


class Learnt(tf.Module):
    """A vocabulary and a mean, as Transform's graph has them."""

    def __init__(self):
        super().__init__()
        keys, values = tf.constant(["fruit", "dairy"]), tf.constant([0, 1], tf.int64)
        self.table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(keys, values), default_value=-1
        )
        self.values = tf.constant([1.0, 2.0, 6.0])

    @tf.function(input_signature=[SPEC], autograph=False)
    def __call__(self, inputs):
        numbers = inputs["numbers"]
        mean = tf.reduce_mean(self.values)
        return {
            "index": self.table.lookup(inputs["word"]),
            "numbers": numbers.with_flat_values(numbers.flat_values - mean),
            "word": inputs["word"],
        }


class Saved(tf.Module):
    """Calls the inlined function inside of another one."""

    def __init__(self):
        super().__init__()
        self.learnt = Learnt()
        self.inlined = inlined(self.learnt, SPEC)

    @tf.function(input_signature=[SPEC], autograph=False)
    def __call__(self, inputs):
        return self.inlined(inputs)


def inputs_of(rows):
    return {
        "numbers": tf.ragged.constant([[4.0, 5.0], [], [3.0]][:rows], ragged_rank=1),
        "word": tf.constant([b"dairy", b"snacks", b"fruit"][:rows]),
    }


def check(found):
    # The mean of what was learnt is (1 + 2 + 6) / 3 = 3.
    assert found["numbers"].to_list() == [[1, 2], [], [0]]
    assert found["index"].numpy().tolist() == [1, -1, 0]
    assert found["word"].numpy().tolist() == [b"dairy", b"snacks", b"fruit"]


def test_gives_what_the_function_gives():
    learnt = Learnt()
    call = inlined(learnt, SPEC)
    check(call(inputs_of(3)))
    check(learnt(inputs_of(3)))
    assert call(inputs_of(1))["numbers"].to_list() == [[1, 2]]


def test_can_be_saved(tmp_path):
    tf.saved_model.save(Saved(), str(tmp_path))
    check(tf.saved_model.load(str(tmp_path))(inputs_of(3)))


def test_what_was_learnt_are_constants_and_no_call_is_left():
    learnt = Learnt()
    call = inlined(learnt, SPEC)
    graph = call.get_concrete_function(SPEC).graph
    kinds = [operation.type for operation in graph.get_operations()]
    assert "LookupTableFindV2" in kinds
    assert not [kind for kind in kinds if "Call" in kind]
    constants = [
        tf.make_ndarray(operation.get_attr("value"))
        for operation in graph.get_operations()
        if operation.type == "Const"
    ]
    assert any(np.array_equal(constant, [1.0, 2.0, 6.0]) for constant in constants)
    assert [tensor.dtype for tensor, _ in graph.captures] == [tf.resource]


def test_weights_become_constants_too(tmp_path):
    weight = tf.Variable([[2.0], [3.0]])
    spec = {"x": tf.TensorSpec([None, 2], tf.float32)}
    call = inlined(lambda inputs: tf.matmul(inputs["x"], weight.read_value()), spec)
    module = tf.Module()
    module.serve = tf.function(lambda x: call({"x": x}), input_signature=[spec["x"]])
    tf.saved_model.save(module, str(tmp_path))
    weight.assign([[0.0], [0.0]])
    for serve in (module.serve, tf.saved_model.load(str(tmp_path)).serve):
        # 1 x 2 + 10 x 3 = 32, with the weights that were given.
        assert serve(tf.constant([[1.0, 10.0]])).numpy().tolist() == [[32.0]]
    assert not module.serve.get_concrete_function().graph.captures
