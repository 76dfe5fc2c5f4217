"""What each line has to expect, with its order and without."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from demandcast.components.metrics.arrays import FloatArray
from demandcast.components.replenishment.line_arrays import LineArrays, Part, Sampler, over_parts
from demandcast.components.replenishment.stock_projection import Stock, cover_periods, project

__all__ = ["Assessment", "assess", "risk_classes"]


@dataclass(frozen=True)
class Assessment:
    """What to expect over the protection interval, with the order and without. Shapes [n].

    Attributes:
        stockout_probability: With the order, calibrated.
        stockout_probability_without: Without.
        expected_lost_sales: With it, units.
        expected_lost_sales_without: Without, units.
        expected_unit_periods: Stock in the evening with it, summed over the periods.
        cover_periods: Periods that stock, what is on order and the order last at the probability.
    """

    stockout_probability: FloatArray
    stockout_probability_without: FloatArray
    expected_lost_sales: FloatArray
    expected_lost_sales_without: FloatArray
    expected_unit_periods: FloatArray
    cover_periods: FloatArray


def assess(
    lines: LineArrays,
    sampler: Sampler,
    *,
    order_quantity: FloatArray,
    probability: FloatArray,
) -> Assessment:
    """Projects the stock of all lines.

    Args:
        lines: The lines.
        sampler: Paths.
        order_quantity: Ordered now, units. Shape [n].
        probability: With which stock is to last, for `cover_periods`. Shape [n].
    """
    result = Assessment(*(np.empty(len(lines)) for _ in range(6)))

    def work(part: Part) -> tuple[FloatArray, ...]:
        return _assess_part(part, sampler, order_quantity[part.rows], probability[part.rows])

    for part, values in over_parts(sampler, lines, work):
        for name, value in zip(Assessment.__dataclass_fields__, values, strict=True):
            getattr(result, name)[part.rows] = value
    return result


def _assess_part(
    part: Part, sampler: Sampler, order_quantity: FloatArray, probability: FloatArray
) -> tuple[FloatArray, ...]:
    lines, calibration = part.lines, sampler.model.calibrations[part.group]
    stock = Stock(
        available=lines.available,
        arrivals=lines.arrivals,
        interval=part.next_lead_time + lines.review_period[:, None],
    )
    both = [
        project(part.cumulative, stock, order_quantity=ordered, order_lead_time=part.lead_time)
        for ordered in (order_quantity, np.zeros(len(lines)))
    ]
    risks = [1 - calibration.share(1 - one.stockout_probability) for one in both]
    lasting = np.minimum(calibration.level(np.clip(probability, 0.0, 1.0)), 1.0)
    return (
        *risks,
        both[0].expected_lost_sales,
        both[1].expected_lost_sales,
        both[0].expected_unit_periods,
        cover_periods(part.cumulative, lines.position + order_quantity, lasting).astype(float),
    )


def risk_classes(
    probability: FloatArray, bounds: tuple[float, float, float]
) -> npt.NDArray[np.int64]:
    """Sorts probabilities to run out into classes.

    Args:
        probability: In [0, 1]. Shape [n].
        bounds: From which on: medium, high, critical.

    Returns:
        0 for low to 3 for critical; positions in `RISK_CLASSES`. Shape [n].

    >>> risk_classes(np.array([0.0, 0.05, 0.3, 1.0]), (0.05, 0.15, 0.4)).tolist()
    [0, 1, 2, 3]
    """
    return np.asarray(np.searchsorted(bounds, probability, side="right"), np.int64)
