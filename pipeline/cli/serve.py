"""`demandcast serve`: TensorFlow Serving's contract in one process."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from demandcast.pipeline.cli.options import (
    examples,
    json_option,
    load,
    optional_config_options,
    progress,
    quiet_option,
)
from demandcast.pipeline.cli.serve_flags import flags, server_config

if TYPE_CHECKING:
    from demandcast.serving.server import ModelServer

__all__ = ["serve_command"]


@click.command(
    "serve",
    epilog=examples(
        "demandcast serve --config demand.yaml --port 8500 --rest_api_port 8501",
        "demandcast serve --model_base_path /models/demand --model_name demand",
        "demandcast serve --model_config_file models.config "
        "--model_config_file_poll_wait_seconds 30",
    ),
)
@optional_config_options
@flags
@quiet_option
@json_option
def serve_command(
    *,
    config_file: Path | None,
    overrides: Sequence[str],
    quiet: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Serve models over gRPC and REST, until SIGTERM or Ctrl-C.

    Speaks TensorFlow Serving's PredictionService and ModelService and takes its flags. New
    versions in a directory replace the old one without a pause. While there is none it waits for
    a first one, and answers NOT_FOUND.
    """
    _silence_libraries()
    run = None if config_file is None else load(config_file, overrides)
    config = server_config(given, run)
    from demandcast.serving.server import serve

    def started(server: ModelServer) -> None:
        if as_json:
            click.echo(
                json.dumps(
                    {
                        "address": server.address,
                        "port": server.port,
                        "rest_address": server.rest_address,
                    }
                )
            )
        elif not quiet:
            what = config.model_config_file or repr(config.model_name)
            rest = f" and {server.rest_address}" if server.rest_address else ""
            click.echo(f"listening on {server.address}{rest} for {what}")

    with progress(quiet=quiet) as console, console.following("demandcast"):
        serve(config, on_started=started)


def _silence_libraries() -> None:
    """Keeps what TensorFlow, gRPC and Google's libraries tell developers off the screen.

    They read the environment when they are first imported; the user's own choice wins.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    warnings.filterwarnings(
        "ignore", message="You are using a Python version", category=FutureWarning
    )
