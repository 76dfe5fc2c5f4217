"""Made-up pages of runs, with every part, for tests of the report."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

from proposal_tables import chain_summary, projections

from demandcast.components.reporting.page import (
    Change,
    Changes,
    ColumnFacts,
    DataPart,
    Headline,
    LineagePart,
    MetricChange,
    RunPage,
    SplitFacts,
    Stage,
)
from demandcast.components.reporting.page_judged import (
    Check,
    CoverageLevel,
    CoveragePart,
    DrawnForecast,
    ForecastsPart,
    GatePart,
    ScoredSeries,
    SliceRow,
    SlicesPart,
    StepRange,
)
from demandcast.components.reporting.page_orders import OrdersPart
from demandcast.components.reporting.page_trained import (
    BacktestPart,
    BacktestRow,
    TrainingPart,
    Trial,
    TuningPart,
)
from demandcast.components.reporting.supplier_charts import SupplierRow, SuppliersPart

LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
HOSTILE = "<script>alert('x')</script></script><!-- & \"quoted\""
FORECASTERS = ("demandcast", "seasonal_naive", "moving_average", "croston")


def slice_row(name: str, loss: float | None, **changes: Any) -> SliceRow:
    metrics = {
        "weighted_quantile_loss": loss,
        "weighted_quantile_loss_skill": 0.5,
        "wape": 0.4,
        "wape_skill": 0.3,
        "bias": -0.02,
        "coverage_80": 0.79,
        "coverage_90": 0.9,
    }
    values = {
        "examples": 40,
        "metrics": metrics,
        "in_service": {"weighted_quantile_loss": 0.3, "wape": 0.45},
        "intervals": {"weighted_quantile_loss": (0.2, 0.3), "wape": None},
    }
    return SliceRow(name=name, **values | changes)


def scored(name: str = "store_1, item_1", **changes: Any) -> ScoredSeries:
    values = {
        "demand_class": "no_demand",
        "score": 0.3,
        "mean_sale": 12.5,
        "loss_share": 0.02,
        "bias": -1.5,
    }
    return ScoredSeries(name=name, **values | changes)


def drawn(place: str = "good", **changes: Any) -> DrawnForecast:
    past, horizon = 14, 4
    values = {
        "series": scored(),
        "cutoff": "2026-03-14",
        "past_timestamps": tuple(f"2026-03-{day:02d}" for day in range(1, past + 1)),
        "past": (None, *(float(day) for day in range(past - 1))),
        "past_in_stock": (1.0,) * 5 + (0.2,) * 2 + (1.0,) * 7,
        "timestamps": tuple(f"2026-03-{day}" for day in range(15, 15 + horizon)),
        "actual": (3.0, None, 5.0, 0.0),
        "in_stock": (1.0, 1.0, 0.5, 1.0),
        "quantiles": tuple(tuple(step + level * 10 for level in LEVELS) for step in range(horizon)),
    }
    return DrawnForecast(place=place, **values | changes)


def backtest() -> BacktestPart:
    cutoffs = ("2026-01-01", "2026-02-01", "2026-03-01")
    return BacktestPart(
        name="20260401-101112-000",
        created="2026-04-01T10:11:12+00:00",
        retrain=True,
        seen=("2026-01-01",),
        horizon=28,
        cutoffs=cutoffs,
        rows=tuple(
            BacktestRow(
                cutoff=cutoff,
                slice=name,
                forecaster=forecaster,
                examples=400,
                metrics={
                    "weighted_quantile_loss": 0.2 + 0.1 * place,
                    "wape": None if forecaster == "croston" else 0.4,
                    "mase": 0.7,
                },
            )
            for cutoff in ("all", *cutoffs)
            for name in ("overall", "category=dairy")
            for place, forecaster in enumerate(FORECASTERS)
        ),
    )


def tuning() -> TuningPart:
    return TuningPart(
        objective="val_weighted_quantile_loss",
        stopped_by="time",
        seconds=125.0,
        best={"network.units": "64"},
        trials=(
            Trial("00", "completed", 0.3, 60.0, 5, {"network.units": "32"}),
            Trial("01", "failed", None, 1.0, 0, {"network.units": "4096"}),
            Trial("02", "completed", 0.2, 60.0, 5, {"network.units": "64"}),
        ),
        resumed=1,
    )


def changes() -> Changes:
    return Changes(
        previous="20260301-093005-123",
        outcome="pushed as version 7",
        data=(Change("rows", "100", "120"),),
        configuration=(Change("training.epochs", "5", "9"), Change("gate.slices", None, "[x]")),
        code=(),
        metrics=(
            MetricChange("weighted_quantile_loss", 0.25, 0.2),
            MetricChange("bias", None, 0.01),
        ),
    )


def data() -> DataPart:
    return DataPart(
        rows=295_700,
        series=400,
        first="2023-01-02",
        last="2025-03-11",
        splits=(
            SplitFacts("train", 400, ("2024-12-17",), {"smooth": 300, "lumpy": 100}),
            SplitFacts("eval", 380, ("2025-02-11",), {"smooth": 280, "no_demand": 100}),
        ),
        not_recorded=0.017,
        zeros=0.236,
        in_stock=0.963,
        mean_sale=8.0,
        continuity="the data goes on as that of the model in service",
        columns=(ColumnFacts("price", "known ahead", 0.02, "mean 3.66"),),
        anomalies=(),
    )


@functools.cache
def orders() -> OrdersPart:
    """Proposals of a small chain, with a supplier of each kind."""
    known = SupplierRow("north", 40, 4.5, 4.0, 7.0, 9.0, 5.0, 0.75, 2.0, 1)
    late = replace(known, std=1.5, trend=2.5, trend_error=0.4, trend_shows=True, cost=12.5)
    far = replace(known, name="south", far_lead_times=(21.0,), open_orders=2, in_full_share=0.5)
    new = SupplierRow("new", 0, None, None, None, None, None, None, None, 0)
    suppliers = SuppliersPart("days", (late, far, new))
    return OrdersPart(chain_summary(3, 20), projections(), suppliers)


def full_page(**replaced: Any) -> RunPage:
    """A page with every part; parts may be replaced."""
    page = RunPage(
        pipeline="demand",
        run_id="20260401-093005-123",
        started="2026-04-01 09:30:05 UTC",
        seconds=125.0,
        headline=Headline("good", "Pushed as version 8", ("It met every condition.",), ("A.",)),
        stages=(
            Stage("SeriesExampleGen", "cached", 0.1, 0),
            Stage("Trainer", "run", 61.0, 2**31),
            Stage("Evaluator", "failed", 4.0, 2**30),
        ),
        lineage=LineagePart(
            facts=(("Run", "20260401-093005-123"), ("Digest of the model", "ab" * 32)),
            code_digests={"forecasting": "cd" * 32},
            toolchain={"tensorflow": "2.16.2"},
            configuration="name: demand\n",
        ),
        changes=changes(),
        gate=GatePart(
            blessed=True,
            comparison="compared with the model in service",
            checks=(
                Check("Quantile loss", 0.5, low=0.0, passed=True, interval=(0.4, 0.6)),
                Check("In 80 %", 0.6, low=0.7, passed=False),
                Check("Bias", None, remark="no limit is configured"),
                Check("Both", 0.1, low=-0.2, high=0.2, passed=True),
            ),
            notes=("coverage of the 90 % interval was not judged",),
        ),
        slices=SlicesPart(
            overall=slice_row("overall", 0.21),
            slices=(slice_row("demand_class=lumpy", 0.9), slice_row("category=dairy", 0.1)),
            steps=(
                StepRange(1, 7, {"wape": 0.3, "weighted_quantile_loss": 0.2}, {"wape": (0.2, 0.4)}),
                StepRange(8, 28, {"wape": 0.4, "weighted_quantile_loss": 0.3, "examples": 378.0}),
            ),
        ),
        forecasts=ForecastsPart(
            sampled=1000,
            of=50_000,
            scored=990,
            quantile_levels=LEVELS,
            period_days=1,
            forecasts=tuple(drawn(place) for place in ("good", "median", "heaviest", "worst")),
            worst=(scored(),),
            heaviest=(scored(),),
        ),
        coverage=CoveragePart(
            levels=tuple(CoverageLevel(level, level - 0.02, level + 0.03) for level in LEVELS),
            periods=9_900,
            sampled=True,
            intervals=((0.8, 0.79, 0.6), (0.9, 0.9, None)),
        ),
        training=TrainingPart(
            curves={
                "loss": (0.5, 0.4),
                "weighted_quantile_loss": (0.4, 0.3),
                "val_weighted_quantile_loss": (0.35, 0.25),
            },
            best_epoch=2,
            validation_loss=0.25,
            naive_loss=0.7,
            series=400,
            parameters=85_891,
            warnings=("a warning",),
            seconds=61.0,
        ),
        tuning=tuning(),
        backtest=backtest(),
        data=data(),
        orders=orders(),
    )
    return replace(page, **replaced)


def bare_page(reason: str = "The run did not get here: it ended in Trainer.") -> RunPage:
    """A page of a run that got nowhere."""
    parts = ("gate", "orders", "slices", "forecasts", "coverage", "changes", "data", "training")
    return RunPage(
        pipeline="demand",
        run_id="20260401-093005-123",
        started="",
        seconds=0.0,
        headline=Headline("bad", "Failed before the first stage", ("ZeroDivisionError: x",)),
        absent=dict.fromkeys(parts, reason),
    )
