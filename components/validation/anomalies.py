"""Words for anomalies: split, column, what was found, what the schema allows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2

from demandcast.schema.errors import AnomalyError

__all__ = ["check_anomalies", "describe_anomalies", "describe_rule"]

_VALUES_SHOWN = 8
_TYPES = {schema_pb2.BYTES: "text", schema_pb2.INT: "whole numbers", schema_pb2.FLOAT: "numbers"}


def check_anomalies(
    anomalies: Mapping[str, anomalies_pb2.Anomalies], schema: schema_pb2.Schema
) -> None:
    """Refuses data that contradicts the schema.

    Args:
        anomalies: What TFDV found, by split; a split without examples counts as an anomaly.
        schema: The schema that the statistics were held against.

    Raises:
        AnomalyError: A split has an anomaly; the message lists all of them.
    """
    lines = [
        line
        for split, found in anomalies.items()
        for line in describe_anomalies(found, schema, split)
    ]
    if lines:
        count = f"{len(lines)} {'anomaly' if len(lines) == 1 else 'anomalies'}"
        listed = "\n".join(f"  {line}" for line in lines)
        raise AnomalyError(f"the data contradicts the schema, {count}:\n{listed}")


def describe_anomalies(
    anomalies: anomalies_pb2.Anomalies, schema: schema_pb2.Schema, split: str
) -> list[str]:
    """Words the anomalies of a split, one line for each column; none if it has none."""
    lines = []
    if anomalies.data_missing:
        lines.append(f"{split}: the split has no examples")
    if anomalies.HasField("dataset_anomaly_info"):
        lines.append(f"{split}: the whole split: {_findings(anomalies.dataset_anomaly_info)}")
    features = {feature.name: feature for feature in schema.feature}
    for column, info in sorted(anomalies.anomaly_info.items()):
        feature = features.get(column)
        allows = describe_rule(feature, schema) if feature else "no such column"
        lines.append(f"{split}, column {column!r}: {_findings(info)}; the schema allows: {allows}")
    return lines


def describe_rule(feature: schema_pb2.Feature, schema: schema_pb2.Schema) -> str:
    """Words what a schema asks of a feature.

    >>> label = schema_pb2.Feature(name="future_target", type=schema_pb2.FLOAT)
    >>> label.float_domain.min, label.float_domain.disallow_nan = 0.0, True
    >>> _ = label.shape.dim.add(size=28)
    >>> describe_rule(label, schema_pb2.Schema())
    'numbers, 28 per example, at least 0, no NaN'
    """
    parts = [_TYPES.get(feature.type, "values"), _length(feature)]
    parts += _range(feature)
    values = _category_values(feature, schema)
    if values:
        parts.append(f"one of {_shorten([repr(value) for value in values])}")
    if feature.HasField("drift_comparator"):
        parts.append("drift below a threshold")
    environments = ", ".join(feature.not_in_environment)
    if environments:
        parts.append(f"not in environment {environments}")
    return ", ".join(part for part in parts if part)


def _findings(info: anomalies_pb2.AnomalyInfo) -> str:
    """Words each reason of an anomaly, or its summary if it gives none."""
    reasons = list(info.reason) or [info]
    return "; ".join(
        f"{reason.short_description}: {_shorten(reason.description.strip(' .').split(', '))}"
        for reason in reasons
    )


def _length(feature: schema_pb2.Feature) -> str:
    if feature.HasField("shape"):
        sizes = [str(dimension.size) for dimension in feature.shape.dim]
        return f"{' x '.join(sizes)} per example" if sizes else "one per example"
    if feature.HasField("value_count"):
        return f"at least {feature.value_count.min} per example"
    return ""


def _range(feature: schema_pb2.Feature) -> Iterator[str]:
    """Words the range of a number, and what may not stand in for one."""
    kind = feature.WhichOneof("domain_info")
    if kind not in ("float_domain", "int_domain"):
        return
    domain = getattr(feature, kind)
    has_least, has_most = domain.HasField("min"), domain.HasField("max")
    if has_least and has_most:
        yield f"{domain.min:g} to {domain.max:g}"
    elif has_least:
        yield f"at least {domain.min:g}"
    elif has_most:
        yield f"at most {domain.max:g}"
    if kind == "float_domain" and domain.disallow_nan:
        yield "no NaN"
    if kind == "float_domain" and domain.disallow_inf:
        yield "nothing infinite"


def _category_values(feature: schema_pb2.Feature, schema: schema_pb2.Schema) -> list[str]:
    if feature.WhichOneof("domain_info") == "string_domain":
        return list(feature.string_domain.value)
    named = {domain.name: domain for domain in schema.string_domain}
    return list(named[feature.domain].value) if feature.domain in named else []


def _shorten(parts: list[str]) -> str:
    """Joins a list, leaving out the tail of a long one.

    >>> _shorten([str(number) for number in range(100)])
    '0, 1, 2, 3, 4, 5, 6, 7 and 92 more'
    """
    more = len(parts) - _VALUES_SHOWN
    return ", ".join(parts[:_VALUES_SHOWN]) + (f" and {more} more" if more > 0 else "")
