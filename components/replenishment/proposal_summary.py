"""Sums up a proposal table for a planner: totals, groups, exceptions, the riskiest lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from polars import selectors

from demandcast.schema.artifact_names import PROPOSAL_SUMMARY_FILE
from demandcast.schema.errors import ContractError
from demandcast.schema.proposal_summary import (
    AT_RISK,
    GroupSummary,
    LineSummary,
    ProposalException,
    ProposalSummary,
    RiskCount,
    SummaryFacts,
    SupplierSummary,
    Totals,
)
from demandcast.schema.proposal_table import BLOCKED, RISK_CLASSES, STATUSES, check_proposal_table
from demandcast.schema.whole_file import write_whole

__all__ = ["EXCEPTIONS", "LARGEST_GROUPS", "summarise_proposals", "write_summary"]

EXCEPTIONS = (
    "invalid",
    "infeasible",
    "held_back",
    AT_RISK,
    "no_lead_time",
    "no_terms",
    "no_inventory",
    "no_forecast",
    "short_forecast",
    "reduced",
)
"""Kinds of exceptions, the most urgent first: as the table has them, and what cannot wait."""

LARGEST_GROUPS = 200
"""Columns with more values are not summed up, and no more suppliers are listed."""

_LISTED = 10
_FIRST = 5

_ORDERED = pl.col("order_quantity") > 0
_STOCK_VALUE = pl.col("on_hand") * pl.col("unit_cost")
_EXCESS_VALUE = pl.col("excess_units") * pl.col("unit_cost")
_COMPUTED = ~pl.col("status").is_in(sorted(BLOCKED))
_FILL_RATE = pl.when(pl.col("expected_demand") > 0).then(
    (1 - pl.col("expected_lost_sales") / pl.col("expected_demand")).clip(0, 1)
)


def summarise_proposals(
    table: pl.DataFrame,
    facts: SummaryFacts,
    *,
    series_key: Sequence[str],
    attributes: pl.DataFrame | None = None,
    terms: pl.DataFrame | None = None,
) -> ProposalSummary:
    """Sums up a proposal table.

    Args:
        table: As `demandcast.schema.proposal_table` has it; may be empty.
        facts: What the table does not say.
        series_key: Columns that name a series.
        attributes: One row for each value of the key columns that it has, and columns to group by
            beside those of the key, such as the category; columns of fractions are passed over.
        terms: Key columns, `holding_cost` (currency units per unit and period) and
            `stockout_cost` (currency units per unit short) of computed lines.

    Returns:
        Sums over all lines, and by each column with at most `LARGEST_GROUPS` values. Blocked
        lines count, and add to no sum that is not known of them.

    Raises:
        ContractError: The table breaks its contract, or attributes or terms have a key twice or
            share no column with the series key.
    """
    check_proposal_table(table, series_key)
    finite = selectors.float()
    lines = table.with_columns(pl.when(finite.is_finite()).then(finite)).sort(
        "rank", *series_key, nulls_last=True
    )
    lines, columns = _with_attributes(lines, attributes, series_key)
    return ProposalSummary(
        facts=facts,
        cutoff=_iso(lines["cutoff"].max()),
        order_date=_iso(lines["order_date"].min()),
        totals=_totals(_with_terms(lines, terms, series_key)),
        statuses=_statuses(lines),
        risk_classes=tuple(_risk_classes(lines, facts.risk_bounds)),
        suppliers=_suppliers(lines),
        groups=tuple(_groups(lines, columns)),
        exceptions=tuple(_exceptions(lines, series_key)),
        riskiest=_riskiest(lines, series_key),
        overstocked=_overstocked(lines, series_key),
    )


def write_summary(summary: ProposalSummary, folder: Path) -> Path:
    """Writes a summary beside its table; returns the file."""
    file = folder / PROPOSAL_SUMMARY_FILE
    write_whole(file, summary.model_dump_json())
    return file


def _with_attributes(
    lines: pl.DataFrame, attributes: pl.DataFrame | None, series_key: Sequence[str]
) -> tuple[pl.DataFrame, dict[str, str]]:
    """Joins attributes; returns the columns to group by, with their names for people."""
    columns = {name: name for name in series_key}
    if attributes is None:
        return lines, columns
    on = _shared_keys(attributes, series_key, "attributes")
    named = {
        f"attribute_{place}": name
        for place, name in enumerate(attributes.columns)
        if name not in series_key and not attributes.schema[name].is_float()
    }
    texts = attributes.select(
        *(pl.col(name).cast(pl.String) for name in on),
        **{inner: pl.col(name).cast(pl.String) for inner, name in named.items()},
    )
    return lines.join(texts, on=on, how="left"), columns | named


def _with_terms(
    lines: pl.DataFrame, terms: pl.DataFrame | None, series_key: Sequence[str]
) -> pl.DataFrame:
    """Joins costs; null without terms."""
    costs = ("holding_cost", "stockout_cost")
    if terms is None:
        return lines.with_columns(pl.lit(None, pl.Float64).alias(name) for name in costs)
    on = _shared_keys(terms, series_key, "terms")
    return lines.join(terms.select(*on, *costs), on=on, how="left")


def _shared_keys(table: pl.DataFrame, series_key: Sequence[str], name: str) -> list[str]:
    """Finds the key columns of a table, which must say which row is meant."""
    on = [key for key in series_key if key in table.columns]
    if not on:
        raise ContractError(
            f"{name}: no column of the series key {list(series_key)}; there are: {table.columns}"
        )
    twice = table.filter(pl.struct(on).is_duplicated())
    if twice.height:
        raise ContractError(
            f"{name}: a key is there twice: {twice.height} rows, first: {twice.select(on).row(0)}"
        )
    return on


def _totals(lines: pl.DataFrame) -> Totals:
    lost, without = pl.col("expected_lost_sales"), pl.col("expected_lost_sales_without")
    stockout_cost = without * pl.col("stockout_cost")
    holding_cost = pl.col("excess_units") * pl.col("holding_cost")
    sums = lines.select(
        lines=pl.len(),
        computed=_COMPUTED.sum(),
        orders=_ORDERED.sum(),
        need_approval=(pl.col("needs_approval") & _ORDERED).sum(),
        suppliers=pl.col("supplier").filter(_ORDERED).drop_nulls().n_unique(),
        order_value=pl.col("order_value").sum(),
        stock_value=_STOCK_VALUE.sum(),
        unpriced=((pl.col("on_hand") > 0) & pl.col("unit_cost").is_null()).sum(),
        excess_value=_EXCESS_VALUE.sum(),
        excess_holding_cost=_sum_if_any(holding_cost),
        expected_demand=pl.col("expected_demand").sum(),
        expected_lost_sales=lost.sum(),
        expected_lost_sales_without=without.sum(),
        stockout_probability=pl.col("stockout_probability").mean(),
        stockout_probability_without=pl.col("stockout_probability_without").mean(),
        expected_holding_cost=pl.col("expected_holding_cost").sum(),
        expected_stockout_cost=pl.col("expected_stockout_cost").sum(),
        expected_stockout_cost_without=_sum_if_any(stockout_cost),
    ).with_columns(
        fill_rate=_FILL_RATE,
        fill_rate_without=pl.when(pl.col("expected_demand") > 0).then(
            (1 - without / pl.col("expected_demand")).clip(0, 1)
        ),
    )
    return Totals(**sums.row(0, named=True))


def _sum_if_any(values: pl.Expr) -> pl.Expr:
    """Adds up what is known; null where nothing is."""
    return pl.when(values.is_not_null().any()).then(values.sum())


def _statuses(lines: pl.DataFrame) -> dict[str, int]:
    found = dict(lines["status"].value_counts().iter_rows())
    return {status: found[status] for status in STATUSES if status in found}


def _risk_classes(lines: pl.DataFrame, bounds: Sequence[float]) -> Iterator[RiskCount]:
    """Counts the classes; that of a line without its order follows from its probability."""
    without = lines["stockout_probability_without"].drop_nulls().to_numpy()
    edges = [-float("inf"), *bounds, float("inf")]
    computed = lines.filter(_COMPUTED)["risk_class"]
    for place, name in enumerate(RISK_CLASSES):
        inside = (without >= edges[place]) & (without < edges[place + 1])
        yield RiskCount(
            name=name, lines=int((computed == name).sum()), lines_without=int(inside.sum())
        )


def _suppliers(lines: pl.DataFrame) -> tuple[SupplierSummary, ...]:
    sums = (
        lines.filter(_ORDERED)
        .group_by(name="supplier")
        .agg(
            orders=pl.len().cast(pl.Int64),
            need_approval=pl.col("needs_approval").sum(),
            order_value=pl.col("order_value").sum(),
            first_due=pl.col("due_date").min().cast(pl.String),
            last_due=pl.col("due_date").max().cast(pl.String),
        )
        .sort(["order_value", "name"], descending=[True, False], nulls_last=True)
    )
    return tuple(SupplierSummary(**row) for row in sums.head(LARGEST_GROUPS).to_dicts())


def _groups(lines: pl.DataFrame, columns: dict[str, str]) -> Iterator[GroupSummary]:
    """Sums up by each column that has not too many values."""
    demand, risk = pl.col("expected_demand"), pl.col("stockout_probability")
    known = demand.filter(risk.is_not_null()).sum()
    for column, name in columns.items():
        if lines[column].n_unique() > LARGEST_GROUPS:
            continue
        sums = (
            lines.group_by(value=column)
            .agg(
                lines=pl.len().cast(pl.Int64),
                blocked=(~_COMPUTED).sum(),
                orders=_ORDERED.sum(),
                order_value=pl.col("order_value").sum(),
                expected_demand=demand.sum(),
                expected_lost_sales=pl.col("expected_lost_sales").sum(),
                stockout_probability=pl.when(known > 0).then((risk * demand).sum() / known),
                stock_value=_STOCK_VALUE.sum(),
                excess_value=_EXCESS_VALUE.sum(),
                cover_periods=pl.col("cover_periods").median(),
            )
            .sort(["expected_lost_sales", "value"], descending=[True, False], nulls_last=True)
            .with_columns(fill_rate=_FILL_RATE)
        )
        for row in sums.to_dicts():
            yield GroupSummary(column=name, **row)


def _exceptions(lines: pl.DataFrame, series_key: Sequence[str]) -> Iterator[ProposalException]:
    """Takes the kinds that occur, each with its first lines."""
    missing = (pl.col("wanted_quantity") - pl.col("order_quantity").fill_null(0)).clip(0)
    for kind in EXCEPTIONS:
        found = lines.filter(_is_kind(kind))
        if found.is_empty():
            continue
        sums = found.select(
            missing_value=(missing * pl.col("unit_cost")).sum(),
            expected_lost_sales=pl.col("expected_lost_sales").sum(),
        ).row(0, named=True)
        yield ProposalException(
            kind=kind,
            lines=found.height,
            first=_line_summaries(found.head(_FIRST), series_key),
            **sums,
        )


def _is_kind(kind: str) -> pl.Expr:
    if kind == AT_RISK:
        likely = pl.col("risk_class").is_in(["high", "critical"])
        return (pl.col("status") == "not_due") & likely
    return pl.col("status") == kind


def _riskiest(lines: pl.DataFrame, series_key: Sequence[str]) -> tuple[LineSummary, ...]:
    """Takes those that run out at the largest cost, with their orders."""
    by = ["expected_stockout_cost", "stockout_probability", "rank"]
    found = lines.filter(_COMPUTED & (pl.col("stockout_probability") > 0)).sort(
        by, descending=[True, True, False], nulls_last=True
    )
    return _line_summaries(found.head(_LISTED), series_key)


def _overstocked(lines: pl.DataFrame, series_key: Sequence[str]) -> tuple[LineSummary, ...]:
    """Takes those that have most money above their base-stock level."""
    found = (
        lines.filter(pl.col("excess_units") > 0)
        .with_columns(excess_value=_EXCESS_VALUE)
        .sort(
            ["excess_value", "excess_units", "rank"],
            descending=[True, True, False],
            nulls_last=True,
        )
    )
    return _line_summaries(found.head(_LISTED), series_key)


def _line_summaries(rows: pl.DataFrame, series_key: Sequence[str]) -> tuple[LineSummary, ...]:
    beyond = pl.col("cover_periods") - pl.col("protection_interval")
    shaped = rows.with_columns(
        series=pl.struct(series_key),
        excess_value=_EXCESS_VALUE,
        covers_beyond=beyond.clip(0),
        due_date=pl.col("due_date").cast(pl.String),
        next_order_date=pl.col("next_order_date").cast(pl.String),
    ).select(list(LineSummary.model_fields))
    return tuple(LineSummary(**row) for row in shaped.to_dicts())


def _iso(date: Any) -> str | None:
    return None if date is None else str(date.isoformat())
