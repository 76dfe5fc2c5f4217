"""`kubeflow:` how the compiled pipeline runs on Kubeflow Pipelines; local runs do not read it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import Field, field_validator, model_validator

from demandcast.schema.config.base import Section

__all__ = [
    "KubeflowConfig",
    "NOT_PUSHED",
    "STAGES",
    "StageConfig",
    "TolerationConfig",
    "VolumeConfig",
    "stage_of",
]

STAGES = (
    "SeriesExampleGen",
    "StatisticsGen",
    "SchemaImport",
    "ExampleValidator",
    "AnomalyGate",
    "ModelInService",
    "DataContinuity",
    "Transform",
    "Tuner",
    "Trainer",
    "Evaluator",
    "CostJudge",
    "InfraValidator",
    "Pusher",
    "SmokeTest",
    "BatchForecaster",
    "Replenisher",
)
"""Stages of the pipeline, in the order in which they are wired."""

NOT_PUSHED = "-not-pushed"
"""At the end of the name of a task: the stage of that name, where no model was pushed."""

BEAM_STAGES = ("SeriesExampleGen", "StatisticsGen", "Transform", "Evaluator")
"""Those whose work a Beam runner does."""

SCHEMES = ("gs", "s3", "minio")
"""Object stores that Kubeflow Pipelines reads and writes."""

_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")


def stage_of(task: str) -> str:
    """Returns the stage of a task: a stage may have a second task, for runs without a push.

    >>> stage_of("Replenisher-not-pushed"), stage_of("Pusher")
    ('Replenisher', 'Pusher')
    """
    return task.removesuffix(NOT_PUSHED)


class TolerationConfig(Section):
    """A taint of nodes that a stage may run on in spite of it."""

    key: str = Field(description="Key of the taint, such as nvidia.com/gpu.")
    value: str | None = Field(None, description="Its value; null tolerates any.")
    effect: str | None = Field(
        None, description="NoSchedule, PreferNoSchedule or NoExecute; null tolerates any."
    )

    @field_validator("effect")
    @classmethod
    def _is_an_effect(cls, value: str | None) -> str | None:
        if value not in (None, "NoSchedule", "PreferNoSchedule", "NoExecute"):
            raise ValueError("effect is one of NoSchedule, PreferNoSchedule, NoExecute")
        return value


class VolumeConfig(Section):
    """A shared volume that every stage sees at the same path."""

    claim: str = Field(description="Name of the PersistentVolumeClaim.")
    mount_path: str = Field(description="Absolute path at which it is mounted.")

    @field_validator("mount_path")
    @classmethod
    def _is_absolute(cls, value: str) -> str:
        if not value.startswith("/") or value.rstrip("/") in ("", "/gcs", "/s3", "/minio"):
            raise ValueError(
                "mount_path is absolute, and none of /, /gcs, /s3, /minio, "
                "where Kubeflow Pipelines mounts its own"
            )
        return value.rstrip("/")


class StageConfig(Section):
    """What a stage gets."""

    cpu: float = Field(2.0, gt=0, description="Limit in cores.")
    memory_gib: float = Field(8.0, gt=0, description="Limit in GiB.")
    gpus: int = Field(0, ge=0, description="Number of GPUs; above 0 takes gpu_image.")
    gpu_type: str = Field("nvidia.com/gpu", description="Resource name of the GPU.")
    disk_gib: float | None = Field(
        None,
        gt=0,
        description="Size of an ephemeral volume for temporary files; the node's disk if null.",
    )
    node_selector: dict[str, str] = Field(
        {}, description="Labels that a node must have, such as those of the GPU pool."
    )
    tolerations: tuple[TolerationConfig, ...] = Field(
        (), description="Taints of nodes to put up with."
    )
    labels: dict[str, str] = Field({}, description="Labels of the pod.")
    retries: int = Field(2, ge=0, le=20, description="How often a failed stage starts again.")
    backoff_seconds: int = Field(
        30, ge=1, description="Wait before the first retry; it doubles up to backoff_max_seconds."
    )
    backoff_max_seconds: int = Field(600, ge=1, description="Longest wait before a retry.")
    timeout_minutes: int | None = Field(
        None, ge=1, description="Time after which the pod is stopped; null never stops it."
    )
    beam_args: tuple[str, ...] | None = Field(
        None, description="Beam options of this stage in place of beam.args."
    )

    @field_validator("labels", "node_selector")
    @classmethod
    def _are_labels(cls, values: dict[str, str]) -> dict[str, str]:
        wrong = [value for value in values.values() if value and not _LABEL.fullmatch(value)]
        if wrong:
            raise ValueError(
                "values of labels have 63 characters at most: letters, digits, '-', '_', '.', "
                f"the first and last a letter or digit; got {wrong}"
            )
        return values


class KubeflowConfig(Section):
    """How the compiled pipeline runs on Kubeflow Pipelines."""

    pipeline_root: str | None = Field(
        None,
        description=(
            "Folder of the artifacts in an object store, such as gs://bucket/demandcast; "
            "gs, s3 or minio."
        ),
    )
    image: str | None = Field(
        None, description="Image of the stages by digest, registry/name@sha256:...; no tag."
    )
    gpu_image: str | None = Field(
        None, description="Image of stages with GPUs, by digest; image if not given."
    )
    image_pull_secret: str | None = Field(
        None, description="Secret with which nodes pull the images, where they need one."
    )
    service_account: str | None = Field(
        None, description="Kubernetes service account of the pods; the server's default if null."
    )
    volumes: tuple[VolumeConfig, ...] = Field((), description="Shared volumes of all stages.")
    cache: bool = Field(True, description="Use earlier results where nothing changed.")
    defaults: StageConfig = Field(StageConfig(), description="What every stage gets.")
    stages: dict[str, StageConfig] = Field(
        {},
        description=(
            "What single stages get in place of that, by name, with the keys of defaults: "
            f"{', '.join(STAGES)}."
        ),
    )

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_the_stages(cls, values: Any) -> Any:
        """Fills in `defaults` where a stage says nothing."""
        if not isinstance(values, Mapping):
            return values
        defaults, stages = values.get("defaults", {}), values.get("stages", {})
        if not isinstance(defaults, Mapping) or not isinstance(stages, Mapping):
            return values
        filled = {
            name: {**defaults, **stage} if isinstance(stage, Mapping) else stage
            for name, stage in stages.items()
        }
        return {**values, "stages": filled}

    def stage(self, name: str) -> StageConfig:
        """Returns what a stage gets, or a task of it.

        >>> config = KubeflowConfig.model_validate(
        ...     {"defaults": {"cpu": 1}, "stages": {"Trainer": {"gpus": 1}}}
        ... )
        >>> config.stage("Trainer").gpus, config.stage("Trainer").cpu, config.stage("Pusher").gpus
        (1, 1.0, 0)
        """
        return self.stages.get(stage_of(name), self.defaults)

    def image_of(self, name: str) -> str | None:
        """Returns the image of a stage."""
        return (self.gpu_image if self.stage(name).gpus else None) or self.image

    @field_validator("image", "gpu_image")
    @classmethod
    def _is_by_digest(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[^@\s]+@sha256:[0-9a-f]{64}", value):
            raise ValueError(
                "an image is named by its digest, registry/name@sha256:<64 hexadecimal digits>: "
                "a tag may be moved, and a cached result would be that of other code"
            )
        return value

    @field_validator("pipeline_root")
    @classmethod
    def _is_in_a_store(cls, value: str | None) -> str | None:
        if value is None:
            return None
        scheme, separator, rest = value.partition("://")
        if not separator or scheme not in SCHEMES or not rest.strip("/"):
            raise ValueError(
                f"pipeline_root is a folder in an object store, {' or '.join(SCHEMES)}, "
                "such as gs://bucket/demandcast"
            )
        return value.rstrip("/")

    @model_validator(mode="after")
    def _stages_exist(self) -> KubeflowConfig:
        unknown = sorted(set(self.stages) - set(STAGES))
        if unknown:
            raise ValueError(
                f"kubeflow.stages: no such stage {unknown}; allowed: {', '.join(STAGES)}"
            )
        for name, stage in self.stages.items():
            if stage.beam_args is not None and name not in BEAM_STAGES:
                raise ValueError(
                    f"kubeflow.stages.{name}.beam_args: this stage does not use Beam; "
                    f"allowed for {', '.join(BEAM_STAGES)}"
                )
        return self
