"""Transform's entry point: raw example in, transformed example out.

TFX calls `preprocessing_fn` by its dotted path, with the configuration in
`custom_config` (JSON texts under `series` and `features`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from demandcast.components.preprocessing.transformer import SeriesTransformer
from demandcast.schema.config import FeaturesConfig, SeriesSpec

__all__ = ["preprocessing_fn"]


def preprocessing_fn(inputs: Mapping[str, Any], custom_config: Mapping[str, str]) -> dict[str, Any]:
    """Transforms a batch of raw examples.

    Args:
        inputs: Tensors by the names of `demandcast.schema.series_example` and the user's columns.
        custom_config: JSON of `SeriesSpec` under `series`, of `FeaturesConfig` under `features`.

    Returns:
        Tensors by the names of `demandcast.schema.transformed_example`.
    """
    transformer = SeriesTransformer(
        series=SeriesSpec.model_validate_json(custom_config["series"]),
        features=FeaturesConfig.model_validate_json(custom_config["features"]),
    )
    return transformer.transform(inputs)
