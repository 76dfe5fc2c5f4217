"""Files of a table: on the local disk, or on any filesystem that Beam reads."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from demandcast.schema.errors import ContractError

__all__ = ["FileFormat", "file_format", "is_local", "list_files", "open_file"]

FileFormat = Literal["csv", "parquet"]

_SUFFIXES: dict[str, FileFormat] = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".csv.gz": "csv",
    ".csv.bz2": "csv",
}


def is_local(path: str) -> bool:
    """Tells a path of this machine from a URL such as `gs://bucket/sales.parquet`."""
    return "://" not in path


def list_files(pattern: str, *, table: str) -> list[str]:
    """Lists the files of a table in the order of their names.

    Args:
        pattern: File or glob; `**` spans folders on the local disk.
        table: Name of the table, for the message.

    Raises:
        ContractError: No file matches, or the pattern is a folder.
    """
    if is_local(pattern):
        if Path(pattern).is_dir():
            folder = pattern.rstrip("/")
            raise ContractError(
                f"{table}: {pattern!r} is a directory; expected the files in it: "
                f"'{folder}/*.parquet' or '{folder}/*.csv'"
            )
        matches = glob.glob(pattern, recursive=True)  # noqa: PTH207 - takes absolute patterns
        found = [path for path in matches if Path(path).is_file()]
    else:
        found = _list_remote(pattern)
    if not found:
        raise ContractError(f"{table}: no file matches {pattern!r}; expected CSV or Parquet files")
    return sorted(found)


def file_format(path: str, *, table: str) -> FileFormat:
    """Tells the format by the suffix.

    Raises:
        ContractError: The suffix is unknown.

    >>> file_format("sales-2024.csv.gz", table="sales")
    'csv'
    """
    for suffix, name in _SUFFIXES.items():
        if path.lower().endswith(suffix):
            return name
    raise ContractError(
        f"{table}: cannot tell the format of {path!r}; file names end in one of {list(_SUFFIXES)}"
    )


def open_file(path: str) -> Any:
    """Opens a file for reading, decompressed by its suffix; the caller closes it.

    Returns:
        A `pyarrow.NativeFile`; one that can seek if the file is not compressed.
    """
    compressed = path.lower().endswith((".gz", ".bz2"))
    if not is_local(path):
        return pa.PythonFile(_open_remote(path), mode="r")
    return pa.input_stream(path, compression="detect") if compressed else pa.OSFile(path)


def _list_remote(pattern: str) -> list[str]:
    from apache_beam.io.filesystems import FileSystems

    return [entry.path for entry in FileSystems.match([pattern])[0].metadata_list]


def _open_remote(path: str) -> Any:
    from apache_beam.io.filesystems import FileSystems

    return FileSystems.open(path)
