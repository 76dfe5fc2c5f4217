import csv
import datetime
import io
import re
import zipfile

import polars as pl
import pytest
from openpyxl import load_workbook
from order_folders import KEY, make_book, make_proposals, make_terms

from demandcast.components.replenishment.review_rows import (
    INPUTS,
    ReviewBasis,
    read_review,
    review_table,
)
from demandcast.pipeline.orders.review_files import (
    REVIEW_SUFFIXES,
    read_review_file,
    write_new_file,
    write_review_file,
)
from demandcast.schema.errors import BadInputError

BASIS = ReviewBasis("p", "0123456789abcdef" * 4, 5)
ODD = ("=1+1", "+49", "-x", "@a", "'=b", "007", "1e5", "2026-07-01", 'Käse, "fein"', "TRUE")
"""Names of items that spreadsheets like to make something else of."""


def odd_book():
    proposals = make_proposals([{"item": item, "reason": f"={item}"} for item in ODD])
    return make_book(proposals=proposals, terms=make_terms(proposals))


def written(path, book=None):
    table = review_table(make_book() if book is None else book, BASIS, series_key=KEY)
    write_review_file(path, table, series_key=KEY)
    return path


def read(path, book=None):
    """What a file asks for, and what is refused of it."""
    requests, refusals = read_review(
        read_review_file(path), make_book() if book is None else book, BASIS, series_key=KEY
    )
    return requests.rows(named=True), refusals.rows(named=True)


class Sheet:
    """An .xlsx file in the hands of a person; saved as a spreadsheet saves it."""

    def __init__(self, path):
        self.path, self.book = path, load_workbook(path)
        self.sheet = self.book["review"]
        self.names = [cell.value for cell in self.sheet[1]]

    def cell(self, row, name):
        return self.sheet.cell(row, self.names.index(name) + 1)

    def fill(self, row, decision, quantity=None, reason=None):
        for name, value in zip(INPUTS, (decision, quantity, reason), strict=True):
            self.cell(row, name).value = value
        return self

    def save(self):
        self.book.save(self.path)
        return self.path


@pytest.mark.parametrize("suffix", REVIEW_SUFFIXES)
def test_a_review_that_nobody_touched_asks_for_nothing(tmp_path, suffix):
    assert read(written(tmp_path / f"review{suffix}")) == ([], [])
    book = odd_book()
    assert read(written(tmp_path / f"odd{suffix}", book), book) == ([], [])


@pytest.mark.parametrize("suffix", REVIEW_SUFFIXES)
def test_every_text_comes_back_as_it_was(tmp_path, suffix):
    table = read_review_file(written(tmp_path / f"review{suffix}", odd_book()))
    item, why = table.header.index("item"), table.header.index("proposal_reason")
    assert [cells[item] for _, cells in table.rows] == list(ODD)
    assert [cells[why] for _, cells in table.rows] == [f"={name}" for name in ODD]
    assert [number for number, _ in table.rows] == list(range(2, 2 + len(ODD)))


@pytest.mark.parametrize("suffix", REVIEW_SUFFIXES)
def test_no_proposal_gives_a_review_without_rows(tmp_path, suffix):
    book = make_book(proposals=make_proposals([]), terms=None)
    assert read(written(tmp_path / f"review{suffix}", book), book) == ([], [])


def test_the_sheet_is_laid_out_for_people(tmp_path):
    sheet = Sheet(written(tmp_path / "review.xlsx")).sheet
    names = [cell.value for cell in sheet[1]]
    assert sheet.freeze_panes == "C2"
    assert sheet.auto_filter.ref == f"A1:{sheet.cell(9, len(names)).coordinate}"
    assert sheet.protection.sheet
    assert not sheet.protection.autoFilter  # Allowed.
    locked = {
        name: sheet.cell(2, number).protection.locked for number, name in enumerate(names, start=1)
    }
    assert {name for name, is_locked in locked.items() if not is_locked} == set(INPUTS)
    choice, number = sheet.data_validations.dataValidation
    assert (choice.type, choice.formula1) == ("list", '"approve,reject,change"')
    column = sheet.cell(2, names.index("decision") + 1).column_letter
    assert str(choice.sqref) == f"{column}2:{column}9"
    assert (number.type, number.operator) == ("decimal", "greaterThan")
    assert choice.showErrorMessage
    assert number.showErrorMessage


def test_cells_have_types_and_formats(tmp_path):
    sheet = Sheet(written(tmp_path / "review.xlsx"))
    assert (sheet.cell(2, "item").value, sheet.cell(2, "item").number_format) == ("item_001", "@")
    assert sheet.cell(2, "order_date").value == datetime.datetime(2026, 7, 1)
    assert sheet.cell(2, "order_date").number_format == "yyyy-mm-dd"
    assert sheet.cell(2, "order_value").value == 1200
    assert sheet.cell(2, "stockout_probability").number_format == "0.0%"
    assert sheet.cell(2, "needs_approval").value is True
    assert sheet.cell(8, "order_quantity").value is None


def test_what_looks_like_a_formula_is_no_formula(tmp_path):
    path = written(tmp_path / "review.xlsx", odd_book())
    sheet = Sheet(path)
    for row, name in enumerate(ODD, start=2):
        cell = sheet.cell(row, "item")
        assert (cell.value, cell.data_type) == (name, "s")
    assert sheet.cell(2, "item").quotePrefix
    with zipfile.ZipFile(path) as files:
        assert b"<f>" not in files.read("xl/worksheets/sheet1.xml")


def test_csv_guards_what_looks_like_a_formula(tmp_path):
    content = written(tmp_path / "review.csv", odd_book()).read_bytes()
    assert content.startswith(b"\xef\xbb\xbfstore,item,")
    assert content.count(b"\r\n") == 1 + len(ODD)
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert [row["item"] for row in rows[:5]] == ["'=1+1", "'+49", "'-x", "'@a", "''=b"]
    for row in rows:
        assert not any(value.startswith(("=", "+", "-", "@")) for value in row.values())


def test_a_filled_in_sheet_comes_back(tmp_path):
    sheet = Sheet(written(tmp_path / "review.xlsx"))
    sheet.fill(2, "approve").fill(3, "change", 48, "festival").fill(4, "REJECT", None, "=no room")
    requests, refusals = read(sheet.save())
    assert refusals == []
    asked = [(one["item"], one["#action"], one["#quantity"], one["#reason"]) for one in requests]
    assert asked == [
        ("item_001", "approve", None, ""),
        ("item_002", "change", 48.0, "festival"),
        ("item_003", "reject", None, "=no room"),
    ]
    assert [one["#row"] for one in requests] == [2, 3, 4]


def test_what_spreadsheets_and_people_do_to_a_sheet(tmp_path):
    """Numbers as text, rows sorted and removed, columns added and moved, lines left blank."""
    sheet = Sheet(written(tmp_path / "review.xlsx"))
    sheet.fill(3, "change", "48", "festival").fill(4, "change", 24.0, "less")
    rows = [[cell.value for cell in row] for row in sheet.sheet.iter_rows()]
    header, *lines = [[*row[3:], "a note", *row[:3]] for row in rows]
    header[-4] = "my notes"
    sheet.sheet.delete_rows(1, 20)
    for row in [header, *reversed(lines[1:]), [], [None, " "], lines[0]]:
        sheet.sheet.append(row)
    requests, refusals = read(sheet.save())
    assert refusals == []
    assert {one["item"]: one["#quantity"] for one in requests} == {"item_002": 48, "item_003": 24}


def test_a_formula_is_not_calculated(tmp_path):
    sheet = Sheet(written(tmp_path / "review.xlsx"))
    sheet.fill(2, "change", "=F2*2", "more")
    _, (refusal,) = read(sheet.save())
    assert (refusal["row"], refusal["column"], refusal["value"]) == (2, "quantity", "=F2*2")


def test_a_key_that_lost_its_zeros_is_another_series(tmp_path):
    book = odd_book()
    sheet = Sheet(written(tmp_path / "review.xlsx", book))
    row = 2 + ODD.index("007")
    sheet.cell(row, "item").value = 7
    requests, _ = read(sheet.fill(row, "approve").save(), book)
    assert requests[0]["item"] == "7"  # Which the checks refuse: there is no such series.


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv_may_come_back_with_the_separator_of_another_country(tmp_path, separator):
    path = written(tmp_path / "review.csv", odd_book())
    rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"), newline="")))
    rows[0] |= {"decision": "change", "quantity": "48", "reason": "a; b, c"}
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]), delimiter=separator)
    writer.writeheader()
    writer.writerows(rows)
    path.write_text("\n".join(out.getvalue().split("\r\n")) + "\n\n", encoding="utf-8")
    (request,), refusals = read(path, odd_book())
    assert refusals == []
    assert (request["item"], request["#quantity"], request["#reason"]) == ("=1+1", 48.0, "a; b, c")


def test_csv_may_come_back_with_decimal_commas(tmp_path):
    """As a spreadsheet of such a country saves it: semicolons, and commas in each number."""
    path = written(tmp_path / "review.csv")
    rows = list(csv.reader(io.StringIO(path.read_text("utf-8-sig"), newline="")))
    number = re.compile(r"\d+\.\d+")
    lines = [
        [number.sub(lambda found: found[0].replace(".", ","), cell) for cell in row] for row in rows
    ]
    assert "480,0" in lines[1]
    lines[1][rows[0].index("decision")] = "change"
    lines[1][rows[0].index("quantity")] = "492,0"
    lines[1][rows[0].index("reason")] = "festival"
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=";").writerows(lines)
    path.write_text(out.getvalue(), encoding="utf-8")
    (request,), refusals = read(path)
    assert (refusals, request["#quantity"]) == ([], 492.0)


def test_an_unpacked_sheet_with_another_first_sheet_is_found_by_its_name(tmp_path):
    sheet = Sheet(written(tmp_path / "review.xlsx"))
    sheet.book.create_sheet("summary", 0)["A1"] = "x"
    assert read(sheet.save()) == ([], [])
    assert "how to" in sheet.book.sheetnames


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"", "the name must end in .xlsx or .csv"),
        ("a.csv", b"", "is empty"),
        ("a.csv", "größe".encode("latin-1"), "is not UTF-8; save it as 'CSV UTF-8'"),
        ("a.csv", b'store\n"open', "is no CSV"),
        ("a.xlsx", b"no zip", "is no .xlsx file"),
        ("a.csv", b"store;item\n", "row 1: no column"),
    ],
)
def test_files_that_are_none_are_refused(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=re.escape(message)):
        read(path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BadInputError, match=r"--apply: .*a\.csv: No such file"):
        read_review_file(tmp_path / "a.csv")


def test_a_review_in_which_people_may_have_written_is_not_replaced(tmp_path):
    path = written(tmp_path / "review.xlsx")
    content = path.read_bytes()
    with pytest.raises(BadInputError, match="is there, and people may have written in it"):
        written(path)
    assert path.read_bytes() == content
    assert [entry.name for entry in tmp_path.iterdir()] == ["review.xlsx"]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInputError, match="cannot be written"):
        write_new_file(tmp_path / "file" / "review.csv", b"")


def test_what_a_sheet_cannot_hold_is_refused(tmp_path, monkeypatch):
    proposals = make_proposals([{"reason": "a\x07bell", "item": "x"}])
    with pytest.raises(BadInputError, match="control characters in the column 'proposal_reason'"):
        written(tmp_path / "a.xlsx", make_book(proposals=proposals, terms=None))
    book = make_book(proposals=proposals, terms=None)
    assert read(written(tmp_path / "a.csv", book), book) == ([], [])
    monkeypatch.setattr("demandcast.pipeline.orders.review_files._MOST_ROWS", 7)
    with pytest.raises(BadInputError, match="8 lines do not fit in a sheet of 7"):
        written(tmp_path / "b.xlsx")


def test_texts_are_kept_apart_from_nothing(tmp_path):
    book = make_book().with_columns(reason=pl.lit("'quoted'"))
    table = read_review_file(written(tmp_path / "review.csv", book))
    assert table.rows[0][1][table.header.index("proposal_reason")] == "'quoted'"
