"""Writes the forecast table batch by batch: aside first, renamed when complete."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet

__all__ = ["FORMATS", "ForecastWriter", "open_forecast_files"]

FORMATS = ("parquet", "csv")


class ForecastWriter:
    """Appends batches to the files of all formats asked for."""

    def __init__(self, targets: dict[str, Path]) -> None:
        self._targets = targets
        self._parquet: Any = None
        self._csv: IO[bytes] | None = None

    def write(self, frame: pl.DataFrame) -> None:
        """Appends rows; the first call sets the columns."""
        if "parquet" in self._targets:
            self._write_parquet(frame)
        if "csv" in self._targets:
            self._write_csv(frame)

    def close(self) -> None:
        """Finishes the files."""
        if self._parquet is not None:
            self._parquet.close()
        if self._csv is not None:
            self._csv.close()

    def _write_parquet(self, frame: pl.DataFrame) -> None:
        table = frame.to_arrow()
        # Readers of any age know plain strings.
        table = table.cast(
            pa.schema(
                [
                    pa.field(field.name, pa.string() if _is_text(field.type) else field.type)
                    for field in table.schema
                ]
            )
        )
        if self._parquet is None:
            self._parquet = pa.parquet.ParquetWriter(
                str(self._targets["parquet"]), table.schema, compression="zstd"
            )
        self._parquet.write_table(table)

    def _write_csv(self, frame: pl.DataFrame) -> None:
        first = self._csv is None
        if self._csv is None:
            self._csv = self._targets["csv"].open("wb")
        frame.write_csv(self._csv, include_header=first, float_precision=4)


@contextlib.contextmanager
def open_forecast_files(output: Path, formats: Sequence[str]) -> Iterator[ForecastWriter]:
    """Opens the files of a forecast, which appear only if the block ends without an error.

    Args:
        output: Path without ending; `forecasts/today` gives `forecasts/today.parquet`.
        formats: From `FORMATS`.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    final = {name: output.with_name(f"{output.name}.{name}") for name in formats}
    aside = {name: path.with_name(f".{path.name}.part") for name, path in final.items()}
    # Tables do not fit into memory, and appear together: `write_whole` is for single texts.
    writer = ForecastWriter(aside)
    try:
        with contextlib.closing(writer):
            yield writer
        for name, path in aside.items():
            path.replace(final[name])
    finally:
        for path in aside.values():
            path.unlink(missing_ok=True)


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_large_string(kind) or pa.types.is_string(kind))
