"""The page of a simulation: from the facts beside it."""

import json

import pytest
from simulation_facts import facts, policy_values

from demandcast.pipeline import simulation_page
from demandcast.pipeline.simulation_page import read_simulation_part, simulation_part, write_page


def test_rows_have_their_numbers():
    row = simulation_part(facts()).row("demandcast", 0.9)
    base = 10_000 * 1.9
    assert row.operating_cost == pytest.approx(0.9 * base)
    assert row.costs == pytest.approx(
        {
            "holding": 0.9 * base / 2,
            "stockout": 0.9 * base / 4,
            "order": 0.9 * base / 8,
            "waste": 0.9 * base / 8,
        }
    )
    assert sum(row.costs.values()) == pytest.approx(row.operating_cost)
    assert row.interval == pytest.approx((0.88, 0.9))
    assert (row.ratio, row.ratio_interval) == (0.9, (0.85, 0.95))


def test_an_interval_of_a_share_is_one_of_shares():
    row = policy_values(
        "eoq", 0.9, 1.0, cycle_service_level_low=-0.1, cycle_service_level_high=1.08
    )
    assert simulation_part(facts(policies=[row])).rows[0].interval == (0.0, 1.0)


def test_a_policy_without_a_target_is_divided_by_the_reference_at_the_same_prices():
    part = simulation_part(facts())
    for target in part.targets:
        row = part.row("perfect_foresight", target)
        assert row.ratio == pytest.approx(0.2)
        assert row.ratio_interval is None


@pytest.mark.parametrize("reference", ["nobody", "textbook"])
def test_without_a_reference_there_is_no_ratio(reference):
    rows = [policy_values("last_year", 0.9, 5.0), policy_values("textbook", 0.9, 0.0)]
    assert simulation_part(facts(policies=rows, reference=reference)).rows[0].ratio is None


@pytest.mark.parametrize(("days", "counted"), [(1, "2026-03-10"), (7, "2026-05-03")])
def test_counting_begins_after_the_warm_up(days, counted):
    assert simulation_part(facts(period_days=days)).counted == counted


@pytest.mark.parametrize("name", ["policies", "reference", "first", "measure", "left_out"])
def test_facts_that_are_not_complete_are_refused(name):
    values = facts()
    del values[name]
    with pytest.raises(ValueError, match=name):
        simulation_part(values)


def test_a_row_that_is_not_complete_is_refused():
    row = policy_values("textbook", 0.9, 5.0)
    del row["fill_rate"]
    with pytest.raises(ValueError, match="fill_rate"):
        simulation_part(facts(policies=[row]))


def test_the_page_is_read_from_the_facts_and_written_beside_them(tmp_path):
    (tmp_path / "simulation.json").write_text(json.dumps(facts()))
    part = read_simulation_part(tmp_path)
    assert part == simulation_part(facts())
    file = write_page(tmp_path, part, "market")
    assert file == tmp_path / "simulation.html"
    assert "Our orders would have cost" in file.read_text(encoding="utf-8")


def test_the_page_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    def fail(part, title):
        raise ValueError("no")

    monkeypatch.setattr(simulation_page, "draw_simulation_page", fail)
    with pytest.raises(ValueError, match="no"):
        write_page(tmp_path, simulation_part(facts()), "market")
    assert list(tmp_path.iterdir()) == []


def test_missing_and_damaged_facts_are_told(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_simulation_part(tmp_path)
    (tmp_path / "simulation.json").write_text("{")
    with pytest.raises(ValueError, match="Expecting"):
        read_simulation_part(tmp_path)
