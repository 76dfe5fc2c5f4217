"""What our orders would have cost: in a sentence, a few numbers, and what they rest on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from demandcast.components.reporting.answers import Figure
from demandcast.components.reporting.page import Headline
from demandcast.components.reporting.page_simulation import (
    OURS,
    PERFECT,
    PolicyRow,
    SimulationPart,
)
from demandcast.components.reporting.words import (
    count,
    is_number,
    money,
    number,
    percent,
    several,
    units,
)

__all__ = ["simulation_assumptions", "simulation_figures", "simulation_headline"]

_MEASURES = {
    "cycle_service_level": "a cycle service level of {}",
    "fill_rate": "a fill rate of {}",
    "cost": "the least cost, with stockouts priced for a service of {}",
}
_ENOUGH_CYCLES = 100
"""With fewer, the luck of a few customers decides."""

_UNMET = {
    "lost": "Demand that stock cannot meet is lost; each unit costs once.",
    "backordered": "Demand that stock cannot meet waits; each unit costs every evening it waits.",
}


def simulation_headline(part: SimulationPart) -> Headline:
    """Says what our orders would have cost at the main target, beside the reference."""
    ours = part.row(OURS, part.main_target) if part.rows else None
    if ours is None:
        return Headline("plain", "Our orders were not simulated", ("No row is about them.",))
    title = f"Our orders would have cost {money(ours.operating_cost, part.currency)}"
    other = part.row(part.reference, part.main_target)
    compared = _compared(ours, other)
    return Headline(
        tone=_tone(ours),
        title=f"{title}{', ' + compared if compared else ''}",
        reasons=tuple(_reasons(part, ours, other)),
    )


def simulation_figures(part: SimulationPart) -> tuple[Figure, ...]:
    """Takes the numbers that a reader wants first; none without our orders."""
    ours = part.row(OURS, part.main_target) if part.rows else None
    return tuple(_figures(part, ours)) if ours else ()


def simulation_assumptions(part: SimulationPart) -> tuple[tuple[str, str], ...]:
    """Lists what the numbers rest on: terms and sentences."""
    return tuple(_assumptions(part))


def _compared(ours: PolicyRow, other: PolicyRow | None) -> str:
    """Says how much less or more than by the reference, if that is known."""
    if other is None or not is_number(ours.ratio):
        return ""
    change = abs(ours.ratio - 1)
    if percent(change) == percent(0.0):
        return f"as much as by the {_name(other)}"
    return f"{percent(change)} {'less' if ours.ratio < 1 else 'more'} than by the {_name(other)}"


def _name(row: PolicyRow) -> str:
    return row.title.partition(",")[0]


def _tone(ours: PolicyRow) -> Literal["good", "bad", "plain"]:
    """Good or bad only where the difference is larger than chance."""
    if ours.ratio_interval is None or ours.cycles < _ENOUGH_CYCLES:
        return "plain"
    low, high = ours.ratio_interval
    return "good" if high < 1 else "bad" if low > 1 else "plain"


def _reasons(part: SimulationPart, ours: PolicyRow, other: PolicyRow | None) -> Iterator[str]:
    aim = _MEASURES[part.measure].format(part.words_of(part.main_target))
    beside = f" The {_name(other)} reached {_reached(other)}." if other else ""
    yield f"Aiming at {aim}, they reached {_reached(ours)}.{beside}"
    if ours.cycles < _ENOUGH_CYCLES:
        yield (
            f"Only {several(ours.cycles, 'cycle')} could be judged: too few to tell policies "
            "apart. A model that was trained earlier leaves more to simulate."
        )
    elif ours.ratio_interval is not None and _tone(ours) == "plain":
        low, high = (number(bound) for bound in ours.ratio_interval)
        yield f"The difference in cost may be chance: the ratio is between {low} and {high}."
    perfect = part.row(PERFECT, part.main_target)
    if perfect is not None:
        cost = money(perfect.operating_cost, part.currency)
        yield f"With all demand known beforehand it would have been {cost}."
    yield (
        f"Counted are stock, stockouts, orders and waste of {count(part.series)} series from "
        f"{part.counted} to {part.last}, not what the goods cost."
    )


def _reached(row: PolicyRow) -> str:
    clean, met = percent(row.cycle_service_level), percent(row.fill_rate)
    return f"{clean} of cycles without a stockout and {met} of demand met at once"


def _figures(part: SimulationPart, ours: PolicyRow) -> Iterator[Figure]:
    target, currency = part.main_target, part.currency
    other, perfect = part.row(part.reference, target), part.row(PERFECT, target)
    aim = f"at a target of {part.words_of(target)}"
    yield Figure("Cost of our orders", money(ours.operating_cost, currency), aim)
    if other:
        cost = money(other.operating_cost, currency)
        yield Figure(f"Cost of the {_name(other)}", cost, "on the same demand and lead times")
    if perfect:
        cost = money(perfect.operating_cost, currency)
        yield Figure("Perfect foresight", cost, "what nobody can reach")
    yield Figure("Cycles without stockout", percent(ours.cycle_service_level), _within(ours))
    met = f"{_name(other)}: {percent(other.fill_rate)}" if other else "of the demand, met at once"
    yield Figure("Fill rate", percent(ours.fill_rate), met)
    stock = f"; {_name(other)}: {units(other.mean_on_hand)}" if other else ""
    evening = f"units per series in the evening{stock}"
    yield Figure("Mean stock", units(ours.mean_on_hand), evening)


def _within(row: PolicyRow) -> str:
    if row.interval is None:
        return "of our orders"
    low, high = row.interval
    return f"95 % interval {percent(low)} to {percent(high)}"


def _assumptions(part: SimulationPart) -> Iterator[tuple[str, str]]:
    period = {1: "day", 7: "week"}.get(part.period_days, "period")
    yield (
        "Order of events",
        "An order is decided in the evening, from the newest forecast, and placed before the next "
        f"{period} opens. In each {period} what is due arrives before opening, demand is met from "
        "stock, what has expired is written off, and costs are charged on what is left in the "
        "evening.",
    )
    yield (
        "Lead times",
        f"Drawn from the distribution of each supplier, {number(part.lead_times, 2)} {period}s on "
        "average over the series; each draw is the same for all policies. An order with a lead "
        f"time of 0 arrives before the next {period} opens.",
    )
    yield "Demand", _demand(part)
    yield "Unmet demand", _UNMET[part.unmet_demand]
    yield (
        "Beginning and end",
        "All policies begin with the same stock; counting begins after "
        f"{several(part.warm_up, period)}, on {part.counted}. Decisions are made at "
        f"{several(part.cutoffs, 'cutoff')} from {part.first} to {part.last}. Orders of the last "
        f"{period}s cost what orders cost, and may arrive after the end.",
    )
    yield (
        "What taught",
        f"{several(part.teaching, 'cutoff')} before the first decision, none of which the model "
        "had seen; later decisions also learn from what had ended by then, and from nothing that "
        "came later.",
    )
    yield "Terms", _terms(part)
    yield (
        "Stockout cost",
        "As the terms give it. Where they do not, it is what makes the target the cheapest, so it "
        "is another one for each target, and costs at different targets are not comparable.",
    )
    yield (
        "Rules of thumb",
        "They take each target as a cycle service level, and see all past demand, also what was "
        "lost: more than a shop would know. Last year's sales and perfect foresight have no "
        "target; it only prices their stockouts.",
    )
    yield "Left out", _left_out(part)


def _demand(part: SimulationPart) -> str:
    if part.demand:
        return f"What was asked for, from {part.demand}; 0 where it has no row."
    return (
        "What was sold; 0 where nothing was recorded. Where a shelf was empty more may have been "
        "asked for, which nobody counted: true service is lower, for every policy."
    )


def _terms(part: SimulationPart) -> str:
    lots = "in packs and at least the smallest order" if part.whole_lots else "in any whole number"
    return f"Today's tables of supply, over the whole time. Orders are placed {lots}."


def _left_out(part: SimulationPart) -> str:
    reasons = part.reasons()
    if not reasons:
        return "No series."
    words = "; ".join(f"{title}: {count(series)}" for title, series in reasons)
    return f"{count(sum(series for _, series in reasons))} series. {words}."
