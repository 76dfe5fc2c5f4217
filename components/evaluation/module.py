"""What TFX's Evaluator calls: extractors that add up statistics before TFMA sees an example.

TFMA hands every example to every slice it belongs to, one Python object each. Here a batch is
scored at once and leaves one row per slice, so that TFMA adds a few hundred numbers instead:

    record batch -> features -> labels -> predictions -> rows per slice -> TFMA's evaluator
    [B examples]                          [B, H, Q]      [slices in batch, S]

A row comes with the sums of each group of series in it, from which intervals are computed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import apache_beam as beam
import numpy as np
import numpy.typing as npt
from tensorflow_model_analysis import constants, extractors
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.slicer import slicer_lib

from demandcast.components.evaluation.tfma_statistics import (
    STATISTICS_KEY,
    Source,
    example_groups,
    make_sources,
    model_statistics,
)
from demandcast.components.metrics.grouping import group_rows
from demandcast.components.metrics.jackknife import SeriesSums, sums_by_slice

__all__ = ["SlicedStatistics", "custom_extractors", "metric_sources"]

_INPUT_NAME = "examples"  # Of the signature `serving_examples`; no column may have this name.


def custom_extractors(
    eval_shared_model: Any, eval_config: config_pb2.EvalConfig, tensor_adapter_config: Any
) -> list[extractors.Extractor]:
    """Returns the extractors of an evaluation; TFX's Evaluator finds the function by its name.

    Args:
        eval_shared_model: The candidate, or candidate and baseline.
        eval_config: From `make_eval_config`.
        tensor_adapter_config: How the schema reads features; None without a schema.

    Returns:
        The last one stands where TFMA expects its own extractor of slice keys.
    """
    representations = tensor_adapter_config and tensor_adapter_config.tensor_representations
    return [
        extractors.FeaturesExtractor(
            eval_config=eval_config, tensor_representations=representations
        ),
        extractors.LabelsExtractor(eval_config=eval_config),
        extractors.Extractor(stage_name="NameModelInput", ptransform=beam.Map(_name_input)),
        extractors.PredictionsExtractor(
            eval_config=eval_config, eval_shared_model=eval_shared_model
        ),
        extractors.Extractor(
            stage_name=extractors.SLICE_KEY_EXTRACTOR_STAGE_NAME,
            ptransform=beam.ParDo(SlicedStatistics(eval_config)),
        ),
    ]


def _name_input(extracts: Mapping[str, Any]) -> dict[str, Any]:
    """Offers the serialized examples under the name of the signature's input.

    TFMA passes them by position otherwise, which a loaded signature refuses; before TFMA's
    second attempt TensorFlow words the refusal with every byte of the batch: a third of the
    time of an evaluation.
    """
    features = {**extracts[constants.FEATURES_KEY], _INPUT_NAME: extracts[constants.INPUT_KEY]}
    return {**extracts, constants.FEATURES_KEY: features}


class SlicedStatistics(beam.DoFn):
    """Turns a batch of extracts into one extract per slice that occurs in it."""

    def __init__(self, eval_config: config_pb2.EvalConfig) -> None:
        self._sources = metric_sources(eval_config)
        # Protos are not picklable on every runner; their two fields are.
        self._slices = [
            (tuple(spec.feature_keys), tuple(spec.feature_values.items()))
            for spec in eval_config.slicing_specs
        ] or [((), ())]

    def process(self, extracts: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Scores a batch and adds up its rows by slice."""
        rows = {source: model_statistics(extracts, source) for source in self._sources}
        size = len(next(iter(rows.values())))
        series = example_groups(extracts, self._sources[0].series_key, size)
        features = extracts[constants.FEATURES_KEY]
        for keys, values in self._slices:
            columns = {key: _values(features, key, size) for key in (*keys, *dict(values))}
            slices, members = group_rows(list(columns.values()), size)
            sums = {
                source: sums_by_slice(row, slices, series, count=len(members))
                for source, row in rows.items()
            }
            spec = slicer_lib.SingleSliceSpec(columns=keys, features=values)
            for index, member in enumerate(members):
                example = {name: column[member : member + 1] for name, column in columns.items()}
                for key in slicer_lib.get_slices_for_features_dicts([], example, [spec]):
                    yield _extract(key, {source: parts[index] for source, parts in sums.items()})


def metric_sources(eval_config: config_pb2.EvalConfig) -> list[Source]:
    """Finds in the configuration of the metrics which statistics they need, of which models.

    Raises:
        ValueError: No metric says its quantile levels.
    """
    names = [spec.name for spec in eval_config.model_specs]
    configs = [
        json.loads(metric.config or "{}")
        for spec in eval_config.metrics_specs
        for metric in spec.metrics
    ]
    sources = {
        source: None
        for config in configs
        if "quantile_levels" in config
        for source in make_sources(names if len(names) > 1 else [""], config)
    }
    if not sources:
        raise ValueError("no metric of the evaluation has quantile_levels in its config")
    return list(sources)


def _extract(slice_key: Any, sums: Mapping[Source, SeriesSums]) -> dict[str, Any]:
    """Makes the extract of one slice, as TFMA's evaluator reads it."""
    return {
        constants.SLICE_KEY_TYPES_KEY: slicer_lib.slice_keys_to_numpy_array([slice_key]),
        STATISTICS_KEY: dict(sums),
    }


def _values(features: Mapping[str, Any], name: str, size: int) -> npt.NDArray[Any]:
    """Takes the scalar feature by which a slice is cut. Shape [B]."""
    value = features.get(name)
    if not isinstance(value, np.ndarray) or value.size != size:
        found = "nothing" if value is None else f"{type(value).__name__} of {np.size(value)} values"
        raise ValueError(
            f"slice column {name!r}: got {found} for {size} examples; expected one value each"
        )
    return value.reshape(size)
