"""Which search a folder belongs to: trials of other data, code or candidates never mix."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence

import tensorflow as tf

from demandcast.components.tuning.search import Search

__all__ = ["search_identity"]

_BLOCK_BYTES = 2**20
_LIMITS = frozenset({"enabled", "max_seconds", "max_trials"})
"""Keys of `tuning` that may change while a search goes on: with more time it continues."""


def search_identity(search: Search, parts: Mapping[str, str], *, files: Sequence[str]) -> str:
    """Digests everything that the score of a trial, or the choice of the next, depends on.

    Args:
        search: Candidates, algorithm, and the configured values.
        parts: Texts such as the series, the features and the digest of the code.
        files: Examples, train before validation; their content counts, not where they lie.

    Returns:
        16 hexadecimal digits.
    """
    texts = {
        **parts,
        "tuning": search.tuning.model_dump_json(exclude=set(_LIMITS)),
        "network": search.network.model_dump_json(),
        "training": search.training.model_dump_json(),
    }
    total = hashlib.sha256(json.dumps(texts, sort_keys=True).encode())
    for file in files:
        total.update(_digest(file))
    return total.hexdigest()[:16]


def _digest(file: str) -> bytes:
    total = hashlib.sha256()
    for block in _blocks(file):
        total.update(block)
    return total.digest()


def _blocks(file: str) -> Iterator[bytes]:
    with tf.io.gfile.GFile(file, "rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            yield block
