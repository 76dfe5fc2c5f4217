"""The benchmark on the SCMS delivery history: what it reads, and that it runs to the end."""

import datetime
import sys
import zipfile

import pytest
from supplier_lead_times import main, read_history

COLUMNS = (
    "PQ First Sent to Client Date",
    "PO Sent to Vendor Date",
    "Scheduled Delivery Date",
    "Delivered to Client Date",
    "Vendor",
    "Line Item Quantity",
)


@pytest.fixture
def history(tmp_path):
    def write(rows):
        text = "\r".join(",".join(row) for row in (COLUMNS, *rows))
        path = tmp_path / "history.zip"
        with zipfile.ZipFile(path, "w") as archive:
            # The file is not UTF-8 everywhere.
            archive.writestr("history.csv", text.encode("latin-1"))
        return path

    return write


ROWS = [
    ("Pre-PQ Process", "Date Not Captured", "2-Jun-06", "2-Jun-06", "Côte", "19"),
    ("Pre-PQ Process", "11/13/06", "30-Jan-07", "31-Jan-07", "A", "5"),
    ("5/13/07", "N/A - From RDC", "19-Jun-07", "19-Jun-07", "Depot", "7"),
    ("Pre-PQ Process", "N/A - From RDC", "19-Jun-07", "19-Jun-07", "Depot", "7"),
]


def test_texts_instead_of_dates_are_null(history):
    table = read_history(history(ROWS), depots=False)
    assert table["ordered"].to_list() == [None, datetime.date(2006, 11, 13)]
    assert table["received"].to_list() == [datetime.date(2006, 6, 2), datetime.date(2007, 1, 31)]
    assert table["promised"].to_list()[1] == datetime.date(2007, 1, 30)
    assert table["quantity"].to_list() == [19, 5]


def test_depots_deliver_from_the_day_of_the_quote(history):
    table = read_history(history(ROWS), depots=True)
    assert table["ordered"].to_list()[2:] == [datetime.date(2007, 5, 13), None]


def test_the_benchmark_prints_a_row_per_fit_and_vendor(history, monkeypatch, capsys):
    def row(vendor, start, days):
        received = start + datetime.timedelta(days=days)
        ordered = f"{start.month}/{start.day}/{start:%y}"
        return ("", ordered, f"{start:%d-%b-%y}", f"{received:%d-%b-%y}", vendor, "1")

    first = datetime.date(2007, 1, 1)
    rows = [
        row(vendor, first + datetime.timedelta(days=at), days)
        for vendor, days in (("A", 5), ("B", 9))
        for at in range(0, 1500, 25)
    ]
    monkeypatch.setattr(sys, "argv", ["benchmark", "--history", str(history(rows))])
    main()
    printed = capsys.readouterr().out
    # Lead times that never vary are always at or below each quantile, and cost nothing.
    for name in ("ours", "vendor alone", "normal"):
        assert f"| {name} | 1.000 | 1.000 | 1.000 | 0.00 | 0.00 | 0.00 | 0.00 |" in printed
    assert "\n| A | 35 | 4.00 |" in printed  # After close: a day less.
    assert "scorecard as of 2009-05-25" in printed
