"""The check of a model in a server: does it load, does it answer, and are the answers sound?

model's copy ── warm-up written ──► server ── AVAILABLE ──► both signatures, batches of 1 to 64
                                      │                        │ finite, in order, and the same
                                      ▼ ends, or never answers  ▼
                                   ServingError              blessed, and a golden request
                                   (of this machine)         or the reason why not (the model)
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from tensorflow.core.protobuf import saved_model_pb2

from demandcast.components.infrastructure.answers import answer_reasons
from demandcast.components.infrastructure.asking import Asking, RefusedError, predict_request
from demandcast.components.infrastructure.sample_requests import (
    EXAMPLES_SIGNATURE,
    RAW_SIGNATURE,
    InputSpecs,
    examples_inputs,
    input_specs,
    raw_inputs,
)
from demandcast.components.infrastructure.server_process import running_server, with_restarts
from demandcast.components.infrastructure.warmup import write_warmup
from demandcast.schema.artifact_names import GOLDEN_FILE, SAVED_MODEL_FILE
from demandcast.schema.config.serving import ServingConfig
from demandcast.schema.errors import ServingError
from demandcast.schema.golden_request import GoldenRequest, differences

__all__ = ["BATCH_SIZES", "Candidate", "Finding", "check_model"]

BATCH_SIZES = (1, 8, 64)
"""Series of a request; the last is as many as our server runs at once."""

_VERSION = 1
_GOLDEN_SERIES = 3
_SERVING_TAG = "serve"

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Candidate:
    """A model that is checked.

    Attributes:
        base: Folder on this machine that holds its copy as version 1; what is to be kept with
            the model is written into the copy.
        name: Name under which it is served.
        horizon: Periods that it must forecast.
        levels: Number of quantile levels that it must answer.
    """

    base: Path
    name: str
    horizon: int
    levels: int

    @property
    def folder(self) -> Path:
        """Folder of its `saved_model.pb`."""
        return self.base / str(_VERSION)


@dataclass(frozen=True)
class Finding:
    """What a check came to.

    Attributes:
        blessed: Whether the model may be pushed.
        reason: One sentence for the user.
    """

    blessed: bool
    reason: str


def check_model(
    candidate: Candidate, records: Sequence[bytes], config: ServingConfig, *, log: Path
) -> Finding:
    """Starts a server on a model and asks it.

    Args:
        candidate: The model.
        records: Serialized raw examples; at least one.
        config: The server, and whether a warm-up is kept.
        log: File for what the server says.

    Returns:
        The verdict. A blessed model's copy holds a golden request, and its warm-up if wanted.

    Raises:
        ServingError: The server itself does not work; that says nothing of the model.
    """
    try:
        asked = _Requests.of(candidate, records)
        if config.warmup:
            write_warmup(str(candidate.folder), list(asked.all(candidate.name)))
        return with_restarts(
            lambda: _check_once(candidate, asked, config, log=log), tries=config.tries
        )
    except RefusedError as error:
        return Finding(blessed=False, reason=str(error))
    except ServingError as error:
        raise ServingError(
            f"infrastructure check: {error}\nThat says nothing of the model; nothing was pushed"
        ) from error


@dataclass(frozen=True)
class _Requests:
    """The same series for both signatures.

    Attributes:
        records: Serialized examples.
        raw_specs: Inputs of `serving_default`.
    """

    records: Sequence[bytes]
    raw_specs: InputSpecs

    @classmethod
    def of(cls, candidate: Candidate, records: Sequence[bytes]) -> _Requests:
        """Reads off the model what it takes.

        Raises:
            RefusedError: It cannot be read, or lacks a signature.
        """
        definitions = _signature_definitions(candidate.folder / SAVED_MODEL_FILE)
        missing = {RAW_SIGNATURE, EXAMPLES_SIGNATURE} - set(definitions)
        if missing:
            raise RefusedError(f"no signature {', '.join(sorted(missing))}")
        return cls(records, input_specs(definitions[RAW_SIGNATURE]))

    def batch(self, rows: int) -> dict[str, Arrays]:
        """Inputs by signature, for so many series; the records begin anew where they end."""
        records = list(itertools.islice(itertools.cycle(self.records), rows))
        return {
            EXAMPLES_SIGNATURE: examples_inputs(records, self.raw_specs),
            RAW_SIGNATURE: raw_inputs(records, self.raw_specs),
        }

    def all(self, model_name: str) -> Iterator[Any]:
        """Requests of every size for both signatures."""
        for rows in BATCH_SIZES:
            for signature, inputs in self.batch(rows).items():
                yield predict_request(model_name, signature, inputs)


def _signature_definitions(path: Path) -> Mapping[str, Any]:
    message = saved_model_pb2.SavedModel()
    try:
        message.ParseFromString(path.read_bytes())
    except (DecodeError, OSError) as error:
        raise RefusedError(f"{SAVED_MODEL_FILE} cannot be read: {error}") from error
    for graph in message.meta_graphs:
        if _SERVING_TAG in graph.meta_info_def.tags:
            return dict(graph.signature_def.items())
    raise RefusedError(f"{SAVED_MODEL_FILE} holds no graph with the tag {_SERVING_TAG!r}")


def _check_once(
    candidate: Candidate, asked: _Requests, config: ServingConfig, *, log: Path
) -> Finding:
    begin = time.monotonic()
    with (
        running_server(
            config, model_name=candidate.name, model_base_path=str(candidate.base), log=log
        ) as server,
        Asking(server, model_name=candidate.name, timeout_seconds=config.timeout_seconds) as asking,
    ):
        asking.wait_until_available(_VERSION)
        loaded = time.monotonic() - begin
        for rows in BATCH_SIZES:
            _check_batch(candidate, asking, asked.batch(rows), rows=rows)
        _keep_golden(candidate, asking, asked)
    kept = "with" if config.warmup else "without"
    return Finding(
        blessed=True,
        reason=(
            f"available after {loaded:.1f} s; both signatures agree for batches of "
            f"{', '.join(map(str, BATCH_SIZES))} series; {kept} warm-up"
        ),
    )


def _check_batch(
    candidate: Candidate, asking: Asking, batch: Mapping[str, Arrays], *, rows: int
) -> None:
    """Asks through both signatures.

    Raises:
        RefusedError: An answer is none, or the two differ.
    """
    answers = {
        signature: _sound_answer(candidate, asking, signature, inputs, rows=rows)
        for signature, inputs in batch.items()
    }
    apart = differences(answers[EXAMPLES_SIGNATURE], answers[RAW_SIGNATURE])
    if apart:
        raise RefusedError(
            f"{RAW_SIGNATURE} and {EXAMPLES_SIGNATURE} answer the same series differently: "
            + "; ".join(apart)
        )


def _sound_answer(
    candidate: Candidate, asking: Asking, signature: str, inputs: Arrays, *, rows: int
) -> Arrays:
    answer = asking.predict(predict_request(candidate.name, signature, inputs))
    reasons = answer_reasons(answer, rows=rows, horizon=candidate.horizon, levels=candidate.levels)
    if reasons:
        raise RefusedError(f"{signature} answers no forecast: {'; '.join(reasons)}")
    return answer


def _keep_golden(candidate: Candidate, asking: Asking, asked: _Requests) -> None:
    """Writes a request and its answer into the model's copy."""
    rows = min(_GOLDEN_SERIES, len(asked.records))
    inputs = asked.batch(rows)[RAW_SIGNATURE]
    answer = _sound_answer(candidate, asking, RAW_SIGNATURE, inputs, rows=rows)
    path = candidate.folder / GOLDEN_FILE
    path.parent.mkdir(exist_ok=True)
    golden = GoldenRequest.of(RAW_SIGNATURE, inputs, answer)
    path.write_text(golden.model_dump_json(), encoding="utf-8")
