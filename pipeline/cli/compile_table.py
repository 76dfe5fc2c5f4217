"""The tables of `demandcast compile --explain`: what a run may change, what each stage gets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from demandcast.pipeline.cli.results import table_text
from demandcast.pipeline.kubeflow.caching import never_cached
from demandcast.pipeline.kubeflow.parameters import RunParameter, parameters_of
from demandcast.schema.config import RunConfig, StageConfig

__all__ = ["explain_pipeline", "stage_rows"]


def explain_pipeline(config: RunConfig, stages: Sequence[str]) -> str:
    """Writes the explanation for people.

    Args:
        config: The compiled configuration.
        stages: Stages of the pipeline.
    """
    parameters = [
        row
        for parameter, value in parameters_of(config).items()
        for row in _parameter_rows(parameter, value)
    ]
    uncached = {name: why for name, why in never_cached(config).items() if name in stages}
    return "\n".join(
        [
            table_text(["parameter of a run", "default", "what it does"], parameters, left=3),
            "",
            table_text(
                ["stage", "image", "cpu", "memory", "GPU", "retries", "time-out", "cached"],
                stage_rows(config, stages),
                left=2,
            ),
            "",
            *(f"{name} runs each time: {why}." for name, why in uncached.items()),
            f"Artifacts lie in {config.kubeflow.pipeline_root}. Everything else is as the "
            "configuration says; 'demandcast config --config FILE' prints it.",
        ]
    )


def stage_rows(config: RunConfig, stages: Sequence[str]) -> list[list[str]]:
    """Lays out what each stage gets."""
    uncached = never_cached(config)
    return [
        [
            name,
            _short(config.kubeflow.image_of(name)),
            *_resources(config.kubeflow.stage(name)),
            "yes" if config.kubeflow.cache and name not in uncached else "no",
        ]
        for name in stages
    ]


def _resources(stage: StageConfig) -> list[str]:
    timeout = "-" if stage.timeout_minutes is None else f"{stage.timeout_minutes} min"
    memory = f"{stage.memory_gib:g} GiB"
    return [f"{stage.cpu:g}", memory, str(stage.gpus or "-"), str(stage.retries), timeout]


def _short(image: str | None) -> str:
    """Writes an image with the beginning of its digest.

    >>> _short("registry.example/demandcast@sha256:0123456789abcdef")
    'demandcast@0123456789ab'
    """
    name, _, digest = (image or "-").rpartition("/")[2].partition("@sha256:")
    return f"{name}@{digest[:12]}" if digest else name


def _parameter_rows(parameter: RunParameter, value: Any) -> Iterator[list[str]]:
    """Yields a line for each value; of a structure, one below the other."""
    lines = list(_values(value))
    yield [parameter.name, lines[0], parameter.description]
    yield from (["", line, ""] for line in lines[1:])


def _values(value: Any, prefix: str = "") -> Iterator[str]:
    """Writes a value, or those of a structure with their paths.

    >>> list(_values({"floors": {"wape_skill": 0.0}}))
    ['floors.wape_skill: 0.0']
    """
    if not isinstance(value, Mapping):
        yield f"{prefix}: {value}" if prefix else str(value)
        return
    for key, inner in value.items():
        yield from _values(inner, f"{prefix}.{key}" if prefix else key)
