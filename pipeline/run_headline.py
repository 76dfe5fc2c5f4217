"""What a run came to, in words: the headline of its page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from demandcast.components.publishing.pointer import POINTER_FILE
from demandcast.components.reporting.page import Headline
from demandcast.pipeline.run_files import RunFiles
from demandcast.schema import errors

__all__ = ["headline_of", "outcome_of", "why_not_reached"]

_REFUSALS = {
    errors.BadInputError.exit_code: "Refused: bad input",
    errors.AnomalyError.exit_code: "Refused: the data contradicts the schema",
    errors.ServingError.exit_code: "Failed: the model in service cannot be followed",
}
_BY_STAGE = {
    "DataContinuity": "Refused: the data does not go on as it was",
    "InfraValidator": "Failed: the server that tries models does not work",
    "SmokeTest": "Failed: the server does not serve what was pushed",
    "BatchForecaster": "Failed: nothing was forecast",
    "Replenisher": "Failed: no orders were proposed",
}
"""Where the stage says more than the exit code."""
_PARTLY = {
    "statistics": "Statistics of the data were computed",
    "gate": "The data keeps the contract and the schema",
    "training": "A model was trained, and not judged",
}
_STILL_SERVES = "Nothing was pushed; what served before still serves."


def headline_of(run: RunFiles) -> Headline:
    """Says whether the model was pushed, and why."""
    tellers: dict[str, Callable[[RunFiles], Headline]] = {
        "failed": _failed,
        "interrupted": _interrupted,
        "running": _not_ended,
    }
    return tellers.get(run.report.status, _succeeded)(run)


def outcome_of(run: RunFiles) -> str:
    """Says what an earlier run came to, inside of a sentence.

    Returns:
        Words such as "pushed as version 7".
    """
    title = headline_of(run).title
    return title[:1].lower() + title[1:]


def why_not_reached(run: RunFiles) -> str:
    """Says why a part of the page is missing."""
    until = run.report.until
    stage = _stopped_in(run)
    if stage:
        return f"The run did not get here: it ended in {stage}."
    if run.report.status != "succeeded":
        return "The run did not get here: it ended before its first stage."
    if until != "push":
        return "This run was not to get here; 'demandcast run' trains and judges a model."
    return "The run left nothing for this part."


def _succeeded(run: RunFiles) -> Headline:
    headline = _judged(run)
    finding = (run.report.orders or {}).get("finding")
    if finding:
        headline = replace(headline, remarks=(*headline.remarks, f"Orders: {finding}."))
    return headline


def _judged(run: RunFiles) -> Headline:
    verdict = run.report.verdict
    if not verdict:
        title = _PARTLY.get(run.report.until, "Ended without a verdict")
        return Headline("good", title)
    comparison = str(verdict.get("comparison", ""))
    remark = f"{comparison[:1].upper()}{comparison[1:]}." if comparison else ""
    remarks = (remark,) if remark else ()
    if not verdict["blessed"]:
        title = "Refused: the model did not pass the gate"
        reasons = tuple(map(str, verdict.get("reasons", ())))
        reasons += (run.report.too_dear,) if run.report.too_dear else ()
        return Headline("bad", title, reasons, (*remarks, _STILL_SERVES))
    for check, reason in (
        ("cost check", run.report.too_dear),
        ("infrastructure check", run.report.unservable),
    ):
        if reason is not None:
            title = f"Refused: the model did not pass the {check}"
            return Headline("bad", title, (f"{reason.rstrip('.')}.",), (*remarks, _STILL_SERVES))
    push = run.report.push or {}
    passed = "It met every condition of the gate that applies."
    if push.get("pushed"):
        version = push.get("pushed_version") or (run.report.model or {}).get("version")
        return Headline("good", f"Pushed as version {version}", (passed,), remarks)
    reason = str(push.get("reason") or "the Pusher did not run")
    return Headline("good", "Blessed; nothing to push", (passed, _sentence(reason)), remarks)


def _failed(run: RunFiles) -> Headline:
    code = run.report.exit_code
    kind, _, message = (run.report.error or "").partition(": ")
    if code is None:
        known = getattr(errors, kind, None)
        code = getattr(known, "exit_code", 1)
    stage = _stopped_in(run)
    serves = _what_serves(run)
    where = f"It ended in {stage}. {serves}" if stage else serves
    if code in _REFUSALS:
        title = _BY_STAGE.get(stage or "", _REFUSALS[code])
        return Headline("bad", title, (message or kind,), (where,))
    title = f"Failed in {stage}" if stage else "Failed before the first stage"
    return Headline("bad", title, (f"{kind}: {message}",), (where, f"Traceback: {run.report.log}"))


def _interrupted(run: RunFiles) -> Headline:
    stage = _stopped_in(run)
    where = f" in {stage}" if stage else ""
    return Headline("plain", f"Interrupted{where}", remarks=(_what_serves(run),))


def _what_serves(run: RunFiles) -> str:
    """Says what a run that did not end well left in service."""
    push = run.report.push or {}
    if push.get("pushed"):
        return (
            f"Before that it pushed version {push.get('pushed_version', '?')}, which is in service."
        )
    if push or run.report.stage("Pusher") is None:
        return _STILL_SERVES
    # The pointer may have been written before the end, or not.
    where = run.report.serving_directory
    folder = f" in {where}" if where else ""
    return f"The push had begun: {POINTER_FILE}{folder} says what serves."


def _not_ended(run: RunFiles) -> Headline:
    return Headline(
        "plain",
        "Not ended",
        remarks=("The run is still working, or it was killed and could not say so.",),
    )


def _stopped_in(run: RunFiles) -> str | None:
    """Finds the stage that did not end well."""
    return next(
        (one.name for one in run.report.stages if one.status in ("failed", "running")), None
    )


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."
