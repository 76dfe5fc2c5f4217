"""What `training.weighting` does to intervals, by speed of the series: `make bench-weighting`.

    python tests/benchmarks/weighting.py --config examples/quickstart.yaml

Trains each weighting with each seed on the same examples, those of a run of the configuration
(made, unless it is there), and scores it on the eval split. The table goes to standard output.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

_WEIGHTINGS = ("volume", "balanced", "equal")
_CLASSES = 5


def main() -> None:
    options = _arguments()
    job, evaluation, config = _job(options.config, options.set)
    edges = None
    print(_head())
    for weighting in _WEIGHTINGS:
        for seed in options.seeds:
            changed = config.training.model_copy(update={"weighting": weighting, "seed": seed})
            print(f"training {weighting}, seed {seed}", file=sys.stderr, flush=True)
            model, _ = job.train(config.network, changed)
            seen = _forecasts(model, job, job.train_files)
            scored = _forecasts(model, job, evaluation)
            edges = _edges(scored) if edges is None else edges
            cells = [weighting, seed, *_losses(scored), _held(seen), _held(scored)]
            cells += [_held(scored, mask=part) for part in _by_speed(scored, edges)]
            print(f"| {' | '.join(map(str, cells))} |", flush=True)
    print(f"\nUnits per period at the edges of the classes: {', '.join(f'{e:.1f}' for e in edges)}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--config", type=Path, required=True, help="configuration of the run")
    parser.add_argument("--set", action="append", default=[], help="as of `demandcast run`")
    parser.add_argument("--seeds", type=int, nargs="+", default=[17, 18, 19])
    return parser.parse_args()


def _job(config_file: Path, overrides: Sequence[str]) -> tuple[Any, list[str], Any]:
    """Prepares the examples as the pipeline does.

    Returns:
        The training job, the files of the eval split, and the configuration.
    """
    from demandcast.components.forecasting.job import TrainingJob
    from demandcast.pipeline.console import Console
    from demandcast.pipeline.overrides import load_with_overrides
    from demandcast.pipeline.quickstart import ensure_sample_data
    from demandcast.pipeline.training_run import RunOptions, run

    config = load_with_overrides(config_file, overrides, folder=config_file.parent)
    console = Console(io.StringIO())
    ensure_sample_data(config, console, preset="quickstart")
    report = run(config, console, RunOptions(until="training"))
    graph = report.artifact("Transform", "transform_graph")
    examples = report.artifact("Transform", "transformed_examples")
    assert graph is not None
    assert examples is not None
    arguments = SimpleNamespace(
        custom_config={
            "series": config.series.model_dump_json(),
            "features": config.features.model_dump_json(),
        },
        transform_graph_path=graph.uri,
        train_files=[f"{examples.uri}/Split-train/*"],
        eval_files=[f"{examples.uri}/Split-validation/*"],
    )
    job = TrainingJob.from_arguments(arguments)
    return job, sorted(map(str, Path(examples.uri, "Split-eval").glob("*"))), config


def _forecasts(model: Any, job: Any, files: Sequence[str]) -> dict[str, Any]:
    """Forecasts examples at their own cutoffs; in units per period."""
    from demandcast.components.forecasting.dataset import WindowDataset
    from demandcast.components.forecasting.losses import clip_at_zero
    from demandcast.schema.config import TrainingConfig

    spec = job.transform_output.transformed_feature_spec()
    parts = [
        (clip_at_zero(model(inputs, training=False)).numpy(), labels.numpy())
        for inputs, labels in WindowDataset(job.windows, spec, TrainingConfig()).evaluation(files)
    ]
    forecast = np.concatenate([forecast for forecast, _ in parts])
    units, weight, scale = np.moveaxis(np.concatenate([labels for _, labels in parts]), 2, 0)
    return {
        "actual": units * scale,
        "quantiles": forecast[..., :-1] * scale[..., None],
        "levels": job.levels,
        "mask": weight > 0,
        "scale": scale[:, 0],
    }


def _edges(scored: dict[str, Any]) -> Any:
    return np.quantile(scored["scale"], np.linspace(0, 1, _CLASSES + 1))


def _by_speed(scored: dict[str, Any], edges: Any) -> list[Any]:
    """Which periods count in each class of series, the slowest first."""
    speed = np.clip(np.searchsorted(edges, scored["scale"], side="right") - 1, 0, _CLASSES - 1)
    return [scored["mask"] & (speed == k)[:, None] for k in range(_CLASSES)]


def _losses(scored: dict[str, Any]) -> list[str]:
    from demandcast.components.metrics.point import wape
    from demandcast.components.metrics.quantile import weighted_quantile_loss

    actual, quantiles, levels = scored["actual"], scored["quantiles"], scored["levels"]
    mask = scored["mask"]
    loss = weighted_quantile_loss(actual, quantiles, quantile_levels=levels, scored_mask=mask)
    error = wape(actual, quantiles[..., levels.index(0.5)], scored_mask=mask)
    return [f"{loss:.4f}", f"{error:.4f}"]


def _held(scored: dict[str, Any], *, mask: Any = None) -> str:
    from demandcast.components.metrics.quantile import coverage

    share = coverage(
        scored["actual"],
        scored["quantiles"],
        quantile_levels=scored["levels"],
        nominal=0.8,
        scored_mask=scored["mask"] if mask is None else mask,
    )
    return f"{share:.3f}"


def _head() -> str:
    names = ["weighting", "seed", "weighted quantile loss", "WAPE"]
    names += ["in 80 %, windows of training", "in 80 %"]
    names += ["in 80 %, slowest fifth", *["next"] * (_CLASSES - 2), "fastest"]
    return f"| {' | '.join(names)} |\n|{'---|' * len(names)}"


if __name__ == "__main__":
    main()
