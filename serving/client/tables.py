"""`forecast_table`: tables in, a forecast table out."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from demandcast.schema.errors import ContractError
from demandcast.serving.client.base import AnyAsyncClient, AnyClient
from demandcast.serving.client.calls import ModelMetadata
from demandcast.serving.client.table_kinds import Table
from demandcast.serving.client.table_requests import TablePlan, plan_table
from demandcast.serving.client.table_spec import RequestLimits, TableSpec
from demandcast.serving.errors import CallError
from demandcast.serving.signatures import DEFAULT_SIGNATURE, Signature

__all__ = ["forecast_table", "forecast_table_async"]

_Answer = Mapping[str, NDArray[Any]]

_GONE = "NOT_FOUND"


def forecast_table(
    client: AnyClient,
    history: Table,
    future: Table | None = None,
    *,
    spec: TableSpec,
    cutoff: datetime.date | None = None,
    limits: RequestLimits | None = None,
) -> Table:
    """Asks the model in service for a forecast of each series of a table.

    The table is sent in several requests, all to one version of the model. If that version is
    replaced meanwhile, the table is begun again, once.

    Args:
        client: Over gRPC or REST.
        history: A row per series and period: series key, timestamp, target, attributes and
            covariates, in any order. Rows after the cutoff are not looked at.
        future: A row per series and each period of the horizon: series key, timestamp and the
            covariates that are known ahead; further rows are not looked at. A series that stands
            only here is forecast without a history; then its attributes have to stand here too.
        spec: Columns, grid and quantile levels.
        cutoff: Last known period, the same for all series; the last one of the history if not
            given.
        limits: Size of a request; `RequestLimits` says which if not given.

    Returns:
        A table of the kind of `history`: series key as text, `cutoff`, `step`, `timestamp`, `mean`
        and a column per quantile level, such as `q0.05`; units per period.

    Raises:
        ContractError: Tables, options and model do not fit each other; the message names table,
            column and the first rows or series. Nothing was sent.
        CallError: A call failed.
    """
    asked = _Asked((history, future), spec, cutoff, limits or RequestLimits())
    try:
        return _ask(client, asked)
    except CallError as error:
        if error.status != _GONE:
            raise
    return _ask(client, asked)


async def forecast_table_async(
    client: AnyAsyncClient,
    history: Table,
    future: Table | None = None,
    *,
    spec: TableSpec,
    cutoff: datetime.date | None = None,
    limits: RequestLimits | None = None,
) -> Table:
    """Does what `forecast_table` does, with several requests at a time."""
    asked = _Asked((history, future), spec, cutoff, limits or RequestLimits())
    try:
        return await _ask_async(client, asked)
    except CallError as error:
        if error.status != _GONE:
            raise
    return await _ask_async(client, asked)


@dataclass(frozen=True)
class _Asked:
    """What was asked for."""

    tables: tuple[Table, Table | None]
    spec: TableSpec
    cutoff: datetime.date | None
    limits: RequestLimits

    def plan(self, metadata: ModelMetadata) -> TablePlan:
        """The requests to a version of the model."""
        return plan_table(
            self.tables,
            spec=self.spec,
            signature=_signature(metadata),
            cutoff=self.cutoff,
            series_per_request=self.limits.series,
        )


def _ask(client: AnyClient, asked: _Asked) -> Table:
    metadata = client.metadata()
    plan = asked.plan(metadata)
    return plan.table(
        [
            client.predict(plan.request(number), version=metadata.version)
            for number in range(len(plan.windows))
        ]
    )


async def _ask_async(client: AnyAsyncClient, asked: _Asked) -> Table:
    metadata = await client.metadata()
    plan = asked.plan(metadata)
    return plan.table(await _ask_all(client, plan, metadata.version, asked.limits.concurrent))


async def _ask_all(
    client: AnyAsyncClient, plan: TablePlan, version: int, concurrent: int
) -> list[_Answer]:
    """Sends all requests; the first failure ends the others."""
    free = asyncio.Semaphore(concurrent)

    async def ask(number: int) -> _Answer:
        async with free:
            return await client.predict(plan.request(number), version=version)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(ask(number)) for number in range(len(plan.windows))]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


def _signature(metadata: ModelMetadata) -> Signature:
    if DEFAULT_SIGNATURE not in metadata.signatures:
        raise ContractError(
            f"version {metadata.version} of the model has no {DEFAULT_SIGNATURE}; it has "
            f"{sorted(metadata.signatures)}"
        )
    return metadata.signatures[DEFAULT_SIGNATURE]
