"""The tables in Beam: an element is a block, a partition or a batch, never a row.

files -> blocks -> checked pieces --group by partition--> sorted partitions -> examples
                        |                                       |
                        +----------- reports, merged -----------+--> side input: write only
                                                                     if the contract holds
"""

from __future__ import annotations

import dataclasses
import functools
import logging
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import apache_beam as beam
import polars as pl
import pyarrow as pa
from tfx_bsl.public.tfxio import RecordBatchToExamplesEncoder

from demandcast.components.examples.ahead import find_gaps
from demandcast.components.examples.assembly import (
    Partition,
    assemble,
    pack_frames,
    unpack_frames,
)
from demandcast.components.examples.blocks import Piece, cut_block
from demandcast.components.examples.closures import closed_periods, without_last_period
from demandcast.components.examples.features import build_examples, cut_into_chunks, grid_span
from demandcast.components.examples.grid import Span, lay_on_grid
from demandcast.components.examples.ingestion import Ingestion
from demandcast.components.examples.lines import check_rows
from demandcast.components.examples.lookup import Calendar, check_joined, concat_files
from demandcast.components.examples.profile import count_partition
from demandcast.components.examples.readers import (
    SOURCE,
    MalformedRow,
    ReadTask,
    read_blocks,
    source_of,
)
from demandcast.components.examples.report import Report, merge_reports
from demandcast.components.examples.roles import CALENDAR, FUTURE, SALES, JoinedTable
from demandcast.components.examples.shards import ArrowShards, EncodedBatch, RecordShards, Shards
from demandcast.components.examples.violations import (
    SHOWN,
    Violation,
    unreadable_file,
    violation,
)
from demandcast.components.examples.zeros import bare_zeros

__all__ = [
    "BuildExamples",
    "CheckFuture",
    "CheckTables",
    "CheckZeros",
    "CheckedTables",
    "WriteExamples",
]

_LOG = logging.getLogger(__name__)
_REPORT = "report"
_SECONDS_BETWEEN_LINES = 5.0


class CheckedTables(NamedTuple):
    """What `CheckTables` gives.

    Attributes:
        partitions: Number and packed `Partition`.
        joined: Name and packed frame of each joined table.
        report: One merged `Report`.
    """

    partitions: Any
    joined: Any
    report: Any


class CheckTables(beam.PTransform):
    """Reads and checks all tables, and gathers the rows of each series in one partition."""

    def __init__(self, ingestion: Ingestion) -> None:
        super().__init__()
        self._ingestion = ingestion

    def expand(self, pipeline: Any) -> CheckedTables:
        """Builds the steps."""
        ingestion, tables = self._ingestion, self._ingestion.tables
        names = [table.name for table in ingestion.row_tables]
        blocks = (
            pipeline
            | "Tasks" >> beam.Create([task for name in names for task in tables.tasks[name]])
            | "SpreadTasks" >> beam.Reshuffle()
            | "CheckBlocks"
            >> beam.ParDo(_CheckBlocks(ingestion))
            .with_outputs(_REPORT, main="pieces")
            .with_output_types(tuple[int, tuple[str, bytes]])
        )
        joined = (
            pipeline
            | "JoinedTables" >> beam.Create(list(ingestion.joined_tables))
            | "CheckJoined" >> beam.ParDo(_CheckJoined(ingestion)).with_outputs(_REPORT, main="in")
        )
        partitions = (
            blocks.pieces
            | "GatherSeries" >> beam.GroupByKey()
            | "Assemble"
            >> beam.ParDo(_Assemble(ingestion), beam.pvalue.AsDict(joined["in"])).with_outputs(
                _REPORT, main="partitions"
            )
        )
        report = _merged("MergeChecks", blocks[_REPORT], joined[_REPORT], partitions[_REPORT])
        rules = ingestion.data.transactions
        if rules is not None and rules.last_period == "drop":
            report = report | "DropLastPeriod" >> beam.Map(without_last_period)
        return CheckedTables(partitions.partitions, joined["in"], report)


def _merged(label: str, *reports: Any) -> Any:
    """Merges collections of reports into one report."""
    return (
        reports
        | f"{label}Together" >> beam.Flatten()
        | label >> beam.CombineGlobally(_merge_reports)
    )


class _SecondLook(beam.PTransform):
    """Looks at the partitions again, now that the newest period is known.

    Gives the report with what was found added. The two are added by a Map and not flattened:
    Beam's in-memory runner fails ("watermark-pending bundles did not execute") on a report that
    is flattened with what has it as a side input.
    """

    def __init__(self, finder: beam.DoFn) -> None:
        super().__init__()
        self._finder = finder

    def expand(self, checked: CheckedTables) -> Any:
        """Builds the steps."""
        found = checked.partitions | "Find" >> beam.ParDo(
            self._finder, *_side_inputs(checked.joined, checked.report)
        )
        return (
            found
            | "MergeFound" >> beam.CombineGlobally(_merge_reports)
            | "AddFound" >> beam.Map(_add_report, beam.pvalue.AsSingleton(checked.report))
        )


class CheckFuture(_SecondLook):
    """Finds missing future covariates; gives the report with them added."""

    def __init__(self, ingestion: Ingestion) -> None:
        super().__init__(_FindGaps(ingestion))


class CheckZeros(_SecondLook):
    """Finds filled-in zeros of which too little is known; gives the report with them added."""

    def __init__(self, ingestion: Ingestion) -> None:
        super().__init__(_FindBareZeros(ingestion))


class BuildExamples(beam.PTransform):
    """Builds `EncodedBatch`es; none if the report has a complaint."""

    def __init__(self, ingestion: Ingestion, *, report: Any) -> None:
        super().__init__()
        self._ingestion = ingestion
        self._report = report

    def expand(self, checked: CheckedTables) -> Any:
        """Builds the step."""
        return checked.partitions | "Build" >> beam.ParDo(
            _BuildExamples(self._ingestion), *_side_inputs(checked.joined, self._report)
        )


class WriteExamples(beam.PTransform):
    """Writes one file per partition and split; none if the report has a complaint.

    Splits are gzipped TFRecords, the newest examples Arrow files with the keys of the series.
    Gives one report with the number of examples added.
    """

    def __init__(self, ingestion: Ingestion, *, report: Any, folder: str) -> None:
        super().__init__()
        self._ingestion = ingestion
        self._report = report
        self._folder = folder

    def expand(self, checked: CheckedTables) -> Any:
        """Builds the steps."""
        counts = checked.partitions | "Write" >> beam.ParDo(
            _WriteExamples(self._ingestion, self._folder),
            *_side_inputs(checked.joined, self._report),
        )
        return _merged("MergeCounts", self._report, counts)


def _side_inputs(joined: Any, report: Any) -> tuple[Any, Any]:
    return beam.pvalue.AsDict(joined), beam.pvalue.AsSingleton(report)


def _merge_reports(reports: Iterable[Report]) -> Report:
    return merge_reports(reports)


def _add_report(report: Report, other: Report) -> Report:
    return merge_reports((report, other))


class _CheckBlocks(beam.DoFn):
    """Reads a task, checks its blocks and cuts them into pieces."""

    def __init__(self, ingestion: Ingestion) -> None:
        self._ingestion = ingestion
        self._rows = 0
        self._said = 0.0

    def setup(self) -> None:
        """Starts counting the seconds to the first line."""
        self._said = time.monotonic()

    def process(self, task: ReadTask) -> Iterator[Any]:
        ingestion = self._ingestion
        table = next(table for table in ingestion.row_tables if table.name == task.table)
        reports: list[Report] = []
        for frame in _readable_blocks(task, table.columns, ingestion.beam.block_rows, reports):
            block = check_rows(frame, table, ingestion.data, frequency=ingestion.forecast.frequency)
            reports.append(block.report)
            for piece in cut_block(block, ingestion.beam.partitions):
                yield piece.partition, (task.table, pack_frames(piece.series, piece.rows))
            self._rows += len(frame)
            self._say_progress()
        yield beam.pvalue.TaggedOutput(_REPORT, merge_reports(reports))

    def _say_progress(self) -> None:
        now = time.monotonic()
        if now - self._said >= _SECONDS_BETWEEN_LINES:
            self._said = now
            _LOG.info("%s rows checked", f"{self._rows:,}")


class _CheckJoined(beam.DoFn):
    """Reads and checks a joined table as a whole."""

    def __init__(self, ingestion: Ingestion) -> None:
        self._ingestion = ingestion

    def process(self, table: JoinedTable) -> Iterator[Any]:
        reports: list[Report] = []
        frames = [
            frame
            for task in self._ingestion.tables.tasks[table.name]
            for frame in _readable_blocks(
                task, table.columns, self._ingestion.beam.block_rows, reports
            )
        ]
        if frames:
            whole = concat_files(frames)
        else:
            whole = pl.DataFrame(schema=dict.fromkeys(table.columns, pl.String)).with_columns(
                pl.lit(0, pl.Int64).alias(SOURCE)
            )
        checked, violations = check_joined(
            whole, table, frequency=self._ingestion.forecast.frequency
        )
        yield table.name, pack_frames(checked)
        reports.append(Report(violations=violations))
        yield beam.pvalue.TaggedOutput(_REPORT, merge_reports(reports))


class _Assemble(beam.DoFn):
    """Puts the pieces of a partition together."""

    def __init__(self, ingestion: Ingestion) -> None:
        self._ingestion = ingestion
        self._joined = _Joined(ingestion)

    def process(
        self, element: tuple[int, Iterable[tuple[str, bytes]]], joined: Mapping[str, bytes]
    ) -> Iterator[Any]:
        number, packed = element
        pieces: dict[str, list[Piece]] = {}
        for table, data in packed:
            pieces.setdefault(table, []).append(Piece(number, *unpack_frames(data)))
        self._joined.load(joined)
        partition, report = assemble(
            pieces.get(SALES, []),
            pieces.get(FUTURE, []),
            self._ingestion.tables.roles,
            self._ingestion.policies,
            joined=self._joined.static,
            calendar=self._joined.calendar,
        )
        if partition is not None:
            columns = self._ingestion.data.columns
            counts = count_partition(
                partition, key=columns.series_key, known=columns.known_future.numeric
            )
            report = dataclasses.replace(report, counts=counts)
            yield number, partition.to_bytes()
        yield beam.pvalue.TaggedOutput(_REPORT, report)


class _FindGaps(beam.DoFn):
    """Looks for missing future covariates of a partition."""

    def __init__(self, ingestion: Ingestion) -> None:
        self._ingestion = ingestion
        self._joined = _Joined(ingestion)

    def process(
        self, element: tuple[int, bytes], joined: Mapping[str, bytes], report: Report
    ) -> Iterator[Report]:
        ingestion, spec = self._ingestion, self._ingestion.spec
        if report.newest is None or not spec.known_future.names:
            return
        self._joined.load(joined)
        calendar = self._joined.calendar
        may_miss = report.misses | (
            calendar.misses_until(report.newest) if calendar is not None else frozenset()
        )
        plans = ingestion.plans(report.newest)
        if not plans:
            return
        span = grid_span(
            plans,
            spec,
            max_history=spec.forecast.horizon,
            zero_until=report.newest if ingestion.data.missing_period == "zero" else None,
        )
        periods = span.latest - span.earliest + 1
        for chunk in cut_into_chunks(Partition.from_bytes(element[1]), periods):
            grid = lay_on_grid(chunk, ingestion.tables.roles, span, calendar=calendar)
            gaps = find_gaps(grid, max(plans[0].cutoffs), spec, may_miss=may_miss)
            yield Report(gaps=gaps)


class _FindBareZeros(beam.DoFn):
    """Looks for filled-in zeros without known-future covariates."""

    def __init__(self, ingestion: Ingestion) -> None:
        self._ingestion = ingestion
        self._joined = _Joined(ingestion)

    def process(
        self, element: tuple[int, bytes], joined: Mapping[str, bytes], report: Report
    ) -> Iterator[Report]:
        ingestion = self._ingestion
        span = _whole_span(ingestion, report)
        if span is None or not report.is_good:
            return
        self._joined.load(joined)
        periods = span.latest - span.earliest + 1
        for chunk in cut_into_chunks(Partition.from_bytes(element[1]), periods):
            grid = lay_on_grid(chunk, ingestion.tables.roles, span, calendar=self._joined.calendar)
            yield Report(violations=bare_zeros(grid, ingestion.spec))


class _BuildExamples(beam.DoFn):
    """Builds the examples of a partition."""

    def __init__(self, ingestion: Ingestion) -> None:
        self._ingestion = ingestion
        self._joined = _Joined(ingestion)

    def process(
        self, element: tuple[int, bytes], joined: Mapping[str, bytes], report: Report
    ) -> Iterator[Any]:
        self._joined.load(joined)
        yield from _encoded(self._ingestion, element[1], report, self._joined.calendar)


class _WriteExamples(beam.DoFn):
    """Writes the examples of a partition, aside first and then in place."""

    def __init__(self, ingestion: Ingestion, folder: str) -> None:
        self._ingestion = ingestion
        self._folder = folder
        self._joined = _Joined(ingestion)

    def process(
        self, element: tuple[int, bytes], joined: Mapping[str, bytes], report: Report
    ) -> Iterator[Report]:
        self._joined.load(joined)
        number, data = element
        shards = self._shards(number)
        left_out: Counter[str] = Counter()
        encoded = _encoded(self._ingestion, data, report, self._joined.calendar, left_out=left_out)
        try:
            for batch in encoded:
                shards.write(batch)
        except BaseException:
            shards.discard()
            raise
        shards.commit()
        yield Report(examples=tuple(shards.counts.items()), left_out=tuple(left_out.items()))

    def _shards(self, number: int) -> Shards:
        kind = ArrowShards if self._ingestion.latest else RecordShards
        return kind(self._folder, number, self._ingestion.beam.partitions)


class _Joined:  # Not shared: workers may be threads.
    """The joined tables of a worker, unpacked once."""

    def __init__(self, ingestion: Ingestion) -> None:
        self._roles = ingestion.tables.roles
        self._loaded = False
        self.static: dict[str, pl.DataFrame] = {}
        self.calendar: Calendar | None = None

    def load(self, packed: Mapping[str, bytes]) -> None:
        if self._loaded:
            return
        for table in self._roles.static_tables:
            (self.static[table.name],) = unpack_frames(packed[table.name])
        if self._roles.calendar is not None:
            (frame,) = unpack_frames(packed[CALENDAR])
            self.calendar = Calendar(frame, self._roles.calendar)
        self._loaded = True

    def __getstate__(self) -> dict[str, Any]:
        return {"_roles": self._roles, "_loaded": False, "static": {}, "calendar": None}


def _encoded(
    ingestion: Ingestion,
    data: bytes,
    report: Report,
    calendar: Calendar | None,
    *,
    left_out: Counter[str] | None = None,
) -> Iterator[EncodedBatch]:
    """Builds and serializes the examples of a packed partition."""
    if not report.is_good or report.newest is None:
        return
    plans, span = ingestion.plans(report.newest), _whole_span(ingestion, report)
    if span is None:
        return
    encoder = RecordBatchToExamplesEncoder()
    lay = functools.partial(lay_on_grid, roles=ingestion.tables.roles, span=span, calendar=calendar)
    for batch in build_examples(
        Partition.from_bytes(data), lay, plans, ingestion.spec, span=span, left_out=left_out
    ):
        yield EncodedBatch(batch.split, batch.keys, batch.cutoff_day, encoder.encode(batch.columns))


def _whole_span(ingestion: Ingestion, report: Report) -> Span | None:
    """Periods that all splits together need; None if there is nothing to build."""
    plans = ingestion.plans(report.newest) if report.newest is not None else ()
    if not plans:
        return None
    span = grid_span(
        plans,
        ingestion.spec,
        max_history=ingestion.sampling.max_history,
        zero_until=report.newest if ingestion.data.missing_period == "zero" else None,
    )
    closed = closed_periods(
        report, ingestion.data.empty_period, frequency=ingestion.forecast.frequency
    )
    return dataclasses.replace(span, closed=closed)


def _readable_blocks(
    task: ReadTask, columns: tuple[str, ...], block_rows: int, reports: list[Report]
) -> Iterator[pl.DataFrame]:
    """Reads blocks; what cannot be read becomes a violation in `reports`."""
    malformed: list[MalformedRow] = []
    try:
        yield from read_blocks(task, columns, block_rows=block_rows, malformed=malformed)
    except (pa.ArrowInvalid, OSError, UnicodeDecodeError) as error:
        reports.append(Report(violations=(unreadable_file(task, error),)))
    if malformed:
        reports.append(Report(violations=(_malformed(task, malformed),)))


def _malformed(task: ReadTask, rows: list[MalformedRow]) -> Violation:
    first = rows[:SHOWN]
    return violation(
        (task.table, "(all)"),
        "wrong number of values in a row",
        expected=f"{rows[0].expected_values} values, as in the header",
        sources=[source_of(task.file, row.row) for row in rows],
        values=[f"{row.values} values" for row in first],
    )
