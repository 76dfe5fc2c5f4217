"""`demandcast forecast`: the forecast table from the model in service."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence
from pathlib import Path

import click

from demandcast.pipeline.cli.options import (
    config_options,
    day_option,
    examples,
    json_option,
    load,
    print_json,
    progress,
    quiet_option,
)
from demandcast.pipeline.cli.outputs import check_outputs
from demandcast.pipeline.places import pipeline_folder
from demandcast.schema.errors import BadInputError

__all__ = ["forecast_command"]


@click.command(
    "forecast",
    epilog=examples(
        "demandcast forecast --config demand.yaml --output forecasts/today --format csv",
    ),
)
@config_options
@click.option(
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="Files to write, without ending: forecasts/today gives forecasts/today.parquet.",
)
@day_option(
    "--cutoff",
    help="Last period that the model may see; the newest in the data if not given.",
)
@click.option(
    "--format",
    "formats",
    multiple=True,
    type=click.Choice(["parquet", "csv"]),
    default=("parquet",),
    show_default=True,
    help="May be repeated.",
)
@quiet_option
@json_option
def forecast_command(  # noqa: PLR0913 - one per option
    *,
    config_file: Path,
    overrides: Sequence[str],
    output: Path,
    cutoff: datetime.datetime | None,
    formats: tuple[str, ...],
    quiet: bool,
    as_json: bool,
) -> None:
    """Forecast every series with the model in service.

    The table has the series key, cutoff, step, timestamp, mean, and a column per quantile
    level. Known-future covariates must reach the horizon; what is missing is listed. Series that
    have ended, with no record and no plan for a horizon, are left out and counted.
    """
    config = load(config_file, overrides)
    if not output.name:
        raise BadInputError(f"--output: {output} has no name; such as forecasts/today")
    check_outputs([output.with_name(f"{output.name}.{name}") for name in formats])
    log = pipeline_folder(config) / "forecast.log"
    from demandcast.pipeline.capture import captured_output

    with (
        progress(quiet=quiet) as console,
        captured_output(log),
        console.following("demandcast"),
    ):
        console.say("loading TensorFlow")
        from demandcast.pipeline.batch_forecast import forecast_batch

        summary = forecast_batch(
            config, output=output, cutoff=cutoff.date() if cutoff else None, formats=formats
        )
    values = dataclasses.asdict(summary)
    if as_json:
        print_json(values)
    elif not quiet:
        for name, value in values.items():
            text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
            click.echo(f"{name.replace('_', ' '):<16} {text}")
