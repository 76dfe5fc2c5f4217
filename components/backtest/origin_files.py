"""The files of the origins table: parts that workers write, joined to a file per cutoff.

A part is a batch: a retry of a bundle writes the same parts again under the same names. One
cutoff at a time is held in memory when they are joined.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import uuid
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from demandcast.schema.config import SeriesSpec
from demandcast.schema.forecast_table import CUTOFF
from demandcast.schema.origins_table import check_origins_table, origins_file, origins_order

__all__ = ["OriginParts"]

_DATE_LENGTH = len("2024-06-02")


@dataclass(frozen=True)
class OriginParts:
    """Parts of an origins table in a folder that all workers reach; travels to them.

    Attributes:
        folder: Where the parts lie, on any filesystem that Beam writes; it is there.
        series: Names, frequency, horizon and levels.
    """

    folder: str
    series: SeriesSpec

    def write(self, frame: pl.DataFrame) -> None:
        """Writes a batch, aside first.

        Args:
            frame: Rows of one cutoff, at least one.
        """
        content = io.BytesIO()
        frame.write_parquet(content, compression="zstd")
        aside = FileSystems.join(self.folder, f".aside-{uuid.uuid4().hex}")
        with FileSystems.create(aside, compression_type=CompressionTypes.UNCOMPRESSED) as stream:
            stream.write(content.getvalue())
        FileSystems.rename([aside], [FileSystems.join(self.folder, self._name(frame))])

    def join(self, folder: Path) -> int:
        """Sorts the parts of each cutoff into its file, which is checked, and removes them.

        Args:
            folder: Of the files, on this machine; it is there.

        Returns:
            Rows written.

        Raises:
            ContractError: A forecast breaks the contract of the table.
        """
        pattern = FileSystems.join(self.folder, "*.parquet")
        paths = sorted(entry.path for entry in FileSystems.match([pattern])[0].metadata_list)
        rows = 0
        for _, group in itertools.groupby(paths, _cutoff_of_part):
            parts = list(group)
            table = pl.concat([_read(path) for path in parts]).sort(origins_order(self.series))
            check_origins_table(table, self.series)
            table.write_parquet(folder / origins_file(table[CUTOFF][0]), compression="zstd")
            rows += table.height
            FileSystems.delete(parts)
        return rows

    def _name(self, frame: pl.DataFrame) -> str:
        """Names a part by its cutoff and series, which no other part has."""
        keys = frame.select(self.series.series_key).unique(maintain_order=True)
        digest = hashlib.sha256(keys.write_csv().encode()).hexdigest()
        return f"{frame[CUTOFF][0]}-{digest[:24]}.parquet"


def _cutoff_of_part(path: str) -> str:
    return FileSystems.split(path)[1][:_DATE_LENGTH]


def _read(path: str) -> pl.DataFrame:
    with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as stream:
        return pl.read_parquet(io.BytesIO(stream.read()))
