"""What the launcher of Kubeflow Pipelines hands over, made fit for TFX, and TFX's answer made fit.

Pure: dictionaries of the JSON of `ExecutorInput` and `ExecutorOutput` in and out.

    launcher ── ExecutorInput ──> localised ──> TFX's executor
    launcher <── returned <── ExecutorOutput ──────────┘
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from demandcast.pipeline.kubeflow.parameters import take_parameters

__all__ = [
    "LOCAL_FOLDERS",
    "Localised",
    "is_vertex",
    "localised",
    "output_places",
    "output_uris",
    "returned",
]

LOCAL_FOLDERS = {"gs://": "/gcs/", "s3://": "/s3/", "minio://": "/minio/"}
"""Where the launcher puts the objects of a store (`component/launcher_v2.go LocalPathForURI`)."""

_LOGS = "executor-logs"
_BOOKKEEPING = ("display_name", "store_session_info")

Message = dict[str, Any]


@dataclass(frozen=True)
class Localised:
    """An `ExecutorInput` for TFX.

    Attributes:
        message: What TFX gets.
        remote: URI in the store by path of this pod, for each artifact that was given a path.
    """

    message: Message
    remote: Mapping[str, str]


def is_vertex(message: Mapping[str, Any]) -> bool:
    """Tells Vertex from open-source Kubeflow: there the output file itself lies in the store."""
    return "://" in message.get("outputs", {}).get("outputFile", "")


def localised(
    message: Mapping[str, Any],
    inputs_spec: Mapping[str, Any],
    *,
    root: str = "",
    shared: Collection[str] = (),
) -> Localised:
    """Makes an `ExecutorInput` fit for TFX.

    Args:
        message: From the launcher; it stays as it is.
        inputs_spec: The component's inputs as they were compiled.
        root: Put before the local folders; empty in a pod.
        shared: Schemes that TFX shall use itself, because remote workers write there.

    Returns:
        The message for TFX, with the values of run-time parameters in their places.
    """
    result: Message = copy.deepcopy(dict(message))
    remote: dict[str, str] = {}
    inputs = result.setdefault("inputs", {})
    inputs["parameterValues"] = take_parameters(inputs.get("parameterValues", {}))
    outputs = result.setdefault("outputs", {})
    # B4: the driver adds this output from 2.5 on (`driver.go provisionOutputs`), and TFX knows no
    # such type.
    outputs.get("artifacts", {}).pop(_LOGS, None)
    declared = inputs_spec.get("artifacts", {})
    for name, artifact in _artifacts(inputs):
        # B6: the driver loses the type of every input (`GetOutputArtifactsByExecutionId`); that of
        # KFP 3 gives the whole schema as title.
        if name in declared:
            artifact["type"] = declared[name]["artifactType"]
    for _, artifact in (*_artifacts(inputs), *_artifacts(outputs)):
        metadata = artifact.get("metadata", {})
        for key in _BOOKKEEPING:
            metadata.pop(key, None)
        # B5: TFX and Beam read no minio://, and what they write to gs:// has empty markers (B7).
        path = _local_path(artifact["uri"], root=root, shared=shared)
        if path != artifact["uri"]:
            remote[path] = artifact["uri"]
            artifact["uri"] = path
    return Localised(result, remote)


def returned(output: Mapping[str, Any], remote: Mapping[str, str]) -> Message:
    """Makes TFX's `ExecutorOutput` fit for the launcher.

    Args:
        output: From TFX; it stays as it is.
        remote: From `localised`.

    Returns:
        The same with URIs of the store, also in the artifacts' properties, and without nulls, which
        the launcher refuses ("unknown/unsupported value type").
    """
    result: Message = copy.deepcopy(dict(output))
    for _, artifact in _artifacts(result):
        artifact["uri"] = remote.get(artifact.get("uri", ""), artifact.get("uri", ""))
        artifact["metadata"] = {
            key: remote.get(value, value) if isinstance(value, str) else value
            for key, value in artifact.get("metadata", {}).items()
            if value is not None
        }
    return result


def output_places(message: Mapping[str, Any], *, root: str = "") -> tuple[str, ...]:
    """Returns the path of each output in this pod.

    B9: KFP 3 fails a task whose declared output is not there (`component/launcher_v2.go`), also one
    that lies in the store already.
    """
    return tuple(
        _local_path(artifact["uri"], root=root, shared=())
        for name, artifact in _artifacts(message.get("outputs", {}))
        if name != _LOGS
    )


def output_uris(message: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns the URI of each output."""
    return tuple(artifact["uri"] for _, artifact in _artifacts(message.get("outputs", {})))


def _artifacts(part: Mapping[str, Any]) -> Iterator[tuple[str, Message]]:
    for name, artifacts in part.get("artifacts", {}).items():
        for artifact in artifacts.get("artifacts", []):
            yield name, artifact


def _local_path(uri: str, *, root: str, shared: Collection[str]) -> str:
    """Returns where the launcher puts an object, or the URI if it is none of its stores.

    >>> _local_path("s3://bucket/a?region=x", root="", shared=())
    '/s3/bucket/a'
    """
    for scheme, folder in LOCAL_FOLDERS.items():
        if uri.startswith(scheme) and scheme not in shared:
            return root + folder + uri.removeprefix(scheme).partition("?")[0]
    return uri
