"""`demandcast validate`: the checks of the data, alone."""

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

__all__ = ["validate_command"]


@click.command(
    "validate",
    epilog=examples(
        "demandcast validate --config demand.yaml --set data.sales=new_sales.csv",
    ),
)
@config_options
@quiet_option
@json_option
def validate_command(
    *, config_file: Path, overrides: Sequence[str], quiet: bool, as_json: bool
) -> None:
    """Check the data against the contract and the schema.

    These are the first stages of the pipeline; a later run takes them from the cache. Exit
    code 2: the tables break the contract. 3: the data contradicts the schema, or
    does not go on as that of the model in service.
    """
    from demandcast.pipeline.cli.results import (
        show_continuity,
        show_stages,
        show_transactions,
    )
    from demandcast.pipeline.training_run import RunOptions, run

    config = load(config_file, overrides)
    with progress(quiet=quiet) as console:
        report = run(config, console, RunOptions(until="gate"))
    if as_json:
        print_json(json.loads(report.to_json()))
    elif not quiet:
        show_stages(report)
        show_transactions(report)
        click.echo("\nThe data keeps the contract and the schema.")
        show_continuity(report)
