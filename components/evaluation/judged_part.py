"""What the gate judges at once: a slice or a range of steps, and its intervals. No TensorFlow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from demandcast.components.evaluation.verdict import LOSS_INCREASE, OVERALL, SliceResult
from demandcast.components.metrics.jackknife import CONFIDENCE, t_quantile
from demandcast.components.metrics.steps import StepRange, split_metric_name, steps_metric_name
from demandcast.schema.config.gate import GateConfig

__all__ = [
    "Bounds",
    "Part",
    "judged_parts",
    "t_at_95",
    "widening",
]

Bounds = tuple[float, float]


@dataclass(frozen=True)
class Part:
    """What is judged at once: a slice, or a range of steps of everything.

    Attributes:
        result: Metrics of the slice.
        steps: The steps; the whole horizon if None.
        widening: How much wider than at 95 % its intervals are, so that with 95 % confidence
            all parts judged by the same rule hold together.
    """

    result: SliceResult
    steps: StepRange | None = None
    widening: float = 1.0

    @property
    def is_everything(self) -> bool:
        """Tells whether it is all examples and the whole horizon."""
        return self.result.name == OVERALL and self.steps is None

    @property
    def key(self) -> str:
        """Name of the slice or of the steps, for programs."""
        return self.result.name if self.steps is None else steps_metric_name("", self.steps)[1:]

    @property
    def name(self) -> str:
        """Slice or steps, for the reader."""
        if self.steps is None:
            return f"slice {self.result.name}"
        return f"steps {self.steps[0]} to {self.steps[1]}"

    @property
    def where(self) -> str:
        """The end of a sentence about it; nothing about everything."""
        return "" if self.is_everything else f" in {self.name}"

    def candidate(self, metric: str) -> float | None:
        """A metric of the new model."""
        return self.result.candidate.get(steps_metric_name(metric, self.steps))

    def in_service(self, metric: str) -> float | None:
        """A metric of the model in service."""
        return self.result.in_service.get(steps_metric_name(metric, self.steps))

    def interval(self, metric: str) -> Bounds | None:
        """Interval of a metric of the new model; None where noise is unknown."""
        return self._widened(self.result.intervals.get(steps_metric_name(metric, self.steps)))

    def loss_increase(self) -> Bounds:
        """Interval of the loss' increase; without bounds where noise is unknown."""
        found = self.result.difference.get(steps_metric_name(LOSS_INCREASE, self.steps))
        bounds = self._widened(None if found is None else (found.low, found.high))
        return (-math.inf, math.inf) if bounds is None else bounds

    def _widened(self, bounds: Bounds | None) -> Bounds | None:
        if bounds is None:
            return None
        middle, half = (bounds[0] + bounds[1]) / 2, (bounds[1] - bounds[0]) / 2
        return middle - half * self.widening, middle + half * self.widening


def judged_parts(ordered: Sequence[SliceResult], gate: GateConfig) -> list[Part]:
    """Lists what is judged beside overall: ranges of steps, and slices that are large enough."""
    overall, *others = ordered
    ranges = dict.fromkeys(steps for _, steps in map(split_metric_name, overall.candidate) if steps)
    candidates: list[tuple[SliceResult, StepRange | None]] = [
        *((overall, steps) for steps in ranges),
        *((result, None) for result in others),
    ]
    least = gate.change.min_slice_examples
    judged = [(result, steps) for result, steps in candidates if result.examples >= least]
    return [Part(result, steps, widening(result.groups, len(judged))) for result, steps in judged]


def widening(groups: int, parts: int) -> float:
    """Tells how much wider intervals must be so that all of so many hold at once (Bonferroni)."""
    freedom = max(groups - 1, 1)
    return t_quantile(1 - (1 - CONFIDENCE) / (2 * parts), freedom) / t_at_95(freedom)


def t_at_95(freedom: int) -> float:
    """Computes half the width of a 95 % interval in standard errors."""
    return t_quantile((1 + CONFIDENCE) / 2, freedom)
