"""The file `models.config` of a model server: which versions it loads, and what they are called.

    model_version_policy { specific { versions: 5 versions: 6 } }      what is loaded
    version_labels { key: "stable" value: 5 }                          what clients ask for
    version_labels { key: "canary" value: 6 }

It is a `ModelServerConfig` as text, the same for TensorFlow Serving and for our own server.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf import text_format

from demandcast.schema.errors import BadInputError

__all__ = ["Placement", "comments_lost", "read_placement", "write_placement"]

_QUOTED = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'')


@dataclass(frozen=True)
class Placement:
    """What a server loads of a model, and under which labels.

    Attributes:
        versions: Numbers of the versions that it loads; none where the file gives a rule, such as
            the newest one, instead of numbers.
        labels: Version by label.
    """

    versions: frozenset[int] | None = None
    labels: Mapping[str, int] = field(default_factory=dict)

    @property
    def numbers(self) -> frozenset[int]:
        """The versions that it names."""
        return self.versions or frozenset()


def read_placement(text: str, model: str, *, source: str) -> Placement:
    """Reads what a file says of a model.

    Args:
        text: The file's content.
        model: Name of the model.
        source: Name of the file, for messages.

    Raises:
        BadInputError: It is no such file, or does not have the model.

    >>> labels = 'version_labels { key: "stable" value: 5 }'
    >>> text = 'model_config_list { config { name: "demand" ' + labels + " } }"
    >>> read_placement(text, "demand", source="models.config")
    Placement(versions=None, labels={'stable': 5})
    """
    config = _model(_parse(text, source), model, source)
    policy = config.model_version_policy
    specific = policy.WhichOneof("policy_choice") == "specific"
    return Placement(
        versions=frozenset(policy.specific.versions) if specific else None,
        labels=dict(sorted(config.version_labels.items())),
    )


def write_placement(text: str, model: str, placement: Placement, *, source: str) -> str:
    """Writes what a server shall load into a file's content.

    Everything else in it stays, but for comments that are not at its beginning.

    Args:
        text: The file's content.
        model: Name of the model.
        placement: Versions, by number, and labels.
        source: Name of the file, for messages.

    Returns:
        The new content.

    Raises:
        BadInputError: It is no such file, or does not have the model.
    """
    document = _parse(text, source)
    config = _model(document, model, source)
    config.ClearField("model_version_policy")
    config.model_version_policy.specific.versions.extend(sorted(placement.numbers))
    config.ClearField("version_labels")
    config.version_labels.update(placement.labels)
    return _heading(text) + text_format.MessageToString(document)


def comments_lost(text: str) -> int:
    r"""Counts the comments that `write_placement` does not keep.

    >>> comments_lost('# Kept.\n\nmodel_config_list {  # Lost.\n}\n')
    1
    """
    rest = text[len(_heading(text)) :]
    return sum("#" in _QUOTED.sub("", line) for line in rest.splitlines())


def _heading(text: str) -> str:
    """Comments and empty lines at the beginning."""
    kept = []
    for line in text.splitlines(keepends=True):
        if line.strip() and not line.lstrip().startswith("#"):
            break
        kept.append(line)
    return "".join(kept)


def _parse(text: str, source: str) -> Any:
    from demandcast.serving.messages import POOL, ModelServerConfig

    try:
        return text_format.Parse(text, ModelServerConfig(), descriptor_pool=POOL)
    except text_format.ParseError as error:
        raise BadInputError(
            f"{source}: not a file for --model_config_file of a model server, at {error}"
        ) from error


def _model(document: Any, model: str, source: str) -> Any:
    found = {config.name: config for config in document.model_config_list.config}
    if model not in found:
        raise BadInputError(f"{source}: no model {model!r} in it; there are {sorted(found)}")
    return found[model]
