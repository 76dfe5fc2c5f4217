"""`demandcast quickstart`: sample data, run, server, forecast, in one go."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from demandcast.pipeline.cli.options import config_options, examples, load, progress, quiet_option
from demandcast.pipeline.cli.run import refuse_if_not_blessed, show_run

__all__ = ["quickstart_command"]


@click.command(
    "quickstart",
    epilog=examples(
        "demandcast quickstart --config examples/quickstart.yaml",
    ),
)
@config_options
@click.option(
    "--preset", default="quickstart", show_default=True, help="Size of the sample data, if absent."
)
@quiet_option
def quickstart_command(
    *, config_file: Path, overrides: Sequence[str], preset: str, quiet: bool
) -> None:
    """Show the whole walk: sample data, pipeline, server, forecast, orders.

    Writes sample data where the configuration expects its sales table, unless it is there;
    runs the pipeline; starts a server on what was pushed; asks it over gRPC; stops it; shows
    the most urgent orders that the run proposed.
    """
    from demandcast.pipeline.quickstart import ask_server, ensure_sample_data, urgent_orders
    from demandcast.pipeline.training_run import run

    config = load(config_file, overrides)
    with progress(quiet=quiet) as console:
        ensure_sample_data(config, console, preset=preset)
        report = run(config, console)
        show_run(report)
        refuse_if_not_blessed(report)
        answer = ask_server(
            config, console, report=report, arguments=_serve_arguments(config_file, overrides)
        )
    click.echo(f"\nForecasts by version {answer.version}, asked over gRPC on {answer.address}:\n")
    click.echo(answer.table)
    orders = urgent_orders(report, config.series)
    if orders:
        click.echo(f"\nMost urgent orders, of {(report.orders or {}).get('finding')}:\n")
        click.echo(orders)


def _serve_arguments(config_file: Path, overrides: Sequence[str]) -> list[str]:
    """Repeats --config and --set for the server's process."""
    return ["--config", str(config_file), *(f"--set={override}" for override in overrides)]
