"""What the page of a simulation takes from its rows."""

import numpy as np
import pytest
from simulation_facts import facts

from demandcast.components.replenishment.comparison_policies import KnownSupply
from demandcast.components.replenishment.policy_comparison import (
    FixedPolicy,
    PastDemand,
    standard_policies,
)
from demandcast.components.replenishment.rolling_simulation import OURS as OUR_POLICY
from demandcast.components.replenishment.stock_scenario import StockCosts, StockScenario
from demandcast.components.reporting.page_simulation import OURS, PERFECT, UNAIMED, PolicyRow
from demandcast.pipeline.simulation_page import simulation_part


@pytest.fixture
def part():
    return simulation_part(facts())


def test_names_are_those_of_the_simulated_policies():
    scenario = StockScenario(costs=StockCosts(holding_cost=1.0))
    known = standard_policies(
        np.ones((4, 1)), scenario, supply=KnownSupply(lead_time_mean=1.0), past=PastDemand()
    )
    fixed = {name for name, policy in known.items() if isinstance(policy, FixedPolicy)}
    assert set(UNAIMED) == fixed
    assert PERFECT in known
    assert OURS == OUR_POLICY


def test_targets_are_sorted_and_the_nearest_to_the_configured_one_is_the_main_one(part):
    assert part.targets == (0.9, 0.95, 0.98)
    assert part.main_target == 0.95
    assert simulation_part(facts(aimed_at=0.6)).main_target == 0.9
    assert simulation_part(facts(aimed_at=0.97)).main_target == 0.98


def test_rows_are_found_by_policy_and_target(part):
    assert [row.policy for row in part.of(0.9)][:2] == ["demandcast", "textbook"]
    assert part.row("eoq", 0.98).operating_cost == pytest.approx(1.4 * 10_000 * 1.98)
    assert part.row("eoq", 0.5) is None
    assert part.of(0.5) == ()
    assert len(part.policies) == 5


def test_a_policy_of_a_later_release_is_shown_by_its_name(part):
    row = part.rows[0]
    other = PolicyRow(**{**vars(row), "policy": "two_bins"})
    assert (row.title, other.title) == ("demandcast", "two bins")


@pytest.mark.parametrize(
    ("target", "words"), [(0.9, "90 %"), (0.975, "97.5 %"), (0.9995, "99.95 %"), (0.29, "29 %")]
)
def test_a_target_is_written_as_it_was_given(part, target, words):
    assert part.words_of(target).replace("\xa0", " ") == words


def test_reasons_are_named_with_the_most_series_first(part):
    assert part.reasons() == (("No terms of supply", 5), ("No forecast at each cutoff", 3))
    assert simulation_part(facts(left_out={"too_odd": 1})).reasons() == (("too odd", 1),)
    assert simulation_part(facts(left_out={})).reasons() == ()
