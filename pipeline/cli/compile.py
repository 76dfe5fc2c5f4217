"""`demandcast compile`: the pipeline as a file that Kubeflow Pipelines runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from demandcast.pipeline.cli.kubeflow_options import compile_quietly
from demandcast.pipeline.cli.options import config_options, examples, load, progress, quiet_option

if TYPE_CHECKING:
    from demandcast.pipeline.kubeflow.reach import TargetName

__all__ = ["compile_command"]


@click.command(
    "compile",
    epilog=examples(
        "demandcast compile --config demand.yaml --output pipeline.yaml",
        "demandcast compile --config demand.yaml --output pipeline.yaml --explain",
        "demandcast compile --config demand.yaml --target vertex --output pipeline.json",
    ),
)
@config_options
@click.option(
    "--target",
    type=click.Choice(["kubeflow", "vertex"]),
    default="kubeflow",
    show_default=True,
    help="kubeflow: two YAML documents for open-source Kubeflow Pipelines 2.5 and later. "
    "vertex: the JSON that TFX writes for Vertex AI.",
)
@click.option(
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write; replaced if it is there.",
)
@click.option(
    "--explain",
    is_flag=True,
    help="Print what a run may change, what each stage gets, and what is cached.",
)
@quiet_option
def compile_command(
    *,
    config_file: Path,
    overrides: Sequence[str],
    target: TargetName,
    output: Path,
    explain: bool,
    quiet: bool,
) -> None:
    """Compile the pipeline for Kubeflow Pipelines or Vertex AI.

    Nothing is read but the configuration and the reviewed schema, and nothing is written but the
    output: no data, no network. The same configuration and code give the same bytes. Images,
    resources and places come from the section kubeflow of the configuration.
    """
    from demandcast.pipeline.cli.outputs import check_outputs
    from demandcast.pipeline.kubeflow.reach import check_compilable
    from demandcast.schema.whole_file import write_whole

    config = load(config_file, overrides)
    check_outputs([output])
    check_compilable(config, target)
    with progress(quiet=quiet) as console:
        compiled = compile_quietly(config, target, console)
        write_whole(output, compiled.text)
        console.say(f"{target}: {len(compiled.stages)} stages in {output}")
    if explain:
        from demandcast.pipeline.cli.compile_table import explain_pipeline

        click.echo(explain_pipeline(config, compiled.stages))
