"""The desk: a proposal, its log and its order book, and what people do with them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from demandcast.components.replenishment.audit_chain import AuditChain, AuditEntry
from demandcast.components.replenishment.decision_requests import (
    check_requests,
    doubtful_requests,
    entries_of,
    without_repetitions,
)
from demandcast.components.replenishment.decisions import CHANGE, fold_decisions
from demandcast.components.replenishment.order_book import build_order_book, series_text
from demandcast.components.replenishment.review_rows import ReviewBasis
from demandcast.pipeline.orders.audit_file import (
    audit_writer,
    read_audit_log,
    trusted,
    utc_now,
)
from demandcast.pipeline.orders.proposal_folders import LATEST, Proposal, find_proposal
from demandcast.pipeline.places import orders_folder
from demandcast.schema.artifact_names import AUDIT_LOG_FILE
from demandcast.schema.config import RunConfig
from demandcast.schema.errors import AnomalyError, BadInputError

__all__ = [
    "Desk",
    "audit_log_file",
    "check_words",
    "decide",
    "find_series",
    "open_desk",
    "refusal_error",
    "try_deciding",
]

_LOG = logging.getLogger(__name__)
_SHOWN = 20
_LONGEST_WORDS = 1_000

Asking = Callable[["Desk"], tuple[pl.DataFrame, pl.DataFrame]]
"""Gives requests and refusals for a desk as it is when nobody else can decide."""


@dataclass(frozen=True)
class Desk:
    """A proposal and what was decided about it.

    Attributes:
        proposal: The proposal.
        chain: The audit log, of all proposals.
        book: The order book.
    """

    proposal: Proposal
    chain: AuditChain
    book: pl.DataFrame

    @property
    def series_key(self) -> tuple[str, ...]:
        """Columns that name a series."""
        return self.proposal.facts.series_key

    @property
    def basis(self) -> ReviewBasis:
        """What a review that is written now is written from."""
        facts = self.proposal.facts
        return ReviewBasis(facts.proposal_id, self.proposal.digest, len(self.chain.entries))

    @classmethod
    def of(cls, proposal: Proposal, chain: AuditChain) -> Desk:
        """Lays out a proposal and a log that can be trusted.

        Raises:
            AnomalyError: People decided about another table than the one that is there.
        """
        facts = proposal.facts
        others = {
            entry.proposals
            for entry in chain.entries
            if entry.proposal_id == facts.proposal_id and entry.proposals != proposal.digest
        }
        if others:
            raise AnomalyError(
                f"{proposal.folder}: the proposals are not those that were decided about (SHA-256 "
                f"{proposal.digest[:12]}, decided: {', '.join(sorted(one[:12] for one in others))})"
                "; bring them back, or propose anew"
            )
        states = fold_decisions(
            chain.entries, proposal_id=facts.proposal_id, series_key=facts.series_key
        )
        book = build_order_book(
            proposal.table,
            states,
            proposal.terms,
            series_key=facts.series_key,
            approval=proposal.approval,
        )
        return cls(proposal, chain, book)


def audit_log_file(config: RunConfig) -> Path:
    """The audit log of a pipeline."""
    return orders_folder(config) / AUDIT_LOG_FILE


def open_desk(config: RunConfig, name: str = LATEST) -> Desk:
    """Reads a proposal and what was decided about it, to look at.

    Raises:
        BadInputError: There is no such proposal, or a file cannot be read.
        ContractError: Its files break their contract.
        AnomalyError: The log is broken, or the proposals are not those that were decided about.
    """
    proposal = find_proposal(orders_folder(config), name)
    path = audit_log_file(config)
    return Desk.of(proposal, trusted(read_audit_log(path), path))


def decide(
    config: RunConfig,
    name: str,
    asking: Asking,
    *,
    user: str,
    now: Callable[[], str] = utc_now,
) -> list[AuditEntry]:
    """Grants requests and writes them down: all of them or none.

    Args:
        config: The pipeline.
        name: The proposal.
        asking: Gives the requests, and refusals that were found on the way to them.
        user: Who decides.
        now: Tells the moment.

    Returns:
        What was decided; requests for what is already so are not among it.

    Raises:
        BadInputError: A request is refused; the message says why, for each.
        AnomalyError: As for `open_desk`.
    """
    check_words(user, what="--user")
    proposal = find_proposal(orders_folder(config), name)
    with audit_writer(audit_log_file(config), user=user, now=now) as writer:
        desk = Desk.of(proposal, writer.chain)
        entries = _granted(desk, asking, user=user, moment=now())
        writer.append(entries)
    _say_waiting(desk, entries)
    return entries


def try_deciding(config: RunConfig, name: str, asking: Asking, *, user: str) -> list[AuditEntry]:
    """Says what `decide` would write down; writes nothing."""
    desk = open_desk(config, name)
    entries = _granted(desk, asking, user=user, moment="")
    _say_waiting(desk, entries)
    return entries


def _granted(desk: Desk, asking: Asking, *, user: str, moment: str) -> list[AuditEntry]:
    """Checks requests and words them as entries; says what is doubtful about them."""
    key, proposal = desk.series_key, desk.proposal
    requests, refusals = asking(desk)
    requests = without_repetitions(requests, desk.book, series_key=key)
    # A row that cannot be read is complained about once, for what was read of it is nothing.
    unread = refusals["row"].drop_nulls().implode()
    readable = requests.filter(pl.col("#row").is_null() | ~pl.col("#row").is_in(unread))
    approver = user if proposal.approval.four_eyes else None
    found = check_requests(readable, desk.book, series_key=key, approver=approver)
    refusals = pl.concat([refusals, found])
    if refusals.height:
        raise refusal_error(refusals)
    for reason in requests["#reason"].unique():
        check_words(reason, what="reason")
    _warn(doubtful_requests(requests, desk.book, series_key=key))
    return [
        replace(
            entry,
            moment=moment,
            user=user,
            proposal_id=proposal.facts.proposal_id,
            proposals=proposal.digest,
        )
        for entry in entries_of(requests, desk.book, series_key=key)
    ]


def _say_waiting(desk: Desk, entries: Sequence[AuditEntry]) -> None:
    """Says which changes count only when somebody has approved them."""
    changed = {
        tuple(entry.key.values()) for entry in entries if entry.action == CHANGE and entry.key
    }
    if not changed:
        return
    chain = replace(desk.chain, entries=(*desk.chain.entries, *entries))
    key = list(desk.series_key)
    lines = pl.DataFrame(sorted(changed), dict.fromkeys(key, pl.String()), orient="row")
    book = Desk.of(desk.proposal, chain).book.join(lines, on=key, how="semi")
    waiting = book.filter(pl.col("waiting") & pl.col("approval_reason").is_not_null())
    words = pl.format("{}: waits for approval: {}", series_text(key), "approval_reason")
    _warn(waiting.select(words).to_series().to_list())


def _warn(sentences: Sequence[str]) -> None:
    for sentence in sentences[:_SHOWN]:
        _LOG.warning("%s", sentence)
    if len(sentences) > _SHOWN:
        _LOG.warning("and %s more such lines", f"{len(sentences) - _SHOWN:,}")


def find_series(desk: Desk, names: Sequence[str]) -> pl.DataFrame:
    """Finds series by their keys, written as one word each.

    Returns:
        The columns of the key, in the order of the names; each series once.

    Raises:
        BadInputError: Some are not in the proposal, or a name fits several.
    """
    key = list(desk.series_key)
    wanted = pl.DataFrame({"#name": list(names)}, schema={"#name": pl.String}).unique(
        maintain_order=True
    )
    lines = desk.book.select(*key, series_text(key).alias("#name"))
    found = wanted.join(lines, on="#name", how="left", maintain_order="left")
    unknown = found.filter(pl.col(key[0]).is_null())["#name"].to_list()
    twice = found.filter(pl.col("#name").is_duplicated())["#name"].unique().to_list()
    for what, bad in (("not in the proposal", unknown), ("the name of several series", twice)):
        if bad:
            shown = ", ".join(map(repr, bad[:3]))
            first = lines["#name"].head(1).to_list()
            raise BadInputError(
                f"series {shown}: {what} ({len(bad)}); allowed: the parts of the key joined by "
                f"'/', as in {', '.join(first)}"
            )
    return found.select(key)


def refusal_error(refusals: pl.DataFrame) -> BadInputError:
    """Words refusals as one error."""
    lines = [
        (f"row {row['row']}" if row["row"] is not None else row["series"])
        + f": column {row['column']!r}: got {row['value']!r}; allowed: {row['allowed']}"
        + (f" ({row['series']})" if row["row"] is not None else "")
        for row in refusals.head(_SHOWN).iter_rows(named=True)
    ]
    more = refusals.height - len(lines)
    count = f"{refusals.height} {'complaint' if refusals.height == 1 else 'complaints'}"
    return BadInputError(
        "\n  ".join([f"nothing was decided; {count}:", *lines])
        + (f"\n  and {more} more" if more > 0 else "")
    )


def check_words(text: str, *, what: str) -> None:
    """Refuses words that could not be read in the log.

    Raises:
        BadInputError: They are no Unicode, too long, or (a name) empty.
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise BadInputError(f"{what}: {text!a}: is no Unicode text") from error
    if len(text) > _LONGEST_WORDS or (what == "--user" and not text.strip()):
        raise BadInputError(f"{what}: got {len(text)} characters; allowed: 1 to {_LONGEST_WORDS:,}")
