"""`demandcast runs`: what earlier runs did, where they differ, and what is kept of them."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from demandcast.pipeline.cli.kubeflow_options import connection_options
from demandcast.pipeline.cli.kubeflow_runs import (
    list_server_runs,
    refuse_without_kubeflow,
    show_server_run,
)
from demandcast.pipeline.cli.options import (
    config_options,
    examples,
    json_option,
    load,
    print_json,
    quiet_option,
)
from demandcast.pipeline.lock import run_lock
from demandcast.pipeline.places import pipeline_folder

if TYPE_CHECKING:
    from demandcast.pipeline.history import History, PastRun
    from demandcast.pipeline.lineage import StageLineage

__all__ = ["runs_group"]

_kubeflow_option = click.option(
    "--kubeflow",
    is_flag=True,
    help="Ask Kubeflow Pipelines for its runs, by the options below, instead of this machine.",
)
_RUN_HELP = "RUN is a run id or its beginning, 'latest', 'in-service', or a model's version."


@click.group(
    "runs",
    epilog=examples(
        "demandcast runs list --config demand.yaml",
        "demandcast runs show latest --config demand.yaml",
        "demandcast runs compare in-service latest --config demand.yaml",
    ),
)
def runs_group() -> None:
    """List, show and compare the runs of a pipeline; remove what is old."""


@runs_group.command(
    "list",
    epilog=examples(
        "demandcast runs list --config demand.yaml",
        "demandcast runs list --config demand.yaml --limit 0 --json",
        "demandcast runs list --config demand.yaml --kubeflow --host https://kfp.example",
    ),
)
@config_options
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="Newest runs to show; 0 shows all.",
)
@_kubeflow_option
@connection_options
@json_option
def list_command(
    *,
    config_file: Path,
    overrides: Sequence[str],
    limit: int,
    kubeflow: bool,
    as_json: bool,
    **connection: Any,
) -> None:
    """List the newest runs: how they ended, on what data, how good the model was."""
    from demandcast.pipeline.cli.history_texts import run_row, runs_table

    if kubeflow:
        list_server_runs(load(config_file, overrides), connection, limit=limit, as_json=as_json)
        return
    refuse_without_kubeflow()
    history = _history(config_file, overrides)
    runs = list(history.newest(limit or None))
    if as_json:
        print_json([run_row(run) for run in runs])
    elif runs:
        click.echo(runs_table(runs))
        left = len(history.run_ids()) - len(runs)
        if left:
            click.echo(f"\n{left} older runs; --limit 0 shows all")
    else:
        click.echo(f"no runs in {history.folder}")


@runs_group.command(
    "show",
    help=f"Show what a run did and from what.\n\n{_RUN_HELP}",
    epilog=examples(
        "demandcast runs show latest --config demand.yaml",
        "demandcast runs show 20261120-0930 --config demand.yaml --json",
        "demandcast runs show in-service --config demand.yaml --kubeflow",
    ),
)
@click.argument("run")
@config_options
@_kubeflow_option
@connection_options
@json_option
def show_command(
    *,
    run: str,
    config_file: Path,
    overrides: Sequence[str],
    kubeflow: bool,
    as_json: bool,
    **connection: Any,
) -> None:
    """Prints one run in full."""
    from demandcast.pipeline.cli.history_texts import run_text, run_values

    if kubeflow:
        show_server_run(load(config_file, overrides), connection, run, as_json=as_json)
        return
    refuse_without_kubeflow()
    history = _history(config_file, overrides)
    past = history.resolve(run)
    lineage = _lineage(history, past)
    if as_json:
        print_json(run_values(past, lineage))
    else:
        click.echo(run_text(past, lineage))


@runs_group.command(
    "compare",
    help=f"Show where two runs differ: data, configuration, code, metrics, times.\n\n{_RUN_HELP}",
    epilog=examples(
        "demandcast runs compare in-service latest --config demand.yaml",
    ),
)
@click.argument("first", metavar="RUN")
@click.argument("second", metavar="RUN")
@config_options
@json_option
def compare_command(
    *, first: str, second: str, config_file: Path, overrides: Sequence[str], as_json: bool
) -> None:
    """Prints the differences of two runs."""
    from demandcast.pipeline.cli.history_texts import comparison_text
    from demandcast.pipeline.comparison import compare_runs

    history = _history(config_file, overrides)
    pair = history.resolve(first), history.resolve(second)
    if as_json:
        print_json(compare_runs(*pair))
    else:
        click.echo(comparison_text(*pair))


@runs_group.command(
    "prune",
    epilog=examples(
        "demandcast runs prune --config demand.yaml --dry-run",
        "demandcast runs prune --config demand.yaml --set retention.runs=3",
    ),
)
@config_options
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@quiet_option
@json_option
def prune_command(
    *, config_file: Path, overrides: Sequence[str], dry_run: bool, quiet: bool, as_json: bool
) -> None:
    """Remove what the section retention does not keep.

    Artifacts of old runs, old versions, old trials of searches and models of backtests, and what
    dead runs left half-written. A run does it at its end, unless a bug or Ctrl-C ended it. The
    version in service and the one before it stay, with the artifacts of their runs; so do reports
    and logs.
    """
    from demandcast.pipeline.retention import plan_pruning, prune

    config = load(config_file, overrides)
    lock = run_lock(pipeline_folder(config), work="a pruning")
    with contextlib.nullcontext() if dry_run else lock:
        plan = plan_pruning(config, now=datetime.datetime.now(datetime.UTC))
        if not dry_run:
            plan = prune(plan, config)
    if as_json:
        print_json({"removed": not dry_run, **dataclasses.asdict(plan)})
    elif not quiet:
        if dry_run and not plan.is_empty:
            places = [str(path) for path in plan.places]
            places += [f"version {version}" for version in plan.versions]
            click.echo("\n".join(places))
        verb = "would remove" if dry_run else "removed"
        click.echo(f"{verb} {plan.text}" if not plan.is_empty else "nothing to remove")


def _history(config_file: Path, overrides: Sequence[str]) -> History:
    from demandcast.pipeline.history import History

    return History(load(config_file, overrides))


def _lineage(history: History, run: PastRun) -> Sequence[StageLineage]:
    """Reads the lineage; a run can be shown without it."""
    from demandcast.schema.errors import DemandcastError

    try:
        return history.store.stages(run.run_id)
    except DemandcastError as error:
        click.echo(f"without lineage: {error}", err=True)
        return ()
