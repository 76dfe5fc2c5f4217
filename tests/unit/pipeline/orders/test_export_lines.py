import pytest
from order_folders import PROPOSAL_ID, OrdersWorld, make_proposals

from demandcast.pipeline.orders.desk import open_desk
from demandcast.pipeline.orders.export_lines import Leave, lines_to_export, waiting_lines
from demandcast.schema.errors import BadInputError


@pytest.fixture
def desk(tmp_path):
    shop = OrdersWorld(tmp_path)
    shop.propose()
    return open_desk(shop.config)


def test_lines_that_wait_say_what_for(desk):
    assert waiting_lines(desk) == (
        "store_001/item_001: 480 units, needs approval: value 1200, from 1000 on",
        "store_001/item_002: 24 units, needs approval: risk 45 %, from 40 % on",
    )


def test_what_waits_is_refused_or_skipped(desk):
    with pytest.raises(BadInputError, match="2 lines wait for a person; approve or reject"):
        lines_to_export(desk, Leave())
    lines, before = lines_to_export(desk, Leave(waiting="skip"))
    assert (lines["item"].to_list(), before) == (["item_003", "item_004"], ())


def test_one_line_waits(tmp_path):
    shop = OrdersWorld(tmp_path)
    shop.propose(proposals=make_proposals([{"item": "x", "needs_approval": True}]))
    with pytest.raises(
        BadInputError, match=r"(?s)1 line waits for a person.*as proposed"
    ) as caught:
        lines_to_export(open_desk(shop.config), Leave())
    assert "store_001/x: 24 units, needs approval: as proposed" in str(caught.value)


def test_many_lines_are_counted(tmp_path):
    shop = OrdersWorld(tmp_path)
    many = [{"item": f"i{number}", "needs_approval": True} for number in range(13)]
    shop.propose(proposals=make_proposals(many))
    with pytest.raises(BadInputError, match="13 lines wait") as caught:
        lines_to_export(open_desk(shop.config), Leave())
    assert str(caught.value).endswith("\n  and 3 more")


def test_nothing_to_export_is_said(tmp_path):
    shop = OrdersWorld(tmp_path)
    shop.propose(proposals=make_proposals([]))
    with pytest.raises(BadInputError, match=f"proposal {PROPOSAL_ID}: nothing to export"):
        lines_to_export(open_desk(shop.config), Leave())
