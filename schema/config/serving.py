"""`serving:` how a model is tried in a server, before it is pushed and after."""

from __future__ import annotations

import string
from collections.abc import Mapping

from pydantic import Field, field_validator

from demandcast.schema.config.base import Section

__all__ = ["PLACEHOLDERS", "ServingConfig", "filled_in"]

PLACEHOLDERS = ("port", "rest_api_port", "model_name", "model_base_path")
"""What is filled into a command; the names are those of TensorFlow Serving's flags."""

_NEEDED = ("port", "model_name", "model_base_path")


class ServingConfig(Section):
    """How a model is tried in a server, before it is pushed and after."""

    infra_validation: bool = Field(
        True,
        description=(
            "Start a server on each model before it may be pushed, and ask it through both "
            "signatures. Without it the run says that nobody looked."
        ),
    )
    warmup: bool = Field(
        True,
        description=(
            "Write requests into the model that a server runs before it is available; they hold "
            "histories of some series. Needs infra_validation."
        ),
    )
    smoke_test: bool = Field(
        True,
        description=(
            "After a push, ask a server for the new version, and compare its answer with that of "
            "the check before."
        ),
    )
    command: tuple[str, ...] = Field(
        (
            "demandcast",
            "serve",
            "--port={port}",
            "--rest_api_port={rest_api_port}",
            "--model_name={model_name}",
            "--model_base_path={model_base_path}",
        ),
        min_length=1,
        description=(
            "Server that tries models, word by word, without a shell; what stands in braces is "
            "filled in. The first word is an absolute path, or a name that is looked for beside "
            "Python and then in PATH."
        ),
    )
    address: str | None = Field(
        None,
        description=(
            "HOST:PORT of the gRPC server that watches push.serving_directory; the smoke test "
            "asks it. If null, `command` is started on the directory."
        ),
    )
    timeout_seconds: float = Field(
        300.0,
        gt=0,
        description="Longest wait for a version to be available, and for an answer of the check.",
    )
    tries: int = Field(
        2,
        ge=1,
        le=10,
        description="How often `command` is started, if it ends before it has answered.",
    )

    @field_validator("command")
    @classmethod
    def _is_a_command(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        named = [name for word in words for name in _placeholders(word)]
        allowed = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        unknown = sorted(set(named) - set(PLACEHOLDERS))
        if unknown:
            raise ValueError(
                f"no such placeholder {unknown}; allowed: {allowed}; "
                "a brace that is meant is written twice"
            )
        missing = [f"{{{name}}}" for name in _NEEDED if name not in named]
        if missing:
            raise ValueError(f"{', '.join(missing)} must stand in it; allowed: {allowed}")
        if not words[0] or ("/" in words[0] and not words[0].startswith("/")):
            raise ValueError(
                "the first word is an absolute path, or the name of a program without '/'"
            )
        return words

    @field_validator("address")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None:
            host, separator, port = value.rpartition(":")
            if not (host and separator and port.isdecimal() and 0 < int(port) < 65536):
                raise ValueError("address is HOST:PORT, such as demand.serving:8500")
        return value


def filled_in(command: tuple[str, ...], values: Mapping[str, str]) -> list[str]:
    """Fills the placeholders of a command.

    Args:
        command: A checked `ServingConfig.command`.
        values: One per name of `PLACEHOLDERS`.

    >>> filled_in(("serve", "--port={port}"), {"port": "8500"})
    ['serve', '--port=8500']
    """
    return [word.format_map(values) for word in command]


def _placeholders(word: str) -> list[str]:
    """Names in braces; what a format could do beyond that counts as part of the name.

    Raises:
        ValueError: Braces do not match.
    """
    found = []
    for _, name, specification, conversion in string.Formatter().parse(word):
        if name is not None:
            extra = f":{specification}" if specification else ""
            found.append(name + (f"!{conversion}" if conversion else "") + extra)
    return found
