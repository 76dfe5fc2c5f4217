"""Shapes of what models answer, read off their SavedModels without loading them."""

from __future__ import annotations

from collections.abc import Mapping

from tensorflow.core.protobuf import saved_model_pb2
from tfx.dsl.io import fileio

from demandcast.schema.artifact_names import SAVED_MODEL_FILE
from demandcast.schema.config.series import SeriesSpec

__all__ = ["SIGNATURE", "Shapes", "agree", "asked_shapes", "shapes_of", "shapes_reason"]

SIGNATURE = "serving_examples"
"""Signature that takes serialized examples."""

Shapes = Mapping[str, list[int]]
"""Sizes by name of the output, without that of the batch; -1 where a size may vary."""


def shapes_of(folder: str) -> dict[str, list[int]]:
    """Reads the shapes that a model answers.

    Args:
        folder: Folder of its `saved_model.pb`.
    """
    saved_model = saved_model_pb2.SavedModel()
    with fileio.open(f"{folder}/{SAVED_MODEL_FILE}", "rb") as file:
        saved_model.ParseFromString(file.read())
    outputs = saved_model.meta_graphs[0].signature_def[SIGNATURE].outputs
    return {
        name: [dim.size for dim in outputs[name].tensor_shape.dim][1:] for name in sorted(outputs)
    }


def asked_shapes(series: SeriesSpec) -> dict[str, list[int]]:
    """Returns the shapes that a configuration asks for.

    >>> from demandcast.schema.config.data import CovariatesConfig
    >>> from demandcast.schema.config.forecast import ForecastConfig
    >>> none = CovariatesConfig()
    >>> forecast = ForecastConfig(context_length=14, horizon=7, quantile_levels=(0.1, 0.5, 0.9))
    >>> asked_shapes(
    ...     SeriesSpec(
    ...         series_key=("item",),
    ...         static=(),
    ...         known_future=none,
    ...         observed_past=none,
    ...         forecast=forecast,
    ...     )
    ... )
    {'mean': [7], 'quantiles': [7, 3]}
    """
    horizon, levels = series.forecast.horizon, len(series.forecast.quantile_levels)
    return {"mean": [horizon], "quantiles": [horizon, levels]}


def agree(one: Shapes, other: Shapes) -> bool:
    """Tells whether two models answer the same names and sizes; -1 agrees with any size."""
    return one.keys() == other.keys() and all(
        len(one[name]) == len(other[name])
        and all(a == b or -1 in (a, b) for a, b in zip(one[name], other[name], strict=True))
        for name in one
    )


def shapes_reason(asked: Shapes, answered: Shapes) -> str | None:
    """Words why a model's answers cannot be judged; None if they can.

    >>> shapes_reason({"mean": [7]}, {"mean": [7]})
    >>> shapes_reason({"mean": [7]}, {"mean": [5]})
    "it answers {'mean': [5]}, but {'mean': [7]} is asked for (steps of the horizon, levels)"
    """
    there = {name: answered[name] for name in asked if name in answered}
    if agree(asked, there):
        return None
    return (
        f"it answers {dict(answered)}, but {dict(asked)} is asked for "
        "(steps of the horizon, levels)"
    )
