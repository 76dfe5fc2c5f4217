"""Peak memory of a stage, from the kernel's own high-water mark."""

from __future__ import annotations

import contextlib
from pathlib import Path

__all__ = ["peak_memory_bytes", "reset_peak_memory"]

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_RESET_HIGH_WATER_MARK = "5"


def reset_peak_memory() -> None:
    """Makes the high-water mark start at the present use.

    Where the kernel does not allow it, the mark goes on from the start of the process.
    """
    with contextlib.suppress(OSError):
        _CLEAR.write_text(_RESET_HIGH_WATER_MARK, encoding="ascii")


def peak_memory_bytes() -> int:
    """Returns the largest resident memory of this process since the last reset, bytes.

    What earlier stages left allocated counts; worker processes of Beam do not.
    0 where the kernel does not tell.
    """
    try:
        lines = _STATUS.read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    kibibytes = [int(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
    return kibibytes[0] * 1024 if kibibytes else 0
