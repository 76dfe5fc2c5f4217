"""An allocation as a page shows it."""

from demandcast.components.reporting.page_transfers import (
    TransferRow,
    TransfersPart,
    WarehouseRow,
)

__all__ = ["transfer_row", "transfers", "warehouse_row"]


def transfer_row(**changes):
    """6 units from w to a series that would be 9 short."""
    return TransferRow(
        **{
            "series": "s1/milk",
            "status": "sent",
            "warehouse": "w",
            "quantity": 6.0,
            "lost_without": 9.0,
            "lost": 3.0,
            "avoided_cost": 12.0,
            "transport_cost": 0.6,
            "reason": "6 units from w, there on 2026-07-01",
        }
        | changes
    )


def warehouse_row(**changes):
    """6 of 8 units are sent."""
    return WarehouseRow(
        **{
            "warehouse": "w",
            "item": "milk",
            "on_hand": 8.0,
            "sent": 6.0,
            "left_over": 2.0,
            "series": 1,
            "reason": "what is left is less than a pack",
        }
        | changes
    )


def transfers(**changes):
    """One transfer, and a series that gets nothing."""
    nothing = {"warehouse": "", "quantity": 0.0, "transport_cost": None}
    return TransfersPart(
        **{
            "cutoff": "2026-06-30",
            "currency": "EUR",
            "rows": (
                transfer_row(series="s2/milk", status="covered", **nothing),
                transfer_row(),
            ),
            "warehouses": (warehouse_row(),),
            "counts": {"sent": 1, "covered": 1},
            "units_sent": 6.0,
            "units_left": 2.0,
            "avoided_cost": 12.0,
            "transport_cost": 0.6,
        }
        | changes
    )
