"""`demandcast promote`: a label of a models.config to another version."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from demandcast.pipeline.cli.models_config import MODELS_CONFIG, carry_out, server_options
from demandcast.pipeline.cli.options import examples, json_option, quiet_option

__all__ = ["promote_command"]


@click.command(
    "promote",
    epilog=examples(
        "demandcast promote --models-config models.config --version 1795175205 "
        "--label canary --address 10.0.0.7:8500",
        "demandcast promote --models-config models.config --version 1795175205 "
        "--address demand-serving-headless:8500",
    ),
)
@click.option(
    "--models-config",
    "path",
    required=True,
    type=MODELS_CONFIG,
    help="The file that servers read with --model_config_file.",
)
@click.option(
    "--version",
    required=True,
    type=click.IntRange(0, 2**63 - 1),
    help="Version that gets the label.",
)
@click.option(
    "--label", default="stable", show_default=True, help="The label: stable, or one beside it."
)
@click.option(
    "--drop-previous",
    is_flag=True,
    help="Unload the version that was stable; otherwise it stays, as 'previous'.",
)
@server_options
@quiet_option
@json_option
def promote_command(
    *, path: Path, version: int, label: str, drop_previous: bool, **options: Any
) -> None:
    """Move a label to another version, on servers that follow a models.config.

    First the file says to load the version beside the others. When every server has it, the file
    moves the label, and versions without a label are dropped; the command ends when every server
    answers by it. Without an answer in time it ends with 5, and no label moves to what is not
    loaded: see that the servers get the file (commit it, or apply it), and say the same again. It
    goes on where it was.
    """
    from demandcast.serving.promotion import promote

    carry_out(
        path,
        lambda placement: promote(placement, version, label=label, keep_previous=not drop_previous),
        **options,
    )
