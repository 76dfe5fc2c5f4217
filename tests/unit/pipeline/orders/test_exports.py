import hashlib
import json
import shutil

import polars as pl
import pytest
from order_folders import PROPOSAL_ID, OrdersWorld, make_proposals

from demandcast.components.replenishment.decision_requests import REFUSAL_SCHEMA, make_requests
from demandcast.components.storage.files import LocalFiles
from demandcast.pipeline.orders.audit_file import read_audit_log
from demandcast.pipeline.orders.desk import decide, find_series
from demandcast.pipeline.orders.export_lines import Leave
from demandcast.pipeline.orders.exports import export_again, export_orders, form_of
from demandcast.schema.errors import AnomalyError, BadInputError


@pytest.fixture
def shop(tmp_path):
    shop = OrdersWorld(tmp_path)
    shop.propose()
    return shop


def do(shop, action, number, *, quantity=None):
    def asking(desk):
        series = find_series(desk, [f"store_001/item_{number:03d}"])
        requests = make_requests(series, action, quantity=quantity, reason="why", forced=False)
        return requests, pl.DataFrame(schema=REFUSAL_SCHEMA)

    decide(shop.config, "latest", asking, user="ben")


def export(shop, name="orders.csv", waiting="skip", before="skip"):
    return export_orders(
        shop.config,
        "latest",
        shop.root / name,
        user="anna",
        leave=Leave(waiting, before),
        now=lambda: "2026-07-01T08:00:00+00:00",
    )


def exported_items(path):
    return pl.read_csv(path, infer_schema=False)["item"].to_list()


def test_lines_that_wait_stop_the_export_and_are_listed(shop):
    with pytest.raises(BadInputError, match="nothing was exported: 2 lines wait") as caught:
        export(shop, waiting="refuse")
    assert "\n  store_001/item_001: 480 units, needs approval: value 1200, from 1000 on" in str(
        caught.value
    )
    assert not (shop.root / "orders.csv").exists()
    assert read_audit_log(shop.log).entries == ()


def test_what_needs_no_approval_is_exported_and_the_log_has_the_digest(shop):
    found = export(shop)
    content = (shop.root / "orders.csv").read_bytes()
    assert exported_items(shop.root / "orders.csv") == ["item_003", "item_004"]
    assert found.sha256 == hashlib.sha256(content).hexdigest()
    assert (found.export_id, found.purchase_orders, found.lines) == (f"{PROPOSAL_ID}-E1", 2, 2)
    assert found.value == 36 * 2.5 + 12 * 2.5
    assert len(found.waiting) == 2
    (entry,) = read_audit_log(shop.log).entries
    assert (entry.action, entry.user, entry.key) == ("export", "anna", None)
    details = dict(entry.details)
    lines = details.pop("lines")
    assert details == {
        "export_id": found.export_id,
        "format": "csv",
        "file": "orders.csv",
        "sha256": found.sha256,
    }
    assert [line["quantity"] for line in lines] == [36.0, 12.0]


def test_decisions_decide_what_is_exported(shop):
    do(shop, "approve", 1)
    do(shop, "change", 2, quantity=48.0)
    do(shop, "reject", 3)
    do(shop, "change", 7, quantity=12.0)
    with pytest.raises(
        BadInputError, match=r"2 lines wait .*\n  store_001/item_002: 48 units, needs"
    ):
        export(shop, "orders.json", waiting="refuse")
    do(shop, "approve", 2)
    do(shop, "approve", 7)
    found = export(shop, "orders.json", waiting="refuse")
    values = json.loads((shop.root / "orders.json").read_text())
    lines = {
        line["key"]["item"]: line["quantity"]
        for order in values["purchase_orders"]
        for line in order["lines"]
    }
    assert lines == {"item_001": 480, "item_002": 48, "item_004": 12, "item_007": 12}
    assert found.lines == 4
    assert values["audit_head"] == read_audit_log(shop.log).entries[-1].previous


def test_a_line_is_exported_once_and_the_rest_later(shop):
    export(shop)
    with pytest.raises(BadInputError, match=f"nothing to export.*{PROPOSAL_ID}-E1: --again"):
        export(shop, "second.csv")
    assert not (shop.root / "second.csv").exists()
    do(shop, "approve", 1)
    do(shop, "approve", 2)
    found = export(shop, "second.csv", waiting="refuse")
    assert found.export_id == f"{PROPOSAL_ID}-E2"
    assert exported_items(shop.root / "second.csv") == ["item_001", "item_002"]


@pytest.mark.parametrize("name", ["orders.csv", "orders.json"])
def test_the_same_file_can_be_written_again(shop, name):
    found = export(shop, name)
    content = (shop.root / name).read_bytes()
    do(shop, "approve", 1)
    export(shop, f"second-{name}")
    again = shop.root / "again" / name
    for wanted in (found.export_id, "latest"):
        made = export_again(shop.config, "latest", again, export_id=wanted)
        assert (again.read_bytes() == content) == (wanted == found.export_id)
        assert made.sha256 == hashlib.sha256(again.read_bytes()).hexdigest()
    assert len(read_audit_log(shop.log).entries) == 3


def test_what_cannot_be_written_again_is_said(shop):
    with pytest.raises(BadInputError, match=r"nothing of proposal .* was exported yet"):
        export_again(shop.config, "latest", shop.root / "a.csv")
    export(shop)
    with pytest.raises(BadInputError, match="no export 'E9'; allowed: 'latest' or one of"):
        export_again(shop.config, "latest", shop.root / "a.csv", export_id="E9")
    with pytest.raises(BadInputError, match="is csv; name the file so"):
        export_again(shop.config, "latest", shop.root / "a.json")


def test_another_content_than_the_logs_is_not_written(shop, monkeypatch):
    export(shop)
    monkeypatch.setattr(
        "demandcast.pipeline.orders.exports.export_content", lambda *_, **__: b"another"
    )
    with pytest.raises(AnomalyError, match="it was made by another release"):
        export_again(shop.config, "latest", shop.root / "a.csv")
    assert not (shop.root / "a.csv").exists()


def test_a_file_that_is_there_is_not_replaced(shop):
    path = shop.root / "orders.csv"
    path.write_text("orders of yesterday")
    with pytest.raises(BadInputError, match="is there, and may hold orders"):
        export(shop)
    assert path.read_text() == "orders of yesterday"
    assert not shop.log.exists()


def test_after_a_crash_before_the_file_is_there_lines_count_as_exported(shop, monkeypatch):
    """Never twice: the log knows of the export first, and --again writes its file."""
    with monkeypatch.context() as patch:

        def killed(self, source, target):
            raise KeyboardInterrupt

        patch.setattr(LocalFiles, "make", killed)
        with pytest.raises(KeyboardInterrupt):
            export(shop)
    assert not (shop.root / "orders.csv").exists()
    with pytest.raises(BadInputError, match="--again writes that file"):
        export(shop)
    found = export_again(shop.config, "latest", shop.root / "orders.csv")
    assert exported_items(shop.root / "orders.csv") == ["item_003", "item_004"]
    assert found.sha256 == read_audit_log(shop.log).entries[0].details["sha256"]


def test_a_file_that_appears_meanwhile_is_left_and_said(shop, monkeypatch):
    real = LocalFiles.make

    def overtaken(self, source, target):
        (shop.root / "orders.csv").write_text("of another")
        real(self, source, target)

    monkeypatch.setattr(LocalFiles, "make", overtaken)
    with pytest.raises(
        BadInputError, match=r"count as exported in .*: write its file with --again"
    ):
        export(shop)
    assert (shop.root / "orders.csv").read_text() == "of another"


def test_a_log_that_cannot_be_written_leaves_no_file(shop, monkeypatch):
    def full(self, entries):
        raise BadInputError("disk")

    monkeypatch.setattr("demandcast.pipeline.orders.audit_file.AuditWriter.append", full)
    with pytest.raises(BadInputError, match="disk"):
        export(shop)
    assert {path.name for path in shop.root.iterdir()} == {"demand.yaml", "runs"}


def test_a_line_without_a_supplier_waits_and_says_so(tmp_path):
    shop = OrdersWorld(tmp_path)
    shop.propose(proposals=make_proposals([{"item": "x", "supplier": None}]))
    with pytest.raises(BadInputError, match="store_001/x: 24 units, no supplier"):
        export(shop, waiting="refuse")


def propose_again(shop, **changes):
    """A second proposal of the same evening; `changes` are of its lines."""
    table = make_proposals().with_columns(
        pl.lit(value).alias(name) for name, value in changes.items()
    )
    shop.propose(
        proposals=table, proposal_id="20260630-210000-000", created="2026-06-30T21:00:00+00:00"
    )


def test_what_another_proposal_ordered_is_left_out_and_the_rest_is_exported(shop):
    do(shop, "approve", 1)
    export(shop)
    shutil.rmtree(shop.folder / PROPOSAL_ID)
    (shop.root / "orders.csv").unlink()
    propose_again(shop)
    do(shop, "approve", 1)
    do(shop, "approve", 2)
    found = export(shop, "second.csv")
    assert exported_items(shop.root / "second.csv") == ["item_002"]
    assert found.ordered_before == tuple(
        f"store_001/item_00{item}: {units} units are in {PROPOSAL_ID}-E1 from {supplier} for the "
        "same day, and not in the open orders"
        for item, units, supplier in ((1, 480, "north"), (3, 36, "north"), (4, 12, "south"))
    )


def test_if_all_of_it_was_ordered_nothing_is_exported(shop):
    export(shop)
    propose_again(shop)
    entries = read_audit_log(shop.log).entries
    with pytest.raises(BadInputError, match="another proposal has ordered all 2 lines") as caught:
        export(shop, "second.csv")
    assert "\n  store_001/item_003: 36 units are in" in str(caught.value)
    assert not (shop.root / "second.csv").exists()
    assert read_audit_log(shop.log).entries == entries
    found = export(shop, "second.csv", before="order")
    assert exported_items(shop.root / "second.csv") == ["item_003", "item_004"]
    assert found.ordered_before == ()


def test_what_the_open_orders_show_is_wanted_beside_it(shop):
    export(shop)
    propose_again(shop, on_order=12.0)
    found = export(shop, "second.csv")
    # 12 are on their way: all that was ordered of item_004, and a third of item_003.
    assert exported_items(shop.root / "second.csv") == ["item_004"]
    assert len(found.ordered_before) == 1


def test_the_name_tells_the_format(tmp_path):
    assert form_of(tmp_path / "a.CSV") == "csv"
    assert form_of(tmp_path / "a.json") == "json"
    with pytest.raises(BadInputError, match=r"must end in \.csv or \.json"):
        form_of(tmp_path / "a.xml")


def test_a_folder_that_cannot_be_written_is_named(shop):
    (shop.root / "file").write_text("")
    with pytest.raises(BadInputError, match="cannot be written"):
        export(shop, "file/orders.csv")
    assert read_audit_log(shop.log).entries == ()
