"""The table of all attempts, and whether the targets are met."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from faults.outcome import Kind, Outcome

__all__ = ["MOST_GOOD_REFUSED", "Result", "met", "table_text"]

MOST_GOOD_REFUSED = 0.02
"""Largest share of good models that may be refused."""


@dataclass(frozen=True)
class Result:
    """A kind, and what became of its attempts."""

    kind: Kind
    outcomes: tuple[Outcome, ...]

    @property
    def pushed(self) -> int:
        """Attempts after which something else was in service."""
        return sum(outcome.pushed for outcome in self.outcomes)

    @property
    def refused(self) -> tuple[Outcome, ...]:
        """Attempts that a check stopped."""
        return tuple(outcome for outcome in self.outcomes if outcome.stopped_by is not None)


def met(results: Sequence[Result]) -> bool:
    """Tells whether nothing bad was pushed, and at most 2 % of the good was refused."""
    bad_pushed, good, good_refused = _totals(results)
    return not bad_pushed and good_refused <= MOST_GOOD_REFUSED * good


def table_text(results: Sequence[Result]) -> str:
    """Lays the results out in Markdown: bad kinds, good kinds, the two totals."""
    bad = [result for result in results if not result.kind.good]
    good = [result for result in results if result.kind.good]
    lines: list[str] = []
    if bad:
        lines += [
            "| bad table or model | runs | pushed | to be stopped by | stopped by | first reason |",
            "|---|---|---|---|---|---|",
            *map(_bad_row, bad),
            "",
        ]
    if good:
        lines += [
            "| good table or model | runs | refused | reasons |",
            "|---|---|---|---|",
            *map(_good_row, good),
            "",
        ]
    return "\n".join([*lines, *_summary(results)])


def _bad_row(result: Result) -> str:
    stopped = Counter(outcome.stopped_by for outcome in result.refused)
    cells = (
        result.kind.name,
        str(len(result.outcomes)),
        f"**{result.pushed}**" if result.pushed else "0",
        result.kind.must_stop,
        ", ".join(f"{name} {count}" for name, count in stopped.most_common()) or "nothing",
        _escape(result.refused[0].reason) if result.refused else "",
    )
    return f"| {' | '.join(cells)} |"


def _good_row(result: Result) -> str:
    reasons = dict.fromkeys(outcome.reason for outcome in result.refused)
    cells = (
        result.kind.name,
        str(len(result.outcomes)),
        str(len(result.refused)),
        "; ".join(map(_escape, reasons)),
    )
    return f"| {' | '.join(cells)} |"


def _escape(text: str) -> str:
    return text.replace("|", "\\|")


def _summary(results: Sequence[Result]) -> Iterator[str]:
    bad_pushed, good, good_refused = _totals(results)
    kinds = [result.kind for result in results if not result.kind.good]
    bad = sum(len(result.outcomes) for result in results if not result.kind.good)
    if bad:
        yield f"Pushed that should not have been: {bad_pushed} of {bad}, of {len(kinds)} kinds."
    if good:
        share = 100 * good_refused / good
        yield f"Good, and refused: {good_refused} of {good} ({share:.1f} %; at most 2 % allowed)."


def _totals(results: Sequence[Result]) -> tuple[int, int, int]:
    """Counts bad attempts that were pushed, good attempts, and good attempts refused."""
    bad_pushed = sum(result.pushed for result in results if not result.kind.good)
    good = [result for result in results if result.kind.good]
    return bad_pushed, sum(len(r.outcomes) for r in good), sum(len(r.refused) for r in good)
