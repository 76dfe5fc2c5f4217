"""Tiny TFX components for tests of the runner. Importing this imports TFX: 16 s."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import ClassVar

from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.dsl.io import fileio
from tfx.orchestration import metadata
from tfx.orchestration import pipeline as tfx_pipeline
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from demandcast.schema.errors import AnomalyError

_LOG = logging.getLogger("demandcast.fakes")


class _SourceExecutor(base_executor.BaseExecutor):
    def Do(self, input_dict, output_dict, exec_properties):  # noqa: N802
        (out,) = output_dict["examples"]
        fileio.makedirs(out.uri)
        Path(out.uri, "text").write_text(exec_properties["text"])
        out.set_string_custom_property("text", exec_properties["text"])
        _LOG.info("wrote %d characters", len(exec_properties["text"]))
        sys.stdout.write("a library prints this\n")
        sys.stderr.write("a library complains\n")
        logging.getLogger("tensorflow.fake").warning("a library logs this")


class _SourceSpec(ComponentSpec):
    PARAMETERS: ClassVar = {"text": ExecutionParameter(type=str)}
    INPUTS: ClassVar = {}
    OUTPUTS: ClassVar = {"examples": ChannelParameter(type=standard_artifacts.Examples)}


class Source(base_component.BaseComponent):
    SPEC_CLASS = _SourceSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(_SourceExecutor)

    def __init__(self, text: str):
        channel = types.Channel(type=standard_artifacts.Examples)
        super().__init__(_SourceSpec(text=text, examples=channel))


class _GateExecutor(base_executor.BaseExecutor):
    def Do(self, input_dict, output_dict, exec_properties):  # noqa: N802
        (examples,) = input_dict["examples"]
        text = Path(examples.uri, "text").read_text()
        if text == "anomaly":
            raise AnomalyError("column 'target': 3 values below 0")
        if text == "bug":
            raise ZeroDivisionError("a bug")
        if text == "grow":
            bytearray(b"x" * 300_000_000)
        (out,) = output_dict["schema"]
        fileio.makedirs(out.uri)


class _GateSpec(ComponentSpec):
    PARAMETERS: ClassVar = {}
    INPUTS: ClassVar = {"examples": ChannelParameter(type=standard_artifacts.Examples)}
    OUTPUTS: ClassVar = {"schema": ChannelParameter(type=standard_artifacts.Schema)}


class Gate(base_component.BaseComponent):
    SPEC_CLASS = _GateSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(_GateExecutor)

    def __init__(self, examples):
        channel = types.Channel(type=standard_artifacts.Schema)
        super().__init__(_GateSpec(examples=examples, schema=channel))


def make_pipeline(folder: Path, text: str, *, enable_cache: bool = True) -> tfx_pipeline.Pipeline:
    """Source -> Gate."""
    source = Source(text)
    gate = Gate(source.outputs["examples"])
    return tfx_pipeline.Pipeline(
        pipeline_name="fake",
        pipeline_root=str(folder / "artifacts"),
        components=[source, gate],
        enable_cache=enable_cache,
        metadata_connection_config=metadata.sqlite_metadata_connection_config(
            str(folder / "metadata.db")
        ),
    )
