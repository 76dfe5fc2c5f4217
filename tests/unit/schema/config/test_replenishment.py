import pytest
from configurations import parse

from demandcast.schema.config import resolve_paths
from demandcast.schema.errors import ConfigurationError


def test_risk_classes_increase():
    with pytest.raises(ConfigurationError, match=r"got 0\.3, 0\.2, 0\.4"):
        parse(replenishment={"risk": {"medium": 0.3, "high": 0.2}})


@pytest.mark.parametrize("target", [0, 1, 95])
def test_a_target_is_a_share(target):
    with pytest.raises(ConfigurationError, match=r"replenishment\.service\.target"):
        parse(replenishment={"service": {"target": target}})


def test_paths_of_tables_start_at_the_file(tmp_path):
    tables = {"inventory": {"path": "stock.csv"}, "suppliers": {"path": "gs://bucket/s.csv"}}
    config = resolve_paths(parse(replenishment={"tables": tables}), tmp_path)
    found = config.replenishment.tables
    assert found.inventory.path == str(tmp_path / "stock.csv")
    assert found.suppliers.path == "gs://bucket/s.csv"
    assert found.lead_times is None


@pytest.mark.parametrize(
    ("tables", "missing"),
    [
        ({}, "missing: inventory, supply_terms"),
        ({"inventory": {"path": "stock.csv"}}, "missing: supply_terms"),
    ],
)
def test_runs_that_shall_end_with_orders_name_their_tables_at_once(tables, missing):
    parse(replenishment={"tables": tables})  # `demandcast replenish` says so itself.
    with pytest.raises(ConfigurationError, match=missing):
        parse(replenishment={"enabled": True, "tables": tables})


def test_tables_that_are_given_have_a_path():
    tables = {"inventory": {"path": "stock.csv"}, "suppliers": {"path": "s.csv"}}
    config = parse(replenishment={"tables": tables}).replenishment
    assert config.tables.paths == {"inventory": "stock.csv", "suppliers": "s.csv"}
