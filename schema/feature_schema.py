"""The feature schema: what TFX must find in every example, composed from three sources.

1. `demand.pbtxt`: curated rules of the features that every example has.
2. The roles of the columns: a feature for each static column and covariate.
3. The user's reviewed schema (`feature_schema:` in the configuration): domains of
   categories, ranges of numbers, drift thresholds. It may narrow, never widen.

Each feature also gets its tensor representation: dense for scalars and vectors
of shape [H], ragged for lists of variable length, so that Transform, Trainer and
Evaluator read the examples alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from importlib import resources

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from demandcast.schema import series_example
from demandcast.schema.config.series import SeriesSpec
from demandcast.schema.errors import ConfigurationError

__all__ = [
    "SERVING",
    "TRAINING",
    "compose_schema",
    "compose_schema_text",
    "own_columns",
    "parse_schema",
]

TRAINING = "TRAINING"
"""Environment of train, validation and eval examples."""
SERVING = "SERVING"
"""Environment of requests: no labels, and nothing that only evaluation needs."""

_HORIZON_FEATURES = (*series_example.LABELS, series_example.NAIVE_FORECAST)
_USER_SCHEMA_FIELDS = ("feature", "string_domain")
_USER_FEATURE_FIELDS = (
    "name",
    "type",
    "presence",
    "domain",
    "string_domain",
    "float_domain",
    "distribution_constraints",
    "drift_comparator",
    "skew_comparator",
)
_STRING_ONLY_FIELDS = ("domain", "string_domain", "distribution_constraints")


def compose_schema_text(series: SeriesSpec, user_schema_text: str | None) -> str:
    """Composes the schema of the examples, in text format; equal inputs give equal text.

    Args:
        series: Names, types and shapes of an example.
        user_schema_text: Reviewed schema of the data's own columns, in text format.

    Raises:
        ConfigurationError: The user's schema cannot be read, names a column that the
            configuration does not have, or says more than it may; all complaints are listed.
    """
    return str(text_format.MessageToString(compose_schema(series, user_schema_text)))


def compose_schema(series: SeriesSpec, user_schema_text: str | None) -> schema_pb2.Schema:
    """Composes the schema of the examples as a message. As `compose_schema_text`."""
    curated = resources.files("demandcast.schema").joinpath("demand.pbtxt")
    schema = parse_schema(curated.read_text(encoding="utf-8"), source="demand.pbtxt")
    _set_horizon(schema, series.forecast.horizon)
    schema.feature.extend(_generated_features(series))
    if user_schema_text is not None:
        user = parse_schema(user_schema_text, source="feature_schema")
        _refuse_wrong_rules(user, own_columns(series))
        _narrow(schema, user)
    _represent_tensors(schema)
    return schema


def own_columns(series: SeriesSpec) -> dict[str, int]:
    """Lists the features that the user's schema may constrain, with the type of each.

    The column of units sold goes by the feature's name, `target`.

    >>> from demandcast.schema.config import CovariatesConfig, ForecastConfig
    >>> spec = SeriesSpec(series_key=("store",), static=("store",),
    ...     known_future=CovariatesConfig(numeric=("price",)),
    ...     observed_past=CovariatesConfig(), forecast=ForecastConfig())
    >>> {name: schema_pb2.FeatureType.Name(kind) for name, kind in own_columns(spec).items()}
    {'store': 'BYTES', 'price': 'FLOAT', 'target': 'FLOAT'}
    """
    covariates = (series.known_future, series.observed_past)
    columns = dict.fromkeys(series.static, schema_pb2.BYTES)
    for kind in covariates:
        columns.update(dict.fromkeys(kind.numeric, schema_pb2.FLOAT))
        columns.update(dict.fromkeys(kind.categorical, schema_pb2.BYTES))
    columns[series_example.TARGET] = schema_pb2.FLOAT
    return columns


def parse_schema(text: str, *, source: str) -> schema_pb2.Schema:
    """Reads a schema in text format.

    Args:
        text: The schema.
        source: What a complaint calls it.

    Raises:
        ConfigurationError: The text is no schema; the message has line and column.
    """
    try:
        return text_format.Parse(text, schema_pb2.Schema())
    except text_format.ParseError as error:
        raise ConfigurationError(f"{source}: not a schema in text format: {error}") from error


def _set_horizon(schema: schema_pb2.Schema, horizon: int) -> None:
    for feature in schema.feature:
        if feature.name in _HORIZON_FEATURES:
            feature.shape.dim.add(size=horizon)


def _generated_features(series: SeriesSpec) -> Iterator[schema_pb2.Feature]:
    """Yields a feature for each of the user's columns."""
    for name in series.static:
        feature = _always_present(name, schema_pb2.BYTES)
        feature.shape.SetInParent()  # A scalar: a shape without dimensions.
        yield feature
    shortest = {"known_future": 1 + series.forecast.horizon, "observed_past": 1}
    for kind, length in shortest.items():
        covariates = getattr(series, kind)
        for name in covariates.names:
            numeric = name in covariates.numeric
            feature = _always_present(name, schema_pb2.FLOAT if numeric else schema_pb2.BYTES)
            feature.value_count.min = length
            if numeric:  # NaN stays legal: a missing value.
                feature.float_domain.disallow_inf = True
            yield feature


def _always_present(name: str, kind: int) -> schema_pb2.Feature:
    presence = schema_pb2.FeaturePresence(min_fraction=1.0, min_count=1)
    return schema_pb2.Feature(name=name, type=kind, presence=presence)


def _represent_tensors(schema: schema_pb2.Schema) -> None:
    """Adds how each feature becomes a tensor: dense if it has a shape, else ragged."""
    representations = schema.tensor_representation_group[""].tensor_representation
    for feature in schema.feature:
        representation = representations[feature.name]
        if feature.HasField("shape"):
            representation.dense_tensor.column_name = feature.name
            representation.dense_tensor.shape.CopyFrom(feature.shape)
        else:
            representation.ragged_tensor.feature_path.step.append(feature.name)


def _refuse_wrong_rules(user: schema_pb2.Schema, allowed: dict[str, int]) -> None:
    """Raises a ConfigurationError that lists everything the user's schema may not say."""
    complaints = _forbidden_fields(user, _USER_SCHEMA_FIELDS, "top level")
    domains = {domain.name for domain in user.string_domain}
    counts = Counter(feature.name for feature in user.feature)
    complaints += [
        f"column {name!r}: given {count} times" for name, count in counts.items() if count > 1
    ]
    for feature in user.feature:
        where = f"column {feature.name!r}"
        if feature.name not in allowed:
            complaints.append(f"{where}: no such column; allowed: {', '.join(allowed)}")
            continue
        complaints += _forbidden_fields(feature, _USER_FEATURE_FIELDS, where)
        complaints += _type_complaints(feature, allowed[feature.name], where)
        if feature.domain and feature.domain not in domains:
            complaints.append(
                f"{where}: no string_domain {feature.domain!r}; given: {sorted(domains)}"
            )
    if complaints:
        raise ConfigurationError("\n".join(f"feature_schema: {line}" for line in complaints))


def _forbidden_fields(
    message: schema_pb2.Schema | schema_pb2.Feature, allowed: tuple[str, ...], where: str
) -> list[str]:
    forbidden = [field.name for field, _ in message.ListFields() if field.name not in allowed]
    if not forbidden:
        return []
    return [f"{where}: may not set {', '.join(forbidden)}; allowed: {', '.join(allowed)}"]


def _type_complaints(feature: schema_pb2.Feature, kind: int, where: str) -> list[str]:
    """Words a type, or a domain, that does not fit what the configuration makes the column."""
    name_of = schema_pb2.FeatureType.Name
    is_text = kind == schema_pb2.BYTES
    wrong = ("float_domain",) if is_text else _STRING_ONLY_FIELDS
    complaints = [
        f"{where}: {field.name} does not fit; the configuration makes it {name_of(kind)}"
        for field, _ in feature.ListFields()
        if field.name in wrong
    ]
    if feature.type not in (schema_pb2.TYPE_UNKNOWN, kind):
        complaints.append(
            f"{where}: type {name_of(feature.type)}; the configuration makes it {name_of(kind)}"
        )
    return complaints


def _narrow(schema: schema_pb2.Schema, user: schema_pb2.Schema) -> None:
    """Adds the user's rules to the features they constrain; a range never gets wider."""
    schema.string_domain.extend(user.string_domain)
    rules = {feature.name: feature for feature in user.feature}
    for feature in schema.feature:
        rule = rules.get(feature.name)
        if rule is None:
            continue
        narrowed = _narrower_range(feature.float_domain, rule.float_domain)
        presence = schema_pb2.FeaturePresence()
        presence.CopyFrom(feature.presence)
        feature.MergeFrom(rule)
        feature.presence.CopyFrom(presence)  # Already as strict as it can be.
        if feature.type == schema_pb2.FLOAT:
            feature.float_domain.CopyFrom(narrowed)


def _narrower_range(
    ours: schema_pb2.FloatDomain, users: schema_pb2.FloatDomain
) -> schema_pb2.FloatDomain:
    """Intersects two ranges of numbers."""
    both = schema_pb2.FloatDomain()
    both.MergeFrom(ours)
    both.MergeFrom(users)
    for bound, strictest in (("min", max), ("max", min)):
        given = [getattr(domain, bound) for domain in (ours, users) if domain.HasField(bound)]
        if given:
            setattr(both, bound, strictest(given))
    for refusal in ("disallow_nan", "disallow_inf"):
        if getattr(ours, refusal):
            setattr(both, refusal, True)
    return both
