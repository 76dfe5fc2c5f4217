"""Orders at the end of a run, after a push and where the model was refused.

A copy of the run that all integration tests share; the tests follow each other.
"""

from __future__ import annotations

import io
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pytest
from pipeline_tiny import Trained

from demandcast.pipeline.console import Console
from demandcast.pipeline.reports import RunReport
from demandcast.pipeline.run_files import read_run
from demandcast.pipeline.run_headline import headline_of
from demandcast.pipeline.run_page import gather_page
from demandcast.pipeline.training_run import run
from demandcast.schema.config import RunConfig
from demandcast.schema.errors import BadInputError
from demandcast.schema.forecast_table import check_forecast_table
from demandcast.schema.origin_arrays import read_origins
from demandcast.schema.proposal_facts import ProposalFacts
from demandcast.schema.proposal_table import check_proposal_table

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

TABLES = {
    "inventory": "inventory",
    "open_orders": "lead_times",
    "supply_terms": "supply_terms",
    "suppliers": "suppliers",
    "lead_times": "lead_times",
}
LENIENT = {"wape_skill": -99, "weighted_quantile_loss_skill": -99, "max_absolute_bias": None}
ORDERS = ("BatchForecaster", "Replenisher")


@dataclass
class World:
    """A pipeline that ends with orders."""

    config: RunConfig
    data: Path
    reports: list[RunReport] = field(default_factory=list)

    def run(self, **floors: float | None) -> RunReport:
        gate = self.config.gate
        judged = gate.floors.model_copy(update={"coverage_tolerance": 1.0, **LENIENT, **floors})
        config = self.config.model_copy(update={"gate": gate.model_copy(update={"floors": judged})})
        self.reports.append(run(config, Console(io.StringIO())))
        return self.reports[-1]

    @property
    def proposals(self) -> list[Path]:
        return sorted((Path(self.config.workspace) / self.config.name / "orders").iterdir())

    @property
    def version(self) -> int:
        pointer = Path(str(self.config.push.serving_directory), "in_service.json")
        return int(json.loads(pointer.read_bytes())["version"])


@pytest.fixture(scope="module")
def world(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Workspace and stock are copies; artifacts stay where the metadata say they are."""
    folder = tmp_path_factory.mktemp("orders")
    shutil.copytree(
        trained.config.workspace, folder / "runs", ignore=shutil.ignore_patterns("artifacts")
    )
    shutil.rmtree(folder / "runs" / "serving")
    data = folder / "data"
    data.mkdir()
    for table in set(TABLES.values()):
        shutil.copy(trained.config_file.parent / "data" / f"{table}.parquet", data)
    config = trained.config
    replenishment = config.replenishment.model_validate(
        {
            "enabled": True,
            "order_moment": "after_close",
            "extrapolate": True,
            "paths": 200,
            "tables": {
                name: {"path": str(data / f"{table}.parquet")} for name, table in TABLES.items()
            },
        }
    )
    servers = {"infra_validation": False, "smoke_test": False}
    keep_all = {"runs": None, "versions": None}
    return World(
        config.model_copy(
            update={
                "workspace": str(folder / "runs"),
                "push": config.push.model_copy(
                    update={"serving_directory": str(folder / "runs" / "serving")}
                ),
                "replenishment": replenishment,
                "serving": config.serving.model_copy(update=servers),
                "retention": config.retention.model_copy(update=keep_all),
            }
        ),
        data,
    )


def statuses(report: RunReport) -> dict[str, str]:
    return {stage.name: stage.status for stage in report.stages if stage.name in ORDERS}


def test_without_any_model_in_service_the_run_says_so_and_does_not_fail(world):
    report = world.run(wape_skill=0.9999)
    assert report.exit_code == 4  # Of the model that was refused.
    assert report.stage("Trainer").status == "cached"
    assert statuses(report) == dict.fromkeys(ORDERS, "run")
    assert report.orders["proposed"] == 0
    finding = "nothing is forecast: no model is in service"
    assert report.orders["finding"] == finding
    assert not (Path(world.config.workspace) / world.config.name / "orders").exists()
    headline = headline_of(read_run(Path(report.log).parent))
    assert headline.remarks[-1] == f"Orders: {finding}."


def test_a_run_that_pushes_ends_with_orders(world):
    report = world.run()
    assert report.push["pushed"] == 1
    assert statuses(report) == dict.fromkeys(ORDERS, "run")
    forecasts = Path(report.artifact("BatchForecaster", "forecasts").uri)
    table = pl.read_parquet(forecasts / "forecasts.parquet")
    check_forecast_table(table, world.config.series)
    assert table["cutoff"].unique().to_list() == [max(table["cutoff"])]
    said = report.artifact("BatchForecaster", "forecasts").properties
    assert said["model_version"] == world.version
    assert said["series"] == table.select("store", "item").n_unique()
    origins = read_origins(forecasts / "origins", world.config.series)
    assert len(origins.cutoff_days) == said["unseen_cutoffs"] > 0
    # The whole folder is where people decide about it, and nothing else is there.
    (folder,) = world.proposals
    artifact = Path(report.artifact("Replenisher", "proposals").uri)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        path.name: path.read_bytes() for path in artifact.iterdir()
    }
    facts = ProposalFacts.model_validate_json((folder / "proposals.json").read_bytes())
    assert (facts.proposal_id, facts.model_version) == (folder.name, world.version)
    proposals = pl.read_parquet(folder / "proposals.parquet")
    check_proposal_table(proposals, world.config.data.columns.series_key)
    assert report.orders["orders"] == proposals.filter(pl.col("order_quantity") > 0).height > 0
    assert report.orders["folder"] == str(folder)
    page = gather_page(Path(report.log).parent)
    assert page.orders.summary.totals.orders == report.orders["orders"]
    kept = json.loads(Path(report.log).with_name("run.json").read_text())
    assert kept["orders"] == report.orders


def test_a_refused_model_leaves_the_forecasts_to_the_one_in_service(world):
    before = world.version
    report = world.run(wape_skill=0.9999)
    assert report.exit_code == 4
    assert not report.push["pushed"]
    said = report.artifact("BatchForecaster", "forecasts").properties
    assert (said["forecast"], said["model_version"]) == (1, before)
    assert len(world.proposals) == 2


def test_the_same_once_more_is_cached_and_proposes_nothing_new(world):
    before = world.proposals
    report = world.run(wape_skill=0.9999)
    assert statuses(report) == dict.fromkeys(ORDERS, "cached")
    assert report.orders["proposal_id"] == before[-1].name
    assert world.proposals == before


def test_a_copy_that_is_missing_is_made_again_from_the_cache(world):
    """As after a kill between the stage and the copy."""
    before = world.proposals
    shutil.rmtree(before[-1])
    report = world.run(wape_skill=0.9999)
    assert statuses(report) == dict.fromkeys(ORDERS, "cached")
    assert world.proposals == before


def test_other_stock_is_proposed_from_the_same_forecasts(world):
    before = world.proposals
    path = world.data / "inventory.parquet"
    stock = pl.read_parquet(path)
    stock.with_columns(on_hand=pl.lit(0, stock.schema["on_hand"])).write_parquet(path)
    orders = world.reports[-1].orders["orders"]
    report = world.run(wape_skill=0.9999)
    assert statuses(report) == {"BatchForecaster": "cached", "Replenisher": "run"}
    assert report.orders["orders"] > orders
    assert len(world.proposals) == len(before) + 1


def test_a_missing_table_fails_the_stage_and_what_was_pushed_stays(world):
    before, version = world.proposals, world.version
    (world.data / "supply_terms.parquet").unlink()
    with pytest.raises(BadInputError, match=r"^no orders are proposed: supply_terms: no file"):
        world.run(wape_skill=0.9999)
    assert (world.proposals, world.version) == (before, version)
    runs = Path(world.config.workspace) / world.config.name / "runs"
    values = json.loads((max(runs.iterdir()) / "run.json").read_text())
    assert (values["status"], values["exit_code"]) == ("failed", 2)
    assert values["stages"][-1]["name"] == "Replenisher"
    headline = headline_of(read_run(max(runs.iterdir())))
    assert headline.title == "Failed: no orders were proposed"
