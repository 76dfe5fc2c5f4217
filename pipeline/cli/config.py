"""`demandcast config`: shows an example, or what a file comes to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from demandcast.pipeline.cli.options import examples, json_option, load, print_json

__all__ = ["config_command"]


@click.command(
    "config",
    epilog=examples(
        "demandcast config --example > demand.yaml",
        "demandcast config --config demand.yaml --set training.epochs=5",
    ),
)
@click.option("--example", is_flag=True, help="Print a commented example with every key.")
@click.option(
    "--config",
    "config_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Check this file, and print all values, defaults included.",
)
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a value of the file; may be repeated. Relative paths start here.",
)
@json_option
def config_command(
    *, example: bool, config_file: Path | None, overrides: Sequence[str], as_json: bool
) -> None:
    """Show an example configuration, or check one."""
    if example == (config_file is not None):
        raise click.UsageError("give either --example or --config FILE")
    if example and (overrides or as_json):
        raise click.UsageError("--set and --json go with --config FILE")
    if config_file is None:
        from demandcast.schema.config.example import example_yaml

        click.echo(example_yaml(), nl=False)
        return
    values = load(config_file, overrides).model_dump(mode="json")
    if as_json:
        print_json(values)
        return
    import yaml

    click.echo(yaml.safe_dump(values, sort_keys=False), nl=False)
