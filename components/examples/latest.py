"""The newest example of each series, for a forecast: no labels, covariates up to the horizon."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from demandcast.components.examples.ingestion import Ingestion
from demandcast.components.examples.report import Report
from demandcast.components.examples.run import PipelineFactory, write_splits
from demandcast.components.examples.shards import EXAMPLE
from demandcast.components.examples.splits import ENDED, LATEST
from demandcast.components.examples.tables import open_tables
from demandcast.schema.config import BeamConfig, DataConfig, ForecastConfig, SamplingConfig

__all__ = ["EXAMPLE", "LatestExamples", "latest_ingestion", "write_latest_examples"]

_DAY_ZERO = datetime.date(1970, 1, 1)


@dataclasses.dataclass(frozen=True)
class LatestExamples:
    """Newest examples in files.

    Attributes:
        report: Rows, series and span of the data.
        count: How many examples there are; one per series that goes on.
        files: Arrow files, one per partition that has series.
    """

    report: Report
    count: int
    files: tuple[str, ...]

    @property
    def ended(self) -> int:
        """Series without an example, because they have ended (`ahead.ended`)."""
        return dict(self.report.left_out).get(ENDED, 0)

    @property
    def silent(self) -> int:
        """Series without an example, because their history holds no recorded period."""
        return dict(self.report.left_out).get(LATEST, 0)

    def batches(self) -> Iterator[Any]:
        """Reads the examples batch by batch, in a fixed order.

        Yields:
            `pyarrow.RecordBatch`es: the columns of the series key (text), `cutoff` (date), and
            `EXAMPLE`, the serialized `tf.Example`s for the signature `serving_examples`.
        """
        for path in self.files:
            with (
                FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as stream,
                pa.ipc.open_stream(stream) as reader,
            ):
                yield from reader


def latest_ingestion(
    data: DataConfig,
    forecast: ForecastConfig,
    sampling: SamplingConfig,
    beam: BeamConfig,
    *,
    cutoff: datetime.date | None = None,
) -> Ingestion:
    """Describes the ingestion of the newest examples; also for use inside another pipeline.

    Args:
        data: The tables.
        forecast: Frequency and horizon.
        sampling: Longest history.
        beam: Sizes of blocks and number of partitions.
        cutoff: Last known period, or a day inside it; None: the newest with a target.

    Raises:
        ContractError: A table has no file, or a file lacks a column.
    """
    day = None if cutoff is None else (cutoff - _DAY_ZERO).days
    return Ingestion(data, forecast, sampling, beam, open_tables(data), latest=True, cutoff_day=day)


def write_latest_examples(
    ingestion: Ingestion, folder: str, *, make_pipeline: PipelineFactory | None = None
) -> LatestExamples:
    """Writes the newest example of each series with a recorded period up to the cutoff.

    Series that have ended (`ahead.ended`) get none.

    Args:
        ingestion: From `latest_ingestion`.
        folder: Where the files go; empty, on any filesystem that Beam writes.
        make_pipeline: Makes the Beam pipeline; by default as `ingestion.beam` says.

    Raises:
        ContractError: The tables break their contract, or known-future covariates do not reach
            the end of the horizon: columns, number of series and dates are listed.
    """
    report = write_splits(ingestion, folder, splits=(LATEST,), make_pipeline=make_pipeline)
    pattern = FileSystems.join(folder, f"Split-{LATEST}", "*.arrow")
    files = [entry.path for entry in FileSystems.match([pattern])[0].metadata_list]
    return LatestExamples(report, dict(report.examples)[LATEST], tuple(sorted(files)))
