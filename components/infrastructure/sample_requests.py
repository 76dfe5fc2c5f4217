"""Requests for both signatures of a model, made from the same raw examples.

A record of the eval split holds labels as well. Requests hold what the signature takes and
nothing else, for they are kept in the model as its warm-up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from demandcast.schema.errors import ServingError
from demandcast.schema.left_padding import filler_of, pad_left

__all__ = [
    "EXAMPLES_SIGNATURE",
    "RAW_SIGNATURE",
    "examples_inputs",
    "input_specs",
    "raw_inputs",
    "read_records",
]

RAW_SIGNATURE = "serving_default"
EXAMPLES_SIGNATURE = "serving_examples"
_EXAMPLES_INPUT = "examples"

InputSpecs = Mapping[str, tuple[np.dtype[Any], int]]
"""Type and number of axes of each input of a signature."""


def read_records(split_directory: str, count: int) -> list[bytes]:
    """Reads the first records of a split, in the order of its files.

    Raises:
        ServingError: There is none.
    """
    records: list[bytes] = []
    for file in sorted(tf.io.gfile.glob(f"{split_directory}/*")):
        compression = "GZIP" if file.endswith(".gz") else ""
        dataset = tf.data.TFRecordDataset(file, compression_type=compression)
        records += [record.numpy() for record in dataset.take(count - len(records))]
        if len(records) >= count:
            break
    if not records:
        raise ServingError(f"{split_directory}: no examples to ask the model with")
    return records


def input_specs(signature_def: Any) -> InputSpecs:
    """Reads type and rank of each input off a `SignatureDef`."""
    return {
        name: (
            np.dtype(tf.as_dtype(info.dtype).as_numpy_dtype),
            len(info.tensor_shape.dim),
        )
        for name, info in signature_def.inputs.items()
    }


def examples_inputs(records: Sequence[bytes], specs: InputSpecs) -> dict[str, NDArray[Any]]:
    """Inputs of `serving_examples`: the records, without what a model does not read. Shape [B]."""
    return {_EXAMPLES_INPUT: _objects(_reduced(record, specs) for record in records)}


def raw_inputs(records: Sequence[bytes], specs: InputSpecs) -> dict[str, NDArray[Any]]:
    """Inputs of `serving_default`: one array per feature, histories padded on the left.

    Args:
        records: Serialized examples. Length B.
        specs: Inputs of the signature.

    Returns:
        Arrays of shape [B], and [B, T] or [B, T + H], T being the longest history.
    """
    features = [tf.train.Example.FromString(record).features.feature for record in records]
    arrays = {}
    for name, (dtype, rank) in specs.items():
        rows = [_values(one[name], dtype) for one in features]
        joined = np.concatenate(rows)
        sizes = [len(row) for row in rows]
        arrays[name] = (
            joined
            if rank == 1
            else pad_left(joined, sizes, width=max(sizes), filler=filler_of(name, dtype))
        )
    return arrays


def _reduced(record: bytes, specs: InputSpecs) -> bytes:
    example = tf.train.Example.FromString(record)
    kept = tf.train.Example()
    for name in specs:
        kept.features.feature[name].CopyFrom(example.features.feature[name])
    return bytes(kept.SerializeToString(deterministic=True))


def _values(feature: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
    if dtype.kind == "O":
        return _objects(feature.bytes_list.value)
    values = feature.int64_list if dtype.kind == "i" else feature.float_list
    return np.array(values.value, dtype=dtype)


def _objects(values: Sequence[bytes] | Iterator[bytes]) -> NDArray[Any]:
    listed = list(values)
    array = np.empty(len(listed), dtype=object)
    array[:] = listed
    return array
