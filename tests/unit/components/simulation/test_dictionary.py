import dataclasses
import doctest
import importlib
import pkgutil

import pytest

from demandcast.components import simulation
from demandcast.components.simulation.dictionary import TABLES, readme_text

MODULES = [each.name for each in pkgutil.iter_modules(simulation.__path__)]


def test_every_file_has_its_table():
    fields = {field.name for field in dataclasses.fields(simulation.SampleFiles)}
    assert fields - {"folder", "readme", "simulation", "rows"} == set(TABLES)


def test_text_names_every_table_and_column():
    text = readme_text(
        dict.fromkeys(TABLES, 1234), ending="csv", parameters="{}", file="made_with.json"
    )
    assert text.endswith("(demandcast sample-data), also in made_with.json:\n{}\n")
    for name, table in TABLES.items():
        assert f"\n{name}.csv  (1,234 rows)\n  {table.meaning}\n" in text
        for column in table.columns:
            assert f"    {column}" in text


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name):
    module = importlib.import_module(f"{simulation.__name__}.{name}")
    assert doctest.testmod(module).failed == 0
    assert module.__all__


def test_public_names():
    assert simulation.__all__ == [
        "EffectsConfig",
        "PRESETS",
        "PromotionsConfig",
        "SampleFiles",
        "SimulationConfig",
        "SupplyConfig",
        "preset",
        "read_simulation",
        "write_sample_data",
    ]
