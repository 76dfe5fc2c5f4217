"""Made-up facts of simulations, for tests of their files and pages."""

from __future__ import annotations

from typing import Any

__all__ = ["POLICIES", "facts", "policy_values"]

POLICIES = ("demandcast", "textbook", "eoq", "last_year", "perfect_foresight")


def policy_values(policy: str, target: float, cost: float, **changes: Any) -> dict[str, Any]:
    """A row as `compare_chunks` has it; half of the cost is of stock, the rest of the others."""
    values = {
        "policy": policy,
        "target": target,
        "series": 40,
        "cycles": 400,
        "cycle_service_level": target - 0.01,
        "cycle_service_level_low": target - 0.02,
        "cycle_service_level_high": target,
        "cycle_service_level_over_series": target - 0.01,
        "fill_rate": 0.985,
        "mean_on_hand": 12.5,
        "orders": 380.0,
        "waste": 0.0,
        "holding_cost": cost / 2,
        "stockout_cost": cost / 4,
        "order_cost": cost / 8,
        "purchase_cost": 10 * cost,
        "waste_cost": cost / 8,
        "operating_cost": cost,
        "total_cost": 11 * cost,
        "mean_on_hand_ratio": 0.9,
        "operating_cost_ratio": None,
        "operating_cost_ratio_low": None,
        "operating_cost_ratio_high": None,
        "total_cost_ratio": None,
    }
    return values | changes


def facts(**changes: Any) -> dict[str, Any]:
    """Five policies at three targets: ours costs 0.9 of the textbook's."""
    rows = []
    for target in (0.9, 0.95, 0.98):
        base = 10_000 * (1 + target)
        ratio = {
            "operating_cost_ratio": 0.9,
            "operating_cost_ratio_low": 0.85,
            "operating_cost_ratio_high": 0.95,
        }
        rows += [
            policy_values("demandcast", target, 0.9 * base, **ratio),
            policy_values("textbook", target, base, operating_cost_ratio=1.0),
            policy_values("eoq", target, 1.4 * base, operating_cost_ratio=1.4),
            policy_values("last_year", target, 2.0 * base, cycle_service_level=0.7),
            policy_values("perfect_foresight", target, 0.2 * base, cycle_service_level=1.0),
        ]
    values = {
        "pipeline": "market",
        "created": "2026-07-01T08:00:00+00:00",
        "series": 40,
        "left_out": {"no_forecast": 3, "no_terms": 5},
        "first": "2026-03-01",
        "last": "2026-06-30",
        "warm_up": 9,
        "cutoffs": 40,
        "teaching": 13,
        "measure": "cycle_service_level",
        "unmet_demand": "lost",
        "lead_times": 2.37,
        "model": "0123456789abcdef",
        "demand": "",
        "whole_lots": True,
        "reference": "textbook",
        "seconds": 12.5,
        "aimed_at": 0.95,
        "period_days": 1,
        "currency": "EUR",
        "policies": rows,
    }
    return values | changes
