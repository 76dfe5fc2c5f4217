"""A simulation by the trained model, on the cutoffs that it has not seen."""

import json

import polars as pl
import pytest
import yaml

from demandcast.pipeline.cli.main import invoke

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

TABLES = ("supply_terms", "suppliers", "lead_times")


@pytest.fixture(scope="module")
def config_file(trained, tmp_path_factory):
    """The configuration of the trained model, with the tables of supply beside its data."""
    values = yaml.safe_load(trained.config_file.read_text(encoding="utf-8"))
    # Another folder holds this file: paths have to be whole.
    data = trained.config_file.parent / "data"
    values["replenishment"] = {
        "tables": {name: {"path": str(data / f"{name}.parquet")} for name in TABLES},
        "currency": "EUR",
        "paths": 200,
    }
    file = trained.config_file.with_name("simulate.yaml")
    file.write_text(yaml.safe_dump(values), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def found(trained, config_file, tmp_path_factory):
    """What the command wrote, with the demand of the sample data."""
    output = tmp_path_factory.mktemp("simulation") / "out"
    data = config_file.parent / "data"
    arguments = ["--targets", "0.9,0.95", "--sample-data", str(data), "--output", str(output)]
    assert invoke(["simulate", "--config", str(config_file), *arguments]) == 0
    return output


def policies(found):
    return pl.read_csv(found / "policies.csv")


def test_what_the_model_has_not_seen_is_simulated(trained, found):
    facts = json.loads((found / "simulation.json").read_text())
    last = trained.report.data["last"]
    assert facts["last"] == last
    assert facts["teaching"] + facts["cutoffs"] == trained.config.forecast.horizon
    assert facts["model"] == trained.report.model["digest"]
    assert facts["demand"].startswith("true_demand.")
    assert facts["series"] > 0
    assert facts["pipeline"] == "tiny"


def test_all_policies_stand_beside_each_other_at_each_target(found):
    table = policies(found)
    names = {
        "demandcast",
        "perfect_distribution",
        "textbook",
        "eoq",
        "min_max",
        "last_year",
        "perfect_foresight",
    }
    for target in (0.9, 0.95):
        assert set(table.filter(pl.col("target") == target)["policy"]) == names
    assert table.height == 2 * len(names)
    assert table["series"].n_unique() == table["cycles"].n_unique() == 1


def test_costs_are_sums_and_ratios_are_to_the_textbook(found):
    table = policies(found)
    kinds = ["holding_cost", "stockout_cost", "order_cost", "waste_cost"]
    difference = table.select(pl.sum_horizontal(kinds) - pl.col("operating_cost")).to_series()
    assert difference.abs().max() == pytest.approx(0.0, abs=1e-6)
    textbook = table.filter(pl.col("policy") == "textbook")
    assert textbook["operating_cost_ratio"].to_list() == pytest.approx([1.0, 1.0])


def test_who_knows_all_demand_spends_the_least_and_no_policy_serves_better(found):
    """Four counted days: what no order can reach in time is missed by all of them."""
    table = policies(found)
    for (_,), rows in table.group_by(["target"]):
        foresight = rows.filter(pl.col("policy") == "perfect_foresight")
        assert foresight["cycle_service_level"].item() == 1.0
        assert foresight["operating_cost"].item() == rows["operating_cost"].min()
        assert foresight["fill_rate"].item() == rows["fill_rate"].max()


def test_a_higher_target_holds_no_less(found):
    table = policies(found).filter(pl.col("policy") == "demandcast").sort("target")
    low, high = table["mean_on_hand"].to_list()
    assert high >= low


def test_the_page_has_the_numbers_of_the_table(found):
    html = (found / "simulation.html").read_text(encoding="utf-8")
    ours = policies(found).filter((pl.col("policy") == "demandcast") & (pl.col("target") == 0.95))
    assert "Our orders would have cost" in html
    assert "too few to tell policies apart" in html
    assert f"{ours['operating_cost'].item():,.0f}\xa0EUR" in html


def test_nothing_else_is_written(found):
    assert {path.name for path in found.iterdir()} == {
        "simulation.json",
        "policies.csv",
        "simulation.html",
    }
    assert {path.name for path in found.parent.iterdir()} == {"out"}


def test_a_start_beyond_the_unseen_cutoffs_is_refused(config_file, tmp_path, capsys):
    arguments = ["--start", "2030-01-01", "--output", str(tmp_path / "out")]
    assert invoke(["simulate", "--config", str(config_file), *arguments]) == 2
    assert "--start: got 2030-01-01; the cutoffs are from" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
