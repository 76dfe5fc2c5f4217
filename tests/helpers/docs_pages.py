"""The pages that people read, taken apart: code blocks, commands, paths, links."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "PAGES",
    "ROOT",
    "Block",
    "anchors",
    "blocks",
    "command_lines",
    "inline_codes",
    "links",
    "make_targets",
]

ROOT = Path(__file__).parents[2]
PAGES = tuple(
    sorted(
        path.relative_to(ROOT).as_posix()
        for pattern in ("*.md", "docs/**/*.md", "terraform/*.md")
        for path in ROOT.glob(pattern)
    )
)
"""Paths relative to the root, with '/'."""

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        page: Path of the page.
        line: Line on which its content begins, from 1.
        language: What stands behind the fence.
        text: Its content.
    """

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(*languages: str) -> list[Block]:
    """All blocks of some languages, page by page."""
    return [
        Block(page, _read(page).count("\n", 0, match.start()) + 2, *match.groups())
        for page in PAGES
        for match in _BLOCK.finditer(_read(page))
        if match.group(1) in languages
    ]


def command_lines() -> list[tuple[str, list[str]]]:
    """Each `demandcast` command of a shell block: where it stands, and its arguments."""
    return [
        (f"{block}: {line}", shlex.split(line)[1:])
        for block in blocks("sh")
        for line in block.text.splitlines()
        if line.startswith("demandcast ")
    ]


def make_targets(page: str) -> set[str]:
    """Targets of make that a page names, in blocks or in prose."""
    return set(re.findall(r"(?:^|`)make ([a-z0-9-]+)", _read(page), re.MULTILINE))


def inline_codes(page: str) -> list[str]:
    """What stands between single backticks, outside of blocks."""
    return re.findall(r"`([^`\n]+)`", _prose(page))


def links(page: str) -> list[str]:
    """Targets of links and pictures to other pages or files."""
    found = re.findall(r"\]\(([^)\s]+)\)", _prose(page))
    return [target for target in found if "://" not in target]


def anchors(path: Path) -> set[str]:
    """Anchors of a page's headings, as GitHub makes them."""
    return set(_anchors(path.read_text(encoding="utf-8")))


def _anchors(text: str) -> Iterator[str]:
    for heading in re.findall(r"^#+ (.+)$", _BLOCK.sub("", text), re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def _prose(page: str) -> str:
    return _BLOCK.sub("", _read(page))
