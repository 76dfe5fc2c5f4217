"""`demandcast run`: the whole pipeline."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from demandcast.pipeline.cli.options import (
    config_options,
    examples,
    json_option,
    load,
    print_json,
    progress,
    quiet_option,
)
from demandcast.pipeline.reports import RunReport
from demandcast.schema.errors import NotBlessedError

__all__ = ["refuse_if_not_blessed", "run_command", "show_run"]


@click.command(
    "run",
    epilog=examples(
        "demandcast run --config demand.yaml",
        "demandcast run --config demand.yaml --set training.epochs=5 --json",
    ),
)
@config_options
@click.option("--no-cache", is_flag=True, help="Run every stage, also where nothing changed.")
@quiet_option
@json_option
def run_command(
    *, config_file: Path, overrides: Sequence[str], no_cache: bool, quiet: bool, as_json: bool
) -> None:
    """Run the pipeline: check, transform, train, evaluate, try in a server, push, ask again.

    Stages whose inputs, configuration and code did not change use their earlier result. The
    model is pushed only if the gate blesses it and a server can serve it; otherwise the exit
    code is 4. With replenishment.enabled the model in service then forecasts every series, and
    orders are proposed for 'demandcast orders'.
    """
    from demandcast.pipeline.training_run import RunOptions, run

    config = load(config_file, overrides)
    with progress(quiet=quiet) as console:
        report = run(config, console, RunOptions(use_cache=not no_cache))
    if as_json:
        print_json(json.loads(report.to_json()))
    elif not quiet:
        show_run(report)
    refuse_if_not_blessed(report)


def show_run(report: RunReport) -> None:
    """Prints stages, search, verdict and places of a whole run."""
    from demandcast.pipeline.cli.results import show_places, show_stages, show_verdict
    from demandcast.pipeline.cli.trials import show_search

    show_stages(report)
    show_search(report)
    show_verdict(report)
    show_places(report)


def refuse_if_not_blessed(report: RunReport) -> None:
    """Turns the no of the gate, or of the checks beside it, into the exit code.

    Raises:
        NotBlessedError: The model did not pass.
    """
    if not report.blessed:
        reasons = (report.verdict or {}).get("reasons", ())
        raise NotBlessedError("the model did not pass the gate: " + "; ".join(reasons))
    if report.too_dear is not None:
        raise NotBlessedError(f"the model did not pass the cost check: {report.too_dear}")
    if report.unservable is not None:
        raise NotBlessedError(
            f"the model did not pass the infrastructure check: {report.unservable}"
        )
