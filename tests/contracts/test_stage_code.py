"""Which sources belong to which stage: everything that it uses, and nothing else.

The oracle is the import graph of grimp, on which the import contracts rest as well.
"""

import ast
from pathlib import Path

import grimp
import pytest
from pure_modules import FOLDERS, ROOT

from demandcast.pipeline.fingerprint import STAGE_CODE, used_sources

DATA_SUFFIXES = {".pbtxt", ".yaml", ".json"}


@pytest.fixture(scope="module")
def graph():
    return grimp.build_graph(*(f"demandcast.{folder}" for folder in FOLDERS), cache_dir=None)


def modules_of(stage):
    return {name for name in used_sources(*STAGE_CODE[stage]) if "/" not in name}


def closure(graph, roots):
    """Modules that are imported, with the packages around each, which Python runs first."""
    found = set()
    waiting = set(roots)
    while waiting:
        found |= waiting
        reached = waiting | {name for one in waiting for name in graph.find_upstream_modules(one)}
        around = {
            ".".join(name.split(".")[:length])
            for name in reached
            for length in range(2, name.count(".") + 1)
        }
        waiting = (reached | around) - found
    return found


@pytest.mark.parametrize("stage", STAGE_CODE)
def test_a_stage_counts_what_it_imports_and_nothing_else(graph, stage):
    assert modules_of(stage) == closure(graph, STAGE_CODE[stage])


OF_THE_PIPELINE = {"CostJudge", "BatchForecaster", "Replenisher"}
"""Stages that need several folders of `components/`, and so stand in `pipeline/`."""


@pytest.mark.parametrize("stage", STAGE_CODE)
def test_no_stage_depends_on_the_wiring_or_the_server(stage):
    outer = {name for name in modules_of(stage) if name.split(".")[1] in {"pipeline", "serving"}}
    if stage not in OF_THE_PIPELINE:
        assert not outer
    wiring = {"dag", "order_stages", "training_run", "history", "cli", "kubeflow", "replenish"}
    assert not {name for name in outer if name.split(".")[2:3] in [[part] for part in wiring]}
    assert not {name for name in outer if name.split(".")[1] == "serving"}


def test_every_stage_of_the_pipeline_that_is_ours_has_its_code():
    """StatisticsGen and ExampleValidator are TFX's; Pusher and SmokeTest are never cached."""
    files = (ROOT / "pipeline" / name for name in ("dag.py", "order_stages.py"))
    named = {
        node.args[0].value
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "stage_digest"
    }
    assert named == set(STAGE_CODE)


@pytest.mark.parametrize(
    ("source", "stages"),
    [
        ("components/examples/blocks.py", {"SeriesExampleGen", "BatchForecaster"}),
        ("components/validation/continuity.py", {"DataContinuity"}),
        ("components/examples/latest.py", {"BatchForecaster"}),
        ("components/validation/anomalies.py", {"SchemaImport", "AnomalyGate"}),
        ("components/validation/infer.py", set()),  # Only `demandcast schema infer` does.
        ("schema/demand.pbtxt", {"SchemaImport", "AnomalyGate"}),
        ("components/preprocessing/history.py", {"Transform"}),
        ("components/forecasting/network.py", {"Tuner", "Trainer"}),
        ("components/forecasting/calendar.py", {"Tuner", "Trainer"}),
        ("components/forecasting/exporting.py", {"Trainer"}),
        ("components/tuning/oracle.py", {"Tuner"}),
        ("components/metrics/baselines.py", {"SeriesExampleGen", "BatchForecaster"}),
        ("components/metrics/point.py", {"Evaluator", "CostJudge", "BatchForecaster"}),
        ("components/evaluation/verdict.py", {"Evaluator"}),
        ("components/evaluation/tfma_metrics.py", {"Evaluator"}),
        ("components/infrastructure/checking.py", {"InfraValidator"}),
        ("components/publishing/pointer.py", {"ModelInService", "BatchForecaster"}),
        ("components/publishing/push.py", {"BatchForecaster"}),  # The Pusher runs each time.
        ("components/simulation/demand.py", set()),
        ("components/inference/prediction.py", {"CostJudge", "BatchForecaster"}),
        ("schema/transformed_example.py", {"Transform", "Trainer"}),
        ("schema/model_series.py", {"Trainer", "Evaluator", "CostJudge", "BatchForecaster"}),
        ("components/replenishment/model_cost.py", {"CostJudge"}),
        ("components/replenishment/proposing.py", {"Replenisher"}),
        ("components/reporting/page_orders.py", {"Replenisher"}),
        ("schema/proposal_table.py", {"CostJudge", "Replenisher"}),
        ("pipeline/batch_forecast.py", {"BatchForecaster"}),
        ("pipeline/unseen_origins.py", {"BatchForecaster"}),
        ("pipeline/supply_files.py", {"CostJudge", "Replenisher"}),
        ("pipeline/cost_verdict.py", {"CostJudge"}),
        ("pipeline/replenish.py", set()),
        ("pipeline/kept_orders.py", set()),
        ("pipeline/order_stages.py", set()),
        ("pipeline/dag.py", set()),
        ("pipeline/training_run.py", set()),
        ("serving/server/model_server.py", set()),
    ],
)
def test_an_edit_reaches_the_stages_that_use_the_file(source, stages):
    path = ROOT / source
    assert path.exists()
    using = {
        stage
        for stage in STAGE_CODE
        if path.resolve() in {used.resolve() for used in used_sources(*STAGE_CODE[stage]).values()}
    }
    # Configuration reads names of transformed features, and every stage reads configuration.
    everywhere = set(STAGE_CODE) - {"ModelInService"}
    assert using == (everywhere if source == "schema/transformed_example.py" else stages)


def test_every_data_file_is_named_by_a_module_of_its_folder():
    """A name put together at run time would leave the file out of the digests."""
    for folder in FOLDERS:
        for data in (ROOT / folder).rglob("*"):
            # Manifests are read by kubectl, and are in no package.
            if data.suffix in DATA_SUFFIXES and not {"__pycache__", "k8s"} & set(data.parts):
                assert data.name in texts_of(data.parent), data


def texts_of(folder: Path) -> set[str]:
    return {
        node.value
        for source in folder.glob("*.py")
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_no_module_of_ours_is_named_in_a_text_alone():
    """What is imported by its name in a text is invisible to the import graph."""
    allowed = {"demandcast.schema"}  # `importlib.resources`: the folder of demand.pbtxt.
    for folder in FOLDERS:
        if folder == "pipeline":
            continue  # It wires by dotted path what STAGE_CODE lists.
        for source in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(source.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    text = node.value
                    if text.startswith("demandcast.") and " " not in text:
                        assert text in allowed, f"{source}: {text}"


def test_transform_reads_no_feature_key_that_it_is_not_given():
    """`dag._features_of_transform` hands on the defaults of these, whatever the user set."""
    used = {
        node.attr
        for source in (ROOT / "components" / "preprocessing").glob("*.py")
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.Attribute)
    }
    assert "vocabulary" in used  # The rule below could otherwise not fail.
    assert not used & {"calendar", "target_scale_multiple"}
