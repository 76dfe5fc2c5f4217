"""Scores the overrides of proposals against what was demanded since."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import polars as pl

from demandcast.components.replenishment.audit_chain import AuditEntry
from demandcast.components.replenishment.decisions import CHANGE, REJECT
from demandcast.components.replenishment.override_scores import overridden_lines, score_overrides
from demandcast.pipeline.orders.actuals import Actuals
from demandcast.pipeline.orders.audit_file import read_audit_log, trusted
from demandcast.pipeline.orders.desk import Desk, audit_log_file
from demandcast.pipeline.orders.proposal_folders import (
    known_proposals,
    named_proposal,
    proposal_ids,
    read_proposal,
)
from demandcast.pipeline.places import orders_folder
from demandcast.schema.config import RunConfig
from demandcast.schema.errors import BadInputError, ContractError
from demandcast.schema.periods import period_of

__all__ = ["DateRange", "Overruled", "overruled_between", "overruled_named", "score_overruled"]

ReadActuals = Callable[[int], Actuals]
"""Gives demand after a period."""


@dataclass(frozen=True)
class DateRange:
    """Days, both included; None is open.

    Attributes:
        since: First day.
        until: Last day.
    """

    since: datetime.date | None = None
    until: datetime.date | None = None

    def has(self, day: datetime.date) -> bool:
        """Tells whether a day is in it.

        >>> DateRange(until=datetime.date(2026, 6, 30)).has(datetime.date(2026, 7, 1))
        False
        """
        after = self.since is None or day >= self.since
        return after and (self.until is None or day <= self.until)


@dataclass(frozen=True)
class Overruled:
    """Lines whose quantity a person set, of some proposals.

    Attributes:
        lines: Lines of the order books, with `proposal_id`; those that are in several proposals of
            one cutoff once.
        series_key: Columns of the key.
        proposals: How many proposals were looked at.
        gone: Proposals that people overruled and that are no longer there.
    """

    lines: pl.DataFrame
    series_key: tuple[str, ...]
    proposals: int
    gone: tuple[str, ...] = ()


def overruled_named(config: RunConfig, names: Sequence[str]) -> Overruled:
    """Gathers what people overruled of proposals that are named.

    Raises:
        BadInputError: There is no such proposal, or their currencies differ.
        ContractError: The files of one break their contract, or it says no cutoff.
        AnomalyError: The log is broken, or proposals are not those that were decided about.
    """
    folder = orders_folder(config)
    known = proposal_ids(folder)
    found = {named_proposal(folder, known, name) for name in names}
    chosen = [one for one in known if one in found]
    return _gathered(config, chosen, gone=())


def overruled_between(config: RunConfig, days: DateRange) -> Overruled:
    """Gathers what people overruled of the proposals with a cutoff in a range.

    Raises:
        BadInputError: No proposal has one, or their currencies differ.
        ContractError: The files of one break their contract, or it says no cutoff.
        AnomalyError: The log is broken, or proposals are not those that were decided about.
    """
    folder = orders_folder(config)
    cutoffs = {facts.proposal_id: facts.cutoff for facts in known_proposals(folder)}
    chosen = [one for one, cutoff in cutoffs.items() if cutoff is None or days.has(cutoff)]
    gone = [
        proposal_id
        for proposal_id, entries in _overruling(config).items()
        if proposal_id not in cutoffs and days.has(_day(entries[0]))
    ]
    if not chosen and not gone:
        raise BadInputError(f"no proposal in {folder} has a cutoff in that range")
    return _gathered(config, chosen, gone=tuple(gone))


def _day(entry: AuditEntry) -> datetime.date:
    return datetime.datetime.fromisoformat(entry.moment).date()


def _overruling(config: RunConfig) -> dict[str, list[AuditEntry]]:
    """Entries of the log by proposal, of those proposals that somebody overruled."""
    path = audit_log_file(config)
    entries = defaultdict(list)
    for entry in trusted(read_audit_log(path), path).entries:
        entries[entry.proposal_id].append(entry)
    return {
        proposal_id: mine
        for proposal_id, mine in entries.items()
        if any(entry.action in (CHANGE, REJECT) for entry in mine)
    }


def _gathered(config: RunConfig, chosen: Sequence[str], *, gone: tuple[str, ...]) -> Overruled:
    """Gathers the overruled lines of proposals, oldest first."""
    key = tuple(config.data.columns.series_key)
    parts = list(_parts(config, chosen))
    currencies = sorted({currency for _, currency in parts if currency})
    if len(currencies) > 1:
        raise BadInputError(
            f"proposals in {' and '.join(currencies)}: their scores cannot be added up; score them "
            "apart, with --proposal or a range"
        )
    lines = pl.concat([part for part, _ in parts]) if parts else pl.DataFrame()
    return Overruled(_once(lines, key), key, len(chosen), gone)


def _parts(config: RunConfig, chosen: Sequence[str]) -> Iterator[tuple[pl.DataFrame, str]]:
    """Yields the overruled lines of each proposal that somebody overruled, and its currency."""
    folder, path = orders_folder(config), audit_log_file(config)
    overruling = _overruling(config)
    chain = trusted(read_audit_log(path), path)
    for proposal_id in chosen:
        if proposal_id not in overruling:
            continue
        proposal = read_proposal(folder / proposal_id)
        if proposal.facts.cutoff is None:
            raise ContractError(f"{proposal.folder}: proposals.json says no cutoff")
        desk = Desk.of(proposal, replace(chain, entries=tuple(overruling[proposal_id])))
        lines = overridden_lines(desk.book)
        if lines.height:
            yield (
                lines.with_columns(
                    pl.lit(proposal_id).alias("proposal_id"),
                    pl.lit(proposal.facts.cutoff, pl.Date).alias("cutoff"),
                ),
                proposal.facts.currency,
            )


def _once(lines: pl.DataFrame, series_key: Sequence[str]) -> pl.DataFrame:
    """Keeps of a line in several proposals of one evening what was exported, or else the newest."""
    if not lines.height:
        return lines
    at = lines.with_row_index("#at")
    kept = at.sort(pl.col("line_state") == "exported", "#at").unique(
        [*series_key, "cutoff"], keep="last"
    )
    return kept.sort("#at").drop("#at")


def score_overruled(
    config: RunConfig, overruled: Overruled, read_actuals: ReadActuals
) -> pl.DataFrame:
    """Scores each line whose quantity a person set.

    Args:
        config: The pipeline.
        overruled: The lines.
        read_actuals: Gives demand after a period; asked once, and not if nobody overruled anything.

    Returns:
        `proposal_id`, `cutoff` and `month` (of the cutoff, such as 2026-06), and the columns of
        `override_scores.score_overrides`.
    """
    lines = overruled.lines
    if not lines.height:
        return pl.DataFrame()
    frequency = config.forecast.frequency
    cutoffs = {cutoff: period_of(cutoff, frequency) for cutoff in lines["cutoff"].unique()}
    actuals = read_actuals(min(cutoffs.values()))
    scored = [
        _scored(config, part, actuals, series_key=overruled.series_key, period=cutoffs[cutoff])
        # A series has one line in the proposals of an evening, so intervals do not mix.
        for (cutoff,), part in lines.group_by("cutoff", maintain_order=True)
    ]
    return pl.concat(scored)


def _scored(
    config: RunConfig,
    lines: pl.DataFrame,
    actuals: Actuals,
    *,
    series_key: Sequence[str],
    period: int,
) -> pl.DataFrame:
    scores = score_overrides(
        lines.with_columns(pl.lit(period, pl.Int64).alias("#cutoff")),
        actuals.table,
        series_key=series_key,
        last_period=actuals.last_period,
        missing_period=config.data.missing_period,
    )
    cutoff = pl.col("cutoff")
    of = lines.select("proposal_id", cutoff, cutoff.dt.to_string("%Y-%m").alias("month"))
    return pl.concat([of, scores], how="horizontal")
