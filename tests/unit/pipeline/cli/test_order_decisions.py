import csv
import datetime
import getpass
import io
import json

import pytest
from openpyxl import load_workbook
from order_folders import PROPOSAL_ID

MILK, EGGS, BREAD = (f"store_001/item_{number:03d}" for number in (1, 2, 3))


def lines(orders):
    return {
        line["item"]: (line["line_state"], line["final_quantity"], line["decided_by"])
        for line in json.loads(orders("list", "--json")[1])["lines"]
    }


def log(orders, *options):
    return json.loads(orders("log", "--json", *options)[1])


def test_decisions_and_who_made_them(orders):
    assert orders("approve", MILK, "--user", "anna")[:2] == (0, "1 line was approved: 480 units\n")
    code, out, _ = orders("change", EGGS, "--quantity", 48, "--user", "ben", "--reason", "festival")
    assert (code, out) == (0, "1 line was changed: 48 units\n")
    code, out, _ = orders("reject", BREAD, "--user", "ben", "--reason", "no room", "--json")
    assert (code, json.loads(out)[0]["reason"]) == (0, "no room")
    found = lines(orders)
    assert found["item_001"] == ("approved", 480.0, "anna")
    assert found["item_002"] == ("changed", 48.0, "ben")
    assert found["item_003"] == ("rejected", 0.0, "ben")
    assert [entry["action"] for entry in log(orders)] == ["approve", "change", "reject"]
    moment = datetime.datetime.fromisoformat(log(orders)[0]["moment"])
    assert moment.utcoffset() == datetime.timedelta(0)
    assert orders("approve", MILK, "--user", "anna")[1].startswith("nothing to decide")


def test_who_is_logged_in_decides_if_nobody_is_named(orders, monkeypatch):
    monkeypatch.setattr(getpass, "getuser", lambda: "the-system")
    orders("approve", MILK)
    assert log(orders)[0]["user"] == "the-system"

    def unknown():
        raise KeyError("uid not found")

    monkeypatch.setattr(getpass, "getuser", unknown)
    code, _, err = orders("approve", EGGS)
    assert (code, "--user: the system does not say" in err) == (2, True)


def test_lines_can_be_chosen_by_value_and_supplier_and_file(orders, tmp_path):
    code, out, _ = orders("approve", "--all-below", 100, "--user", "anna", "--dry-run")
    assert (code, out) == (0, "1 line would be approved: 24 units\n")
    assert log(orders) == []
    orders("approve", "--all-below", 100, "--user", "anna", "--quiet")
    orders("reject", "--supplier", "north", "--user", "anna", "--reason", "strike")
    (tmp_path / "keys.txt").write_text("store_001/item_004\n\n")
    orders("reject", "--file", tmp_path / "keys.txt", "--user", "anna", "--reason", "strike")
    states = {item: state for item, (state, _, _) in lines(orders).items()}
    assert [states[f"item_{number:03d}"] for number in (1, 2, 3, 4, 5)] == [
        "rejected",
        "approved",
        "rejected",
        "rejected",
        "proposed",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("approve",), "name the SERIES to approve (or give --file), or choose them with"),
        (("approve", MILK, "--supplier", "north"), "one of both"),
        (("approve", "milk"), "series 'milk': not in the proposal"),
        (("approve", "--file", "none.txt"), "--file: none.txt: cannot be read"),
        (("approve", "--supplier", "east"), "--supplier: got 'east'; allowed: north, south"),
        (("reject", MILK, "--reason", ""), "column 'reason'"),
        (("reject", MILK), "Missing option '--reason'"),
        (("change", MILK, "--quantity", "13", "--reason", "x"), "whole packs of 12, or --force"),
        (("change", "--quantity", "12", "--reason", "x"), "name the SERIES to change"),
        (("change", MILK, "--quantity", "nan", "--reason", "x"), "units above 0"),
        (("list", "--proposal", "1999"), "proposal '1999': found 0"),
        (("review",), "give either --output FILE, to write a review, or --apply FILE"),
        (("review", "--output", "a.csv", "--apply", "a.csv"), "give either --output"),
        (("review", "--apply", "a.csv", "--risk", "low"), "leave filters out"),
        (("review", "--output", "a.ods"), "must end in .xlsx or .csv"),
        (("export", "--output", "a.xml"), "must end in .csv or .json"),
    ],
)
def test_bad_input_is_one_message_and_decides_nothing(orders, shop, arguments, message):
    code, out, err = orders(*arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err
    assert not shop.log.exists() or not log(orders)


def test_a_pack_is_overruled_by_force_and_the_log_says_so(orders):
    orders("change", EGGS, "--quantity", 13, "--force", "--reason", "broken pack", "--user", "ben")
    (entry,) = log(orders)
    assert (entry["after"], entry["forced"]) == (13.0, True)
    assert "change (forced)" in orders("log")[1]


def filled(path, rows):
    """Writes decisions into an .xlsx review, by the number of the row."""
    book = load_workbook(path)
    sheet = book["review"]
    names = [cell.value for cell in sheet[1]]
    for row, values in rows.items():
        for name, value in zip(("decision", "quantity", "reason"), values, strict=False):
            sheet.cell(row, names.index(name) + 1).value = value
    book.save(path)


def test_a_review_goes_out_and_comes_back(orders, tmp_path):
    path = tmp_path / "review.xlsx"
    code, out, _ = orders("review", "--output", path, "--state", "waiting")
    assert (code, out) == (0, f"{path}: 2 lines of proposal {PROPOSAL_ID}\n")
    filled(path, {2: ("approve",), 3: ("change", 48, "festival")})
    apply = ("review", "--apply", path, "--user", "anna")
    assert orders(*apply, "--dry-run")[1] == (
        "1 line would be approved: 480 units\n1 line would be changed: 48 units\n"
    )
    assert log(orders) == []
    assert orders(*apply)[:2] == (
        0,
        "1 line was approved: 480 units\n1 line was changed: 48 units\n",
    )
    assert [(entry["part"], entry["parts"]) for entry in log(orders)] == [(1, 2), (2, 2)]
    # The same file again is so already.
    assert orders(*apply)[:2] == (0, "nothing to decide: all of it is so already\n")


def test_another_quantity_can_be_approved_in_one_row(orders, tmp_path):
    path = tmp_path / "review.xlsx"
    orders("review", "--output", path)
    filled(path, {2: ("approve", 492, "festival"), 3: ("change", 48, "festival")})
    apply = ("review", "--apply", path, "--user", "anna")
    code, out, err = orders(*apply)
    assert (code, out) == (0, "2 lines were changed: 540 units\n1 line was approved: 492 units\n")
    # What was approved in its row does not wait; what was only changed does.
    assert "item_001" not in err
    assert f"{EGGS}: waits for approval: risk up to 45 %, from 40 % on" in err
    assert [entry["action"] for entry in log(orders)] == ["change", "approve", "change"]
    assert lines(orders)["item_001"] == ("approved", 492.0, "anna")
    assert orders(*apply)[1] == "nothing to decide: all of it is so already\n"
    code, _, err = orders("export", "--output", tmp_path / "orders.csv")
    assert code == 2
    assert "1 line waits for a person" in err
    assert f"{EGGS}: 48 units, needs approval: risk up to 45 %" in err


def test_a_quantity_that_nobody_can_mean_is_refused(orders, shop):
    for quantity, allowed in (
        (2412, "at most 3600"),  # 100 times 36: granted, with a doubt.
        (3612, "at most 3600, 100 times what is proposed or needed, or --force"),
        (1.2e18, "units above 0, up to 1,000,000,000"),
    ):
        change = ("change", BREAD, "--quantity", quantity, "--user", "x", "--reason", "typo")
        code, _, err = orders(*change)
        assert (code, allowed in err) == ((0, False) if quantity < 3600 else (2, True))
    code, _, err = orders("change", BREAD, "--quantity", 3612, "--force", "--reason", "war")
    assert code == 0
    assert "3612 units are 100.3 times the 36 that are proposed" in err
    assert "waits for approval: value 9030, from 1000 on" in err
    assert orders("change", BREAD, "--quantity", "1.2e18", "--force", "--reason", "war")[0] == 2


def test_every_bad_row_of_a_review_is_named_and_none_counts(orders, tmp_path):
    path = tmp_path / "review.xlsx"
    orders("review", "--output", path)
    bad = {
        2: ("approve",),
        3: ("change", 30, "x"),
        4: ("reject",),
        6: ("approve",),
        7: ("perhaps",),
        8: ("change", "many", "x"),
        9: ("change", 12, "x"),
    }
    filled(path, bad)
    code, _, err = orders("review", "--apply", path, "--user", "anna")
    assert code == 2
    _, *complaints = err.splitlines()
    assert [line.strip().split(": ")[:2] for line in complaints] == [
        ["row 7", "column 'decision'"],
        ["row 8", "column 'quantity'"],
        ["row 3", "column 'quantity'"],
        ["row 4", "column 'reason'"],
        ["row 6", "column 'decision'"],
        ["row 9", "column 'supplier'"],
    ]
    assert "got '30'; allowed: whole packs of 12, or --force (store_001/item_002)" in err
    assert log(orders) == []


def test_a_review_of_other_proposals_or_overtaken_by_a_decision_is_refused(orders, shop, tmp_path):
    path = tmp_path / "review.csv"
    orders("review", "--output", path)
    rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"), newline="")))
    rows[0]["decision"] = "approve"
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(out.getvalue(), encoding="utf-8")
    orders("reject", MILK, "--user", "ben", "--reason", "strike")
    code, _, err = orders("review", "--apply", path, "--user", "anna")
    assert code == 2
    assert "row 2: column 'line_state': got 'rejected'; allowed: a newer review: ben" in err
    shop.propose(proposal_id="20260701", created="2026-07-01T20:00:00+00:00")
    code, _, err = orders("review", "--apply", path, "--user", "anna")
    assert code == 2
    assert f"row 2: column 'proposal_id': got '{PROPOSAL_ID}'; allowed: 20260701" in err
