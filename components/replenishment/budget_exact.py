"""The best choice of packs, by an integer program: for few lines, and to judge the fast way."""

from __future__ import annotations

import numpy as np
from scipy import optimize, sparse

from demandcast.components.replenishment.budget_problem import PackLimit, PackProblem
from demandcast.components.replenishment.line_inputs import FloatArray, IntArray

__all__ = ["best_packs", "count_lots"]


def count_lots(problem: PackProblem) -> int:
    """Counts the lots that are worth something: the size of the integer program."""
    return int(_lots_per_line(problem).sum())


def best_packs(problem: PackProblem) -> IntArray | None:
    """Solves the integer program with HiGHS.

    Formula: maximise sum w_ij s_ij x_ij with x_ij in {0, 1}, s_ij the packs of lot j of line i
    and w_ij their worth per pack; x_ij <= x_i1, as no lot comes without the smallest order; for
    each limit and group sum usage_i s_ij x_ij <= supply.

    Args:
        problem: Lines and limits.

    Returns:
        A choice that keeps the limits; None if HiGHS finds none. Shape [N].

    Source:
        Multiple-choice knapsack: Sinha and Zoltners (1979), Operations Research 27(3), 503-515.
    """
    per_line = _lots_per_line(problem)
    line = np.repeat(np.arange(per_line.size), per_line)
    if not line.size:
        return np.zeros_like(problem.most)
    first = np.repeat(np.cumsum(per_line) - per_line, per_line)
    number = np.arange(line.size) - first
    size = np.where(number == 0, problem.smallest[line], 1)
    packs_before = np.where(number == 0, 0, problem.smallest[line] + number - 1)
    value = problem.worth[line, packs_before] * size
    solved = optimize.milp(
        -value / value.max(),
        constraints=_constraints(problem.limits, line, size, first),
        bounds=optimize.Bounds(0, 1),
        integrality=np.ones(line.size),
        options={"mip_rel_gap": 0.0},
    )
    if solved.x is None:
        return None
    taken = np.where(np.rint(solved.x) > 0, size, 0)
    packs = np.bincount(line, taken, per_line.size).astype(np.int64)
    # HiGHS keeps limits to a tolerance; a budget is kept.
    return packs if problem.fits(packs) else None


def _lots_per_line(problem: PackProblem) -> IntArray:
    """Counts the lots of each line that are worth something and fit alone. Shape [N]."""
    packs = problem.packs_at(np.zeros(problem.most.size))
    return np.where(packs > 0, packs - problem.smallest + 1, 0)


def _constraints(
    limits: tuple[PackLimit, ...], line: IntArray, size: IntArray, first: IntArray
) -> list[optimize.LinearConstraint]:
    """Writes the limits, scaled to 1, and the order of lots as rows over the lots."""
    lots = np.arange(line.size)
    later = lots[lots != first]
    rows = np.arange(later.size)
    order = sparse.coo_matrix(
        (
            np.concatenate([np.ones(rows.size), -np.ones(rows.size)]),
            (np.concatenate([rows, rows]), np.concatenate([later, first[later]])),
        ),
        shape=(later.size, line.size),
    )
    constraints = [optimize.LinearConstraint(order.tocsr(), ub=0.0)] if later.size else []
    for limit in limits:
        scale = _scale(limit.supply)
        usage = limit.usage[line] * size / scale[limit.group[line]]
        matrix = sparse.coo_matrix(
            (usage, (limit.group[line], lots)), shape=(scale.size, line.size)
        )
        bound = limit.supply / scale
        constraints.append(optimize.LinearConstraint(matrix.tocsr(), ub=bound))
    return constraints


def _scale(supply: FloatArray) -> FloatArray:
    """Returns what makes a finite supply above 0 to 1."""
    return np.where((supply > 0) & np.isfinite(supply), supply, 1.0)
