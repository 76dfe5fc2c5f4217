"""What a stage is given of a configuration, and the configuration that it makes of it again.

The stages after the push use the code of the commands, which takes a whole `RunConfig`. They are
given the sections that they read, and no other: a change elsewhere leaves their results in the
cache.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from demandcast.schema.config import RunConfig

__all__ = ["config_of_sections", "sections_of"]

_ALWAYS = ("forecast", "sampling", "features")
"""Sections that agree with each other and with the data, which a configuration is checked for."""


def sections_of(config: RunConfig, *more: str) -> dict[str, str]:
    """Writes the sections for a stage as its properties.

    Args:
        config: The run; paths are absolute.
        more: Sections beside name, data, forecast, sampling and features.

    Returns:
        `data`, which a run on Kubeflow may change (`kubeflow.parameters`), and `config`.
    """
    names = {"name", *_ALWAYS, *more}
    return {
        "data": config.data.model_dump_json(),
        "config": json.dumps(config.model_dump(mode="json", include=names), sort_keys=True),
    }


def config_of_sections(
    properties: Mapping[str, Any], *, serving_directory: str | None = None
) -> RunConfig:
    """Makes a configuration of the properties of a stage; other sections have their defaults.

    Args:
        properties: From `sections_of`.
        serving_directory: Directory that the server watches, if the stage looks at it.
    """
    values = {
        "data": json.loads(properties["data"]),
        "push": {"serving_directory": serving_directory},
        **json.loads(properties["config"]),
    }
    return RunConfig.model_validate(values)
