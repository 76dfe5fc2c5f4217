"""`demandcast submit` and `demandcast schedule`: runs on Kubeflow Pipelines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from demandcast.pipeline.cli.kubeflow_options import (
    connection_options,
    open_server,
    submission_options,
    upload_compiled,
)
from demandcast.pipeline.cli.options import (
    config_options,
    examples,
    json_option,
    load,
    print_json,
    progress,
    quiet_option,
)

__all__ = ["schedule_command", "submit_command"]


@click.command(
    "submit",
    epilog=examples(
        "demandcast submit --config demand.yaml --host https://kfp.example",
        "demandcast submit --config demand.yaml --parameter training_epochs=5 --no-wait",
    ),
)
@config_options
@submission_options
@click.option("--name", help="Name of the run; that of the pipeline and its version if not given.")
@click.option("--no-wait", is_flag=True, help="Return as soon as the run is created.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    help="Minutes to wait for the end; the run goes on after that.",
)
@connection_options
@quiet_option
@json_option
def submit_command(  # noqa: PLR0913 - one per option
    *,
    config_file: Path,
    overrides: Sequence[str],
    assignments: Sequence[str],
    experiment: str,
    name: str | None,
    no_wait: bool,
    timeout: float | None,
    quiet: bool,
    as_json: bool,
    **connection: Any,
) -> None:
    """Compile the pipeline, upload it, and run it on Kubeflow Pipelines.

    The same pipeline is uploaded once. The command waits for the end and exits as 'demandcast run'
    does: 4 where the gate refused the model, 3 where the data was stopped.
    """
    from demandcast.pipeline.kubeflow.reach import check_compilable
    from demandcast.pipeline.kubeflow.server_api import Submission
    from demandcast.pipeline.kubeflow.submitting import (
        given_parameters,
        raise_verdict,
        wait_for_end,
    )

    config = load(config_file, overrides)
    check_compilable(config, "kubeflow")
    parameters = given_parameters(config, assignments)
    with progress(quiet=quiet) as console:
        server = open_server(connection)
        version = upload_compiled(config, server, console)
        run_id = server.create_run(
            Submission.of(
                config.kubeflow,
                version,
                name=name or f"{config.name} {version.name}",
                experiment=experiment,
                parameters=parameters,
            )
        )
        console.say(f"run {run_id}")
        state = None
        if not no_wait:
            state = wait_for_end(
                server,
                run_id,
                timeout_seconds=None if timeout is None else 60 * timeout,
                on_change=lambda task, now: console.say(f"  {task:17} {now.lower()}"),
            )
    if as_json:
        ended = {} if state is None else {"state": state.state, "tasks": dict(state.tasks)}
        print_json({"run_id": run_id, "version": version.name, **ended})
    elif not quiet:
        click.echo(run_id if state is None else f"{run_id} {state.state.lower()}")
    if state is not None:
        raise_verdict(state)


@click.command(
    "schedule",
    epilog=examples(
        "demandcast schedule --config demand.yaml --cron '30 2 * * *' --host https://kfp.example",
        "demandcast schedule --config demand.yaml --cron '0 3 * * 1' --name weekly",
    ),
)
@config_options
@submission_options
@click.option("--cron", required=True, help="When: minute, hour, day, month, day of the week; UTC.")
@click.option("--name", help="Name of the schedule; that of the pipeline if not given.")
@connection_options
@quiet_option
@json_option
def schedule_command(  # noqa: PLR0913 - one per option
    *,
    config_file: Path,
    overrides: Sequence[str],
    assignments: Sequence[str],
    experiment: str,
    cron: str,
    name: str | None,
    quiet: bool,
    as_json: bool,
    **connection: Any,
) -> None:
    """Compile the pipeline, upload it, and run it again and again.

    Each run reads the snapshot of its date (parameter data_snapshot, YYYY-MM-DD), where the paths
    of the data name one. Runs do not overlap, and those that were missed are not made up for.
    """
    from demandcast.pipeline.kubeflow.reach import check_compilable
    from demandcast.pipeline.kubeflow.server_api import Submission
    from demandcast.pipeline.kubeflow.submitting import check_cron, scheduled_parameters

    config = load(config_file, overrides)
    check_compilable(config, "kubeflow")
    parameters = scheduled_parameters(config, assignments)
    expression = check_cron(cron)
    with progress(quiet=quiet) as console:
        server = open_server(connection)
        version = upload_compiled(config, server, console)
        schedule_id = server.create_schedule(
            Submission.of(
                config.kubeflow,
                version,
                name=name or config.name,
                experiment=experiment,
                parameters=parameters,
            ),
            cron=expression,
        )
    if as_json:
        print_json({"schedule_id": schedule_id, "version": version.name, "cron": expression})
    elif not quiet:
        click.echo(schedule_id)
