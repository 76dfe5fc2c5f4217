"""Opens the tables of a configuration: files, headers, roles; nothing is read yet."""

from __future__ import annotations

import dataclasses

import pyarrow as pa

from demandcast.components.examples.files import file_format, list_files
from demandcast.components.examples.readers import ReadTask, plan_reading, read_header
from demandcast.components.examples.roles import Header, Roles, resolve_roles, table_paths
from demandcast.schema.config import DataConfig
from demandcast.schema.errors import ContractError

__all__ = ["Tables", "open_tables"]


_OTHER_SEPARATORS = (";", "\t", "|")


@dataclasses.dataclass(frozen=True)
class Tables:
    """The tables of a configuration.

    Attributes:
        files: Paths of each table, by the table's name; the order gives them their numbers.
        tasks: What to read of each table.
        roles: Which column of which table plays which role.
    """

    files: dict[str, tuple[str, ...]]
    tasks: dict[str, tuple[ReadTask, ...]]
    roles: Roles


def open_tables(data: DataConfig) -> Tables:
    """Lists the files and checks that each has the columns it needs.

    Raises:
        ContractError: A table has no file, a file cannot be read or lacks a column; all files
            and columns are listed.
    """
    files: dict[str, tuple[str, ...]] = {}
    headers: dict[str, list[Header]] = {}
    tasks: dict[str, tuple[ReadTask, ...]] = {}
    problems: list[str] = []
    for table, pattern in table_paths(data).items():
        headers[table] = []
        try:
            files[table] = tuple(list_files(pattern, table=table))
        except ContractError as error:
            problems.append(str(error))
            continue
        for path in files[table]:
            try:
                headers[table].append((path, _header(path, table)))
            except ContractError as error:
                problems.append(str(error))
        if len(headers[table]) == len(files[table]):
            tasks[table] = tuple(plan_reading(files[table], table=table))
    if problems:
        raise ContractError("\n".join(problems))
    return Tables(files, tasks, resolve_roles(data, headers))


def _header(path: str, table: str) -> tuple[str, ...]:
    try:
        header = read_header(path, table=table)
    except UnicodeDecodeError as error:
        raise ContractError(
            f"{table}: {path} has a header that is not UTF-8; expected UTF-8 text: {error}"
        ) from error
    except (pa.ArrowInvalid, OSError) as error:
        raise ContractError(f"{table}: {path} cannot be read: {error}") from error
    separators = [mark for mark in _OTHER_SEPARATORS if len(header) == 1 and mark in header[0]]
    if separators and file_format(path, table=table) == "csv":
        raise ContractError(
            f"{table}: {path}: its header is one value with {separators[0]!r} in it; expected ','"
        )
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise ContractError(f"{table}: {path} has columns of the same name: {twice}")
    return header
