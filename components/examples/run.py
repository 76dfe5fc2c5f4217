"""Runs the transforms: check alone, write the splits, or write the newest examples."""

from __future__ import annotations

import contextlib
import logging
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from demandcast.components.examples.ahead import gap_error
from demandcast.components.examples.counting import data_lines, no_line_left
from demandcast.components.examples.emptiness import dates_of, refuse_empty_splits, split_lines
from demandcast.components.examples.ingestion import Ingestion
from demandcast.components.examples.report import (
    Report,
    report_from_json,
    report_to_json,
)
from demandcast.components.examples.tables import open_tables
from demandcast.components.examples.transforms import (
    BuildExamples,
    CheckedTables,
    CheckFuture,
    CheckTables,
    CheckZeros,
    WriteExamples,
)
from demandcast.components.examples.violations import contract_error
from demandcast.schema.config import BeamConfig, DataConfig, ForecastConfig, SamplingConfig
from demandcast.schema.errors import ContractError
from demandcast.schema.series_example import SPLITS

__all__ = [
    "IN_MEMORY_ARGS",
    "PipelineFactory",
    "check_data",
    "dates_of",
    "feed_examples",
    "make_directory",
    "read_text",
    "remove_directory",
    "shared_folder",
    "split_lines",
    "write_splits",
    "write_text",
]

_LOG = logging.getLogger(__name__)

IN_MEMORY_ARGS = ("--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner",)
"""Beam's runner inside this process, by its class: DirectRunner would first try to fetch Prism."""

PipelineFactory = Callable[[], Any]
"""Makes a Beam pipeline."""


def check_data(
    data: DataConfig,
    forecast: ForecastConfig,
    sampling: SamplingConfig,
    beam_config: BeamConfig,
    *,
    make_pipeline: PipelineFactory | None = None,
) -> Report:
    """Checks the contract of all tables and writes nothing.

    Args:
        data: The tables.
        forecast: Frequency.
        sampling: History and splits.
        beam_config: Sizes, and arguments of Beam if `make_pipeline` is not given.
        make_pipeline: Makes the Beam pipeline.

    Returns:
        Rows, series, span of the data.

    Raises:
        ContractError: The tables break their contract; all violations are listed.
    """
    ingestion = Ingestion(data, forecast, sampling, beam_config, open_tables(data))
    with _temporary_report(shared_folder(beam_config)) as path:
        with _pipeline(make_pipeline, beam_config) as pipeline:
            checked = pipeline | "CheckTables" >> CheckTables(ingestion)
            _ = checked.report | "Report" >> beam.Map(_write_report, path)
        return accepted(ingestion, path)


def write_splits(
    ingestion: Ingestion,
    folder: str,
    *,
    splits: tuple[str, ...] = SPLITS,
    make_pipeline: PipelineFactory | None = None,
    temporary: str | None = None,
) -> Report:
    """Writes the examples of each split below a folder, if the tables keep their contract.

    Args:
        ingestion: What to read and to build.
        folder: Where the folders `Split-<name>` go.
        splits: Names of the splits.
        make_pipeline: Makes the Beam pipeline.
        temporary: Folder that all workers reach, for the report; by default below Beam's
            --temp_location, or on this machine if there is none.

    Returns:
        Counts, and the span of the data.

    Raises:
        ContractError: The tables break their contract, or a split has no example.
    """
    for split in splits:
        make_directory(FileSystems.join(folder, f"Split-{split}"))
    with _temporary_report(temporary or shared_folder(ingestion.beam)) as path:
        with _pipeline(make_pipeline, ingestion.beam) as pipeline:
            checked = pipeline | "CheckTables" >> CheckTables(ingestion)
            report = _second_look(ingestion, checked)
            written = checked | "Write" >> WriteExamples(ingestion, report=report, folder=folder)
            _ = written | "Report" >> beam.Map(_write_report, path)
        result = accepted(ingestion, path)
    refuse_empty_splits(ingestion, result, splits)
    return result


def feed_examples(
    ingestion: Ingestion,
    consumer: beam.PTransform,
    *,
    make_pipeline: PipelineFactory | None = None,
) -> str:
    """Hands examples to a transform as they are built; they are written nowhere.

    Args:
        ingestion: What to read and to build.
        consumer: Takes `EncodedBatch`es and gives one text.
        make_pipeline: Makes the Beam pipeline.

    Returns:
        The text.

    Raises:
        ContractError: The tables break their contract.
    """
    with _temporary_report(shared_folder(ingestion.beam)) as path:
        result = f"{path}.result"
        with _pipeline(make_pipeline, ingestion.beam) as pipeline:
            checked = pipeline | "CheckTables" >> CheckTables(ingestion)
            report = _second_look(ingestion, checked)
            batches = checked | "Build" >> BuildExamples(ingestion, report=report)
            _ = batches | "Consume" >> consumer | "Result" >> beam.Map(_write_text_to, result)
            _ = report | "Report" >> beam.Map(_write_report, path)
        accepted(ingestion, path)
        return read_text(result)


def _second_look(ingestion: Ingestion, checked: CheckedTables) -> Any:
    """Looks for what only the newest period shows; gives the report with it added."""
    if ingestion.latest or ingestion.looks_ahead:
        return checked | "CheckFuture" >> CheckFuture(ingestion)
    if ingestion.data.missing_period == "zero" and ingestion.spec.known_future.names:
        return checked | "CheckZeros" >> CheckZeros(ingestion)
    return checked.report


def accepted(ingestion: Ingestion, path: str) -> Report:
    """Reads the report of a pipeline that ended.

    Raises:
        ContractError: The report has a complaint.
    """
    report = report_from_json(read_text(path))
    if report.violations:
        raise contract_error(report.violations, ingestion.tables.files)
    if report.gaps:
        raise gap_error(report, ingestion.tables.roles, ingestion.spec)
    if report.lines and report.newest is None:
        raise no_line_left(report)
    if report.newest is None or report.oldest is None:
        raise ContractError(
            f"sales: column {ingestion.data.columns.target!r} has no value in any row; "
            "expected units sold in some"
        )
    if report.future_series_unknown:
        _LOG.warning(
            "%s series of the future table have no sales: they get no forecast",
            f"{report.future_series_unknown:,}",
        )
    first, last = dates_of((report.oldest, report.newest), ingestion.forecast.frequency)
    _LOG.info(
        "%s rows of %s series from %s to %s", f"{report.rows:,}", f"{report.series:,}", first, last
    )
    for line in data_lines(report, ingestion.data, ingestion.forecast.frequency):
        _LOG.info("%s", line)
    return report


def read_text(path: str) -> str:
    """Reads a small file of any filesystem."""
    with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as stream:
        return str(stream.read().decode())


def write_text(path: str, text: str) -> None:
    """Writes a small file on any filesystem."""
    with FileSystems.create(path, compression_type=CompressionTypes.UNCOMPRESSED) as stream:
        stream.write(text.encode())


def make_directory(path: str) -> None:
    """Creates a folder and those above it, unless it exists."""
    if not FileSystems.exists(path):
        FileSystems.mkdirs(path)


def remove_directory(path: str) -> None:
    """Removes a folder with all that is in it, if it is there."""
    if FileSystems.exists(path):
        FileSystems.delete([path])


def _write_report(report: Report, path: str) -> None:
    write_text(path, report_to_json(report))


def _write_text_to(text: str, path: str) -> None:
    write_text(path, text)


def shared_folder(beam_config: BeamConfig) -> str | None:
    """Returns a new folder below Beam's --temp_location, if there is one."""
    for argument in beam_config.args:
        key, _, value = argument.partition("=")
        if key == "--temp_location":
            return FileSystems.join(value, f"demandcast-{uuid.uuid4().hex}")
    return None


@contextlib.contextmanager
def _temporary_report(folder: str | None) -> Iterator[str]:
    """Gives a path at which a step of the pipeline leaves the report."""
    if folder is not None:
        make_directory(folder)
        yield FileSystems.join(folder, "report.json")
        return
    with tempfile.TemporaryDirectory(prefix="demandcast-") as local:
        yield str(Path(local) / "report.json")


def _pipeline(make_pipeline: PipelineFactory | None, beam_config: BeamConfig) -> Any:
    if make_pipeline is not None:
        return make_pipeline()
    return beam.Pipeline(argv=list(beam_config.args or IN_MEMORY_ARGS))
