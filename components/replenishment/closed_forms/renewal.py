"""How many periods the position of an (s, S) policy stays where, until the next order."""

from __future__ import annotations

import numpy as np

from demandcast.components.replenishment.closed_forms.checks import FloatArray

__all__ = ["Stays"]

_FIRST = 64


class Stays:
    """Mean numbers of periods at S, S - 1, ..., worked out as far as they are asked for.

    Formula: m(0) = 1 / (1 - P(D = 0)), m(j) = m(0) sum over i = 1 ... j of P(D = i) m(j - i).

    >>> Stays(np.array([0.5, 0.25, 0.25])).until(3)
    array([2. , 1. , 1.5])
    """

    def __init__(self, pmf: FloatArray) -> None:
        self._pmf = pmf
        self._known = np.array([1 / (1 - float(pmf[0]))])

    def until(self, count: int) -> FloatArray:
        """Returns m(0) ... m(count - 1).

        Args:
            count: At least 1.
        """
        while self._known.size < count:
            known = self._known
            longer = np.concatenate([known, np.zeros(max(known.size, _FIRST))])
            for at in range(known.size, longer.size):
                reach = min(at, self._pmf.size - 1)
                before = longer[at - reach : at][::-1]
                longer[at] = longer[0] * float(self._pmf[1 : reach + 1] @ before)
            self._known = longer
        return self._known[:count]
