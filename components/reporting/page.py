"""What the page of a run shows: plain values, without where they came from.

A part that the run did not get to is None; `RunPage.absent` says why, in words. Numbers may be
None or NaN where they could not be computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = [
    "BacktestPart",
    "BacktestRow",
    "Change",
    "Changes",
    "Check",
    "ColumnFacts",
    "CoverageLevel",
    "CoveragePart",
    "DataPart",
    "DrawnForecast",
    "ForecastsPart",
    "GatePart",
    "Headline",
    "Interval",
    "LineagePart",
    "MetricChange",
    "Number",
    "RunPage",
    "ScoredSeries",
    "SliceRow",
    "SlicesPart",
    "SplitFacts",
    "Stage",
    "StepRange",
    "TrainingPart",
    "Trial",
    "TuningPart",
]

Number = float | None
"""A number that may be missing."""

Interval = tuple[float, float] | None
"""Bounds of a 95 % confidence interval."""


@dataclass(frozen=True)
class Headline:
    """What the run came to.

    Attributes:
        tone: good (pushed, or nothing to push), bad (refused, failed), plain (otherwise).
        title: In a few words.
        reasons: Why, in sentences.
        remarks: What else a reader must know.
    """

    tone: Literal["good", "bad", "plain"]
    title: str
    reasons: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Change:
    """A value that is another one than in the run before; None where there was or is none."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class MetricChange:
    """A metric of the candidate, in the run before and now."""

    name: str
    before: Number
    after: Number


@dataclass(frozen=True)
class Changes:
    """What differs from the run before.

    Attributes:
        previous: Run that is compared with.
        outcome: What that run came to, in words.
        data: Rows, series, span, files.
        configuration: Keys of the configuration.
        code: Components whose code differs, and versions of libraries.
        metrics: Overall metrics of both runs, also where they are equal.
    """

    previous: str
    outcome: str
    data: tuple[Change, ...] = ()
    configuration: tuple[Change, ...] = ()
    code: tuple[Change, ...] = ()
    metrics: tuple[MetricChange, ...] = ()


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
    """

    name: str
    examples: int
    metrics: Mapping[str, Number]
    in_service: Mapping[str, Number] = field(default_factory=dict)
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    differences: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)

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


@dataclass(frozen=True)
class TrainingPart:
    """What happened in training.

    Attributes:
        curves: Values per epoch, by name.
        best_epoch: Epoch whose weights were kept, from 1.
        validation_loss: Weighted quantile loss of those weights on the validation split.
        naive_loss: The same of the seasonal-naive forecast.
        series: Examples of the train split.
        parameters: Weights of the network.
        out_of_time: Whether the time limit ended it.
        warnings: What a reader must know.
        seconds: Time of the stage; None if it came from the cache.
    """

    curves: Mapping[str, tuple[Number, ...]]
    best_epoch: int | None
    validation_loss: Number
    naive_loss: Number
    series: int
    parameters: int
    out_of_time: bool = False
    warnings: tuple[str, ...] = ()
    seconds: Number = None


@dataclass(frozen=True)
class Trial:
    """One trial of the tuning: score, lower is better, and the values that were tried."""

    name: str
    status: str
    score: Number
    seconds: Number
    epochs: int | None
    values: Mapping[str, str]


@dataclass(frozen=True)
class TuningPart:
    """The search for hyperparameters.

    Attributes:
        objective: Name of the score.
        stopped_by: What ended the search.
        seconds: Time it took.
        best: Values that were taken.
        trials: In the order in which they were made.
        resumed: Trials taken over from an interrupted search.
    """

    objective: str
    stopped_by: str
    seconds: Number
    best: Mapping[str, str]
    trials: tuple[Trial, ...]
    resumed: int = 0


@dataclass(frozen=True)
class BacktestRow:
    """Metrics of one forecaster at one cutoff in one slice."""

    cutoff: str
    slice: str
    forecaster: str
    examples: int
    metrics: Mapping[str, Number]


@dataclass(frozen=True)
class BacktestPart:
    """A backtest of the pipeline.

    Attributes:
        name: Its identity.
        created: When it was made.
        retrain: Whether each cutoff had a model of its own.
        horizon: Periods forecast.
        cutoffs: ISO dates.
        rows: Of all cutoffs, slices and forecasters; cutoff `all` stands for all together.
        model: Version of the model that was tested, in words.
        seen: Cutoffs that this model had seen in training, so that its scores flatter it.
    """

    name: str
    created: str
    retrain: bool
    horizon: int
    cutoffs: tuple[str, ...]
    rows: tuple[BacktestRow, ...]
    model: str = ""
    seen: tuple[str, ...] = ()


@dataclass(frozen=True)
class SplitFacts:
    """Examples and cutoffs of a split."""

    name: str
    examples: int
    cutoffs: tuple[str, ...]
    demand_classes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class ColumnFacts:
    """A column of the train split.

    Attributes:
        name: Of the column.
        role: What it is used as.
        missing: Share of its values that are missing.
        summary: Its values, in words.
    """

    name: str
    role: str
    missing: Number
    summary: str


@dataclass(frozen=True)
class DataPart:
    """What data the run saw.

    Attributes:
        rows: Of the sales table.
        series: Series with a row.
        first: First period, ISO date.
        last: Last period, ISO date.
        splits: In order.
        not_recorded: Share of the periods of the train split without a record.
        zeros: Share of the recorded periods in which nothing was sold.
        in_stock: Mean share of a period in stock.
        mean_sale: Units per recorded period.
        columns: Of the train split.
        anomalies: Contradictions to the schema, in words; None if nobody looked.
        continuity: With which data this one was compared, in words; None if it did not go on.
    """

    rows: int | None = None
    series: int | None = None
    first: str | None = None
    last: str | None = None
    splits: tuple[SplitFacts, ...] = ()
    not_recorded: Number = None
    zeros: Number = None
    in_stock: Number = None
    mean_sale: Number = None
    columns: tuple[ColumnFacts, ...] = ()
    anomalies: tuple[str, ...] | None = None
    continuity: str | None = None


@dataclass(frozen=True)
class Stage:
    """What one stage did; `status` is run, cached, skipped, failed or running."""

    name: str
    status: str
    seconds: float
    peak_memory_bytes: int


@dataclass(frozen=True)
class LineagePart:
    """Where the result comes from.

    Attributes:
        facts: Names and values, such as digests and places.
        code_digests: Digest of the code of each component.
        toolchain: Version of each library.
        configuration: The resolved configuration as text.
    """

    facts: tuple[tuple[str, str], ...]
    code_digests: Mapping[str, str] = field(default_factory=dict)
    toolchain: Mapping[str, str] = field(default_factory=dict)
    configuration: str = ""


@dataclass(frozen=True)
class RunPage:
    """Everything that the page of a run shows.

    Attributes:
        pipeline: Name of the pipeline.
        run_id: Identity of the run.
        started: When it began, in words.
        seconds: How long it took.
        headline: What it came to.
        stages: In the order in which they ran.
        lineage: Where the result comes from.
        absent: Why a part is missing, by the name of its field.
    """

    pipeline: str
    run_id: str
    started: str
    seconds: float
    headline: Headline
    stages: tuple[Stage, ...] = ()
    lineage: LineagePart = field(default_factory=lambda: LineagePart(facts=()))
    changes: Changes | None = None
    gate: GatePart | None = None
    slices: SlicesPart | None = None
    forecasts: ForecastsPart | None = None
    coverage: CoveragePart | None = None
    training: TrainingPart | None = None
    tuning: TuningPart | None = None
    backtest: BacktestPart | None = None
    data: DataPart | None = None
    absent: Mapping[str, str] = field(default_factory=dict)
