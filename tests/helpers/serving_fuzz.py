"""Valid requests, made wrong at random: tensors, bytes and JSON. Each seed gives the same ones."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import numpy as np
from serving_models import tiny_inputs

from demandcast.serving import messages
from demandcast.serving.wire import write_content, write_typed

Change = Callable[[random.Random, Any], None]

NUMBERS = (0, 1, -1, 2, 3, 2**31 - 1, 2**31, 2**40, 2**62, 2**63 - 1, -(2**63))
DTYPES = (*range(25), 101, 107, 999, -1)


def valid_request(choice: random.Random) -> Any:
    """A request that is answered, of a random size, packed or typed."""
    write = choice.choice((write_content, write_typed))
    request = messages.PredictRequest()
    request.model_spec.name = "demand"
    for name, array in tiny_inputs(choice.randint(1, 4), choice.randint(1, 9)).items():
        write(request.inputs[name], array)
    return request


def fuzzed_request(seed: int) -> bytes:
    """A request with one to four things wrong in its tensors, names or model."""
    choice = random.Random(seed)  # noqa: S311 - the same each time
    request = valid_request(choice)
    for _ in range(choice.randint(1, 4)):
        choice.choice(CHANGES)(choice, request)
    return bytes(request.SerializeToString())


def fuzzed_bytes(seed: int) -> bytes:
    """The bytes of a valid request, flipped, cut, doubled, or with others between them."""
    choice = random.Random(seed)  # noqa: S311 - the same each time
    data = bytearray(valid_request(choice).SerializeToString())
    for _ in range(choice.randint(1, 6)):
        place = choice.randrange(len(data) + 1)
        kind = choice.randrange(5)
        if kind == 0 and place < len(data):
            data[place] ^= 1 << choice.randrange(8)
        elif kind == 1:
            del data[place:]
        elif kind == 2:
            data[place:place] = choice.randbytes(choice.randint(1, 20))
        elif kind == 3:
            data[place:place] = data[: choice.randint(0, 200)]
        else:
            del data[place : place + choice.randint(1, 20)]
    return bytes(data)


def fuzzed_json(seed: int) -> bytes:
    """The body of a REST request with one to three things wrong in it."""
    choice = random.Random(seed)  # noqa: S311 - the same each time
    body = _json_request(choice)
    for _ in range(choice.randint(1, 3)):
        _change_json(choice, body)
    text = json.dumps(body)
    if choice.random() < 0.3:
        place = choice.randrange(len(text))
        text = text[:place] + choice.choice(("", "[", "}", '"', "\x00", "\\ud800")) + text[place:]
    data = text.encode("utf-8", "surrogatepass")
    return data if choice.random() < 0.9 else data[: choice.randrange(len(data))]


def _tensor(choice: random.Random, request: Any) -> Any:
    """One of the tensors; a new one if there is none left."""
    names = sorted(request.inputs) or ["target"]
    return request.inputs[choice.choice(names)]


def _dtype(choice: random.Random, request: Any) -> None:
    _tensor(choice, request).dtype = choice.choice(DTYPES)


def _size(choice: random.Random, request: Any) -> None:
    dims = _tensor(choice, request).tensor_shape.dim
    if dims:
        dims[choice.randrange(len(dims))].size = choice.choice(NUMBERS)


def _axes(choice: random.Random, request: Any) -> None:
    shape = _tensor(choice, request).tensor_shape
    kind = choice.randrange(4)
    if kind == 0:
        del shape.dim[:]
    elif kind == 1:
        shape.unknown_rank = True
    else:
        for _ in range(choice.choice((1, 2, 40, 300))):
            shape.dim.add(size=choice.choice((1, *NUMBERS)))


def _values(choice: random.Random, request: Any) -> None:
    tensor = _tensor(choice, request)
    kind = choice.randrange(6)
    if kind == 0:
        tensor.tensor_content = tensor.tensor_content[: choice.randint(0, 9)]
    elif kind == 1:
        tensor.tensor_content += choice.randbytes(choice.randint(1, 9))
    elif kind == 2:
        tensor.float_val.extend([choice.choice((float("nan"), float("inf"), 1e38))] * 3)
    elif kind == 3:
        tensor.string_val.extend([choice.randbytes(choice.randint(0, 9))] * choice.randint(1, 9))
    elif kind == 4:
        tensor.int64_val.extend(NUMBERS)
    else:
        tensor.ClearField("tensor_content")


def _special(choice: random.Random, request: Any) -> None:
    """Numbers of every bit pattern, NaN and infinity among them."""
    tensor = _tensor(choice, request)
    tensor.tensor_content = choice.randbytes(len(tensor.tensor_content))


def _empty(choice: random.Random, request: Any) -> None:
    """A batch of no rows, or of no periods, in all tensors alike."""
    rows, periods = choice.choice(((0, 4), (2, 0), (0, 0)))
    for name, array in tiny_inputs(rows, periods).items():
        request.inputs[name].Clear()
        write_content(request.inputs[name], array)


def _large(choice: random.Random, request: Any) -> None:
    """A tensor that a few bytes ask for: the last value is repeated."""
    tensor = _tensor(choice, request)
    tensor.Clear()
    tensor.dtype = choice.choice((1, 7, 9))
    for _ in range(choice.randint(1, 3)):
        tensor.tensor_shape.dim.add(size=choice.choice((10, 1000, 100_000)))
    if tensor.dtype == 1:
        tensor.float_val.append(1.0)


def _other_type(choice: random.Random, request: Any) -> None:
    """A tensor that is well made, of another type or shape than the model takes."""
    tensor = _tensor(choice, request)
    tensor.Clear()
    shape = tuple(choice.randint(0, 3) for _ in range(choice.randint(0, 4)))
    dtype = choice.choice((np.float32, np.float64, np.int64, np.int8, np.bool_, np.float16))
    write_content(tensor, np.ones(shape, dtype))


def _names(choice: random.Random, request: Any) -> None:
    names = sorted(request.inputs)
    kind = choice.randrange(3)
    if names and kind < 2:
        name = choice.choice(names)
        if kind:
            request.inputs["ü" * choice.randint(0, 300)].CopyFrom(request.inputs[name])
        del request.inputs[name]
    else:
        for number in range(choice.choice((1, 500))):
            request.inputs[f"more-{number}"].dtype = 1


def _model(choice: random.Random, request: Any) -> None:
    spec = request.model_spec
    kind = choice.randrange(6)
    if kind == 0:
        spec.name = choice.choice(("", "x", "ü" * 5000, "\x00", "demand\n"))
    elif kind == 1:
        spec.version.value = choice.choice(NUMBERS)
    elif kind == 2:
        spec.version_label = choice.choice(("", "x", "\x00"))
    elif kind == 3:
        spec.signature_name = choice.choice(("serving_examples", "x", "__saved_model_init_op"))
    elif kind == 4:
        request.output_filter.extend(choice.choice((["mean"], ["x"], ["mean", "mean"], [""])))
    else:
        request.ClearField("model_spec")


CHANGES: tuple[Change, ...] = (
    _dtype,
    _size,
    _axes,
    _values,
    _special,
    _empty,
    _large,
    _other_type,
    _names,
    _model,
)

VALUES: tuple[Any, ...] = (
    None,
    True,
    "",
    "text",
    "\ud800",
    -1,
    2**63,
    10**400,
    1e400,
    float("nan"),
    [],
    {},
    [[]],
    {"b64": "!"},
    {"b64": "AA=="},
    {"b64": None},
    [[[[[1]]]]],
)


def _json_request(choice: random.Random) -> dict[str, Any]:
    columns = {
        name: json.loads(json.dumps(array.tolist(), default=bytes.decode))
        for name, array in tiny_inputs(choice.randint(1, 3), choice.randint(1, 5)).items()
    }
    if choice.random() < 0.5:
        return {"inputs": columns}
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return {"instances": rows}


def _change_json(choice: random.Random, body: dict[str, Any]) -> None:
    """Replaces, removes or adds something, anywhere in it."""
    place: Any = body
    while True:
        keys = sorted(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return
        key = choice.choice(keys)
        if isinstance(place[key], dict | list) and choice.random() < 0.8:
            place = place[key]
            continue
        kind = choice.randrange(4)
        if kind == 0:
            del place[key]
        elif kind == 1:
            deep: Any = choice.choice(VALUES)
            for _ in range(choice.choice((0, 1, 40, 300))):
                deep = [deep]
            place[key] = deep
        elif isinstance(place, dict):
            place[choice.choice(("signature_name", "inputs", "instances", "x", ""))] = place[key]
        else:
            place[key] = choice.choice(VALUES)
        return
