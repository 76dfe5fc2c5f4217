"""Parts of a run's page from the files of its artifacts: training, forecasts, backtest and more."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Mapping
from typing import Any

from demandcast.components.reporting.page_judged import (
    CoverageLevel,
    CoveragePart,
    DrawnForecast,
    ForecastsPart,
    ScoredSeries,
)
from demandcast.components.reporting.page_orders import OrdersPart
from demandcast.components.reporting.page_trained import (
    BacktestPart,
    BacktestRow,
    TrainingPart,
    Trial,
    TuningPart,
)
from demandcast.pipeline.orders_page import read_orders_part
from demandcast.pipeline.run_files import RunFiles
from demandcast.schema.artifact_names import (
    BACKTEST_FILE,
    FORECAST_EXAMPLES_FILE,
    TRAINING_FILE,
    TRIALS_FILE,
)

__all__ = [
    "backtest_part",
    "coverage_part",
    "forecasts_part",
    "orders_part",
    "training_part",
    "tuning_part",
]

_NOT_METRICS = frozenset({"cutoff", "slice", "forecaster", "examples"})


def training_part(run: RunFiles) -> TrainingPart | None:
    """Reads `training.json`; None if the run did not train."""
    values = run.artifact_json("Trainer", "model_run", TRAINING_FILE)
    if values is None:
        return None
    stage = run.report.stage("Trainer")
    return TrainingPart(
        curves={name: tuple(curve) for name, curve in values["curves"].items()},
        best_epoch=values["best_epoch"],
        validation_loss=values["validation_loss"],
        naive_loss=values["naive_loss"],
        series=values["series"],
        parameters=values["parameters"],
        out_of_time=values["out_of_time"],
        warnings=tuple(values["warnings"]),
        seconds=stage.seconds if stage and stage.status == "run" else None,
    )


def forecasts_part(run: RunFiles) -> ForecastsPart | None:
    """Reads the example forecasts of the Evaluator; None if the run did not evaluate."""
    values = run.artifact_json("Evaluator", "evaluation", FORECAST_EXAMPLES_FILE)
    if values is None:
        return None
    return ForecastsPart(
        sampled=values["sampled"],
        of=_eval_examples(run),
        scored=values["scored"],
        quantile_levels=tuple(values["quantile_levels"]),
        period_days=_period_days(values["examples"]),
        forecasts=tuple(_forecast(one) for one in values["examples"]),
        worst=tuple(_scored(one) for one in values["worst"]),
        heaviest=tuple(_scored(one) for one in values["heaviest"]),
    )


def coverage_part(run: RunFiles) -> CoveragePart | None:
    """Puts the coverage of each level beside that of the central intervals; None if not judged."""
    verdict = run.report.verdict
    if not verdict:
        return None
    folder = run.artifact("Evaluator", "evaluation")
    file = folder / FORECAST_EXAMPLES_FILE if folder else None
    sample = json.loads(file.read_bytes()) if file and file.exists() else {}
    known = _eval_examples(run)
    return CoveragePart(
        levels=tuple(CoverageLevel(**level) for level in sample.get("levels", ())),
        periods=sample.get("periods", 0),
        sampled=known is None or sample.get("sampled", 0) < known,
        intervals=tuple(_intervals(verdict["slices"][0]["candidate"])),
    )


def tuning_part(run: RunFiles) -> TuningPart | None:
    """Reads `trials.json`; None if the run did not tune."""
    values = run.artifact_json("Tuner", "tuner_results", TRIALS_FILE)
    if values is None:
        return None
    return TuningPart(
        objective=values["objective"],
        stopped_by=values["stopped_by"],
        seconds=values.get("seconds"),
        best=_texts(values["best"] or {}),
        trials=tuple(
            Trial(
                name=str(trial["trial"]),
                status=trial["status"],
                score=trial["score"],
                seconds=trial.get("seconds"),
                epochs=trial.get("epochs"),
                values=_texts(trial["values"]),
            )
            for trial in values["trials"]
        ),
        resumed=values.get("resumed_trials", 0),
    )


def orders_part(run: RunFiles) -> OrdersPart | None:
    """Reads what the Replenisher proposed; None if the run proposed nothing."""
    said = run.report.properties("Replenisher", "proposals") or {}
    folder = run.artifact("Replenisher", "proposals")
    return None if folder is None or said.get("proposed") == 0 else read_orders_part(folder)


def backtest_part(run: RunFiles) -> BacktestPart | None:
    """Reads the newest backtest of this run's model; otherwise of the pipeline since the run.

    A backtest that trains models of its own does not say by which configuration, code and data;
    one from before the run tells nothing about it.
    """
    digest = (run.report.model or {}).get("digest")
    backtests = run.folder.parent.parent / "backtests"
    of_the_pipeline = None
    for file in sorted(backtests.glob(f"*/{BACKTEST_FILE}"), reverse=True):
        values = json.loads(file.read_bytes())
        model = values.get("model")
        if model and digest and model.get("digest") == digest:
            return _backtest(values)
        if not model and of_the_pipeline is None and _is_since(run, values["created"]):
            of_the_pipeline = values
    return None if of_the_pipeline is None else _backtest(of_the_pipeline)


def _is_since(run: RunFiles, created: str) -> bool:
    """Tells whether something was made after a run had begun; no if the run does not say when."""
    started = run.report.started
    if not started:
        return False
    return datetime.datetime.fromisoformat(created) >= datetime.datetime.fromisoformat(started)


def _backtest(values: Mapping[str, Any]) -> BacktestPart:
    model = values.get("model")
    return BacktestPart(
        name=str(values["backtest_id"]),
        created=str(values["created"]),
        retrain=values["retrain"],
        horizon=values["horizon"],
        cutoffs=tuple(values["cutoffs"]),
        rows=tuple(
            BacktestRow(
                cutoff=row["cutoff"],
                slice=row["slice"],
                forecaster=row["forecaster"],
                examples=row["examples"],
                metrics={name: row[name] for name in row if name not in _NOT_METRICS},
            )
            for row in values["rows"]
        ),
        model=f"version {model['version']}" if model and model.get("version") else "",
        seen=tuple(values.get("seen_cutoffs", ())),
    )


def _intervals(metrics: Mapping[str, Any]) -> Iterator[tuple[float, Any, Any]]:
    for percent in (80, 90):
        if f"coverage_{percent}" in metrics:
            strict = metrics.get(f"strict_coverage_{percent}")
            yield percent / 100, metrics[f"coverage_{percent}"], strict


def _eval_examples(run: RunFiles) -> int | None:
    examples = run.report.artifact("SeriesExampleGen", "examples")
    found = examples.properties.get("examples_eval") if examples else None
    return None if found is None else int(found)


def _forecast(values: Mapping[str, Any]) -> DrawnForecast:
    lists = ("past_timestamps", "past", "past_in_stock", "timestamps", "actual", "in_stock")
    return DrawnForecast(
        place=values["place"],
        series=_scored(values["score"]),
        cutoff=values["score"]["cutoff"],
        quantiles=tuple(tuple(step) for step in values["quantiles"]),
        **{name: tuple(values[name]) for name in lists},
    )


def _scored(values: Mapping[str, Any]) -> ScoredSeries:
    return ScoredSeries(
        name=", ".join(values["series"].values()),
        demand_class=values["demand_class"],
        score=values["score"],
        mean_sale=values["mean_sale"],
        loss_share=values["loss_share"],
        bias=values["bias"],
    )


def _period_days(examples: list[Mapping[str, Any]]) -> int:
    """Measures the distance of two periods, days; 1 if there are not two."""
    for example in examples:
        dates = [datetime.date.fromisoformat(date) for date in example["timestamps"][:2]]
        if len(dates) == 2:
            return (dates[1] - dates[0]).days
    return 1


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: f"{value:.4g}" if isinstance(value, float) else str(value)
        for name, value in values.items()
    }
