"""The steps of the README, executed as they stand there, on a small table of our own."""

import datetime
import json
import subprocess
import sys

import polars as pl
import pytest
from readme_walk import DAYS, FIRST, PLANNED, command, commands, readme

from demandcast.pipeline.cli import invoke
from demandcast.schema.config import load_config

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_the_steps_up_to_the_push_succeed(walked):
    _, codes = walked
    assert codes == {"schema infer": 0, "config": 0, "validate": 0, "run": 0}


def test_the_inferred_schema_holds_the_categories(walked):
    folder, _ = walked
    assert '"dairy"' in (folder / "demand.pbtxt").read_text(encoding="utf-8")


def test_the_run_takes_what_validation_did_from_the_cache(walked):
    folder, _ = walked
    reports = sorted((folder / "runs" / "demand" / "runs").glob("*/run.json"))
    stages = json.loads(reports[-1].read_text(encoding="utf-8"))["stages"]
    status = {stage["name"]: stage["status"] for stage in stages}
    assert status["SeriesExampleGen"] == status["AnomalyGate"] == "cached"
    assert status["Trainer"] == status["Pusher"] == "run"


def test_the_run_is_found_again(walked, monkeypatch, capsys):
    folder, _ = walked
    monkeypatch.chdir(folder)
    said = {}
    for name in ("runs list", "runs show", "runs compare"):
        assert invoke(command(name)) == 0
        said[name] = capsys.readouterr().out
    newest = said["runs list"].splitlines()[1]
    assert "pushed as version" in newest
    assert newest.endswith("in service")
    assert "data checked" in said["runs list"]
    assert "Push: pushed as version" in said["runs show"]
    assert "configuration: same" in said["runs compare"]


def test_there_is_no_way_back_from_the_first_version(walked, monkeypatch, capsys):
    folder, _ = walked
    monkeypatch.chdir(folder)
    assert invoke(command("rollback")) == 2
    assert "no other model that was in service is still there" in capsys.readouterr().err


def test_the_forecast_table_is_as_described(walked, monkeypatch):
    folder, _ = walked
    monkeypatch.chdir(folder)
    assert invoke(command("forecast")) == 0
    table = pl.read_csv(folder / "forecasts" / "today.csv", try_parse_dates=True)
    assert table.columns[:6] == ["store", "item", "cutoff", "step", "timestamp", "mean"]
    assert (table.columns[6], table.columns[-1]) == ("q0.05", "q0.95")
    assert len(table) == 12 * PLANNED
    assert table["cutoff"].unique().to_list() == [FIRST + datetime.timedelta(days=DAYS - 1)]


def test_the_past_is_scored(walked, monkeypatch, capsys):
    """The first of the two commands; the other would train six models."""
    folder, _ = walked
    monkeypatch.chdir(folder)
    plain, retraining = commands("backtest")
    assert "--retrain" in retraining
    assert invoke(plain) == 0
    said = capsys.readouterr().out
    cutoff = FIRST + datetime.timedelta(days=DAYS - 1 - PLANNED)
    assert f", at cutoff {cutoff}, 28 days each." in said
    assert {"demandcast", "seasonal_naive", "moving_average", "croston"} <= set(said.split())
    (folder_of_files,) = (folder / "runs" / "demand" / "backtests").glob("*/metrics.csv")
    assert "category=dairy" in folder_of_files.read_text(encoding="utf-8")


def test_sales_become_an_order_file(walked, monkeypatch, capsys):
    """Step 8 but for its last command, for which the model has seen too much."""
    folder, _ = walked
    monkeypatch.chdir(folder)
    assert invoke(command("replenish")) == 0
    said = capsys.readouterr().out
    cutoff = FIRST + datetime.timedelta(days=DAYS - 1)
    assert f"from the evening of {cutoff}" in said
    (proposal,) = (folder / "runs" / "demand" / "orders").glob("*/proposals.parquet")
    table = pl.read_parquet(proposal)
    by_series = {(row["store"], row["item"]): row for row in table.iter_rows(named=True)}
    assert len(by_series) == 12
    for (store, item), row in by_series.items():
        full = "no_terms" if item == "bread" else "covered"
        expected = full if store == "s3" or item == "bread" else "order"
        assert row["status"] == expected, (store, item)
        assert not (row["order_quantity"] or 0) % 12
    empty = [row for (store, item), row in by_series.items() if store == "s1" and item != "bread"]
    assert {(row["risk_class"], row["needs_approval"]) for row in empty} == {("critical", True)}
    for arguments in commands("orders"):
        assert invoke(arguments) == 0
    orders = pl.read_csv(folder / "orders.csv")
    assert len(orders) == table.filter(pl.col("order_quantity") > 0).height == 6
    assert orders["quantity"].sum() == table["order_quantity"].sum()
    assert set(orders["supplier"]) == {"dairy", "drinks"}


def test_a_new_model_has_seen_too_much_for_a_simulation(walked, monkeypatch, capsys):
    """With a horizon of 28 days there are 28 unseen cutoffs; the first quarter teaches."""
    folder, _ = walked
    monkeypatch.chdir(folder)
    assert invoke(command("simulate")) == 0
    said = capsys.readouterr().out.split()
    assert {"demandcast", "textbook", "eoq"} <= set(said)


@pytest.fixture(scope="module")
def address(walked):
    """Where the model of the walk answers; asked once, because the first answer takes long."""
    from demandcast.serving.client import DemandClient
    from demandcast.serving.forecasting import forecast
    from demandcast.serving.server import ModelServer, ServerConfig

    folder, _ = walked
    config = load_config(folder / "demand.yaml")
    serving = ServerConfig(serving_directory=config.push.serving_directory, port=0)
    series = {"store": "s1", "item": "milk", "category": "dairy", "cutoff": 20634}
    series |= {"target": [8.0] * 120, "price": [1.29] * 148, "promotion": ["none"] * 148}
    with ModelServer(serving) as server:
        with DemandClient(server.address, timeout_seconds=240) as client:
            client.wait_until_available(240)
            forecast(client, [series])
        yield server.address


def test_both_clients_get_their_forecast(address, capsys):
    """The example with the client, and the one with TensorFlow Serving's own stubs."""
    ours, stubs = readme("python")
    names: dict = {}
    exec(ours.replace("127.0.0.1:8500", address), names)  # noqa: S102 - our page
    assert names["answer"].quantiles.shape == (1, 28, 7)
    assert capsys.readouterr().out.split("\n")[:2] == ["(1, 28, 7)", "(1, 28)"]
    names = {}
    exec(stubs.replace("127.0.0.1:8500", address), names)  # noqa: S102 - our page
    assert names["quantiles"].shape == (1, 28, 7)


def test_the_example_with_stubs_needs_nothing_of_ours(address):
    """In an interpreter where `demandcast` cannot be imported."""
    _, stubs = readme("python")
    refuse = "import sys; sys.modules['demandcast'] = None\n"
    check = "\nassert not [name for name in sys.modules if name.startswith('demandcast.')]\n"
    show = "print(quantiles.shape)\n"
    program = refuse + stubs.replace("127.0.0.1:8500", address) + check + show
    done = subprocess.run(
        [sys.executable, "-P", "-c", program],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "(1, 28, 7)\n"
