"""What a model was trained on, kept beside it, and whether data and model fit each other.

Shapes alone cannot tell: another set of as many quantile levels has the same
shape, and its answers would stand under wrong names.
"""

from __future__ import annotations

from demandcast.schema.config.series import SeriesSpec

__all__ = ["MODEL_SERIES_FILE", "misfits"]

MODEL_SERIES_FILE = "assets.extra/series.json"
"""File in the folder of a SavedModel: the JSON of its `SeriesSpec`. Servers leave it alone."""


def misfits(model: SeriesSpec, given: SeriesSpec) -> list[str]:
    """Lists why examples made for one configuration cannot be given to a model.

    The examples must hold every column that the model reads, in the same role, and the answers
    must mean what the configuration says they mean. The context length is the model's own.

    Args:
        model: What the model was trained on.
        given: What the configuration asks for.

    Returns:
        One sentence per difference; empty if they fit.
    """
    found = []
    for key in ("frequency", "horizon", "quantile_levels"):
        ours, theirs = getattr(model.forecast, key), getattr(given.forecast, key)
        if ours != theirs:
            found.append(f"forecast.{key}: the model has {_text(ours)}, asked is {_text(theirs)}")
    if model.series_key != given.series_key:
        found.append(
            f"series_key: the model has {_text(model.series_key)}, "
            f"asked is {_text(given.series_key)}"
        )
    roles = {
        "static": (model.static, given.static),
        "known_future.numeric": (model.known_future.numeric, given.known_future.numeric),
        "known_future.categorical": (
            model.known_future.categorical,
            given.known_future.categorical,
        ),
        "observed_past.numeric": (model.observed_past.numeric, given.observed_past.numeric),
        "observed_past.categorical": (
            model.observed_past.categorical,
            given.observed_past.categorical,
        ),
    }
    for role, (needed, there) in roles.items():
        missing = [name for name in needed if name not in there]
        if missing:
            found.append(f"{role}: the model reads {_text(missing)}, which is not given")
    return found


def _text(value: object) -> str:
    return str(list(value)) if isinstance(value, tuple | list) else str(value)
