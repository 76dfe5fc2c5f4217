"""Random streams: one per concern and place, so that no draw depends on another's number.

A store's stream depends on the seed, the concern and the store alone. Whatever is
drawn for other stores, and in how many chunks, leaves it as it is.
"""

from __future__ import annotations

import zlib

import numpy as np

__all__ = ["stream"]


def stream(seed: int, concern: str, *places: int) -> np.random.Generator:
    """Returns the generator of one concern at one place.

    Args:
        seed: Seed of the simulation.
        concern: What is drawn, such as "demand".
        *places: Where, such as the number of the store.

    >>> bool(stream(1, "demand", 0).random() == stream(1, "demand", 0).random())
    True
    >>> bool(stream(1, "demand", 0).random() == stream(1, "demand", 1).random())
    False
    """
    return np.random.default_rng([seed, zlib.crc32(concern.encode()), *places])
