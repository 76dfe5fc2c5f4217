"""What the page of a run shows: plain values, without where they came from.

A part that the run did not get to is None; `RunPage.absent` says why, in words. Numbers may be
None or NaN where they could not be computed. Parts about a model are in `page_judged` and
`page_trained`, that about orders in `page_orders`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from demandcast.components.reporting.page_judged import (
    CoveragePart,
    ForecastsPart,
    GatePart,
    SlicesPart,
)
from demandcast.components.reporting.page_orders import OrdersPart
from demandcast.components.reporting.page_trained import BacktestPart, TrainingPart, TuningPart
from demandcast.components.reporting.words import Number

__all__ = [
    "Change",
    "Changes",
    "ColumnFacts",
    "DataPart",
    "Headline",
    "LineagePart",
    "MetricChange",
    "RunPage",
    "SplitFacts",
    "Stage",
]


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
class SplitFacts:
    """Examples of a split.

    Attributes:
        name: Of the split.
        examples: How many.
        cutoffs: Last known periods, ISO dates.
        demand_classes: Examples of each class.
        first: First period whose demand teaches or judges, ISO date; None if unknown.
        last: Last of them.
    """

    name: str
    examples: int
    cutoffs: tuple[str, ...]
    demand_classes: Mapping[str, int] = field(default_factory=dict)
    first: str | None = None
    last: str | None = None


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
        age_days: Days from that to the run; None if unknown.
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
    age_days: int | None = None
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
    orders: OrdersPart | None = None
    absent: Mapping[str, str] = field(default_factory=dict)
