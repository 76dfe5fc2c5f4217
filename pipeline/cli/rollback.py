"""`demandcast rollback`: an earlier version back into service."""

from __future__ import annotations

import datetime
import getpass
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from demandcast.pipeline.cli.models_config import MODELS_CONFIG, carry_out, server_options
from demandcast.pipeline.cli.options import (
    examples,
    json_option,
    load,
    optional_config_options,
    print_json,
    quiet_option,
)

__all__ = ["rollback_command"]


@click.command(
    "rollback",
    epilog=examples(
        "demandcast rollback --config demand.yaml --reason 'orders twice too high'",
        "demandcast rollback --config demand.yaml --to 1795175205",
        "demandcast rollback --models-config models.config --address 10.0.0.7:8500",
    ),
)
@optional_config_options
@click.option(
    "--to",
    "to_version",
    type=click.IntRange(min=0),
    metavar="VERSION",
    help="Version to put back; without it, the one in service before the present one.",
)
@click.option("--reason", default="", metavar="TEXT", help="Why; kept beside the pointer.")
@click.option(
    "--models-config",
    type=MODELS_CONFIG,
    help="Instead of --config: the file that servers read with --model_config_file.",
)
@server_options
@quiet_option
@json_option
def rollback_command(  # noqa: PLR0913 - one per option
    *,
    config_file: Path | None,
    overrides: Sequence[str],
    to_version: int | None,
    reason: str,
    models_config: Path | None,
    quiet: bool,
    as_json: bool,
    **servers: Any,
) -> None:
    """Put an earlier version of the model back into service.

    With --config, where servers load the newest version of the serving directory: its files become
    a new version with the highest number, which running servers take up by themselves. Nothing is
    removed. The next run compares its model with this one, and does not push the model that was
    left.

    With --models-config, where servers follow such a file: the label 'stable' goes back to the
    version that was stable before, in the two steps of 'demandcast promote'. The pointer of the
    serving directory stays, so the pipeline still compares with the newest version.

    Said twice without --to, the second undoes the first.
    """
    if (config_file is None) == (models_config is None):
        raise click.UsageError("Give one of '--config' and '--models-config'.")
    if models_config is not None and reason:
        raise click.UsageError("Option '--reason' goes with '--config'; a commit tells it better.")
    if models_config is None and (servers["addresses"] or servers["dry_run"]):
        raise click.UsageError("Options '--address' and '--dry-run' go with '--models-config'.")
    if models_config is not None:
        from demandcast.serving.promotion import roll_back as label_back

        carry_out(
            models_config,
            lambda placement: label_back(placement, to_version),
            quiet=quiet,
            as_json=as_json,
            **servers,
        )
    elif config_file is not None:
        _roll_back_directory(
            config_file, overrides, to_version, reason=reason, quiet=quiet, as_json=as_json
        )


def _roll_back_directory(
    config_file: Path,
    overrides: Sequence[str],
    to_version: int | None,
    *,
    reason: str,
    quiet: bool,
    as_json: bool,
) -> None:
    """Makes an earlier version the newest one of the serving directory."""
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
