import json

import pytest

from demandcast.pipeline.fingerprint import code_digests
from demandcast.schema.config import (
    CostConfig,
    GateConfig,
    ReplenishmentConfig,
    ReplenishmentTableConfig,
    ReplenishmentTablesConfig,
    SpaceConfig,
    parse_config,
    resolve_paths,
)
from demandcast.schema.config.example import example_yaml
from demandcast.schema.config.features import OutlierConfig
from demandcast.schema.errors import ConfigurationError

pytestmark = pytest.mark.slow

WHOLE = [
    "SeriesExampleGen",
    "StatisticsGen",
    "SchemaImport",
    "ExampleValidator",
    "AnomalyGate",
    "ModelInService",
    "DataContinuity",
    "Transform",
    "Trainer",
    "Evaluator",
    "InfraValidator",
    "Pusher",
    "SmokeTest",
]


@pytest.fixture(scope="module")
def dag():
    """Imported when a test runs: collecting must not take the 16 s of TFX."""
    from demandcast.pipeline import dag

    return dag


@pytest.fixture
def make(dag, tmp_path):
    """Makes the pipeline of the example, with changes; returns its nodes by name."""

    def make(until="push", pointer="none", supply="", terms="", **sections):
        config = resolve_paths(parse_config(example_yaml()), tmp_path)
        for name, changes in sections.items():
            section = getattr(config, name)
            config = config.model_copy(update={name: section.model_copy(update=changes)})
        surroundings = dag.Surroundings("data", None, pointer, supply, terms)
        pipeline = dag.make_pipeline(config, surroundings, until=until)
        return pipeline, {component.id: component for component in pipeline.components}

    return make


def changed(before, after):
    """Names the nodes whose own parameters differ: those that a cache would run again first."""
    return {name for name in before if before[name].exec_properties != after[name].exec_properties}


@pytest.mark.parametrize(
    ("until", "count"), [("statistics", 2), ("gate", 7), ("training", 9), ("push", 13)]
)
def test_the_stages_up_to_each_end(make, until, count):
    _, nodes = make(until)
    assert set(nodes) == set(WHOLE[:count])


def test_a_run_that_ends_early_shares_name_and_root_with_the_whole(make):
    early, _ = make("gate")
    whole, _ = make("push")
    assert early.pipeline_info.pipeline_name == whole.pipeline_info.pipeline_name
    assert early.pipeline_info.pipeline_root == whole.pipeline_info.pipeline_root


@pytest.mark.parametrize("name", ["Transform", "Trainer", "Evaluator"])
def test_what_follows_the_gate_takes_its_schema_from_it(make, name):
    _, nodes = make()
    assert nodes[name].inputs["schema"].producer_component_id == "AnomalyGate"


def test_nothing_is_transformed_before_the_data_is_seen_to_go_on(make):
    """But a new model in service is no reason to transform and train again."""
    _, nodes = make()
    assert nodes["DataContinuity"] in nodes["Transform"].upstream_nodes
    producers = {c.producer_component_id for c in nodes["Transform"].inputs.values()}
    assert producers == {"SeriesExampleGen", "AnomalyGate"}


def test_the_pusher_waits_for_the_blessing(make):
    _, nodes = make()
    assert nodes["Pusher"].inputs["model_blessing"].producer_component_id == "Evaluator"
    assert nodes["Evaluator"].inputs["baseline_model"].producer_component_id == "ModelInService"


def test_the_pusher_pushes_what_a_server_was_seen_to_serve(make):
    _, nodes = make()
    assert nodes["Pusher"].inputs["infra_blessing"].producer_component_id == "InfraValidator"
    assert nodes["SmokeTest"].inputs["pushed_model"].producer_component_id == "Pusher"
    # Not of the gate: another model in service is no reason to try this one again.
    producers = {c.producer_component_id for c in nodes["InfraValidator"].inputs.values()}
    assert producers == {"SeriesExampleGen", "Trainer"}


@pytest.mark.parametrize(
    ("switch", "missing"),
    [("infra_validation", "InfraValidator"), ("smoke_test", "SmokeTest")],
)
def test_a_switch_leaves_its_stage_out(make, switch, missing):
    _, nodes = make(serving={switch: False})
    assert set(WHOLE) - set(nodes) == {missing}
    assert ("infra_blessing" in nodes["Pusher"].inputs) == (missing != "InfraValidator")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"training": {"epochs": 3}}, {"Trainer"}),
        ({"network": {"units": 8}}, {"Trainer"}),
        ({"features": {"lags": (28,)}}, {"Transform", "Trainer"}),
        ({"features": {"calendar": ()}}, {"Trainer"}),
        ({"features": {"outliers": OutlierConfig(target_scale_multiple=5)}}, {"Trainer"}),
        ({"features": {"outliers": OutlierConfig(method="none")}}, {"Transform", "Trainer"}),
        ({"forecast": {"context_length": 35}}, {"Trainer"}),
        ({"forecast": {"quantile_levels": (0.1, 0.5)}}, {"Trainer", "Evaluator", "InfraValidator"}),
        ({"gate": {"slices": ()}}, {"Evaluator"}),
        ({"sampling": {"eval_cutoffs": 2}}, {"SeriesExampleGen"}),
        ({"data": {"missing_period": "zero"}}, {"SeriesExampleGen"}),
        ({"push": {"serving_directory": "/other"}}, {"ModelInService", "Pusher", "SmokeTest"}),
        ({"continuity": {"max_series_loss": 0.5}}, {"DataContinuity"}),
        ({"push": {"model_name": "other"}}, {"InfraValidator", "SmokeTest"}),
        ({"serving": {"warmup": False}}, {"InfraValidator", "SmokeTest"}),
        ({"serving": {"address": "demand:8500"}}, {"SmokeTest"}),
        ({"pointer": "another"}, {"ModelInService"}),
    ],
)
def test_a_change_reaches_the_stages_that_use_it_and_no_others(make, change, expected):
    _, before = make()
    _, after = make(**change)
    assert changed(before, after) == expected


TUNED = {"tuning": {"enabled": True}}


COSTED = {"gate": {"cost": CostConfig(enabled=True)}}


def test_a_switch_puts_the_comparison_of_costs_before_the_push(make):
    _, nodes = make(**COSTED)
    assert set(nodes) == {*WHOLE, "CostJudge"}
    assert nodes["Pusher"].inputs["cost_blessing"].producer_component_id == "CostJudge"
    inputs = nodes["CostJudge"].inputs
    producers = {name: channel.producer_component_id for name, channel in inputs.items()}
    assert producers == {
        "examples": "SeriesExampleGen",
        "model": "Trainer",
        "model_in_service": "ModelInService",
    }
    assert "cost_blessing" not in make()[1]["Pusher"].inputs


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"gate": {"cost": CostConfig(enabled=True, max_cost_increase=0.5)}}, {"CostJudge"}),
        (COSTED | {"replenishment": {"paths": 300}}, {"CostJudge"}),
        (COSTED | {"terms": "other files"}, {"CostJudge"}),
        (COSTED | {"training": {"epochs": 3}}, {"Trainer"}),
        ({"gate": {"cost": CostConfig(enabled=True), "slices": ()}}, {"Evaluator"}),
    ],
)
def test_a_change_of_what_stock_costs_reaches_that_stage_alone(make, change, expected):
    _, before = make(**COSTED)
    _, after = make(**change)
    assert changed(before, after) == expected


def test_without_the_switch_what_stock_costs_changes_nothing(make):
    _, before = make()
    _, after = make(gate={"cost": CostConfig(holding_cost=7.0)}, terms="other files")
    assert changed(before, after) == set()


def test_the_tables_of_supply_are_looked_at_only_where_they_are_used(dag, tmp_path):
    terms = tmp_path / "terms.csv"
    terms.write_text("item,supplier,unit_cost\na,s,1\n")
    config = resolve_paths(parse_config(example_yaml()), tmp_path)
    config = config.model_copy(update={"replenishment": ReplenishmentConfig()})
    tables = ReplenishmentTablesConfig(supply_terms={"path": str(terms)})
    supplied = config.model_copy(update={"replenishment": ReplenishmentConfig(tables=tables)})
    costed = supplied.model_copy(update={"gate": GateConfig(cost=CostConfig(enabled=True))})
    assert dag._terms_of(supplied) == ""
    before = dag._terms_of(costed)
    assert len(before) == 64
    terms.write_text("item,supplier,unit_cost\na,s,2\n")
    assert dag._terms_of(costed) != before
    unsupplied = config.model_copy(update={"gate": costed.gate})
    assert dag._terms_of(unsupplied) == ""


def test_without_a_search_there_is_no_tuner(make):
    _, nodes = make()
    assert "Tuner" not in nodes
    assert "hyperparameters" not in nodes["Trainer"].inputs


def test_the_tuner_stands_before_the_trainer_and_feeds_it(make):
    _, nodes = make(**TUNED)
    assert set(nodes) == {*WHOLE, "Tuner"}
    assert nodes["Trainer"].inputs["hyperparameters"].producer_component_id == "Tuner"
    assert nodes["Tuner"].inputs["examples"].producer_component_id == "Transform"
    assert nodes["Tuner"].inputs["schema"].producer_component_id == "AnomalyGate"
    assert "Tuner" in make("training", **TUNED)[1]


def test_a_trial_and_the_trainer_get_the_same_configuration(make):
    _, nodes = make(**TUNED)
    tuner, trainer = (
        json.loads(nodes[name].exec_properties["custom_config"]) for name in ("Tuner", "Trainer")
    )
    digests = {tuner.pop("code_digest"), trainer.pop("code_digest")}
    assert len(digests) == 2
    assert tuner.items() > trainer.items()
    assert tuner["directory"].endswith("/tuning")
    for key in ("train_args", "eval_args"):
        assert nodes["Tuner"].exec_properties[key] == nodes["Trainer"].exec_properties[key]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"tuning": {"enabled": True, "max_trials": 3}}, {"Tuner"}),
        ({"tuning": {"enabled": True, "seed": 3}}, {"Tuner"}),
        ({"tuning": {"enabled": True, "space": SpaceConfig(network={})}}, {"Tuner"}),
        (TUNED | {"network": {"units": 8}}, {"Tuner", "Trainer"}),
        (TUNED | {"gate": {"slices": ()}}, {"Evaluator"}),
    ],
)
def test_a_change_of_the_search_reaches_the_tuner(make, change, expected):
    _, before = make(**TUNED)
    _, after = make(**change)
    assert changed(before, after) == expected


ORDERS = {
    "replenishment": {
        "enabled": True,
        "tables": ReplenishmentTablesConfig(
            inventory=ReplenishmentTableConfig(path="/stock.csv"),
            supply_terms=ReplenishmentTableConfig(path="/terms.csv"),
        ),
    }
}


def test_orders_come_last_if_they_are_wanted(make):
    _, nodes = make(**ORDERS)
    assert list(nodes)[-4:] == ["Pusher", "SmokeTest", "BatchForecaster", "Replenisher"]
    assert set(nodes) == {*WHOLE, "BatchForecaster", "Replenisher"}
    assert nodes["Replenisher"].inputs["forecasts"].producer_component_id == "BatchForecaster"
    for until in ("statistics", "gate", "training"):
        assert not {"BatchForecaster", "Replenisher"} & set(make(until, **ORDERS)[1])


@pytest.mark.parametrize("smoke_test", [True, False])
def test_whatever_is_in_service_after_the_push_forecasts(make, smoke_test):
    """The order is no part of a cache key, or a Pusher that runs each time would end the cache."""
    _, nodes = make(**ORDERS, serving={"smoke_test": smoke_test})
    forecaster = nodes["BatchForecaster"]
    before = {node.id for node in forecaster.upstream_nodes}
    assert {"Pusher", "SmokeTest"} & before == {"Pusher", *["SmokeTest"][: int(smoke_test)]}
    assert {channel.producer_component_id for channel in forecaster.inputs.values()} == {
        *("Trainer", "ModelInService", "Evaluator", "InfraValidator")
    }


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"supply": "other stock"}, {"Replenisher"}),
        ({"replenishment": ORDERS["replenishment"] | {"budget": 5.0}}, {"Replenisher"}),
        (
            {"replenishment": ORDERS["replenishment"] | {"calibrate": False}},
            {"BatchForecaster", "Replenisher"},
        ),
        ({"training": {"epochs": 3}}, {"Trainer"}),
        ({"gate": {"slices": ()}}, {"Evaluator"}),
        ({"pointer": "another"}, {"ModelInService"}),
        ({"retention": {"runs": 3}}, set()),
        (
            {"push": {"serving_directory": "/other"}},
            {"ModelInService", "Pusher", "SmokeTest", "BatchForecaster"},
        ),
        (
            {"data": {"missing_period": "zero"}},
            {"SeriesExampleGen", "BatchForecaster", "Replenisher"},
        ),
    ],
)
def test_a_change_of_stock_or_terms_proposes_anew_and_forecasts_nothing(make, change, expected):
    _, before = make(**ORDERS)
    _, after = make(**(ORDERS | change))
    assert changed(before, after) == expected


def test_an_edit_of_the_search_leaves_the_trainer_alone(make):
    _, nodes = make()
    _, tuned = make(**TUNED)
    assert nodes["Trainer"].exec_properties == tuned["Trainer"].exec_properties


def test_code_digests_reach_every_stage_of_ours(make):
    _, nodes = make()
    for name in ("SeriesExampleGen", "SchemaImport", "AnomalyGate", "Evaluator"):
        assert len(nodes[name].exec_properties["code_digest"]) == 64
    for name in ("Transform", "Trainer"):
        custom = json.loads(nodes[name].exec_properties["custom_config"])
        assert len(custom["code_digest"]) == 64


def test_a_run_names_the_digests_that_its_cache_uses(make):
    _, nodes = make()
    used = {
        nodes[name].exec_properties["code_digest"] for name in ("SeriesExampleGen", "Evaluator")
    }
    used.add(json.loads(nodes["Trainer"].exec_properties["custom_config"])["code_digest"])
    assert len(used) == 3
    assert used <= set(code_digests().values())


def test_user_code_is_named_by_dotted_path(make):
    _, nodes = make()
    assert not nodes["Transform"].exec_properties["module_file"]
    assert not nodes["Trainer"].exec_properties["module_file"]


def test_surroundings_are_read_from_the_paths(dag, tmp_path):
    config = resolve_paths(parse_config(example_yaml()), tmp_path)
    config = config.model_copy(update={"feature_schema": str(tmp_path / "none.pbtxt")})
    with pytest.raises(ConfigurationError, match=r"feature_schema: .*none\.pbtxt cannot be read"):
        dag._read_schema(config.feature_schema)


def test_what_is_forecast_after_the_push_depends_on_the_cost_of_stock(make):
    """A model that is refused for it does not forecast; a cached forecast would not know."""
    _, nodes = make(**ORDERS, **COSTED)
    blessing = nodes["BatchForecaster"].inputs["cost_blessing"]
    assert blessing.producer_component_id == "CostJudge"
    assert "cost_blessing" not in make(**ORDERS)[1]["BatchForecaster"].inputs
