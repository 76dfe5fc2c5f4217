import datetime
import json
import subprocess
import sys

import pytest
from order_folders import CUTOFF, PROPOSAL_ID

from demandcast.pipeline.cli.main import invoke

MILK, EGGS, BREAD = (f"store_001/item_{number:03d}" for number in (1, 2, 3))


def lines(orders):
    return {
        line["item"]: (line["line_state"], line["final_quantity"], line["decided_by"])
        for line in json.loads(orders("list", "--json")[1])["lines"]
    }


def log(orders, *options):
    return json.loads(orders("log", "--json", *options)[1])


def test_without_proposals_it_says_who_writes_them(shop, capsys):
    assert invoke(["orders", "list", "--config", str(shop.config_file)]) == 2
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


def test_orders_of_another_proposal_are_not_ordered_twice(orders, shop, tmp_path):
    output = ("--skip-waiting", "--user", "anna", "--output")
    orders("export", *output, tmp_path / "a.csv")
    shop.propose(proposal_id="20260630-210000", created="2026-06-30T21:00:00+00:00")
    code, out, err = orders("export", *output, tmp_path / "b.csv")
    assert (code, out) == (2, "")
    assert "another proposal has ordered all 2 lines already" in err
    orders("change", "store_001/item_006", "--quantity", 12, "--user", "ben", "--reason", "fair")
    code, out, err = orders("export", *output, tmp_path / "b.csv")
    assert code == 0
    assert (
        "1 purchase order, 1 line, value 30.00; 2 lines wait for a person; 2 lines ordered" in out
    )
    assert len(err.splitlines()) == 2
    assert f"warning: left out, --order-twice orders it once more: {BREAD}: 36 units are in" in err
    code, out, err = orders("export", *output, tmp_path / "c.csv", "--order-twice", "--json")
    assert (code, err, json.loads(out)["lines"]) == (0, "", 2)


def test_the_log_can_be_filtered_and_cut(orders):
    orders("approve", MILK, "--user", "anna")
    orders("reject", EGGS, "--user", "ben", "--reason", "strike")
    assert [one["user"] for one in log(orders, "--user", "ben")] == ["ben"]
    assert [one["action"] for one in log(orders, "--series", MILK)] == ["approve"]
    assert log(orders, "--action", "export") == []
    assert len(log(orders, "--proposal", PROPOSAL_ID)) == 2
    _, out, _ = orders("log", "--limit", 1)
    assert out.splitlines()[-1] == "1 older entry; --limit 0 shows all"
    assert orders("log", "--user", "zoe")[1].startswith("no such entry in ")


def test_the_chain_is_verified(orders, shop):
    assert orders("log", "--verify")[:2] == (
        0,
        f"{shop.log}: 0 entries, unbroken; last digest {'0' * 64}\n",
    )
    for series in (MILK, EGGS):
        orders("approve", series, "--user", "anna")
    values = json.loads(orders("log", "--verify", "--json")[1])
    assert (values["entries"], values["whole"], values["complaints"]) == (2, True, [])
    content = shop.log.read_bytes()
    shop.log.write_bytes(content + b'{"torn')
    code, _, err = orders("log", "--verify")
    assert (code, "its last 6 bytes were cut short by a crash" in err) == (3, True)
    assert "cut short by a crash" in orders("list")[2]

    shop.log.write_bytes(content.replace(b"anna", b"anne", 1))
    code, out, err = orders("log", "--verify", "--json")
    assert (code, json.loads(out)["whole"]) == (3, False)
    assert "line 2 does not follow from the line before" in err
    assert orders("log")[0] == 0
    assert "warning: " in orders("log")[2]
    for command in (("list",), ("approve", BREAD), ("export", "--output", "o.csv")):
        assert orders(*command)[0] == 3


def test_an_older_proposal_is_said_to_be_one(orders, shop):
    shop.propose(proposal_id="20260701", created="2026-07-01T20:00:00+00:00")
    code, _, err = orders("list", "--proposal", PROPOSAL_ID)
    assert code == 0
    assert f"proposal {PROPOSAL_ID} is not the newest one; that is 20260701" in err
    output = ("--output", shop.root / "orders.csv", "--skip-waiting", "--proposal", PROPOSAL_ID)
    assert "is not the newest one" in orders("export", *output)[2]
    assert orders("list")[2] == ""


def sales(shop, demand):
    shop.write_sales(
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


def test_overrides_are_scored_by_what_was_sold_since(orders, shop, tmp_path):
    orders("change", EGGS, "--quantity", 48, "--user", "anna", "--reason", "festival")
    orders("reject", BREAD, "--user", "ben", "--reason", "no room")
    sales(shop, 5.0)
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
    assert orders("score")[:2] == (0, "nobody overruled anything in 1 proposal\n")


@pytest.mark.parametrize(
    "command", ["list", "review", "approve", "reject", "change", "export", "log", "score"]
)
def test_help_teaches_with_examples(command, capsys):
    assert invoke(["orders", command, "--help"]) == 0
    out = capsys.readouterr().out
    assert f"demandcast orders {command} " in out
    assert "Example" in out


def test_no_command_needs_tensorflow(shop):
    shop.propose()
    code = (
        "import sys; from demandcast.pipeline.cli.main import invoke; "
        f"config = ['--config', {str(shop.config_file)!r}]; "
        "codes = [invoke(['orders', *words, *config]) for words in ("
        f"['list', '--json'], ['change', {EGGS!r}, '--quantity', '48', '--reason', 'x'], "
        "['log'], ['score'])]; "
        "print(codes, sorted({'tensorflow', 'tfx', 'apache_beam'} & set(sys.modules)))"
    )
    sales(shop, 5.0)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=shop.root
    )
    assert done.stdout.splitlines()[-1] == "[0, 0, 0, 0] []"
