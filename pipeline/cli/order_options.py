"""Options that the commands of `demandcast orders` share, and what they make of them."""

from __future__ import annotations

import contextlib
import getpass
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from demandcast.pipeline.cli.options import progress
from demandcast.schema.errors import BadInputError

if TYPE_CHECKING:
    from demandcast.pipeline.orders.desk import Desk
    from demandcast.schema.config import RunConfig

__all__ = [
    "LATEST",
    "choice_options",
    "file_option",
    "filter_options",
    "log_shown",
    "opened_desk",
    "proposal_option",
    "user_name",
    "user_option",
]

F = TypeVar("F", bound=Callable[..., Any])

LATEST = "latest"
proposal_option = click.option(
    "--proposal",
    default=LATEST,
    show_default=True,
    metavar="ID",
    help="The proposal: its identity, the beginning of it, or 'latest'.",
)
user_option = click.option(
    "--user",
    metavar="NAME",
    help="Who decides, for the log; if not given, who is logged in. Nobody checks it.",
)
file_option = click.option(
    "--file",
    "key_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A text file with a SERIES per line.",
)
_supplier_option = click.option("--supplier", metavar="NAME", help="Only lines of this supplier.")


def filter_options(function: F) -> F:
    """Adds the options by which lines are chosen to look at."""
    for name, what in (
        ("--state", "proposed, approved, rejected, changed, exported; or waiting: for a person"),
        ("--risk", "low, medium, high or critical"),
        ("--status", "as in the table: order, reduced, held_back, infeasible, ..."),
    ):
        function = click.option(
            name, multiple=True, metavar="WORD", help=f"Only lines so: {what}; may be repeated."
        )(function)
    return _supplier_option(function)


def choice_options(function: F) -> F:
    """Adds what approve and reject choose lines by, and who says so."""
    for option in (
        click.option("--dry-run", is_flag=True, help="Only say what would be decided."),
        user_option,
        click.option(
            "--all-below",
            type=click.FloatRange(min=0),
            metavar="VALUE",
            help="All lines that cost less than this.",
        ),
        click.option("--supplier", metavar="NAME", help="All lines of this supplier."),
        file_option,
        proposal_option,
    ):
        function = option(function)
    return function


def user_name(given: str | None) -> str:
    """Who acts: as given, or whom the operating system has logged in."""
    if given is not None:
        return given
    try:
        return getpass.getuser()
    except (OSError, KeyError) as error:
        raise BadInputError("--user: the system does not say who is logged in; give it") from error


def opened_desk(config: RunConfig, proposal: str) -> Desk:
    """Opens a proposal to look at; shows what there is to say about it."""
    from demandcast.pipeline.orders.desk import open_desk

    with log_shown(quiet=False):
        return open_desk(config, proposal)


@contextlib.contextmanager
def log_shown(*, quiet: bool) -> Iterator[None]:
    """Shows warnings of the log's keeper on standard error."""
    with progress(quiet=quiet) as console, console.following("demandcast"):
        yield
