"""The five questions of a reader, answered in a sentence or two each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from demandcast.components.reporting.page import Changes, RunPage
from demandcast.components.reporting.page_judged import SliceRow
from demandcast.components.reporting.words import (
    count,
    is_number,
    listed,
    number,
    percent,
    signed_percent,
)

__all__ = ["Answer", "Figure", "answers", "figures"]

_DECIDING = "weighted_quantile_loss"
_NOTABLE, _LARGE = 0.015, 0.05
"""Differences of a share that are worth a word, and a stronger one."""


@dataclass(frozen=True)
class Answer:
    """An answer, and the part of the page with the details."""

    question: str
    text: str
    part: str


@dataclass(frozen=True)
class Figure:
    """A number that a reader wants first."""

    title: str
    value: str
    note: str


def answers(page: RunPage) -> tuple[Answer, ...]:
    """Answers where the model is worst, how sure it is, what it saw and what changed."""
    return (
        Answer("Where is it worst?", _worst(page), "slices"),
        Answer("How sure is it?", _sure(page), "coverage"),
        Answer("What data did it see?", _data(page), "data"),
        Answer("What changed?", _changed(page), "changes"),
    )


def figures(page: RunPage) -> tuple[Figure, ...]:
    """Takes the numbers that a reader wants first; none if no model was judged."""
    if page.slices is None:
        return ()
    return tuple(_figures(page.slices.overall))


def _figures(overall: SliceRow) -> Iterator[Figure]:
    metrics = overall.metrics
    skill = metrics.get(f"{_DECIDING}_skill")
    yield Figure("Quantile loss", number(overall.loss), _against_naive(skill))
    yield Figure("WAPE", percent(metrics.get("wape")), _against_naive(metrics.get("wape_skill")))
    bias = metrics.get("bias")
    yield Figure("Bias", signed_percent(bias), _bias_words(bias))
    for level in (80, 90):
        inside = metrics.get(f"coverage_{level}")
        if is_number(inside):
            yield Figure(
                f"In the {level} % interval", percent(inside), _coverage_words(inside, level / 100)
            )


def _against_naive(skill: float | None) -> str:
    if not is_number(skill):
        return "no seasonal-naive forecast to compare"
    return f"{percent(abs(skill), 0)} {'lower' if skill >= 0 else 'higher'} than seasonal naive"


def _coverage_words(inside: float, nominal: float) -> str:
    """Says how far an interval is from what it promises; demand on its bounds counts as inside."""
    if inside >= nominal:
        return f"{percent(nominal, 0)} or more, as it should be"
    return f"{number(100 * (nominal - inside), 2)} points under its {percent(nominal, 0)}"


def _bias_words(bias: float | None) -> str:
    if not is_number(bias):
        return "of the mean, as a share of demand"
    if signed_percent(bias) == signed_percent(0.0):  # As it is shown beside.
        return "balanced"
    return f"the mean forecasts too {'much' if bias > 0 else 'little'}"


def _worst(page: RunPage) -> str:
    if page.slices is None:
        return page.absent.get("slices", "No model was judged.")
    words = []
    ranked = [row for row in page.slices.slices if is_number(row.loss) and row.examples]
    if ranked:
        worst = max(ranked, key=_loss_at_least)
        words.append(
            f"In the slice {worst.name}: quantile loss {number(worst.loss)}, overall "
            f"{number(page.slices.overall.loss)}; {count(worst.examples)} of "
            f"{count(page.slices.overall.examples)} examples."
        )
    if page.forecasts and page.forecasts.heaviest:
        heaviest = page.forecasts.heaviest[0]
        words.append(
            f"The series that costs most is {heaviest.name}, "
            f"with {percent(heaviest.loss_share)} of the loss."
        )
    return " ".join(words) or "There is only one slice."


def _loss_at_least(row: SliceRow) -> float:
    """The loss that a slice has beyond doubt: that of a handful of examples may be anything."""
    interval = row.intervals.get(_DECIDING)
    return interval[0] if interval else row.loss or 0.0


def _sure(page: RunPage) -> str:
    if page.coverage is None:
        return page.absent.get("coverage", "No model was judged.")
    told = [
        f"{percent(inside)} in the {percent(nominal, 0)} interval"
        for nominal, inside, _ in page.coverage.intervals
        if is_number(inside)
    ]
    if not told:
        return "The quantile levels bound no 80 % or 90 % interval."
    return f"{_confidence(page.coverage.intervals)}: demand came out {listed(told)}."


def _confidence(intervals: Sequence[tuple[float, float | None, float | None]]) -> str:
    """Says whether intervals promise too much; demand on a bound may count on either side."""
    too_narrow = [nominal - inside for nominal, inside, _ in intervals if is_number(inside)]
    too_wide = [strictly - nominal for nominal, _, strictly in intervals if is_number(strictly)]
    if max(too_narrow, default=0.0) > _NOTABLE:
        return "A little too sure" if max(too_narrow) < _LARGE else "Too sure"
    if max(too_wide, default=0.0) > _NOTABLE:
        return "Less sure than it could be"
    return "As sure as it says"


def _data(page: RunPage) -> str:
    if page.data is None or page.data.rows is None:
        return page.absent.get("data", "The tables were not accepted.")
    data = page.data
    text = f"{count(data.rows)} rows of {count(data.series)} series, {data.first} to {data.last}."
    if data.anomalies:
        return f"{text} Contradictions to the schema: {len(data.anomalies)}."
    return f"{text} No contradiction to the schema." if data.anomalies is not None else text


def _changed(page: RunPage) -> str:
    if page.changes is None:
        return page.absent.get("changes", "This is the first run.")
    changes = page.changes
    kinds = {
        "the data": changes.data,
        "the configuration": changes.configuration,
        "the code": changes.code,
    }
    changed = [f"{kind} ({len(found)})" for kind, found in kinds.items() if found]
    words = f"Since {changes.previous}: {listed(changed)}." if changed else _nothing(changes)
    loss = next((one for one in changes.metrics if one.name == _DECIDING), None)
    if loss is None or not is_number(loss.before) or not is_number(loss.after) or not loss.before:
        return words
    change = loss.after / loss.before - 1
    return f"{words} Quantile loss {signed_percent(change)}, to {number(loss.after)}."


def _nothing(changes: Changes) -> str:
    return f"Neither data nor configuration nor code since {changes.previous}."
