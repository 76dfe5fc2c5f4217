"""What people decide about proposed orders, and the state of a line that follows from it.

    proposed --approve--> approved   the quantity that stands is ordered
             --reject---> rejected   nothing is ordered
             --change---> changed    another quantity is ordered, if that needs no approval
    any of these but rejected --export--> exported, which nothing changes any more

A changed line can be approved as it is; a rejected one too, as proposed, or it can be changed. A
line that needs no approval is exported as it stands, unless it is rejected. A line without an
order, blocked or infeasible, has nothing to approve or reject; it can be changed to a quantity.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from demandcast.components.replenishment.audit_chain import AuditEntry

__all__ = [
    "ACTIONS",
    "APPROVE",
    "CHANGE",
    "EXPORT",
    "REJECT",
    "SET_ASIDE",
    "STATES",
    "LineState",
    "fold_decisions",
]

APPROVE, REJECT, CHANGE, EXPORT, SET_ASIDE = "approve", "reject", "change", "export", "set_aside"
ACTIONS = (APPROVE, REJECT, CHANGE)
"""What a person may decide about a line."""

STATES = {
    "proposed": "Nobody has decided about it.",
    "approved": "The quantity that stands was agreed to.",
    "rejected": "Nothing is ordered.",
    "changed": "A person set another quantity; nobody has approved it.",
    "exported": "It was written into a file of orders.",
}
"""States of a line, and what each means."""

_STATE_AFTER = {APPROVE: "approved", REJECT: "rejected", CHANGE: "changed"}


@dataclass(frozen=True, slots=True)
class LineState:
    """State of a line that somebody decided about, or that was exported.

    Attributes:
        state: One of `STATES`.
        quantity: Units that are to be ordered, or were; 0 if rejected.
        user: Who decided last, or exported.
        moment: When, ISO 8601, UTC.
        reason: Why.
        sequence: Number of the entry of the log.
        override_by: Who set a quantity other than the proposed one, 0 included; empty if it stands.
        override_reason: Why.
        export_id: The export in which the line is; empty if in none.
    """

    state: str
    quantity: float
    user: str
    moment: str
    reason: str
    sequence: int
    override_by: str = ""
    override_reason: str = ""
    export_id: str = ""


def fold_decisions(
    entries: Iterable[AuditEntry], *, proposal_id: str, series_key: Sequence[str]
) -> dict[tuple[str, ...], LineState]:
    """Computes the state of each line of a proposal from the log; the last word counts.

    Args:
        entries: All entries, oldest first; those of other proposals are passed over.
        proposal_id: The proposal.
        series_key: Columns of the key, in the order of the result's keys.

    Returns:
        State by series; a series that is not in it is as proposed.
    """
    states: dict[tuple[str, ...], LineState] = {}
    for entry in entries:
        if entry.proposal_id != proposal_id:
            continue
        if entry.action == EXPORT and entry.details is not None:
            for line in entry.details["lines"]:
                key = tuple(line["key"])
                states[key] = _exported(states.get(key), line["quantity"], entry)
        elif entry.action in _STATE_AFTER and entry.key is not None:
            key = tuple(entry.key[name] for name in series_key)
            states[key] = _decided(states.get(key), entry)
    return states


def _decided(before: LineState | None, entry: AuditEntry) -> LineState:
    """Follows a decision; nothing is undone that left the house."""
    if before is not None and before.state == "exported":
        return before
    by, why = entry.user, entry.reason
    if entry.action == APPROVE:
        # To approve a changed line agrees to the change; a rejected one is ordered as proposed.
        kept = before is not None and before.state != "rejected"
        by, why = (before.override_by, before.override_reason) if before and kept else ("", "")
    return LineState(
        state=_STATE_AFTER[entry.action],
        quantity=float(entry.after or 0.0),
        user=entry.user,
        moment=entry.moment,
        reason=entry.reason,
        sequence=entry.sequence,
        override_by=by,
        override_reason=why,
    )


def _exported(before: LineState | None, quantity: float, entry: AuditEntry) -> LineState:
    details = entry.details or {}
    if before is None:
        before = LineState("proposed", quantity, "", "", "", 0)
    if before.state == "exported":
        return before
    return dataclasses.replace(
        before,
        state="exported",
        quantity=float(quantity),
        user=entry.user,
        moment=entry.moment,
        sequence=entry.sequence,
        export_id=str(details.get("export_id", "")),
    )
