"""Sample data: a simulated retail chain with demand, prices, promotions, weather and stock.

    config       how large, how long, how strong each effect
    calendar     holidays by rule          weather      by region
    assortment   items and stores          plans        prices and campaigns
    demand       mean and draws            supply       suppliers, terms, lead times
    inventory    stock from day to day     chain        all of it put together
    aggregation  days to weeks             tables       arrays to tables
    dictionary   what each column means    write        files
    futures      demand after a cutoff, from its true distribution

Pure NumPy and Arrow. A store's data depend on the configuration and the store alone:
not on the number of stores, and not on how many are simulated at a time.
"""

from demandcast.components.simulation.config import (
    PRESETS,
    EffectsConfig,
    PromotionsConfig,
    SimulationConfig,
    SupplyConfig,
    preset,
)
from demandcast.components.simulation.write import (
    SampleFiles,
    read_simulation,
    write_sample_data,
)

__all__ = [
    "EffectsConfig",
    "PRESETS",
    "PromotionsConfig",
    "SampleFiles",
    "SimulationConfig",
    "SupplyConfig",
    "preset",
    "read_simulation",
    "write_sample_data",
]
