"""docs/replenishment.md: its example is executed, and its tables are those of the code."""

import datetime
import doctest
import re
import shlex
import subprocess

import polars as pl
import pytest
from docs_pages import ROOT
from replenishment_page import PAGE, page_blocks, rows_below, supply_tables_markdown

from demandcast.components.replenishment.carried_stock import CARRIED_LEVELS
from demandcast.components.replenishment.order_calendar import WEEKDAYS
from demandcast.components.replenishment.storage_room import FITTING
from demandcast.components.replenishment.warehouse_rows import WAREHOUSE_COLUMNS
from demandcast.pipeline.cli.main import invoke
from demandcast.schema.config.replenishment import RiskConfig
from demandcast.schema.proposal_table import BLOCKED, STATUSES, proposal_schema
from demandcast.schema.transfer_table import TRANSFER_STATUSES

KEY = ("store", "item")


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A folder with the configuration and the forecasts of the example."""
    (example,) = page_blocks("yaml")
    (tmp_path / "demand.yaml").write_text(example.text, encoding="utf-8")
    (tmp_path / "supply").mkdir()
    names = shown_names()
    (tmp_path / "forecasts").mkdir()
    names["write_forecasts"](tmp_path / "forecasts" / "today.parquet")
    names["write_forecasts"](tmp_path / "forecasts" / "chain.parquet", names["CHAIN"])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shown_names():
    """What the page defines: a function that writes forecasts, and the demand of some series."""
    names: dict = {}
    for block in page_blocks("python"):
        if ">>>" not in block.text:
            exec(block.text, names)  # noqa: S102 - our page
    return names


def example_blocks(first="## An example", last="## For planners"):
    """The commands of an example and what they say; those elsewhere need a model."""
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    begin, end = (text[: text.index(heading)].count("\n") for heading in (first, last))
    return [block for block in page_blocks("sh", "text") if begin <= block.line <= end]


def said(text, capfd):
    """Executes a block: our commands in this process, all else in a shell."""
    lines = text.splitlines()
    if not any(line.startswith("demandcast ") for line in lines):
        subprocess.run(["/bin/sh", "-c", text], check=True)
    else:
        for line in lines:
            if line.startswith("demandcast "):
                assert invoke(shlex.split(line)[1:]) == 0, line
            else:
                subprocess.run(["/bin/sh", "-c", line], check=True)
    out, err = capfd.readouterr()
    return out.replace("\r\n", "\n"), err


ALLOCATION = ("### Stock left over", "### Deciding")
"""Headings around the example of `demandcast allocate`; it goes on from the first one."""


def walk(capfd, *headings):
    """Executes an example; yields each text block with what was said."""
    output = ""
    for block in example_blocks(*headings):
        if block.language == "sh":
            output, _ = said(block.text, capfd)
        else:
            yield block, output


def test_the_example_says_what_the_page_says(shop, capfd):
    checker, seen = doctest.OutputChecker(), 0
    for block, output in walk(capfd):
        same = checker.check_output(block.text, output, doctest.ELLIPSIS)
        assert same, f"{block}: the page says\n{block.text}\nand the commands\n{output}"
        seen += 1
    assert seen == 3
    assert (shop / "orders.csv").exists()


def test_the_example_of_an_allocation_says_what_the_page_says(shop, capfd):
    list(walk(capfd))
    ((block, output),) = walk(capfd, *ALLOCATION)
    assert output == block.text
    assert (shop / "allocation" / "allocation.html").exists()


def test_columns_and_statuses_of_an_allocation_are_those_of_the_code():
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    part = text[text.index(ALLOCATION[0]) : text.index(ALLOCATION[1])]
    for name, column in WAREHOUSE_COLUMNS.items():
        needed = "yes" if column.required else ""
        assert f"| `{name}` | {needed} | {column.allowed} | {column.meaning} |\n" in part
    for status in set(TRANSFER_STATUSES) - BLOCKED:
        assert f"| `{status}` | {TRANSFER_STATUSES[status]} |\n" in part


def test_the_columns_are_those_of_the_table_with_the_values_of_milk(shop, capfd):
    list(walk(capfd))
    (file,) = (shop / "runs" / "demand" / "orders").glob("*/proposals.parquet")
    milk = pl.read_parquet(file).filter(pl.col("item") == "milk").row(0, named=True)
    rows = rows_below("Reading a proposal")
    assert [row[0].strip("`") for row in rows] == proposal_schema(KEY).names()
    assert [row[2] for row in rows] == [shown(value) for value in milk.values()]


def shown(value):
    """A value as the page shows it: numbers with two decimals at most."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return str(value)


@pytest.mark.parametrize("place", [0, 1])
def test_the_dates_of_both_order_moments_are_those_of_milk(shop, capfd, place):
    """Each row of the table of order moments, from a proposal made so."""
    list(walk(capfd))
    moment, cutoff, ordered, due, before, _, then, interval = rows_below("When things happen")[
        place
    ]
    forecasts = pl.read_parquet("forecasts/today.parquet")
    later = date_of(cutoff) - forecasts["cutoff"][0]
    moved = forecasts.with_columns(pl.col("cutoff", "timestamp") + later)
    moved.write_parquet("forecasts/moved.parquet")
    settings = ["--set", f"replenishment.order_moment={moment.strip('`')}", "--output", "moved"]
    arguments = ["--config", "demand.yaml", "--forecasts", "forecasts/moved.parquet", *settings]
    assert invoke(["replenish", *arguments]) == 0
    milk = pl.read_parquet("moved/proposals.parquet").filter(pl.col("item") == "milk")
    line = milk.row(0, named=True)
    assert line["order_date"] == date_of(ordered)
    assert line["due_date"] == date_of(due)
    assert line["next_order_date"] - line["order_date"] == date_of(then) - date_of(due)
    assert line["lead_time_mean"] == int(before[-1])
    assert line["protection_interval"] == int(interval.split()[0])


def date_of(text):
    """Reads 'Fri 3 July' of 2026; the weekday must be right."""
    weekday, day, month = re.findall(r"(\w{3}) (\d+) (June|July)", text)[0]
    found = datetime.date(2026, {"June": 6, "July": 7}[month], int(day))
    assert WEEKDAYS[found.weekday()] == weekday.lower()
    return found


def test_statuses_are_those_of_the_code_with_their_meaning():
    rows = rows_below("Statuses")
    assert [(row[0].strip("`"), row[1]) for row in rows] == list(STATUSES.items())
    assert all(row[2] for row in rows)


def test_the_tables_of_supply_are_written_from_the_code():
    write = (
        "write it into the page: PYTHONPATH=tests/helpers .venv/bin/python -c "
        "'from replenishment_page import *; print(supply_tables_markdown())'"
    )
    assert supply_tables_markdown() in (ROOT / PAGE).read_text(encoding="utf-8"), write


def test_numbers_in_prose_are_those_of_the_code():
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    risk = RiskConfig()
    words = (
        "`low` below {0:.0%}, `medium` from {0:.0%}, `high` from {1:.0%}, `critical` from {2:.0%}"
    )
    expected = words.format(risk.medium, risk.high, risk.critical).replace("%", " %")
    assert expected in re.sub(r"\s+", " ", text)
    assert f"the least of {len(CARRIED_LEVELS)} probabilities" in text
    assert f"in {100 * FITTING:.0f} of 100 cases of demand and lead time the order fits" in text
