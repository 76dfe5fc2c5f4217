import polars as pl
import pytest
from fake_gcs import fake_gcs
from supply_world import CUTOFF, forecast_table, supply_config, write_supply

from demandcast.pipeline.stage_sections import sections_of
from demandcast.schema.errors import BadInputError, ContractError
from demandcast.schema.proposal_facts import ProposalFacts, check_proposal_terms
from demandcast.schema.proposal_table import check_proposal_table

pytestmark = pytest.mark.slow

FILES = [
    "proposal_projections.json",
    "proposal_summary.json",
    "proposal_terms.parquet",
    "proposals.csv",
    "proposals.html",
    "proposals.json",
    "proposals.parquet",
    "supplier_outliers.csv",
    "supplier_scorecard.csv",
]
KEY = ("store", "item")


@pytest.fixture
def node():
    """Imported when a test runs: collecting must not take the 16 s of TFX."""
    from demandcast.pipeline import replenisher_node

    return replenisher_node


@pytest.fixture
def config(tmp_path):
    write_supply(tmp_path)
    return supply_config(tmp_path)


@pytest.fixture
def run(node, config, tmp_path):
    from tfx.types import standard_artifacts

    def run(*, forecast=1, finding="", place=str(tmp_path), table=None):
        forecasts, proposals = (standard_artifacts.InferenceResult() for _ in range(2))
        forecasts.uri, proposals.uri = f"{place}/forecasts", f"{place}/proposals"
        forecasts.set_int_custom_property("forecast", forecast)
        forecasts.set_int_custom_property("model_version", 7)
        forecasts.set_string_custom_property("finding", finding)
        if forecast and "://" not in place:
            (tmp_path / "forecasts").mkdir(exist_ok=True)
            given = forecast_table(config) if table is None else table
            given.write_parquet(tmp_path / "forecasts" / "forecasts.parquet")
        executor = node.Replenisher.EXECUTOR_SPEC.executor_class()
        executor.Do(
            {"forecasts": [forecasts]},
            {"proposals": [proposals]},
            sections_of(config, "replenishment"),
        )
        return proposals

    return run


def test_orders_are_proposed_from_the_forecasts(run, tmp_path):
    proposals = run()
    folder = tmp_path / "proposals"
    assert sorted(path.name for path in folder.iterdir()) == FILES
    table = pl.read_parquet(folder / "proposals.parquet")
    check_proposal_table(table, KEY)
    check_proposal_terms(pl.read_parquet(folder / "proposal_terms.parquet"), KEY)
    # Nothing is in stock: what is asked for before an order arrives is lost, and the order has to
    # last until that of tomorrow arrives, for a day: 2 and 5 units.
    assert sorted(table["order_quantity"].to_list()) == [2.0, 5.0]
    facts = ProposalFacts.model_validate_json((folder / "proposals.json").read_bytes())
    assert (facts.cutoff, facts.model_version, facts.series_key) == (CUTOFF, 7, KEY)
    assert proposals.get_string_custom_property("proposal_id") == facts.proposal_id
    said = {name: proposals.get_int_custom_property(name) for name in ("orders", "lines")}
    assert said == {"orders": 2, "lines": 2}
    assert proposals.get_int_custom_property("proposed") == 1
    assert proposals.get_float_custom_property("order_value") == (2 + 5) * 3.0
    finding = proposals.get_string_custom_property("finding")
    assert finding == "2 worth 21.00; 2 wait for approval; 2 critical"


def test_without_forecasts_nothing_is_proposed_and_the_run_goes_on(run, tmp_path):
    proposals = run(forecast=0, finding="no model is in service")
    assert proposals.get_int_custom_property("proposed") == 0
    finding = "nothing is forecast: no model is in service"
    assert proposals.get_string_custom_property("finding") == finding
    assert not (tmp_path / "proposals").exists()


@pytest.mark.parametrize("name", ["inventory", "supply_terms", "suppliers"])
def test_a_table_that_is_missing_fails_the_stage_with_one_message(run, tmp_path, name):
    (tmp_path / f"{name}.csv").unlink()
    message = rf"^no orders are proposed: {name}: no file matches .*{name}\.csv"
    with pytest.raises(BadInputError, match=message) as raised:
        run()
    assert raised.value.exit_code == 2
    assert not (tmp_path / "proposals").exists()


def test_a_table_without_a_column_fails_the_stage(run, tmp_path):
    pl.DataFrame({"store": ["a"], "item": ["007"]}).write_csv(tmp_path / "inventory.csv")
    with pytest.raises(ContractError, match=r"^no orders are proposed: inventory: .*on_hand"):
        run()


def test_a_wrong_line_stops_itself_alone(run, tmp_path, caplog):
    stock = {"store": ["a", "b"], "item": ["007", "007"], "on_hand": [-1.0, 0.0]}
    pl.DataFrame(stock).write_csv(tmp_path / "inventory.csv")
    proposals = run()
    table = pl.read_parquet(tmp_path / "proposals" / "proposals.parquet")
    assert dict(table.select("store", "order_quantity").iter_rows()) == {"a": None, "b": 5.0}
    assert proposals.get_int_custom_property("orders") == 1
    assert "1 line without a proposal, first a/007" in caplog.text


def test_forecasts_that_break_their_contract_are_refused(run, config):
    table = forecast_table(config).with_columns(mean=pl.lit(-1.0, pl.Float32))
    with pytest.raises(ContractError, match="negative 'mean'"):
        run(table=table)


def test_artifacts_may_lie_in_a_bucket(run, config, tmp_path, monkeypatch):
    with fake_gcs() as gcs:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", gcs.url)
        forecast_table(config).write_parquet(tmp_path / "table.parquet")
        content = (tmp_path / "table.parquet").read_bytes()
        gcs.put("gs://bucket/forecasts/forecasts.parquet", content)
        proposals = run(place="gs://bucket")
        written = [path for path in gcs.paths() if "/proposals/" in path]
    assert written == [f"gs://bucket/proposals/{name}" for name in FILES]
    assert proposals.get_int_custom_property("orders") == 2


def test_the_facts_are_the_last_file_of_an_artifact(node, tmp_path, monkeypatch):
    order = []

    class Files(node.files_of("x").__class__):
        def copy(self, source, target):
            order.append(target.rpartition("/")[2])

    for name in (*FILES, "another.json", "z.html"):
        (tmp_path / name).write_text("")
    monkeypatch.setattr(node, "files_of", lambda uri: Files())
    node._hand_over(tmp_path, "gs://bucket/proposals")
    assert order[-1] == "proposals.json"
    assert sorted(order) == sorted([*FILES, "another.json", "z.html"])


def test_the_node_has_the_tables_of_supply_in_its_cache_key(node, config):
    from tfx.types import channel_utils, standard_artifacts

    channel = channel_utils.as_channel([standard_artifacts.InferenceResult()])
    stage = node.Replenisher(forecasts=channel, config=config, fingerprint="f", code_digest="c")
    assert stage.id == "Replenisher"
    assert set(stage.inputs) == {"forecasts"}
    assert (stage.exec_properties["supply"], stage.exec_properties["code_digest"]) == ("f", "c")
    assert stage.outputs["proposals"].type is standard_artifacts.InferenceResult
