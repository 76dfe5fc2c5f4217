import csv
import datetime
import io
import json

import polars as pl
import pytest
from order_folders import CUTOFF, PROPOSAL_ID, make_proposals

EGGS, BREAD = "store_001/item_002", "store_001/item_003"
JULY = "20260710-200000-000"


@pytest.fixture
def two(orders, shop):
    """Overrides of two proposals, ten days apart, and 25 days of demand of 5 a day."""
    orders("change", EGGS, "--quantity", 48, "--user", "anna", "--reason", "promotion: festival")
    orders("reject", BREAD, "--user", "ben", "--reason", "no room")
    late = CUTOFF + datetime.timedelta(days=10)
    proposals = make_proposals().with_columns(cutoff=pl.lit(late))
    created = "2026-07-10T20:00:00+00:00"
    shop.propose(proposals=proposals, proposal_id=JULY, created=created, cutoff=late)
    orders("change", EGGS, "--quantity", 60, "--user", "anna", "--reason", "Promotion: more")
    shop.write_sales(
        [
            {
                "store": "store_001",
                "item": item,
                "date": CUTOFF + datetime.timedelta(days=day),
                "sales": 5.0,
                "in_stock_fraction": 1.0,
            }
            for day in range(-3, 25)
            for item in ("item_002", "item_003")
        ]
    )
    return orders


def words(text):
    return [" ".join(line.split()) for line in text.splitlines()]


def test_several_proposals_come_to_totals(two):
    code, out, err = two("score", "--all")
    assert (code, err) == (0, "")
    # As for one proposal: 97.20 and 180; and 6 + 60 against 50: 16 left at 0.70, not 20 short.
    saved = 20 * 5 - 16 * 0.7
    assert words(out) == [
        "3 overrides in 2 proposals; demand is 'at least' in 0 lines",
        "",
        "month overrides scored saved money lost money saved lost net",
        "2026-06 2 2 1 1 97.20 180.00 -82.80",
        f"2026-07 1 1 1 0 {saved:.2f} 0.00 {saved:.2f}",
        "",
        "user overrides scored saved money lost money saved lost net",
        f"anna 2 2 2 0 {97.2 + saved:.2f} 0.00 {97.2 + saved:.2f}",
        "ben 1 1 0 1 0.00 180.00 -180.00",
        "",
        "kind overrides scored saved money lost money saved lost net",
        f"raised 2 2 2 0 {97.2 + saved:.2f} 0.00 {97.2 + saved:.2f}",
        "rejected 1 1 0 1 0.00 180.00 -180.00",
        "",
        "reason kind overrides scored saved money lost money saved lost net",
        f"promotion 2 2 2 0 {97.2 + saved:.2f} 0.00 {97.2 + saved:.2f}",
        "other 1 1 0 1 0.00 180.00 -180.00",
    ]


def test_a_range_is_by_the_cutoff(two):
    values = json.loads(two("score", "--since", "2026-07-01", "--json")[1])
    assert [one["month"] for one in values["months"]] == ["2026-07"]
    assert (values["proposals"], values["gone"]) == (1, [])
    values = json.loads(two("score", "--until", "2026-07-01", "--json")[1])
    assert {one["proposal_id"] for one in values["overrides"]} == {PROPOSAL_ID}
    assert [one["reason_kind"] for one in values["reason_kinds"]] == ["promotion", "other"]
    named = ("--proposal", PROPOSAL_ID, "--proposal", JULY)
    assert len(json.loads(two("score", *named, "--json")[1])["overrides"]) == 3


def test_one_proposal_shows_its_lines(two):
    lines = words(two("score")[1])
    assert lines[1].startswith(f"{EGGS} anna changed 50 24 60 20 0 0 16 88.80 Promotion: more")
    assert lines[3].startswith("user overrides")


def rows(path):
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"), newline="")))


def test_scores_and_totals_can_be_written_for_spreadsheets(two, tmp_path):
    lines, totals = tmp_path / "lines.csv", tmp_path / "totals.csv"
    assert two("score", "--all", "--output", lines, "--totals", totals)[0] == 0
    assert [(row["proposal_id"], row["item"]) for row in rows(lines)] == [
        (PROPOSAL_ID, "item_002"),
        (PROPOSAL_ID, "item_003"),
        (JULY, "item_002"),
    ]
    assert [(row["by"], row["group"]) for row in rows(totals)] == [
        ("month", "2026-06"),
        ("month", "2026-07"),
        ("user", "anna"),
        ("user", "ben"),
        ("kind", "raised"),
        ("kind", "rejected"),
        ("reason_kind", "promotion"),
        ("reason_kind", "other"),
    ]
    assert float(rows(totals)[3]["net"]) == pytest.approx(8 * 5 - 44 * 5)
    code, _, err = two("score", "--all", "--output", lines)
    assert (code, "is there" in err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--all", "--proposal", "latest"), "give either --proposal, or --since, --until or --all"),
        (("--since", "2027-01-01"), "has a cutoff in that range"),
        (("--since", "tomorrow"), "does not match the format"),
        (("--output", "a.xlsx"), "--output: a.xlsx: the name must end in .csv"),
        (("--totals", "a.txt"), "--totals: a.txt: the name must end in .csv"),
    ],
)
def test_bad_input_is_one_message(orders, arguments, message):
    code, out, err = orders("score", *arguments)
    assert (code, out) == (2, "")
    assert message in err


def test_proposals_that_are_gone_are_said(two, shop):
    (shop.folder / PROPOSAL_ID).rename(shop.root / "elsewhere")
    code, out, err = two("score", "--all")
    assert code == 0
    assert f"people overruled is no longer there and cannot be scored, first: {PROPOSAL_ID}" in err
    assert words(out)[0].startswith("series")
