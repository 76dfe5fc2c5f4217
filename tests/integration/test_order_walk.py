"""docs/replenishment.md, from sales to an order file: executed where the README's walk has ended.

Numbers depend on the trained model; words, series, statuses and the order file's shape do not.
"""

import re
import shlex
import shutil
import subprocess

import polars as pl
import pytest
from readme_walk import SMALL, command
from replenishment_page import PAGE, blocks_below

from demandcast.pipeline.cli import invoke

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

HEADING = "From sales to an order file"


@pytest.fixture
def shop(walked, tmp_path, monkeypatch):
    """A copy of the walk after its run, so that its other tests see no orders of ours."""
    folder, codes = walked
    assert codes["run"] == 0
    copy = tmp_path / "shop"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("artifacts", "orders"))
    monkeypatch.chdir(copy)
    return copy


def said(text, capfd):
    """Executes a block; what the README's walk has done already is not done again."""
    for line in text.splitlines():
        arguments = shlex.split(line)
        if arguments[0] != "demandcast":
            subprocess.run(["/bin/sh", "-c", line], check=True)
        elif [*arguments[1:], *SMALL] != command("run"):
            assert invoke([*arguments[1:], *SMALL]) == 0, line
    return capfd.readouterr().out


def words_of(text):
    """Lines without numbers, in the order of their words: that of lines is by the model's risks."""
    text = re.sub(r"; raised to packs of \d+", "", text.replace("\r\n", "\n"))
    text = re.sub(r"files .*", "files", text)
    text = re.sub(r"\.\.\.-E|[\d-]+-E(?=\d)", "…-E", text)
    text = re.sub(r"\d+(?:[.,]\d+)*", "#", text)
    text = text.replace("less than a day", "# day")
    text = re.sub(r"\b(day|line|order|unit)s\b", r"\1", text)
    return sorted(" ".join(line.split()) for line in text.splitlines())


def test_sales_become_an_order_file_as_the_page_says(shop, capfd):
    output, seen = "", 0
    for block in blocks_below(HEADING):
        if block.language == "sh":
            output = said(block.text, capfd)
            continue
        assert words_of(block.text) == words_of(output), f"{block}: the commands said\n{output}"
        seen += 1
    assert seen == 5
    orders = pl.read_csv(shop / "orders.csv")
    assert orders["quantity"].sum() > 0
    assert set(orders["supplier"]) == {"dairy", "drinks"}
    assert (
        orders.filter(pl.col("store") == "s2", pl.col("item") == "beer")["quantity"] == 96
    ).all()


def test_the_page_runs_what_the_readme_runs():
    texts = [block.text for block in blocks_below(HEADING) if block.language == "sh"]
    assert any("demandcast run --config demand.yaml" in text for text in texts), PAGE
