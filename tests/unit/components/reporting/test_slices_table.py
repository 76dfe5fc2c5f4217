import math

import pytest

from demandcast.components.reporting.slices_table import slices_part

METRICS = {"examples": 380.0, "weighted_quantile_loss": 0.21, "wape": 0.36}


def verdict(*others):
    return {"slices": [{"name": "overall", "candidate": METRICS, "in_service": {}}, *others]}


def other(name, loss):
    return {
        "name": name,
        "candidate": {"examples": 200, "weighted_quantile_loss": loss},
        "in_service": {},
    }


def test_slices_stand_worst_first_and_those_without_a_loss_last():
    part = slices_part(
        verdict(other("a", 0.1), other("none", None), other("nan", math.nan), other("c", 0.9))
    )
    assert [row.name for row in part.slices] == ["c", "a", "nan", "none"]
    assert part.overall.examples == 380
    assert part.slices[0].examples == 200


@pytest.mark.parametrize(("least", "marked"), [(0, []), (200, ["b"]), (201, ["a", "b"])])
def test_slices_that_the_gate_does_not_judge_are_marked(least, marked):
    small = other("b", 0.2)
    small["candidate"]["examples"] = 199
    part = slices_part(verdict(other("a", 0.1), small), least_examples=least)
    assert sorted(row.name for row in part.slices if row.too_small) == marked
    assert not part.overall.too_small


def test_ranges_of_steps_are_taken_from_the_names_of_metrics():
    values = verdict()
    values["slices"][0]["candidate"] = METRICS | {
        "wape_steps_8_28": 0.4,
        "wape_steps_1_7": 0.3,
        "weighted_quantile_loss_steps_1_7": 0.2,
    }
    values["slices"][0]["intervals"] = {"wape_steps_1_7": [0.2, 0.4], "wape_steps_8_28": None}
    first, second = slices_part(values).steps
    assert (first.first, first.last) == (1, 7)
    assert first.metrics == {"wape": 0.3, "weighted_quantile_loss": 0.2}
    assert first.intervals["wape"] == (0.2, 0.4)
    assert (second.first, second.last, second.intervals["wape"]) == (8, 28, None)


def test_an_empty_verdict_is_an_empty_part():
    part = slices_part({})
    assert (part.overall.name, part.overall.examples, part.slices) == ("overall", 0, ())
