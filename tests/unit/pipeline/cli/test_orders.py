import csv
import datetime
import getpass
import io
import json
import subprocess
import sys

import pytest
from openpyxl import load_workbook
from order_folders import CUTOFF, PROPOSAL_ID, OrdersWorld

from demandcast.pipeline.cli.main import invoke

MILK, EGGS, BREAD = (f"store_001/item_{number:03d}" for number in (1, 2, 3))


@pytest.fixture
def world(tmp_path):
    return OrdersWorld(tmp_path)


@pytest.fixture
def orders(world, capsys):
    """Runs `demandcast orders ...`; returns exit code, standard output and standard error."""
    world.propose()

    def call(*arguments):
        code = invoke(["orders", *map(str, arguments), "--config", str(world.config_file)])
        return (code, *capsys.readouterr())

    return call


def lines(orders):
    return {
        line["item"]: (line["line_state"], line["final_quantity"], line["decided_by"])
        for line in json.loads(orders("list", "--json")[1])["lines"]
    }


def log(orders, *options):
    return json.loads(orders("log", "--json", *options)[1])


def test_without_proposals_it_says_who_writes_them(world, capsys):
    assert invoke(["orders", "list", "--config", str(world.config_file)]) == 2
    assert "'demandcast replenish' writes them" in capsys.readouterr().err


def test_the_list_begins_with_exceptions(orders):
    code, out, err = orders("list")
    assert (code, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()[1:3]] == [MILK, EGGS]
    assert out.splitlines()[-1] == "* 2 wait for a person"


def test_the_list_can_be_cut_and_filtered(orders):
    _, out, _ = orders("list", "--limit", 1)
    assert out.splitlines()[-1] == "7 more lines; --limit 0 shows all"
    assert len(orders("list", "--limit", 0)[1].splitlines()) == 1 + 8 + 1
    found = json.loads(
        orders("list", "--state", "waiting", "--supplier", "south", "--risk", "critical", "--json")[
            1
        ]
    )
    assert [line["series"] for line in found["lines"]] == [EGGS]
    assert found["proposal"]["proposal_id"] == PROPOSAL_ID
    assert orders("list", "--state", "exported")[1] == f"no such line in proposal {PROPOSAL_ID}\n"
    assert orders("list", "--status", "odd")[0] == 2


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
def test_bad_input_is_one_message_and_decides_nothing(orders, world, arguments, message):
    code, out, err = orders(*arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err
    assert not world.log.exists() or not log(orders)


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


def test_a_review_of_other_proposals_or_overtaken_by_a_decision_is_refused(orders, world, tmp_path):
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
    world.propose(proposal_id="20260701", created="2026-07-01T20:00:00+00:00")
    code, _, err = orders("review", "--apply", path, "--user", "anna")
    assert code == 2
    assert f"row 2: column 'proposal_id': got '{PROPOSAL_ID}'; allowed: 20260701" in err


def test_orders_are_exported_once_and_again(orders, tmp_path):
    code, _, err = orders("export", "--output", tmp_path / "orders.csv", "--user", "anna")
    assert (code, "2 lines wait for a person" in err) == (2, True)
    code, out, _ = orders(
        "export", "--output", tmp_path / "orders.csv", "--user", "anna", "--skip-waiting"
    )
    assert code == 0
    assert out.endswith(
        f"export {PROPOSAL_ID}-E1, 2 purchase orders, 2 lines, value 120.00; "
        "2 lines wait for a person\n"
    )
    content = (tmp_path / "orders.csv").read_bytes()
    assert orders("export", "--output", tmp_path / "b.csv", "--skip-waiting")[0] == 2
    code, out, _ = orders("export", "--output", tmp_path / "b.csv", "--again", "--json")
    assert (code, json.loads(out)["lines"]) == (0, 2)
    assert (tmp_path / "b.csv").read_bytes() == content
    assert orders("export", "--output", tmp_path / "b.csv", "--again", f"{PROPOSAL_ID}-E1")[0] == 0
    assert lines(orders)["item_003"] == ("exported", 36.0, "anna")
    code, _, err = orders("reject", BREAD, "--reason", "late")
    assert (code, f"it is in export {PROPOSAL_ID}-E1" in err) == (2, True)


def test_the_log_can_be_filtered_and_cut(orders):
    orders("approve", MILK, "--user", "anna")
    orders("reject", EGGS, "--user", "ben", "--reason", "strike")
    assert [one["user"] for one in log(orders, "--user", "ben")] == ["ben"]
    assert [one["action"] for one in log(orders, "--series", MILK)] == ["approve"]
    assert log(orders, "--action", "export") == []
    assert len(log(orders, "--proposal", PROPOSAL_ID)) == 2
    _, out, _ = orders("log", "--limit", 1)
    assert out.splitlines()[-1] == "1 older entries; --limit 0 shows all"
    assert orders("log", "--user", "zoe")[1].startswith("no such entry in ")


def test_the_chain_is_verified(orders, world):
    assert orders("log", "--verify")[:2] == (
        0,
        f"{world.log}: 0 entries, unbroken; last digest {'0' * 64}\n",
    )
    for series in (MILK, EGGS):
        orders("approve", series, "--user", "anna")
    values = json.loads(orders("log", "--verify", "--json")[1])
    assert (values["entries"], values["whole"], values["complaints"]) == (2, True, [])
    content = world.log.read_bytes()
    world.log.write_bytes(content + b'{"torn')
    code, _, err = orders("log", "--verify")
    assert (code, "its last 6 bytes were cut short by a crash" in err) == (3, True)
    assert "cut short by a crash" in orders("list")[2]

    world.log.write_bytes(content.replace(b"anna", b"anne", 1))
    code, out, err = orders("log", "--verify", "--json")
    assert (code, json.loads(out)["whole"]) == (3, False)
    assert "line 2 does not follow from the line before" in err
    assert orders("log")[0] == 0
    assert "warning: " in orders("log")[2]
    for command in (("list",), ("approve", BREAD), ("export", "--output", "o.csv")):
        assert orders(*command)[0] == 3


def test_an_older_proposal_is_said_to_be_one(orders, world):
    world.propose(proposal_id="20260701", created="2026-07-01T20:00:00+00:00")
    code, _, err = orders("list", "--proposal", PROPOSAL_ID)
    assert (code, err) == (0, f"warning: proposal {PROPOSAL_ID} is not the newest one\n")
    assert orders("list")[2] == ""


def sales(world, demand):
    world.write_sales(
        [
            {
                "store": "store_001",
                "item": item,
                "date": CUTOFF + datetime.timedelta(days=day),
                "sales": demand,
                "in_stock_fraction": 1.0,
            }
            for day in range(-3, 11)
            for item in ("item_001", "item_002", "item_003")
        ]
    )


def test_overrides_are_scored_by_what_was_sold_since(orders, world, tmp_path):
    orders("change", EGGS, "--quantity", 48, "--user", "anna", "--reason", "festival")
    orders("reject", BREAD, "--user", "ben", "--reason", "no room")
    sales(world, 5.0)
    code, out, err = orders("score")
    assert (code, err) == (0, "")
    # 6 in stock against 50: with 48 there are 4 left at 0.1 x 7; with 24 there are 20 short at 5.
    assert "97.20  festival" in out
    totals = json.loads(orders("score", "--json")[1])
    assert totals["users"][0]["user"] == "anna"
    assert totals["users"][0]["net"] == pytest.approx(20 * 5 - 4 * 0.7)
    # 6 + 36 against 50: 8 short; without the order 44.
    assert totals["users"][1]["net"] == pytest.approx(8 * 5 - 44 * 5)

    (tmp_path / "demand.csv").write_text("store,item,timestamp,demand\nstore_001,x,2026-07-01,1\n")
    found = json.loads(orders("score", "--json", "--actuals", tmp_path / "demand.csv")[1])
    assert {one["why_unscored"] for one in found["overrides"]} == {"too early"}


def test_nobody_overruled_anything(orders):
    assert orders("score")[:2] == (0, f"nobody overruled proposal {PROPOSAL_ID}\n")


@pytest.mark.parametrize(
    "command", ["list", "review", "approve", "reject", "change", "export", "log", "score"]
)
def test_help_teaches_with_examples(command, capsys):
    assert invoke(["orders", command, "--help"]) == 0
    out = capsys.readouterr().out
    assert f"demandcast orders {command} " in out
    assert "Example" in out


def test_no_command_needs_tensorflow(world):
    world.propose()
    code = (
        "import sys; from demandcast.pipeline.cli.main import invoke; "
        f"config = ['--config', {str(world.config_file)!r}]; "
        "codes = [invoke(['orders', *words, *config]) for words in ("
        f"['list', '--json'], ['change', {EGGS!r}, '--quantity', '48', '--reason', 'x'], "
        "['log'], ['score'])]; "
        "print(codes, sorted({'tensorflow', 'tfx', 'apache_beam'} & set(sys.modules)))"
    )
    sales(world, 5.0)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=world.root
    )
    assert done.stdout.splitlines()[-1] == "[0, 0, 0, 0] []"
