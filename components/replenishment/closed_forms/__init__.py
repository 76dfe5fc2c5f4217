"""Closed forms and exact algorithms of inventory theory: optimise, or evaluate a given level.

    loss_functions        units short on average, and their sums
    distributions         demand: normal, lognormal, Poisson, by probabilities, samples, paths
    costs                 holding, stockout and order cost; what an evening is charged
    newsvendor            one order for one stretch of demand; margins, perishables
    order_quantity        EOQ, planned backorders, EPQ, price breaks
    base_stock            periodic review (R, S): by cost, cycle service level or fill rate
    reorder_point         continuous review (s, Q): by cost, cycle service level or fill rate
    min_max               periodic review (s, S): by cost, exact in whole units, and approximated
    min_max_service       (s, S) by cycle service level, per review or per order, or fill rate
    finite_horizon        (s, S) and base stock for a season that ends
    lot_sizing            known demand that differs by period: Wagner and Whitin
    joint_replenishment   items that share the cost of an order: Silver
    serial_stages         stages in a row: Clark and Scarf, Shang and Song
    two_echelon           one warehouse and several stores
    min_max_item, renewal where the position of one item is, and for how long
    search, checks        levels found by halving; numbers refused

All take arrays over items at once, except `min_max.min_max`, `min_max_service` and
`serial_stages`, which say so.
"""

from demandcast.components.replenishment.closed_forms.base_stock import (
    ReviewCycle,
    base_stock,
    base_stock_cycle_service_level,
    base_stock_fill_rate,
    base_stock_for_cycle_service_level,
    base_stock_for_fill_rate,
)
from demandcast.components.replenishment.closed_forms.costs import (
    BaseStock,
    StockCosts,
    evening_cost,
)
from demandcast.components.replenishment.closed_forms.distributions import (
    Demand,
    LognormalDemand,
    NormalDemand,
    PathDemand,
    PmfDemand,
    PoissonDemand,
    RepeatedDemand,
    SampleDemand,
    SummableDemand,
)
from demandcast.components.replenishment.closed_forms.finite_horizon import (
    HorizonCosts,
    HorizonPlan,
    finite_horizon,
)
from demandcast.components.replenishment.closed_forms.joint_replenishment import (
    JointPlan,
    joint_replenishment,
)
from demandcast.components.replenishment.closed_forms.loss_functions import (
    leftover,
    lognormal_loss,
    normal_loss,
    normal_summed_loss,
    pmf_loss,
    pmf_summed_loss,
    poisson_loss,
    poisson_summed_loss,
    sample_loss,
    sample_summed_loss,
)
from demandcast.components.replenishment.closed_forms.lot_sizing import LotPlan, wagner_whitin
from demandcast.components.replenishment.closed_forms.min_max import (
    MinMax,
    capped_power_approximation,
    min_max,
    power_approximation,
    power_levels,
)
from demandcast.components.replenishment.closed_forms.min_max_service import (
    MinMaxService,
    min_max_for_cycle_service_level,
    min_max_for_fill_rate,
    min_max_for_order_cycle_service_level,
    min_max_service,
)
from demandcast.components.replenishment.closed_forms.newsvendor import (
    Margins,
    newsvendor,
    selling_window,
)
from demandcast.components.replenishment.closed_forms.order_quantity import (
    BackorderPlan,
    OrderQuantity,
    PriceBreaks,
    economic_order_quantity,
    economic_production_quantity,
    order_quantity_with_backorders,
    order_quantity_with_price_breaks,
)
from demandcast.components.replenishment.closed_forms.reorder_point import (
    ReorderPlan,
    reorder_point,
    reorder_point_cycle_service_level,
    reorder_point_fill_rate,
    reorder_point_for_cycle_service_level,
    reorder_point_for_fill_rate,
)
from demandcast.components.replenishment.closed_forms.serial_stages import (
    SerialPlan,
    SerialSystem,
    serial_base_stock,
    serial_newsvendor_levels,
)
from demandcast.components.replenishment.closed_forms.two_echelon import (
    TwoEchelonPlan,
    Warehouse,
    warehouse_and_stores,
)

__all__ = [
    "BackorderPlan",
    "BaseStock",
    "Demand",
    "HorizonCosts",
    "HorizonPlan",
    "JointPlan",
    "LognormalDemand",
    "LotPlan",
    "Margins",
    "MinMax",
    "MinMaxService",
    "NormalDemand",
    "OrderQuantity",
    "PathDemand",
    "PmfDemand",
    "PoissonDemand",
    "PriceBreaks",
    "ReorderPlan",
    "RepeatedDemand",
    "ReviewCycle",
    "SampleDemand",
    "SerialPlan",
    "SerialSystem",
    "StockCosts",
    "SummableDemand",
    "TwoEchelonPlan",
    "Warehouse",
    "base_stock",
    "base_stock_cycle_service_level",
    "base_stock_fill_rate",
    "base_stock_for_cycle_service_level",
    "base_stock_for_fill_rate",
    "capped_power_approximation",
    "economic_order_quantity",
    "economic_production_quantity",
    "evening_cost",
    "finite_horizon",
    "joint_replenishment",
    "leftover",
    "lognormal_loss",
    "min_max",
    "min_max_for_cycle_service_level",
    "min_max_for_fill_rate",
    "min_max_for_order_cycle_service_level",
    "min_max_service",
    "newsvendor",
    "normal_loss",
    "normal_summed_loss",
    "order_quantity_with_backorders",
    "order_quantity_with_price_breaks",
    "pmf_loss",
    "pmf_summed_loss",
    "poisson_loss",
    "poisson_summed_loss",
    "power_approximation",
    "power_levels",
    "reorder_point",
    "reorder_point_cycle_service_level",
    "reorder_point_fill_rate",
    "reorder_point_for_cycle_service_level",
    "reorder_point_for_fill_rate",
    "sample_loss",
    "sample_summed_loss",
    "selling_window",
    "serial_base_stock",
    "serial_newsvendor_levels",
    "wagner_whitin",
    "warehouse_and_stores",
]
