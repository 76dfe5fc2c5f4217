"""What Transform writes and the network reads: names and kinds of the transformed features.

Preprocessing emits exactly these features, the window function of the network
reads exactly these; neither knows the other. Letters of shapes: T history,
H horizon. The history, the labels and the cutoff pass through under their own
names (`demandcast.schema.series_example`).
"""

from __future__ import annotations

from dataclasses import dataclass

from demandcast.schema.config import FeaturesConfig, Interaction, SeriesSpec

__all__ = ["HOLIDAY", "TARGET_LEVEL", "TransformedSpec"]

HOLIDAY = "holiday"
"""1 on a holiday. Float32, shape [T + H]."""
TARGET_LEVEL = "target_level"
"""Typical units per period over the training series; the same in each example. Float32, scalar."""


@dataclass(frozen=True)
class TransformedSpec:
    """Names of the transformed features, by how the network reads them.

    Attributes:
        static_index: Categories constant in time. Int64, scalar.
        known_numeric: Numbers known ahead, scaled. Float32, shape [T + H].
        known_index: Categories known ahead. Int64, shape [T + H].
        past_numeric: Numbers seen only in the past, scaled. Float32, shape [T].
        past_index: Categories seen only in the past. Int64, shape [T].
        known_units: Earlier values of the target, units, at lags of at least H, each with a
            mask named by `mask_of`. Float32, shape [T + H].
        past_units: Averages of the target, units. Float32, shape [T].
        has_holiday: Whether `HOLIDAY` is among the features.
    """

    static_index: tuple[str, ...]
    known_numeric: tuple[str, ...]
    known_index: tuple[str, ...]
    past_numeric: tuple[str, ...]
    past_index: tuple[str, ...]
    known_units: tuple[str, ...]
    past_units: tuple[str, ...]
    has_holiday: bool

    @classmethod
    def from_config(cls, series: SeriesSpec, features: FeaturesConfig) -> TransformedSpec:
        """Derives the names from the columns and the features asked for."""
        crossed = [pair for pair in features.interactions if not is_numeric(pair, series)]
        static_pairs = [pair for pair in crossed if set(pair.columns) <= set(series.static)]
        known_pairs = [pair for pair in crossed if pair not in static_pairs]
        products = [pair for pair in features.interactions if is_numeric(pair, series)]
        prices = ("average_price", "relative_price") if features.price_column else ()
        growth = ("growth",) if features.growth_window else ()
        return cls(
            static_index=tuple(
                f"static_{name}" for name in (*series.static, *(pair.name for pair in static_pairs))
            ),
            known_numeric=tuple(
                f"known_{name}"
                for name in (
                    *series.known_future.numeric,
                    *(pair.name for pair in products),
                    *prices,
                )
            ),
            known_index=tuple(
                f"known_{name}"
                for name in (
                    *series.known_future.categorical,
                    *(pair.name for pair in known_pairs),
                )
            ),
            past_numeric=tuple(f"past_{name}" for name in (*series.observed_past.numeric, *growth)),
            past_index=tuple(f"past_{name}" for name in series.observed_past.categorical),
            known_units=tuple(f"lag_{lag}" for lag in features.lags),
            past_units=tuple(f"moving_average_{window}" for window in features.moving_averages),
            has_holiday=features.holiday_column is not None,
        )

    @property
    def indices(self) -> tuple[str, ...]:
        """All categories: each has a vocabulary of its own name."""
        return self.static_index + self.known_index + self.past_index

    @property
    def names(self) -> tuple[str, ...]:
        """All names, without the masks."""
        numbers = self.known_numeric + self.past_numeric + self.known_units + self.past_units
        return self.indices + numbers + ((HOLIDAY,) if self.has_holiday else ())

    @staticmethod
    def mask_of(name: str) -> str:
        """Names the mask of a feature of `known_units`."""
        return f"{name}_mask"


def is_numeric(pair: Interaction, series: SeriesSpec) -> bool:
    """Tells whether both columns of an interaction are numbers."""
    return set(pair.columns) <= set(series.known_future.numeric)
