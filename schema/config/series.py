"""`SeriesSpec`: what one example holds, as every stage after ingestion needs it."""

from __future__ import annotations

from demandcast.schema.config.base import Section
from demandcast.schema.config.data import ColumnsConfig, CovariatesConfig
from demandcast.schema.config.forecast import ForecastConfig

__all__ = ["SeriesSpec"]


class SeriesSpec(Section):
    """Names, types and shapes of an example; `demandcast.schema.series_example` has the rest.

    Attributes:
        series_key: Static columns that together name a series.
        static: All static columns, the key first.
        known_future: Covariates of shape [T + H].
        observed_past: Covariates of shape [T].
        forecast: Frequency, context length C, horizon H, quantile levels Q.
    """

    series_key: tuple[str, ...]
    static: tuple[str, ...]
    known_future: CovariatesConfig
    observed_past: CovariatesConfig
    forecast: ForecastConfig

    @classmethod
    def from_config(cls, columns: ColumnsConfig, forecast: ForecastConfig) -> SeriesSpec:
        """Takes what an example holds from the roles of the columns."""
        return cls(
            series_key=columns.series_key,
            static=columns.all_static,
            known_future=columns.known_future,
            observed_past=columns.observed_past,
            forecast=forecast,
        )
