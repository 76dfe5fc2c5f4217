"""Metrics of slices as TFMA's results say them, for tests of the verdict."""

from __future__ import annotations

from typing import Any

from demandcast.components.evaluation.verdict import LOSS, LOSS_INCREASE, Difference, SliceResult

GROUPS = 256


def slice_result(
    name: str = "overall",
    *,
    loss: float | None = 0.3,
    in_service: float | None = 0.3,
    examples: float = 1000.0,
    noise: float | None = 0.0,
    **metrics: Any,
) -> SliceResult:
    """A slice with a candidate and a model in service.

    Args:
        name: Of the slice.
        loss: Weighted quantile loss of the candidate.
        in_service: The same of the model in service.
        examples: That count.
        noise: Half the 95 % interval of every metric, and of the loss' increase; None if
            unknown.
        metrics: Further metrics of the candidate.
    """
    candidate = {
        "examples": examples,
        LOSS: loss,
        "naive_weighted_quantile_loss": 0.4,
        "wape": 0.5,
        "naive_wape": 0.6,
        "coverage_80": 0.8,
        "coverage_90": 0.9,
        "weighted_quantile_loss_skill": 0.2,
        "wape_skill": 0.2,
        **metrics,
    }
    intervals = {
        metric: None if noise is None or value is None else (value - noise, value + noise)
        for metric, value in candidate.items()
        if "naive" not in metric and "examples" not in metric
    }
    difference = {}
    if None not in (noise, loss) and in_service:
        increase = loss / in_service - 1
        difference[LOSS_INCREASE] = Difference(
            value=increase, low=increase - noise, high=increase + noise
        )
    return SliceResult(
        name=name,
        candidate=candidate,
        in_service={LOSS: in_service},
        intervals=intervals,
        difference=difference,
        groups=0 if noise is None else GROUPS,
    )
