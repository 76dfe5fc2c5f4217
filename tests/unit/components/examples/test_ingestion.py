from pathlib import Path

import pytest
from examples_tables import make_data, row, write_rows

from demandcast.components.examples.ingestion import Ingestion
from demandcast.components.examples.tables import open_tables
from demandcast.schema.config import (
    BeamConfig,
    ForecastConfig,
    SamplingConfig,
    TableConfig,
    load_config,
)

ROOT = Path(__file__).parents[4]


@pytest.fixture
def ingestion(tmp_path):
    def make(**changes):
        data = make_data(write_rows(tmp_path / "s.csv", [row(0)]), **changes.pop("data", {}))
        sections = (ForecastConfig(frequency="W-MON"), SamplingConfig(), BeamConfig())
        return Ingestion(data, *sections, open_tables(data), **changes)

    return make


def test_plans_the_splits_or_the_newest(ingestion):
    assert [plan.name for plan in ingestion().plans(500)] == ["train", "validation", "eval"]
    (latest,) = ingestion(latest=True).plans(500)
    assert (latest.name, latest.cutoffs) == ("latest", (500,))


def test_a_cutoff_inside_a_week_is_that_week(ingestion):
    # Period 0 of W-MON starts on day 4.
    (latest,) = ingestion(latest=True, cutoff_day=4 + 7 * 30 + 3).plans(500)
    assert latest.cutoffs == (30,)


def test_a_cutoff_after_the_newest_period_plans_nothing(ingestion):
    assert ingestion(latest=True, cutoff_day=4 + 7 * 501).plans(500) == ()


def test_lists_tables(ingestion, tmp_path):
    (tmp_path / "items.csv").write_text("item,category\n")
    made = ingestion(
        data={"static_tables": (TableConfig(path=f"{tmp_path}/items.csv", on=("item",)),)}
    )
    assert [table.name for table in made.row_tables] == ["sales"]
    assert [table.name for table in made.joined_tables] == ["static_tables[0]"]


def test_the_example_configuration_is_valid():
    config = load_config(ROOT / "examples" / "freshretailnet.yaml")
    assert config.forecast.horizon == 14
    assert config.data.columns.series_key == ("store_id", "product_id")
