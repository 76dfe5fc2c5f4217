"""`demandcast simulate`: what orders by our forecasts would have cost, beside other policies."""

from __future__ import annotations

import datetime
import logging
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.components.replenishment.chosen_terms import ExpectedDemand
from demandcast.components.replenishment.interval_levels import implied_stockout_cost
from demandcast.components.replenishment.lead_time_distributions import pmf_mean
from demandcast.components.replenishment.lead_times import LeadTimes
from demandcast.components.replenishment.proposing import terms_of_series
from demandcast.components.replenishment.rolling_levels import (
    RollingRules,
    SeriesTerms,
    rolling_levels,
)
from demandcast.components.replenishment.rolling_simulation import (
    OURS,
    RollingWorld,
    demand_after,
    levels_by_period,
    review_periods,
    simulate_policies,
)
from demandcast.components.replenishment.stock_scenario import StockCosts, UnmetDemand
from demandcast.components.replenishment.supplier_lead_times import lead_times_of
from demandcast.pipeline.console import Console
from demandcast.pipeline.supply_files import read_lead_times, read_supply_terms
from demandcast.schema.config import RunConfig
from demandcast.schema.errors import BadInputError
from demandcast.schema.origin_arrays import OriginForecasts
from demandcast.schema.periods import date_of, days_of, period_of, periods_of

if TYPE_CHECKING:
    from demandcast.pipeline.model_choice import ChosenModel

__all__ = ["SimulateOptions", "Simulation", "simulate"]

logger = logging.getLogger(__name__)

FloatArray = npt.NDArray[np.float64]
Int64Array = npt.NDArray[np.int64]
