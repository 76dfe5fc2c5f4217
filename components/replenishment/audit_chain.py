"""The audit log as text: one JSON object per line, each with the digest of the line before.

    line 1   {"sequence": 1, ..., "previous": "000..."}
    line 2   {"sequence": 2, ..., "previous": SHA-256 of line 1, without its line feed}
    line 3   {"sequence": 3, ..., "previous": SHA-256 of line 2}

Who changes, adds or removes a line in the middle breaks the chain at the line after it. Who can
write the file can also write all of it anew from some line on, or cut its end off: only a digest
that was kept elsewhere shows that. Nothing here reads or writes files.

Lines that belong together, such as the decisions of one review file, are numbered `part` of
`parts`; a log that ends amid them was cut short by a crash, and none of them counts.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["GENESIS", "AuditChain", "AuditEntry", "digest_of", "link", "read_chain"]

GENESIS = "0" * 64
"""Stands for the digest of the line before the first."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A line of the log.

    Attributes:
        action: approve, reject, change, export, or set_aside (what a crash left of a line).
        moment: When, ISO 8601, UTC.
        user: Who, as given; not a proven identity.
        proposal_id: Proposal that it is about; empty for set_aside.
        proposals: SHA-256 of the proposal table that was decided about.
        key: Series of the line, by column of the key; none where it is about no single line.
        before: Units that were to be ordered until then; none if nothing could be computed.
        after: Units that are to be ordered from then on.
        reason: Why, in the user's words; may be empty.
        forced: Whether pack and least order were overruled.
        details: Of an export: its file and lines; of set_aside: where the rest of the line is.
        part: Position among the entries that count together, from 1.
        parts: How many those are.
        sequence: Number of the line, from 1.
        previous: Digest of the line before.
    """

    action: str
    moment: str
    user: str
    proposal_id: str = ""
    proposals: str = ""
    key: Mapping[str, str] | None = None
    before: float | None = None
    after: float | None = None
    reason: str = ""
    forced: bool = False
    details: Mapping[str, Any] | None = None
    part: int = 1
    parts: int = 1
    sequence: int = 0
    previous: str = GENESIS

    def line(self) -> bytes:
        """Writes the entry as its line of the log, without the line feed."""
        values = {name: getattr(self, name) for name in _FIELDS}
        return json.dumps(values, ensure_ascii=False, allow_nan=False).encode("utf-8")


_FIELDS = (
    "sequence",
    *(
        field.name
        for field in dataclasses.fields(AuditEntry)
        if field.name not in {"sequence", "previous"}
    ),
    "previous",
)
_TYPES: dict[str, tuple[type, ...]] = {
    "action": (str,),
    "moment": (str,),
    "user": (str,),
    "proposal_id": (str,),
    "proposals": (str,),
    "key": (dict, type(None)),
    "before": (int, float, type(None)),
    "after": (int, float, type(None)),
    "reason": (str,),
    "forced": (bool,),
    "details": (dict, type(None)),
    "part": (int,),
    "parts": (int,),
    "sequence": (int,),
    "previous": (str,),
}


@dataclass(frozen=True)
class AuditChain:
    """What a log holds.

    Attributes:
        entries: Its entries, up to the first line that cannot be trusted.
        head: Digest of the last of them.
        torn: Bytes at the end that a crash left; they count for nothing.
        broken: Where and how the chain is broken; empty if it is whole.
    """

    entries: tuple[AuditEntry, ...]
    head: str
    torn: bytes
    broken: str


def digest_of(content: bytes) -> str:
    """Returns the SHA-256 of a line without its line feed, or of a file, in hexadecimal.

    >>> digest_of(b"")[:16]
    'e3b0c44298fc1c14'
    """
    return hashlib.sha256(content).hexdigest()


def link(entries: Sequence[AuditEntry], *, after: int, head: str) -> tuple[list[bytes], str]:
    """Numbers entries that count together, and chains them to what is there.

    Args:
        entries: New entries.
        after: Number of the last line that is there; 0 if there is none.
        head: Digest of that line; `GENESIS` if there is none.

    Returns:
        Their lines without line feeds, and the digest of the last.

    >>> lines, head = link([AuditEntry("approve", "", "anna")], after=0, head=GENESIS)
    >>> head == digest_of(lines[0])
    True
    """
    lines = []
    # Each line holds the digest of the one before, so they are made one by one.
    for part, entry in enumerate(entries, start=1):
        numbered = dataclasses.replace(
            entry, part=part, parts=len(entries), sequence=after + part, previous=head
        )
        lines.append(numbered.line())
        head = digest_of(lines[-1])
    return lines, head


def read_chain(content: bytes) -> AuditChain:
    """Reads a log and checks its chain.

    Only the end can be torn: bytes without a line feed, a last line that is no entry, and the
    first lines of several that count together when the others are missing. Anything else that does
    not fit is a break.

    Args:
        content: All bytes of the log; none is an empty log.
    """
    *lines, rest = content.split(b"\n")
    entries: list[AuditEntry] = []
    head, broken = GENESIS, ""
    for number, line in enumerate(lines, start=1):
        entry = _parse(line)
        if entry is None and number == len(lines) and not rest:
            rest = line + b"\n"
            break
        broken = _complaint(entry, number, head, entries)
        if broken or entry is None:
            break
        entries.append(entry)
        head = digest_of(line)
    if not broken:
        entries, head, rest = _without_half_batch(entries, lines, head, rest)
    return AuditChain(tuple(entries), head, b"" if broken else rest, broken)


def _parse(line: bytes) -> AuditEntry | None:
    try:
        values = json.loads(line)
    except ValueError:
        return None
    if not isinstance(values, dict) or values.keys() != _TYPES.keys():
        return None
    if not all(isinstance(values[name], kinds) for name, kinds in _TYPES.items()):
        return None
    return AuditEntry(**values)


def _complaint(
    entry: AuditEntry | None, number: int, head: str, before: Sequence[AuditEntry]
) -> str:
    """Says why a line does not go on from those before it; empty if it does."""
    if entry is None:
        return f"line {number} is no entry of an audit log"
    if entry.previous != head:
        what = "it is not the first" if number == 1 else f"line {number - 1} is another"
        return (
            f"line {number} does not follow from the line before: {what} than when line {number} "
            "was written; lines were changed, added or removed"
        )
    if entry.sequence != number:
        return f"line {number} says that it is number {entry.sequence}"
    last = before[-1] if before else None
    expected = 1 if last is None or last.part == last.parts else last.part + 1
    parts = entry.parts if expected == 1 or last is None else last.parts
    if (entry.part, entry.parts) != (expected, parts) or entry.part > entry.parts:
        return (
            f"line {number} is part {entry.part} of {entry.parts}; expected part {expected}"
            f" of {parts}"
        )
    return ""


def _without_half_batch(
    entries: list[AuditEntry], lines: Sequence[bytes], head: str, rest: bytes
) -> tuple[list[AuditEntry], str, bytes]:
    """Takes the entries of an unfinished batch away, and adds their bytes to what is torn."""
    if not entries or entries[-1].part == entries[-1].parts:
        return entries, head, rest
    kept = len(entries) - entries[-1].part
    torn = b"".join(line + b"\n" for line in lines[kept : len(entries)]) + rest
    return entries[:kept], entries[kept].previous, torn
