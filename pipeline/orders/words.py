"""Counts in words, so that one is not many."""

from __future__ import annotations

__all__ = ["counted"]


def counted(number: int, noun: str, *, plural: str = "") -> str:
    """Writes how many there are of something; `{}s` where no plural is given.

    >>> counted(1, "line"), counted(1234, "line"), counted(2, "entry", plural="entries")
    ('1 line', '1,234 lines', '2 entries')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
