"""Exports: a file of purchase orders, once per line, and the same file again."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from demandcast.components.replenishment.audit_chain import AuditEntry, digest_of
from demandcast.components.replenishment.decisions import EXPORT
from demandcast.components.replenishment.purchase_orders import (
    EXPORT_FORMATS,
    ExportFacts,
    ExportFormat,
    export_content,
    logged_lines,
    number_lines,
    recorded_lines,
)
from demandcast.components.storage.files import ChangedError, LocalFiles, aside_of
from demandcast.pipeline.orders.audit_file import audit_writer, utc_now
from demandcast.pipeline.orders.desk import Desk, audit_log_file, check_words, open_desk
from demandcast.pipeline.orders.export_lines import Leave, lines_to_export, waiting_lines
from demandcast.pipeline.orders.proposal_folders import LATEST, find_proposal
from demandcast.pipeline.places import orders_folder
from demandcast.schema.config import RunConfig
from demandcast.schema.errors import AnomalyError, BadInputError

__all__ = ["Export", "export_again", "export_orders", "form_of"]


@dataclass(frozen=True)
class Export:
    """A file of purchase orders.

    Attributes:
        export_id: Its identity.
        file: Where it was written.
        sha256: Of its content.
        purchase_orders: How many there are in it.
        lines: How many lines they have.
        value: Of the lines whose unit cost is known, currency units.
        waiting: Lines that were left out, for they wait for a person.
        ordered_before: Lines that were left out, for another proposal has ordered them already.
    """

    export_id: str
    file: str
    sha256: str
    purchase_orders: int
    lines: int
    value: float
    waiting: tuple[str, ...]
    ordered_before: tuple[str, ...] = ()


def form_of(path: Path) -> ExportFormat:
    """Tells the format by the suffix.

    Raises:
        BadInputError: It is another.
    """
    for form in EXPORT_FORMATS:
        if path.suffix.lower() == f".{form}":
            return form
    raise BadInputError(f"--output: {path}: the name must end in .csv or .json")


def export_orders(
    config: RunConfig,
    name: str,
    path: Path,
    *,
    user: str,
    leave: Leave,
    now: Callable[[], str] = utc_now,
) -> Export:
    """Writes what may be exported and was not, and says so in the log.

    The log has the export before its file is there: after a crash between the two the lines
    count as exported, and `export_again` writes the file.

    Args:
        config: The pipeline.
        name: The proposal.
        path: The file; it must not be there yet.
        user: Who exports.
        leave: What becomes of lines that wait, and of those that were ordered before.
        now: Tells the moment.

    Raises:
        BadInputError: There is nothing to export; lines wait, or all others were ordered by
            another proposal; the file is there or cannot be
            written; the export is then not in the log.
        AnomalyError: The log is broken, or the proposals are not those that were decided about.
    """
    form = form_of(path)
    check_words(user, what="--user")
    proposal = find_proposal(orders_folder(config), name)
    _refuse_existing(path)
    with audit_writer(audit_log_file(config), user=user, now=now) as writer:
        desk = Desk.of(proposal, writer.chain)
        lines, before = lines_to_export(desk, leave)
        entry = _entry(desk, lines, form, (now(), user))
        content = _content(desk, entry, head=writer.chain.head)
        aside = _write_aside(path, content)
        try:
            # Nobody has seen the entry yet: its digest is part of itself only from here on.
            details = {**(entry.details or {}), "file": path.name, "sha256": digest_of(content)}
            writer.append([_with_details(entry, details)])
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
        _put_in_place(aside, path, str(details["export_id"]))
    return replace(_described(details, path, lines, waiting_lines(desk)), ordered_before=before)


def export_again(config: RunConfig, name: str, path: Path, *, export_id: str = LATEST) -> Export:
    """Writes the file of an export again, byte for byte; a file of that name is replaced.

    Args:
        config: The pipeline.
        name: The proposal.
        path: The file.
        export_id: The export, or `LATEST`.

    Raises:
        BadInputError: There is no such export, it has another format, or the file cannot be
            written.
        AnomalyError: What comes out is not what the log says; or as for `export_orders`.
    """
    form = form_of(path)
    desk = open_desk(config, name)
    chain = desk.chain
    entry = _find_export(desk, export_id)
    details = dict(entry.details or {})
    if details["format"] != form:
        raise BadInputError(
            f"--output: {path}: export {details['export_id']} is {details['format']}; name the "
            f"file so"
        )
    head = chain.entries[entry.sequence - 1].previous
    content = _content(desk, entry, head=head)
    if digest_of(content) != details["sha256"]:
        raise AnomalyError(
            f"export {details['export_id']}: its file cannot be made again: SHA-256 "
            f"{digest_of(content)}, in the log {details['sha256']}; it was made by another release"
        )
    aside = _write_aside(path, content)
    LocalFiles().rename(str(aside), str(path))
    lines = desk.book.filter(pl.col("export_id") == details["export_id"])
    return _described(details, path, lines, waiting_lines(desk))


def _entry(
    desk: Desk, lines: pl.DataFrame, form: ExportFormat, made: tuple[str, str]
) -> AuditEntry:
    """Describes an export as the log has it, but for its file."""
    facts, (moment, user) = desk.proposal.facts, made
    number = 1 + sum(
        entry.action == EXPORT and entry.proposal_id == facts.proposal_id
        for entry in desk.chain.entries
    )
    export_id = f"{facts.proposal_id}-E{number}"
    numbered = number_lines(lines, export_id, series_key=desk.series_key)
    return AuditEntry(
        EXPORT,
        moment,
        user,
        facts.proposal_id,
        desk.proposal.digest,
        details={
            "export_id": export_id,
            "format": form,
            "lines": logged_lines(numbered, series_key=desk.series_key),
        },
    )


def _with_details(entry: AuditEntry, details: dict[str, Any]) -> AuditEntry:
    # The lines, which are many, stand last.
    ordered = {name: value for name, value in details.items() if name != "lines"}
    return AuditEntry(
        entry.action,
        entry.moment,
        entry.user,
        entry.proposal_id,
        entry.proposals,
        details={**ordered, "lines": details["lines"]},
    )


def _content(desk: Desk, entry: AuditEntry, *, head: str) -> bytes:
    details, facts = dict(entry.details or {}), desk.proposal.facts
    return export_content(
        recorded_lines(details["lines"], series_key=desk.series_key),
        desk.proposal.table,
        ExportFacts(
            export_id=details["export_id"],
            proposal_id=facts.proposal_id,
            cutoff=None if facts.cutoff is None else facts.cutoff.isoformat(),
            moment=entry.moment,
            user=entry.user,
            currency=facts.currency,
            audit_head=head,
        ),
        series_key=desk.series_key,
        form=details["format"],
    )


def _find_export(desk: Desk, export_id: str) -> AuditEntry:
    proposal_id = desk.proposal.facts.proposal_id
    exports = {
        str((entry.details or {})["export_id"]): entry
        for entry in desk.chain.entries
        if entry.action == EXPORT and entry.proposal_id == proposal_id
    }
    if not exports:
        raise BadInputError(f"--again: nothing of proposal {proposal_id} was exported yet")
    wanted = next(reversed(exports)) if export_id == LATEST else export_id
    if wanted not in exports:
        raise BadInputError(
            f"--again: no export {wanted!r}; allowed: {LATEST!r} or one of {list(exports)}"
        )
    return exports[wanted]


def _refuse_existing(path: Path) -> None:
    if path.exists():
        raise BadInputError(
            f"--output: {path} is there, and may hold orders; name another file, or remove it"
        )


def _write_aside(path: Path, content: bytes) -> Path:
    aside = Path(aside_of(str(path.absolute())))
    try:
        LocalFiles().write(str(aside), content)
    except OSError as error:
        with contextlib.suppress(OSError):
            aside.unlink()
        raise BadInputError(
            f"--output: {path} cannot be written: {error.strerror or error}"
        ) from error
    return aside


def _put_in_place(aside: Path, path: Path, export_id: str) -> None:
    try:
        LocalFiles().make(str(aside), str(path))
    except (ChangedError, OSError) as error:
        aside.unlink(missing_ok=True)
        raise BadInputError(
            f"--output: {path} cannot be written any more: {error}; the lines count as exported "
            f"in {export_id}: write its file with --again"
        ) from error


def _described(
    details: dict[str, Any], path: Path, lines: pl.DataFrame, waiting: tuple[str, ...]
) -> Export:
    return Export(
        export_id=details["export_id"],
        file=str(path),
        sha256=details["sha256"],
        purchase_orders=len({line["purchase_order"] for line in details["lines"]}),
        lines=len(details["lines"]),
        value=float(lines["final_value"].sum()),
        waiting=waiting,
    )
