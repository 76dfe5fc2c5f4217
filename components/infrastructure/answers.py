"""What every answer of a model must be, whoever asks: numbers, in order, and of the right shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["answer_reasons"]

MEAN = "mean"
QUANTILES = "quantiles"


def answer_reasons(
    answer: Mapping[str, NDArray[Any]], *, rows: int, horizon: int, levels: int
) -> list[str]:
    """Lists why an answer cannot be a forecast.

    Args:
        answer: Arrays by output: `quantiles`, shape [B, H, Q], and `mean`, shape [B, H].
        rows: Number of series that were asked for (B).
        horizon: H.
        levels: Number of quantile levels (Q).

    Returns:
        One sentence per reason; none if it can.

    >>> answer_reasons(
    ...     {"quantiles": np.array([[[2.0, 1.0]]]), "mean": np.array([[np.nan]])},
    ...     rows=1, horizon=1, levels=2,
    ... )
    ['mean: 1 of 1 numbers are not finite', 'quantiles: 1 of 1 forecasts cross']
    """
    shapes = {MEAN: (rows, horizon), QUANTILES: (rows, horizon, levels)}
    reasons = []
    for name, shape in shapes.items():
        array = answer.get(name)
        if array is None:
            reasons.append(f"{name}: missing; the answer has {sorted(answer)}")
        elif array.shape != shape:
            reasons.append(f"{name}: shape {list(array.shape)}, expected {list(shape)}")
        else:
            reasons += _wrong_numbers(name, array)
    return reasons


def _wrong_numbers(name: str, array: NDArray[Any]) -> list[str]:
    unbounded = int(np.count_nonzero(~np.isfinite(array)))
    if unbounded:
        return [f"{name}: {unbounded} of {array.size} numbers are not finite"]
    negative = int(np.count_nonzero(array < 0))
    reasons = [f"{name}: {negative} of {array.size} numbers are negative"] if negative else []
    if name == QUANTILES:
        crossing = (np.diff(array, axis=-1) < 0).any(axis=-1)
        if crossing.any():
            reasons.append(f"{name}: {int(crossing.sum())} of {crossing.size} forecasts cross")
    return reasons
