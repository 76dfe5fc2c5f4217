"""The Evaluator on toy models: each way out of the gate, and what it leaves behind."""

import json
import logging
import shutil
from pathlib import Path

import pytest
from configurations import parse
from evaluation_models import (
    make_eval_set,
    make_series,
    save_model,
    write_examples,
    write_schema,
)
from tfx.dsl.components.base import base_beam_executor
from tfx.types import channel_utils, standard_artifacts
from tfx.utils import json_utils, path_utils

from demandcast.components.evaluation import component
from demandcast.components.evaluation.verdict import read_verdict
from demandcast.components.storage.model_digest import model_digest
from demandcast.components.storage.tfx_files import TfxFiles
from demandcast.schema.config.gate import ChangeConfig, FloorsConfig, GateConfig
from demandcast.schema.model_series import MODEL_SERIES_FILE
from demandcast.schema.model_training import MODEL_TRAINING_FILE

pytestmark = pytest.mark.slow

HORIZON = 7
GATE = GateConfig(slices=("store",), change=ChangeConfig(min_slice_examples=30))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Eval examples and toy models, made once."""
    folder = tmp_path_factory.mktemp("world")
    eval_set = make_eval_set(examples=400, horizon=HORIZON, stores=4)
    models = {
        "good": {"factor": 1.0},
        "a little worse": {"factor": 1.03},
        "worse": {"factor": 1.12},
        "useless": {"factor": 6.0},
        "worse where intermittent": {"in_class": {"intermittent": 3.0}},
        "not a number": {"factor": float("nan")},
    }
    return {
        "examples": write_examples(eval_set, folder / "examples"),
        "schema": write_schema(HORIZON, folder / "schema"),
        "intermittent": int((eval_set.demand_class == "intermittent").sum()),
        **{
            name: save_model(folder / name.replace(" ", "_"), horizon=HORIZON, **arguments)
            for name, arguments in models.items()
        },
    }


def evaluate(world, folder, *, model, in_service, gate=GATE):
    """Runs the executor; returns the verdict, the blessing artifact and the folder."""
    evaluation, blessing = standard_artifacts.ModelEvaluation(), standard_artifacts.ModelBlessing()
    evaluation.uri, blessing.uri = str(folder / "evaluation"), str(folder / "blessing")
    inputs = {
        "examples": [world["examples"]],
        "schema": [world["schema"]],
        "model": [world[model]],
        "baseline_model": [world[in_service] if isinstance(in_service, str) else in_service],
    }
    context = base_beam_executor.BaseBeamExecutor.Context(
        # Any packaging flag keeps TFX from packaging itself for remote workers.
        beam_pipeline_args=["--direct_running_mode=in_memory", "--sdk_container_image=unused"],
        tmp_dir=str(folder / "tmp"),
        unique_id="1",
    )
    component.Executor(context).Do(
        inputs,
        {"evaluation": [evaluation], "blessing": [blessing]},
        {
            "example_splits": json_utils.dumps(["eval"]),
            "module_path": "demandcast.components.evaluation.module",
            "gate": gate.model_dump_json(),
            "series": make_series(HORIZON).model_dump_json(),
            "code_digest": "1",
        },
    )
    return read_verdict(evaluation.uri), blessing


def absent_model():
    model = standard_artifacts.Model()
    model.set_int_custom_property("absent", 1)
    return model


def assert_blessed(blessing, expected):
    files = [path.name for path in Path(blessing.uri).iterdir()]
    assert files == ["BLESSED" if expected else "NOT_BLESSED"]
    assert blessing.get_int_custom_property("blessed") == int(expected)


def test_good_model_passes_without_a_model_in_service(world, tmp_path, caplog):
    caplog.set_level(logging.INFO, "demandcast")
    verdict, blessing = evaluate(world, tmp_path, model="good", in_service=absent_model())
    assert verdict.reasons == ()
    assert_blessed(blessing, True)
    assert verdict.comparison == "no model in service: only the floors were judged"
    assert verdict.overall.in_service == {}
    assert not blessing.has_custom_property("baseline_model")
    messages = [record.getMessage() for record in caplog.records if "demandcast" in record.name]
    assert len(messages) == 1
    assert messages[0].startswith("evaluation: blessed; weighted quantile loss 0.")


def test_the_same_model_again_passes(world, tmp_path):
    verdict, blessing = evaluate(world, tmp_path, model="good", in_service="good")
    assert verdict.reasons == ()
    assert_blessed(blessing, True)
    assert verdict.overall.candidate == verdict.overall.in_service
    assert {part.name for part in verdict.slices} >= {"overall", "store=store_0"}


def test_a_blessing_says_of_which_model_and_against_which(world, tmp_path):
    in_service = standard_artifacts.Model()
    in_service.uri = world["good"].uri
    in_service.set_string_custom_property("digest", "d1")
    _, blessing = evaluate(world, tmp_path, model="good", in_service=in_service)
    folder = path_utils.serving_model_path(world["good"].uri)
    digest = model_digest(folder, TfxFiles())
    assert blessing.get_string_custom_property("model_digest") == digest
    assert blessing.get_string_custom_property("baseline_digest") == "d1"


def test_a_model_of_another_horizon_is_refused_in_words(world, tmp_path):
    other = {**world, "short": save_model(tmp_path / "short", horizon=HORIZON - 2)}
    verdict, blessing = evaluate(other, tmp_path, model="short", in_service="good")
    assert_blessed(blessing, False)
    (reason,) = verdict.reasons
    assert reason.startswith("it answers {'mean': [5], 'quantiles': [5, 7]}, but {'mean': [7]")
    assert verdict.overall.candidate == {}


def judged_from_2024_05_31(world, folder):
    """The examples of the world, which say from when on models are judged."""
    shutil.copytree(world["examples"].uri, folder)
    cutoffs = {"eval": {"cutoffs": ["2024-06-07", "2024-05-31"]}}
    (folder / "summary.json").write_text(json.dumps({"splits": cutoffs}))
    examples = standard_artifacts.Examples()
    examples.uri, examples.split_names = str(folder), '["eval"]'
    return examples


def model_that_has_seen(model, until, folder):
    """A copy of a model which says until when it has seen the data."""
    shutil.copytree(model.uri, folder)
    training = folder / "Format-Serving" / MODEL_TRAINING_FILE
    training.parent.mkdir(exist_ok=True)
    training.write_text(json.dumps({"seen_until": until}))
    copy = standard_artifacts.Model()
    copy.uri = str(folder)
    return copy


@pytest.mark.parametrize(("seen_until", "blessed"), [("2024-05-31", True), ("2024-06-01", False)])
def test_a_model_that_has_seen_what_judges_it_is_refused(world, tmp_path, seen_until, blessed):
    changed = {
        **world,
        "good": model_that_has_seen(world["good"], seen_until, tmp_path / "model"),
        "examples": judged_from_2024_05_31(world, tmp_path / "examples"),
    }
    verdict, blessing = evaluate(changed, tmp_path, model="good", in_service=absent_model())
    assert_blessed(blessing, blessed)
    assert [reason[:37] for reason in verdict.reasons] == (
        [] if blessed else ["it has seen sales until 2024-06-01 in"]
    )


@pytest.mark.parametrize(("seen_until", "blessed"), [("2024-05-31", False), ("2024-06-01", True)])
def test_a_model_in_service_that_has_seen_what_judges_it_is_no_measure(
    world, tmp_path, seen_until, blessed
):
    """The new model is 12 % worse than it, which only counts where it knew no more."""
    changed = {**world, "examples": judged_from_2024_05_31(world, tmp_path / "examples")}
    in_service = model_that_has_seen(world["good"], seen_until, tmp_path / "in_service")
    verdict, blessing = evaluate(changed, tmp_path, model="worse", in_service=in_service)
    assert_blessed(blessing, blessed)
    assert verdict.comparison == (
        "the model in service is no measure (it has seen sales until 2024-06-01 in training, but "
        "is judged from cutoff 2024-05-31 on): only the floors were judged"
        if blessed
        else "compared with the model in service"
    )
    assert bool(verdict.overall.in_service) != blessed


def test_useless_model_fails_on_the_floors(world, tmp_path, caplog):
    caplog.set_level(logging.INFO, "demandcast")
    verdict, blessing = evaluate(world, tmp_path, model="useless", in_service=absent_model())
    assert_blessed(blessing, False)
    text = "\n".join(verdict.reasons)
    for part in (
        "coverage of the 80 %",
        "coverage of the 90 %",
        "weighted quantile",
        "WAPE",
        "bias",
    ):
        assert part in text
    overall = [reason for reason in verdict.reasons if "in slice" not in reason]
    assert len(overall) == 5
    assert caplog.text.count("not blessed because") == len(verdict.reasons)


def test_each_floor_can_be_moved(world, tmp_path):
    floors = FloorsConfig(
        weighted_quantile_loss_skill=-99,
        wape_skill=-99,
        coverage_tolerance=1,
        coverage_tolerance_per_slice=1,
        max_absolute_bias=1,
    )
    verdict, _ = evaluate(
        world,
        tmp_path,
        model="useless",
        in_service=absent_model(),
        gate=GateConfig(floors=floors),
    )
    assert [reason.split()[0] for reason in verdict.reasons] == ["bias"]


def test_model_that_answers_no_numbers_fails(world, tmp_path):
    verdict, blessing = evaluate(world, tmp_path, model="not a number", in_service=absent_model())
    assert_blessed(blessing, False)
    assert any("cannot be computed" in reason for reason in verdict.reasons)


def test_worse_model_fails_on_the_change_overall_and_by_slice(world, tmp_path):
    # In a slice of 100 examples, 12 % are not beyond doubt above the 10 % of the default.
    change = ChangeConfig(min_slice_examples=30, max_relative_loss_increase_per_slice=0.02)
    gate = GateConfig(slices=("store",), change=change)
    verdict, blessing = evaluate(world, tmp_path, model="worse", in_service="good", gate=gate)
    assert_blessed(blessing, False)
    assert "worse than the model in service" in verdict.reasons[0]
    assert "in slice" not in verdict.reasons[0]
    assert any("in slice store=store_0" in reason for reason in verdict.reasons)


def test_allowed_change_passes(world, tmp_path):
    gate = GateConfig(change=ChangeConfig(max_relative_loss_increase=0.1, min_slice_examples=30))
    verdict, _ = evaluate(world, tmp_path, model="a little worse", in_service="good", gate=gate)
    assert verdict.reasons == ()
    loss = "weighted_quantile_loss"
    assert verdict.overall.candidate[loss] > verdict.overall.in_service[loss]


LOOSE = {"max_relative_loss_increase": 0.8, "max_relative_loss_increase_per_slice": 0.2}


def test_intervals_and_paired_differences_are_in_the_verdict(world, tmp_path):
    gate = GateConfig(step_ranges=((1, 3), (4, 7)), slices=("store",))
    verdict, _ = evaluate(world, tmp_path, model="a little worse", in_service="good", gate=gate)
    for part in verdict.slices:
        assert part.groups > 1
        for name in ("wape", "weighted_quantile_loss_steps_4_7", "coverage_80_steps_1_3"):
            low, high = part.intervals[name]
            assert low <= part.candidate[name] <= high
    overall = verdict.overall
    increase = overall.difference["weighted_quantile_loss_increase"]
    loss = "weighted_quantile_loss"
    assert increase.value == pytest.approx(overall.candidate[loss] / overall.in_service[loss] - 1)
    assert increase.low < increase.value < increase.high
    paired = overall.difference[loss]
    low, high = overall.intervals[loss]
    # Models that answer nearly the same differ with far less noise than each of them has.
    assert paired.high - paired.low < (high - low) / 4


def test_what_was_lost_before_counts(world, tmp_path):
    in_service = standard_artifacts.Model()
    in_service.uri = world["good"].uri
    in_service.set_string_custom_property("carried", '{"increase": 0.2, "error": 0.0, "pushes": 4}')
    gate = GateConfig(change=ChangeConfig(max_relative_loss_increase=0.1, min_slice_examples=300))
    verdict, _ = evaluate(world, tmp_path, model="a little worse", in_service=in_service, gate=gate)
    assert verdict.carried.pushes == 5
    (reason,) = verdict.reasons
    assert "little by little over 5 models" in reason


def test_model_that_is_worse_in_one_slice_fails_on_it_alone(world, tmp_path):
    gate = GateConfig(change=ChangeConfig(min_slice_examples=world["intermittent"] // 2, **LOOSE))
    verdict, blessing = evaluate(
        world, tmp_path, model="worse where intermittent", in_service="good", gate=gate
    )
    assert_blessed(blessing, False)
    (reason,) = verdict.reasons
    assert reason.endswith(") in slice demand_class=intermittent")


def test_slice_below_the_least_size_is_reported_and_not_judged(world, tmp_path):
    gate = GateConfig(change=ChangeConfig(min_slice_examples=world["intermittent"] + 1, **LOOSE))
    verdict, blessing = evaluate(
        world, tmp_path, model="worse where intermittent", in_service="good", gate=gate
    )
    assert_blessed(blessing, True)
    assert "demand_class=intermittent" in {part.name for part in verdict.slices}


def test_model_in_service_of_another_horizon_is_not_compared(world, tmp_path, caplog):
    other = save_model(tmp_path / "other", horizon=HORIZON + 1)
    verdict, blessing = evaluate(world, tmp_path, model="good", in_service=other)
    assert_blessed(blessing, True)
    assert "only the floors were judged" in verdict.comparison
    assert "'mean': [8]" in verdict.comparison
    assert "only the floors were judged" in caplog.text


def test_model_in_service_of_other_levels_is_not_compared(world, tmp_path):
    """As many levels, so of the same shape: only what the models say of themselves tells."""
    series = make_series(HORIZON)
    levels = tuple(level / 2 + 0.25 for level in series.forecast.quantile_levels)
    forecast = series.forecast.model_copy(update={"quantile_levels": levels})
    candidate = save_model(tmp_path / "candidate", horizon=HORIZON, factor=1.0)
    other = save_model(tmp_path / "other", horizon=HORIZON, factor=0.99)
    for model, spec in (
        (candidate, series),
        (other, series.model_copy(update={"forecast": forecast})),
    ):
        path = Path(path_utils.serving_model_path(model.uri), MODEL_SERIES_FILE)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(spec.model_dump_json(), encoding="utf-8")
    known = {**world, "candidate": candidate}
    verdict, blessing = evaluate(known, tmp_path, model="candidate", in_service=other)
    assert_blessed(blessing, True)
    assert verdict.comparison.startswith("another kind of model is in service (forecast.quantile")
    assert verdict.overall.in_service == {}


def make_component(*, digest="1", **changes):
    channels = {
        name: channel_utils.as_channel([kind()])
        for name, kind in {
            "examples": standard_artifacts.Examples,
            "model": standard_artifacts.Model,
            "baseline_model": standard_artifacts.Model,
            "schema": standard_artifacts.Schema,
        }.items()
    }
    return component.Evaluator(**channels, config=parse(**changes), code_digest=digest)


def test_component_is_an_evaluator_with_the_usual_outputs():
    evaluator = make_component()
    assert evaluator.id == "Evaluator"
    assert evaluator.outputs["evaluation"].type is standard_artifacts.ModelEvaluation
    assert evaluator.outputs["blessing"].type is standard_artifacts.ModelBlessing


def test_parameters_change_with_code_gate_and_series():
    parameters = [
        make_component(**arguments).exec_properties
        for arguments in (
            {},
            {"digest": "2"},
            {"gate.floors.wape_skill": 0.1},
            {"gate.change.min_slice_examples": 5},
            {"forecast.quantile_levels": [0.1, 0.5, 0.9]},
        )
    ]
    texts = [str(sorted((key, str(value)) for key, value in p.items())) for p in parameters]
    assert len(set(texts)) == len(texts)
    assert json.loads(parameters[0]["gate"]) == GateConfig().model_dump(
        mode="json", exclude={"cost"}
    )
    assert parameters[0]["example_splits"] == '["eval"]'


def test_a_failure_to_forecast_examples_leaves_the_verdict(world, tmp_path, caplog, monkeypatch):
    def fail(*_):
        raise ValueError("no space")

    monkeypatch.setattr(component, "write_example_forecasts", fail)
    verdict, blessing = evaluate(world, tmp_path, model="good", in_service=absent_model())
    assert verdict.blessed
    assert_blessed(blessing, True)
    assert "evaluation: no example forecasts: no space" in caplog.text
