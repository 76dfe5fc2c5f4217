"""The sentences about what our orders would have cost."""

import pytest
from simulation_facts import facts, policy_values

from demandcast.components.reporting.simulation_answers import (
    simulation_assumptions,
    simulation_figures,
    simulation_headline,
)
from demandcast.pipeline.simulation_page import simulation_part


def two(ratio, *, low=None, high=None, **changes):
    """Ours and the textbook at one target; ours costs `ratio` of 1000."""
    ours = policy_values(
        "demandcast",
        0.95,
        1000.0 * ratio,
        operating_cost_ratio=ratio,
        operating_cost_ratio_low=low,
        operating_cost_ratio_high=high,
        cycle_service_level=0.961,
        fill_rate=0.99,
    )
    other = policy_values("textbook", 0.95, 1000.0, operating_cost_ratio=1.0)
    return simulation_part(facts(policies=[ours, other], **changes))


def headline(part):
    found = simulation_headline(part)
    plain = [text.replace("\xa0", " ") for text in (found.title, *found.reasons)]
    return found.tone, plain[0], " ".join(plain[1:])


def test_the_sentence_says_what_our_orders_cost_and_how_much_less_than_the_textbooks():
    # 10,000 x 1.95 is the textbook's at 95 %; ours 0.9 of it, perfect foresight 0.2.
    tone, title, text = headline(simulation_part(facts()))
    assert (tone, title) == (
        "good",
        "Our orders would have cost 17,550 EUR, 10.0 % less than by the textbook",
    )
    assert "Aiming at a cycle service level of 95 %, they reached 94.0 % of cycles" in text
    assert "With all demand known beforehand it would have been 3,900 EUR." in text
    assert "40 series from 2026-03-10 to 2026-06-30" in text  # 9 days of warm-up.


@pytest.mark.parametrize(
    ("ratio", "low", "high", "tone", "words"),
    [
        (0.8, 0.7, 0.9, "good", "800 EUR, 20.0 % less than by the textbook"),
        (1.2, 1.1, 1.3, "bad", "1,200 EUR, 20.0 % more than by the textbook"),
        (0.98, 0.9, 1.1, "plain", "980 EUR, 2.0 % less than by the textbook"),
        (1.0, 0.9, 1.1, "plain", "1,000 EUR, as much as by the textbook"),
        (0.8, None, None, "plain", "800 EUR, 20.0 % less than by the textbook"),
    ],
)
def test_the_tone_is_that_of_a_difference_larger_than_chance(ratio, low, high, tone, words):
    found, title, text = headline(two(ratio, low=low, high=high))
    assert (found, title) == (tone, f"Our orders would have cost {words}")
    assert ("may be chance: the ratio is between 0.900 and 1.10" in text) == (low == 0.9)


def test_without_a_reference_only_our_cost_is_said():
    rows = [policy_values("demandcast", 0.95, 1000.0)]
    tone, title, text = headline(simulation_part(facts(policies=rows, currency="")))
    assert (tone, title) == ("plain", "Our orders would have cost 1,000")
    assert "textbook" not in text
    assert "known beforehand" not in text


@pytest.mark.parametrize(("cycles", "tone"), [(99, "plain"), (100, "good")])
def test_few_cycles_say_nothing(cycles, tone):
    ours = {"operating_cost_ratio_low": 0.7, "operating_cost_ratio_high": 0.9}
    rows = [
        policy_values("demandcast", 0.95, 800.0, operating_cost_ratio=0.8, cycles=cycles, **ours),
        policy_values("textbook", 0.95, 1000.0, operating_cost_ratio=1.0),
    ]
    found, _, text = headline(simulation_part(facts(policies=rows)))
    assert found == tone
    assert ("Only 99 cycles could be judged: too few to tell" in text) == (cycles == 99)


@pytest.mark.parametrize("rows", [[], [policy_values("textbook", 0.95, 1.0)]])
def test_without_our_orders_it_is_said(rows):
    part = simulation_part(facts(policies=rows))
    assert headline(part)[:2] == ("plain", "Our orders were not simulated")
    assert simulation_figures(part) == ()


@pytest.mark.parametrize(
    ("measure", "words"),
    [("fill_rate", "a fill rate of 95 %"), ("cost", "priced for a service of 95 %")],
)
def test_the_aim_is_named(measure, words):
    assert words in headline(two(0.9, measure=measure))[2]


def test_figures_are_those_of_the_main_target():
    found = {
        one.title: (one.value.replace("\xa0", " "), one.note.replace("\xa0", " "))
        for one in simulation_figures(two(0.9))
    }
    assert found == {
        "Cost of our orders": ("900 EUR", "at a target of 95 %"),
        "Cost of the textbook": ("1,000 EUR", "on the same demand and lead times"),
        "Cycles without stockout": ("96.1 %", "95 % interval 93.0 % to 95.0 %"),
        "Fill rate": ("99.0 %", "textbook: 98.5 %"),
        "Mean stock": ("12.5", "units per series in the evening; textbook: 12.5"),
    }
    alone = simulation_part(facts(policies=[policy_values("demandcast", 0.95, 5.0)]))
    notes = {one.title: one.note for one in simulation_figures(alone)}
    assert notes["Fill rate"] == "of the demand, met at once"


def said(**changes):
    return dict(simulation_assumptions(simulation_part(facts(**changes))))


def test_assumptions_are_those_of_this_simulation():
    words = said()
    assert "before the next day opens" in words["Order of events"]
    assert "2.4 days on average" in words["Lead times"]
    assert words["Demand"].startswith("What was sold")
    assert "is lost" in words["Unmet demand"]
    assert "after 9 days, on 2026-03-10" in words["Beginning and end"]
    assert "40 cutoffs from 2026-03-01 to 2026-06-30" in words["Beginning and end"]
    assert words["What taught"].startswith("13 cutoffs before the first decision")
    assert words["Terms"].endswith("in packs and at least the smallest order.")
    assert words["Left out"] == "8 series. No terms of supply: 5; No forecast at each cutoff: 3."


def test_other_assumptions_are_said_as_well():
    words = said(
        demand="true_demand.parquet",
        unmet_demand="backordered",
        whole_lots=False,
        left_out={},
        period_days=7,
        warm_up=1,
    )
    assert words["Demand"].startswith("What was asked for, from true_demand.parquet")
    assert "waits" in words["Unmet demand"]
    assert words["Terms"].endswith("in any whole number.")
    assert words["Left out"] == "No series."
    assert "before the next week opens" in words["Order of events"]
    assert "after 1 week, on 2026-03-08" in words["Beginning and end"]
