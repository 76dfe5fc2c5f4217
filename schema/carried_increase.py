"""`CarriedIncrease`: by how much models got worse, push after push, without anyone noticing.

Each push may be a little worse than the model before, or may look so by chance. The pointer file
carries the sum from push to push among its metrics, so that the gate can judge the chain.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

__all__ = ["CarriedIncrease"]

_PREFIX = "carried_loss_"


@dataclass(frozen=True)
class CarriedIncrease:
    """Sum of the increases of the loss since a model that was not worse than its predecessor.

    Attributes:
        increase: Sum of log(loss / loss of the predecessor) over the pushes.
        error: Its standard error, as if the noise of different evaluations were independent.
            That of evaluations that share sales is not: see
            `docs/decisions/0015-differences-and-their-noise.md`.
        pushes: Pushes in the sum.
    """

    increase: float = 0.0
    error: float = 0.0
    pushes: int = 0

    def after(self, increase: float, error: float) -> CarriedIncrease:
        """Adds a push.

        Args:
            increase: Loss / loss of the predecessor - 1, above -1.
            error: Its standard error.

        Returns:
            The new sum; nothing if the models together did not get worse.
        """
        total = self.increase + math.log1p(increase)
        if total <= 0:
            return CarriedIncrease()
        return CarriedIncrease(
            increase=total,
            error=math.hypot(self.error, error / (1 + increase)),
            pushes=self.pushes + 1,
        )

    def at_least(self, deviations: float) -> float:
        """Lower bound of the sum, as a share of the first model's loss."""
        return math.expm1(self.increase - deviations * self.error)

    def to_metrics(self) -> dict[str, float]:
        """Writes it as metrics of the pointer; none if there is nothing to carry."""
        if not self.pushes:
            return {}
        return {f"{_PREFIX}{name}": float(value) for name, value in asdict(self).items()}

    @classmethod
    def from_metrics(cls, metrics: Mapping[str, float]) -> CarriedIncrease:
        """Reads what `to_metrics` wrote; nothing carried if it is not there."""
        increase, error, pushes = (
            metrics.get(f"{_PREFIX}{name}", 0) for name in ("increase", "error", "pushes")
        )
        return cls(increase, error, round(pushes))

    def to_json(self) -> str:
        """Writes it as text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> CarriedIncrease:
        """Reads what `to_json` wrote."""
        return cls(**json.loads(text))
