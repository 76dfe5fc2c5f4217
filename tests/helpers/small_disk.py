"""A disk of a few megabytes under a folder, to be filled by tests."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def small_disk(folder: Path, *, mebibytes: int) -> Iterator[Path]:
    """Puts what a folder holds on a disk of its own, in memory, for a while.

    Where nobody may mount, the test is skipped; not in CI, which runs as root.
    """
    aside = folder.with_name(f"{folder.name}.aside")
    folder.rename(aside)
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        if done.returncode:
            reason = f"needs the right to mount a disk: {done.stderr.strip()}"
            if os.environ.get("CI") == "true":
                pytest.fail(reason)
            pytest.skip(reason)
        shutil.copytree(aside, folder, dirs_exist_ok=True)
        yield folder
    finally:
        if not done.returncode:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
        folder.rmdir()
        aside.rename(folder)
