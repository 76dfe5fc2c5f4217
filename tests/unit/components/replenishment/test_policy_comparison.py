"""The table of policies: what it adds up, what it divides by, and what is known of policies."""

import math

import numpy as np
import polars as pl
import pytest
from scipy import stats

from demandcast.components.replenishment.comparison_policies import KnownSupply
from demandcast.components.replenishment.policy_comparison import (
    ComparedChunk,
    FixedPolicy,
    PastDemand,
    TargetPolicy,
    compare,
    compare_chunks,
    cost_at_service,
    cost_curve,
    given_levels,
    standard_policies,
)
from demandcast.components.replenishment.simulation_result import cycle_service_level_over_cycles
from demandcast.components.replenishment.stock_policies import BaseStockPolicy
from demandcast.components.replenishment.stock_scenario import (
    StockCosts,
    StockScenario,
    StockSupply,
    UnmetDemand,
)
from demandcast.components.replenishment.stock_simulation import simulate_stock
from demandcast.schema.errors import BadInputError

TARGETS = (0.8, 0.9, 0.95, 0.98)
COSTS = StockCosts(
    holding_cost=1.0, stockout_cost=9.0, order_cost=2.0, unit_cost=3.0, waste_cost=4.0
)


def constant(units):
    return BaseStockPolicy(np.array([float(units)]))


def poisson(series=60, periods=120, rate=2.0, seed=1):
    return np.random.default_rng(seed).poisson(rate, (periods, series)).astype(float)


def row(table, policy, target=None):
    """The only row of a policy and target."""
    wanted = pl.col("target").is_null() if target is None else pl.col("target") == target
    return table.filter((pl.col("policy") == policy) & wanted).row(0, named=True)


def test_a_row_is_the_simulation_of_its_policy():
    demand = poisson()
    scenario = StockScenario(
        costs=COSTS, supply=StockSupply(lead_time=1, review=2, shelf_life=9), warm_up=5
    )
    table = compare(demand, {"eight": FixedPolicy(constant(8))}, targets=[0.9], scenario=scenario)
    found = row(table, "eight")
    result = simulate_stock(demand, constant(8), scenario=scenario)
    service = cycle_service_level_over_cycles(result)
    expected = {
        "policy": "eight",
        "target": None,
        "series": 60,
        "cycles": int(result.cycles.sum()),
        "cycle_service_level": service.value,
        "cycle_service_level_low": service.interval()[0],
        "cycle_service_level_high": service.interval()[1],
        "cycle_service_level_over_series": result.cycle_service_level.mean(),
        "fill_rate": result.met_at_once.sum() / result.demand.sum(),
        "mean_on_hand": result.mean_on_hand.mean(),
        "orders": result.orders.sum(),
        "waste": result.waste.sum(),
        "holding_cost": 1.0 * result.on_hand.sum(),
        "stockout_cost": 9.0 * result.lost.sum(),
        "order_cost": 2.0 * result.orders.sum(),
        "purchase_cost": 3.0 * result.ordered.sum(),
        "waste_cost": 4.0 * result.waste.sum(),
        "operating_cost": result.operating_cost.sum(),
        "total_cost": result.total_cost.sum(),
        "mean_on_hand_ratio": None,
        "operating_cost_ratio": None,
        "operating_cost_ratio_low": None,
        "operating_cost_ratio_high": None,
        "total_cost_ratio": None,
    }
    assert list(found) == list(expected)
    assert found == pytest.approx(expected)
    assert found["waste"] > 0


def test_a_policy_has_a_row_for_each_target_and_one_without():
    policies = {
        "ours": TargetPolicy(lambda target: constant(10 * target)),
        "always": FixedPolicy(constant(3)),
    }
    table = compare(poisson(), policies, targets=TARGETS, scenario=StockScenario())
    rows = list(zip(table["policy"], table["target"], strict=True))
    assert rows == [("ours", target) for target in TARGETS] + [("always", None)]


def test_ratios_are_to_the_reference_at_the_same_target():
    policies = {
        "double": TargetPolicy(lambda target: constant(20 * target)),
        "single": TargetPolicy(lambda target: constant(10 * target)),
        "always": FixedPolicy(constant(3)),
    }
    scenario = StockScenario(costs=COSTS)
    table = compare(poisson(), policies, targets=(0.8, 0.9), scenario=scenario, reference="single")
    for name in ("mean_on_hand", "operating_cost", "total_cost"):
        ours, theirs = row(table, "double", 0.9)[name], row(table, "single", 0.9)[name]
        assert row(table, "double", 0.9)[f"{name}_ratio"] == pytest.approx(ours / theirs)
        assert row(table, "single", 0.8)[f"{name}_ratio"] == 1.0
        # The reference has no row without a target.
        assert row(table, "always")[f"{name}_ratio"] is None
    fixed = compare(poisson(), policies, targets=(0.8,), scenario=scenario, reference="always")
    assert row(fixed, "single", 0.8)["total_cost_ratio"] == pytest.approx(
        row(fixed, "single", 0.8)["total_cost"] / row(fixed, "always")["total_cost"]
    )


def test_an_interval_of_a_ratio_is_that_of_paired_series():
    """Series of very different volume: the luck of their demand is the same for both policies."""
    rng = np.random.default_rng(3)
    volume = rng.lognormal(1.0, 1.5, 200)
    demand = rng.poisson(volume, (60, 200)).astype(float)
    policies = {
        "a": FixedPolicy(BaseStockPolicy(1.3 * volume + 1)),
        "b": FixedPolicy(BaseStockPolicy(1.4 * volume + 1)),
    }
    scenario = StockScenario(costs=COSTS)
    found = row(compare(demand, policies, targets=[], scenario=scenario, reference="a"), "b")
    first, second = (
        simulate_stock(demand, one.policy, scenario=scenario).operating_cost
        for one in policies.values()
    )
    drawn = rng.multinomial(200, np.full(200, 1 / 200), size=4000)
    bootstrap = (drawn @ second) / (drawn @ first)
    width = found["operating_cost_ratio_high"] - found["operating_cost_ratio_low"]
    assert width == pytest.approx(2 * 1.97 * bootstrap.std(), rel=0.15)


def test_a_reference_that_costs_nothing_gives_no_ratio():
    demand = np.zeros((5, 3))
    policies = {"none": FixedPolicy(constant(0)), "some": FixedPolicy(constant(2))}
    scenario = StockScenario(costs=COSTS)
    table = compare(demand, policies, targets=[], scenario=scenario, reference="none")
    assert row(table, "some")["operating_cost_ratio"] is None
    assert row(table, "some")["fill_rate"] is None
    assert row(table, "some")["cycle_service_level"] == 1.0


def test_series_without_a_cycle_have_no_share_in_the_mean_over_series():
    never = np.ones((6, 3), dtype=bool)
    never[:, 2] = False
    scenario = StockScenario(supply=StockSupply(review=never))
    policies = {"some": FixedPolicy(BaseStockPolicy(np.array([1.0, 0.0, 1.0])))}
    found = row(compare(np.ones((6, 3)), policies, targets=[], scenario=scenario), "some")
    assert found["cycles"] == 2 * 5
    assert found["cycle_service_level_over_series"] == 1 / 2


def test_series_where_the_reference_costs_nothing_count():
    demand = np.zeros((5, 2))
    levels = {"ours": np.array([2.0, 2.0]), "theirs": np.array([0.0, 1.0])}
    policies = {name: FixedPolicy(BaseStockPolicy(units)) for name, units in levels.items()}
    scenario = StockScenario(costs=StockCosts(holding_cost=1.0))
    table = compare(demand, policies, targets=[], scenario=scenario, reference="theirs")
    assert row(table, "ours")["operating_cost_ratio"] == (2 + 2) / (0 + 1)


def test_chunks_make_the_same_table():
    demand = poisson(series=700)
    scenario = StockScenario(costs=COSTS, supply=StockSupply(lead_time=2))
    past = PastDemand(window=20)
    supply = KnownSupply(lead_time_mean=2)

    def chunk(part):
        return ComparedChunk(
            part, standard_policies(part, scenario, supply=supply, past=past), scenario
        )

    whole = compare_chunks([chunk(demand)], targets=TARGETS, reference="textbook")
    parts = compare_chunks(
        (chunk(demand[:, begin : begin + 300]) for begin in range(0, 700, 300)),
        targets=TARGETS,
        reference="textbook",
    )
    assert whole.columns == parts.columns
    for name in whole.columns:
        assert parts[name].to_list() == pytest.approx(whole[name].to_list())


def test_standard_policies_are_those_without_a_forecast():
    demand, scenario = poisson(), StockScenario(costs=COSTS)
    supply, past = KnownSupply(lead_time_mean=0), PastDemand()
    found = standard_policies(demand, scenario, supply=supply, past=past)
    assert list(found) == ["textbook", "eoq", "min_max", "last_year", "perfect_foresight"]
    orders_free = StockScenario(costs=StockCosts(holding_cost=1.0))
    found = standard_policies(demand, orders_free, supply=supply, past=past)
    assert list(found) == ["textbook", "eoq", "last_year", "perfect_foresight"]
    free = standard_policies(demand, StockScenario(), supply=supply, past=past)
    assert list(free) == ["textbook", "last_year", "perfect_foresight"]


def test_the_true_distribution_reaches_its_targets_and_foresight_costs_least():
    """Poisson demand, backorders: levels by the quantile, known to be right."""
    lead, review, rate = 3, 2, 2.0
    demand = poisson(series=400, periods=300, rate=rate)
    levels = {
        target: np.full((1, 1), stats.poisson.ppf(target, rate * (lead + review))).repeat(300, 0)
        for target in TARGETS
    }
    scenario = StockScenario(
        costs=StockCosts(holding_cost=1.0, stockout_cost=9.0),
        supply=StockSupply(lead_time=lead, review=review),
        unmet_demand=UnmetDemand.BACKORDERED,
        warm_up=60,
    )
    supply = KnownSupply(lead_time_mean=lead, review_period=review)
    policies = {
        "perfect_distribution": given_levels(levels),
        **standard_policies(demand, scenario, supply=supply, past=PastDemand(window=56)),
    }
    table = compare(
        demand, policies, targets=TARGETS, scenario=scenario, reference="perfect_distribution"
    )
    for target in TARGETS:
        found = row(table, "perfect_distribution", target)
        expected = stats.poisson.cdf(levels[target][0, 0], rate * (lead + review))
        width = found["cycle_service_level_high"] - found["cycle_service_level_low"]
        # Twice as far as the 95 % interval reaches.
        assert found["cycle_service_level"] == pytest.approx(expected, abs=width)
        assert width < 0.01
    assert row(table, "perfect_foresight")["cycle_service_level"] == 1.0
    assert row(table, "perfect_foresight")["operating_cost"] == table["operating_cost"].min()
    # A mean of two months is not the truth, and what is left of last year's noise even less so.
    reached = row(table, "textbook", 0.98)["cycle_service_level"]
    assert 0.93 < reached < 0.98
    assert row(table, "last_year")["cycle_service_level"] < 0.7


def test_a_curve_is_each_policy_by_the_service_reached():
    table = pl.DataFrame(
        {
            "policy": ["z", "z", "a", "a"],
            "target": [0.9, 0.8, 0.9, None],
            "cycle_service_level": [0.92, 0.85, 0.7, 0.6],
            "operating_cost": [5.0, 4.0, 3.0, 2.0],
            "total_cost": [50.0, 40.0, 30.0, 20.0],
        }
    )
    curve = cost_curve(table)
    assert curve.rows() == [
        ("z", 0.8, 0.85, 4.0),
        ("z", 0.9, 0.92, 5.0),
        ("a", None, 0.6, 2.0),
        ("a", 0.9, 0.7, 3.0),
    ]
    assert cost_curve(table, cost="total_cost")["cost"].to_list() == [40.0, 50.0, 20.0, 30.0]
    assert cost_at_service(curve, 0.9) == {"z": pytest.approx(4.0 + 5 / 7), "a": None}
    assert cost_at_service(curve, 0.6) == {"z": None, "a": 2.0}


def test_a_policy_that_reached_no_service_has_no_cost_at_any():
    curve = pl.DataFrame(
        {"policy": ["a"], "target": [0.9], "cycle_service_level": [None], "cost": [1.0]},
        schema_overrides={"cycle_service_level": pl.Float64},
    )
    assert cost_at_service(curve, 0.9) == {"a": None}


@pytest.mark.parametrize("target", [0.0, 1.0, 95, math.nan])
def test_targets_that_are_none_are_refused(target):
    with pytest.raises(BadInputError, match="targets: got"):
        compare([[1.0]], {}, targets=[target], scenario=StockScenario())


def test_a_reference_that_is_none_of_the_policies_is_refused():
    policies = {"some": FixedPolicy(constant(2))}
    with pytest.raises(BadInputError, match=r"reference: got other; the policies are \['some'\]"):
        compare([[1.0]], policies, targets=[], scenario=StockScenario(), reference="other")


def test_no_chunk_is_refused():
    with pytest.raises(BadInputError, match="no chunk"):
        compare_chunks([], targets=[0.9])


def test_chunks_of_other_policies_are_refused():
    chunks = [
        ComparedChunk(np.ones((3, 1)), {name: FixedPolicy(constant(2))}, StockScenario())
        for name in ("a", "b")
    ]
    with pytest.raises(BadInputError, match=r"policies: got \['b'\]; the chunks before have \['a'"):
        compare_chunks(chunks, targets=[])


def test_a_target_without_levels_is_refused():
    policies = {"ours": given_levels({0.9: np.ones((1, 1))})}
    with pytest.raises(BadInputError, match=r"no levels for the target 0.8; .* \[0.9\]"):
        compare([[1.0]], policies, targets=[0.8], scenario=StockScenario())


def test_one_period_of_one_series_has_a_row():
    table = compare(
        [[1.0]], {"ours": FixedPolicy(constant(2))}, targets=[], scenario=StockScenario()
    )
    found = row(table, "ours")
    assert (found["cycles"], found["cycle_service_level"], found["fill_rate"]) == (1, 1.0, 1.0)
    assert found["cycle_service_level_low"] is None
