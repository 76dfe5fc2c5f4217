"""Examples through a model: the trained one, and ones that do not fit."""

import datetime
import logging
from types import SimpleNamespace

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
import tensorflow as tf
from forecasting_world import HORIZON, raw_examples, request_of, serialize

from demandcast.components.inference import prediction
from demandcast.components.inference.prediction import Predictor
from demandcast.schema.errors import ContractError, ServingError
from demandcast.schema.forecast_table import check_forecast_table, quantile_columns

pytestmark = pytest.mark.slow

LEVELS = 5


def batch_of(examples):
    """Record batch as the examples component hands it over."""
    epoch = datetime.date(1970, 1, 1)
    columns = {
        "store": [example["store"].decode() for example in examples],
        "item": [example["item"].decode() for example in examples],
        "cutoff": [epoch + datetime.timedelta(days=example["cutoff"]) for example in examples],
        "example": [serialize(request_of(example)) for example in examples],
    }
    return pa.record_batch(
        [
            pa.array(columns["store"], pa.string()),
            pa.array(columns["item"], pa.string()),
            pa.array(columns["cutoff"], pa.date32()),
            pa.array(columns["example"], pa.binary()),
        ],
        names=list(columns),
    )


class FakeModel:
    """Answers with quantiles 1, 2, 3 ... and remembers how many examples each call had."""

    def __init__(self, *, horizon=HORIZON, levels=LEVELS, factor=1.0):
        self.calls = []
        self._shape, self._factor = (horizon, levels), factor
        self.signatures = {"serving_examples": self.answer}

    def answer(self, examples):
        count = len(examples.numpy())
        self.calls.append(count)
        horizon, levels = self._shape
        quantiles = np.broadcast_to(np.arange(1.0, levels + 1), (count, horizon, levels))
        return {
            "quantiles": tf.constant(self._factor * quantiles),
            "mean": tf.ones([count, horizon]),
        }


def forecast(predictor, *batches):
    return list(predictor.forecast(batches, example_column="example"))


def test_the_trained_model_fills_the_table(world):
    examples = raw_examples(12, seed=60)
    predictor = Predictor.load(world.model, world.series)
    (frame,) = forecast(predictor, batch_of(examples))
    check_forecast_table(frame, world.series)
    encoded = tf.constant([serialize(request_of(example)) for example in examples])
    answer = world.served.signatures["serving_examples"](examples=encoded)
    np.testing.assert_allclose(frame["mean"], answer["mean"].numpy().ravel(), rtol=1e-5)
    names = quantile_columns(world.series.forecast.quantile_levels)
    expected = answer["quantiles"].numpy().reshape(-1, LEVELS)
    np.testing.assert_allclose(frame[list(names)].to_numpy(), expected, rtol=1e-5, atol=1e-6)
    assert frame["item"].unique(maintain_order=True).to_list() == [f"i{n}" for n in range(12)]
    assert (frame["timestamp"] - frame["cutoff"]).dt.total_days().to_list() == [
        *range(1, HORIZON + 1)
    ] * 12


def test_large_batches_are_cut(world, monkeypatch):
    monkeypatch.setattr(prediction, "_EXAMPLES_PER_CALL", 3)
    model = FakeModel()
    examples = raw_examples(9, seed=61)
    batches = batch_of(examples[:7]), batch_of(examples[:0]), batch_of(examples[7:])
    frames = forecast(Predictor(world.series, model), *batches)
    assert model.calls == [3, 3, 1, 2]
    table = pl.concat(frames)
    check_forecast_table(table, world.series)
    expected = [example["item"].decode() for example in examples]
    assert table["item"].unique(maintain_order=True).to_list() == expected


def test_an_answer_of_any_size_is_asked_for_in_parts(world, monkeypatch):
    monkeypatch.setattr(prediction, "_EXAMPLES_PER_CALL", 3)
    model = FakeModel()
    examples = [serialize(request_of(example)) for example in raw_examples(7, seed=62)]
    quantiles, mean = Predictor(world.series, model).answer(examples)
    assert model.calls == [3, 3, 1]
    assert (quantiles.shape, mean.shape) == ((7, HORIZON, LEVELS), (7, HORIZON))
    assert (quantiles.dtype, mean.dtype) == (np.float32, np.float32)


def test_long_forecasts_say_how_far_they_are(world, monkeypatch, caplog):
    monkeypatch.setattr(prediction, "_SECONDS_BETWEEN_LINES", 0.0)
    with caplog.at_level(logging.INFO, logger="demandcast"):
        forecast(Predictor(world.series, FakeModel()), *[batch_of(raw_examples(4))] * 2)
    assert [record.getMessage() for record in caplog.records] == [
        "4 series forecast",
        "8 series forecast",
    ]


@pytest.mark.parametrize("wrong", [{"horizon": HORIZON + 1}, {"levels": LEVELS - 1}])
def test_a_model_for_another_configuration_is_refused(world, wrong):
    with pytest.raises(ServingError, match=rf"configuration asks for \(4, {HORIZON}, {LEVELS}\)"):
        forecast(Predictor(world.series, FakeModel(**wrong)), batch_of(raw_examples(4)))


@pytest.mark.parametrize("factor", [-1.0, np.nan, np.inf])
def test_a_forecast_that_breaks_the_contract_is_refused(world, factor):
    with pytest.raises(ContractError, match=r"q0\.05"):
        forecast(Predictor(world.series, FakeModel(factor=factor)), batch_of(raw_examples(4)))


def test_a_model_without_the_signature_is_refused(world, tmp_path):
    module = tf.Module()
    module.double = tf.function(
        lambda x: {"y": 2 * x}, input_signature=[tf.TensorSpec([None], tf.float32)]
    )
    tf.saved_model.save(module, str(tmp_path), signatures={"serving_default": module.double})
    with pytest.raises(ServingError, match=r"no signature 'serving_examples'.*serving_default"):
        Predictor.load(str(tmp_path), world.series)


def test_a_folder_without_a_model_is_refused(world, tmp_path):
    with pytest.raises(ServingError, match="cannot be loaded"):
        Predictor.load(str(tmp_path / "nothing"), world.series)


def test_nothing_to_forecast(world):
    assert forecast(Predictor(world.series, SimpleNamespace(signatures={}))) == []


def test_a_model_that_does_not_fit_is_refused_without_loading_it(world):
    Predictor.check_fit(world.model, world.series)
    forecast = world.series.forecast.model_copy(update={"quantile_levels": (0.1, 0.2, 0.5, 0.8)})
    other = world.series.model_copy(update={"forecast": forecast})
    with pytest.raises(ServingError, match="does not fit the configuration") as raised:
        Predictor.check_fit(world.model, other)
    assert "forecast.quantile_levels: the model has [0.05, 0.1, 0.5, 0.9, 0.95]" in str(
        raised.value
    )


def test_a_model_that_does_not_say_is_left_to_the_shapes(world, tmp_path):
    Predictor.check_fit(str(tmp_path), world.series)
