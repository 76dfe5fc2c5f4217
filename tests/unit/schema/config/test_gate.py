"""The gate and the push."""

import pytest
from configurations import parse

from demandcast.schema.errors import ConfigurationError


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("gate.floors.wape_skill", 1, r"gate\.floors\.wape_skill: got 1; .*less than 1"),
        ("gate.floors.coverage_tolerance", 0, r"coverage_tolerance: got 0; .*greater than 0"),
        ("gate.floors.max_absolute_bias", 0, r"max_absolute_bias: got 0; .*greater than 0"),
        ("gate.change.max_relative_loss_increase", -1, r"max_relative_loss_increase: got -1"),
        ("gate.change.min_slice_examples", 0, r"min_slice_examples: got 0"),
        ("gate.step_ranges", [[0, 7]], r"step_ranges: .*from 1, .*\[\[0, 7\]\]"),
        ("gate.step_ranges", [[7, 1]], r"the first not after the last: \[\[7, 1\]\]"),
        ("gate.step_ranges", [[1, 7], [1, 7]], r"a range may be given once"),
        (
            "gate.step_ranges",
            [[1, 7], [8, 29]],
            r"counted from 1 to forecast\.horizon \(28\); these go beyond it: \[\[8, 29\]\]",
        ),
        ("gate.cost.max_cost_increase", -0.1, r"gate\.cost\.max_cost_increase: got -0\.1"),
        ("gate.cost.max_unproven_cost_increase", -0.1, r"max_unproven_cost_increase: got -0\.1"),
        ("gate.cost.min_expected_shortages", -1, r"min_expected_shortages: got -1"),
        ("gate.cost.interval", 0, r"gate\.cost\.interval: got 0; .*greater than or equal to 1"),
        ("gate.cost.holding_cost", 0, r"holding_cost: got 0; .*greater than 0"),
        ("gate.cost.stockout_cost", 0, r"stockout_cost: got 0; .*greater than 0"),
        (
            "gate.cost",
            {"enabled": True, "interval": 29},
            r"gate\.cost\.interval: got 29; allowed: forecast\.horizon \(28\) or less",
        ),
        ("push.model_name", "a b", r"push\.model_name: got 'a b'; model_name may hold letters"),
        ("push.model_name", "../up", r"push\.model_name: got '\.\./up'"),
    ],
)
def test_wrong_values_are_refused_with_path_value_and_what_is_allowed(key, value, message):
    with pytest.raises(ConfigurationError, match=message):
        parse(**{key: value})


def test_a_floor_may_be_negative_to_let_weak_models_pass():
    assert parse(**{"gate.floors.wape_skill": -10}).gate.floors.wape_skill == -10


def test_slices_are_static_columns():
    assert parse(**{"gate.slices": ["store"]}).gate.slices == ("store",)


def test_ranges_of_steps_may_overlap_and_end_with_the_horizon():
    ranges = ((1, 7), (1, 14), (8, 28))
    assert (
        parse(**{"gate.step_ranges": [list(steps) for steps in ranges]}).gate.step_ranges == ranges
    )


def test_an_interval_that_nobody_uses_may_be_longer_than_the_horizon():
    assert parse(**{"gate.cost": {"interval": 29}}).gate.cost.interval == 29
    by_terms = {
        "gate.cost": {"enabled": True, "interval": 29},
        "replenishment.tables": {"supply_terms": {"path": "terms.csv"}},
    }
    assert parse(**by_terms).gate.cost.enabled
