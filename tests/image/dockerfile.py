"""Reads a Dockerfile: its stages, and their instructions with variables replaced.

As much as ours uses: ARG before the first FROM, and FROM ... AS, ENV, WORKDIR, USER, LABEL,
ENTRYPOINT, COPY with --from, RUN with --mount=type=cache. Anything else is an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

__all__ = ["DockerfileError", "Instruction", "Stage", "parse"]

_KNOWN = frozenset(["ENV", "WORKDIR", "USER", "LABEL", "ENTRYPOINT", "COPY", "RUN"])
_VARIABLE = re.compile(r"\$\{(\w+)\}")


class DockerfileError(Exception):
    """The file cannot be understood."""


@dataclass(frozen=True)
class Instruction:
    """One instruction.

    Attributes:
        name: Such as RUN.
        options: Of COPY and RUN, by name; `--mount=...` is `mount`.
        text: What follows; for RUN the command.
    """

    name: str
    options: dict[str, str]
    text: str


@dataclass
class Stage:
    """What lies between two FROM.

    Attributes:
        name: After AS.
        base: An image, or the name of an earlier stage.
        instructions: In order.
    """

    name: str
    base: str
    instructions: list[Instruction] = field(default_factory=list)


def parse(text: str) -> dict[str, Stage]:
    """Reads the stages by name.

    Raises:
        DockerfileError: It holds what is not known here.
    """
    arguments: dict[str, str] = {}
    stages: dict[str, Stage] = {}
    stage: Stage | None = None
    for line in _lines(text):
        name, _, rest = line.partition(" ")
        if name == "ARG" and stage is None:
            key, _, value = rest.partition("=")
            arguments[key] = value
        elif name == "FROM":
            found = re.fullmatch(r"(\S+) AS (\S+)", rest)
            if found is None:
                raise DockerfileError(f"expected FROM image AS name, got {line}")
            base = _VARIABLE.sub(lambda match: arguments[match[1]], found[1])
            stage = stages[found[2]] = Stage(found[2], base)
        elif stage is None or name not in _KNOWN:
            raise DockerfileError(f"not known here: {line}")
        else:
            stage.instructions.append(_instruction(name, rest))
    return stages


def _lines(text: str) -> list[str]:
    """Logical lines: without comments, continued ones joined."""
    kept = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", "", kept)
    return [line.strip() for line in joined.splitlines() if line.strip()]


def _instruction(name: str, rest: str) -> Instruction:
    options: dict[str, str] = {}
    while name in ("COPY", "RUN") and rest.startswith("--"):
        option, _, rest = rest.partition(" ")
        key, _, value = option.removeprefix("--").partition("=")
        options[key] = value
        rest = rest.lstrip()
    return Instruction(name, options, rest)
