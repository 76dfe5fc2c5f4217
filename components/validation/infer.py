"""A first schema of the data's own columns, written from statistics for the user to review.

Presence and types are set. Categories of a low-cardinality column become its
domain. Ranges of numbers and columns with many values are left open, with what
was seen in a comment; so are the series key columns, because a new series is
no anomaly.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from demandcast.schema import series_example
from demandcast.schema.config import SeriesSpec
from demandcast.schema.errors import ContractError
from demandcast.schema.feature_schema import own_columns

__all__ = ["infer_schema_text"]

_BYTES_LABEL = "__BYTES_VALUE__"  # What TFDV writes for text that is not UTF-8.
_HEADER = """\
# Schema of the data's own columns, from statistics of {counts}.
#
# Review each column, keep this file beside the configuration, and name it there:
#   feature_schema: <this file>
# Then a run stops when the data leaves a domain or a range. Missing values are part of the
# data: an empty string in text, NaN in numbers. To enforce a range, uncomment its line.
"""

Features = Sequence[statistics_pb2.FeatureNameStatistics]


def infer_schema_text(
    statistics: statistics_pb2.DatasetFeatureStatisticsList,
    series: SeriesSpec,
    *,
    max_categories: int = 50,
) -> str:
    """Writes a first schema, which `compose_schema_text` accepts as it is.

    Args:
        statistics: Statistics as StatisticsGen writes them; of several splits as several
            datasets, named by split: the schema covers what was seen in any.
        series: Names and types of the columns.
        max_categories: A column with more different values gets no domain.

    Raises:
        ContractError: A split has no example, or lacks columns of the configuration.
    """
    if not statistics.datasets:
        raise ContractError("no schema can be inferred: the statistics are empty")
    columns = own_columns(series)
    found = [_features_of(dataset, columns) for dataset in statistics.datasets]
    counts = [
        f"{dataset.name} {dataset.num_examples:,} examples".strip()
        for dataset in statistics.datasets
    ]
    parts = [_HEADER.format(counts=", ".join(counts))]
    for name, kind in columns.items():
        features = [dataset[name] for dataset in found]
        if kind == schema_pb2.FLOAT:
            parts.append(_numeric(name, features))
        elif name in series.series_key:
            parts.append(_feature(name, "BYTES", "part of the series key; open for new series."))
        else:
            parts.append(_text(name, features, max_categories))
    return "\n".join(parts)


def _features_of(
    dataset: statistics_pb2.DatasetFeatureStatistics, columns: Mapping[str, int]
) -> dict[str, statistics_pb2.FeatureNameStatistics]:
    """Returns the statistics of each own column in a split."""
    split = dataset.name or "the split"
    if not dataset.num_examples:
        raise ContractError(f"no schema can be inferred: {split} has no example")
    found = {".".join(item.path.step): item for item in dataset.features}
    missing = sorted(set(columns) - set(found))
    if missing:
        raise ContractError(
            f"no schema can be inferred: {split} has no columns {missing}; found: {sorted(found)}"
        )
    return found


def _numeric(name: str, features: Features) -> str:
    """Writes a column of numbers: no range, but the one seen as a comment."""
    numbers = [feature.num_stats for feature in features]
    missing = [item.histograms[0].num_nan if item.histograms else 0 for item in numbers]
    totals = [item.common_stats.tot_num_values for item in numbers]
    # A column without any value has a minimum and maximum of 0 in the statistics.
    seen = [
        item for item, gaps, total in zip(numbers, missing, totals, strict=True) if gaps < total
    ]
    about = "units sold, under the feature's name; " if name == series_example.TARGET else ""
    if not seen:
        return _feature(name, "FLOAT", f"{about}no value seen. Is the column needed?")
    least, most = min(item.min for item in seen), max(item.max for item in seen)
    comment = (
        f"{about}{least:g} to {most:g} seen, {sum(missing) / sum(totals):.1%} missing. "
        "Review: which range is possible?"
    )
    return _feature(name, "FLOAT", comment, f"# float_domain {{ min: {least!r} max: {most!r} }}")


def _text(name: str, features: Features, max_categories: int) -> str:
    """Writes a column of text: with a domain if its values are few."""
    strings = [feature.string_stats for feature in features]
    values = {bucket.label for item in strings for bucket in item.rank_histogram.buckets}
    if _BYTES_LABEL in values or any(item.invalid_utf8_count for item in strings):
        return _feature(name, "BYTES", "some values are not UTF-8. Review the data's encoding.")
    # The histogram of a column with very many values does not hold all of them.
    unique = max(len(values), *(item.unique for item in strings))
    count = f"{unique:,} different value{'s' * (unique != 1)} seen"
    if unique > max_categories:
        return _feature(name, "BYTES", f"at least {count}, too many to list; open for new ones.")
    comment = f"{count}. Review: is the list complete, and is each of them right?"
    domain = schema_pb2.StringDomain(value=sorted(values))
    body = text_format.MessageToString(domain, as_utf8=True)
    return _feature(name, "BYTES", comment, *_block("string_domain", body))


def _block(name: str, body: str) -> list[str]:
    return [f"{name} {{", *textwrap.indent(body.rstrip("\n"), "  ").split("\n"), "}"]


def _feature(name: str, kind: str, comment: str, *rules: str) -> str:
    """Writes a feature under a comment."""
    quoted = text_format.MessageToString(schema_pb2.Feature(name=name), as_utf8=True).strip()
    lines = [quoted, f"type: {kind}", "presence { min_fraction: 1.0 min_count: 1 }", *rules]
    body = [f"  {line}" for line in lines]
    words = f"{' '.join(name.split())}: {comment}"
    above = textwrap.wrap(words, 96, initial_indent="# ", subsequent_indent="# ")
    return "\n".join([*above, "feature {", *body, "}", ""])
