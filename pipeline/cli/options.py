"""Options that several commands share, and what they make of them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from demandcast.pipeline.capture import screen
from demandcast.pipeline.console import Console, console_for

if TYPE_CHECKING:
    from demandcast.schema.config import RunConfig

__all__ = [
    "config_options",
    "day_option",
    "examples",
    "forecast_options",
    "json_option",
    "load",
    "optional_config_options",
    "print_json",
    "progress",
    "quiet_option",
]

F = TypeVar("F", bound=Callable[..., Any])

quiet_option = click.option("--quiet", "-q", is_flag=True, help="Say nothing but errors.")
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Write the result as JSON to standard output."
)


def day_option(name: str, *, help: str) -> Callable[[F], F]:
    """Makes an option that takes a day."""
    return click.option(name, type=click.DateTime(["%Y-%m-%d"]), metavar="YYYY-MM-DD", help=help)


def forecast_options(function: F) -> F:
    """Adds --forecasts and --cutoff: which forecasts are decided by."""
    function = day_option(
        "--cutoff",
        help="Decide as in the evening of this day; the newest in the data if not given.",
    )(function)
    return click.option(
        "--forecasts",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="A table that 'demandcast forecast' wrote, Parquet or CSV; made anew if not given.",
    )(function)


def config_options(function: F) -> F:
    """Adds --config and --set."""
    return _config_options(function, required=True)


def optional_config_options(function: F) -> F:
    """Adds --config and --set to a command that can do without."""
    return _config_options(function, required=False)


def _config_options(function: F, *, required: bool) -> F:
    function = click.option(
        "--set",
        "overrides",
        multiple=True,
        metavar="KEY=VALUE",
        help="Change a value, such as --set training.epochs=5; may be repeated. "
        "Relative paths start here.",
    )(function)
    return click.option(
        "--config",
        "config_file",
        required=required,
        type=click.Path(dir_okay=False, path_type=Path),
        help="The YAML file that describes the run.",
    )(function)


def examples(*lines: str) -> str:
    """Writes examples for the end of a help text."""
    # \b keeps click from joining the lines.
    title = "Example:" if len(lines) == 1 else "Examples:"
    return "\b\n" + "\n".join([title, *(f"  {line}" for line in lines)])


def load(config_file: Path, overrides: Sequence[str]) -> RunConfig:
    """Reads the configuration that --config and --set name."""
    from demandcast.pipeline.overrides import load_with_overrides

    return load_with_overrides(config_file, overrides, folder=Path.cwd())


@contextlib.contextmanager
def progress(*, quiet: bool) -> Iterator[Console]:
    """Gives a console on standard error that also shows what our own modules log."""
    with screen() as stream:
        console = console_for(stream, quiet=quiet)
        yield console


def print_json(value: Any) -> None:
    """Writes a result for scripts."""
    click.echo(json.dumps(value, indent=2, default=str, allow_nan=False))
