import json

import numpy as np
import pytest
import tensorflow as tf
from evaluation_models import LEVELS, make_eval_set, make_series, save_model, write_examples

from demandcast.components.evaluation import example_prediction
from demandcast.components.evaluation.example_forecasts import ExampleForecasts
from demandcast.components.evaluation.example_prediction import write_example_forecasts
from demandcast.schema.artifact_names import FORECAST_EXAMPLES_FILE
from demandcast.schema.model_series import MODEL_SERIES_FILE

pytestmark = pytest.mark.slow

HORIZON = 5


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    folder = tmp_path_factory.mktemp("examples")
    eval_set = make_eval_set(examples=40, horizon=HORIZON, stores=3)
    write_examples(eval_set, folder / "examples")
    return folder / "examples" / "Split-eval", eval_set


@pytest.fixture
def model(tmp_path):
    save_model(tmp_path / "model", horizon=HORIZON)
    folder = tmp_path / "model" / "Format-Serving"
    described = folder / MODEL_SERIES_FILE
    described.parent.mkdir(parents=True, exist_ok=True)
    described.write_text(make_series(HORIZON).model_dump_json())
    return folder


def test_the_file_holds_what_the_model_answers(split, model, tmp_path):
    directory, eval_set = split
    assert write_example_forecasts(str(directory), str(model), str(tmp_path))
    found = ExampleForecasts.model_validate_json((tmp_path / FORECAST_EXAMPLES_FILE).read_bytes())
    assert found.sampled == 40
    assert found.quantile_levels == LEVELS
    scored = (eval_set.future_observed_mask > 0) & (eval_set.future_in_stock_fraction > 0.999)
    assert found.periods == scored.sum()
    for drawn in found.examples:
        row = int(drawn.score.series["item"].removeprefix("item_"))
        np.testing.assert_allclose(drawn.quantiles, eval_set.quantiles[row], rtol=1e-4)
        assert drawn.score.demand_class == eval_set.demand_class[row]
        actual = [
            value if seen > 0 else None
            for value, seen in zip(
                eval_set.future_target[row], eval_set.future_observed_mask[row], strict=True
            )
        ]
        assert list(drawn.actual) == actual


def test_no_more_than_the_sample_is_forecast(split, model, tmp_path, monkeypatch):
    monkeypatch.setattr(example_prediction, "_SAMPLE", 7)
    monkeypatch.setattr(example_prediction, "_EXAMPLES_PER_CALL", 3)
    write_example_forecasts(str(split[0]), str(model), str(tmp_path))
    assert json.loads((tmp_path / FORECAST_EXAMPLES_FILE).read_text())["sampled"] == 7


def test_a_model_that_does_not_say_what_it_was_trained_on_is_left_alone(split, model, tmp_path):
    tf.io.gfile.remove(str(model / MODEL_SERIES_FILE))
    assert not write_example_forecasts(str(split[0]), str(model), str(tmp_path))
    assert not (tmp_path / FORECAST_EXAMPLES_FILE).exists()


def test_an_empty_split_is_an_answer(model, tmp_path):
    (tmp_path / "Split-eval").mkdir()
    assert write_example_forecasts(str(tmp_path / "Split-eval"), str(model), str(tmp_path))
    assert json.loads((tmp_path / FORECAST_EXAMPLES_FILE).read_text())["sampled"] == 0
