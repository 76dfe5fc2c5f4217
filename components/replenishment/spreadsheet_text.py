"""Keeps texts in spreadsheets texts: what looks like a formula is not executed.

A spreadsheet that opens a CSV file executes a value that begins with one of = + - @, a tab or a
carriage return. An apostrophe before it keeps it a text. Whether a text had apostrophes of its
own is not lost: what begins with apostrophes and one of those marks gets one more.
"""

from __future__ import annotations

import re

import polars as pl

__all__ = ["guard", "guarded", "looks_like_a_formula", "unguard"]

_DANGEROUS = re.compile(r"\A'*[=+\-@\t\r]")
_GUARDED = re.compile(r"\A'+[=+\-@\t\r]")


def looks_like_a_formula(text: str) -> bool:
    """Tells whether a spreadsheet may execute a text.

    >>> looks_like_a_formula("=1+1"), looks_like_a_formula("milk")
    (True, False)
    """
    return bool(_DANGEROUS.match(text))


def guard(text: str) -> str:
    """Puts an apostrophe before what looks like a formula; the inverse of `unguard`.

    >>> guard("=HYPERLINK(1)"), guard("milk")
    ("'=HYPERLINK(1)", 'milk')
    """
    return f"'{text}" if looks_like_a_formula(text) else text


def guarded(column: str) -> pl.Expr:
    """Does the same to a column of texts."""
    return pl.col(column).str.replace(r"\A('*[=+\-@\t\r])", "'${1}")


def unguard(text: str) -> str:
    """Takes the apostrophe away that `guard` put there.

    >>> unguard("'=HYPERLINK(1)"), unguard("'s-Hertogenbosch")
    ('=HYPERLINK(1)', "'s-Hertogenbosch")
    """
    return text[1:] if _GUARDED.match(text) else text
