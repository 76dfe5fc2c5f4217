"""`demandcast sample-data`: simulates a retail chain."""

from __future__ import annotations

from pathlib import Path

import click

from demandcast.pipeline.cli.options import (
    examples,
    json_option,
    print_json,
    progress,
    quiet_option,
)

__all__ = ["sample_data_command"]


@click.command(
    "sample-data",
    epilog=examples(
        "demandcast sample-data data",
        "demandcast sample-data data --preset tiny --seed 3 --format csv",
    ),
)
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--preset",
    type=click.Choice(["tiny", "quickstart", "standard"]),
    default="standard",
    show_default=True,
    help="Size: 10 thousand, 300 thousand or 1 million rows.",
)
@click.option("--stores", type=int, help="Number of stores.")
@click.option("--items", type=int, help="Number of items.")
@click.option("--periods", type=int, help="Periods of history.")
@click.option("--frequency", metavar="D|W-MON|...|W-SUN", help="Daily, or weekly on a weekday.")
@click.option("--horizon", type=int, help="Periods after the last sale with plans.")
@click.option("--seed", type=int, help="Same seed, same data.")
@click.option(
    "--format", "file_format", type=click.Choice(["parquet", "csv"]), help="Parquet if not given."
)
@quiet_option
@json_option
def sample_data_command(
    *,
    folder: Path,
    preset: str,
    file_format: str | None,
    quiet: bool,
    as_json: bool,
    **sizes: object,
) -> None:
    """Simulate a retail chain and write its tables into FOLDER.

    Sales as tills see them, prices, promotions, holidays, weather, stock; and, in a file of
    its own, the true demand that empty shelves hide.
    """
    given = {name: value for name, value in sizes.items() if value is not None}
    if file_format is not None:
        given["format"] = file_format
    from demandcast.components.simulation.config import preset as make_config

    config = make_config(preset, **given)
    with progress(quiet=quiet) as console, console.following("demandcast"):
        from demandcast.components.simulation.write import write_sample_data

        files = write_sample_data(folder, config)
    if as_json:
        print_json({"folder": str(files.folder), "rows": dict(files.rows)})
    elif not quiet:
        click.echo(f"{files.rows['sales']:,} rows of sales in {files.sales}")
        click.echo(f"all tables and columns: {files.readme}")
