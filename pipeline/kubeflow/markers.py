"""Removes the empty objects by which TensorFlow makes folders of an object store."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from demandcast.components.storage.gcs_files import gcs_client

__all__ = ["remove_markers"]


def remove_markers(uris: Iterable[str], *, client: Any = None) -> int:
    """Removes objects of size 0 whose names end in '/', below folders of gs://.

    B7: the launcher makes files of them when it downloads inputs, and fails on what lies below:
    "mkdir ...: not a directory" (kubeflow/pipelines#13476).

    Args:
        uris: Folders, `gs://bucket/...`.
        client: Of google-cloud-storage; made if needed.

    Returns:
        How many there were.
    """
    client = client or gcs_client()
    count = 0
    for uri in uris:
        bucket, _, prefix = uri.removeprefix("gs://").partition("/")
        for blob in client.list_blobs(bucket, prefix=prefix.rstrip("/") + "/"):
            if blob.size == 0 and blob.name.endswith("/"):
                blob.delete()
                count += 1
    return count
