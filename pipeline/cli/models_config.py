"""What `demandcast promote` and `demandcast rollback --models-config` have in common."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from demandcast.pipeline.cli.options import print_json, progress
from demandcast.pipeline.cli.serving_options import connection_options, open_clients

if TYPE_CHECKING:
    from demandcast.pipeline.console import Console
    from demandcast.serving.models_file import Placement
    from demandcast.serving.promotion import ModelsFile, Servers, Step

__all__ = ["MODELS_CONFIG", "carry_out", "server_options"]

F = TypeVar("F", bound=Callable[..., Any])

MODELS_CONFIG = click.Path(dir_okay=False, path_type=Path)
"""Type of --models-config."""

_OPTIONS = (
    click.option(
        "--model", default="demand", show_default=True, help="Name of the model in the file."
    ),
    click.option(
        "--timeout",
        type=click.FloatRange(min=0),
        default=300.0,
        show_default=True,
        metavar="SECONDS",
        help="How long to wait until every server has loaded the version, and then until it "
        "answers by the label; 0 asks once.",
    ),
    click.option("--dry-run", is_flag=True, help="Show what would change; write nothing."),
)


def server_options(function: F) -> F:
    """Adds --model, those of the connection, --timeout and --dry-run."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return connection_options(function)


def carry_out(
    path: Path,
    change: Callable[[Placement], Placement],
    *,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Changes a models.config, or shows how, and says what came of it.

    Args:
        path: The file.
        change: Says what it shall say in the end.
        quiet: Says nothing but errors.
        as_json: Writes the result as JSON.
        options: What `server_options` adds.
    """
    from demandcast.serving.promotion import ModelsFile, move

    if not options["addresses"]:
        raise click.UsageError("Missing option '--address'.")
    file = ModelsFile(path, options["model"])
    with progress(quiet=quiet) as console, _servers(options, console) as servers:
        _warn_of_comments(file, console)
        if options["dry_run"]:
            _show(file, change, servers)
            return
        after = move(file, change, servers, lambda step: _say(step, console))
    if as_json:
        print_json({"labels": dict(after.labels), "versions": sorted(after.numbers)})
    elif not quiet:
        click.echo(", ".join(f"{label} {version}" for label, version in after.labels.items()))


@contextlib.contextmanager
def _servers(options: Mapping[str, Any], console: Console) -> Iterator[Servers]:
    from demandcast.serving.promotion import Servers

    with open_clients(options, options["model"]) as clients:
        yield Servers(
            list(clients),
            lambda address: clients[address].status(),
            lambda address, label: clients[address].metadata(version_label=label).version,
            timeout_seconds=options["timeout"],
            on_wait=lambda text: console.say(f"  waiting: {text}"),
        )


def _warn_of_comments(file: ModelsFile, console: Console) -> None:
    from demandcast.serving.models_file import comments_lost

    if lost := comments_lost(file.read()):
        console.say(f"{file.path}: {lost} comments inside of it are not kept, but in its heading")


def _say(step: Step, console: Console) -> None:
    from demandcast.serving.promotion import describe

    console.say(describe(step))


def _show(file: ModelsFile, change: Callable[[Placement], Placement], servers: Servers) -> None:
    """Writes the difference that each step would make to standard output."""
    from demandcast.serving.promotion import describe, plan

    text = file.read()
    before = file.placement(text)
    loaded = servers.loaded_anywhere() if before.versions is None else frozenset[int]()
    steps = plan(before, change(before), loaded)
    for number, step in enumerate(steps, start=1):
        new = file.with_placement(text, step.after)
        click.echo(f"step {number}: {describe(step)}")
        click.echo("".join(_difference(text, new, file.path)), nl=False)
        text = new
    if not steps:
        click.echo("nothing to change")


def _difference(old: str, new: str, path: Path) -> Iterator[str]:
    lines = [text.splitlines(keepends=True) for text in (old, new)]
    return difflib.unified_diff(lines[0], lines[1], fromfile=str(path), tofile=str(path))
