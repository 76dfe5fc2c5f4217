"""`demandcast replenish`: order proposals from forecasts, stock and terms of supply."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from demandcast.components.reporting.words import several
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
from demandcast.schema.errors import ContractError

if TYPE_CHECKING:
    from demandcast.pipeline.proposal_folder import ReplenishSummary

__all__ = ["replenish_command"]


@click.command(
    "replenish",
    epilog=examples(
        "demandcast replenish --config demand.yaml",
        "demandcast replenish --config demand.yaml --forecasts forecasts/today.parquet",
        "demandcast replenish --config demand.yaml --set replenishment.budget=20000",
    ),
)
@config_options
@forecast_options
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Where the files go; <workspace>/<name>/orders/<id> if not given, where "
    "'demandcast orders' finds them.",
)
@click.option("--strict", is_flag=True, help="Exit with 2 if a line could not be computed.")
@quiet_option
@json_option
def replenish_command(  # noqa: PLR0913 - one per option
    *,
    config_file: Path,
    overrides: Sequence[str],
    forecasts: Path | None,
    cutoff: datetime.datetime | None,
    output: Path | None,
    strict: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Propose what to order, series by series, and say why.

    Stock, orders on their way and terms of supply are the tables that the section replenishment
    of the configuration names. Every series is in the result with a status: exceptions first,
    then what stands to be lost. A line that cannot be computed says why, and the others go on.

    Written are proposals.parquet, proposals.csv and proposals.html; docs/replenishment.md says
    how to read them. Nothing is ordered: 'demandcast orders' reviews, approves and exports.
    """
    config = load(config_file, overrides)
    log = pipeline_folder(config) / "replenish.log"
    from demandcast.pipeline.capture import captured_output

    with (
        progress(quiet=quiet) as console,
        captured_output(log),
        console.following("demandcast"),
    ):
        from demandcast.pipeline.replenish import ReplenishOptions, replenish

        options = ReplenishOptions(
            forecasts=forecasts, cutoff=cutoff.date() if cutoff else None, output=output
        )
        summary = replenish(config, console, options)
    if as_json:
        print_json(dataclasses.asdict(summary))
    elif not quiet:
        click.echo("\n".join(_lines(summary)))
    if strict and summary.problems:
        if quiet and not as_json:
            click.echo("\n".join(summary.problems), err=True)
        raise ContractError("--strict: some lines could not be computed, see above")


def _lines(summary: ReplenishSummary) -> list[str]:
    """Writes the summary for people."""
    counted = [
        f"{what:<12} " + ", ".join(f"{name} {count:,}" for name, count in counts.items())
        for what, counts in (("lines", summary.statuses), ("risk", summary.risk_classes))
    ]
    return [
        f"{several(summary.orders, 'order')} worth {summary.order_value:,.2f} from the evening of "
        f"{summary.cutoff}; {summary.waits}",
        *counted,
        *summary.problems,
        *summary.remarks,
        f"{'files':<12} {summary.folder}",
        f"{'next':<12} demandcast orders review",
    ]
