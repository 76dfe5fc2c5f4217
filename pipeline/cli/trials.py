"""How the search of a run is shown."""

from __future__ import annotations

import click

from demandcast.components.tuning.results import (
    SearchReport,
    TrialReport,
    read_search,
    searched_names,
)
from demandcast.pipeline.cli.results import table_text
from demandcast.pipeline.console import duration_text
from demandcast.pipeline.reports import RunReport
from demandcast.schema.model_settings import value_text

__all__ = ["show_search"]

_BEST_TRIALS = 5


def show_search(report: RunReport) -> None:
    """Prints the best trials of the Tuner, and the untuned one, if it ran or was cached."""
    results = report.artifact("Tuner", "tuner_results")
    if results is None:
        return
    search = read_search(results.uri)
    click.echo("\n" + _headline(search) + "\n")
    click.echo(_table(search))


def _headline(search: SearchReport) -> str:
    failed = sum(trial.status == "failed" for trial in search.trials)
    kept = f", {search.resumed_trials} of them kept from before" if search.resumed_trials else ""
    return (
        f"Search: {len(search.trials)} trials{kept}, {failed} failed, "
        f"in {duration_text(search.seconds)}; ended by: {search.stopped_by}."
    )


def _table(search: SearchReport) -> str:
    shown = list(search.best_first[:_BEST_TRIALS])
    shown += [trial for trial in search.trials[:1] if trial not in shown]
    names = searched_names(search.best)
    rows = [
        [_name(trial), _score(trial), duration_text(trial.seconds), str(trial.epochs)]
        + [value_text(trial.values[path]) for path in names]
        for trial in shown
    ]
    return table_text(["trial", "loss", "time", "epochs", *names.values()], rows)


def _name(trial: TrialReport) -> str:
    notes = ["untuned"] * (int(trial.trial) == 0) + ["cut short"] * trial.cut_short
    return f"{int(trial.trial) + 1}" + (f" ({', '.join(notes)})" if notes else "")


def _score(trial: TrialReport) -> str:
    return "failed" if trial.score is None else f"{trial.score:.4f}"
