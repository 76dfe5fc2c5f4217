"""The rule for the cost of stock, and its words."""

import math

import pytest

from demandcast.components.metrics.jackknife import Estimate, t_quantile
from demandcast.components.replenishment.model_cost import CostDifference
from demandcast.pipeline.cost_verdict import (
    CostVerdict,
    cannot_be_costed,
    judge_cost,
    not_compared,
)
from demandcast.schema.config import CostConfig

LIMITS = CostConfig(max_cost_increase=0.02, max_unproven_cost_increase=0.06)
FREEDOM = 255


def verdict(increase, noise=0.0, config=LIMITS, shortages=38.0):
    """Judges an increase whose 95 % interval reaches as far as the noise."""
    error = math.nan if noise is None else noise / t_quantile(0.975, FREEDOM)
    found = CostDifference(
        holding=300.0,
        stockout=700.0,
        holding_in_service=300.0,
        stockout_in_service=600.0,
        increase=Estimate(increase, error, 0 if noise is None else FREEDOM),
        intervals=760,
        series=380,
        expected_shortages=shortages,
    )
    return judge_cost(found, config, in_service="version 12", examples=900)


@pytest.mark.parametrize(
    ("increase", "noise", "outcome"),
    [
        (-0.05, 0.01, "within"),
        (0.0, 0.0, "within"),
        (0.02, 0.0, "within"),
        (0.0, 0.03, "unproven"),
        (0.05, 0.04, "unproven"),
        (0.05, None, "unproven"),
        (0.05, 0.01, "worse"),
        (0.0201, 0.0, "worse"),
        (0.07, 0.2, "worse"),
        (0.07, None, "worse"),
        (math.inf, None, "worse"),
    ],
)
def test_a_model_is_refused_beyond_doubt_or_beyond_the_wider_limit(increase, noise, outcome):
    found = verdict(increase, noise)
    assert found.outcome == outcome
    assert found.blessed == (outcome != "worse")


def test_a_wider_limit_below_the_other_widens_nothing():
    narrow = CostConfig(max_cost_increase=0.1, max_unproven_cost_increase=0.0)
    assert verdict(0.09, 0.05, narrow).outcome == "unproven"
    assert verdict(0.11, 0.05, narrow).outcome == "worse"


@pytest.mark.parametrize(
    ("increase", "noise", "words"),
    [
        (
            0.034,
            0.01,
            "stock costs 3.4 % more than that of version 12 on 380 eval series "
            "(95 %: 2.4 % to 4.4 %); at most 2 % more is allowed",
        ),
        (
            0.07,
            0.1,
            "stock costs 7.0 % more than that of version 12 on 380 eval series "
            "(95 %: -3.0 % to 17.0 %); at most 2 % more is allowed, or 6 % where noise could be "
            "the reason",
        ),
        (
            -0.012,
            None,
            "stock costs 1.2 % less than that of version 12 on 380 eval series; "
            "at most 2 % more is allowed, or 6 % where noise could be the reason",
        ),
        (
            0.0,
            0.0,
            "stock costs as much as that of version 12 on 380 eval series "
            "(95 %: 0.0 % to 0.0 %); at most 2 % more is allowed",
        ),
    ],
)
def test_the_reason_says_how_much_how_sure_and_what_is_allowed(increase, noise, words):
    assert verdict(increase, noise).reason == words


def test_with_few_shortages_to_be_expected_nothing_is_refused():
    found = verdict(0.5, 0.01, shortages=9.9)
    assert found.blessed
    assert (found.outcome, found.increase) == ("unjudged", 0.5)
    assert found.reason == (
        "stock costs 50.0 % more than that of version 12 on 380 eval series (95 %: 49.0 % to "
        "51.0 %); not judged, as 760 intervals should have 9.9 shortages, which is too few to tell "
        "(gate.cost.min_expected_shortages: 10)"
    )
    assert verdict(0.5, 0.01, shortages=10.0).outcome == "worse"


@pytest.mark.parametrize(
    ("increase", "noise", "doubtful"),
    [(0.05, 0.01, False), (0.07, 0.2, True), (0.07, None, True), (0.05, 0.04, True), (0, 0, False)],
)
def test_the_wider_limit_holds_where_there_is_doubt(increase, noise, doubtful):
    assert verdict(increase, noise).is_doubtful is doubtful


def test_an_infinite_increase_has_words_and_no_number():
    found = verdict(math.inf, None)
    assert found.reason.startswith("stock costs infinitely more than that of version 12")
    assert found.increase is None


def test_a_verdict_survives_its_file():
    for found in (verdict(0.034, 0.01), verdict(math.inf, None), not_compared("no model")):
        assert CostVerdict.model_validate_json(found.model_dump_json()) == found


def test_without_a_comparison_a_model_passes_and_without_numbers_it_does_not():
    passed = not_compared("no model in service")
    assert passed.blessed
    assert passed.reason == "no model in service: the cost of stock was not judged"
    refused = cannot_be_costed("nothing counts", examples=3)
    assert not refused.blessed
    assert (refused.reason, refused.examples) == ("nothing counts", 3)
