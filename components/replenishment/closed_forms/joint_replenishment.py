"""Items that share the cost of an order: a common cycle, and multiples of it for each item."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from demandcast.components.replenishment.closed_forms.checks import (
    FloatArray,
    not_negative,
    positive,
    whole,
)

__all__ = ["JointPlan", "joint_replenishment"]


@dataclass(frozen=True)
class JointPlan:
    """When a family of items is ordered, and what it costs.

    Attributes:
        cycle: T, periods from one order of the family to the next. Shape [...].
        multiples: m, the item is part of every m-th order. Shape [..., N].
        order_quantities: T m d, units per order of the item. Shape [..., N].
        cost: Currency per period. Shape [...].
    """

    cycle: FloatArray
    multiples: FloatArray
    order_quantities: FloatArray
    cost: FloatArray


def joint_replenishment(
    demand_rates: npt.ArrayLike,
    *,
    shared_order_cost: npt.ArrayLike,
    order_costs: npt.ArrayLike,
    holding_costs: npt.ArrayLike,
    multiples: npt.ArrayLike | None = None,
    cycle: npt.ArrayLike | None = None,
) -> JointPlan:
    """Finds a cycle and multiples by Silver's heuristic, or says what given ones cost.

    Formula: the item with the least k / (h d) is part of every order; the multiple of another is
    sqrt(k / (h d) x h0 d0 / (K + k0)), rounded, at least 1, with 0 for that first item.
    T* = sqrt(2 (K + sum of k / m) / sum of h m d);
    cost = (K + sum of k / m) / T + T / 2 sum of h m d. T* is exact for the multiples.

    Args:
        demand_rates: d, units per period, above 0. Shape [..., N]: N items of each family.
        shared_order_cost: K, currency per order of the family, at least 0. Shape [...].
        order_costs: k, currency per order in which the item takes part, at least 0; above 0
            for all items of a family whose shared cost is 0. Shape [..., N].
        holding_costs: h, currency per unit and period, above 0. Shape [..., N].
        multiples: m to evaluate, whole, at least 1. Shape [..., N]; None: by the heuristic.
        cycle: T to evaluate, periods, above 0. Shape [...]; None: the best for the multiples.

    Raises:
        BadInputError: A value is out of its range.

    Source:
        Silver (1976), A Simple Method of Determining Order Quantities in Joint Replenishments
        Under Deterministic Demand, Management Science 22(12), 1351-1361.

    >>> plan = joint_replenishment(
    ...     [1.0, 1.0, 1.0],
    ...     shared_order_cost=600,
    ...     order_costs=[120, 840, 300],
    ...     holding_costs=[160, 20, 50],
    ... )
    >>> plan.multiples.tolist(), round(float(plan.cost), 3)
    ([1.0, 3.0, 1.0], 837.854)
    """
    rates = positive("demand_rates", demand_rates)
    shared = not_negative("shared_order_cost", shared_order_cost)
    own = not_negative("order_costs", order_costs)
    holding = positive("holding_costs", holding_costs)
    if multiples is None:
        each = _multiples(own, holding * rates, shared)
    else:
        each = positive("multiples", whole("multiples", multiples))
    per_order = shared + (own / each).sum(axis=-1)
    per_cycle = (holding * each * rates).sum(axis=-1)
    length = np.sqrt(2 * per_order / per_cycle) if cycle is None else positive("cycle", cycle)
    return JointPlan(
        cycle=np.asarray(length),
        multiples=each,
        order_quantities=np.asarray(length[..., None] * each * rates),
        cost=np.asarray(per_order / length + length / 2 * per_cycle),
    )


def _multiples(own: FloatArray, weight: FloatArray, shared: FloatArray) -> FloatArray:
    """Returns Silver's multiples; `weight` is h d. The item that is in every order has 1."""
    own, weight = np.broadcast_arrays(own, weight)
    first = (own / weight).argmin(axis=-1)[..., None]
    base_cost = shared[..., None] + np.take_along_axis(own, first, axis=-1)
    base = np.take_along_axis(weight, first, axis=-1) / positive(
        "the shared order cost and that of the item ordered most often, together,", base_cost
    )
    return np.asarray(np.maximum(np.rint(np.sqrt(own / weight * base)), 1.0))
