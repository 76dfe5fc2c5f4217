"""Lines that another export has ordered already, of which the proposal knew nothing.

Two proposals of one evening want the same units. What the first one ordered is on its way, and the
second one sees that only if the open orders say so: then it wants less by itself.

    proposal 1   on order 10, exports 24           seen: 34 on order
    proposal 2   on order 10: it saw nothing of them, and its 24 would come twice
                 on order 34: it saw them, and what it orders is wanted beside them
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from demandcast.components.replenishment.approvals import SAME_UNITS
from demandcast.components.replenishment.audit_chain import AuditEntry
from demandcast.components.replenishment.decisions import EXPORT
from demandcast.components.replenishment.purchase_orders import order_day, recorded_lines

__all__ = ["ordered_before"]


def ordered_before(
    lines: pl.DataFrame,
    entries: Iterable[AuditEntry],
    *,
    proposal_id: str,
    series_key: Sequence[str],
) -> pl.DataFrame:
    """Finds the lines that an export of another proposal has ordered and this one did not see.

    Lines are the same with the same series, supplier and day of the order. The log alone says what
    was exported, so proposals and files may be gone.

    Args:
        lines: Lines of the order book that are to be exported.
        entries: All entries of the log, oldest first.
        proposal_id: Proposal of the lines.
        series_key: Columns of the key.

    Returns:
        Those lines, with `ordered_in` (the last such export) and `ordered_units` (of all of them).
    """
    place = [*series_key, "supplier", "order_day"]
    dated = lines.with_columns(order_day().alias("order_day"))
    others = (entry for entry in entries if entry.proposal_id != proposal_id)
    exported = _exported(others, set(dated["order_day"]), series_key)
    # What was on its way before an export, and all that was exported from then on.
    since = pl.col("quantity").reverse().cum_sum().reverse().over(place)
    seen = exported.with_columns((pl.col("on_order") + since).alias("#on_order_since"))
    totals = seen.group_by(place).agg(
        pl.col("#on_order_since").max(),
        pl.col("export_id").last().alias("ordered_in"),
        pl.col("quantity").sum().alias("ordered_units"),
    )
    joined = dated.join(totals, on=place, how="inner", maintain_order="left")
    unseen = pl.col("on_order").fill_null(0.0) < pl.col("#on_order_since") - SAME_UNITS
    return joined.filter(unseen).drop("order_day", "#on_order_since")


def _exported(
    entries: Iterable[AuditEntry], days: set[str], series_key: Sequence[str]
) -> pl.DataFrame:
    """Lines of exports for some days, oldest first; those of another key are left out."""
    # Days first: a log has the lines of years.
    found = [
        {**line, "export_id": str(entry.details["export_id"])}
        for entry in entries
        if entry.action == EXPORT and entry.details
        for line in entry.details["lines"]
        if line.get("order_day") in days and len(line["key"]) == len(series_key)
    ]
    ids = pl.Series("export_id", [line["export_id"] for line in found], pl.String)
    return recorded_lines(found, series_key=series_key).with_columns(ids)
