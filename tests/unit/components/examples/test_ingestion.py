import datetime
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
        sampling = changes.pop("sampling", SamplingConfig())
        sections = (ForecastConfig(frequency="W-MON"), sampling, BeamConfig())
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


def test_a_backtest_is_planned_at_its_cutoffs(ingestion):
    (plan,) = ingestion(backtest_cutoffs=(400, 380)).plans(500)
    assert (plan.name, plan.cutoffs, plan.labels) == ("backtest", (400, 380), True)


@pytest.mark.parametrize(
    ("end", "last"), [(4 + 7 * 450, 450), (4 + 7 * 450 + 6, 450), (4 + 7 * 600, 500)]
)
def test_splits_go_no_further_than_their_end(ingestion, end, last):
    date = datetime.date(1970, 1, 1) + datetime.timedelta(days=end)
    made = ingestion(sampling=SamplingConfig(end=date))
    assert made.plans(500) == ingestion().plans(last)
    # A forecast starts at the newest period all the same.
    assert ingestion(sampling=SamplingConfig(end=date), latest=True).plans(500)[0].cutoffs == (500,)


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
