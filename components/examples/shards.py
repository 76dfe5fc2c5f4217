"""The files of one partition: written aside, and in their places only when complete."""

from __future__ import annotations

import abc
import dataclasses
import uuid
from typing import Any

import polars as pl
import pyarrow as pa
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from demandcast.components.examples.records import frame_records, gzip_stream
from demandcast.schema import series_example

__all__ = ["EXAMPLE", "ArrowShards", "EncodedBatch", "RecordShards", "Shards"]

EXAMPLE = "#example"
"""Column of serialized examples in an Arrow file."""


@dataclasses.dataclass(frozen=True)
class EncodedBatch:
    """Serialized examples and the keys of their series, row by row.

    Attributes:
        split: Name of the split.
        keys: Series key as text. Shape [B, key columns].
        cutoff_day: Last known period, days since 1970-01-01.
        examples: Serialized `tf.Example`s. Shape [B].
    """

    split: str
    keys: pl.DataFrame
    cutoff_day: int
    examples: list[bytes]


class Shards(abc.ABC):
    """Files of one partition, one per split.

    Attributes:
        counts: Examples written, by split.
    """

    suffix: str

    def __init__(self, folder: str, number: int, partitions: int) -> None:
        """Opens nothing yet.

        Args:
            folder: Where the folders `Split-<name>` are.
            number: Number of the partition.
            partitions: How many there are.
        """
        self.counts: dict[str, int] = {}
        self._folder = folder
        self._name = f"{number:05d}-of-{partitions:05d}"
        self._raw: dict[str, tuple[str, Any]] = {}

    def write(self, batch: EncodedBatch) -> None:
        """Adds a batch to the file of its split."""
        if batch.split not in self._raw:
            # By Beam's operations, not `write_whole`: in parts, on any filesystem.
            aside = FileSystems.join(self._folder, f".aside-{uuid.uuid4().hex}")
            raw = FileSystems.create(aside, compression_type=CompressionTypes.UNCOMPRESSED)
            self._raw[batch.split] = aside, raw
            self._begin(batch, raw)
        self._add(batch)
        self.counts[batch.split] = self.counts.get(batch.split, 0) + len(batch.examples)

    def commit(self) -> None:
        """Closes the files and gives them their names; a retry replaces them."""
        self._close()
        for split, (aside, _) in self._raw.items():
            name = self.suffix.format(name=self._name)
            FileSystems.rename([aside], [FileSystems.join(self._folder, f"Split-{split}", name)])

    def discard(self) -> None:
        """Removes what was written."""
        self._close()
        if self._raw:
            FileSystems.delete([aside for aside, _ in self._raw.values()])

    def _close(self) -> None:
        self._end()
        for _, raw in self._raw.values():
            raw.close()

    @abc.abstractmethod
    def _begin(self, batch: EncodedBatch, raw: Any) -> None:
        """Opens the writer of a split on a raw file."""

    @abc.abstractmethod
    def _add(self, batch: EncodedBatch) -> None:
        """Writes a batch."""

    @abc.abstractmethod
    def _end(self) -> None:
        """Ends all writers."""


class RecordShards(Shards):
    """Gzipped TFRecords, as TFX reads them."""

    suffix = "data_tfrecord-{name}.gz"

    def __init__(self, folder: str, number: int, partitions: int) -> None:
        super().__init__(folder, number, partitions)
        self._zipped: dict[str, Any] = {}

    def _begin(self, batch: EncodedBatch, raw: Any) -> None:
        self._zipped[batch.split] = gzip_stream(raw)

    def _add(self, batch: EncodedBatch) -> None:
        self._zipped[batch.split].write(frame_records(batch.examples))

    def _end(self) -> None:
        for stream in self._zipped.values():
            stream.close()


class ArrowShards(Shards):
    """Arrow streams with the series key, the cutoff and the example of each row."""

    suffix = "{name}.arrow"

    def __init__(self, folder: str, number: int, partitions: int) -> None:
        super().__init__(folder, number, partitions)
        self._writers: dict[str, Any] = {}

    def _begin(self, batch: EncodedBatch, raw: Any) -> None:
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        schema = _record_batch(batch).schema
        self._writers[batch.split] = pa.ipc.new_stream(raw, schema, options=options)

    def _add(self, batch: EncodedBatch) -> None:
        self._writers[batch.split].write_batch(_record_batch(batch))

    def _end(self) -> None:
        for writer in self._writers.values():
            writer.close()


def _record_batch(batch: EncodedBatch) -> Any:
    columns = {
        name: pa.array(batch.keys[name].to_list(), pa.string()) for name in batch.keys.columns
    }
    days = pa.array([batch.cutoff_day] * len(batch.examples), pa.int32())
    columns[series_example.CUTOFF] = days.cast(pa.date32())
    columns[EXAMPLE] = pa.array(batch.examples, pa.large_binary())
    return pa.RecordBatch.from_arrays(list(columns.values()), list(columns))
