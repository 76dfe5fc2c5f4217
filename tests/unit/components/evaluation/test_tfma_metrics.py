"""TFMA's numbers equal NumPy's: overall, by slice and by steps, two models, with masks."""

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
from demandcast.components.evaluation.resampling import series_groups
from demandcast.components.evaluation.tfma_statistics import Source, model_statistics
from demandcast.components.evaluation.verdict import LOSS_INCREASE
from demandcast.components.metrics.jackknife import INTERVAL_METRICS, estimate
from demandcast.components.metrics.point import scored_periods
from demandcast.components.metrics.statistics import (
    METRICS,
    Forecasts,
    example_statistics,
    metric_values,
)
from demandcast.components.metrics.steps import steps_metric_name
from demandcast.schema.config.gate import GateConfig

pytestmark = pytest.mark.slow

HORIZON = 6
RANGES = (None, (1, 2), (3, 6))
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
    gate = GateConfig(slices=("store",), step_ranges=RANGES[1:])
    config = make_eval_config(make_series(HORIZON), gate)
    # As TFX's executor does: it gives each metric the names of the models.
    return tfma.utils.update_eval_config_with_defaults(config, has_baseline=True)


def items_of(examples):
    """Two examples for each series, as with two cutoffs."""
    return np.array([f"item_{example // 2}".encode() for example in examples], dtype=object)


def extracts_of(eval_set, rows):
    """A batch as TFMA's extractors leave it."""
    columns = {name: values[rows] for name, values in vars(eval_set).items()}
    features = {name: columns[name] for name in FEATURES}
    for name in ("store", "demand_class"):
        features[name] = np.array([v.encode() for v in columns[name]], dtype=object)[:, None]
    for name in ("naive_scale", "naive_rms_scale"):
        features[name] = features[name][:, None]
    features["item"] = items_of(np.arange(60)[rows])[:, None]
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
    """Every metric of every range of steps, by name, as one plain evaluation."""
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
    return {
        steps_metric_name(name, steps): float(value)
        for steps in RANGES
        for name, value in metric_values(
            example_statistics(forecasts, LEVELS, steps=steps).sum(axis=0)
        ).items()
    }


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
            if item.HasField("confidence_interval"):
                bounds = item.confidence_interval
                metrics[f"{item.key.name} interval"] = (
                    bounds.lower_bound.double_value.value,
                    bounds.upper_bound.double_value.value,
                )
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
        for name in candidate:
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


@pytest.mark.parametrize(("extractors", "batch"), [(our_extractors, 7), (stock_extractors, 60)])
def test_intervals_leave_out_one_group_of_series_after_the_other(
    eval_set, config, extractors, batch, tmp_path
):
    batches = [extracts_of(eval_set, slice(start, start + batch)) for start in range(0, 60, batch)]
    results = run_tfma(config, extractors(config), batches, tmp_path)
    groups = series_groups([items_of(np.arange(60))], 60)
    for key, rows in slices_of(eval_set).items():
        present = np.unique(groups[rows])
        values = {
            model: [numpy_metrics(eval_set, rows & (groups != group), factor) for group in present]
            for model, factor in FACTORS.items()
        }
        for steps in RANGES:
            # A group whose examples have no period that counts is no group of these steps.
            examples = steps_metric_name("examples", steps)
            total = results[key, "candidate"][examples]
            counting = [part[examples] < total for part in values["candidate"]]
            loss = steps_metric_name("weighted_quantile_loss", steps)
            ours, theirs = (
                {
                    name: np.array([part[name] for part in parts])[counting]
                    for name in (loss, *(steps_metric_name(m, steps) for m in INTERVAL_METRICS))
                }
                for parts in (values["candidate"], values["baseline"])
            )
            for name in ours:
                for model, without in {
                    "candidate": ours[name],
                    "baseline": theirs[name],
                    "candidate diff": ours[name] - theirs[name],
                }.items():
                    np.testing.assert_allclose(
                        results[key, model].get(f"{name} interval", (np.nan, np.nan)),
                        estimate(results[key, model][name], without).interval(),
                        rtol=2e-3,  # TFMA takes the quantile from SciPy.
                        atol=1e-9,
                        err_msg=f"{name} of {key}, {model}",
                    )
            name = steps_metric_name(LOSS_INCREASE, steps)
            increase = results[key, "candidate"][loss] / results[key, "baseline"][loss] - 1
            assert results[key, "candidate diff"][name] == pytest.approx(increase)
            np.testing.assert_allclose(
                results[key, "candidate diff"][f"{name} interval"],
                estimate(increase, ours[loss] / theirs[loss] - 1).interval(),
                rtol=2e-3,
            )


def test_a_single_group_of_series_has_no_interval(eval_set, config, tmp_path):
    results = run_tfma(
        config, our_extractors(config), [extracts_of(eval_set, slice(0, 2))], tmp_path
    )
    assert not [name for name in results[(), "candidate"] if name.endswith(" interval")]
    assert results[(), "candidate"]["examples"] == 2


def test_every_metric_has_a_class_of_its_name():
    assert tfma_metrics.METRIC_CLASSES.keys() == METRICS.keys()
    for name, cls in tfma_metrics.METRIC_CLASSES.items():
        assert cls([0.5]).name == name
        assert cls([0.5], steps=[1, 7]).name == f"{name}_steps_1_7"
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
    assert len(computations) == 2 * len(METRICS) * len(FACTORS) + len(INTERVAL_METRICS)


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
        model_statistics(inputs, Source("", LEVELS))
