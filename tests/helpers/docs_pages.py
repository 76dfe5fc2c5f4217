"""The pages that people read, taken apart: code blocks, commands, paths, links.

A Python block runs by itself in tests/docs, without TensorFlow. One that needs the trained model
or the server of the README's walk says so behind its language, "python walk"; it and the commands
of its page run in tests/integration.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

__all__ = [
    "AUDIENCES",
    "PAGES",
    "ROOT",
    "Block",
    "anchors",
    "apply_diff",
    "blocks",
    "changed_module",
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

AUDIENCES = (
    "docs/application-developers.md",
    "docs/data-scientists.md",
    "docs/planners.md",
    "docs/platform-teams.md",
)
"""Pages that are walked from top to bottom."""

_BLOCK = re.compile(r"^```(\w*)(?: (\w+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HUNK = re.compile(r"^@@.*\n", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        page: Path of the page.
        line: Line on which its content begins, from 1.
        language: What stands behind the fence.
        place: What stands behind the language: "walk", or nothing.
        text: Its content.
    """

    page: str
    line: int
    language: str
    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(*languages: str) -> list[Block]:
    """All blocks of some languages, page by page."""
    return [
        Block(page, _read(page).count("\n", 0, match.start()) + 2, *match.groups(""))
        for page in PAGES
        for match in _BLOCK.finditer(_read(page))
        if match.group(1) in languages
    ]


def command_lines() -> list[tuple[str, list[str]]]:
    """Each `demandcast` command of a shell block: where it stands, and its arguments."""
    return [
        (f"{block}: {line}", shlex.split(line)[1:])
        for block in blocks("sh")
        for line in block.text.replace("\\\n", " ").splitlines()
        if line.startswith("demandcast ")
    ]


def apply_diff(diff: str) -> dict[str, str]:
    """Changes files of the repository as a diff says; gives their new text by path.

    Hunks are found by what they hold, so that they need no line numbers.
    """
    changed = {}
    for part in re.split(r"^--- a/", diff, flags=re.MULTILINE)[1:]:
        path, hunks = part.split("\n", 2)[0], _HUNK.split(part)[1:]
        text = _read(path)
        for hunk in hunks:
            lines = hunk.splitlines(keepends=True)
            old = "".join(line[1:] or line for line in lines if line[0] != "+")
            assert text.count(old) == 1, f"{path} holds this {text.count(old)} times:\n{old}"
            text = text.replace(old, "".join(line[1:] or line for line in lines if line[0] != "-"))
        changed[path] = text
    return changed


def changed_module(page: str, path: str) -> ModuleType:
    """Executes a module of the repository as the diffs of a page change it.

    It gets a name of its own and replaces nothing.
    """
    diffs = [apply_diff(block.text) for block in blocks("diff") if block.page == page]
    (text,) = [diff[path] for diff in diffs if path in diff]
    module = ModuleType(f"changed_{Path(path).stem}")
    # Dataclasses look their module up.
    sys.modules[module.__name__] = module
    exec(compile(text, f"{path} as changed by {page}", "exec"), vars(module))  # noqa: S102 - ours
    return module


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
