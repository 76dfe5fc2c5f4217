"""`demandcast simulate`: policies of ordering on the same demand, in money."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

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
from demandcast.pipeline.places import pipeline_folder
from demandcast.schema.errors import BadInputError

if TYPE_CHECKING:
    from demandcast.pipeline.simulate import Simulated

__all__ = ["simulate_command"]


@click.command(
    "simulate",
    epilog=examples(
        "demandcast simulate --config demand.yaml",
        "demandcast simulate --config demand.yaml --targets 0.9,0.95,0.98 --start 2026-03-01",
        "demandcast simulate --config demand.yaml --demand true_demand.parquet --without-lots",
    ),
)
@config_options
@click.option(
    "--targets",
    default="0.9,0.95,0.98",
    show_default=True,
    metavar="SHARES",
    help="Of replenishment.service.measure; each is simulated.",
)
@click.option(
    "--candidate",
    "run_id",
    metavar="RUN",
    help="Decide by the model that a run trained: its id, or latest; not the one in service.",
)
@day_option(
    "--start",
    help="Evening of the first decision; after a quarter of the unseen cutoffs if not given. What "
    "lies before teaches how sure the forecasts are.",
)
@click.option(
    "--demand",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Series key, timestamp and demand, where it is known what was asked for; otherwise what "
    "was sold, which is less where the shelf was empty.",
)
@click.option(
    "--sample-data",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="The tables are those that 'demandcast sample-data' wrote here: adds the policy that "
    "knows the distribution of their demand, and takes the true demand.",
)
@click.option(
    "--without-lots",
    is_flag=True,
    help="Order any whole quantity, not packs and smallest orders: what the levels alone achieve.",
)
@click.option("--seed", type=click.IntRange(min=0), default=17, show_default=True)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Where simulation.json, policies.csv and simulation.html go; "
    "<workspace>/<name>/simulations/<id> if not given.",
)
@quiet_option
@json_option
def simulate_command(  # noqa: PLR0913 - one per option
    *,
    config_file: Path,
    overrides: Sequence[str],
    targets: str,
    run_id: str | None,
    start: datetime.datetime | None,
    demand: Path | None,
    sample_data: Path | None,
    without_lots: bool,
    seed: int,
    output: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Simulate what orders by the forecasts would have cost.

    At each cutoff that the model has not seen, orders are decided as 'demandcast replenish' would
    have, and the stock is carried on from there. Beside it stand, on the same demand and the same
    lead times: the textbook's mean and sigma, an economic order quantity with safety stock, last
    year's sales, and perfect foresight.

    Terms of supply are today's, from the section replenishment of the configuration. A model
    that was just trained has seen nearly all there is: train one with sampling.end some months
    back, and simulate with it.
    """
    config = load(config_file, overrides)
    wanted = _shares(targets)
    log = pipeline_folder(config) / "simulate.log"
    from demandcast.pipeline.capture import captured_output

    with progress(quiet=quiet) as console, captured_output(log):
        console.say("loading TensorFlow")
        from demandcast.pipeline.simulate import SimulateOptions, simulate
        from demandcast.pipeline.simulation_files import free_simulation_folder, write_simulation

        folder = free_simulation_folder(config, output)
        options = SimulateOptions(
            targets=wanted,
            run_id=run_id,
            start=start.date() if start else None,
            demand=demand,
            sample_data=sample_data,
            whole_lots=not without_lots,
            seed=seed,
        )
        found = simulate(config, console, options)
        facts = write_simulation(found, config, folder)
    if as_json:
        print_json(facts | {"folder": str(folder)})
    elif not quiet:
        click.echo("\n".join(_lines(found, folder)))


def _shares(text: str) -> tuple[float, ...]:
    """Reads --targets.

    Raises:
        BadInputError: One is no share between 0 and 1.
    """
    try:
        shares = tuple(sorted({float(part) for part in text.split(",") if part.strip()}))
    except ValueError:
        shares = ()
    if not shares or not all(0 < share < 1 for share in shares):
        raise BadInputError(
            f"--targets: got {text!r}; allowed: shares between 0 and 1 such as 0.9,0.95"
        )
    return shares


def _lines(found: Simulated, folder: Path) -> list[str]:
    """Writes the table for people."""
    lines = [
        f"{found.series:,} series from {found.first} to {found.last}, the first {found.warm_up} "
        f"periods not counted; {found.cutoffs} cutoffs with decisions, {found.teaching} before "
        "them taught",
        "",
        f"{'target':>6}  {'policy':<20} {'cycles':>7} {'95 % interval':>15} {'fill':>7} "
        f"{'stock':>9} {'cost':>13} {'ratio':>6}",
    ]
    for row in found.table.iter_rows(named=True):
        low, high = row["cycle_service_level_low"], row["cycle_service_level_high"]
        ratio, name = row["operating_cost_ratio"], row["policy"].replace("_", " ")
        between = "-" if low is None else f"{100 * max(low, 0):.1f} to {100 * min(high, 1):.1f}"
        lines.append(
            f"{100 * row['target']:>4g} %  {name:<20} {_percent(row['cycle_service_level']):>7} "
            f"{between:>15} {_percent(row['fill_rate']):>7} "
            f"{row['mean_on_hand']:>9,.1f} {row['operating_cost']:>13,.0f} "
            f"{'' if ratio is None else format(ratio, '.3f'):>6}"
        )
    return [*lines, "", f"files  {folder}"]


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
