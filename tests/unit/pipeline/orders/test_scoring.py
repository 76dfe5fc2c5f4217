import datetime
import shutil

import polars as pl
import pytest
from order_folders import CUTOFF, KEY, PROPOSAL_ID, OrdersWorld, make_facts, make_proposals

from demandcast.components.replenishment.decision_requests import REFUSAL_SCHEMA, make_requests
from demandcast.pipeline.orders.actuals import Actuals
from demandcast.pipeline.orders.desk import decide, find_series
from demandcast.pipeline.orders.export_lines import Leave
from demandcast.pipeline.orders.exports import export_orders
from demandcast.pipeline.orders.scoring import (
    DateRange,
    overruled_between,
    overruled_named,
    score_overruled,
)
from demandcast.schema.errors import BadInputError, ContractError

JULY = "20260710-200000-000"
LATE = datetime.date(2026, 7, 10)
EVER = DateRange()


@pytest.fixture
def shop(tmp_path):
    shop = OrdersWorld(tmp_path)
    shop.propose()
    return shop


def propose_in_july(shop, **facts):
    proposals = make_proposals().with_columns(cutoff=pl.lit(LATE))
    created = "2026-07-10T20:00:00+00:00"
    known = {"proposal_id": JULY, "created": created, "cutoff": LATE} | facts
    shop.propose(proposals=proposals, **known)


def change(shop, quantity=48.0, *, proposal="latest", number=2, user="anna"):
    def asking(desk):
        series = find_series(desk, [f"store_001/item_{number:03d}"])
        requests = make_requests(series, "change", quantity=quantity, reason="why", forced=False)
        return requests, pl.DataFrame(schema=REFUSAL_SCHEMA)

    decide(shop.config, proposal, asking, user=user, now=lambda: "2026-07-12T08:00:00+00:00")


def demand(after, periods, *, items=("item_002",)):
    rows = [
        {"store": "store_001", "item": item}
        | {"#period": after + step, "#demand": 5.0, "#censored": False}
        for step in range(1, periods + 1)
        for item in items
    ]
    return Actuals(pl.DataFrame(rows), after + periods)


def scored(shop, overruled, periods=30):
    return score_overruled(shop.config, overruled, lambda after: demand(after, periods))


def test_overrides_are_scored_from_the_cutoff_of_the_proposal(shop):
    change(shop)
    scores = scored(shop, overruled_named(shop.config, ["latest"]), 10)
    assert scores.select("item", "demand", "user").rows() == [("item_002", 50.0, "anna")]
    assert scores.select("proposal_id", "cutoff", "month").rows() == [
        (PROPOSAL_ID, CUTOFF, "2026-06")
    ]
    early = scored(shop, overruled_named(shop.config, ["latest"]), 9)
    assert early["why_unscored"].to_list() == ["too early"]


def test_nothing_is_read_if_nobody_overruled_anything(shop):
    def read(after):
        raise AssertionError

    overruled = overruled_named(shop.config, ["latest"])
    assert (overruled.proposals, overruled.series_key) == (1, KEY)
    assert score_overruled(shop.config, overruled, read).height == 0


def test_a_proposal_has_a_cutoff(shop):
    change(shop)
    facts = make_facts(cutoff=None).model_dump_json()
    (shop.folder / PROPOSAL_ID / "proposals.json").write_text(facts)
    with pytest.raises(ContractError, match=r"proposals\.json says no cutoff"):
        overruled_named(shop.config, ["latest"])


def test_several_proposals_are_scored_each_from_its_cutoff(shop):
    change(shop)
    propose_in_july(shop)
    change(shop, 36.0, user="ben")
    overruled = overruled_between(shop.config, EVER)
    assert overruled.proposals == 2
    scores = scored(shop, overruled, 20)
    assert scores.select("proposal_id", "month", "person_quantity", "demand").rows() == [
        (PROPOSAL_ID, "2026-06", 48.0, 50.0),
        (JULY, "2026-07", 36.0, 50.0),
    ]
    both = overruled_named(shop.config, ["20260630", JULY])
    assert scored(shop, both, 20).equals(scores)


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (DateRange(since=CUTOFF), [PROPOSAL_ID, JULY]),
        (DateRange(since=CUTOFF + datetime.timedelta(days=1)), [JULY]),
        (DateRange(until=CUTOFF), [PROPOSAL_ID]),
        (DateRange(CUTOFF, LATE), [PROPOSAL_ID, JULY]),
    ],
)
def test_a_range_has_both_its_days(shop, days, expected):
    change(shop)
    propose_in_july(shop)
    change(shop)
    assert overruled_between(shop.config, days).lines["proposal_id"].to_list() == expected


def test_a_range_without_proposals_is_refused(shop):
    with pytest.raises(BadInputError, match=r"no proposal in .* has a cutoff in that range"):
        overruled_between(shop.config, DateRange(since=LATE))


def test_of_two_proposals_of_one_evening_a_line_counts_once(shop):
    """The exported one counts; where none was, the newest."""
    change(shop, 48.0)
    change(shop, 48.0, number=3)
    export_orders(
        shop.config,
        "latest",
        shop.root / "orders.csv",
        user="anna",
        leave=Leave(waiting="skip"),
    )
    second = {"proposal_id": "20260630-210000-000", "created": "2026-06-30T21:00:00+00:00"}
    shop.propose(**second)
    change(shop, 60.0)
    change(shop, 60.0, number=3)
    overruled = overruled_between(shop.config, EVER)
    # item_002 waited for approval, item_003 went out with 48.
    assert overruled.lines.select("item", "final_quantity").sort("item").rows() == [
        ("item_002", 60.0),
        ("item_003", 48.0),
    ]


def test_proposals_that_are_gone_are_said(shop):
    change(shop)
    propose_in_july(shop)
    change(shop)
    shutil.rmtree(shop.folder / PROPOSAL_ID)
    overruled = overruled_between(shop.config, EVER)
    assert (overruled.proposals, overruled.gone) == (1, (PROPOSAL_ID,))
    # The log knows when people decided.
    assert overruled_between(shop.config, DateRange(until=LATE)).gone == ()
    shutil.rmtree(shop.folder / JULY)
    assert overruled_between(shop.config, EVER).gone == (PROPOSAL_ID, JULY)


def test_currencies_are_not_added_up(shop):
    change(shop)
    propose_in_july(shop, currency="USD")
    change(shop)
    with pytest.raises(BadInputError, match="proposals in EUR and USD: their scores cannot"):
        overruled_between(shop.config, EVER)
    assert overruled_named(shop.config, [JULY]).lines.height == 1
