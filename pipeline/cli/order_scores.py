"""`demandcast orders score`: what people ordered beside what was proposed, by what was demanded."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from demandcast.pipeline.cli.options import (
    config_options,
    examples,
    json_option,
    load,
    print_json,
)
from demandcast.pipeline.cli.order_options import LATEST, log_shown
from demandcast.schema.errors import BadInputError

if TYPE_CHECKING:
    import polars as pl

    from demandcast.pipeline.orders.actuals import Actuals
    from demandcast.pipeline.orders.scoring import Overruled
    from demandcast.schema.config import RunConfig

__all__ = ["score_command"]

_TOTALS = {"month": "months", "user": "users", "kind": "kinds", "reason_kind": "reason_kinds"}
"""By what scores are added up, and what that is called among the results."""

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command(
    "score",
    epilog=examples(
        "demandcast orders score --config demand.yaml",
        "demandcast orders score --all --config demand.yaml",
        "demandcast orders score --since 2026-01-01 --until 2026-06-30 --config demand.yaml "
        "--output overrides.csv --totals totals.csv",
        "demandcast orders score --config demand.yaml --proposal 20261120 --actuals demand.csv",
    ),
)
@config_options
@click.option(
    "--proposal",
    "proposals",
    multiple=True,
    metavar="ID",
    help="A proposal: its identity, the beginning of it, or 'latest', which it is if nothing else "
    "is asked for; may be repeated.",
)
@click.option("--since", type=_DAY, help="All proposals with a cutoff on this day or later.")
@click.option("--until", type=_DAY, help="All proposals with a cutoff on this day or earlier.")
@click.option("--all", "all_of_them", is_flag=True, help="All proposals.")
@click.option(
    "--actuals",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Demand since: series key, timestamp, demand; .csv or .parquet. Otherwise the sales "
    "of the configuration.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a row per override here, .csv; it must not be there yet.",
)
@click.option(
    "--totals",
    "totals_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the totals here, .csv; it must not be there yet.",
)
@json_option
def score_command(  # noqa: PLR0913 - one per option
    *,
    config_file: Path,
    overrides: Sequence[str],
    proposals: tuple[str, ...],
    since: datetime.datetime | None,
    until: datetime.datetime | None,
    all_of_them: bool,
    actuals: Path | None,
    output: Path | None,
    totals_file: Path | None,
    as_json: bool,
) -> None:
    """Compare what people ordered with what was proposed, by what was demanded since.

    For each line that was rejected or changed: units short and left over at the end of the
    protection interval, and their cost, as proposed and as ordered. Of one proposal the lines are
    shown, of several the totals by month, by user, by what was done and by kind of reason: the
    word before a colon, as in 'promotion: festival on Saturday'. Where sales are cut short by an
    empty shelf, demand is at least what was sold, and marked.
    """
    from demandcast.pipeline.orders.scoring import score_overruled

    config = load(config_file, overrides)
    in_range = all_of_them or since is not None or until is not None
    if in_range and proposals:
        raise BadInputError("give either --proposal, or --since, --until or --all")
    _check_files(output, totals_file)
    with log_shown(quiet=False):
        overruled = _overruled(config, proposals, (since, until) if in_range else None)
    scores = score_overruled(
        config, overruled, lambda cutoff: _actuals(config, overruled, actuals, cutoff)
    )
    totals = _totals(scores)
    _write(scores, totals, output=output, totals_file=totals_file)
    if as_json:
        print_json(_values(scores, totals, overruled))
    else:
        _say(scores, totals, overruled)


def _overruled(
    config: RunConfig,
    proposals: tuple[str, ...],
    days: tuple[datetime.datetime | None, datetime.datetime | None] | None,
) -> Overruled:
    from demandcast.pipeline.orders.scoring import (
        DateRange,
        overruled_between,
        overruled_named,
    )

    if days is None:
        return overruled_named(config, proposals or (LATEST,))
    since, until = (None if day is None else day.date() for day in days)
    return overruled_between(config, DateRange(since, until))


def _actuals(config: RunConfig, overruled: Overruled, file: Path | None, cutoff: int) -> Actuals:
    from demandcast.pipeline.orders.actuals import actuals_of_file, actuals_of_sales

    if file is None:
        return actuals_of_sales(config, after=cutoff)
    return actuals_of_file(
        file, series_key=overruled.series_key, frequency=config.forecast.frequency
    )


def _totals(scores: pl.DataFrame) -> dict[str, pl.DataFrame]:
    from demandcast.components.replenishment.override_scores import score_totals

    return {by: score_totals(scores, by) for by in _TOTALS} if scores.height else {}


def _check_files(*files: Path | None) -> None:
    for option, file in zip(("--output", "--totals"), files, strict=True):
        if file is not None and file.suffix.lower() != ".csv":
            raise BadInputError(f"{option}: {file}: the name must end in .csv")


def _write(
    scores: pl.DataFrame,
    totals: dict[str, pl.DataFrame],
    *,
    output: Path | None,
    totals_file: Path | None,
) -> None:
    """Writes what is asked for as CSV for spreadsheets."""
    import polars as pl

    from demandcast.pipeline.orders.review_files import csv_content, write_new_file

    if output is not None:
        write_new_file(output, csv_content(scores))
    if totals_file is not None:
        parts = [
            table.rename({by: "group"}).insert_column(0, pl.lit(by).alias("by"))
            for by, table in totals.items()
        ]
        whole = pl.concat(parts) if parts else pl.DataFrame()
        write_new_file(totals_file, csv_content(whole), option="--totals")


def _values(
    scores: pl.DataFrame, totals: dict[str, pl.DataFrame], overruled: Overruled
) -> dict[str, object]:
    """What was scored, for scripts."""
    rows = {name: totals[by].to_dicts() if by in totals else [] for by, name in _TOTALS.items()}
    counts = {"proposals": overruled.proposals, "gone": list(overruled.gone)}
    return {**counts, "overrides": scores.to_dicts(), **rows}


def _say(scores: pl.DataFrame, totals: dict[str, pl.DataFrame], overruled: Overruled) -> None:
    """Shows the lines of one proposal, or the totals of several."""
    from demandcast.pipeline.cli.order_texts import score_table, totals_table
    from demandcast.pipeline.orders.words import counted

    if overruled.gone:
        gone = counted(len(overruled.gone), "proposal")
        click.echo(
            f"warning: {gone} that people overruled {'is' if len(overruled.gone) == 1 else 'are'} "
            f"no longer there and cannot be scored, first: {overruled.gone[0]}",
            err=True,
        )
    of = counted(overruled.proposals, "proposal")
    if not scores.height:
        click.echo(f"nobody overruled anything in {of}")
        return
    if overruled.proposals == 1:
        click.echo(score_table(scores, overruled.series_key) + "\n")
        click.echo(totals_table(totals["user"], "user"))
        return
    censored = counted(int(scores["censored"].sum()), "line")
    click.echo(f"{counted(scores.height, 'override')} in {of}; demand is 'at least' in {censored}")
    for by, table in totals.items():
        click.echo("\n" + totals_table(table, by))
