"""What a run on Kubeflow may change without a new compilation.

Each stage gets its part of the configuration as JSON, in parameters that TFX calls execution
properties. TFX can make a run-time parameter of a whole property only, and forgets its default
(`compiler_utils.build_parameter_type_spec` never sets one). So the finaliser adds an input of the
parameter's own to the tasks, and the entry point writes its value into the property. The value
is an input of the task, and with that part of its cache key.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from demandcast.schema.config import RunConfig

__all__ = ["PARAMETERS", "RunParameter", "parameters_of", "take_parameters"]

Kind = Literal["STRING", "NUMBER_INTEGER", "STRUCT"]


@dataclass(frozen=True)
class RunParameter:
    """A value that a run may give.

    Attributes:
        name: Name in the compiled pipeline.
        kind: Type, in the words of the pipeline's specification.
        description: What it does, for people.
        stages: Stages that take it.
        path: Where it goes: name of the property, then keys of the JSON in it, at any depth.
        default: Value from the configuration; None if it does not apply.
    """

    name: str
    kind: Kind
    description: str
    stages: tuple[str, ...]
    path: tuple[str, ...]
    default: Callable[[RunConfig], Any]


def _thresholds(config: RunConfig) -> dict[str, Any]:
    """The numbers of the gate; what is sliced, and what has no limit, stays as it was compiled."""
    return config.gate.model_dump(mode="json", include={"floors", "change"}, exclude_none=True)


PARAMETERS = (
    RunParameter(
        name="data_snapshot",
        kind="STRING",
        description="Snapshot of the data: what stands for {snapshot} in its paths.",
        stages=("SeriesExampleGen", "CostJudge", "BatchForecaster", "Replenisher"),
        path=("data", "snapshot"),
        default=lambda config: config.data.snapshot or None,
    ),
    RunParameter(
        name="training_epochs",
        kind="NUMBER_INTEGER",
        description="Passes over the training series at most.",
        stages=("Tuner", "Trainer"),
        path=("custom_config", "training", "epochs"),
        default=lambda config: config.training.epochs,
    ),
    RunParameter(
        name="gate_thresholds",
        kind="STRUCT",
        description="Sections floors and change of the gate; what is left out stays as compiled.",
        stages=("Evaluator",),
        path=("gate",),
        default=_thresholds,
    ),
    RunParameter(
        name="serving_directory",
        kind="STRING",
        description="Directory that the server watches: where a model goes, and the baseline is.",
        stages=("ModelInService", "Pusher", "SmokeTest", "BatchForecaster"),
        path=("serving_directory",),
        default=lambda config: str(config.push.serving_directory),
    ),
)
"""All of them, in the order in which people are shown them."""


def parameters_of(config: RunConfig) -> dict[RunParameter, Any]:
    """Returns the parameters that apply to a configuration, with their defaults."""
    defaults = {parameter: parameter.default(config) for parameter in PARAMETERS}
    return {parameter: value for parameter, value in defaults.items() if value is not None}


def take_parameters(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Writes the values of run-time parameters into the properties that they change.

    Args:
        properties: Inputs of a task by name, properties and run-time parameters.

    Returns:
        The properties alone, in the same order.

    >>> take_parameters({"data": '{"sales": "s", "snapshot": "1"}', "data_snapshot": "2"})
    {'data': '{"sales": "s", "snapshot": "2"}'}
    """
    result = dict(properties)
    for parameter in PARAMETERS:
        if parameter.path == (parameter.name,) or parameter.name not in result:
            continue  # It is the property itself.
        value = result.pop(parameter.name)
        if parameter.kind == "NUMBER_INTEGER":
            value = int(value)  # JSON of protobuf knows no whole numbers.
        name, *keys = parameter.path
        result[name] = _with(result[name], keys, value)
    return result


def _with(text: str, keys: list[str], value: Any) -> str:
    """Changes a value in JSON, where texts on the way are JSON themselves."""
    content = json.loads(text)
    if not keys:
        return json.dumps(_merged(content, value))
    key, *rest = keys
    content[key] = _with(content[key], rest, value) if rest else value
    return json.dumps(content)


def _merged(old: Any, new: Any) -> Any:
    """Puts the values of one mapping into another, at any depth."""
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return new
    return {**old, **{key: _merged(old.get(key), value) for key, value in new.items()}}
