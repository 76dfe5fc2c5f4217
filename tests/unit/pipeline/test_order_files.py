import numpy as np
import polars as pl
import pytest
from configurations import parse
from proposal_tables import (
    HORIZON,
    KEYS,
    blocked_row,
    line_arrays,
    proposal_row,
    proposals,
    sampler,
)

from demandcast.components.replenishment.proposing import Proposals
from demandcast.pipeline.order_files import summary_facts, write_order_files
from demandcast.pipeline.orders_page import read_orders_part


@pytest.fixture
def proposed():
    computed = pl.DataFrame({"store": ["s1"], "item": ["milk"]})
    return Proposals(
        table=proposals(proposal_row(), blocked_row(rank=2)),
        terms=computed.with_columns(holding_cost=0.01, stockout_cost=4.0),
        shadow_price=0.25,
        lines=line_arrays([10.0], [3.0]),
        computed=computed,
        order_quantity=np.array([24.0]),
        sampler=sampler(),
    )


def test_the_page_stands_beside_what_it_shows(proposed, tmp_path):
    attributes = pl.DataFrame({"item": ["milk", "new"], "category": ["dairy", "other"]})
    page = write_order_files(proposed, parse(), tmp_path, attributes=attributes)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "proposal_projections.json",
        "proposal_summary.json",
        "proposals.html",
    ]
    assert "test · sales until 2026-03-14" in page.read_text(encoding="utf-8")
    part = read_orders_part(tmp_path)
    assert part.summary.totals.lines == 2
    assert part.summary.totals.expected_stockout_cost_without == 11 * 4.0
    assert {one.value for one in part.summary.groups if one.column == "category"} == {
        "dairy",
        "other",
    }
    (one,) = part.stock.projections
    assert one.series == dict(zip(KEYS, ("s1", "milk"), strict=True))


def test_facts_come_from_the_configuration(proposed):
    config = parse(
        **{
            "forecast.frequency": "W-MON",
            "replenishment.budget": 100.0,
            "replenishment.currency": "USD",
            "replenishment.service.measure": "fill_rate",
            "replenishment.service.target": 0.98,
            "replenishment.risk.medium": 0.1,
        }
    )
    assert summary_facts(proposed, config).model_dump() == {
        "period_days": 7,
        "horizon": HORIZON,
        "measure": "fill_rate",
        "target": 0.98,
        "risk_bounds": (0.1, 0.15, 0.4),
        "budget": 100.0,
        "currency": "USD",
        "shadow_price": 0.25,
    }


def test_the_least_cost_has_no_target_and_the_currency_may_be_that_of_the_table(proposed):
    facts = summary_facts(proposed, parse(**{"replenishment.service.measure": "cost"}))
    assert facts.target is None
    assert facts.currency == "EUR"
