"""The second document: what Kubernetes must know of each pod and the specification cannot say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from demandcast.pipeline.kubeflow.finaliser import SCRATCH
from demandcast.schema.config import KubeflowConfig, TolerationConfig

__all__ = ["platform_document"]


def platform_document(config: KubeflowConfig, stages: Iterable[str]) -> dict[str, Any]:
    """Writes the platform document.

    Only fields that servers know since 2.5 are used, because they refuse others.

    Args:
        config: What the stages get.
        stages: Those that are containers.

    Returns:
        `platforms.kubernetes` with a configuration for each executor.
    """
    executors = {f"{stage}_executor": _pod(config, stage) for stage in stages}
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": executors}}}}


def _pod(config: KubeflowConfig, name: str) -> dict[str, Any]:
    stage = config.stage(name)
    pod: dict[str, Any] = {"imagePullPolicy": "IfNotPresent"}  # A digest never changes.
    if config.image_pull_secret:
        pod["imagePullSecret"] = [{"secretName": config.image_pull_secret}]
    if stage.node_selector:
        pod["nodeSelector"] = {"labels": stage.node_selector}
    if stage.tolerations:
        pod["tolerations"] = [_toleration(toleration) for toleration in stage.tolerations]
    if stage.labels:
        pod["podMetadata"] = {"labels": stage.labels}
    if stage.timeout_minutes is not None:
        pod["activeDeadlineSeconds"] = str(60 * stage.timeout_minutes)
    if config.volumes:
        pod["pvcMount"] = [
            {"constant": volume.claim, "mountPath": volume.mount_path} for volume in config.volumes
        ]
    if stage.disk_gib is not None:
        pod["genericEphemeralVolume"] = [
            {
                "volumeName": "scratch",
                "mountPath": SCRATCH,
                "accessModes": ["ReadWriteOnce"],
                "size": f"{stage.disk_gib:g}Gi",
                "defaultStorageClass": True,
            }
        ]
    return pod


def _toleration(toleration: TolerationConfig) -> dict[str, Any]:
    matched = (
        {"operator": "Exists"}
        if toleration.value is None
        else {"operator": "Equal", "value": toleration.value}
    )
    effect = {} if toleration.effect is None else {"effect": toleration.effect}
    return {"key": toleration.key, **matched, **effect}
