import polars as pl
import pytest
from order_folders import KEY, PROPOSAL_ID, OrdersWorld, make_proposals

from demandcast.components.replenishment.decision_requests import REFUSAL_SCHEMA, make_requests
from demandcast.pipeline.orders.audit_file import read_audit_log
from demandcast.pipeline.orders.desk import (
    audit_log_file,
    decide,
    find_series,
    open_desk,
    refusal_error,
    try_deciding,
)
from demandcast.schema.errors import AnomalyError, BadInputError

NONE_REFUSED = pl.DataFrame(schema=REFUSAL_SCHEMA)


@pytest.fixture
def shop(tmp_path):
    shop = OrdersWorld(tmp_path)
    shop.propose()
    return shop


def asking(action, *names, quantity=None, reason="why", refusals=NONE_REFUSED):
    def ask(desk):
        series = find_series(desk, names)
        return make_requests(
            series, action, quantity=quantity, reason=reason, forced=False
        ), refusals

    return ask


def do(shop, *asked, user="anna", **options):
    return decide(shop.config, "latest", asking(*asked, **options), user=user, now=lambda: "now")


def states(shop):
    return dict(open_desk(shop.config).book.select("item", "line_state").rows())


def test_a_decision_is_written_down_and_seen(shop):
    (entry,) = do(shop, "change", "store_001/item_002", quantity=48.0)
    assert (entry.user, entry.moment, entry.proposal_id) == ("anna", "now", PROPOSAL_ID)
    (written,) = read_audit_log(shop.log).entries
    assert written.key == {"store": "store_001", "item": "item_002"}
    assert (written.before, written.after, written.reason) == (24.0, 48.0, "why")
    assert written.proposals == open_desk(shop.config).proposal.digest
    assert audit_log_file(shop.config) == shop.log
    assert states(shop)["item_002"] == "changed"


def test_of_several_requests_all_count_or_none(shop):
    with pytest.raises(BadInputError, match="nothing was decided; 1 complaint") as caught:
        do(shop, "approve", "store_001/item_001", "store_001/item_005")
    assert "store_001/item_005: column 'decision'" in str(caught.value)
    assert read_audit_log(shop.log).entries == ()
    assert len(do(shop, "approve", "store_001/item_001", "store_001/item_002")) == 2


def test_what_is_so_already_is_not_decided_again(shop):
    do(shop, "approve", "store_001/item_001")
    assert do(shop, "approve", "store_001/item_001") == []
    assert len(read_audit_log(shop.log).entries) == 1


def test_a_try_writes_nothing(shop):
    assert (
        len(try_deciding(shop.config, "latest", asking("reject", "store_001/item_001"), user="x"))
        == 1
    )
    assert not shop.log.exists()


def test_a_row_that_cannot_be_read_is_complained_about_once(shop):
    refusal = pl.DataFrame([(3, "s", "quantity", "x", "a number")], REFUSAL_SCHEMA, orient="row")

    def ask(desk):
        requests, _ = asking("change", "store_001/item_001")(desk)
        return requests.with_columns(pl.lit(3, pl.Int64).alias("#row")), refusal

    with pytest.raises(BadInputError, match="1 complaint:\n  row 3: column 'quantity': got 'x'"):
        decide(shop.config, "latest", ask, user="anna")


def test_proposals_that_changed_after_a_decision_are_refused(shop):
    do(shop, "approve", "store_001/item_001")
    changed = make_proposals().with_columns(order_quantity=pl.col("order_quantity") * 2)
    changed.write_parquet(shop.folder / PROPOSAL_ID / "proposals.parquet")
    with pytest.raises(AnomalyError, match="not those that were decided about"):
        open_desk(shop.config)
    with pytest.raises(AnomalyError, match="not those that were decided about"):
        do(shop, "reject", "store_001/item_001")


def test_a_newer_proposal_begins_anew(shop):
    do(shop, "reject", "store_001/item_001")
    shop.propose(proposal_id="20260701", created="2026-07-01T20:00:00+00:00")
    assert set(states(shop).values()) == {"proposed"}


def test_series_are_found_by_their_parts_in_the_order_asked_for(shop):
    desk = open_desk(shop.config)
    found = find_series(desk, ["store_001/item_003", "store_001/item_001", "store_001/item_003"])
    assert found.columns == list(KEY)
    assert found["item"].to_list() == ["item_003", "item_001"]
    with pytest.raises(BadInputError, match=r"'x': not in the proposal \(1\); allowed.*item_001"):
        find_series(desk, ["x", "store_001/item_001"])


def test_a_name_of_two_series_is_refused(tmp_path):
    shop = OrdersWorld(tmp_path)
    odd = [{"store": "a/b", "item": "c"}, {"store": "a", "item": "b/c"}]
    shop.propose(proposals=make_proposals(odd))
    with pytest.raises(BadInputError, match="'a/b/c': the name of several series"):
        find_series(open_desk(shop.config), ["a/b/c"])


def test_many_refusals_are_counted():
    rows = [(number, "s", "quantity", "x", "a number") for number in range(2, 27)]
    text = str(refusal_error(pl.DataFrame(rows, REFUSAL_SCHEMA, orient="row")))
    assert text.startswith("nothing was decided; 25 complaints:\n  row 2: column 'quantity'")
    assert text.endswith("\n  and 5 more")


@pytest.mark.parametrize("user", ["", "  ", "x" * 1001, "\udcff"])
def test_a_user_has_a_name_that_can_be_written(shop, user):
    with pytest.raises(BadInputError, match="--user: "):
        do(shop, "approve", "store_001/item_001", user=user)
    assert not shop.log.exists()


def test_a_reason_can_be_written(shop):
    with pytest.raises(BadInputError, match="reason: "):
        do(shop, "approve", "store_001/item_001", reason="x" * 1001)


def test_a_change_above_a_threshold_waits_and_says_so(shop, caplog):
    do(shop, "change", "store_001/item_003", quantity=480.0)
    assert states(shop)["item_003"] == "changed"
    words = [record.getMessage() for record in caplog.records]
    # 480 at 2.50 each; and 480 / 36 is 13.3.
    assert words == [
        "store_001/item_003: 480 units are 13.3 times the 36 that are proposed or needed until the "
        "next order is there",
        "store_001/item_003: waits for approval: value 1200, from 1000 on",
    ]
    caplog.clear()
    do(shop, "approve", "store_001/item_003")
    do(shop, "change", "store_001/item_004", quantity=24.0)
    assert caplog.records == []
    assert open_desk(shop.config).book["waiting"].to_list() == [True, True, *[False] * 6]


def test_a_try_says_what_would_wait(shop, caplog):
    asked = asking("change", "store_001/item_003", quantity=420.0)
    try_deciding(shop.config, "latest", asked, user="x")
    assert "item_003: waits for approval: value 1050" in caplog.text
    assert not shop.log.exists()


def test_with_four_eyes_another_person_approves_a_change(tmp_path):
    shop = OrdersWorld(tmp_path)
    approval = {"min_value": 1000.0, "min_stockout_probability": None, "four_eyes": True}
    shop.propose(approval=approval | {"of_a_later_release": 1})
    do(shop, "change", "store_001/item_003", quantity=480.0, user="ben")
    with pytest.raises(BadInputError, match="by another person than ben"):
        do(shop, "approve", "store_001/item_003", user="ben")
    do(shop, "approve", "store_001/item_003", user="anna")
    assert states(shop)["item_003"] == "approved"
    # A line as proposed takes one person.
    do(shop, "approve", "store_001/item_001", user="ben")
