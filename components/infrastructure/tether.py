"""Becomes another program that ends when the process that started it does.

    python tether.py <number of that process> <program> <argument>...

Linux tells a process that its parent is gone only if it asked for it, and it must ask in the
process itself. A kill of the parent, which runs no cleanup, leaves no server behind that way. It
imports nothing of ours: Python starts it as a file, in some 20 ms.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

__all__ = ["main"]

_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of <sys/prctl.h>.
_NOT_STARTED = 127
"""Exit code of shells for a program that cannot be started."""


def main(parent: int, command: list[str]) -> None:
    """Asks for SIGKILL at the end of the parent, and becomes the command."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:  # It ended before the question.
        sys.exit("the process that started this one is gone")
    try:
        os.execv(command[0], command)  # noqa: S606 - without a shell on purpose
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        sys.exit(_NOT_STARTED)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
