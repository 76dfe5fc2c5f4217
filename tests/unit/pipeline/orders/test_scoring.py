import polars as pl
import pytest
from order_folders import KEY, PROPOSAL_ID, OrdersWorld, make_facts

from demandcast.components.replenishment.decision_requests import REFUSAL_SCHEMA, make_requests
from demandcast.pipeline.orders.actuals import Actuals
from demandcast.pipeline.orders.desk import decide, find_series, open_desk
from demandcast.pipeline.orders.scoring import score_proposal
from demandcast.schema.errors import ContractError


@pytest.fixture
def shop(tmp_path):
    shop = OrdersWorld(tmp_path)
    shop.propose()
    return shop


def change(shop):
    def asking(desk):
        series = find_series(desk, ["store_001/item_002"])
        requests = make_requests(series, "change", quantity=48.0, reason="why", forced=False)
        return requests, pl.DataFrame(schema=REFUSAL_SCHEMA)

    decide(shop.config, "latest", asking, user="anna")


def demand(cutoff, periods):
    series = {"store": "store_001", "item": "item_002"}
    rows = [
        series | {"#period": cutoff + step, "#demand": 5.0, "#censored": False}
        for step in range(1, periods + 1)
    ]
    return Actuals(pl.DataFrame(rows), cutoff + periods)


def test_overrides_are_scored_from_the_cutoff_of_the_proposal(shop):
    change(shop)
    scores = score_proposal(shop.config, open_desk(shop.config), lambda cutoff: demand(cutoff, 10))
    assert scores.select("item", "demand", "user").rows() == [("item_002", 50.0, "anna")]
    early = score_proposal(shop.config, open_desk(shop.config), lambda cutoff: demand(cutoff, 9))
    assert early["why_unscored"].to_list() == ["too early"]


def test_nothing_is_read_if_nobody_overruled_anything(shop):
    def read(cutoff):
        raise AssertionError

    scores = score_proposal(shop.config, open_desk(shop.config), read)
    assert (scores.height, scores.columns[:2]) == (0, list(KEY))


def test_a_proposal_has_a_cutoff(shop):
    facts = make_facts(cutoff=None).model_dump_json()
    (shop.folder / PROPOSAL_ID / "proposals.json").write_text(facts)
    with pytest.raises(ContractError, match=r"proposals\.json says no cutoff"):
        score_proposal(shop.config, open_desk(shop.config), lambda cutoff: demand(cutoff, 9))
