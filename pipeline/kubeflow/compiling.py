"""Compiles the pipeline for Kubeflow Pipelines or Vertex; reads no data and no network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner

from demandcast.pipeline.beam_flags import beam_flags
from demandcast.pipeline.dag import Surroundings, Target, make_pipeline
from demandcast.pipeline.kubeflow.caching import never_cached
from demandcast.pipeline.kubeflow.checking import check_platform, check_spec
from demandcast.pipeline.kubeflow.finaliser import add_parameters, finalise, name_conditions
from demandcast.pipeline.kubeflow.parameters import parameters_of
from demandcast.pipeline.kubeflow.platform_document import platform_document
from demandcast.pipeline.kubeflow.reach import TargetName, check_compilable, tuning_place
from demandcast.schema.config import RunConfig
from demandcast.schema.config.kubeflow import STAGES

__all__ = ["COMMAND", "Compiled", "compile_pipeline"]

COMMAND = ("python", "-m", "demandcast.pipeline.kubeflow.entry_point")
"""Command of every container: the hook that TFX's compiler offers (`default_commands`)."""

_RUN_ID = "{{$.pipeline_job_uuid}}"
"""The driver puts the run's identity in its place (`driver/resolve.go`)."""


@dataclass(frozen=True)
class Compiled:
    """A compiled pipeline.

    Attributes:
        text: What is written to the file.
        documents: What the text says: PipelineSpec and platform document, or the PipelineJob.
    """

    text: str
    documents: tuple[Mapping[str, Any], ...]

    @property
    def stages(self) -> tuple[str, ...]:
        """Stages in it, in the order in which they are wired."""
        spec = self.documents[0].get("pipelineSpec", self.documents[0])
        return tuple(name for name in STAGES if name in spec["root"]["dag"]["tasks"])


def compile_pipeline(config: RunConfig, target: TargetName) -> Compiled:
    """Compiles the pipeline of a configuration.

    Args:
        config: The run; paths are absolute.
        target: Who runs it.

    Returns:
        For Kubeflow two YAML documents that a server accepts as one file; for Vertex the JSON that
        TFX's runner writes, with run-time parameters. The same input gives the same text.

    Raises:
        ConfigurationError: Something that pods need is missing, or cannot be seen by them.
    """
    check_compilable(config, target)
    job = _job_of(config)
    spec = job["pipelineSpec"]
    parameters = parameters_of(config)
    if target == "vertex":
        name_conditions(spec)
        add_parameters(spec, parameters)
        # Labels say which Python compiled it; the same configuration is the same pipeline.
        job.pop("labels", None)
        return Compiled(json.dumps(job, indent=2, sort_keys=True) + "\n", (job,))
    spec = finalise(
        spec, config.kubeflow, parameters=parameters, never_cached=set(never_cached(config))
    )
    platform = platform_document(config.kubeflow, spec["root"]["dag"]["tasks"])
    check_spec(spec)
    check_platform(platform, spec)
    text = yaml.safe_dump_all([spec, platform], sort_keys=True, width=100)
    return Compiled(text, (spec, platform))


def _job_of(config: RunConfig) -> dict[str, Any]:
    """Lets TFX's compiler write a PipelineJob."""
    target = Target(
        artifacts=str(config.kubeflow.pipeline_root),
        tuning=tuning_place(config),
        run_id=_RUN_ID,
        push_if_blessed=True,
    )
    pipeline = make_pipeline(
        config, Surroundings.unseen(config), target=target, enable_cache=config.kubeflow.cache
    )
    for component in pipeline.components:
        args = config.kubeflow.stage(component.id).beam_args
        if args is not None and hasattr(component.executor_spec, "beam_pipeline_args"):
            component.executor_spec.beam_pipeline_args = beam_flags(args)
    runner = kubeflow_v2_dag_runner.KubeflowV2DagRunner(
        kubeflow_v2_dag_runner.KubeflowV2DagRunnerConfig(
            default_image=config.kubeflow.image,
            default_commands=list(COMMAND),
            use_pipeline_spec_2_1=True,  # B1: servers refuse 2.0.
        )
    )
    # Not written by TFX: B2, a server wants the PipelineSpec in it alone.
    job: dict[str, Any] = runner.run(pipeline, write_out=False)
    return job
