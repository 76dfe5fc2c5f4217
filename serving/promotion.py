"""Moves the labels of a model's versions, in steps that a server can follow.

    specific {5}      stable 5                          in service
    specific {5, 6}   stable 5                          load: 6 is loaded beside it
    specific {5, 6}   stable 5, canary 6                label: clients may ask for the canary
    specific {5, 6}   stable 6, canary 6, previous 5    label: promoted; 5 stays for a way back

A server assigns labels before it loads, so a file that loads a version and labels it at once is
refused whole, for as long as it stays. Hence two steps, and between them every server has to say
that it has the version. A label on a version that is not loaded is worse: calls with it fail.
Each step is a whole file, and what is to do follows from the file alone: said again after a stop,
it goes on; said again when all is done, it changes nothing.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from demandcast.schema.errors import BadInputError, ServingError
from demandcast.schema.whole_file import write_whole
from demandcast.serving.errors import CallError
from demandcast.serving.models_file import Placement, read_placement, write_placement

__all__ = [
    "PREVIOUS",
    "STABLE",
    "ModelsFile",
    "Servers",
    "Status",
    "Step",
    "describe",
    "move",
    "plan",
    "promote",
    "roll_back",
]

STABLE = "stable"
"""Label for which clients ask."""
PREVIOUS = "previous"
"""Label of the version that was stable before; it stays loaded for a way back."""

# Servers that answer so may have the version later.
_PASSING = frozenset({"NOT_FOUND", "UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED"})
# A server that has not looked at the file yet.
_UNKNOWN_LABEL = frozenset({"INVALID_ARGUMENT", "FAILED_PRECONDITION"})
_PAUSE_SECONDS = 2.0


class Status(Protocol):
    """What a server says of a version."""

    @property
    def version(self) -> int:
        """Its number."""

    @property
    def state(self) -> Any:
        """Member of an enumeration, such as AVAILABLE."""

    @property
    def error(self) -> str:
        """What is wrong with it; empty if nothing is."""


@dataclass(frozen=True)
class Step:
    """A change of the file.

    Attributes:
        before: What the file says until then.
        after: What it says from then on.
    """

    before: Placement
    after: Placement

    @property
    def loads_only(self) -> bool:
        """Whether it moves no label and drops no version, so that it may come at any time."""
        kept = self.before.versions is None or self.before.versions <= self.after.numbers
        return kept and self.before.labels == self.after.labels


@dataclass(frozen=True)
class ModelsFile:
    """A file `models.config`, and a model in it.

    Attributes:
        path: The file.
        model: Name of the model.
    """

    path: Path
    model: str

    def read(self) -> str:
        """Its content.

        Raises:
            BadInputError: It cannot be read.
        """
        try:
            return self.path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BadInputError(f"{self.path}: cannot be read: {error}") from error

    def placement(self, text: str) -> Placement:
        """What a content says of the model."""
        return read_placement(text, self.model, source=str(self.path))

    def with_placement(self, text: str, placement: Placement) -> str:
        """A content, with something else said of the model."""
        return write_placement(text, self.model, placement, source=str(self.path))

    def write(self, text: str, *, before: str) -> None:
        """Replaces the content, if it is still the one that was read.

        Raises:
            BadInputError: Somebody changed it meanwhile, or it cannot be written.
        """
        if self.read() != before:
            raise BadInputError(f"{self.path}: changed meanwhile; look at it, and start again")
        try:
            write_whole(self.path, text)
        except OSError as error:
            raise BadInputError(f"{self.path}: cannot be written: {error}") from error


@dataclass(frozen=True)
class Servers:
    """The servers that follow a file.

    Attributes:
        addresses: Each of them.
        ask: Asks one for its versions; a `CallError` is no answer.
        resolve: Asks one which version a label means.
        timeout_seconds: How long to wait until all of them have a version, or a label; 0 asks once.
        on_wait: Told each new thing that is missing.
    """

    addresses: Sequence[str]
    ask: Callable[[str], Iterable[Status]]
    resolve: Callable[[str, str], int]
    timeout_seconds: float
    on_wait: Callable[[str], None] = lambda text: None

    def loaded_anywhere(self) -> frozenset[int]:
        """Versions that one server or another has.

        Raises:
            CallError: One does not answer.
        """
        return frozenset().union(*(self._available(address) for address in self.addresses))

    def wait_for_versions(self, versions: Iterable[int]) -> None:
        """Waits until every server has every one of some versions.

        Raises:
            ServingError: One has not, in time; or refuses to say.
        """
        wanted = sorted(versions)
        self._wait_until_none(lambda: self._missing_versions(wanted))

    def wait_for_labels(self, labels: Mapping[str, int]) -> None:
        """Waits until every server answers calls with each label by its version.

        Raises:
            ServingError: One does not, in time; or refuses to say.
        """
        self._wait_until_none(lambda: self._missing_labels(labels))

    def _wait_until_none(self, missing_now: Callable[[], Sequence[str]]) -> None:
        deadline = time.monotonic() + self.timeout_seconds
        told: set[str] = set()
        while missing := missing_now():
            for text in missing:
                if text not in told:
                    self.on_wait(text)
            told |= set(missing)
            if time.monotonic() >= deadline:
                raise ServingError("; ".join(missing))
            time.sleep(min(_PAUSE_SECONDS, max(deadline - time.monotonic(), 0.0)))

    def _available(self, address: str) -> frozenset[int]:
        return frozenset(
            status.version for status in self.ask(address) if status.state.name == "AVAILABLE"
        )

    def _missing_versions(self, wanted: Sequence[int]) -> list[str]:
        """What is not loaded where, in words."""
        missing = []
        for address in self.addresses:
            try:
                found = {status.version: status for status in self.ask(address)}
            except CallError as error:
                if error.status not in _PASSING:
                    raise
                missing.append(f"{address} has no version {_join(wanted)}: {error}")
                continue
            missing += [
                f"{address} has no version {version}: {_state(found.get(version))}"
                for version in wanted
                if version not in found or found[version].state.name != "AVAILABLE"
            ]
        return missing

    def _missing_labels(self, labels: Mapping[str, int]) -> list[str]:
        """What label means something else where, in words."""
        missing = []
        for address in self.addresses:
            for label, version in labels.items():
                try:
                    now = self.resolve(address, label)
                except CallError as error:
                    if error.status not in _PASSING | _UNKNOWN_LABEL:
                        raise
                    missing.append(f"{address} has no label {label}: {error}")
                else:
                    if now != version:
                        missing.append(f"{address} still has {label} {now}, not {version}")
        return missing


def promote(
    placement: Placement, version: int, *, label: str = STABLE, keep_previous: bool = True
) -> Placement:
    """Says what a file shall say in the end, when a label moves to a version.

    Versions to which no label points are dropped.

    Args:
        placement: What the file says.
        version: Version that gets the label.
        label: ``stable``, or one beside it, such as ``canary``.
        keep_previous: Keeps the version that was stable loaded, as ``previous``.

    Raises:
        BadInputError: There is nothing stable beside which another label could be.

    >>> before = Placement(frozenset({5, 6}), {"canary": 6, "stable": 5})
    >>> promote(before, 6).labels
    {'canary': 6, 'previous': 5, 'stable': 6}
    """
    labels = dict(placement.labels)
    if label == PREVIOUS:
        raise BadInputError(
            f"label {PREVIOUS!r}: follows {STABLE!r} by itself; allowed: {STABLE!r}, or a new name"
        )
    if label != STABLE and STABLE not in labels:
        # Calls without a label go to the highest version: the canary would get all of them.
        raise BadInputError(
            f"label {label!r}: there is no {STABLE!r} beside it yet; give that one first to the "
            "version in service, and let clients ask for it"
        )
    if label == STABLE and labels.get(STABLE, version) != version:
        labels[PREVIOUS] = labels[STABLE]
    if label == STABLE and not keep_previous:
        labels.pop(PREVIOUS, None)
    labels[label] = version
    return _labelled(labels)


def roll_back(placement: Placement, to_version: int | None = None) -> Placement:
    """Says what a file shall say in the end, when ``stable`` goes back.

    Labels beside it that pointed to the version which is left go with it.

    Args:
        placement: What the file says.
        to_version: Version that gets the label; the ``previous`` one if not given.

    Raises:
        BadInputError: Nothing is stable, no previous version is known, or it is stable already.

    >>> roll_back(Placement(frozenset({5, 6}), {"canary": 6, "previous": 5, "stable": 6})).labels
    {'canary': 5, 'previous': 6, 'stable': 5}
    """
    labels = dict(placement.labels)
    if STABLE not in labels:
        raise BadInputError(f"no label {STABLE!r} that could go back; there are {sorted(labels)}")
    left = labels[STABLE]
    target = labels.get(PREVIOUS) if to_version is None else to_version
    if target is None:
        raise BadInputError(f"no label {PREVIOUS!r} to go back to; name a version with --to")
    if target == left:
        raise BadInputError(f"version {target}: is {STABLE!r} already")
    moved = {label: target if version == left else version for label, version in labels.items()}
    return _labelled({**moved, PREVIOUS: left})


def plan(before: Placement, after: Placement, loaded: Iterable[int] = ()) -> list[Step]:
    """Splits a change into steps: what is new is loaded first, labelled then.

    Args:
        before: What the file says.
        after: What it shall say in the end.
        loaded: What one server or another has, where the file gives a rule and no numbers.

    Returns:
        At most two steps; none if nothing is to be done.
    """
    present = frozenset(loaded) if before.versions is None else before.versions
    every = present | frozenset(before.labels.values()) | after.numbers
    states = [before, Placement(every, before.labels), after]
    if before.versions is not None and after.numbers <= before.versions:
        # What gets a label is in the file already: only the answers of servers are missing.
        del states[1]
    return [Step(*pair) for pair in itertools.pairwise(states) if pair[0] != pair[1]]


def describe(step: Step) -> str:
    """Says a step in words.

    >>> describe(Step(Placement(frozenset({5}), {"stable": 5}),
    ...               Placement(frozenset({5, 6}), {"stable": 5})))
    'load 6'
    """
    before, after = step.before.versions, step.after.numbers
    parts = []
    if before is None:
        parts.append(f"name the versions: {_join(after)}")
    elif after - before:
        parts.append(f"load {_join(after - before)}")
    parts += [
        f"{label}: {_version(step.before.labels, label)} -> {_version(step.after.labels, label)}"
        for label in sorted({*step.before.labels, *step.after.labels})
        if step.before.labels.get(label) != step.after.labels.get(label)
    ]
    if before is not None and before - after:
        parts.append(f"drop {_join(before - after)}")
    return ", ".join(parts)


def move(
    file: ModelsFile,
    change: Callable[[Placement], Placement],
    servers: Servers,
    on_step: Callable[[Step], None] = lambda step: None,
) -> Placement:
    """Carries a change out, step by step, until every server follows.

    Nothing is labelled before every server has it.

    Args:
        file: The file that the servers follow.
        change: Says what the file shall say in the end.
        servers: All of them.
        on_step: Told each step before it is written.

    Returns:
        What the file says in the end.

    Raises:
        BadInputError: The change does not fit the file, or the file changed meanwhile.
        ServingError: A server does not have a version that shall get a label; what is loaded so far
            stays in the file, and no label moved. Or one does not follow the last step yet.
    """
    text = file.read()
    before = file.placement(text)
    after = change(before)
    loaded = servers.loaded_anywhere() if before.versions is None else frozenset[int]()
    loaded_everywhere = False
    for step in plan(before, after, loaded):
        if loaded_everywhere := not step.loads_only:
            _wait_for_versions(file, servers, after)
        on_step(step)
        new = file.with_placement(text, step.after)
        file.write(new, before=text)
        text = new
    if not loaded_everywhere:
        _wait_for_versions(file, servers, after)
    _wait_for_labels(file, servers, after)
    return after


def _wait_for_versions(file: ModelsFile, servers: Servers, after: Placement) -> None:
    try:
        servers.wait_for_versions(after.numbers)
    except CallError:
        raise
    except ServingError as error:
        raise ServingError(
            f"no label was moved: {error}. {file.path} says to load it; see that the servers get "
            "the file, and say the same again"
        ) from error


def _wait_for_labels(file: ModelsFile, servers: Servers, after: Placement) -> None:
    try:
        servers.wait_for_labels(after.labels)
    except CallError:
        raise
    except ServingError as error:
        raise ServingError(
            f"{file.path} is written, and not yet in force: {error}. See that the servers get the "
            "file, and say the same again"
        ) from error


def _labelled(labels: Mapping[str, int]) -> Placement:
    """Exactly the versions to which a label points."""
    return Placement(frozenset(labels.values()), dict(sorted(labels.items())))


def _join(versions: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(versions)))


def _version(labels: Mapping[str, int], label: str) -> str:
    return str(labels.get(label, "none"))


def _state(status: Status | None) -> str:
    if status is None:
        return "it knows none of that number"
    return f"{status.state.name} {status.error}".strip()
