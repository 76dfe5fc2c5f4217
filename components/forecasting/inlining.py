"""A function as a part of another graph, with what it learnt as constants.

Transform's graph, called as it was saved, stays a function of its own, to which statistics come as
arguments: each request would compute means and deviations from a thousand quantiles again, and row
lengths once per feature, because no optimizer looks through such a call. Weights of a network that
are variables are read, joined and arranged again in each request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

__all__ = ["inlined"]


def inlined(
    function: Callable[[Mapping[str, Any]], Any], spec: Mapping[str, Any]
) -> Callable[[Mapping[str, Any]], Any]:
    """Gives a function whose operations become those of the graph that calls it.

    Args:
        function: Of tensors by name. Tables that it looks into must outlive what is returned, and
            be saved with it.
        spec: Type specifications of its input, by name.

    Returns:
        The same function of inputs of these names and types.
    """
    concrete = tf.function(function, autograph=False).get_concrete_function(dict(spec))
    frozen = convert_variables_to_constants_v2(
        concrete, lower_control_flow=False, aggressive_inlining=True
    )
    graph_def = frozen.graph.as_graph_def()
    given = [tensor.name for tensor in concrete.inputs[: -len(concrete.captured_inputs) or None]]
    left = {tensor.name for tensor in frozen.inputs}  # Not variables: they became constants.
    tables = {inner.name: outer for outer, inner in concrete.graph.captures if inner.name in left}
    wanted = [tensor.name for tensor in concrete.outputs]

    @tf.function(autograph=False)
    def call(inputs: Mapping[str, Any]) -> Any:
        graph = tf.compat.v1.get_default_graph()
        flat = tf.nest.flatten(dict(inputs), expand_composites=True)
        input_map = dict(zip(given, flat, strict=True))
        input_map |= {name: graph.capture(table) for name, table in tables.items()}
        found = tf.graph_util.import_graph_def(
            graph_def, input_map=input_map, return_elements=wanted, name="inlined"
        )
        for tensor, original in zip(found, concrete.outputs, strict=True):
            tensor.set_shape(original.shape)
        return tf.nest.pack_sequence_as(concrete.structured_outputs, found, expand_composites=True)

    return call
