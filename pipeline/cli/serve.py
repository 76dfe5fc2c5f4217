"""`demandcast serve`: a gRPC server on the serving directory."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from demandcast.pipeline.cli.options import (
    config_options,
    examples,
    json_option,
    load,
    progress,
    quiet_option,
)

if TYPE_CHECKING:
    from demandcast.serving.server import ModelServer

__all__ = ["serve_command"]


@click.command(
    "serve",
    epilog=examples(
        "demandcast serve --config demand.yaml --port 8500",
    ),
)
@config_options
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8500,
    show_default=True,
    help="Port; 0 takes a free one.",
)
@quiet_option
@json_option
def serve_command(
    *,
    config_file: Path,
    overrides: Sequence[str],
    host: str,
    port: int,
    quiet: bool,
    as_json: bool,
) -> None:
    """Serve the pushed model over gRPC, until SIGTERM or Ctrl-C.

    Speaks TensorFlow Serving's PredictionService and ModelService. New versions in the
    serving directory replace the old one without a pause. While there is none it waits for a
    first one, and answers NOT_FOUND.
    """
    _silence_libraries()
    config = load(config_file, overrides)
    from demandcast.serving.server import serve
    from demandcast.serving.server.config import ServerConfig

    def started(server: ModelServer) -> None:
        if as_json:
            import json

            click.echo(json.dumps({"address": server.address, "port": server.port}))
        elif not quiet:
            click.echo(f"listening on {server.address} for {config.push.model_name!r}")

    with progress(quiet=quiet) as console, console.following("demandcast"):
        serve(
            ServerConfig(
                serving_directory=Path(str(config.push.serving_directory)),
                model_name=config.push.model_name,
                host=host,
                port=port,
            ),
            on_started=started,
        )


def _silence_libraries() -> None:
    """Keeps what TensorFlow, gRPC and Google's libraries tell developers off the screen.

    They read the environment when they are first imported; the user's own choice wins.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    warnings.filterwarnings(
        "ignore", message="You are using a Python version", category=FutureWarning
    )
