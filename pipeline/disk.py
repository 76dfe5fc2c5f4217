"""Finds out that a disk is full, and says so once, whatever library noticed it first."""

from __future__ import annotations

import errno
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from demandcast.pipeline.places import pipeline_folder
from demandcast.schema.config import RunConfig
from demandcast.schema.errors import BadInputError

__all__ = [
    "DiskFullError",
    "check_space",
    "disk_full",
    "expected_bytes",
    "scarcity",
    "size_text",
]

_MEBIBYTE = 1 << 20
_LEAST = 16 * _MEBIBYTE
"""Without this much not even a run that is cached can write its log and its metadata."""

_FIXED = 50 * _MEBIBYTE
"""Models, their copies, metadata and logs of one run, whatever the size of the data."""

_PER_TABLE_BYTE = 3
"""Examples and transformed examples, as a multiple of the tables' files. Measured: 1.2 for CSV
of Walmart's weekly sales, about 2.5 for Parquet of FreshRetailNet."""

_NUMBERS = frozenset({errno.ENOSPC, errno.EDQUOT})
# Beam, TensorFlow and SQLite hand on the text, not the number.
_TEXTS = re.compile(
    "No space left on device|Disk quota exceeded|database or disk is full", re.IGNORECASE
)

_SYMPTOMS = re.compile("cannot commit - no transaction is active|disk I/O error", re.IGNORECASE)
"""What SQLite says after it took a change back, for want of room or for another reason."""


class DiskFullError(BadInputError):
    """There is no room left on a disk that a run writes to."""


def check_space(config: RunConfig) -> None:
    """Looks at the disks before a run.

    Raises:
        DiskFullError: There is so little room that no run can work, not even a cached one.
    """
    for name, folder in _folders(config):
        free = shutil.disk_usage(folder).free
        if free < _LEAST:
            raise DiskFullError(
                f"{name}: too little room on the disk of {folder}: {size_text(free)} free; a run "
                f"needs {size_text(_LEAST)} or more, and about "
                f"{size_text(expected_bytes(config))} where nothing is cached. Make room, or "
                "name another folder"
            )


def scarcity(config: RunConfig) -> str | None:
    """Warns where a run that has nothing in its cache would hardly find room."""
    folder = _existing(pipeline_folder(config))
    free, expected = shutil.disk_usage(folder).free, expected_bytes(config)
    if free >= expected:
        return None
    return (
        f"little room on the disk of {folder}: {size_text(free)} free; a run of these tables "
        f"writes about {size_text(expected)} where nothing is cached"
    )


def disk_full(
    error: BaseException, config: RunConfig, *, stage: str | None
) -> DiskFullError | None:
    """Recognises an error whose cause is a full disk.

    Args:
        error: What a stage, or the writing of a report, raised.
        config: The run.
        stage: Stage that was at work, if one was.

    Returns:
        The error in words for the user; none if the cause is another.
    """
    cause = next((one for one in _chain(error) if _tells_it(one)), None)
    if cause is None and _hardly_any_room(config):
        cause = next((one for one in _chain(error) if _SYMPTOMS.search(str(one))), None)
    if cause is None:
        return None
    folder = _folder_of(cause, config)
    usage = shutil.disk_usage(folder)
    at_work = "" if stage is None else f" while {stage} was at work"
    goes_on = "" if stage is None else f"; the next run goes on with {stage}"
    return DiskFullError(
        f"no space left on the disk of {folder}{at_work}: {size_text(usage.free)} free of "
        f"{size_text(usage.total)}; a run of these tables writes about "
        f"{size_text(expected_bytes(config))} where nothing is cached. Make room, or name another "
        f"folder{goes_on}"
    )


def expected_bytes(config: RunConfig) -> int:
    """Estimates what a run writes that has nothing in its cache, bytes.

    It is an upper estimate from the size of the tables' files; files on other machines, whose
    sizes take long to ask for, count as nothing.
    """
    from demandcast.components.examples.files import is_local, list_files
    from demandcast.components.examples.roles import table_paths

    size = 0
    for table, pattern in table_paths(config.data).items():
        try:
            files = list_files(pattern, table=table) if is_local(pattern) else []
            size += sum(Path(path).stat().st_size for path in files)
        except (BadInputError, OSError):  # Said by the stage that reads it.
            continue
    return _FIXED + _PER_TABLE_BYTE * size


def size_text(size: int) -> str:
    """Writes a number of bytes for people.

    >>> size_text(300), size_text(3 * 2**20), size_text(5 * 2**29)
    ('0 MiB', '3 MiB', '2.5 GiB')
    """
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size // _MEBIBYTE} MiB"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yields an error and what it came from."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def _tells_it(error: BaseException) -> bool:
    by_number = isinstance(error, OSError) and error.errno in _NUMBERS
    return by_number or bool(_TEXTS.search(str(error)))


def _hardly_any_room(config: RunConfig) -> bool:
    return any(shutil.disk_usage(folder).free < _LEAST for _, folder in _folders(config))


def _folder_of(error: BaseException, config: RunConfig) -> Path:
    """Returns the folder of the file that could not be written, or that with the least room."""
    # Of a copy the second one is what is written.
    name = getattr(error, "filename2", None) or getattr(error, "filename", None)
    if isinstance(name, str) and "://" not in name:
        return _existing(Path(name).parent)
    folders = [folder for _, folder in _folders(config)]
    return min(folders, key=lambda folder: shutil.disk_usage(folder).free)


def _folders(config: RunConfig) -> Iterator[tuple[str, Path]]:
    """Yields what a run writes to on this machine: key of the configuration, and folder."""
    yield "workspace", _existing(pipeline_folder(config))
    serving = str(config.push.serving_directory)
    if "://" not in serving:
        yield "push.serving_directory", _existing(Path(serving))
    yield "TMPDIR", Path(tempfile.gettempdir())


def _existing(folder: Path) -> Path:
    """Returns a folder, or the nearest one above it that is there."""
    return next((one for one in (folder, *folder.parents) if one.is_dir()), Path("/"))
