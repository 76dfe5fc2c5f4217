"""What a run says about its data: tables, splits, statistics, anomalies."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from demandcast.components.reporting.page import ColumnFacts, DataPart, SplitFacts
from demandcast.components.reporting.words import count, number
from demandcast.components.validation.anomalies import describe_anomalies
from demandcast.pipeline.run_files import RunFiles
from demandcast.schema import series_example
from demandcast.schema.artifact_names import (
    ANOMALIES_FILE,
    FINDING_OUTPUT,
    SCHEMA_FILE,
    STATISTICS_FILE,
    SUMMARY_FILE,
)

__all__ = ["data_part"]

_VALUES_SHOWN = 3

Statistics = Mapping[str, Any]
"""Statistics of one split (`FeatureNameStatistics`), by the name of the feature."""


def data_part(run: RunFiles) -> DataPart | None:
    """Describes the data of a run; None if the tables were not accepted."""
    summary = run.artifact_json("SeriesExampleGen", "examples", SUMMARY_FILE)
    if summary is None:
        return None
    statistics = _statistics(run)
    train = statistics.get("train", {})
    return DataPart(
        rows=summary["rows"],
        series=summary["series"],
        first=summary["first"],
        last=summary["last"],
        age_days=_age_days(summary["last"], run.report.started),
        splits=tuple(
            SplitFacts(
                name,
                split["examples"],
                tuple(split["cutoffs"]),
                _demand_classes(statistics.get(name, {})),
                *_looked_at(name, split["cutoffs"], summary["first"], run.report.config),
            )
            for name, split in summary["splits"].items()
        ),
        columns=tuple(_columns(train, run.report.config)),
        anomalies=_anomalies(run),
        continuity=_continuity(run),
        **_shares(train),
    )


def _age_days(last: str | None, started: str | None) -> int | None:
    """Counts the days from the newest period to the run."""
    if not last or not started:
        return None
    began = datetime.datetime.fromisoformat(started).date()
    return (began - datetime.date.fromisoformat(last)).days


def _looked_at(
    split: str, cutoffs: Sequence[str], begin: str | None, config: Mapping[str, Any]
) -> tuple[str | None, str | None]:
    """Says from when to when demand teaches or judges: the horizons, in training all before, too.

    Nothing is known of a run that did not keep its configuration.
    """
    forecast = config.get("forecast")
    if not forecast or not cutoffs:
        return None, None
    period = datetime.timedelta(days=1 if forecast["frequency"] == "D" else 7)
    dates = [datetime.date.fromisoformat(cutoff) for cutoff in cutoffs]
    first = begin if split == "train" else (min(dates) + period).isoformat()
    return first, (max(dates) + forecast["horizon"] * period).isoformat()


def _statistics(run: RunFiles) -> dict[str, Statistics]:
    """Reads the statistics of each split; empty if the run did not get there."""
    folder = run.artifact("StatisticsGen", "statistics")
    found: dict[str, Statistics] = {}
    for file in sorted(folder.glob(f"Split-*/{STATISTICS_FILE}")) if folder else ():
        listed = statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read_bytes())
        found[file.parent.name.removeprefix("Split-")] = {
            ".".join(feature.path.step) or feature.name: feature
            for dataset in listed.datasets
            for feature in dataset.features
        }
    return found


def _shares(train: Statistics) -> dict[str, float | None]:
    """Computes how much of the history of the train split is recorded, zero and in stock."""
    if not {series_example.OBSERVED_MASK, series_example.TARGET} <= train.keys():
        return {}
    observed = train[series_example.OBSERVED_MASK].num_stats
    target = train[series_example.TARGET].num_stats
    periods = observed.common_stats.tot_num_values
    recorded = periods - observed.num_zeros
    stock = train.get(series_example.IN_STOCK_FRACTION)
    return {
        "not_recorded": observed.num_zeros / periods if periods else None,
        # A period without a record holds a zero as well.
        "zeros": (target.num_zeros - observed.num_zeros) / recorded if recorded else None,
        "mean_sale": target.mean * periods / recorded if recorded else None,
        "in_stock": stock.num_stats.mean if stock else None,
    }


def _demand_classes(statistics: Statistics) -> dict[str, int]:
    """Counts the examples of each demand class that occurs."""
    if series_example.DEMAND_CLASS not in statistics:
        return {}
    buckets = statistics[series_example.DEMAND_CLASS].string_stats.rank_histogram.buckets
    counts = {bucket.label: round(bucket.sample_count) for bucket in buckets}
    return {name: counts[name] for name in series_example.DEMAND_CLASSES if name in counts}


def _columns(train: Statistics, config: Mapping[str, Any]) -> Iterator[ColumnFacts]:
    """Describes the user's own columns."""
    roles = _roles(config.get("data", {}).get("columns", {}))
    for name in sorted(train.keys() - series_example.RESERVED_NAMES | {series_example.TARGET}):
        if name not in train:
            continue
        if train[name].WhichOneof("stats") == "num_stats":
            missing, summary = _numeric(train[name].num_stats)
        else:
            missing, summary = _text(train[name].string_stats)
        yield ColumnFacts(name, roles.get(name, ""), missing, summary)


def _roles(columns: Mapping[str, Any]) -> dict[str, str]:
    """Words the role of each column of the configuration."""
    roles = {series_example.TARGET: f"target (column {columns.get('target', 'target')})"}
    for group, words in (("known_future", "known ahead"), ("observed_past", "known afterwards")):
        for names in (columns.get(group) or {}).values():
            roles |= dict.fromkeys(names or (), words)
    roles |= dict.fromkeys(columns.get("static") or (), "attribute")
    return roles | dict.fromkeys(columns.get("series_key") or (), "series key")


def _numeric(statistics: Any) -> tuple[float | None, str]:
    values = statistics.common_stats.tot_num_values
    missing = max((histogram.num_nan for histogram in statistics.histograms), default=0)
    words = (
        f"mean {number(statistics.mean)}, median {number(statistics.median)}, "
        f"{number(statistics.min)} to {number(statistics.max)}"
    )
    return missing / values if values else None, words


def _text(statistics: Any) -> tuple[float | None, str]:
    values = statistics.common_stats.tot_num_values
    buckets = statistics.rank_histogram.buckets
    missing = sum(bucket.sample_count for bucket in buckets if not bucket.label)
    labels = [bucket.label for bucket in buckets if bucket.label]
    distinct = statistics.unique - (1 if missing else 0)
    shown = ", ".join(labels[:_VALUES_SHOWN]) + (", …" if distinct > _VALUES_SHOWN else "")
    return (
        missing / values if values else None,
        f"{count(distinct)} {'value' if distinct == 1 else 'values'}: {shown}",
    )


def _continuity(run: RunFiles) -> str | None:
    """Reads what was compared with the data of before; None if the run did not pass there."""
    file = run.artifact("DataContinuity", FINDING_OUTPUT)
    return file.read_text(encoding="utf-8") if file is not None and file.is_file() else None


def _anomalies(run: RunFiles) -> tuple[str, ...] | None:
    """Words the anomalies of all splits; None if nobody looked for any."""
    folder = run.artifact("ExampleValidator", "anomalies")
    schema_folder = run.artifact("SchemaImport", "schema")
    if folder is None or schema_folder is None:
        return None
    schema = text_format.Parse((schema_folder / SCHEMA_FILE).read_text(), schema_pb2.Schema())
    return tuple(
        line
        for file in sorted(Path(folder).glob(f"Split-*/{ANOMALIES_FILE}"))
        for line in describe_anomalies(
            anomalies_pb2.Anomalies.FromString(file.read_bytes()),
            schema,
            file.parent.name.removeprefix("Split-"),
        )
    )
