"""Review files: what `orders review` writes for a spreadsheet, and reads back from one.

`.xlsx` keeps texts texts and locks what is not to be filled in. `.csv` is for everything else:
UTF-8 with a byte order mark, by which spreadsheets know it, commas, and texts that look like
formulas behind an apostrophe. It may come back with semicolons, and then with decimal commas.
"""

from __future__ import annotations

import csv
import datetime
import io
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from demandcast.components.replenishment.decisions import ACTIONS
from demandcast.components.replenishment.review_rows import INPUTS, RawTable
from demandcast.components.replenishment.spreadsheet_text import (
    guarded,
    looks_like_a_formula,
    unguard,
)
from demandcast.components.storage.files import ChangedError, LocalFiles
from demandcast.schema.errors import BadInputError

__all__ = [
    "REVIEW_SUFFIXES",
    "csv_content",
    "read_review_file",
    "write_new_file",
    "write_review_file",
]

REVIEW_SUFFIXES = (".xlsx", ".csv")

_SHEET, _HELP_SHEET = "review", "how to"
_MOST_ROWS = 1_048_575
"""Of an XLSX sheet, without the header."""
_NOT_IN_XML = r"[\x00-\x08\x0b\x0c\x0e-\x1f]"
_NUMBER_FORMATS = {
    "unit_cost": "#,##0.00##",
    "order_value": "#,##0.00",
    "stockout_probability": "0.0%",
    "stockout_probability_without": "0.0%",
}
_WIDTHS = {"reason": 40, "proposal_reason": 60, "decision_reason": 30, "basis": 18}
_HELP = (
    "Fill in the white columns only:",
    "decision: approve, reject or change; nothing leaves the line as it is.",
    "quantity: units; for change, or for approve to order and approve another quantity.",
    "reason: why; for reject and for another quantity it must be there.",
    "Rows may be sorted, filtered and removed, columns moved and added.",
    "Then: demandcast orders review --apply THIS_FILE --user YOU --config FILE",
)
_SEPARATORS = (",", ";", "\t")


def write_new_file(path: Path, content: bytes, *, option: str = "--output") -> None:
    """Writes a file that must not be there yet, whole or not at all.

    Raises:
        BadInputError: It is there, or cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        LocalFiles().replace(str(path), content, None)
    except ChangedError as error:
        raise BadInputError(
            f"{option}: {path} is there, and people may have written in it; name another file"
        ) from error
    except OSError as error:
        raise BadInputError(
            f"{option}: {path} cannot be written: {error.strerror or error}"
        ) from error


def write_review_file(path: Path, table: pl.DataFrame, *, series_key: Sequence[str]) -> None:
    """Writes a review.

    Args:
        path: The file; its suffix tells the format. It must not be there yet.
        table: Of `review_rows.review_table`.
        series_key: Columns of the key.

    Raises:
        BadInputError: The suffix is another, the file is there or cannot be written, or the table
            does not fit in a sheet.
    """
    content = _xlsx(table, series_key) if _suffix(path) == ".xlsx" else csv_content(table)
    write_new_file(path, content)


def read_review_file(path: Path) -> RawTable:
    """Reads a review as texts, in whatever order a spreadsheet saved it.

    Raises:
        BadInputError: The file cannot be read, is no such file, or is empty.
    """
    suffix = _suffix(path, option="--apply")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInputError(f"--apply: {path}: {error.strerror or error}") from error
    decimal_comma = False
    if suffix == ".xlsx":
        rows = list(_xlsx_rows(path, content))
    else:
        text = _csv_text(path, content)
        separator = max(_SEPARATORS, key=text.partition("\n")[0].count)
        decimal_comma = separator != ","
        rows = list(_csv_rows(path, text, separator))
    if not rows:
        raise BadInputError(f"--apply: {path}: is empty; expected a review with its header")
    header = tuple(rows[0])
    return RawTable(header, tuple(enumerate(map(tuple, rows[1:]), start=2)), decimal_comma)


def _suffix(path: Path, *, option: str = "--output") -> str:
    suffix = path.suffix.lower()
    if suffix not in REVIEW_SUFFIXES:
        raise BadInputError(
            f"{option}: {path}: the name must end in {' or '.join(REVIEW_SUFFIXES)}"
        )
    return suffix


def csv_content(table: pl.DataFrame) -> bytes:
    """Writes a table as CSV for spreadsheets."""
    texts = [guarded(name) for name, kind in table.schema.items() if kind == pl.String]
    buffer = io.BytesIO()
    table.with_columns(texts).write_csv(
        buffer, include_bom=True, line_terminator="\r\n", date_format="%Y-%m-%d"
    )
    return buffer.getvalue()


def _csv_text(path: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInputError(
            f"--apply: {path}: is not UTF-8; save it as 'CSV UTF-8', or as .xlsx ({error})"
        ) from error


def _csv_rows(path: Path, text: str, separator: str) -> Iterator[list[str]]:
    """Reads a CSV file; spreadsheets of other countries save it with semicolons."""
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True):
            yield [unguard(cell) for cell in row]
    except csv.Error as error:
        raise BadInputError(f"--apply: {path}: is no CSV: {error}") from error


def _xlsx(table: pl.DataFrame, series_key: Sequence[str]) -> bytes:
    if table.height > _MOST_ROWS:
        raise BadInputError(
            f"--output: {table.height:,} lines do not fit in a sheet of {_MOST_ROWS:,}; take .csv, "
            "or fewer lines with --risk, --supplier or --state"
        )
    _refuse_control_characters(table)
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet(_SHEET)
    _lay_out(sheet, table, len(series_key))
    sheet.append(_header(sheet, table.columns))
    for cells in _cells(sheet, table, series_key):
        sheet.append(cells)
    help_sheet = book.create_sheet(_HELP_SHEET)
    for line in _HELP:
        help_sheet.append([line])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _refuse_control_characters(table: pl.DataFrame) -> None:
    """Refuses what XML cannot hold, before a sheet is begun."""
    texts = [name for name, kind in table.schema.items() if kind == pl.String]
    found = table.select(pl.col(texts).str.contains(_NOT_IN_XML).any()).row(0, named=True)
    bad = [name for name, has_some in found.items() if has_some]
    if bad:
        raise BadInputError(
            f"--output: control characters in the column {bad[0]!r}, which .xlsx cannot hold; "
            "take .csv"
        )


def _lay_out(sheet: Any, table: pl.DataFrame, keys: int) -> None:
    """Freezes header and key, filters, and locks all but what people fill in."""
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    last = table.height + 1
    letters = {
        name: get_column_letter(number) for number, name in enumerate(table.columns, start=1)
    }
    sheet.freeze_panes = f"{get_column_letter(keys + 1)}2"
    sheet.auto_filter.ref = f"A1:{get_column_letter(table.width)}{last}"
    for name, letter in letters.items():
        sheet.column_dimensions[letter].width = _WIDTHS.get(name, max(12, len(name) + 4))
    rules = {
        "decision": DataValidation("list", formula1=f'"{",".join(ACTIONS)}"', allow_blank=True),
        "quantity": DataValidation(
            "decimal", operator="greaterThan", formula1="0", allow_blank=True
        ),
    }
    for name, rule in rules.items():
        rule.error, rule.showErrorMessage = "; ".join(_HELP[1:3]), True
        rule.add(f"{letters[name]}2:{letters[name]}{max(last, 2)}")
        sheet.data_validations.append(rule)
    # Without a password: it keeps slips out, not people.
    sheet.protection.sheet = True
    for allowed in ("autoFilter", "sort", "formatColumns", "formatCells"):
        setattr(sheet.protection, allowed, False)


def _header(sheet: Any, names: Sequence[str]) -> list[Any]:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font, PatternFill

    cells = [WriteOnlyCell(sheet, name) for name in names]
    for cell, name in zip(cells, names, strict=True):
        cell.font = Font(bold=True)
        cell.fill = PatternFill() if name in INPUTS else PatternFill("solid", fgColor="EDEDED")
    return cells


def _cells(sheet: Any, table: pl.DataFrame, series_key: Sequence[str]) -> Iterator[list[Any]]:
    """Makes the cells row by row; a sheet cannot be made of columns.

    Only cells that need a style are objects: those take most of the time.
    """
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Protection

    unlocked = Protection(locked=False)
    styles = [
        (_format_of(name, kind, series_key), name in INPUTS) for name, kind in table.schema.items()
    ]
    for row in table.iter_rows():
        cells: list[Any] = []
        for (number_format, is_input), value in zip(styles, row, strict=True):
            is_formula = isinstance(value, str) and looks_like_a_formula(value)
            if not (is_input or is_formula or (number_format and value is not None)):
                cells.append(value)
                continue
            cell = WriteOnlyCell(sheet, value)
            if is_formula:
                # A text that begins with '=' would become a formula.
                cell.data_type, cell.quotePrefix = "s", True
            if number_format:
                cell.number_format = number_format
            if is_input:
                cell.protection = unlocked
            cells.append(cell)
        yield cells


def _format_of(name: str, kind: pl.DataType, series_key: Sequence[str]) -> str:
    """Chooses the format of a column; empty for what needs none."""
    if name in series_key or name in ("decision", "reason"):
        return "@"
    return "yyyy-mm-dd" if kind == pl.Date else _NUMBER_FORMATS.get(name, "")


def _xlsx_rows(path: Path, content: bytes) -> Iterator[list[str]]:
    """Reads the sheet of the review, or the first one; formulas come as what they say."""
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(io.BytesIO(content), read_only=True)
        sheet = book[_SHEET] if _SHEET in book.sheetnames else book.worksheets[0]
        # What a spreadsheet says of its extent may be wrong.
        sheet.reset_dimensions()
        for row in sheet.iter_rows(values_only=True):
            yield [_text(value) for value in row]
    except (InvalidFileException, zipfile.BadZipFile, KeyError, IndexError, ValueError) as error:
        raise BadInputError(f"--apply: {path}: is no .xlsx file: {error}") from error


def _text(value: Any) -> str:
    """Writes the value of a cell as CSV would have it.

    >>> [_text(value) for value in (24.0, 0.1, "007", None, True)]
    ['24', '0.1', '007', '', 'TRUE']
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat()
    return str(value)
