"""`demandcast allocate`: the limited stock of warehouses goes where it avoids most."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from demandcast.pipeline.cli.options import (
    config_options,
    examples,
    forecast_options,
    json_option,
    load,
    print_json,
    progress,
    quiet_option,
)
from demandcast.pipeline.places import pipeline_folder

if TYPE_CHECKING:
    from demandcast.pipeline.allocate import AllocationSummary

__all__ = ["allocate_command"]


@click.command(
    "allocate",
    epilog=examples(
        "demandcast allocate --config demand.yaml --supply warehouses.csv",
        "demandcast allocate --config demand.yaml --supply warehouses.csv "
        "--forecasts forecasts/today.parquet",
    ),
)
@config_options
@click.option(
    "--supply",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="What warehouses have, CSV or Parquet: warehouse, columns of the series key such as the "
    "item, on_hand; and if known transport_days, transport_cost (of a unit), pack_size.",
)
@forecast_options
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Where the files go; <workspace>/<name>/allocations/<id> if not given.",
)
@quiet_option
@json_option
def allocate_command(  # noqa: PLR0913 - one per option
    *,
    config_file: Path,
    overrides: Sequence[str],
    supply: Path,
    forecasts: Path | None,
    cutoff: datetime.datetime | None,
    output: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Share what warehouses have left among the stores, where it avoids most.

    Each pack goes to the series whose expected lost sales it avoids are worth most, until their
    next order arrives, less what it costs to bring and to hold. Stock, orders on their way and
    terms are the tables that the section replenishment of the configuration names, as for
    'demandcast replenish'. Every series has a row that says what it gets and why, and what it
    would lose without; every row of the supply says what stays and why.

    Written are allocation.parquet, allocation.csv, warehouses.csv and allocation.html, and
    open_orders.csv: the transfers as lines on their way, for the table open_orders, so that
    'demandcast replenish' counts on them. docs/replenishment.md has an example.
    """
    config = load(config_file, overrides)
    log = pipeline_folder(config) / "allocate.log"
    from demandcast.pipeline.capture import captured_output

    with (
        progress(quiet=quiet) as console,
        captured_output(log),
        console.following("demandcast"),
    ):
        from demandcast.pipeline.allocate import AllocateOptions, allocate

        options = AllocateOptions(supply, forecasts, cutoff.date() if cutoff else None, output)
        summary = allocate(config, console, options)
    if as_json:
        print_json(dataclasses.asdict(summary))
    elif not quiet:
        click.echo("\n".join(_lines(summary)))


def _lines(summary: AllocationSummary) -> Iterator[str]:
    """Writes the summary for people."""
    money = f" {summary.currency}".rstrip()
    transfers = "transfer" if summary.transfers == 1 else "transfers"
    yield (
        f"{summary.transfers:,} {transfers} of {summary.units_sent:,.6g} units from the evening of "
        f"{summary.cutoff}; {summary.units_left:,.6g} units stay"
    )
    yield f"{'avoided':<12} {summary.avoided_cost:,.2f}{money} of lost sales"
    yield f"{'transport':<12} {summary.transport_cost:,.2f}{money}"
    counts = (f"{name} {count:,}" for name, count in summary.statuses.items())
    yield f"{'series':<12} {', '.join(counts)}"
    yield from summary.problems
    yield f"{'files':<12} {summary.folder}"
