"""Lead times that stock feels where orders may overtake each other.

Lead times that are independent of each other let a late order be overtaken by the next one. What
is short then is not the demand of the late order's lead time, but that of the orders still on
their way, and their number varies less than a lead time does. A base-stock level that covers
every late order by itself holds too much:

    reviews    0     R     2R    3R         the order of R is late, that of 2R comes before it:
    arrivals      0     2R    R             when it comes one order is on its way, not two

Whether orders of suppliers do overtake each other, their history tells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from demandcast.components.metrics.arrays import FloatArray
from demandcast.components.replenishment.delivery_history import DeliveryHistory
from demandcast.schema.errors import BadInputError

__all__ = ["Overtaken", "count_overtaken", "effective_lead_times", "felt_lead_times"]

Int64Array = npt.NDArray[np.int64]

_LEAST_EXPECTED = 5.0
"""Overtaken orders that independent lead times should have had, for a history to tell anything."""

_FAR = 1 << 32
"""More than any review period: makes one number of a distribution and a review period."""


@dataclass(frozen=True)
class Overtaken:
    """Orders that a later order of the same supplier arrived before.

    Attributes:
        observed: Pairs of neighbouring orders of which the later one arrived first.
        expected: As many as there would be if lead times were independent of each other.
    """

    observed: int = 0
    expected: float = 0.0

    @property
    def independent(self) -> bool:
        """Whether lead times are nearer to independent ones than to orders in sequence.

        >>> Overtaken(6, 10.0).independent, Overtaken(2, 10.0).independent, Overtaken().independent
        (True, False, False)
        """
        return self.expected >= _LEAST_EXPECTED and self.observed >= self.expected / 2


def count_overtaken(history: DeliveryHistory, pmf: FloatArray) -> Overtaken:
    """Counts neighbouring orders that overtook each other, beside what chance would give.

    Formula: the later of two orders g periods apart arrives first with sum P(L = l) P(L + g < l),
    if lead times are independent.

    Args:
        history: Deliveries; of an order that came in parts the first counts, an open one not.
        pmf: Probabilities of 0, 1, ... periods by supplier. Shape [V, L + 1].
    """
    arrived = np.flatnonzero(history.arrived)
    if not arrived.size:
        return Overtaken()
    _, first = np.unique(history.order[arrived], return_index=True)
    # Sorted by supplier and day, as orders are numbered.
    rows, length = arrived[first], history.settings.days_per_period
    supplier, lead_time = history.supplier[rows], history.lead_time[rows]
    gap = -(-np.diff(history.ordered[rows]) // length)
    same = np.diff(supplier) == 0
    observed = same & (lead_time[1:] + gap < lead_time[:-1])
    expected = _overtaking_probabilities(np.nan_to_num(pmf))
    column = np.minimum(gap, expected.shape[1] - 1)
    return Overtaken(
        observed=int(observed.sum()),
        expected=float(expected[supplier[1:][same], column[same]].sum()),
    )


def _overtaking_probabilities(pmf: FloatArray) -> FloatArray:
    """Computes how likely an order overtakes the one g periods before it. Shape [V, L + 2]."""
    width = pmf.shape[1]
    until = np.cumsum(pmf, axis=1)
    result = np.zeros((len(pmf), width + 1))
    for gap in range(1, width):
        # L + g < l: the later one takes l - g - 1 periods at most.
        result[:, gap] = (pmf[:, gap + 1 :] * until[:, : width - gap - 1]).sum(axis=1)
    return result


def felt_lead_times(
    pmf: FloatArray, lead_time_row: Int64Array, review_period: Int64Array
) -> tuple[FloatArray, Int64Array]:
    """Adds the distributions that lines feel whose orders overtake each other.

    Args:
        pmf: Probabilities of 0, 1, ... periods. Shape [V, L + 1].
        lead_time_row: Distribution of each line. Shape [n].
        review_period: R of each line, periods. Shape [n].

    Returns:
        The distributions, those of `effective_lead_times` after the given ones, and which of
        them each line has. Shapes [V + U, L + 1] and [n].

    >>> pmf, row = felt_lead_times(np.array([[0.0, 0.5, 0.0, 0.5]]), np.array([0]), np.array([1]))
    >>> pmf.round(3).tolist(), row.tolist()
    ([[0.0, 0.5, 0.0, 0.5], [0.0, 0.167, 0.5, 0.333]], [1])
    """
    pairs, place = np.unique(lead_time_row * _FAR + review_period, return_inverse=True)
    felt = effective_lead_times(pmf[pairs // _FAR], pairs % _FAR)
    return np.vstack([pmf, felt]), (len(pmf) + place).astype(np.int64)


def effective_lead_times(pmf: FloatArray, review_period: Int64Array) -> FloatArray:
    """Computes the lead times that orders would have if each arrival were that of the oldest.

    Formula: at the end of the f-th period since a review (f = 1 ... R) the order of the j-th last
    review (j = 0, 1, ...) is on its way with P(L > f - 1 + j R), independently. Their number n has
    a Poisson-binomial distribution, and R n + f periods of demand are to be covered: as many as
    with the lead time R (n - 1) + f. Counted are ends of cycles: periods after which at least one
    order arrives.

    A fixed lead time stays as it is.

    Args:
        pmf: Probabilities of 0, 1, ... periods; orders are independent. Shape [V, L + 1].
        review_period: R, at least 1, periods. Shape [V].

    Returns:
        Probabilities; a row of NaN where one is NaN. Shape [V, L' + 1].

    Raises:
        BadInputError: The shapes disagree, or a review period is below 1.

    Source:
        Robinson, Bradley and Thomas (2001), Consequences of order crossover under order-up-to
        inventory policies, Manufacturing & Service Operations Management 3(3), 175-188, who
        propose the number of orders on their way in place of the lead time. Its distribution at
        the ends of cycles is ours.

    >>> effective_lead_times(np.array([[0.0, 0.5, 0.0, 0.5]]), np.array([1])).round(3).tolist()
    [[0.0, 0.167, 0.5, 0.333]]
    """
    if pmf.ndim != 2 or np.shape(review_period) != pmf.shape[:1] or (review_period < 1).any():
        raise BadInputError(
            f"review_period: got {np.asarray(review_period).tolist()} for a pmf of shape "
            f"{list(pmf.shape)}; expected a whole number from 1 on for each distribution"
        )
    result = np.full(pmf.shape, np.nan)
    known = ~np.isnan(pmf).any(axis=1)
    for periods in np.unique(review_period[known]).tolist():
        rows = known & (review_period == periods)
        result[rows] = _effective(pmf[rows] / pmf[rows].sum(axis=1, keepdims=True), periods)
    return result


def _effective(pmf: FloatArray, review_period: int) -> FloatArray:
    """Computes the lead times of distributions with the same review period. Shape [v, L + 1]."""
    width = pmf.shape[1]
    # P(L > a), a the column.
    longer: FloatArray = np.maximum(1.0 - np.cumsum(pmf, axis=1), 0.0)
    longer[:, -1] = 0.0
    found = np.zeros(pmf.shape)
    for phase in range(1, review_period + 1):
        ages = np.arange(phase - 1, width - 1, review_period)
        on_way, stays = longer[:, ages], longer[:, ages + 1]
        arrived: FloatArray = 1.0 - on_way
        # A cycle ends here unless whatever is on its way stays there.
        quiet = _counts(arrived, stays)
        if phase == review_period:  # The next order may arrive at once.
            quiet *= 1 - pmf[:, :1]
        ended = np.maximum(_counts(arrived, on_way) - quiet, 0.0)
        lead_time = review_period * (np.arange(ages.size + 1) - 1) + phase
        possible = lead_time >= 0  # Without an order on its way only one that comes at once.
        found[:, lead_time[possible]] += ended[:, possible]
    return np.asarray(found / found.sum(axis=1, keepdims=True))


def _counts(absent: FloatArray, present: FloatArray) -> FloatArray:
    """Adds up independent trials: weight of each number present. Shapes [v, J] to [v, J + 1]."""
    weights = np.zeros((len(absent), absent.shape[1] + 1))
    weights[:, 0] = 1.0
    for trial in range(absent.shape[1]):
        more = weights[:, :-1] * present[:, trial, None]
        weights *= absent[:, trial, None]
        weights[:, 1:] += more
    return weights
