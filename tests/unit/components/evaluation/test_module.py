"""The extractors that TFX's Evaluator finds: order, slices, complaints."""

import numpy as np
import pytest
import tensorflow_model_analysis as tfma
from evaluation_models import LEVELS, make_series
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.proto import config_pb2

from demandcast.components.evaluation import module
from demandcast.components.evaluation.eval_config import make_eval_config
from demandcast.components.evaluation.tfma_statistics import STATISTICS_KEY
from demandcast.schema.config.gate import GateConfig

pytestmark = pytest.mark.slow

HORIZON = 2


@pytest.fixture
def config():
    config = make_eval_config(make_series(HORIZON), GateConfig())
    del config.model_specs[1]  # The candidate alone.
    return config


def batch(classes):
    size = len(classes)
    ones = np.ones((size, HORIZON), np.float32)
    names = np.array([name.encode() for name in classes], dtype=object)[:, None]
    return {
        constants.FEATURES_KEY: {
            "future_observed_mask": ones,
            "future_in_stock_fraction": ones,
            "naive_forecast": ones,
            "naive_scale": ones[:, :1],
            "naive_rms_scale": ones[:, :1],
            "demand_class": names,
            "store": names,
            "item": np.array([f"item_{n}".encode() for n in range(size)], dtype=object)[:, None],
        },
        constants.LABELS_KEY: ones,
        constants.PREDICTIONS_KEY: {
            "quantiles": np.ones((size, HORIZON, len(LEVELS)), np.float32),
            "mean": ones,
        },
    }


def slices_of(config, classes):
    extracts = list(module.SlicedStatistics(config).process(batch(classes)))
    found = {}
    for extract in extracts:
        (sums,) = extract[STATISTICS_KEY].values()
        assert sums.by_group[:, 0].sum() == sums.total[0]  # The examples.
        found[extract[constants.SLICE_KEY_TYPES_KEY][0]] = sums.total[0]
    return found


def test_one_row_per_slice_counts_its_examples(config):
    assert slices_of(config, ["lumpy", "smooth", "lumpy"]) == {
        (): 3,
        (("demand_class", "lumpy"),): 2,
        (("demand_class", "smooth"),): 1,
    }


def test_slices_of_several_columns_and_of_given_values(config):
    config.slicing_specs.append(config_pb2.SlicingSpec(feature_keys=["store", "demand_class"]))
    config.slicing_specs.append(config_pb2.SlicingSpec(feature_values={"store": "lumpy"}))
    slices = slices_of(config, ["lumpy", "smooth", "lumpy"])
    assert slices[("demand_class", "smooth"), ("store", "smooth")] == 1
    assert slices[(("store", "lumpy"),)] == 2
    assert (("store", "smooth"),) not in slices


def test_unknown_slice_column_is_named(config):
    config.slicing_specs.append(config_pb2.SlicingSpec(feature_keys=["region"]))
    with pytest.raises(ValueError, match="slice column 'region': got nothing for 1 examples"):
        slices_of(config, ["smooth"])


def test_slice_column_needs_one_value_per_example(config):
    config.slicing_specs.append(config_pb2.SlicingSpec(feature_keys=["future_observed_mask"]))
    with pytest.raises(ValueError, match="got ndarray of 2 values for 1 examples"):
        slices_of(config, ["smooth"])


def test_levels_must_be_in_the_metrics(config):
    del config.metrics_specs[:]
    with pytest.raises(ValueError, match="quantile_levels"):
        module.SlicedStatistics(config)


def test_a_range_of_steps_is_a_source_of_its_own():
    gate = GateConfig(step_ranges=((1, 1), (1, 2)))
    sources = module.metric_sources(make_eval_config(make_series(HORIZON), gate))
    assert [(source.model_name, source.steps) for source in sources] == [
        (model, steps) for steps in (None, (1, 1), (1, 2)) for model in ("candidate", "baseline")
    ]
    assert {source.series_key for source in sources} == {("item",)}


def test_missing_column_of_the_series_key_is_named(config):
    extracts = batch(["smooth"])
    del extracts[constants.FEATURES_KEY]["item"]
    with pytest.raises(ValueError, match="feature 'item': got nothing"):
        list(module.SlicedStatistics(config).process(extracts))


def test_the_last_extractor_stands_where_tfma_cuts_slices(config):
    names = [extractor.stage_name for extractor in module.custom_extractors(None, config, None)]
    assert names[-1] == tfma.extractors.SLICE_KEY_EXTRACTOR_STAGE_NAME
    assert len(set(names)) == len(names)
