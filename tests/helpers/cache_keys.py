"""TFX's cache keys of a whole pipeline, without running it. Importing this imports TFX: 16 s."""

from __future__ import annotations

from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.compiler import compiler, constants
from tfx.orchestration import data_types_utils, metadata
from tfx.orchestration import pipeline as tfx_pipeline
from tfx.orchestration.local import runner_utils
from tfx.orchestration.portable import cache_utils, inputs_utils, runtime_parameter_utils
from tfx.types import standard_artifacts


def cache_keys(pipeline: tfx_pipeline.Pipeline) -> dict[str, str]:
    """Computes the key of each stage as the launcher does, by name in the order of the stages.

    Where the launcher has the artifact of an earlier stage, an artifact stands that is called
    by that stage's key: a stage that runs again makes a new one.
    """
    ir = compiler.Compiler().compile(pipeline)
    runtime_parameter_utils.substitute_runtime_parameter(
        ir, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: "run"}
    )
    deployment = runner_utils.extract_local_deployment_config(ir)
    connection = metadata_store_pb2.ConnectionConfig()
    connection.fake_database.SetInParent()
    keys: dict[str, str] = {}
    with metadata.Metadata(connection) as handle:
        for node in ir.nodes:
            inner = node.pipeline_node
            name = inner.node_info.id
            context = cache_utils.get_cache_context(
                metadata_handle=handle,
                pipeline_node=inner,
                pipeline_info=ir.pipeline_info,
                executor_spec=runner_utils.extract_executor_spec(deployment, name),
                input_artifacts=_inputs(inner, keys),
                parameters=data_types_utils.build_parsed_value_dict(
                    inputs_utils.resolve_parameters_with_schema(node_parameters=inner.parameters)
                ),
            )
            keys[name] = context.name
    return keys


def _inputs(node, keys):
    artifacts = {}
    for name, spec in node.inputs.inputs.items():
        artifacts[name] = []
        for channel in spec.channels:
            artifact = standard_artifacts.Model()
            artifact.uri = f"{keys[channel.producer_node_query.id]}/{channel.output_key}"
            artifacts[name].append(artifact)
    return artifacts
