"""`demandcast smoke-test`: does a server answer as the model did when it was checked?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from demandcast.pipeline.cli.options import (
    config_options,
    examples,
    json_option,
    load,
    print_json,
    quiet_option,
)

if TYPE_CHECKING:
    from demandcast.pipeline.smoke import InService
    from demandcast.schema.config import RunConfig

__all__ = ["smoke_test_command"]


@click.command(
    "smoke-test",
    epilog=examples(
        "demandcast smoke-test --config demand.yaml",
        "demandcast smoke-test --config demand.yaml --address demand.serving:8500",
        "demandcast smoke-test --config demand.yaml --version 1795175205 --json",
    ),
)
@config_options
@click.option(
    "--address",
    metavar="HOST:PORT",
    help="gRPC server to ask; without it serving.address, and without that serving.command is "
    "started on the serving directory.",
)
@click.option(
    "--version",
    type=click.IntRange(min=0),
    metavar="VERSION",
    help="Version that must serve; the one that the pointer names if not given.",
)
@quiet_option
@json_option
def smoke_test_command(
    *,
    config_file: Path,
    overrides: Sequence[str],
    address: str | None,
    version: int | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Ask a server for the version in service, and compare its numbers.

    The infrastructure check of a run leaves a request in the model, and the answer to it. This
    sends that request. If the version does not come, if another one answers, or if the numbers
    differ, it says how, and the exit code is 5.
    """
    if address is not None:
        overrides = (*overrides, f"serving.address={address}")
    config = load(config_file, overrides)
    from demandcast.pipeline.history import serving_files
    from demandcast.pipeline.places import pipeline_folder
    from demandcast.pipeline.smoke import ask_in_service
    from demandcast.schema.artifact_names import SERVER_LOG_FILE

    found = ask_in_service(
        _meant(config, version),
        config.serving,
        files=serving_files(str(config.push.serving_directory)),
        log=pipeline_folder(config) / "smoke_test" / SERVER_LOG_FILE,
    )
    if as_json:
        print_json(asdict(found))
    elif not quiet:
        click.echo(str(found))


def _meant(config: RunConfig, version: int | None) -> InService:
    """Finds the version that is meant.

    Raises:
        ServingError: None is given, and none is in service.
    """
    from demandcast.components.publishing.pointer import read_pointer
    from demandcast.pipeline.history import serving_files
    from demandcast.pipeline.smoke import InService
    from demandcast.schema.errors import ServingError

    directory = str(config.push.serving_directory)
    if version is None:
        pointer = read_pointer(directory, serving_files(directory))
        if pointer is None:
            raise ServingError(f"{directory}: no model is in service; 'demandcast run' pushes one")
        version = pointer.version
    return InService(directory, version, config.push.model_name)
