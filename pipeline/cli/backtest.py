"""`demandcast backtest`: how good the forecasts would have been."""

from __future__ import annotations

import json
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
    progress,
    quiet_option,
)
from demandcast.pipeline.cli.outputs import check_outputs
from demandcast.pipeline.places import pipeline_folder
from demandcast.schema.artifact_names import BACKTEST_FILE, BACKTEST_METRICS_FILE
from demandcast.schema.errors import BadInputError

if TYPE_CHECKING:
    from demandcast.schema.config import RunConfig

__all__ = ["backtest_command"]


@click.command(
    "backtest",
    epilog=examples(
        "demandcast backtest --config demand.yaml",
        "demandcast backtest --config demand.yaml --retrain --cutoffs 6 --stride 28",
        "demandcast backtest --config demand.yaml --model 1795175205 --slices category,store",
        "demandcast backtest --config demand.yaml --forecasts --stride 1 --recorded 1",
    ),
)
@config_options
@click.option(
    "--cutoffs",
    type=click.IntRange(min=1),
    metavar="N",
    help="How many; the last has one horizon of data after it, or --recorded. If not given: 4 "
    "with --retrain or --allow-seen, otherwise all that the model has not seen in training, at "
    "most 12.",
)
@click.option(
    "--stride",
    type=click.IntRange(min=1),
    metavar="P",
    help="Periods between cutoffs; sampling.eval_stride, or one horizon, if not given.",
)
@click.option(
    "--slices",
    metavar="COLUMNS",
    help="Static columns by which to slice beside demand_class, such as category,store; "
    "gate.slices if not given.",
)
@click.option(
    "--model",
    "version",
    type=int,
    metavar="VERSION",
    help="Score this version in the serving directory, not the one in service.",
)
@click.option(
    "--candidate",
    "run_id",
    metavar="RUN",
    help="Score the model that a run trained: its id, or latest.",
)
@click.option(
    "--retrain", is_flag=True, help="Train a model for each cutoff, on the data up to it only."
)
@click.option(
    "--allow-seen",
    is_flag=True,
    help="Score also cutoffs that the model has seen in training; they are marked.",
)
@click.option(
    "--forecasts",
    is_flag=True,
    help="Keep the forecasts of each series at each cutoff beside what was sold, as Parquet files "
    "in the folder origins.",
)
@click.option(
    "--recorded",
    type=click.IntRange(min=1),
    metavar="P",
    help="Periods recorded after the last cutoff, at least; one horizon if not given. With fewer, "
    "the newest cutoffs are judged by the beginning of their horizons.",
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Where backtest.json, metrics.csv and origins go; <workspace>/<name>/backtests/<id> if "
    "not given.",
)
@quiet_option
@json_option
def backtest_command(  # noqa: PLR0913 - one per option
    *,
    config_file: Path,
    overrides: Sequence[str],
    cutoffs: int | None,
    stride: int | None,
    slices: str | None,
    version: int | None,
    run_id: str | None,
    retrain: bool,
    allow_seen: bool,
    forecasts: bool,
    recorded: int | None,
    output: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Score forecasts at rolling cutoffs in the past.

    Beside the model stand three simple forecasts: seasonal naive, a moving average, and Croston.
    Metrics are those of the gate; stocked-out and unrecorded periods do not count.

    The model in service is scored where it has seen nothing of what followed. A model just
    trained leaves one such cutoff; --retrain trains one for each cutoff, as a run at that time
    would have. Nothing is pushed. What was interrupted goes on from the cache.
    """
    if (version is not None) + (run_id is not None) + retrain > 1:
        raise click.UsageError("give one of --model, --candidate and --retrain")
    if retrain and allow_seen:
        raise click.UsageError("--allow-seen says nothing with --retrain: no model sees its cutoff")
    if retrain and recorded:
        raise click.UsageError(
            "--recorded says nothing with --retrain: each model is trained up to one horizon "
            "before the end"
        )
    config = load(config_file, overrides)
    if output is not None:
        check_outputs([output / BACKTEST_FILE, output / BACKTEST_METRICS_FILE])
    from demandcast.pipeline.capture import captured_output
    from demandcast.pipeline.cli.backtest_table import backtest_text

    log = pipeline_folder(config) / "backtest.log"
    with progress(quiet=quiet) as console, captured_output(log):
        console.say("loading TensorFlow")
        from demandcast.pipeline.backtest import BacktestOptions, backtest

        options = BacktestOptions(
            count=cutoffs,
            stride=stride,
            slices=_slice_columns(config, slices),
            version=version,
            run_id=run_id,
            retrain=retrain,
            allow_seen=allow_seen,
            forecasts=forecasts,
            recorded=recorded,
            output=output,
        )
        found, folder = backtest(config, console, options)
    if as_json:
        print_json(json.loads(found.model_dump_json()) | {"folder": str(folder)})
    elif not quiet:
        click.echo(backtest_text(found))
        click.echo(f"\nfiles      {folder}")
        if found.origins is not None:
            click.echo(f"forecasts  {folder / found.origins}")


def _slice_columns(config: RunConfig, slices: str | None) -> tuple[str, ...]:
    """Reads --slices.

    Raises:
        BadInputError: A column is not static.
    """
    if slices is None:
        return config.gate.slices
    names = tuple(name.strip() for name in slices.split(",") if name.strip())
    allowed = config.data.columns.all_static
    unknown = [name for name in names if name not in allowed]
    if unknown:
        raise BadInputError(f"--slices: no static column {unknown}; allowed: {list(allowed)}")
    return names
