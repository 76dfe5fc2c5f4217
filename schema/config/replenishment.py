"""`replenishment:` stock, terms of supply, and what an order proposal has to achieve."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from demandcast.schema.config.base import Section

__all__ = [
    "ApprovalConfig",
    "ReplenishmentConfig",
    "ReplenishmentTableConfig",
    "ReplenishmentTablesConfig",
    "RiskConfig",
    "ServiceConfig",
]


class ReplenishmentTableConfig(Section):
    """A table of replenishment: where it is, and how its columns are called."""

    path: str = Field(description="File or glob, CSV or Parquet; may hold {snapshot}.")
    columns: dict[str, str] = Field(
        {},
        description=(
            "Names in the file by our names, where they differ, such as {on_hand: stock}; "
            "docs/replenishment.md lists ours."
        ),
    )


class ReplenishmentTablesConfig(Section):
    """The tables beside the forecasts."""

    inventory: ReplenishmentTableConfig | None = Field(
        None,
        description=(
            "One row per series: on_hand and, if known, on_order and reserved, units. With a "
            "column named as the timestamp of the sales, the rows of the cutoff are used."
        ),
    )
    open_orders: ReplenishmentTableConfig | None = Field(
        None,
        description=(
            "One row per order line on its way: series key, quantity and due; or ordered and "
            "received, of which the lines open at the cutoff are used. Replaces on_order."
        ),
    )
    supply_terms: ReplenishmentTableConfig | None = Field(
        None,
        description=(
            "One row per item (any columns of the series key) and supplier: review_period, moq, "
            "pack_size, unit_cost, holding_cost, stockout_cost, shelf_life and others."
        ),
    )
    suppliers: ReplenishmentTableConfig | None = Field(
        None,
        description=(
            "One row per supplier: order_cost, order_days, quoted_lead_time_days, budget, and "
            "others."
        ),
    )
    lead_times: ReplenishmentTableConfig | None = Field(
        None,
        description=(
            "History of deliveries: supplier, ordered and received (dates), and, if known, "
            "promised."
        ),
    )
    price_breaks: ReplenishmentTableConfig | None = Field(
        None,
        description=(
            "Prices by quantity: columns of the series key, supplier, from_quantity, unit_cost; "
            "the price holds for the whole order."
        ),
    )
    supplier_closures: ReplenishmentTableConfig | None = Field(
        None,
        description=(
            "Closed days: supplier and date. On them it takes no order and delivers nothing; what "
            "is due comes on its next open day."
        ),
    )

    @property
    def paths(self) -> dict[str, str]:
        """Path of each table that is given, by its name."""
        tables = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: table.path for name, table in tables.items() if table is not None}

    @property
    def terms_paths(self) -> dict[str, str]:
        """Where terms of supply come from, by table; none without `supply_terms`."""
        if self.supply_terms is None:
            return {}
        tables = {name: getattr(self, name) for name in ("supply_terms", "suppliers", "lead_times")}
        return {name: table.path for name, table in tables.items() if table is not None}


class ServiceConfig(Section):
    """What stock has to achieve."""

    measure: Literal["cycle_service_level", "fill_rate", "cost"] = Field(
        "cycle_service_level",
        description=(
            "cycle_service_level: probability that a cycle between two deliveries has no stockout. "
            "fill_rate: share of the demand that is met from stock. cost: least sum of holding and "
            "stockout cost."
        ),
    )
    target: float = Field(
        0.95,
        gt=0,
        lt=1,
        description="Of the measure, where supply_terms has no service_target; unused for cost.",
    )


class RiskConfig(Section):
    """Classes of the risk to run out over the protection interval."""

    medium: float = Field(0.05, gt=0, lt=1, description="From this probability on: medium.")
    high: float = Field(0.15, gt=0, lt=1, description="From this probability on: high.")
    critical: float = Field(0.4, gt=0, lt=1, description="From this probability on: critical.")

    @model_validator(mode="after")
    def _increase(self) -> RiskConfig:
        if not self.medium < self.high < self.critical:
            raise ValueError(
                "the classes must increase: medium < high < critical; got "
                f"{self.medium:g}, {self.high:g}, {self.critical:g}"
            )
        return self


class ApprovalConfig(Section):
    """Which lines a person must approve before they can be exported."""

    min_value: float | None = Field(
        1_000.0, ge=0, description="Value of a line from which on, currency units; null: any value."
    )
    min_stockout_probability: float | None = Field(
        0.4,
        ge=0,
        le=1,
        description=(
            "Probability to run out, with the order, from which on; null: whatever the risk."
        ),
    )
    four_eyes: bool = Field(
        False,
        description=(
            "Whether a changed line that needs approval must be approved by another person than "
            "the one who changed it."
        ),
    )


class ReplenishmentConfig(Section):
    """From forecasts to order proposals."""

    enabled: bool = Field(
        False, description="Forecast and propose orders at the end of each run of the pipeline."
    )
    tables: ReplenishmentTablesConfig = Field(
        ReplenishmentTablesConfig(), description="Stock, orders on their way, terms, suppliers."
    )
    service: ServiceConfig = Field(ServiceConfig(), description="What stock has to achieve.")
    unmet_demand: Literal["lost", "backordered"] = Field(
        "lost",
        description="What becomes of demand that stock cannot meet: it goes away, or it waits.",
    )
    order_moment: Literal["before_opening", "after_close"] = Field(
        "before_opening",
        description=(
            "When on the day of an order it is placed; deliveries come before opening. After the "
            "close of Monday, for Wednesday: one period of demand passes; before opening: two."
        ),
    )
    paths: int = Field(
        1_000, ge=50, le=100_000, description="Sample paths of demand and lead time per series."
    )
    seed: int = Field(17, ge=0, description="Same seed, same paths.")
    calibrate: bool = Field(
        True,
        description=(
            "Learn from cutoffs that the model in service has not seen how sure its forecasts "
            "are, and how errors of neighbouring periods go together."
        ),
    )
    memory: int | None = Field(
        None,
        ge=1,
        description=(
            "Newest periods whose intervals teach how sure forecasts are; four weeks of days, or "
            "13 weeks, if not given. Less follows a change sooner, more is steadier."
        ),
    )
    extrapolate: bool = Field(
        False,
        description=(
            "Where the forecast is shorter than the protection interval, repeat its last season; "
            "otherwise such a series gets no proposal, and says so."
        ),
    )
    holding_cost_rate: float = Field(
        0.25,
        ge=0,
        le=10,
        description=(
            "Cost per year of holding a unit, as a share of its unit_cost, where none is given."
        ),
    )
    currency: str = Field("", description="Of all costs; rows in another currency are refused.")
    budget: float | None = Field(
        None, ge=0, description="Most that all proposals together may cost; null: no limit."
    )
    risk: RiskConfig = Field(RiskConfig(), description="Classes of the risk to run out.")
    approval: ApprovalConfig = Field(
        ApprovalConfig(), description="Which lines a person must approve."
    )

    @model_validator(mode="after")
    def _has_tables(self) -> ReplenishmentConfig:
        """Refuses at once what would fail after the training."""
        needed = ("inventory", "supply_terms")
        missing = [name for name in needed if getattr(self.tables, name) is None]
        if self.enabled and missing:
            raise ValueError(
                f"enabled: a run ends with proposals only if tables has {' and '.join(needed)}; "
                f"missing: {', '.join(missing)}"
            )
        return self
