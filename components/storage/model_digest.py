"""Digest of a SavedModel: tells whether two folders hold the same model."""

from __future__ import annotations

import hashlib

from demandcast.components.storage.files import Files, join
from demandcast.schema.artifact_names import GOLDEN_FILE, SAVED_MODEL_FILE, WARMUP_FILE

__all__ = ["model_digest"]

# TensorFlow writes a random UUID into the first at each export; the rest of it follows from the
# other files. What the infrastructure check adds is about the model, and changes no answer of it:
# the warmed copy is the model that was judged.
_IGNORED = frozenset({"fingerprint.pb", WARMUP_FILE, GOLDEN_FILE})


def model_digest(folder: str, files: Files) -> str:
    """Digests names and contents of a SavedModel's files, but for warm-up and golden request.

    The same artifact, copied anywhere, has the same digest. Two exports of the same weights
    usually have it as well; where TensorFlow numbers its functions differently they do not,
    and the second counts as a new model.

    Args:
        folder: Folder that holds `saved_model.pb`.
        files: Filesystem.

    Returns:
        64 hexadecimal digits.

    Raises:
        FileNotFoundError: There is no `saved_model.pb` in the folder.
    """
    names = [name for name in files.files_below(folder) if name not in _IGNORED]
    if SAVED_MODEL_FILE not in names:
        raise FileNotFoundError(f"{folder}: no {SAVED_MODEL_FILE} here; found {names[:5]}")
    total = hashlib.sha256()
    for name in names:
        content = hashlib.sha256()
        for block in files.blocks(join(folder, name)):
            content.update(block)
        # Fixed-length digests and a terminator: no two lists of files run together.
        total.update(name.encode() + b"\0" + content.digest())
    return total.hexdigest()
