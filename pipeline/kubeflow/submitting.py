"""Submits a compiled pipeline, and waits for the verdict of its run."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from demandcast.pipeline.kubeflow.parameters import RunParameter, parameters_of
from demandcast.pipeline.kubeflow.reach import check_serving_directory
from demandcast.pipeline.kubeflow.server_api import KubeflowServer
from demandcast.pipeline.kubeflow.server_runs import GATES_FOR_DATA, RunState
from demandcast.schema.config import RunConfig
from demandcast.schema.errors import (
    AnomalyError,
    BadInputError,
    DemandcastError,
    NotBlessedError,
    ServingError,
)

__all__ = [
    "check_cron",
    "given_parameters",
    "raise_verdict",
    "scheduled_parameters",
    "version_name",
    "wait_for_end",
]

_ASK_SERVERS = frozenset({"InfraValidator", "SmokeTest"})
"""Stages that fail where a server does not work."""

_DATE = "[[ScheduledTime.%Y-%m-%d]]"
"""The server writes the date of the schedule in its place."""


def version_name(text: str) -> str:
    """Names a version by its content, so that the same file is uploaded once.

    >>> version_name("a") == version_name("a") != version_name("b")
    True
    """
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def given_parameters(config: RunConfig, assignments: Sequence[str]) -> dict[str, Any]:
    """Reads values of run-time parameters, `NAME=VALUE`.

    Raises:
        BadInputError: There is no such parameter, the value is not of its type, or pods cannot see
            the serving directory.
    """
    known = {parameter.name: parameter for parameter in parameters_of(config)}
    values = {}
    for assignment in assignments:
        name, separator, text = assignment.partition("=")
        if not separator or name not in known:
            raise BadInputError(
                f"--parameter: got {assignment!r}; expected NAME=VALUE with one of "
                f"{', '.join(known)}"
            )
        values[name] = _value(known[name], text)
    if "serving_directory" in values:
        check_serving_directory(config, values["serving_directory"])
    return values


def scheduled_parameters(config: RunConfig, assignments: Sequence[str]) -> dict[str, Any]:
    """Reads values as `given_parameters`; the snapshot is the date of the schedule if not given."""
    dated = {"data_snapshot": _DATE} if config.data.has_snapshots else {}
    return dated | given_parameters(config, assignments)


def _value(parameter: RunParameter, text: str) -> Any:
    if parameter.kind == "STRING":
        return text
    expected = {"NUMBER_INTEGER": (int, "a whole number"), "STRUCT": (dict, "JSON in braces")}
    kind, words = expected[parameter.kind]
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, kind) or isinstance(value, bool):
        raise BadInputError(f"--parameter: {parameter.name}: got {text!r}; expected {words}")
    return value


def check_cron(text: str) -> str:
    """Completes a cron expression to the six fields of the server, seconds first.

    Raises:
        BadInputError: It has another number of fields.

    >>> check_cron("30 2 * * *")
    '0 30 2 * * *'
    """
    fields = text.split()
    if len(fields) == 5:
        fields = ["0", *fields]
    if len(fields) != 6:
        raise BadInputError(
            f"--cron: got {text!r}; expected five fields (minute, hour, day, month, day of the "
            "week), such as '30 2 * * *', or six with seconds first"
        )
    return " ".join(fields)


def wait_for_end(
    server: KubeflowServer,
    run_id: str,
    *,
    timeout_seconds: float | None,
    on_change: Callable[[str, str], None],
    pause_seconds: float = 5.0,
) -> RunState:
    """Waits until a run has ended.

    Args:
        server: Where it runs.
        run_id: The run.
        timeout_seconds: For how long; None for as long as it takes.
        on_change: Told name and state of a task that changed.
        pause_seconds: Between two questions.

    Raises:
        DemandcastError: It took too long; the run goes on.
    """
    begin = time.monotonic()
    seen: Mapping[str, str] = {}
    while True:
        state = server.state_of(run_id)
        for name, now in state.tasks.items():
            if seen.get(name) != now:
                on_change(name, now)
        seen = state.tasks
        if state.has_ended:
            return state
        if timeout_seconds is not None and time.monotonic() - begin > timeout_seconds:
            raise DemandcastError(
                f"run {run_id} is {state.state} after {timeout_seconds:.0f} s; it goes on"
            )
        time.sleep(pause_seconds)


def raise_verdict(state: RunState) -> None:
    """Turns the end of a run into an exit code, as `demandcast run` has it.

    Raises:
        NotBlessedError: The model did not pass the gate.
        AnomalyError: A gate for data stopped the run.
        ServingError: A server that was to be asked does not work, or answers otherwise.
        DemandcastError: It failed otherwise, or was canceled.
    """
    if state.state in ("SUCCEEDED", "SKIPPED"):
        if state.was_refused:
            raise NotBlessedError(
                f"run {state.run_id}: the model did not pass; nothing was pushed; the reasons are "
                "in the output 'evaluation' of Evaluator, or in 'blessing' of CostJudge or "
                "InfraValidator"
            )
        return
    failed = state.failed_tasks
    where = f" in {', '.join(failed)}" if failed else ""
    why = f": {state.error}" if state.error else ""
    message = f"run {state.run_id} ended as {state.state}{where}{why}; the log of the step says why"
    if set(failed) & set(GATES_FOR_DATA):
        raise AnomalyError(message)
    raise ServingError(message) if set(failed) & _ASK_SERVERS else DemandcastError(message)
