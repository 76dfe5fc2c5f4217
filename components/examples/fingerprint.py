"""A digest of the data: the pipeline's cache sees a change behind an unchanged path."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from demandcast.components.examples.files import is_local, list_files
from demandcast.components.examples.roles import table_paths
from demandcast.schema.config import DataConfig

__all__ = ["data_fingerprint", "tables_fingerprint"]


def data_fingerprint(data: DataConfig) -> str:
    """Digests the files of all tables of a configuration, as `tables_fingerprint` does.

    Raises:
        ContractError: A table has no file.
    """
    return tables_fingerprint(table_paths(data))


def tables_fingerprint(paths: Mapping[str, str]) -> str:
    """Digests the files of tables.

    Files of this machine count by their content, so that a copy elsewhere is the same data;
    remote ones by size, checksum and time of change, which need no reading.

    Args:
        paths: File or glob of each table, by the table's name.

    Returns:
        64 hexadecimal digits.

    Raises:
        ContractError: A table has no file.
    """
    digest = hashlib.sha256()
    for table, pattern in paths.items():
        files = list_files(pattern, table=table)
        digest.update(f"{table}:{len(files)}\n".encode())
        for path in files:
            mark = _content(path) if is_local(path) else _remote_mark(path)
            digest.update(f"{mark}\n".encode())
    return digest.hexdigest()


def _content(path: str) -> str:
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _remote_mark(path: str) -> str:
    from apache_beam.io.filesystems import FileSystems

    metadata = FileSystems.match([path])[0].metadata_list[0]
    checksum = FileSystems.checksum(path)
    changed = metadata.last_updated_in_seconds
    return f"{metadata.path} {metadata.size_in_bytes} {checksum} {changed}"
