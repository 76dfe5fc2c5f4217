"""Scores the overrides of a proposal against what was demanded since."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from demandcast.components.replenishment.override_scores import overridden_lines, score_overrides
from demandcast.pipeline.orders.actuals import Actuals
from demandcast.pipeline.orders.desk import Desk
from demandcast.schema.config import RunConfig
from demandcast.schema.errors import ContractError
from demandcast.schema.periods import period_of

__all__ = ["score_proposal"]


def score_proposal(
    config: RunConfig, desk: Desk, read_actuals: Callable[[int], Actuals]
) -> pl.DataFrame:
    """Scores each line whose quantity a person set.

    Args:
        config: The pipeline.
        desk: The proposal and what was decided about it.
        read_actuals: Gives demand after a period; not asked if nobody overruled anything.

    Returns:
        As `override_scores.score_overrides`.

    Raises:
        ContractError: The proposal says no cutoff.
    """
    cutoff = desk.proposal.facts.cutoff
    if cutoff is None:
        raise ContractError(f"{desk.proposal.folder}: proposals.json says no cutoff")
    period = period_of(cutoff, config.forecast.frequency)
    lines = overridden_lines(desk.book).with_columns(pl.lit(period, pl.Int64).alias("#cutoff"))
    actuals = read_actuals(period) if lines.height else Actuals(_nothing(desk), period)
    return score_overrides(
        lines,
        actuals.table,
        series_key=desk.series_key,
        last_period=actuals.last_period,
        missing_period=config.data.missing_period,
    )


def _nothing(desk: Desk) -> pl.DataFrame:
    schema: dict[str, pl.DataType] = dict.fromkeys(desk.series_key, pl.String())
    return pl.DataFrame(
        schema=schema | {"#period": pl.Int64(), "#demand": pl.Float64(), "#censored": pl.Boolean()}
    )
