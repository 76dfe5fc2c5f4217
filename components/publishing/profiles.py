"""Profiles of the data behind the models of a serving directory.

    profiles/<digest of the model>/profile.json

They lie beside the versions and not in them: a version holds the model and nothing else, and
a rollback, which is a new version of the same model, finds the profile under the same digest.
"""

from __future__ import annotations

from collections.abc import Collection

from demandcast.components.storage.files import Files, join
from demandcast.schema.data_profile import PROFILE_FILE

__all__ = ["keep_profile", "profile_file"]

_FOLDER = "profiles"


def profile_file(serving_directory: str, digest: str) -> str:
    """Path of the profile of the data behind a model."""
    return join(join(join(serving_directory, _FOLDER), digest), PROFILE_FILE)


def keep_profile(
    source: str,
    serving_directory: str,
    *,
    digest: str,
    others: Collection[str],
    files: Files,
) -> None:
    """Keeps the profile of a model that is about to be pushed; removes those of lost versions.

    The caller holds the directory (`exclusive.exclusively`).

    Args:
        source: The profile, beside the examples.
        serving_directory: Directory that the server watches.
        digest: Digest of the model.
        others: Digests of the versions that are there.
        files: File operations.
    """
    folder = join(serving_directory, _FOLDER)
    for name in files.folders(folder):
        if name not in others and name != digest:
            files.remove_folder(join(folder, name))
    # Aside, then renamed: half a profile of the model in service would stop every run to come.
    # By `Files`, not `write_whole`: on any filesystem, and flushed to the disk.
    path = profile_file(serving_directory, digest)
    files.write(f"{path}.new", files.read(source))
    files.rename(f"{path}.new", path)
