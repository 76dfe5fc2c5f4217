"""`demandcast report`: draws the page of a run again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from demandcast.pipeline.cli.options import config_options, examples, load

__all__ = ["report_command"]


@click.command(
    "report",
    epilog=examples(
        "demandcast report --config demand.yaml",
        "demandcast report --config demand.yaml --run in-service --output report.html",
    ),
)
@config_options
@click.option(
    "--run",
    metavar="RUN",
    default="latest",
    show_default=True,
    help="A run id or its beginning, 'latest', 'in-service', or the version of a model.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="File to write; report.html in the folder of the run if not given.",
)
def report_command(
    *, config_file: Path, overrides: Sequence[str], run: str, output: Path | None
) -> None:
    """Draw the report of a run again: one HTML file that needs no network.

    Each run draws its own report at its end. Draw it again to have it elsewhere, or with a
    backtest that was made since.
    """
    from demandcast.pipeline.cli.outputs import check_outputs
    from demandcast.pipeline.history import History
    from demandcast.pipeline.places import run_folder
    from demandcast.pipeline.run_page import write_run_page

    config = load(config_file, overrides)
    found = History(config).resolve(run)
    folder = run_folder(config, found.run_id)
    if output is not None:
        check_outputs([output])
    click.echo(write_run_page(folder, output))
