"""What the stage decides; a real model forecasts in `tests/integration/test_orders.py`."""

import dataclasses
from pathlib import Path

import pytest
from publishing_files import write_model
from supply_world import CUTOFF, forecast_table, supply_config

from demandcast.components.publishing.push import ModelToPush, push_model
from demandcast.components.storage.files import LocalFiles
from demandcast.pipeline.stage_sections import sections_of
from demandcast.schema.errors import ContractError, ServingError
from demandcast.schema.model_series import MODEL_SERIES_FILE

pytestmark = pytest.mark.slow


@pytest.fixture
def node():
    """Imported when a test runs: collecting must not take the 16 s of TFX."""
    from demandcast.pipeline import forecaster_node

    return forecaster_node


@pytest.fixture
def config(tmp_path):
    return supply_config(tmp_path)


@pytest.fixture
def serving(config):
    return Path(config.push.serving_directory)


@pytest.fixture
def push(config, serving, tmp_path):
    """Puts a model into service that was made for a configuration."""
    import datetime

    def push(series=None):
        folder = tmp_path / "model"
        write_model(folder, "weights")
        file = folder / MODEL_SERIES_FILE
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text((series or config.series).model_dump_json())
        model = ModelToPush(str(folder), run_id="r1", metrics={})
        now = datetime.datetime(2026, 11, 20, tzinfo=datetime.UTC)
        return push_model(model, str(serving), files=LocalFiles(), now=now).pointer.version

    return push


@pytest.fixture
def run(node, config, tmp_path):
    from tfx.types import standard_artifacts

    def run(*, calibrate=0):
        forecasts = standard_artifacts.InferenceResult()
        forecasts.uri = str(tmp_path / "forecasts")
        properties = sections_of(config, "beam") | {
            "serving_directory": str(config.push.serving_directory),
            "calibrate": calibrate,
        }
        executor = node.BatchForecaster.EXECUTOR_SPEC.executor_class()
        executor.Do({}, {"forecasts": [forecasts]}, properties)
        return forecasts

    return run


@pytest.fixture
def model_answers(node, monkeypatch):
    """Stands for TensorFlow: writes the table, and knows one cutoff that the model has not seen."""
    from demandcast.pipeline.batch_forecast import ForecastSummary

    used = []

    def forecast_with(model, config, *, output, cutoff, formats):
        used.append(model)
        assert (cutoff, formats) == (None, ["parquet"])
        output.parent.mkdir(parents=True)
        forecast_table(config).write_parquet(output.with_name(f"{output.name}.parquet"))
        return ForecastSummary(2, 0, 0, 28, str(CUTOFF), model.version, (), 1.0)

    @dataclasses.dataclass
    class Unseen:
        cutoffs: tuple = (7, 14)

        @classmethod
        def look(cls, config, console, model):
            used.append(model)
            return cls()

        def forecast(self, config, console, *, model, folder):
            (folder / "origins").mkdir()
            (folder / "origins" / "2026-06-02.parquet").write_bytes(b"table")

    monkeypatch.setattr(node, "forecast_with", forecast_with)
    monkeypatch.setattr(node, "Unseen", Unseen)
    return used


def files_of(artifact):
    root = Path(artifact.uri)
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_the_model_in_service_forecasts(run, push, model_answers):
    version = push()
    forecasts = run()
    assert files_of(forecasts) == ["forecasts.parquet"]
    assert forecasts.get_int_custom_property("forecast") == 1
    assert forecasts.get_int_custom_property("series") == 2
    assert forecasts.get_int_custom_property("model_version") == version
    assert forecasts.get_string_custom_property("cutoff") == CUTOFF.isoformat()
    assert forecasts.get_int_custom_property("unseen_cutoffs") == 0
    assert [model.version for model in model_answers] == [version]


def test_what_the_model_got_wrong_goes_with_it_if_that_is_wanted(run, push, model_answers):
    push()
    forecasts = run(calibrate=1)
    assert files_of(forecasts) == ["forecasts.parquet", "origins/2026-06-02.parquet"]
    assert forecasts.get_int_custom_property("unseen_cutoffs") == 2
    assert len({model.digest for model in model_answers}) == 1


def test_without_a_model_in_service_nothing_is_forecast_and_the_run_goes_on(run, model_answers):
    forecasts = run()
    assert forecasts.get_int_custom_property("forecast") == 0
    assert forecasts.get_string_custom_property("finding") == "no model is in service"
    assert files_of(forecasts) == []
    assert model_answers == []


def test_a_model_of_another_configuration_forecasts_nothing(run, push, config, model_answers):
    """The new one, which would fit, was refused."""
    other = config.series.forecast.model_copy(update={"horizon": 7})
    push(config.series.model_copy(update={"forecast": other}))
    forecasts = run()
    assert forecasts.get_int_custom_property("forecast") == 0
    finding = forecasts.get_string_custom_property("finding")
    assert "forecast.horizon: the model has 7, asked is 14" in finding
    assert model_answers == []


def test_a_pointer_that_cannot_be_followed_fails_the_run(run, serving):
    serving.mkdir(parents=True)
    (serving / "in_service.json").write_text("{")
    with pytest.raises(ServingError, match="not a pointer"):
        run()


def test_nothing_half_written_stays_of_a_forecast_that_fails(
    run, push, node, monkeypatch, model_answers
):
    def fail(*args, **options):
        raise ContractError("future: prices are missing")

    push()
    monkeypatch.setattr(node.Unseen, "forecast", fail)
    with pytest.raises(ContractError, match="prices are missing"):
        run(calibrate=1)
    assert run(calibrate=0).get_int_custom_property("forecast") == 1


def test_the_node_takes_what_decides_about_the_model_for_its_cache_key_alone(node, config):
    from tfx.types import channel_utils, standard_artifacts

    def channel(kind):
        return channel_utils.as_channel([kind()])

    choice = node.ModelChoice(
        model=channel(standard_artifacts.Model),
        baseline_model=channel(standard_artifacts.Model),
        model_blessing=channel(standard_artifacts.ModelBlessing),
    )
    stage = node.BatchForecaster(
        config=config, choice=choice, fingerprint="f" * 64, code_digest="c" * 64
    )
    assert stage.id == "BatchForecaster"
    assert set(stage.inputs) == {"model", "baseline_model", "model_blessing"}
    assert stage.exec_properties["calibrate"] == 1
    assert stage.exec_properties["serving_directory"] == str(config.push.serving_directory)
    assert stage.outputs["forecasts"].type is standard_artifacts.InferenceResult
    assert set(node.BatchForecaster(config=config).inputs) == set()
