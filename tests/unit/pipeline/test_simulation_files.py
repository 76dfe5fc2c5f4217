"""The folder of a simulation: facts, table and page, whole or not at all."""

import json

import polars as pl
import pytest
from configurations import parse
from simulation_facts import facts

from demandcast.pipeline import simulation_files
from demandcast.pipeline.simulation_files import (
    free_simulation_folder,
    simulation_facts,
    write_simulation,
)
from demandcast.pipeline.simulation_page import simulation_part
from demandcast.schema.errors import BadInputError

pytestmark = pytest.mark.slow


def found(**changes):
    from demandcast.pipeline.simulate import Simulated

    values = facts()
    names = Simulated.__dataclass_fields__.keys() - {"table"}
    table = pl.DataFrame(values["policies"])
    return Simulated(table=table, **{name: values[name] for name in names} | changes)


@pytest.fixture
def config(tmp_path):
    return parse(workspace=str(tmp_path / "runs"), **{"replenishment.currency": "EUR"})


def test_the_facts_are_complete_for_the_page(config):
    values = simulation_facts(found(), config)
    part = simulation_part(json.loads(json.dumps(values)))
    assert (part.currency, part.aimed_at, part.period_days) == ("EUR", 0.95, 1)
    assert part.rows == simulation_part(facts()).rows
    assert values["pipeline"] == config.name
    assert values["seconds"] == 12.5


def test_all_files_are_written_and_no_other(config, tmp_path):
    folder = tmp_path / "out"
    write_simulation(found(), config, folder)
    names = {path.name for path in folder.iterdir()}
    assert names == {"simulation.json", "policies.csv", "simulation.html"}
    written = json.loads((folder / "simulation.json").read_text())
    assert written["policies"] == facts()["policies"]
    table = pl.read_csv(folder / "policies.csv")
    assert table["operating_cost"].to_list() == [
        pytest.approx(row["operating_cost"]) for row in facts()["policies"]
    ]
    assert config.name in (folder / "simulation.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("function", ["write_page", "write_whole"])
def test_a_failure_leaves_nothing(config, tmp_path, monkeypatch, function):
    def fail(*arguments):
        raise RuntimeError("no")

    monkeypatch.setattr(simulation_files, function, fail)
    with pytest.raises(RuntimeError):
        write_simulation(found(), config, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_the_facts_are_the_last_file(config, tmp_path, monkeypatch):
    order = []
    real = simulation_files.write_whole

    def note(path, text):
        order.append(path.name)
        real(path, text)

    monkeypatch.setattr(simulation_files, "write_whole", note)
    monkeypatch.setattr(simulation_files, "write_page", lambda *_: order.append("page"))
    write_simulation(found(), config, tmp_path / "out")
    assert order == ["policies.csv", "page", "simulation.json"]


def test_without_a_folder_it_is_a_new_one_of_the_workspace(config, tmp_path):
    folder = free_simulation_folder(config, None)
    assert folder.parent == tmp_path / "runs" / config.name / "simulations"
    assert not folder.exists()


def test_a_folder_with_something_in_it_is_refused(config, tmp_path):
    (tmp_path / "out").mkdir()
    assert free_simulation_folder(config, tmp_path / "out") == tmp_path / "out"
    (tmp_path / "out" / "x").touch()
    with pytest.raises(BadInputError, match="is there already"):
        free_simulation_folder(config, tmp_path / "out")
