"""The page of `scaling.py`: what was measured, as Markdown. Pure: no clock, no machine."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import starmap

_GIB = 2**30

_INTRO = """\
# Benchmarks

What the stages of a run cost on the sample data of the quick start, with 1, 4 and 16 times its
stores, and how that compares with a plain program for the same job, measured in the same run. The
page is the output of `make bench`; accuracy, and speed on real data, are in [results](results.md).
"""

_REFERENCES = """\
## References

Each runs in a process of its own, right after the pipeline. Its imports and its first batch, which
builds the graph, are not counted; the stages count all they do between their start and their end.

| job | ours | reference |
|---|---|---|
| ingest | SeriesExampleGen: contract checks, splits, compressed examples | Polars: the tables \
read, joined and sorted, a row of lists per series, written as Parquet |
| statistics | StatisticsGen (TFDV) | Polars: moments, quartiles and ten bins of each number, \
counts of each category, of the joined table in memory |
| transform | Transform: analysis, then all examples read, transformed and written, on Beam | the \
graph that it made, applied to the same files in memory: no analysis, no Beam, no output |
| training | Trainer: building, training with validation, export | Keras: an encoder and a \
decoder LSTM as wide and long as ours and a dense layer, \
5 epochs of 5,120 random windows from memory |
| batch forecast | `demandcast forecast` from tables to the forecast table, after its imports | \
the same bare network, 5 times 5,120 random windows |

The ratio is our cost of a row, window or series divided by that of the reference; below
1 it is the cheaper one. CPU seconds are the better measure where a machine has neighbours. The
peak memory of a stage is that of the whole process, in which TensorFlow, TFX and Beam take about
1 GiB before the first stage.

Training is short: 4 epochs at size 1, 1 at larger sizes. The floors of the gate are lowered so
that a model goes into service all the same. Building and export, the same at any size, therefore
weigh more in the Trainer than in a whole training, most at size 1.
"""

_REDUCED = """\
## The three largest costs on real data

On FreshRetailNet-50K (50,000 series, 3.8 million rows) a run spends most in the Trainer, in
Transform and in the Evaluator. What they take, and how the largest was reduced, is in
[results](results.md#freshretailnet-50k), with the command.
"""

_BUSY = """\
The machine did other work at the same time, as the load averages say: wall times and rates per
second are those of a busy machine, CPU seconds and ratios of them suffer less.
"""


@dataclass(frozen=True)
class Cost:
    """What a piece of work took.

    Attributes:
        wall: Wall time, seconds.
        cpu: CPU time, seconds.
        memory: Largest resident memory, bytes.
    """

    wall: float
    cpu: float
    memory: float


@dataclass(frozen=True)
class StageCost:
    """Cost of a stage of the pipeline."""

    name: str
    cost: Cost


@dataclass(frozen=True)
class Job:
    """A job of ours beside its reference.

    Attributes:
        name: Such as `ingest`.
        unit: What is counted: rows, windows, series.
        amount: How many ours handled.
        ours: Cost of them.
        reference_amount: How many the reference handled.
        reference: Cost of those.
    """

    name: str
    unit: str
    amount: int
    ours: Cost
    reference_amount: int
    reference: Cost

    def ratio(self, measure: str) -> float:
        """Our cost of a unit divided by that of the reference; NaN if that was too short to see.

        Args:
            measure: `wall` or `cpu`.
        """
        reference = getattr(self.reference, measure) / self.reference_amount
        ours = getattr(self.ours, measure) / self.amount
        return ours / reference if reference > 0 else float("nan")


@dataclass(frozen=True)
class SizeResult:
    """What was measured at a size.

    Attributes:
        size: Multiple of the stores of the quick start.
        rows: Rows of sales.
        series: Number of series.
        load: Load average over a minute before it began.
        stages: All stages of the pipeline.
        jobs: Jobs with a reference.
    """

    size: int
    rows: int
    series: int
    load: float
    stages: tuple[StageCost, ...]
    jobs: tuple[Job, ...]

    def to_json(self) -> str:
        """Text from which `from_json` reads the same."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> SizeResult:
        """Reads what `to_json` wrote."""
        values = json.loads(text)
        stages = [StageCost(one["name"], Cost(**one["cost"])) for one in values.pop("stages")]
        jobs = [
            Job(**job | {part: Cost(**job[part]) for part in ("ours", "reference")})
            for job in values.pop("jobs")
        ]
        return cls(**values, stages=tuple(stages), jobs=tuple(jobs))

    def largest(self, count: int) -> list[StageCost]:
        """The stages that took most CPU time, the largest first."""
        return sorted(self.stages, key=lambda stage: stage.cost.cpu, reverse=True)[:count]


@dataclass(frozen=True)
class Machine:
    """Where it was measured.

    Attributes:
        processor: Model of the processor.
        cores: Number of cores.
        memory_bytes: Main memory.
        versions: Version of each library that matters.
        date: ISO 8601.
    """

    processor: str
    cores: int
    memory_bytes: int
    versions: Mapping[str, str]
    date: str


def page_text(results: Sequence[SizeResult], machine: Machine, *, command: str) -> str:
    """Lays out the page.

    Args:
        results: One per size, the smallest first.
        machine: Where they were measured.
        command: What made the page.
    """
    parts = [
        _INTRO,
        f"```sh\n{command}\n```\n",
        _machine_text(machine, results),
        "## Jobs beside their references\n",
        _table(
            ["job", "size", "units", "wall, s", "CPU, s", "peak, GiB", "units/s",
             "units/s of CPU", "reference, units/s of CPU", "reference, peak, GiB",
             "ratio of CPU", "ratio of wall time"],
            [_job_row(job, result) for name in _job_names(results)
             for result in results for job in result.jobs if job.name == name],
        ),
        _REFERENCES,
        "## The three largest stages\n",
        _table(
            ["size", "stage", "CPU, s", "of the stages", "wall, s", "peak, GiB"],
            [_stage_row(stage, result) for result in results for stage in result.largest(3)],
        ),
        _REDUCED,
    ]  # fmt: skip
    return "\n".join(parts)


def _machine_text(machine: Machine, results: Sequence[SizeResult]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in sorted(machine.versions.items()))
    sizes = _table(
        ["size", "rows of sales", "series", "load average before it"],
        [[f"{one.size}", f"{one.rows:,}", f"{one.series:,}", f"{one.load:.1f}"] for one in results],
    )
    # Before a later size, the load is what the size before it left.
    busy = results[0].load > 0.5 * machine.cores
    neighbours = _BUSY if busy else "The machine did no other work.\n"
    return (
        f"{machine.date}, {machine.cores} cores ({machine.processor}), "
        f"{machine.memory_bytes / _GIB:.0f} GiB of memory, {versions}.\n{neighbours}\n{sizes}"
    )


def _job_names(results: Sequence[SizeResult]) -> list[str]:
    return list(dict.fromkeys(job.name for result in results for job in result.jobs))


def _job_row(job: Job, result: SizeResult) -> list[str]:
    return [
        job.name,
        f"{result.size}",
        f"{job.amount:,} {job.unit}",
        f"{job.ours.wall:.1f}",
        f"{job.ours.cpu:.1f}",
        f"{job.ours.memory / _GIB:.2f}",
        _rate(job.amount, job.ours.wall),
        _rate(job.amount, job.ours.cpu),
        _rate(job.reference_amount, job.reference.cpu),
        f"{job.reference.memory / _GIB:.2f}",
        f"{job.ratio('cpu'):.2f}",
        f"{job.ratio('wall'):.2f}",
    ]


def _stage_row(stage: StageCost, result: SizeResult) -> list[str]:
    share = stage.cost.cpu / sum(one.cost.cpu for one in result.stages)
    return [
        f"{result.size}",
        stage.name,
        f"{stage.cost.cpu:.1f}",
        f"{share:.0%}",
        f"{stage.cost.wall:.1f}",
        f"{stage.cost.memory / _GIB:.2f}",
    ]


def _rate(amount: int, seconds: float) -> str:
    return f"{amount / seconds:,.0f}" if seconds > 0 else "-"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(starmap("| {} |\n".format, ([" | ".join(line)] for line in lines)))
