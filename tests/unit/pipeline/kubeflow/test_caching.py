import pytest
from configurations import parse
from supply_world import supply_config

from demandcast.pipeline.kubeflow.caching import never_cached


def test_what_looks_at_the_serving_directory_runs_each_time():
    config = parse(**{"data.sales": "gs://b/{snapshot}/s.csv", "data.snapshot": "1"})
    assert set(never_cached(config)) == {"ModelInService", "Pusher", "SmokeTest"}


@pytest.mark.parametrize(
    ("tables", "cached"),
    [
        ({}, True),
        ({"supply_terms": {"path": "gs://b/{snapshot}/terms.csv"}}, True),
        ({"supply_terms": {"path": "gs://b/terms.csv"}}, False),
        (
            {
                "supply_terms": {"path": "gs://b/{snapshot}/terms.csv"},
                "suppliers": {"path": "gs://b/suppliers.csv"},
            },
            False,
        ),
    ],
)
def test_terms_of_supply_without_a_snapshot_are_read_each_time(tables, cached):
    config = parse(**{"gate.cost": {"enabled": True}, "replenishment.tables": tables})
    assert ("CostJudge" not in never_cached(config)) is cached
    off = parse(**{"replenishment.tables": tables})
    assert "CostJudge" not in never_cached(off)


def test_without_a_snapshot_in_its_path_the_data_is_read_each_time():
    stages = {"ModelInService", "Pusher", "SmokeTest", "SeriesExampleGen"}
    assert set(never_cached(parse())) == stages
    assert "{snapshot}" in never_cached(parse())["SeriesExampleGen"]


def test_orders_are_proposed_each_time(tmp_path):
    config = supply_config(tmp_path)
    assert {"BatchForecaster", "Replenisher"} <= set(never_cached(config))
    assert "stock" in never_cached(config)["Replenisher"]
