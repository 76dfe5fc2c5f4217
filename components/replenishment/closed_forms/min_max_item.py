"""One item under an (s, S) policy: where its position is after a review, what is short there."""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

from demandcast.components.replenishment.closed_forms.checks import FloatArray
from demandcast.components.replenishment.closed_forms.distributions import PmfDemand
from demandcast.components.replenishment.closed_forms.renewal import Stays

__all__ = ["MinMaxItem"]

IntArray = npt.NDArray[np.int64]


class _Short:
    """Demand of a stretch of time, tabled on whole units: what a level misses of it."""

    def __init__(self, demand: PmfDemand) -> None:
        self.mean = float(demand.mean)
        self._below = np.minimum(np.cumsum(demand.pmf(0)), 1.0)
        self._below[-1] = 1.0  # not less by rounding, or no level would be enough
        above = 1 - self._below
        # The loss at a level is the sum of the chances to exceed it and all levels above it.
        self._losses = np.append(np.cumsum(above[::-1])[::-1], 0.0)

    def cdf(self, level: IntArray) -> FloatArray:
        """Probability that demand is at most the level."""
        inside = self._below[np.clip(level, 0, self._below.size - 1)]
        return np.where(level < 0, 0.0, inside)

    def quantile(self, probability: float) -> int:
        """Lowest level that demand does not exceed with that probability."""
        return int(np.searchsorted(self._below, probability))

    def loss(self, level: IntArray) -> FloatArray:
        """Units short on average at the level."""
        inside = self._losses[np.clip(level, 0, self._losses.size - 1)]
        return np.where(level < 0, self.mean - level, inside)


class MinMaxItem:
    """One item: how long its position stays where, and what is short at each position."""

    def __init__(self, pmf: FloatArray, lead_time: int) -> None:
        self._pmf = np.trim_zeros(pmf, "b")
        single = PmfDemand(self._pmf / self._pmf.sum())
        self.mean, self.lead_time = float(single.mean), lead_time
        self.until_order = _Short(single.over(lead_time))
        self.until_evening = _Short(single.over(lead_time + 1))
        self._stays = Stays(self._pmf)

    def stays(self, gap: int) -> FloatArray:
        """Returns m(0) ... m(gap - 1)."""
        return self._stays.until(gap)

    @functools.cached_property
    def most_visits(self) -> float:
        """Bounds how often in a cycle, on average, an evening ends at the same net stock.

        Evenings follow L + 1 periods later, so visits after fewer do not count. Each m is a mean
        of as many m before it as demand has values, so from there on none is larger than these.
        """
        values = self._pmf.size
        stays = self.stays((self.lead_time + 2) * values).copy()
        for periods in range(self.lead_time + 1):
            sooner = PmfDemand(self._pmf / self._pmf.sum()).over(periods).pmf(0)
            stays[: sooner.size] -= sooner
        return float(max(stays.max(), self.stays(stays.size)[-values:].max()))

    def measured(self, low: int, gap: int) -> tuple[float, float, float, float, float]:
        """Returns the three measures, the mean stock and the orders per period."""
        return (
            self.clean(low, gap),
            self.clean_orders(low, gap),
            self.filled(low, gap),
            self.on_hand(low, gap),
            float(1 / self.stays(gap).sum()),
        )

    def clean(self, low: int, gap: int) -> float:
        """Returns the share of periods without a stockout."""
        return self._averaged(self.until_evening.cdf(self._positions(low, gap)))

    def clean_orders(self, low: int, gap: int) -> float:
        """Returns the share of deliveries before which nothing was short."""
        # Positions farther back cannot be left for s or below by one period's demand.
        near = self.stays(gap)[-(self._pmf.size - 1) :]
        found = np.convolve(near, self._pmf)[near.size :]
        clean = self.until_order.cdf(low - np.arange(found.size))
        return float(clean @ (found / found.sum()))

    def filled(self, low: int, gap: int) -> float:
        """Returns the share of demand met from the shelf."""
        at = self._positions(low, gap)
        short = self._averaged(self.until_evening.loss(at) - self.until_order.loss(at))
        return min(max(1 - short / self.mean, 0.0), 1.0)

    def on_hand(self, low: int, gap: int) -> float:
        """Returns the mean stock in the evening, units."""
        at = self._positions(low, gap)
        return self._averaged(at - self.until_evening.mean + self.until_evening.loss(at))

    def _positions(self, low: int, gap: int) -> IntArray:
        """Returns S, S - 1, ... s + 1."""
        return np.asarray(low + gap - np.arange(gap))

    def _averaged(self, values: FloatArray) -> float:
        """Averages over the positions from S down to s + 1."""
        stays = self.stays(values.size)
        return float(values @ stays / stays.sum())
