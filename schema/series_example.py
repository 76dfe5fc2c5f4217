"""The example: one series as it was known at one cutoff. Names of its features.

Every stage reads and writes these names; nothing else may spell them.
Letters of shapes: T history, H horizon. Covariates and static columns carry the
user's own names; a missing value is NaN in a numeric covariate and an empty
string in a categorical one. `target` is never NaN: unknown periods are 0 with
`observed_mask` 0.
"""

from __future__ import annotations

__all__ = [
    "CUTOFF",
    "DEMAND_CLASS",
    "DEMAND_CLASSES",
    "FULLY_IN_STOCK",
    "FUTURE_IN_STOCK_FRACTION",
    "FUTURE_OBSERVED_MASK",
    "FUTURE_TARGET",
    "IN_STOCK_FRACTION",
    "LABELS",
    "NAIVE_FORECAST",
    "NAIVE_RMS_SCALE",
    "NAIVE_SCALE",
    "OBSERVED_MASK",
    "RESERVED_NAMES",
    "SPLITS",
    "TARGET",
]

# Scalars.
CUTOFF = "cutoff"
"""Last known period, days since 1970-01-01. Int64, scalar."""

# The history, each float32, shape [T].
TARGET = "target"
"""Units per period; 0 where not observed."""
OBSERVED_MASK = "observed_mask"
"""1 where the period was recorded."""
IN_STOCK_FRACTION = "in_stock_fraction"
"""Share of the period in which the item could be bought."""

# The labels, each float32, shape [H]. Serving requests send none.
FUTURE_TARGET = "future_target"
FUTURE_OBSERVED_MASK = "future_observed_mask"
FUTURE_IN_STOCK_FRACTION = "future_in_stock_fraction"

# What the history says about itself, for slices and skill in TFMA.
DEMAND_CLASS = "demand_class"
"""One of `DEMAND_CLASSES`. String, scalar."""
NAIVE_SCALE = "naive_scale"
"""Mean absolute seasonal difference of the history, units: the scale of MASE. Float32, scalar."""
NAIVE_RMS_SCALE = "naive_rms_scale"
"""Root mean squared seasonal difference, units: the scale of RMSSE. Float32, scalar."""
NAIVE_FORECAST = "naive_forecast"
"""Seasonal-naive forecast from the history. Float32, shape [H]."""

FULLY_IN_STOCK = 0.999
"""Least `in_stock_fraction` at which a sale counts as demand and not as its lower bound."""

LABELS = (FUTURE_TARGET, FUTURE_OBSERVED_MASK, FUTURE_IN_STOCK_FRACTION)
DEMAND_CLASSES = ("smooth", "erratic", "intermittent", "lumpy", "no_demand")
SPLITS = ("train", "validation", "eval")

RESERVED_NAMES = frozenset(
    {
        CUTOFF,
        TARGET,
        OBSERVED_MASK,
        IN_STOCK_FRACTION,
        *LABELS,
        DEMAND_CLASS,
        NAIVE_SCALE,
        NAIVE_RMS_SCALE,
        NAIVE_FORECAST,
        "series_id",
        "step",
        "timestamp",
        "mean",
        "quantiles",
        "examples",
    }
)
"""Feature names, and names of the serving signatures, that no column may have."""
