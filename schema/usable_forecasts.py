"""What can be used of a forecast table that somebody else wrote, series by series.

Who writes one keeps the whole contract (`check_forecast_table`). Who reads one goes on with the
good series, and says of the others what is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from demandcast.schema.config.series import SeriesSpec
from demandcast.schema.errors import ContractError
from demandcast.schema.forecast_table import (
    CUTOFF,
    MEAN,
    STEP,
    forecast_complaints,
    quantile_columns,
    row_rules,
)

__all__ = ["MOST_DEMAND", "UNREADABLE", "UsableForecasts", "usable_forecasts"]

UNREADABLE = "#unreadable"
"""Column that says what of a row could not be read; null where all could. It may be missing."""

MOST_DEMAND = 1e12
"""Units per period above which a forecast is taken for a mistake; sums of it stay finite."""


@dataclass(frozen=True)
class UsableForecasts:
    """What can be used of a forecast table.

    Attributes:
        table: Rows of the series that can be used, with each step from 1 to their last.
        problems: The other series: key columns, and `problem`, the first one in words.
        nameless: Rows without a part of the key or a cutoff; they are in none of both.
    """

    table: pl.DataFrame
    problems: pl.DataFrame
    nameless: int


def usable_forecasts(table: pl.DataFrame, series: SeriesSpec) -> UsableForecasts:
    """Takes the series that can be used from a forecast table.

    A series that ends before the others is as good as they are, for as long as it goes. One with a
    wrong value or a gap is not used at all.

    Args:
        table: Columns of `forecast_schema`, and perhaps `UNREADABLE`; of one cutoff.
        series: What it must be of.

    Raises:
        ContractError: Series are there, and none can be used; the message says what is wrong.
    """
    keys = list(series.series_key)
    rows = table.filter(pl.all_horizontal(pl.col([*keys, CUTOFF]).is_not_null()))
    problems = _problems(rows, series)
    plain = rows.drop(UNREADABLE, strict=False)
    good = plain.join(problems, on=keys, how="anti", maintain_order="left")
    if rows.height and not good.height:
        complaints = problems["problem"].head(1).to_list()
        if UNREADABLE not in rows.columns:
            complaints = [*forecast_complaints(plain, series)] or complaints
        raise ContractError(f"no series can be used: {'; '.join(complaints)}")
    return UsableForecasts(good, problems, table.height - rows.height)


def _problems(rows: pl.DataFrame, series: SeriesSpec) -> pl.DataFrame:
    """Words the first problem of each series that has one."""
    keys, names = list(series.series_key), quantile_columns(series.forecast.quantile_levels)
    plain = rows.drop(UNREADABLE, strict=False)
    rules = [
        *((rule, what) for rule, what, _ in row_rules(plain, series)),
        *(
            (pl.col(name) > MOST_DEMAND, f"more than a forecast can be in {name!r}")
            for name in (MEAN, *names)
        ),
    ]
    broken = plain.select(
        rule.fill_null(value=False).alias(f"#{at}") for at, (rule, _) in enumerate(rules)
    )
    unreadable = pl.col(UNREADABLE) if UNREADABLE in rows.columns else pl.lit(None, pl.String)
    step = pl.col(STEP).cast(pl.String).fill_null("without a number")
    words = [pl.when(pl.col(f"#{at}")).then(pl.lit(what)) for at, (_, what) in enumerate(rules)]
    marked = rows.with_columns(*broken, unreadable.alias(UNREADABLE)).filter(
        pl.any_horizontal(broken.columns) | pl.col(UNREADABLE).is_not_null()
    )
    wrong = marked.select(
        *keys, problem=pl.format("step {}: {}", step, pl.coalesce(UNREADABLE, *words))
    )
    every = pl.concat([wrong, _gaps(plain, keys)])
    return every.group_by(keys, maintain_order=True).agg(pl.col("problem").first())


def _gaps(rows: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """Words which series lack a step before their last one."""
    counted = rows.group_by(keys, maintain_order=True).agg(
        there=pl.col(STEP).n_unique(), last=pl.col(STEP).max()
    )
    words = pl.format("a gap: {} of the steps 1 to {} are there", "there", "last")
    return counted.filter(pl.col("there") != pl.col("last")).select(*keys, problem=words)
