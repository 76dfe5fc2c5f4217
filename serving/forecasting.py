"""From histories of single series to one request, and to its forecast.

A series is a mapping with the names of an example (`demandcast.schema.series_example`)
and plain lists or arrays of its own length. `forecast_request` pads them on the
left to one batch, as the signature `serving_default` takes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from demandcast.schema.errors import ContractError
from demandcast.schema.left_padding import HISTORY_FILLERS, filler_of, pad_left
from demandcast.schema.series_example import CUTOFF, IN_STOCK_FRACTION, OBSERVED_MASK, TARGET
from demandcast.serving.client.base import AnyAsyncClient, AnyClient
from demandcast.serving.signatures import DEFAULT_SIGNATURE, Signature
from demandcast.serving.wire import as_wire_array, numpy_dtype

__all__ = ["Forecast", "Series", "forecast", "forecast_async", "forecast_request"]

Array = NDArray[Any]
Series = Mapping[str, ArrayLike]

_FILLED_IN = {OBSERVED_MASK, IN_STOCK_FRACTION}
_SHOWN = 5
"""Complaints in one message."""


@dataclass(frozen=True)
class Forecast:
    """The answer for a batch of series.

    Attributes:
        quantiles: Units per period. Shape [B, H, Q].
        mean: Units per period. Shape [B, H].
    """

    quantiles: NDArray[np.float32]
    mean: NDArray[np.float32]


def forecast(client: AnyClient, series: Sequence[Series]) -> Forecast:
    """Asks the model in service for a forecast of each series.

    Args:
        client: Connection to the server; asked for the signature, then for the forecast.
        series: See `forecast_request`.

    Returns:
        Quantiles and mean, in the order of the series.

    Raises:
        ContractError: A series does not fit the signature.
        CallError: A call failed.
    """
    signature = client.metadata().signatures[DEFAULT_SIGNATURE]
    answer = client.predict(forecast_request(series, signature=signature))
    return Forecast(quantiles=answer["quantiles"], mean=answer["mean"])


async def forecast_async(client: AnyAsyncClient, series: Sequence[Series]) -> Forecast:
    """Does what `forecast` does, in an event loop."""
    signature = (await client.metadata()).signatures[DEFAULT_SIGNATURE]
    answer = await client.predict(forecast_request(series, signature=signature))
    return Forecast(quantiles=answer["quantiles"], mean=answer["mean"])


def forecast_request(series: Sequence[Series], *, signature: Signature) -> dict[str, Array]:
    """Pads series on the left to one batch.

    The axis T becomes that of the longest history. Padding is 0 in `target` and
    `observed_mask`, 1 in `in_stock_fraction`, NaN in numeric covariates and the
    empty string in categorical ones. A series without a history is all padding.

    Args:
        series: One mapping per series: each static column and `cutoff` (a day number
            since 1970-01-01 or a date) a scalar; `target` of length T, NaN where unknown;
            known-future covariates of length T + H; observed-past ones of length T.
            `observed_mask` follows from `target`, and `in_stock_fraction` is 1, where
            not given. T differs from series to series.
        signature: Of the model, as `DemandClient.metadata` gives it.

    Returns:
        One array per input of the signature. Shape [B] or [B, T] or [B, T + H].

    Raises:
        ContractError: Names, lengths or values do not fit; one message for all.
    """
    if not series:
        raise ContractError("a request needs at least one series; got none")
    if TARGET not in signature.inputs:
        raise ContractError(
            f"the signature takes no {TARGET!r}, so it is not {DEFAULT_SIGNATURE} of a demand "
            f"model; it takes {sorted(signature.inputs)}"
        )
    completed = [_complete(place, one) for place, one in enumerate(series)]
    _check_names(completed, signature)
    lengths = np.array([len(one[TARGET]) for one in completed])
    horizon = _Horizon(signature)
    request: dict[str, Array] = {}
    complaints: list[str] = []
    for name, spec in signature.inputs.items():
        dtype = numpy_dtype(spec.dtype)
        try:
            if spec.shape is not None and len(spec.shape) == 1:
                request[name] = _scalars(name, completed, dtype)
            else:
                request[name] = _pad(name, completed, dtype=dtype, lengths=lengths, horizon=horizon)
        except ContractError as error:
            complaints.append(str(error))
    if complaints:
        raise ContractError("; ".join(complaints))
    return request


class _Horizon:
    """H: as the signature's outputs say, else as the first covariate that is longer than T."""

    def __init__(self, signature: Signature) -> None:
        mean = signature.outputs.get("mean")
        self.value = mean.shape[1] if mean and mean.shape and len(mean.shape) == 2 else None

    def ahead(self, name: str, sizes: Array, lengths: Array) -> int:
        """Periods beyond the history that a covariate holds: 0 or H, the same in all series."""
        extra = sizes - lengths
        if self.value is None and extra.max() > 0:
            self.value = int(extra.max())
        ahead = int(extra[0])
        allowed = (0,) if name in HISTORY_FILLERS else (0, self.value)
        wrong = np.flatnonzero((extra != ahead) | (ahead not in allowed))
        if len(wrong):
            shown = ", ".join(f"{sizes[i]} in series {i} (T {lengths[i]})" for i in wrong[:_SHOWN])
            ahead_of = f"T, or T + {self.value or 'H'} where known ahead,"
            kinds = "T" if name in HISTORY_FILLERS else ahead_of
            raise ContractError(
                f"{name!r} must have {kinds} values in every series; {len(wrong)} do not: {shown}"
            )
        return ahead


def _complete(place: int, one: Series) -> dict[str, Any]:
    """Fills in the mask and the availability, and takes NaN out of the target."""
    if TARGET not in one:
        return dict(one)
    try:
        target = np.atleast_1d(np.asarray(one[TARGET], dtype=np.float64))
        mask = np.asarray(one.get(OBSERVED_MASK, ~np.isnan(target)), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ContractError(f"series {place}: target and mask must be numbers: {error}") from error
    if np.isinf(target).any():
        raise ContractError(f"series {place}: {TARGET!r} holds infinite values")
    known = ~np.isnan(target)
    return {
        IN_STOCK_FRACTION: np.ones_like(target),
        **one,
        TARGET: np.where(known, target, 0.0),
        OBSERVED_MASK: np.where(known, mask, 0.0) if mask.shape == target.shape else mask,
    }


def _check_names(series: Sequence[Mapping[str, Any]], signature: Signature) -> None:
    wanted = set(signature.inputs)
    complaints = []
    for place, one in enumerate(series):
        missing = sorted(wanted - set(one))
        extra = sorted(set(one) - wanted - _FILLED_IN)
        if missing or extra:
            complaints.append(f"series {place}: missing {missing}, not an input {extra}")
    if complaints:
        more = f" (and {len(complaints) - _SHOWN} more)" if len(complaints) > _SHOWN else ""
        raise ContractError(
            f"{'; '.join(complaints[:_SHOWN])}{more}. Inputs of the model: {sorted(wanted)}"
        )


def _scalars(name: str, series: Sequence[Mapping[str, Any]], dtype: np.dtype[Any]) -> Array:
    values = np.asarray([one[name] for one in series], dtype=_read_as(dtype))
    if values.ndim != 1:
        raise ContractError(f"{name!r} must be one value per series")
    if name == CUTOFF and values.dtype.kind in "MO":
        return values.astype("datetime64[D]").astype(dtype)
    return _cast(name, values, dtype)


def _pad(
    name: str,
    series: Sequence[Mapping[str, Any]],
    *,
    dtype: np.dtype[Any],
    lengths: Array,
    horizon: _Horizon,
) -> Array:
    """One input of all series, aligned on the right. Shape [B, T] or [B, T + H]."""
    parts = [np.atleast_1d(np.asarray(one[name], dtype=_read_as(dtype))) for one in series]
    if any(part.ndim != 1 for part in parts):
        raise ContractError(f"{name!r} must be a list of values in every series, not a table")
    sizes = np.array([len(part) for part in parts])
    ahead = horizon.ahead(name, sizes, lengths)
    # At least one period, so that a batch of new series has an axis T to work on.
    width = max(int(lengths.max()), 1) + ahead
    values = _cast(name, np.concatenate([p for p in parts if len(p)] or parts), dtype)
    return pad_left(values, sizes, width=width, filler=filler_of(name, dtype))


def _read_as(dtype: np.dtype[Any]) -> np.dtype[Any] | None:
    """Text is read as objects: NumPy would turn a number among texts into text unasked."""
    return dtype if dtype.kind == "O" else None


def _cast(name: str, values: Array, dtype: np.dtype[Any]) -> Array:
    try:
        if dtype.kind == "O":
            return as_wire_array(values)
        with np.errstate(over="raise"):
            return values.astype(dtype, casting="safe" if dtype.kind == "i" else "unsafe")
    except (TypeError, ValueError, FloatingPointError) as error:
        kind = "text" if dtype.kind == "O" else dtype
        raise ContractError(f"{name!r} must hold values of type {kind}: {error}") from error
