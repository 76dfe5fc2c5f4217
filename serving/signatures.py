"""What a signature takes and gives, and the check of a request against it.

Status and wording of a refusal are those of TensorFlow Serving where it has
one; a wrong dtype or shape, of which it tells only the first deep inside the
graph, is refused here with all violations in one message.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from demandcast.serving.errors import RequestError

__all__ = [
    "DEFAULT_SIGNATURE",
    "Signature",
    "TensorSpec",
    "check_input_names",
    "check_inputs",
    "check_output_names",
]

DEFAULT_SIGNATURE = "serving_default"
"""The signature of a request that names none."""


@dataclass(frozen=True)
class TensorSpec:
    """Type and shape of a tensor.

    Attributes:
        dtype: TensorFlow's name of the type, such as ``DT_FLOAT``.
        shape: Sizes of the axes, None where any size will do; None for any rank.
    """

    dtype: str
    shape: tuple[int | None, ...] | None

    def __str__(self) -> str:
        if self.shape is None:
            return f"{self.dtype} of any rank"
        sizes = ", ".join("?" if size is None else str(size) for size in self.shape)
        return f"{self.dtype} [{sizes}]"

    def accepts(self, other: TensorSpec) -> bool:
        """Whether a tensor of that type and shape may be given where this one is expected.

        >>> TensorSpec("DT_FLOAT", (None, 2)).accepts(TensorSpec("DT_FLOAT", (5, 2)))
        True
        >>> TensorSpec("DT_FLOAT", (None, 2)).accepts(TensorSpec("DT_FLOAT", (5,)))
        False
        """
        if self.dtype != other.dtype:
            return False
        if self.shape is None or other.shape is None:
            return self.shape is None
        return len(self.shape) == len(other.shape) and all(
            wanted is None or wanted == size
            for wanted, size in zip(self.shape, other.shape, strict=True)
        )


@dataclass(frozen=True)
class Signature:
    """Inputs and outputs of one entry point of a model, by name."""

    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]

    @property
    def batches(self) -> bool:
        """Whether rows of several requests may go through it together.

        >>> row, fixed = TensorSpec("DT_FLOAT", (None, 2)), TensorSpec("DT_FLOAT", (3,))
        >>> Signature({"x": row}, {"y": row}).batches, Signature({"x": fixed}, {"y": row}).batches
        (True, False)
        """
        specs = (*self.inputs.values(), *self.outputs.values())
        return bool(self.inputs) and all(
            spec.shape is not None and spec.shape[:1] == (None,) for spec in specs
        )


def check_input_names(signature: Signature, names: Collection[str]) -> None:
    """Refuses a request with too many, too few or other inputs.

    Raises:
        RequestError: INVALID_ARGUMENT; the message lists both sets of names.
    """
    sent, wanted = set(names), set(signature.inputs)
    if len(sent) != len(wanted):
        raise RequestError(
            "INVALID_ARGUMENT",
            f"input size does not match signature: {len(sent)}!={len(wanted)} "
            f"len({_braces(sent)}) != len({_braces(wanted)}). "
            f"Sent extra: {_braces(sent - wanted)}. "
            f"Missing but required: {_braces(wanted - sent)}.",
        )
    if sent != wanted:
        raise RequestError(
            "INVALID_ARGUMENT",
            f"input tensor alias not found in signature: {','.join(sorted(sent - wanted))}. "
            f"Inputs expected to be in the set {_braces(wanted)}.",
        )


def check_output_names(signature: Signature, names: Iterable[str]) -> None:
    """Refuses a request for outputs that the signature does not give, or twice for one.

    Raises:
        RequestError: INVALID_ARGUMENT; the message lists the outputs there are.
    """
    seen: set[str] = set()
    for name in names:
        if name not in signature.outputs:
            raise RequestError(
                "INVALID_ARGUMENT",
                f"output tensor alias not found in signature: {name} "
                f"Outputs expected to be in the set {_braces(signature.outputs)}.",
            )
        if name in seen:
            raise RequestError("INVALID_ARGUMENT", f"duplicate output tensor alias: {name}")
        seen.add(name)


def check_inputs(signature: Signature, received: Mapping[str, TensorSpec]) -> None:
    """Refuses tensors of another type or shape than the signature takes.

    Args:
        signature: What is expected.
        received: Type and shape of each input; names already checked.

    Raises:
        RequestError: INVALID_ARGUMENT; the message lists every wrong input.
    """
    wrong = [
        f'input "{name}": expected {wanted}, got {received[name]}'
        for name, wanted in sorted(signature.inputs.items())
        if not wanted.accepts(received[name])
    ]
    if wrong:
        raise RequestError("INVALID_ARGUMENT", "; ".join(wrong))


def _braces(names: Iterable[str]) -> str:
    return "{" + ",".join(sorted(names)) + "}"
