"""What the page of a run shows of a judged model: the gate, its metrics, forecasts, coverage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from demandcast.components.reporting.words import Interval, Number

__all__ = [
    "Check",
    "CoverageLevel",
    "CoveragePart",
    "DrawnForecast",
    "ForecastsPart",
    "GatePart",
    "ScoredSeries",
    "SliceRow",
    "SlicesPart",
    "StepRange",
]


@dataclass(frozen=True)
class Check:
    """One condition of the gate.

    Attributes:
        name: What is judged.
        value: What the model showed.
        low: Least value allowed, if there is one.
        high: Largest value allowed, if there is one.
        passed: Whether it held; None if it was not judged.
        interval: Confidence interval of the value.
        remark: Why it was not judged, or what the value is made of.
        exclusive: Whether the value must lie above `low`, not at it.
    """

    name: str
    value: Number
    low: Number = None
    high: Number = None
    passed: bool | None = None
    interval: Interval = None
    remark: str = ""
    exclusive: bool = False


@dataclass(frozen=True)
class GatePart:
    """The gate for models.

    Attributes:
        blessed: Whether the model may serve.
        comparison: With what it was compared, in words.
        checks: Conditions, in the order in which they matter.
        notes: What was not judged, and why.
    """

    blessed: bool
    comparison: str
    checks: tuple[Check, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class SliceRow:
    """Metrics of one slice.

    Attributes:
        name: `overall`, or column and value.
        examples: Examples with a period that counts.
        metrics: Of the candidate, by name.
        in_service: Of the model in service, by name; empty if none was compared.
        intervals: Confidence intervals of the candidate's metrics, by name.
        differences: Candidate minus model in service with its confidence interval, by name.
        too_small: Whether the gate does not judge it alone, for want of examples.
    """

    name: str
    examples: int
    metrics: Mapping[str, Number]
    in_service: Mapping[str, Number] = field(default_factory=dict)
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    differences: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    too_small: bool = False

    @property
    def loss(self) -> Number:
        """Weighted quantile loss."""
        return self.metrics.get("weighted_quantile_loss")


@dataclass(frozen=True)
class StepRange:
    """Metrics over some steps of the horizon, by name."""

    first: int
    last: int
    metrics: Mapping[str, Number]
    intervals: Mapping[str, Interval] = field(default_factory=dict)


@dataclass(frozen=True)
class SlicesPart:
    """Metrics by slice and by range of steps.

    Attributes:
        overall: Over everything.
        slices: The others, worst first.
        steps: Ranges of steps, overall, in order; empty if none were computed.
    """

    overall: SliceRow
    slices: tuple[SliceRow, ...]
    steps: tuple[StepRange, ...] = ()


@dataclass(frozen=True)
class ScoredSeries:
    """How well one series was forecast.

    Attributes:
        name: Its key, in words.
        demand_class: From its history.
        score: Twice the mean pinball loss per period, as a share of its mean sale.
        mean_sale: Of its history, units per period.
        loss_share: Its share of the loss of the sample.
        bias: Mean forecast - actual, units per period.
    """

    name: str
    demand_class: str
    score: Number
    mean_sale: Number
    loss_share: Number
    bias: Number


@dataclass(frozen=True)
class DrawnForecast:
    """One forecast beside what happened.

    Attributes:
        place: good, median, heaviest or worst.
        series: Whose forecast it is.
        cutoff: Last period that the model saw, ISO date.
        past_timestamps: Tail of the history, ISO dates. Length T.
        past: Units per period; None where not recorded. Length T.
        past_in_stock: Share of the period in stock. Length T.
        timestamps: Of the horizon, ISO dates. Length H.
        actual: Units per period; None where not recorded. Length H.
        in_stock: Share of the period in stock. Length H.
        quantiles: Units per period. Shape [H, Q].
    """

    place: str
    series: ScoredSeries
    cutoff: str
    past_timestamps: tuple[str, ...]
    past: tuple[Number, ...]
    past_in_stock: tuple[float, ...]
    timestamps: tuple[str, ...]
    actual: tuple[Number, ...]
    in_stock: tuple[float, ...]
    quantiles: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class ForecastsPart:
    """Forecasts to look at.

    Attributes:
        sampled: Eval examples that were looked at.
        of: Eval examples that there are; None if unknown.
        scored: Those looked at that have a score.
        quantile_levels: Levels of the quantiles.
        period_days: Days of a period.
        forecasts: To draw.
        worst: Series with the largest scores, worst first.
        heaviest: Series with the largest shares of the loss, largest first.
    """

    sampled: int
    of: int | None
    scored: int
    quantile_levels: tuple[float, ...]
    period_days: int
    forecasts: tuple[DrawnForecast, ...]
    worst: tuple[ScoredSeries, ...] = ()
    heaviest: tuple[ScoredSeries, ...] = ()


@dataclass(frozen=True)
class CoverageLevel:
    """How often demand came out below the quantile of a level, and at or below it."""

    level: float
    below: Number
    at_or_below: Number


@dataclass(frozen=True)
class CoveragePart:
    """How sure the forecasts are, and how sure they should be.

    Attributes:
        levels: One for each quantile level; empty if there was no sample.
        periods: Periods that were counted for them.
        sampled: Whether these are not all periods of the eval split.
        intervals: Central intervals over the whole eval split: nominal, coverage with the
            bounds, coverage without them.
    """

    levels: tuple[CoverageLevel, ...]
    periods: int
    sampled: bool
    intervals: tuple[tuple[float, Number, Number], ...] = ()
