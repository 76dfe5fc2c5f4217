"""TFMA's numbers equal NumPy's: overall and by slice, two models, with masks."""

import apache_beam as beam
import numpy as np
import pytest
import tensorflow_model_analysis as tfma
from apache_beam.options.pipeline_options import PipelineOptions
from evaluation_models import LEVELS, make_eval_set, make_series
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.slicer.slicer_lib import deserialize_slice_key

from demandcast.components.evaluation import tfma_metrics
from demandcast.components.evaluation.eval_config import make_eval_config
from demandcast.components.evaluation.module import SlicedStatistics
from demandcast.components.metrics.point import scored_periods
from demandcast.components.metrics.statistics import (
    METRICS,
    Forecasts,
    example_statistics,
    metric_values,
)
from demandcast.schema.config.gate import GateConfig

pytestmark = pytest.mark.slow

HORIZON = 6
FACTORS = {"candidate": 1.0, "baseline": 1.3}
FEATURES = (
    "future_observed_mask",
    "future_in_stock_fraction",
    "naive_scale",
    "naive_rms_scale",
    "naive_forecast",
)


@pytest.fixture(scope="module")
def eval_set():
    return make_eval_set(examples=60, horizon=HORIZON, stores=3)


@pytest.fixture(scope="module")
def config():
    config = make_eval_config(make_series(HORIZON), GateConfig(slices=("store",)))
    # As TFX's executor does: it gives each metric the names of the models.
    return tfma.utils.update_eval_config_with_defaults(config, has_baseline=True)


def extracts_of(eval_set, rows):
    """A batch as TFMA's extractors leave it."""
    columns = {name: values[rows] for name, values in vars(eval_set).items()}
    features = {name: columns[name] for name in FEATURES}
    for name in ("store", "demand_class"):
        features[name] = np.array([v.encode() for v in columns[name]], dtype=object)[:, None]
    for name in ("naive_scale", "naive_rms_scale"):
        features[name] = features[name][:, None]
    label = columns["future_target"]
    return {
        constants.FEATURES_KEY: features,
        constants.LABELS_KEY: dict.fromkeys(FACTORS, label),
        constants.PREDICTIONS_KEY: {
            name: {"quantiles": columns["quantiles"] * factor, "mean": columns["mean"] * factor}
            for name, factor in FACTORS.items()
        },
    }


def numpy_metrics(eval_set, rows, factor):
    columns = {name: values[rows] for name, values in vars(eval_set).items()}
    forecasts = Forecasts(
        actual=columns["future_target"],
        scored_mask=scored_periods(
            columns["future_observed_mask"], columns["future_in_stock_fraction"]
        ),
        quantiles=columns["quantiles"] * np.float32(factor),
        mean=columns["mean"] * np.float32(factor),
        naive_forecast=columns["naive_forecast"],
        naive_scale=columns["naive_scale"],
        naive_rms_scale=columns["naive_rms_scale"],
    )
    return metric_values(example_statistics(forecasts, LEVELS).sum(axis=0))


def run_tfma(config, extractors, batches, folder):
    """Runs extractors, TFMA's evaluator and its writers; metrics by slice and model."""
    options = PipelineOptions(["--direct_running_mode=in_memory"])
    evaluator = tfma.evaluators.MetricsPlotsAndValidationsEvaluator(eval_config=config)
    writers = tfma.default_writers(output_path=str(folder), eval_config=config)
    with beam.Pipeline(options=options) as pipeline:
        _ = (
            pipeline
            | beam.Create(batches, reshuffle=False)
            | tfma.ExtractAndEvaluate(extractors=extractors, evaluators=[evaluator])
            | tfma.WriteResults(writers=writers)
        )
    results = {}
    for record in tfma.load_metrics(str(folder)):
        key = deserialize_slice_key(record.slice_key)
        for item in record.metric_keys_and_values:
            model = f"{item.key.model_name}{' diff' if item.key.is_diff else ''}"
            metrics = results.setdefault((key, model), {})
            metrics[item.key.name] = item.value.double_value.value
    return results


def our_extractors(config):
    return [
        tfma.extractors.Extractor(
            stage_name=tfma.extractors.SLICE_KEY_EXTRACTOR_STAGE_NAME,
            ptransform=beam.ParDo(SlicedStatistics(config)),
        )
    ]


def stock_extractors(config):
    return [
        tfma.extractors.UnbatchExtractor(),
        tfma.extractors.SliceKeyExtractor(eval_config=config),
    ]


def slices_of(eval_set):
    """Every slice with its rows."""
    slices = {(): np.ones(len(eval_set.target), bool)}
    for column in ("store", "demand_class"):
        values = getattr(eval_set, column)
        slices |= {((column, value),): values == value for value in np.unique(values)}
    return slices


@pytest.mark.parametrize(
    ("extractors", "batch"),
    [(our_extractors, 60), (our_extractors, 7), (our_extractors, 1), (stock_extractors, 60)],
)
def test_tfma_equals_numpy(eval_set, config, extractors, batch, tmp_path):
    batches = [extracts_of(eval_set, slice(start, start + batch)) for start in range(0, 60, batch)]
    results = run_tfma(config, extractors(config), batches, tmp_path)
    slices = slices_of(eval_set)
    assert results.keys() == {
        (key, model) for key in slices for model in ("candidate", "baseline", "candidate diff")
    }
    for key, rows in slices.items():
        candidate = numpy_metrics(eval_set, rows, FACTORS["candidate"])
        baseline = numpy_metrics(eval_set, rows, FACTORS["baseline"])
        for name in METRICS:
            message = f"{name} of {key}"
            np.testing.assert_allclose(
                results[key, "candidate"][name], candidate[name], rtol=1e-9, err_msg=message
            )
            np.testing.assert_allclose(
                results[key, "baseline"][name], baseline[name], rtol=1e-9, err_msg=message
            )
            np.testing.assert_allclose(
                results[key, "candidate diff"][name],
                candidate[name] - baseline[name],
                rtol=1e-9,
                atol=1e-12,
                err_msg=message,
            )


def test_every_metric_has_a_class_of_its_name():
    assert tfma_metrics.METRIC_CLASSES.keys() == METRICS.keys()
    for name, cls in tfma_metrics.METRIC_CLASSES.items():
        assert cls([0.5]).name == name
        assert cls([0.5], name="other").name == "other"
        assert cls.__name__ in tfma_metrics.__all__


def test_metrics_share_one_sum_per_model():
    computations = [
        computation
        for cls in tfma_metrics.METRIC_CLASSES.values()
        for computation in cls(LEVELS).computations(model_names=list(FACTORS))
    ]
    sums = {c for c in computations if isinstance(c, metric_types.MetricComputation)}
    assert len(sums) == len(FACTORS)
    assert len(computations) == 2 * len(METRICS) * len(FACTORS)


@pytest.mark.parametrize(
    ("part", "name", "value", "message"),
    [
        ("features", "naive_scale", None, "feature 'naive_scale': got nothing"),
        ("features", "naive_forecast", "ragged", "feature 'naive_forecast': got str; expected a d"),
        ("predictions", "mean", None, "output 'mean': got nothing"),
        ("labels", None, None, "feature 'future_target': got nothing"),
    ],
)
def test_missing_input_is_named(eval_set, part, name, value, message):
    extracts = extracts_of(eval_set, slice(0, 3))
    inputs = {
        "features": extracts[constants.FEATURES_KEY],
        "labels": extracts[constants.LABELS_KEY]["candidate"],
        "predictions": extracts[constants.PREDICTIONS_KEY]["candidate"],
    }
    inputs[part] = {**inputs[part], name: value} if name else value
    with pytest.raises(ValueError, match=message):
        tfma_metrics.model_statistics(inputs, LEVELS, "")
