"""`demandcast schema`: writes a first schema of the data, or shows the whole one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from demandcast.pipeline.cli.options import config_options, examples, load, progress, quiet_option
from demandcast.pipeline.cli.outputs import check_outputs
from demandcast.schema.artifact_names import STATISTICS_FILE
from demandcast.schema.errors import BadInputError
from demandcast.schema.whole_file import write_whole

__all__ = ["schema_group"]


@click.group(
    "schema",
    epilog=examples(
        "demandcast schema infer --config demand.yaml --output demand.pbtxt",
        "demandcast schema show --config demand.yaml",
    ),
)
def schema_group() -> None:
    """Infer or show the schema of the examples."""


@schema_group.command(
    "infer",
    epilog=examples(
        "demandcast schema infer --config demand.yaml --output demand.pbtxt",
        "(review it, then set feature_schema: demand.pbtxt in demand.yaml)",
    ),
)
@config_options
@click.option(
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write; refused if it is there, because it may hold your review.",
)
@click.option(
    "--max-categories",
    type=click.IntRange(min=0),
    default=50,
    show_default=True,
    help="Columns with more values get no list of them.",
)
@quiet_option
def infer_command(
    *, config_file: Path, overrides: Sequence[str], output: Path, max_categories: int, quiet: bool
) -> None:
    """Write a first schema of the data's own columns, to review and keep."""
    config = load(config_file, overrides)
    check_outputs([output])
    if output.exists():
        raise BadInputError(f"{output}: is there already; move it away, or name another file")
    from demandcast.pipeline.training_run import RunOptions, run

    with progress(quiet=quiet) as console:
        report = run(config, console, RunOptions(until="statistics"))
    from tensorflow_metadata.proto.v0 import statistics_pb2

    from demandcast.components.validation.infer import infer_schema_text

    artifact = report.artifact("StatisticsGen", "statistics")
    file = Path(artifact.uri if artifact else "", "Split-train", STATISTICS_FILE)
    statistics = statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read_bytes())
    text = infer_schema_text(statistics, config.series, max_categories=max_categories)
    write_whole(output, text)
    if not quiet:
        click.echo(f"{output}: review it, then name it as feature_schema in {config_file}")


@schema_group.command(
    "show",
    epilog=examples(
        "demandcast schema show --config demand.yaml",
    ),
)
@config_options
def show_command(*, config_file: Path, overrides: Sequence[str]) -> None:
    """Print the whole schema: curated rules, your columns, your review."""
    from demandcast.schema.errors import ConfigurationError
    from demandcast.schema.feature_schema import compose_schema_text

    config = load(config_file, overrides)
    reviewed = None
    if config.feature_schema is not None:
        try:
            reviewed = Path(config.feature_schema).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"feature_schema: cannot be read: {error}") from error
    click.echo(compose_schema_text(config.series, reviewed), nl=False)
