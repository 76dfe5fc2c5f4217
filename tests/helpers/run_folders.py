"""Made-up folders of runs: `run.json` and the files of artifacts that the page of a run reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

STAGES = (
    "SeriesExampleGen",
    "StatisticsGen",
    "SchemaImport",
    "ExampleValidator",
    "AnomalyGate",
    "DataContinuity",
    "Transform",
    "Trainer",
    "Evaluator",
    "InfraValidator",
    "Pusher",
    "SmokeTest",
)
METRICS = {
    "examples": 380.0,
    "weighted_quantile_loss": 0.21,
    "weighted_quantile_loss_skill": 0.5,
    "wape": 0.36,
    "wape_skill": 0.3,
    "bias": -0.02,
    "coverage_80": 0.79,
    "strict_coverage_80": 0.6,
}
VERDICT = {
    "blessed": True,
    "reasons": [],
    "comparison": "no model in service: only the floors were judged",
    "slices": [
        {"name": "overall", "candidate": METRICS, "in_service": {}},
        {"name": "category=dairy", "candidate": METRICS, "in_service": {}},
    ],
    "notes": [],
}
CONFIG = {
    "name": "demand",
    "training": {"epochs": 5},
    "data": {
        "columns": {
            "target": "units",
            "series_key": ["store", "item"],
            "static": ["category"],
            "known_future": {"numeric": ["price"], "categorical": ["promotion"]},
            "observed_past": {"numeric": []},
        }
    },
    "gate": {
        "floors": {
            "weighted_quantile_loss_skill": 0.0,
            "wape_skill": 0.0,
            "coverage_tolerance": 0.1,
            "max_absolute_bias": None,
        },
        "change": {
            "max_relative_loss_increase": 0.01,
            "max_relative_loss_increase_per_slice": 0.1,
            "min_slice_examples": 100,
        },
    },
}
SCORE = {
    "series": {"store": "s1", "item": "<b>milk</b>"},
    "cutoff": "2026-03-16",
    "demand_class": "smooth",
    "score": 0.3,
    "mean_sale": 12.0,
    "loss_share": 0.1,
    "bias": -1.0,
}
EXAMPLES = {
    "sampled": 100,
    "scored": 90,
    "periods": 200,
    "quantile_levels": [0.1, 0.5, 0.9],
    "levels": [{"level": 0.1, "below": 0.09, "at_or_below": 0.12}],
    "worst": [SCORE],
    "heaviest": [SCORE],
    "examples": [
        {
            "place": "worst",
            "score": SCORE,
            "past_timestamps": ["2026-03-09", "2026-03-16"],
            "past": [None, 3.0],
            "past_in_stock": [1.0, 0.5],
            "timestamps": ["2026-03-23", "2026-03-30"],
            "actual": [4.0, None],
            "in_stock": [1.0, 1.0],
            "quantiles": [[1.0, 2.0, 3.0], [2.0, 3.0, 4.0]],
        }
    ],
}
TRAINING = {
    "curves": {"val_weighted_quantile_loss": [0.5, 0.3], "weighted_quantile_loss": [0.6, 0.4]},
    "best_epoch": 2,
    "validation_loss": 0.3,
    "naive_loss": 0.7,
    "series": 400,
    "parameters": 1000,
    "out_of_time": False,
    "warnings": ["w"],
}
SUMMARY = {
    "rows": 1000,
    "series": 10,
    "first": "2024-01-01",
    "last": "2026-03-30",
    "splits": {
        "train": {"examples": 10, "cutoffs": ["2026-02-01"], "series": "all"},
        "eval": {"examples": 380, "cutoffs": ["2026-03-16"], "series": "all"},
    },
}
BACKTEST = {
    "backtest_id": "20260401-000000-000",
    "created": "2026-04-01T00:00:00+00:00",
    "pipeline": "demand",
    "model": None,
    "retrain": True,
    "cutoffs": ["2026-01-01"],
    "horizon": 28,
    "frequency": "D",
    "seconds": 10.0,
    "rows": [
        {
            "cutoff": cutoff,
            "slice": "overall",
            "forecaster": forecaster,
            "examples": 10,
            "weighted_quantile_loss": 0.2,
            "wape": None,
            "bias": 0.0,
            "mase": 0.5,
            "rmsse": 0.5,
            "coverage_80": 0.8,
            "coverage_90": 0.9,
        }
        for cutoff in ("all", "2026-01-01")
        for forecaster in ("demandcast", "croston")
    ],
}
TRIALS = {
    "objective": "val_loss",
    "direction": "min",
    "budget_seconds": 60.0,
    "max_trials": 2,
    "stopped_by": "trials",
    "seconds": 50.0,
    "resumed_trials": 1,
    "best": {"units": 64, "learning_rate": 0.001234567},
    "trials": [
        {
            "trial": "00",
            "status": "completed",
            "score": 0.2,
            "seconds": 20.0,
            "epochs": 3,
            "values": {"units": 64},
        },
        {
            "trial": "01",
            "status": "failed",
            "score": None,
            "seconds": 1.0,
            "epochs": 0,
            "values": {"units": 512},
        },
    ],
}
_OUTPUTS = {
    "SeriesExampleGen": "examples",
    "StatisticsGen": "statistics",
    "SchemaImport": "schema",
    "ExampleValidator": "anomalies",
    "AnomalyGate": "schema",
    "DataContinuity": "finding",
    "Transform": "transform_graph",
    "Trainer": "model_run",
    "Evaluator": "evaluation",
    "InfraValidator": "blessing",
    "Pusher": "pushed_model",
    "SmokeTest": "result",
}


def write_run(
    workspace: Path, run_id: str, *, failed_in: str | None = None, **changes: Any
) -> Path:
    """Writes a run and its artifacts below `<workspace>/demand`; returns the run's folder.

    Args:
        workspace: Of the pipeline `demand`.
        run_id: Identity of the run.
        failed_in: Stage in which it ended; None for a run that went all the way.
        changes: Fields of `run.json` to replace.
    """
    pipeline = workspace / "demand"
    folder = pipeline / "runs" / run_id
    folder.mkdir(parents=True)
    reached = STAGES if failed_in is None else STAGES[: STAGES.index(failed_in) + 1]
    done = [name for name in reached if name != failed_in]
    artifacts = pipeline / "artifacts" / run_id
    write_artifacts(artifacts)
    values = {
        "pipeline": "demand",
        "run_id": run_id,
        "status": "succeeded" if failed_in is None else "failed",
        "started": "2026-04-01T09:30:05+00:00",
        "finished": "2026-04-01T09:32:05+00:00",
        "seconds": 120.0,
        "until": "push",
        "exit_code": 0 if failed_in is None else 1,
        "error": None if failed_in is None else "ZeroDivisionError: division by <zero>",
        "log": str(folder / "run.log"),
        "artifacts": str(pipeline / "artifacts"),
        "serving_directory": str(workspace / "serving"),
        "config": CONFIG,
        "data_fingerprint": "f" * 64,
        "data": {key: SUMMARY[key] for key in ("rows", "series", "first", "last")},
        "code_digests": {"forecasting": "c" * 64},
        "toolchain": {"tensorflow": "2.16.2"},
        "model": {"uri": "model", "digest": "d" * 64, "version": 7},
        "verdict": VERDICT if "Evaluator" in done else None,
        "push": {"pushed": 1, "pushed_version": "7", "reason": "pushed as version 7"}
        if "Pusher" in done
        else None,
        "stages": [_stage(name, artifacts, failed=name == failed_in) for name in reached],
    }
    (folder / "run.json").write_text(json.dumps(values | changes))
    return folder


def _stage(name: str, artifacts: Path, *, failed: bool) -> dict[str, Any]:
    """What `run.json` says of a stage."""
    output = {
        "uri": str(artifacts / name),
        "properties": {"examples_eval": 380} if name == STAGES[0] else {},
    }
    return {
        "name": name,
        "status": "failed" if failed else "run",
        "started": "2026-04-01T09:30:05+00:00",
        "seconds": 1.5,
        "peak_memory_bytes": 2**30,
        "outputs": {} if failed else {_OUTPUTS[name]: output},
    }


def write_artifacts(folder: Path) -> None:
    """Writes the files of artifacts that the page reads, a folder for each stage."""
    for name in STAGES:
        (folder / name).mkdir(parents=True)
    (folder / "SeriesExampleGen" / "summary.json").write_text(json.dumps(SUMMARY))
    (folder / "Trainer" / "training.json").write_text(json.dumps(TRAINING))
    (folder / "Evaluator" / "forecast_examples.json").write_text(json.dumps(EXAMPLES))
    (folder / "SchemaImport" / "schema.pbtxt").write_text(
        text_format.MessageToString(schema_pb2.Schema(feature=[schema_pb2.Feature(name="price")]))
    )
    for split in ("train", "eval"):
        for name, file, message in (
            ("StatisticsGen", "FeatureStats.pb", statistics_of()),
            ("ExampleValidator", "SchemaDiff.pb", anomalies_pb2.Anomalies()),
        ):
            target = folder / name / f"Split-{split}"
            target.mkdir()
            (target / file).write_bytes(message.SerializeToString())


def statistics_of() -> statistics_pb2.DatasetFeatureStatisticsList:
    """100 periods: 10 without a record, 30 of the 90 others without a sale, 5 units on average."""
    found = statistics_pb2.DatasetFeatureStatisticsList()
    dataset = found.datasets.add(num_examples=10)

    def numeric(name: str, *, mean: float, zeros: int, nan: int = 0) -> None:
        feature = dataset.features.add(type=statistics_pb2.FeatureNameStatistics.FLOAT)
        feature.path.step.append(name)
        statistics = feature.num_stats
        statistics.common_stats.tot_num_values = 100
        statistics.mean, statistics.num_zeros, statistics.max = mean, zeros, 9.0
        statistics.histograms.add(num_nan=nan)

    def text(name: str, **counts: int) -> None:
        feature = dataset.features.add(type=statistics_pb2.FeatureNameStatistics.STRING)
        feature.path.step.append(name)
        feature.string_stats.common_stats.tot_num_values = sum(counts.values())
        feature.string_stats.unique = len(counts)
        for label, size in counts.items():
            feature.string_stats.rank_histogram.buckets.add(
                label="" if label == "missing" else label, sample_count=size
            )

    numeric("target", mean=4.5, zeros=40)
    numeric("observed_mask", mean=0.9, zeros=10)
    numeric("in_stock_fraction", mean=0.95, zeros=2)
    numeric("price", mean=3.0, zeros=0, nan=4)
    text("promotion", none=15, missing=5)
    text("category", dairy=4, meat=3, fruit=2, snacks=1)
    text("demand_class", smooth=7, lumpy=3)
    return found
