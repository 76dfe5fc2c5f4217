"""`demandcast rollback`: an earlier version back into service."""

from __future__ import annotations

import datetime
import getpass
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
    quiet_option,
)

__all__ = ["rollback_command"]


@click.command(
    "rollback",
    epilog=examples(
        "demandcast rollback --config demand.yaml --reason 'orders twice too high'",
        "demandcast rollback --config demand.yaml --to 1795175205",
    ),
)
@config_options
@click.option(
    "--to",
    "to_version",
    type=click.IntRange(min=0),
    metavar="VERSION",
    help="Version to put back; without it, the one in service before the present one.",
)
@click.option("--reason", default="", metavar="TEXT", help="Why; kept beside the pointer.")
@quiet_option
@json_option
def rollback_command(
    *,
    config_file: Path,
    overrides: Sequence[str],
    to_version: int | None,
    reason: str,
    quiet: bool,
    as_json: bool,
) -> None:
    """Put an earlier version of the model back into service.

    Its files become a new version with the highest number, which running servers take up by
    themselves. Nothing is removed. The next run compares its model with this one, and does not
    push the model that was left. Said twice without --to, the second undoes the first.
    """
    from demandcast.components.publishing.rollback import RollbackRequest, roll_back
    from demandcast.pipeline.history import serving_files
    from demandcast.pipeline.lock import run_lock
    from demandcast.pipeline.places import pipeline_folder

    config = load(config_file, overrides)
    directory = str(config.push.serving_directory)
    with run_lock(pipeline_folder(config), work="a rollback"):
        pointer = roll_back(
            RollbackRequest(to_version, by=_user(), reason=reason),
            directory,
            files=serving_files(directory),
            now=datetime.datetime.now(datetime.UTC),
        )
    rollback = pointer.rollback
    if as_json:
        print_json(json.loads(pointer.to_json()))
    elif rollback is not None and not quiet:
        click.echo(
            f"version {pointer.version} is in service: a copy of {rollback.to_version}, "
            f"instead of {rollback.from_version}"
        )


def _user() -> str:
    """Name of the user; containers may run without one."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
