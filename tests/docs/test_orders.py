"""The walk of docs/orders.md, from a proposal to a score: each command says what the page says."""

import doctest
import hashlib
import json
import re
import shlex
import subprocess

import pytest
from docs_pages import ROOT, blocks
from openpyxl import load_workbook
from order_shop import OrderShop

from demandcast.pipeline.cli.main import invoke
from demandcast.pipeline.orders import audit_file

PAGE = "docs/orders.md"


PROPOSAL_ID = "20260630-200000-000"


@pytest.fixture
def shop(tmp_path, monkeypatch):
    shop = OrderShop(tmp_path)
    shop.propose(PROPOSAL_ID)
    shop.sell(5.0, days=10)
    monkeypatch.chdir(tmp_path)
    moments = (f"2026-07-01T08:{minute:02d}:00.000+00:00" for minute in range(60))
    monkeypatch.setattr(audit_file, "utc_now", lambda: next(moments))
    return shop


def fill_in(file):
    """Fills in the review as the table of the page says."""
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    rows = re.findall(r"^\| (item_\d+) \| (\w+) \| (\d*) ?\| (.*?) ?\|$", text, re.MULTILINE)
    assert len(rows) == 5
    book = load_workbook(file)
    sheet = book["review"]
    names = [cell.value for cell in sheet[1]]
    by_item = {line[names.index("item")].value: line for line in sheet.iter_rows(min_row=2)}
    for item, decision, quantity, reason in rows:
        line = by_item[item]
        line[names.index("decision")].value = decision
        line[names.index("quantity")].value = float(quantity) if quantity else None
        line[names.index("reason")].value = reason or None
    book.save(file)


def said(text, capfd):
    """What the lines of a block say, on both streams."""
    for line in text.splitlines():
        if line.startswith("demandcast "):
            if "--apply review.xlsx" in line:
                fill_in("review.xlsx")
            invoke(shlex.split(line)[1:])
        else:
            subprocess.run(["/bin/sh", "-c", line], check=True)
    out, err = capfd.readouterr()
    return out.replace("\r\n", "\n") + err


def test_the_walk_says_what_the_page_says(shop, capfd):
    walk = [block for block in blocks("sh", "text") if block.page == PAGE]
    checker, output = doctest.OutputChecker(), None
    assert sum(block.language == "text" for block in walk) == 10
    for block in walk:
        if block.language == "sh":
            output = said(block.text, capfd)
        else:
            same = checker.check_output(block.text, output, doctest.ELLIPSIS)
            assert same, f"{block}: the page says\n{block.text}\nand the commands\n{output}"
    assert shop.log.exists()


def test_the_digest_of_the_first_line_is_in_the_second(shop):
    for item in ("item_001", "item_002"):
        arguments = ["approve", f"store_001/{item}", "--user", "anna", "--config", "demand.yaml"]
        assert invoke(["orders", *arguments]) == 0
    (command,) = [
        block.text for block in blocks("sh") if block.page == PAGE and "sha256sum" in block.text
    ]
    done = subprocess.run(["/bin/sh", "-c", command], check=True, capture_output=True, text=True)
    first, second = shop.log.read_bytes().splitlines()
    assert done.stdout.split()[0] == json.loads(second)["previous"]
    assert done.stdout.split()[0] == hashlib.sha256(first).hexdigest()
