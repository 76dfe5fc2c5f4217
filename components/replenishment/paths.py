"""Sample paths of demand: correlated over periods, exact in each of them.

    Latin hypercube --normal scores, Cholesky--> correlated scores --ranks--> levels [P, H]
    levels --weights--> [H, K, P];  knots [n, H, K] x weights = demand of n series on P paths

All series read their curves at the same levels (common random numbers): the levels are drawn
once, paths of a series do not depend on which others are computed with it, and a change of a
term changes its own lines alone. Across series the paths are therefore not independent; nothing
here adds them up across series but by their means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from demandcast.components.metrics.arrays import FloatArray, check_positive
from demandcast.components.replenishment.copula import Copula
from demandcast.components.replenishment.quantile_curves import (
    curve_levels,
    interpolation_weights,
)

__all__ = ["DemandPaths", "path_levels", "stratified_uniforms"]

Float32Array = npt.NDArray[np.float32]


def stratified_uniforms(paths: int, draws: np.random.Generator) -> FloatArray:
    """Returns (1/2, 3/2, ...) / P in random order: as even as P draws can be. Shape [P]."""
    return (draws.permutation(paths) + 0.5) / paths


def path_levels(
    copula: Copula, *, horizon: int, paths: int, draws: np.random.Generator
) -> FloatArray:
    """Draws the levels at which paths read the curves of the periods.

    In each period they are (1/2, 3/2, ...) / P in some order, so that a mean or a quantile of one
    period has no sampling error; the orders are correlated as the copula says.

    Args:
        copula: Of the periods.
        horizon: Periods, H.
        paths: Number of paths, P. The orders agree with the copula the better the more there are.
        draws: Source of chance.

    Returns:
        In (0, 1). Shape [H, P].

    Raises:
        ValueError: There is no period or no path.

    Source:
        Iman and Conover (1982), A distribution-free approach to inducing rank correlation among
        input variables, Communications in Statistics 11(3), on a Latin hypercube of McKay et al.
        (1979).
    """
    check_positive("horizon", horizon)
    check_positive("paths", paths)
    cube = np.stack([stratified_uniforms(paths, draws) for _ in range(horizon)], axis=1)
    scores = _uncorrelated(special.ndtri(cube)) @ np.linalg.cholesky(copula.correlation(horizon)).T
    order = scores.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable")
    return np.asarray((order.T + 0.5) / paths)


def _uncorrelated(scores: FloatArray) -> FloatArray:
    """Removes the correlation that random columns have by chance, where there are enough rows."""
    paths, horizon = scores.shape
    if paths <= 2 * horizon:
        return scores
    chance = np.corrcoef(scores, rowvar=False).reshape(horizon, horizon)
    return np.asarray(np.linalg.solve(np.linalg.cholesky(chance), scores.T).T)


@dataclass(frozen=True)
class DemandPaths:
    """Weights that turn the knots of any series into its paths.

    Attributes:
        weights: Shape [H, K, P].
    """

    weights: Float32Array

    @classmethod
    def draw(
        cls,
        copula: Copula,
        quantile_levels: Sequence[float],
        *,
        horizon: int,
        paths: int,
        seed: int,
    ) -> DemandPaths:
        """Draws the levels once for all series.

        Args:
            copula: Of the periods.
            quantile_levels: Of the forecasts.
            horizon: Periods, H.
            paths: Number of paths, P.
            seed: Same seed, same paths.

        Raises:
            ValueError: There is no period or no path, or the levels are wrong.
        """
        draws = np.random.default_rng(seed)
        uniforms = path_levels(copula, horizon=horizon, paths=paths, draws=draws)
        return cls(interpolation_weights(curve_levels(quantile_levels), uniforms))

    @property
    def horizon(self) -> int:
        """Periods, H."""
        return int(self.weights.shape[0])

    @property
    def count(self) -> int:
        """Paths, P."""
        return int(self.weights.shape[2])

    def demand(self, knots: npt.NDArray[np.floating[Any]]) -> Float32Array:
        """Computes the demand of some series on all paths.

        Args:
            knots: From `curve_knots`, units per period. Shape [n, H, K]; fewer periods than the
                paths have are answered with as many.

        Returns:
            Units per period; NaN for all of a series and period with a knot that is NaN. Shape
            [H, n, P].

        Raises:
            ValueError: There are more periods than the paths have, or other levels.
        """
        if knots.shape[1] > self.horizon:
            raise ValueError(f"knots: {knots.shape[1]} periods; the paths have {self.horizon}")
        by_period = np.ascontiguousarray(np.moveaxis(knots, 1, 0), dtype=np.float32)
        return np.matmul(by_period, self.weights[: by_period.shape[0]])

    def cumulative(self, knots: npt.NDArray[np.floating[Any]]) -> Float32Array:
        """Computes the demand from the first period to each. Units, shape [H, n, P]."""
        demand = self.demand(knots)
        for period in range(1, demand.shape[0]):  # np.cumsum takes 7 times as long.
            demand[period] += demand[period - 1]
        return demand
