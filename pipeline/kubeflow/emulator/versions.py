"""What differs between the releases of Kubeflow Pipelines, as far as a TFX pipeline sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["KFP_2_5", "KFP_2_17", "KFP_3", "Version"]


@dataclass(frozen=True)
class Version:
    """A release.

    Attributes:
        name: For people.
        input_types: What the driver makes of the type of an input. "lost": an empty schema
            (`v2/metadata/client.go GetOutputArtifactsByExecutionId`, 2.0.5 to 2.17);
            "schema as title": the whole schema in the place of the title (KFP 3).
        names: What an artifact is called: by its number in the metadata, or by its output.
        missing_outputs: Whether a declared output that a task did not write fails it.
        output_file: Where a task writes what it did: "tmp" or "store"; always a local path.
        publishes_logs: Whether the driver adds the output `executor-logs` (#11809).
    """

    name: str
    input_types: Literal["lost", "schema as title"]
    names: Literal["number", "output"]
    missing_outputs: Literal["warning", "error"]
    output_file: Literal["tmp", "store"]
    publishes_logs: bool = True


KFP_2_5 = Version("2.5", "lost", "number", "warning", "tmp")
"""The oldest that is supported; up to 2.14 they do the same."""

KFP_2_17 = Version("2.17", "lost", "number", "warning", "store")
"""From 2.15 on the output file lies beside the outputs (#12256)."""

KFP_3 = Version("3", "schema as title", "output", "error", "store")
"""As announced: without ML Metadata (#11760, #13986)."""
