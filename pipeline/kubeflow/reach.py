"""Finds what a compiled pipeline lacks, and paths that no pod sees, before TFX is loaded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from demandcast.schema.config import RunConfig
from demandcast.schema.errors import BadInputError, ConfigurationError

__all__ = ["TargetName", "check_compilable", "tuning_place"]

TargetName = Literal["kubeflow", "vertex"]

_REMOTE = ("gs://",)
"""What TFX and Beam read and write themselves; s3:// and minio:// are for KFP's own artifacts."""


def check_compilable(config: RunConfig, target: TargetName) -> None:
    """Checks what pods need and a local run does not.

    Args:
        config: The run; paths are absolute.
        target: Who runs it.

    Raises:
        ConfigurationError: All of what is missing, or cannot be seen, is named.
    """
    wrong = [*_missing(config), *_out_of_reach(config, target)]
    if wrong:
        raise ConfigurationError("\n".join(wrong))
    tuning_place(config)


def _missing(config: RunConfig) -> Iterator[str]:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,127}", config.name):
        yield (
            f"name: got {config.name!r}; Kubeflow Pipelines allows small letters, digits and '-', "
            "the first a letter or digit"
        )
    if config.kubeflow.image is None:
        yield "kubeflow.image: missing; it must be given, by digest: registry/name@sha256:..."
    if config.kubeflow.pipeline_root is None:
        yield "kubeflow.pipeline_root: missing; it must be given, such as gs://bucket/folder"


def check_serving_directory(config: RunConfig, path: str) -> None:
    """Makes sure that pods can see a serving directory that is given to a run.

    Raises:
        BadInputError: It lies on another machine, or in the pod itself and would be lost with it.
    """
    said = _unseen("--parameter: serving_directory", path, config, "kubeflow")
    if said is not None:
        raise BadInputError(said)


def _out_of_reach(config: RunConfig, target: TargetName) -> Iterator[str]:
    """Yields paths of this machine, and what pods can see instead."""
    for key, path in _paths(config):
        said = _unseen(key, path, config, target)
        if said is not None:
            yield said


def _unseen(key: str, path: str, config: RunConfig, target: TargetName) -> str | None:
    """Says that pods cannot see a path, if so."""
    volumes = config.kubeflow.volumes if target == "kubeflow" else ()
    mounts = [volume.mount_path for volume in volumes]
    if path.startswith((*_REMOTE, *(f"{mount}/" for mount in mounts))):
        return None
    seen = " or ".join([f"{_REMOTE[0]}...", *(f"{mount}/..." for mount in mounts)])
    return f"{key}: got {path!r}; pods cannot see it; expected {seen}"


def tuning_place(config: RunConfig) -> str:
    """Returns a folder for searches, from which a retried or later run goes on.

    Raises:
        ConfigurationError: There is a Tuner, and no such place that TensorFlow can write.
    """
    root = str(config.kubeflow.pipeline_root)
    if root.startswith(_REMOTE):
        return f"{root}/{config.name}/tuning"
    for volume in config.kubeflow.volumes:
        return f"{volume.mount_path}/{config.name}/tuning"
    if config.tuning.enabled:
        raise ConfigurationError(
            f"tuning.enabled: a search goes on from its trials, and {root} cannot hold them: "
            "TensorFlow writes to gs:// and to volumes; expected kubeflow.pipeline_root in gs://, "
            "or one of kubeflow.volumes"
        )
    return ""


def _paths(config: RunConfig) -> Iterator[tuple[str, str]]:
    for name, path in config.data.paths.items():
        yield f"data.{name}", path
    yield "push.serving_directory", str(config.push.serving_directory)
    for name, path in _supply_paths(config).items():
        yield f"replenishment.tables.{name}", path


def _supply_paths(config: RunConfig) -> dict[str, str]:
    """Returns the tables of supply that stages read: all for orders, the terms for the gate."""
    tables = config.replenishment.tables
    if config.replenishment.enabled:
        return tables.paths
    return tables.terms_paths if config.gate.cost.enabled else {}
