"""What runs again after a change, and what does not.

Most of it is read off TFX's own cache keys; a few runs show that the keys do what they say. A
stage that runs again makes a new artifact, even if its bytes are those of the old one, and TFX
keys by artifact: what follows runs again as well.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from crash_checks import execution_states, look_at_serving, newest_report, statuses
from crash_world import BEFORE_PUSHER, STAGES

from demandcast.pipeline import fingerprint
from demandcast.schema.config import (
    ReplenishmentTableConfig,
    ReplenishmentTablesConfig,
    RunConfig,
    parse_config,
    resolve_paths,
)
from demandcast.schema.config.example import example_yaml
from demandcast.schema.config.features import OutlierConfig

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]

ALL = (*STAGES[:-1], "InfraValidator", "Pusher", "SmokeTest")
"""Stages of the example; the copy of `trained` runs without those that start a server."""

FOLLOWERS = {
    "SeriesExampleGen": {"StatisticsGen", "DataContinuity", "Transform"}
    | {"Evaluator", "InfraValidator", "Pusher"},
    "StatisticsGen": {"ExampleValidator"},
    "SchemaImport": {"ExampleValidator", "AnomalyGate"},
    "ExampleValidator": {"AnomalyGate"},
    "AnomalyGate": {"Transform", "Trainer", "Evaluator"},
    "Transform": {"Trainer"},
    "Trainer": {"Evaluator", "InfraValidator", "Pusher"},
    "ModelInService": {"DataContinuity", "Evaluator"},
    "DataContinuity": set(),
    "Evaluator": {"Pusher"},
    "InfraValidator": {"Pusher"},
    "Pusher": {"SmokeTest"},
    "SmokeTest": set(),
}
"""The stages that read what a stage writes."""


def from_there_on(first: set[str]) -> set[str]:
    """Stages, and all that follows from them."""
    found = set(first)
    for stage in ALL:
        if stage in found:
            found |= FOLLOWERS[stage]
    return found


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    return resolve_paths(parse_config(example_yaml()), tmp_path_factory.mktemp("example"))


@pytest.fixture(scope="module")
def keys(example):
    """Computes the cache keys of the example with changes of its configuration or surroundings."""
    from cache_keys import cache_keys

    from demandcast.pipeline import dag

    def compute(*, tables="digest", schema=None, pointer="none", supply="", **changes):
        config = example
        for name, change in changes.items():
            value = change
            if isinstance(change, dict):
                value = getattr(config, name).model_copy(update=change)
            config = config.model_copy(update={name: value})
        surroundings = dag.Surroundings(tables, schema, pointer, supply)
        return cache_keys(dag.make_pipeline(config, surroundings))

    return compute


@pytest.fixture(scope="module")
def unchanged(keys):
    """The keys of the example as it is."""
    return keys()


def changed(before, after):
    assert tuple(before) != ()
    return {name for name in before if before[name] != after[name]}


def test_the_same_is_the_same(keys, unchanged):
    assert set(unchanged) == set(ALL)
    assert changed(unchanged, keys()) == set()


SECTIONS = [
    ("name", "other", set(ALL)),
    ("workspace", "/other", set()),  # But metadata and artifacts are elsewhere: nothing is there.
    ("data", {"missing_period": "zero"}, {"SeriesExampleGen"}),
    ("forecast", {"horizon": 14}, {"SeriesExampleGen", "SchemaImport"}),
    ("forecast", {"context_length": 35}, {"Trainer"}),
    ("forecast", {"quantile_levels": (0.1, 0.5, 0.9)}, {"Trainer"}),
    ("sampling", {"eval_cutoffs": 2}, {"SeriesExampleGen"}),
    ("feature_schema", "/moved/elsewhere.pbtxt", set()),  # Its text counts: see below.
    ("features", {"lags": (28,)}, {"Transform"}),
    ("features", {"calendar": ()}, {"Trainer"}),
    ("features", {"outliers": OutlierConfig(target_scale_multiple=5)}, {"Trainer"}),
    ("network", {"units": 8}, {"Trainer"}),
    ("training", {"epochs": 3}, {"Trainer"}),
    ("gate", {"slices": ()}, {"Evaluator"}),
    ("push", {"serving_directory": "/other"}, {"ModelInService"}),
    ("push", {"model_name": "other"}, {"InfraValidator"}),
    ("serving", {"warmup": False}, {"InfraValidator"}),
    ("serving", {"address": "demand:8500"}, {"SmokeTest"}),
    ("continuity", {"max_series_loss": 0.5}, {"DataContinuity"}),
    ("retention", {"runs": 3}, set()),
    ("replenishment", {"budget": 5.0}, set()),  # Orders are not wanted: see below.
    ("beam", {"partitions": 3}, {"SeriesExampleGen"}),
    # TFX counts Beam's options for each stage that Beam runs.
    ("beam", {"args": ("--direct_num_workers=2",)}, {"SeriesExampleGen"}),
    ("kubeflow", {"cache": False}, set()),  # Of compiled pipelines alone.
]


@pytest.mark.parametrize(("section", "change", "first"), SECTIONS)
def test_a_changed_key_runs_again_from_the_stage_that_uses_it(
    keys, unchanged, section, change, first
):
    assert changed(unchanged, keys(**{section: change})) == from_there_on(first)


def test_every_section_of_the_configuration_is_in_the_table():
    assert {section for section, _, _ in SECTIONS} | {"tuning"} == set(RunConfig.model_fields)


def test_a_search_has_a_key_of_its_own_and_what_follows_is_the_training(keys, unchanged):
    before = keys(tuning={"enabled": True})
    after = keys(tuning={"enabled": True, "max_trials": 3})
    assert changed(before, after) == from_there_on({"Trainer"}) | {"Tuner"}
    assert set(before) - set(unchanged) == {"Tuner"}
    ran = {name for name in unchanged if unchanged[name] != before[name]}
    assert ran == from_there_on({"Trainer"})


ORDERS = {
    "enabled": True,
    "tables": ReplenishmentTablesConfig(
        inventory=ReplenishmentTableConfig(path="/stock.csv"),
        supply_terms=ReplenishmentTableConfig(path="/terms.csv"),
    ),
}


@pytest.mark.parametrize(
    ("change", "last"),
    [
        ({"supply": "other stock"}, {"Replenisher"}),
        ({"replenishment": ORDERS | {"budget": 5.0}}, {"Replenisher"}),
        ({"tables": "other sales"}, {"BatchForecaster", "Replenisher"}),
        ({"pointer": "another model"}, {"BatchForecaster", "Replenisher"}),
        ({"gate": {"slices": ()}}, {"BatchForecaster", "Replenisher"}),
        ({"training": {"epochs": 3}}, {"BatchForecaster", "Replenisher"}),
        ({"serving": {"address": "demand:8500"}}, set()),
        ({"retention": {"runs": 3}}, set()),
    ],
)
def test_orders_run_again_after_what_they_are_made_of(keys, unchanged, change, last):
    before = keys(replenishment=ORDERS)
    assert set(before) - set(unchanged) == {"BatchForecaster", "Replenisher"}
    after = keys(**({"replenishment": ORDERS} | change))
    assert changed(before, after) & {"BatchForecaster", "Replenisher"} == last


REVIEWED = """
feature { name: "category" type: BYTES domain: "categories" }
string_domain { name: "categories" value: "dairy" }
"""


@pytest.mark.parametrize(
    ("surrounding", "first"),
    [
        ({"tables": "other"}, "SeriesExampleGen"),
        ({"schema": REVIEWED}, "SchemaImport"),
        ({"pointer": "other"}, "ModelInService"),
    ],
)
def test_what_lies_behind_a_path_runs_again_from_the_stage_that_reads_it(
    keys, unchanged, surrounding, first
):
    assert changed(unchanged, keys(**surrounding)) == from_there_on({first})


@pytest.mark.parametrize(
    ("source", "first"),
    [
        ("components/examples/blocks.py", {"SeriesExampleGen"}),
        ("components/validation/anomalies.py", {"SchemaImport"}),
        ("components/preprocessing/history.py", {"Transform"}),
        ("components/forecasting/network.py", {"Trainer"}),
        ("components/metrics/point.py", {"Evaluator"}),
        ("components/evaluation/verdict.py", {"Evaluator"}),
        ("components/infrastructure/checking.py", {"InfraValidator"}),
        ("components/publishing/pointer.py", {"ModelInService"}),
        ("components/publishing/push.py", set()),
        ("pipeline/dag.py", set()),
        ("pipeline/cli/run.py", set()),
        ("serving/server.py", set()),
    ],
)
def test_an_edited_file_runs_again_from_the_stage_that_uses_it(
    keys, unchanged, monkeypatch, source, first
):
    read = Path.read_bytes
    edited = (ROOT / source).resolve()

    def read_edited(path):
        return read(path) + (b"\n# edited\n" if path.resolve() == edited else b"")

    monkeypatch.setattr(Path, "read_bytes", read_edited)
    assert changed(unchanged, keys()) == from_there_on(first)


def test_another_version_of_a_library_runs_everything_again(keys, unchanged, monkeypatch):
    monkeypatch.setattr(fingerprint, "_version", lambda library: "another")
    # StatisticsGen and ExampleValidator are TFX's own: they follow.
    assert changed(unchanged, keys()) == set(ALL)


@pytest.fixture(scope="module")
def again(crash_world):
    """A run of the copy of `trained` that has nothing left to do but to look and to push."""
    assert crash_world.run().code == 0  # Another serving directory: evaluated, and pushed.
    assert crash_world.run().code == 0  # The model in service is now the model itself.
    return crash_world


def test_the_same_once_more_is_cached_and_pushes_nothing(again):
    before = look_at_serving(again.serving)
    cached = execution_states(again.pipeline)["CACHED"]
    for table in Path(newest_report(again.pipeline)["config"]["data"]["sales"]).parent.iterdir():
        os.utime(table)  # Written anew with the same content: the same data.
    assert again.run().code == 0
    assert statuses(again.pipeline) == dict.fromkeys(BEFORE_PUSHER, "cached") | {"Pusher": "run"}
    assert execution_states(again.pipeline)["CACHED"] == cached + len(BEFORE_PUSHER)
    report = newest_report(again.pipeline)
    assert report["push"]["pushed"] == 0
    assert look_at_serving(again.serving) == before


def test_another_gate_judges_again_and_trains_nothing(again):
    before = look_at_serving(again.serving)
    assert again.run("gate.slices=[category]").code == 0
    ran = {name for name, status in statuses(again.pipeline).items() if status == "run"}
    assert ran == {"Evaluator", "Pusher"}
    assert look_at_serving(again.serving) == before
