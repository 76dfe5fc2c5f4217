"""The inputs of a model from sorted rows: one value per series, or laid on the grid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from demandcast.schema.errors import ContractError
from demandcast.schema.forecast_columns import CUTOFF
from demandcast.schema.periods import days_of
from demandcast.schema.series_example import IN_STOCK_FRACTION, OBSERVED_MASK, TARGET
from demandcast.serving.client.table_kinds import AnyTable
from demandcast.serving.client.table_roles import Roles
from demandcast.serving.client.table_rows import Rows, SeriesKeys
from demandcast.serving.wire import numpy_dtype

__all__ = ["GridInput", "Window", "grid_inputs", "scalar_inputs"]

Array = NDArray[Any]

_SHOWN = 3


@dataclass(frozen=True)
class GridInput:
    """An input that is laid on the grid.

    Attributes:
        parts: Rows, and the value of each; those of the history, then those of the future.
        filler: Where there is no row.
        dtype: Of the input.
        ahead: Periods beyond the cutoff.
        before: Where a series has not begun; the filler if None.
    """

    parts: tuple[tuple[Rows, Array], ...]
    filler: Any
    dtype: np.dtype[Any]
    ahead: int = 0
    before: Any = None

    def batch(self, window: Window) -> Array:
        """The input of some series. Shape [B, T] or [B, T + H]."""
        shape = (window.end - window.begin, window.periods + self.ahead)
        array = np.full(shape, self.filler, dtype=self.dtype)
        if self.before is not None:
            begun = self.parts[0][0].first_periods(window.begin, window.end)
            places = np.arange(shape[1]) - window.periods + 1 + window.cutoff
            array[places < begun[:, np.newaxis]] = self.before
        for rows, values in self.parts:
            here = slice(rows.starts[window.begin], rows.starts[window.end])
            place = rows.periods[here] - window.cutoff + window.periods - 1
            inside = (place >= 0) & (place < shape[1])
            array[rows.series[here][inside] - window.begin, place[inside]] = values[here][inside]
        return array


@dataclass(frozen=True)
class Window:
    """Series from `begin` to `end`, and the `periods` up to the cutoff."""

    begin: int
    end: int
    periods: int
    cutoff: int


def scalar_inputs(
    roles: Roles, keys: SeriesKeys, numbers: Sequence[NDArray[np.int64]], cutoff: int
) -> dict[str, Array]:
    """Inputs of one value per series. Shape [N]."""
    day = int(days_of(np.array(cutoff), roles.spec.frequency))
    dtype = numpy_dtype(roles.signature.inputs[CUTOFF].dtype)
    scalars: dict[str, Array] = {CUTOFF: np.full(len(keys), day, dtype)}
    values = dict(zip(keys.columns, keys.values, strict=True))
    for name in roles.static:
        if numpy_dtype(roles.signature.inputs[name].dtype).kind != "O":
            raise ContractError(
                f"the model wants {name!r} as {roles.signature.inputs[name].dtype}; attributes of "
                "a series are text"
            )
        texts = values[name] if name in values else _static(roles, name, keys, numbers)
        scalars[name] = _encoded(texts.tolist())
    return scalars


def _static(
    roles: Roles, name: str, keys: SeriesKeys, numbers: Sequence[NDArray[np.int64]]
) -> Array:
    """An attribute of each series, from the table that has its rows. Shape [N], text."""
    result = np.full(len(keys), "", dtype=object)
    found = np.zeros(len(keys), np.bool_)
    for table, series in zip((roles.history, roles.future), numbers, strict=False):
        if table is None or name not in table.columns:
            continue
        texts = table.texts(name)
        known = texts.codes >= 0
        codes = np.full(len(keys), -1, np.int64)
        codes[series[known]] = texts.codes[known]
        differs = known & (codes[series] != texts.codes)
        if differs.any():
            several = np.unique(series[differs])
            shown = " | ".join(keys.name(one) for one in several[:_SHOWN])
            raise table.error(
                name, f"must be constant for a series: {len(several)} have several: {shown}"
            )
        fresh = ~found
        fresh[fresh] = np.isin(np.flatnonzero(fresh), series)
        result[fresh] = np.array([*texts.values, ""], dtype=object)[codes[fresh]]
        found |= fresh
    if not found.all():
        missing = np.flatnonzero(~found)
        shown = " | ".join(keys.name(one) for one in missing[:_SHOWN])
        raise ContractError(
            f"future: no column {name!r}, which the model wants for series without a history: "
            f"{len(missing)} series, first: {shown}"
        )
    return result


def grid_inputs(
    roles: Roles, keys: SeriesKeys, past: Rows, ahead: Rows | None
) -> Iterator[tuple[str, GridInput]]:
    """Inputs on the grid, in the order of the signature."""
    history = _history_values(roles, keys, past)
    for name, one in roles.signature.inputs.items():
        dtype = numpy_dtype(one.dtype)
        if name in history:
            values, filler = history[name]
            before = 0.0 if name == OBSERVED_MASK else None
            yield name, GridInput(((past, values.astype(dtype)),), filler, dtype, before=before)
        elif name in roles.known_future and ahead is not None:
            parts = tuple((rows, _covariate(rows, name, dtype)) for rows in (past, ahead))
            yield name, GridInput(parts, _filler(dtype), dtype, ahead=roles.horizon)
        elif name in roles.observed_past:
            observed = ((past, _covariate(past, name, dtype)),)
            yield name, GridInput(observed, _filler(dtype), dtype)


def _history_values(
    roles: Roles, keys: SeriesKeys, past: Rows
) -> dict[str, tuple[NDArray[np.float64], float]]:
    """Target, mask and availability of the rows, and what stands between them."""
    spec, table = roles.spec, past.table
    target = past.numbers(spec.target)
    for broken, what in ((np.isinf(target), "is infinite"), (target < 0, "is negative")):
        _check_series(table, spec.target, broken, what, past, keys)
    known = ~np.isnan(target)
    if spec.observed is not None:
        observed = past.numbers(spec.observed)
        wrong = ~np.isin(observed, (0, 1))
        _check_series(table, spec.observed, wrong, "is neither 0 nor 1", past, keys)
        known &= observed == 1
    stock = np.ones_like(target)
    if spec.in_stock_fraction is not None:
        stock = past.numbers(spec.in_stock_fraction)
        wrong = ~((stock >= 0) & (stock <= 1))
        _check_series(table, spec.in_stock_fraction, wrong, "is not between 0 and 1", past, keys)
    mask_between = 1.0 if spec.missing_period == "zero" else 0.0
    return {
        TARGET: (np.where(known, target, 0.0), 0.0),
        OBSERVED_MASK: (known.astype(np.float64), mask_between),
        IN_STOCK_FRACTION: (stock, 1.0),
    }


def _check_series(
    table: AnyTable,
    column: str,
    broken: NDArray[np.bool_],
    what: str,
    rows: Rows,
    keys: SeriesKeys,
) -> None:
    places = np.flatnonzero(broken)
    if len(places):
        shown = " | ".join(
            f"{keys.name(rows.series[place])} (row {rows.order[place]})"
            for place in places[:_SHOWN]
        )
        raise table.error(column, f"{what}: {len(places)} rows, first: {shown}")


def _covariate(rows: Rows, name: str, dtype: np.dtype[Any]) -> Array:
    if dtype.kind == "O":
        texts = rows.texts(name)
        return _encoded([*texts.values, ""])[texts.codes]
    values = rows.numbers(name)
    rows.table.check(name, np.isinf(rows.table.numbers(name)), "is infinite")
    return values.astype(dtype)


def _filler(dtype: np.dtype[Any]) -> Any:
    return b"" if dtype.kind == "O" else np.nan


def _encoded(texts: Sequence[str]) -> Array:
    result = np.empty(len(texts), dtype=object)
    result[:] = [text.encode() for text in texts]
    return result
