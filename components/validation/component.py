"""TFX components: the schema's import, and the gate that only clean data passes.

    SchemaImport ──schema──> ExampleValidator ──anomalies──> AnomalyGate ──schema──> Transform …

What follows takes its Schema from the gate, so nothing can start on data that
contradicts it.
"""

from __future__ import annotations

import logging
import posixpath
from typing import Any, ClassVar

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2
from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from demandcast.components.validation.anomalies import check_anomalies
from demandcast.schema.artifact_names import ANOMALIES_FILE, SCHEMA_FILE
from demandcast.schema.feature_schema import parse_schema

__all__ = ["AnomalyGate", "SchemaImport", "read_anomalies"]

_LOG = logging.getLogger(__name__)

Artifacts = dict[str, list[types.Artifact]]


def read_anomalies(artifact: types.Artifact) -> dict[str, anomalies_pb2.Anomalies]:
    """Reads what ExampleValidator wrote, by split."""
    anomalies = {}
    for split in artifact_utils.decode_split_names(artifact.split_names):
        folder = artifact_utils.get_split_uri([artifact], split)
        with fileio.open(posixpath.join(folder, ANOMALIES_FILE), "rb") as file:
            anomalies[split] = anomalies_pb2.Anomalies.FromString(file.read())
    return anomalies


def _read_schema(artifact: types.Artifact) -> schema_pb2.Schema:
    path = posixpath.join(artifact.uri, SCHEMA_FILE)
    with fileio.open(path, "r") as file:
        return parse_schema(file.read(), source=path)


def _write_schema(artifact: types.Artifact, text: str) -> None:
    """Writes the file of a Schema artifact, aside and then renamed."""
    # By TFX's operations, not `write_whole`: artifacts may lie on a remote filesystem.
    fileio.makedirs(artifact.uri)
    path = posixpath.join(artifact.uri, SCHEMA_FILE)
    with fileio.open(f"{path}.partial", "w") as file:
        file.write(text)
    fileio.rename(f"{path}.partial", path, overwrite=True)


class _SchemaImportExecutor(base_executor.BaseExecutor):
    """Writes the composed schema."""

    def Do(  # noqa: N802
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Fills the output `schema`."""
        del input_dict
        text = exec_properties["schema_text"]
        schema = parse_schema(text, source="schema_text")
        _write_schema(artifact_utils.get_single_instance(output_dict["schema"]), text)
        _LOG.info("schema with %d features", len(schema.feature))


class _SchemaImportSpec(ComponentSpec):
    PARAMETERS: ClassVar[dict[str, ExecutionParameter]] = {
        "schema_text": ExecutionParameter(type=str),
        "code_digest": ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, ChannelParameter]] = {}
    OUTPUTS: ClassVar[dict[str, ChannelParameter]] = {
        "schema": ChannelParameter(type=standard_artifacts.Schema)
    }


class SchemaImport(base_component.BaseComponent):
    """Brings the composed schema into the pipeline.

    The text itself is a parameter, so an unchanged schema is cached and a changed one is not.

    Outputs:
        schema: `Schema`; the file `schema.pbtxt`.
    """

    SPEC_CLASS = _SchemaImportSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(_SchemaImportExecutor)

    def __init__(self, *, schema_text: str, code_digest: str = "") -> None:
        """Describes the node.

        Args:
            schema_text: From `demandcast.schema.feature_schema.compose_schema_text`.
            code_digest: Digest of the sources behind this node: part of the cache key.
        """
        schema = types.Channel(type=standard_artifacts.Schema)
        super().__init__(
            _SchemaImportSpec(schema_text=schema_text, code_digest=code_digest, schema=schema)
        )


class _AnomalyGateExecutor(base_executor.BaseExecutor):
    """Passes the schema on, or refuses the data."""

    def Do(  # noqa: N802
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Fills the output `schema`.

        Raises:
            AnomalyError: A split has an anomaly; the message lists all of them.
        """
        del exec_properties
        anomalies = read_anomalies(artifact_utils.get_single_instance(input_dict["anomalies"]))
        schema = _read_schema(artifact_utils.get_single_instance(input_dict["unvalidated_schema"]))
        check_anomalies(anomalies, schema)
        text = text_format.MessageToString(schema)
        _write_schema(artifact_utils.get_single_instance(output_dict["schema"]), text)
        _LOG.info("no anomalies in %s", ", ".join(anomalies))


class _AnomalyGateSpec(ComponentSpec):
    PARAMETERS: ClassVar[dict[str, ExecutionParameter]] = {
        "code_digest": ExecutionParameter(type=str)
    }
    INPUTS: ClassVar[dict[str, ChannelParameter]] = {
        "anomalies": ChannelParameter(type=standard_artifacts.ExampleAnomalies),
        # An input may not share the name of an output.
        "unvalidated_schema": ChannelParameter(type=standard_artifacts.Schema),
    }
    OUTPUTS: ClassVar[dict[str, ChannelParameter]] = {
        "schema": ChannelParameter(type=standard_artifacts.Schema)
    }


class AnomalyGate(base_component.BaseComponent):
    """Turns a schema into a validated one, or stops the run.

    Outputs:
        schema: `Schema`, the same rules as the input; the only one that Transform, Trainer
            and Evaluator may be given.
    """

    SPEC_CLASS = _AnomalyGateSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(_AnomalyGateExecutor)

    def __init__(
        self, *, anomalies: types.BaseChannel, schema: types.BaseChannel, code_digest: str = ""
    ) -> None:
        """Describes the node.

        Args:
            anomalies: From ExampleValidator, of all splits.
            schema: What the data was validated against.
            code_digest: Digest of the sources behind this node: part of the cache key.
        """
        super().__init__(
            _AnomalyGateSpec(
                anomalies=anomalies,
                unvalidated_schema=schema,
                code_digest=code_digest,
                schema=types.Channel(type=standard_artifacts.Schema),
            )
        )
