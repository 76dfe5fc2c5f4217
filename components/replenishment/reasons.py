"""The reason of each line in words: what the order does, and what made it another than wanted."""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl

from demandcast.components.replenishment.order_lots import LotReason
from demandcast.schema.periods import Frequency

__all__ = ["INFEASIBLE", "line_reasons"]

INFEASIBLE = (
    LotReason.INFEASIBLE_PACK_CAPACITY
    | LotReason.INFEASIBLE_MOQ_CAPACITY
    | LotReason.INFEASIBLE_PACK_SHELF_LIFE
    | LotReason.INFEASIBLE_MOQ_SHELF_LIFE
)
"""Reasons for which no quantity would be right."""


def line_reasons(
    lines: pl.DataFrame, *, measure: str, horizon: int | pl.Expr, frequency: Frequency
) -> pl.Series:
    """Words the reasons of computed lines.

    Args:
        lines: The columns of the proposal table, and of each line `lot_reasons` (bits of
            `LotReason`), `pack_size`, `moq`, `room`, `sellable`, `raised_to_price_break`,
            `storage_capacity`, `smallest_order` (units, in whole packs) and `never_fits` (whether
            that is above the capacity), `supply_cut` and `budget_cut` (units not ordered because
            the supplier has not enough, and for lack of budget), `overdue_units` and
            `abandoned_units` with the days since when, `probability` (with which stock
            is said to last), `supplier_reason` and `left_out`.
        measure: What `service_target` is a target of.
        horizon: Periods of the forecast, of all lines or each: cover beyond it is not known.
        frequency: Of the periods, which are days or weeks.

    Returns:
        Sentences without a full stop, apart by "; ". Length n.
    """
    period = "day" if frequency == "D" else "week"
    cover = _cover(horizon, period) if measure == "cycle_service_level" else _cases(horizon, period)
    parts = [*_what_it_does(measure, cover), *_what_changed_it(period)]
    return lines.select(
        reason=pl.concat_str(
            [pl.when(when).then(words) for when, words in parts], separator="; ", ignore_nulls=True
        )
    )["reason"]


def _number(name: str, decimals: int = 0) -> pl.Expr:
    """Writes a number without decimals that say nothing."""
    rounded = pl.col(name).round(decimals)
    whole = rounded.cast(pl.Int64, strict=False).cast(pl.String)
    return pl.when(rounded == rounded.floor()).then(whole).otherwise(rounded.cast(pl.String))


def _units(name: str, decimals: int = 1) -> pl.Expr:
    """Writes a number of units."""
    one = pl.col(name).round(decimals) == 1
    return pl.format(
        "{} {}",
        _number(name, decimals),
        pl.when(one).then(pl.lit("unit")).otherwise(pl.lit("units")),
    )


def _is_or_are(name: str) -> pl.Expr:
    one = pl.col(name).round(1) == 1
    return pl.when(one).then(pl.lit("is")).otherwise(pl.lit("are"))


def _wanted(name: str) -> pl.Expr:
    """Writes that units are wanted."""
    return pl.format("{} {} wanted", _units(name), _is_or_are(name))


def _percent(name: str) -> pl.Expr:
    """Writes a share as a percentage with at most one decimal."""
    percent = (pl.col(name) * 100).round(1)
    whole = percent.cast(pl.Int64, strict=False).cast(pl.String)
    return pl.when(percent == percent.floor()).then(whole).otherwise(percent.cast(pl.String))


def _time(horizon: int | pl.Expr, period: str) -> pl.Expr:
    """Writes how long stock lasts; what reaches to the end of the forecast may last longer."""
    periods = pl.col("cover_periods")
    several = pl.format(
        "{} {}{}",
        _number("cover_periods"),
        pl.when(periods == 1).then(pl.lit(period)).otherwise(pl.lit(f"{period}s")),
        pl.when(periods >= horizon).then(pl.lit(" or more")).otherwise(pl.lit("")),
    )
    return pl.when(periods < 1).then(pl.lit(f"less than a {period}")).otherwise(several)


def _cover(horizon: int | pl.Expr, period: str) -> pl.Expr:
    """Writes how long stock lasts with the probability that is the target."""
    return pl.format("{} at {} %", _time(horizon, period), _percent("probability"))


def _cases(horizon: int | pl.Expr, period: str) -> pl.Expr:
    """Writes the same where the probability is no target: it follows from it, and is a share."""
    # Rounded down: what may fail is not said to hold in 100 of 100 cases.
    cases = (pl.col("probability") * 100 + 1e-6).floor().cast(pl.Int64).cast(pl.String)
    return pl.format("{} in {} of 100 cases", _time(horizon, period), cases)


_AIMS = {"fill_rate": "aims to meet {} % of demand", "cost": "aims at the least cost"}
"""What an order is for, where that is not how long it lasts."""


def _what_it_does(measure: str, cover: pl.Expr) -> Iterator[tuple[pl.Expr, pl.Expr]]:
    """Yields conditions and words about the state of the line."""
    ordered = pl.col("order_quantity") > 0
    wanted = pl.col("wanted_quantity") > 0
    if measure in _AIMS:
        before, _, after = _AIMS[measure].partition("{}")
        target = _percent("service_target") if after else pl.lit("")
        yield ordered, pl.format(f"{before}{{}}{after}", target)
    yield ordered, pl.format("covers {}", cover)
    yield ~wanted & ~ordered, pl.format("stock and orders on their way cover {}", cover)
    # The level covers the interval: what is left must happen before anything can arrive.
    early = pl.col("stockout_probability") > 2 * (1 - pl.col("probability")) + 0.05
    sooner = pl.format(
        "may run out before an order arrives ({} %)", _percent("stockout_probability")
    )
    yield early & pl.col("status").is_in(["order", "covered"]), sooner
    missing = pl.format(
        "{}; the supplier takes orders again on {}",
        _wanted("wanted_quantity"),
        pl.col("next_order_date").dt.to_string("%Y-%m-%d"),
    )
    yield pl.col("status") == "not_due", missing
    yield (
        pl.col("excess_units") > 0,
        pl.format("{} above the base-stock level", _units("excess_units")),
    )


_CHANGES: dict[LotReason, str] = {
    LotReason.RAISED_TO_MOQ: "raised to the smallest order of {moq}",
    LotReason.RAISED_TO_PACK: "raised to packs of {pack}",
    LotReason.MOQ_NOT_WHOLE_PACKS: "the smallest order of {moq} is no multiple of the pack of "
    "{pack}",
    LotReason.RAISED_TO_PRICE_BREAK: "raised by {raised} to a lower price",
    LotReason.LOWERED_BY_CAPACITY: "lowered from {units}: there is room for {room} of a capacity "
    "of {capacity}",
    LotReason.LOWERED_BY_SHELF_LIFE: "lowered from {units}: {sellable} sell before they expire",
    LotReason.INFEASIBLE_PACK_CAPACITY: "{wanted}, and a pack of {pack} does not fit into room for "
    "{room} of a capacity of {capacity}",
    LotReason.INFEASIBLE_MOQ_CAPACITY: "{wanted}, and the smallest order of {moq} does not fit "
    "into room for {room} of a capacity of {capacity}",
    LotReason.INFEASIBLE_PACK_SHELF_LIFE: "{wanted}, and of a pack of {pack} only {sellable} would "
    "sell before they expire",
    LotReason.INFEASIBLE_MOQ_SHELF_LIFE: "{wanted}, and of the smallest order of {moq} only "
    "{sellable} would sell before they expire",
}
"""Words for what changed a quantity, in their order."""

_OF_CAPACITY = (
    LotReason.LOWERED_BY_CAPACITY,
    LotReason.INFEASIBLE_PACK_CAPACITY,
    LotReason.INFEASIBLE_MOQ_CAPACITY,
)


def _filled_in(template: str) -> pl.Expr:
    """Puts numbers of the line into words."""
    numbers = {
        "capacity": _number("storage_capacity", 1),
        "moq": _number("moq", 2),
        "pack": _number("pack_size", 2),
        "raised": _number("raised_to_price_break", 1),
        "room": _number("room", 1),
        "sellable": _number("sellable", 1),
        "units": _number("wanted_quantity", 1),
        "wanted": _wanted("wanted_quantity"),
    }
    names = re.findall(r"{(\w+)}", template)
    return pl.format(re.sub(r"{\w+}", "{}", template), *(numbers[name] for name in names))


def _what_changed_it(period: str) -> Iterator[tuple[pl.Expr, pl.Expr]]:
    """Yields conditions and words about constraints and suppliers."""
    never = pl.col("never_fits")
    yield never & (pl.col("wanted_quantity") > 0), _wanted("wanted_quantity")
    yield never, _never_fits()
    for reason, template in _CHANGES.items():
        # That there is no room today is no news where there never will be.
        hidden = never if reason in _OF_CAPACITY else pl.lit(value=False)
        yield ((pl.col("lot_reasons") & int(reason)) != 0) & ~hidden, _filled_in(template)
    scarce = pl.format("{} fewer: the supplier has not enough for all", _units("supply_cut"))
    yield pl.col("supply_cut") > 0, scarce
    held_back = pl.format("{} held back by the budget", _units("budget_cut"))
    yield pl.col("budget_cut") > 0, held_back
    words = pl.col("supplier_reason").cast(pl.String)
    why = words.str.replace(" per period ", f" per {period} ", literal=True)
    chosen = pl.format("supplier {}", why)
    yield pl.col("supplier_reason").is_not_null(), chosen
    yield pl.col("left_out").is_not_null(), pl.col("left_out")
    overdue = pl.format(
        "{} on the way {} overdue, the oldest since {}",
        _units("overdue_units"),
        _is_or_are("overdue_units"),
        pl.col("overdue_since").dt.to_string("%Y-%m-%d"),
    )
    yield (pl.col("overdue_units") > 0).fill_null(value=False), overdue
    abandoned = pl.format(
        "{} on order {} not counted, too long overdue, the oldest since {}",
        _units("abandoned_units"),
        _is_or_are("abandoned_units"),
        pl.col("abandoned_since").dt.to_string("%Y-%m-%d"),
    )
    yield (pl.col("abandoned_units") > 0).fill_null(value=False), abandoned


def _never_fits() -> pl.Expr:
    """Words that the terms contradict the capacity, whatever is in stock."""
    in_packs = pl.format(
        "{}, in packs of {},", _number("smallest_order", 2), _number("pack_size", 2)
    )
    plain = pl.col("smallest_order") <= pl.max_horizontal("moq", "pack_size")
    return pl.format(
        "no order is possible: the smallest, {} is above the storage capacity of {}",
        pl.when(plain).then(pl.format("{},", _number("smallest_order", 2))).otherwise(in_packs),
        _number("storage_capacity", 1),
    )
