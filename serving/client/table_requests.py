"""Requests of bounded size from tables, and the forecast table from their answers.

    history, future ──► TablePlan ──► request 0, 1, ... ──► answers ──► forecast table

Everything is checked before the first request is sent. No step loops over rows.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from demandcast.schema.errors import ContractError
from demandcast.schema.forecast_columns import CUTOFF, MEAN, STEP, TIMESTAMP, quantile_columns
from demandcast.schema.periods import date_of, days_of, period_of
from demandcast.serving.client.table_inputs import (
    GridInput,
    Window,
    grid_inputs,
    scalar_inputs,
)
from demandcast.serving.client.table_kinds import AnyTable, Table, open_table
from demandcast.serving.client.table_roles import QUANTILES, Roles
from demandcast.serving.client.table_rows import Rows, SeriesKeys, join_keys, sort_rows
from demandcast.serving.client.table_spec import TableSpec
from demandcast.serving.errors import CallError
from demandcast.serving.signatures import Signature

__all__ = ["TablePlan", "plan_table"]

Array = NDArray[Any]

_SHOWN = 3


@dataclass(frozen=True)
class TablePlan:
    """Requests that are still to be sent, and what their answers will be put together to.

    Attributes:
        history: Whose kind the forecast table gets.
        keys: The series.
        spec: Columns and grid.
        cutoff: Last known period.
        horizon: Periods of the forecast, H.
        scalars: Inputs of one value per series. Shape [N].
        filled: Inputs on the grid.
        windows: One per request.
    """

    history: AnyTable
    keys: SeriesKeys
    spec: TableSpec
    cutoff: int
    horizon: int
    scalars: Mapping[str, Array]
    filled: Mapping[str, GridInput]
    windows: tuple[Window, ...]

    def request(self, number: int) -> dict[str, Array]:
        """The inputs of a request: made when it is sent, so that few are in memory at a time."""
        window = self.windows[number]
        series = slice(window.begin, window.end)
        scalars = {name: values[series] for name, values in self.scalars.items()}
        return scalars | {name: one.batch(window) for name, one in self.filled.items()}

    def table(self, answers: Sequence[Mapping[str, Array]]) -> Table:
        """The forecast table.

        Args:
            answers: Of all requests, in their order.

        Returns:
            Series key, `cutoff`, `step`, `timestamp`, `mean` and a column per quantile level; by
            series in the order of their keys. Of the kind of the history.

        Raises:
            CallError: An answer has another shape than it should.
        """
        levels = self.spec.quantile_levels
        shape = (len(self.keys), self.horizon, len(levels))
        mean = self._joined(answers, MEAN, shape[:2])
        quantiles = self._joined(answers, QUANTILES, shape).reshape(-1, shape[2])
        steps = np.tile(np.arange(1, shape[1] + 1, dtype=np.int32), shape[0])
        frequency = self.spec.frequency
        cutoff = days_of(np.array([self.cutoff]), frequency).astype("datetime64[D]")
        days = days_of(self.cutoff + steps.astype(np.int64), frequency).astype("datetime64[D]")
        keys = zip(self.keys.columns, self.keys.values, strict=True)
        columns = {name: np.repeat(values, shape[1]) for name, values in keys}
        columns |= {CUTOFF: np.repeat(cutoff, len(steps)), STEP: steps, TIMESTAMP: days}
        columns[MEAN] = mean.reshape(-1)
        columns |= dict(zip(quantile_columns(levels), quantiles.T.copy(), strict=True))
        return self.history.like(columns)

    def _joined(
        self, answers: Sequence[Mapping[str, Array]], name: str, shape: tuple[int, ...]
    ) -> Array:
        for window, answer in zip(self.windows, answers, strict=True):
            expected = (window.end - window.begin, *shape[1:])
            if name not in answer or answer[name].shape != expected:
                found = answer[name].shape if name in answer else "none"
                raise CallError(
                    "INTERNAL", f"output {name!r} has shape {found}; expected {expected}"
                )
        empty = np.zeros((0, *shape[1:]), np.float32)
        return np.concatenate([empty, *(answer[name] for answer in answers)])


def plan_table(
    tables: tuple[Table, Table | None],
    *,
    spec: TableSpec,
    signature: Signature,
    cutoff: datetime.date | None,
    series_per_request: int,
) -> TablePlan:
    """Checks tables against a model, and plans the requests.

    Args:
        tables: History and, where the model wants covariates that are known ahead, future.
        spec: Columns and grid.
        signature: Of the model.
        cutoff: Last known period; the last one of the history if not given.
        series_per_request: Bound of a request.

    Returns:
        The plan. Nothing has been sent yet.

    Raises:
        ContractError: Tables, options and model do not fit each other; the message names table,
            column and the first rows or series.
    """
    history = open_table("history", tables[0])
    future = None if tables[1] is None else open_table("future", tables[1])
    roles = Roles(spec, signature, history, future)
    roles.check()
    opened = [history] if future is None else [history, future]
    keys, numbers = join_keys(opened, spec.series_key)
    rows = sort_rows(history, numbers[0], keys, spec)
    last = _cutoff(rows, spec, cutoff)
    past = rows.kept(rows.periods <= last)
    ahead = None
    if future is not None:
        ahead = sort_rows(future, numbers[1], keys, spec)
        ahead = ahead.kept((ahead.periods > last) & (ahead.periods <= last + roles.horizon))
        if roles.known_future:
            _check_ahead(ahead, keys, spec, last, roles.horizon)
    return TablePlan(
        history=history,
        keys=keys,
        spec=spec,
        cutoff=last,
        horizon=roles.horizon,
        scalars=scalar_inputs(roles, keys, numbers, last),
        filled=dict(grid_inputs(roles, keys, past, ahead)),
        windows=tuple(_windows(past, last, spec, series_per_request)),
    )


def _cutoff(rows: Rows, spec: TableSpec, cutoff: datetime.date | None) -> int:
    if cutoff is not None:
        cutoff = cutoff.date() if isinstance(cutoff, datetime.datetime) else cutoff
        period = period_of(cutoff, spec.frequency)
        begins = date_of(int(days_of(np.array(period), spec.frequency)))
        if begins != cutoff:
            raise ContractError(
                f"cutoff: {cutoff} is not the start of a period of {spec.frequency}; {begins} is"
            )
        return period
    if not len(rows.periods):
        raise ContractError("history: the table is empty, so there is no last period; give cutoff")
    return int(rows.periods.max())


def _check_ahead(rows: Rows, keys: SeriesKeys, spec: TableSpec, cutoff: int, horizon: int) -> None:
    """Refuses a future that ends before the horizon does, or has gaps."""
    counts = np.diff(rows.starts)
    short = np.flatnonzero(counts != horizon)
    if len(short):
        first, last = days_of(np.array([cutoff + 1, cutoff + horizon]), spec.frequency)
        shown = " | ".join(f"{keys.name(one)} has {counts[one]}" for one in short[:_SHOWN])
        raise ContractError(
            f"future: {len(short)} of {len(keys)} series do not have each of the {horizon} periods "
            f"from {date_of(int(first))} to {date_of(int(last))}: {shown}"
        )


def _windows(rows: Rows, cutoff: int, spec: TableSpec, size: int) -> Iterator[Window]:
    count = len(rows.starts) - 1
    begins = rows.starts[:-1]
    has_rows = np.diff(rows.starts) > 0
    lengths = np.ones(count, np.int64)
    lengths[has_rows] = cutoff - rows.periods[begins[has_rows]] + 1
    if spec.history_periods is not None:
        lengths = np.minimum(lengths, spec.history_periods)
    for begin in range(0, count, size):
        end = min(begin + size, count)
        yield Window(begin, end, int(lengths[begin:end].max()), cutoff)
