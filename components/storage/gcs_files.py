"""The files of publishing in Google Cloud Storage, where each object counts its generations.

A change can be tied to the generation that was looked at, so it is Cloud Storage itself that
refuses the second of two writers. Nothing is written aside: an object appears whole.

TensorFlow's own way to gs:// knows no such conditions, and leaves empty objects in place of
folders (kubeflow/pipelines#13476).
"""

from __future__ import annotations

import contextlib
import functools
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from demandcast.components.storage.files import ChangedError, LocalFiles, Seen
from demandcast.schema.errors import ServingError

__all__ = ["GcsFiles", "gcs_client", "is_gcs"]

_SCHEME = "gs://"
_BLOCK_BYTES = 1 << 22


def is_gcs(path: str) -> bool:
    """Tells a path in Google Cloud Storage.

    >>> is_gcs("gs://bucket/serving"), is_gcs("/srv/serving")
    (True, False)
    """
    return path.startswith(_SCHEME)


@functools.cache
def gcs_client() -> Any:
    """Gives the client of google-cloud-storage, by the identity of this machine or pod.

    Raises:
        ServingError: There is no such identity.
    """
    with warnings.catch_warnings():
        # Google's libraries count the days of Python 3.11 while they are imported.
        warnings.filterwarnings("ignore", message="You are using a Python", category=FutureWarning)
        warnings.filterwarnings("ignore", message="Support for google", category=FutureWarning)
        from google.auth.exceptions import GoogleAuthError
        from google.cloud import storage

    try:
        return storage.Client(project=None)
    except GoogleAuthError as error:
        raise ServingError(
            f"Google Cloud Storage: no identity to ask with ({error}); in a cluster the service "
            "account of the pod is one, elsewhere 'gcloud auth application-default login' sets it"
        ) from error


class GcsFiles(LocalFiles):
    """Files in gs://; a path without a scheme is one of this machine."""

    def __init__(self, client: Any = None) -> None:
        """Takes a client of google-cloud-storage; None for that of this machine or pod."""
        self._client = client or gcs_client()

    def exists(self, path: str) -> bool:
        """Tells whether an object is there, or one below."""
        if not is_gcs(path):
            return super().exists(path)
        bucket, name = _split(path)
        with _said(path):
            if self._client.bucket(bucket).get_blob(name) is not None:
                return True
            return any(self._client.list_blobs(bucket, prefix=_prefix(path), max_results=1))

    def folders(self, path: str) -> list[str]:
        """Names of the folders in a folder; none if it is not there."""
        if not is_gcs(path):
            return super().folders(path)
        with _said(path):
            bucket = _split(path)[0]
            found = self._client.list_blobs(bucket, prefix=_prefix(path), delimiter="/")
            for _ in found:  # Its prefixes come with its pages.
                pass
            return [prefix.rstrip("/").rpartition("/")[2] for prefix in found.prefixes]

    def files_below(self, path: str) -> list[str]:
        """Paths of all files below a folder, relative to it, with '/', sorted."""
        if not is_gcs(path):
            return super().files_below(path)
        with _said(path):
            names = [blob.name.removeprefix(_prefix(path)) for blob in self._below(path)]
        return sorted(name for name in names if name and not name.endswith("/"))

    def read(self, path: str) -> bytes:
        """Content of a small file."""
        if not is_gcs(path):
            return super().read(path)
        with _said(path, object_missing=True):
            return bytes(self._blob(path).download_as_bytes())

    def blocks(self, path: str) -> Iterator[bytes]:
        """Content of a file of any size, in blocks of 4 MiB."""
        if not is_gcs(path):
            yield from super().blocks(path)
            return
        with (
            _said(path, object_missing=True),
            self._blob(path).open("rb", chunk_size=_BLOCK_BYTES) as file,
        ):
            while block := file.read(_BLOCK_BYTES):
                yield block

    def write(self, path: str, content: bytes) -> None:
        """Writes a small file; its folder is made if needed."""
        if not is_gcs(path):
            super().write(path, content)
            return
        with _said(path):
            self._blob(path).upload_from_string(content, retry=_always())

    def copy(self, source: str, target: str) -> None:
        """Copies a file; the target's folder is made if needed."""
        with _said(source if is_gcs(source) else target, object_missing=is_gcs(source)):
            if is_gcs(source) and is_gcs(target):
                self._rewrite(source, target)
            elif is_gcs(source):
                Path(target).parent.mkdir(parents=True, exist_ok=True)
                self._blob(source).download_to_filename(target)
            elif is_gcs(target):
                self._blob(target).upload_from_filename(source, retry=_always())
            else:
                super().copy(source, target)

    def rename(self, source: str, target: str) -> None:
        """Renames a file (replacing the target): a copy, then the source goes."""
        if not is_gcs(source):
            super().rename(source, target)
            return
        with _said(source, object_missing=True):
            self._rewrite(source, target)
            self._blob(source).delete()

    def remove_folder(self, path: str) -> None:
        """Removes a folder and everything below it."""
        if not is_gcs(path):
            super().remove_folder(path)
            return
        from google.api_core.exceptions import NotFound

        with _said(path):
            for blob in self._below(path):
                with contextlib.suppress(NotFound):  # Somebody else was faster.
                    blob.delete()

    def look(self, path: str) -> Seen | None:
        """Content and generation of a small file; None if it is not there."""
        if not is_gcs(path):
            return super().look(path)
        from google.api_core.exceptions import NotFound, PreconditionFailed

        bucket, name = _split(path)
        with _said(path):
            while (blob := self._client.bucket(bucket).get_blob(name, **_soon())) is not None:
                # Replaced between the two questions: asked again.
                with contextlib.suppress(NotFound, PreconditionFailed):
                    content = blob.download_as_bytes(if_generation_match=blob.generation, **_soon())
                    return Seen(bytes(content), str(blob.generation))
            # No object, or no bucket? A list fails where there is none.
            any(self._client.list_blobs(bucket, prefix=name, max_results=1))
        return None

    def replace(self, path: str, content: bytes, generation: str | None) -> str:
        """Writes an object, if it is still the one that was looked at."""
        if not is_gcs(path):
            return super().replace(path, content, generation)
        from google.api_core.exceptions import PreconditionFailed

        blob = self._blob(path)
        try:
            with _said(path):
                blob.upload_from_string(
                    content, if_generation_match=int(generation or 0), **_soon()
                )
        except PreconditionFailed as error:
            # An upload whose answer was lost is sent again, and finds itself there.
            seen = self.look(path)
            if seen is None or seen.content != content:
                raise ChangedError(path) from error
            return seen.generation
        return str(blob.generation)

    def remove(self, path: str, generation: str) -> None:
        """Removes an object, if it is still the one that was looked at."""
        if not is_gcs(path):
            super().remove(path, generation)
            return
        from google.api_core.exceptions import NotFound, PreconditionFailed

        try:
            with _said(path, object_missing=True):
                self._blob(path).delete(if_generation_match=int(generation), **_soon())
        except (FileNotFoundError, NotFound, PreconditionFailed) as error:
            raise ChangedError(path) from error

    def _blob(self, path: str) -> Any:
        bucket, name = _split(path)
        return self._client.bucket(bucket).blob(name)

    def _below(self, path: str) -> Any:
        return self._client.list_blobs(_split(path)[0], prefix=_prefix(path))

    def _rewrite(self, source: str, target: str) -> None:
        token = None
        while True:
            token, _, _ = self._blob(target).rewrite(self._blob(source), token=token)
            if token is None:
                return


def _split(path: str) -> tuple[str, str]:
    """Splits a path into its bucket and the name of the object.

    >>> _split("gs://bucket/serving/in_service.json")
    ('bucket', 'serving/in_service.json')
    """
    bucket, _, name = path.removeprefix(_SCHEME).partition("/")
    return bucket, name.rstrip("/")


def _prefix(path: str) -> str:
    """Begins the names of all objects below a folder.

    >>> _prefix("gs://bucket/serving/"), _prefix("gs://bucket")
    ('serving/', '')
    """
    name = _split(path)[1]
    return f"{name}/" if name else ""


def _always() -> Any:
    """A retry also for uploads without a condition: here they write the same again."""
    from google.cloud.storage.retry import DEFAULT_RETRY

    return DEFAULT_RETRY


def _soon() -> dict[str, Any]:
    """Limits of what holds a lease: after a fault, too, its holder is heard within a minute."""
    from google.cloud.storage.retry import DEFAULT_RETRY

    return {"timeout": 10, "retry": DEFAULT_RETRY.with_timeout(20)}


@contextlib.contextmanager
def _said(path: str, *, object_missing: bool = False) -> Iterator[None]:
    """Says what Cloud Storage refused, and for what.

    Args:
        path: For what.
        object_missing: Whether 404 can mean an object; otherwise it is the bucket.

    Raises:
        FileNotFoundError: There is no such object.
        PreconditionFailed: A condition did not hold; for the caller.
        ServingError: Any other refusal, or no way to it.
    """
    from google.api_core.exceptions import NotFound, PreconditionFailed
    from requests.exceptions import RequestException

    try:
        yield
    except PreconditionFailed:
        raise
    except NotFound as error:
        if object_missing:
            raise FileNotFoundError(f"{path}: {getattr(error, 'message', error)}") from error
        raise ServingError(
            f"{path}: there is no bucket {_split(path)[0]}, or nobody may know of it"
        ) from error
    except Exception as error:
        # The libraries below have many errors without a common one above them.
        if not isinstance(error, RequestException) and not _is_of_google(error):
            raise
        message = getattr(error, "message", None) or str(error)
        raise ServingError(f"{path}: Google Cloud Storage: {message}") from error


def _is_of_google(error: Exception) -> bool:
    return type(error).__module__.startswith("google.")
