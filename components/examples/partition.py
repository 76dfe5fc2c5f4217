"""A hash of the series key that never changes: not with the run, the machine or the version."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import polars as pl

__all__ = ["is_held_out", "partition_of", "series_hash"]

_PARTITION_SALT = "demandcast:parts"  # 16 bytes, as the hash wants them.
_HOLD_OUT_SALT = "demandcast:valid"
_SEPARATOR = "\x1f"  # Keeps ("a", "bc") and ("ab", "c") apart.


def series_hash(keys: pl.DataFrame, *, salt: str) -> npt.NDArray[np.uint64]:
    """Hashes the text of the key columns; call it on unique keys.

    Args:
        keys: Key columns as text, none missing. Shape [N, key columns].
        salt: 16 characters; another salt gives an independent hash.
    """
    if not len(keys):
        return np.zeros(0, np.uint64)
    joined = keys.select(pl.concat_str(pl.all(), separator=_SEPARATOR)).to_series()
    values = joined.to_numpy(allow_copy=True).astype(object)
    return np.asarray(pd.util.hash_array(values, hash_key=salt, categorize=False), np.uint64)


def partition_of(keys: pl.DataFrame, partitions: int) -> npt.NDArray[np.int64]:
    """Tells the partition of each series, from 0 to `partitions - 1`."""
    return (series_hash(keys, salt=_PARTITION_SALT) % np.uint64(partitions)).astype(np.int64)


def is_held_out(keys: pl.DataFrame, fraction: float) -> npt.NDArray[np.bool_]:
    """Tells which series are held out for validation: about `fraction` of them.

    A series stays on its side when others come or go, and is held out at every
    larger fraction as well.
    """
    # The upper 53 bits, exactly as a float in [0, 1).
    upper = (series_hash(keys, salt=_HOLD_OUT_SALT) >> np.uint64(11)).astype(np.float64)
    return np.asarray(upper / 2.0**53 < fraction)
