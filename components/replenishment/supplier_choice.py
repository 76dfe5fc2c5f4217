"""Which supplier an item should be ordered from: the least expected cost, risk included.

    per period and candidate:
      purchase    unit cost x demand
      ordering    order cost x orders
      holding     on cycle stock and safety stock, in the evening
      shortage    units short x stockout cost
      risk        what the slowest orders add to the shortage, times the aversion to it
    once, of the order of now
      wait        units short before it can arrive x stockout cost

A dearer supplier gets the order of now where the others let the shelf run empty before they
deliver, and that costs more. The next order is chosen anew.

The order of events, the lead time L and the review period R are those of all replenishment: an
order covers L + R periods of demand, and stock is charged in the evening.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
from scipy import special

from demandcast.components.metrics.arrays import BoolArray, FloatArray, check_shape
from demandcast.components.replenishment.lead_time_distributions import pmf_mean, pmf_std
from demandcast.schema.errors import BadInputError

__all__ = [
    "COMPONENTS",
    "SLOWEST",
    "Candidates",
    "CostRates",
    "FirstOrders",
    "ItemDemand",
    "SupplierChoice",
    "choose_suppliers",
    "cost_of_unreliability",
    "slowest_mean",
    "taken_at",
    "units_short",
]

Int64Array = npt.NDArray[np.int64]

COMPONENTS = ("purchase", "ordering", "holding", "shortage", "risk")
"""Parts of the expected cost, in the order of their axis."""

SLOWEST = 0.05
"""Share of a supplier's orders that count as its slowest."""

_TIE = 1e-9  # Costs that differ by less than this share are equal: rounding.


@dataclass(frozen=True)
class ItemDemand:
    """Demand of items (N) as the forecast sees it.

    Attributes:
        mean: Units per period, at least 0. Shape [N].
        variance: Of the demand of one period, units squared. Shape [N].
    """

    mean: FloatArray
    variance: FloatArray


@dataclass(frozen=True)
class Candidates:
    """Terms on which suppliers offer items: K places per item (N), some of them empty.

    Attributes:
        supplier: Row of the lead times; -1 for an empty place. Shape [N, K].
        unit_cost: Currency per unit. Shape [N, K].
        order_cost: Currency per order. Shape [N, K].
        review_period: Periods between order decisions, at least 1. Shape [N, K].
        moq: Smallest order, units. Shape [N, K].
        pack_size: Units per pack, above 0. Shape [N, K].
    """

    supplier: Int64Array
    unit_cost: FloatArray
    order_cost: FloatArray
    review_period: FloatArray
    moq: FloatArray
    pack_size: FloatArray


@dataclass(frozen=True)
class FirstOrders:
    """What it costs to wait for the first order that each candidate can take.

    Attributes:
        takes_orders: Whether it takes one now. Shape [N, K].
        wait_cost: Expected cost of what is short before that order arrives, currency, once.
            Shape [N, K].
        position: Inventory position, which an order of now raises to S, units. Shape [N].
    """

    takes_orders: BoolArray
    wait_cost: FloatArray
    position: FloatArray

    @classmethod
    def not_looked_at(cls, shape: tuple[int, ...]) -> FirstOrders:
        """Says of all candidates that they take orders now, and that nothing is short before."""
        return cls(np.ones(shape, np.bool_), np.zeros(shape), np.full(shape[0], np.inf))


@dataclass(frozen=True)
class CostRates:
    """What stock and its absence cost.

    Attributes:
        holding_cost_rate: Share of the unit cost per period, on evening stock.
        stockout_cost: Currency per unit short. A number, or shape [N].
        cycle_service_level: Target: chance of no stockout in an order cycle, in (0, 1).
        risk_aversion: How much the slowest orders count beyond what they are expected to cost. By
            default as much as they are frequent, so that their extra shortage weighs double. 0:
            expected cost alone.
    """

    holding_cost_rate: float
    stockout_cost: npt.ArrayLike
    cycle_service_level: float = 0.95
    risk_aversion: float = SLOWEST

    def __post_init__(self) -> None:
        """Refuses rates that no business has."""
        for name, value in (
            ("holding_cost_rate", self.holding_cost_rate),
            ("risk_aversion", self.risk_aversion),
        ):
            if not 0 <= value < np.inf:
                raise BadInputError(f"{name}: got {value}; a finite number from 0 is allowed")
        if not 0 < self.cycle_service_level < 1:
            raise BadInputError(
                f"cycle_service_level: got {self.cycle_service_level}; it must lie in (0, 1)"
            )


@dataclass(frozen=True)
class SupplierChoice:
    """The supplier of each item (N) among its candidates (K).

    Attributes:
        status: `chosen`, `sooner` (another costs less per period and delivers too late),
            `single_candidate`, `tie` (the least cost is not one candidate's alone; the steadiest
            lead time decides, then the first place), or `no_feasible_supplier`. Shape [N].
        place: The chosen candidate; -1 without one. Shape [N].
        runner_up: The cheapest of the others per period; -1 without one. Shape [N].
        cost: Expected cost per period by component (5); NaN where not feasible. Shape [N, K, 5].
        total: Its sum. Shape [N, K].
        difference: Cost of the choice minus that of the runner-up, by component: below 0 is what
            speaks for the choice. NaN without a runner-up. Shape [N, 5].
        obstacle: Why a candidate cannot be taken: `no_offer`, `no_lead_time`, `no_terms`; empty
            where it can. Shape [N, K].
        base_stock_level: Target of the inventory position on which the cost rests. Shape [N, K].
        safety_stock: Units above the expected demand. Shape [N, K].
        first: Of the first order of each candidate.
    """

    status: npt.NDArray[np.str_]
    place: Int64Array
    runner_up: Int64Array
    cost: FloatArray
    total: FloatArray
    difference: FloatArray
    obstacle: npt.NDArray[np.str_]
    base_stock_level: FloatArray
    safety_stock: FloatArray
    first: FirstOrders


def choose_suppliers(
    demand: ItemDemand,
    candidates: Candidates,
    pmf: FloatArray,
    *,
    rates: CostRates,
    first: FirstOrders | None = None,
) -> SupplierChoice:
    """Chooses for each item the candidate from which an order of now costs least.

    Formula, with mean demand m, variance v and E[.] over the lead time: sigma^2 = (E[L] + R) v +
    m^2 Var(L); S = m (E[L] + R) + z sigma, z the normal quantile of the target. Order quantity
    Q = max(m R, moq in whole packs), orders per period m / Q. Holding = rate x unit cost x (z sigma
    + (Q - m) / 2): just after an arrival a period's demand is gone by the evening. A pack adds
    (pack - 1) / 2 where rounding up to it overshoots. Shortage = stockout cost x sigma G(z) x m / Q
    with G(z) = phi(z) - z (1 - Phi(z)). Risk = aversion x stockout cost x (units short of S if the
    lead time is the mean of its slowest 5 %, minus sigma G(z)) x m / Q, at least 0.

    The sum c is per period. An order of now, max(S - position, Q), binds for the periods T that it
    covers; then the choice is made anew. So the candidate with the least (c - least c) T + wait
    cost is chosen.

    All but the risk grow with the spread of the lead time. The risk need not: a deviation of many
    times the mean raises S further than the slowest orders reach.

    The normal approximation errs for lead times with two humps and targets near 1; it ranks
    suppliers, it does not set the stock. Backorders within a cycle are left out of the stock.

    Args:
        demand: Of items (N).
        candidates: Up to K per item.
        pmf: Lead times of suppliers (V), a row of NaN where unknown. Shape [V, L + 1].
        rates: Of stock and shortage.
        first: What waiting for the first order costs; None: not looked at.

    Returns:
        The choice, with an explicit status for every item. Without demand and variance nothing is
        ordered or held: all costs are 0, a tie.

    Raises:
        ValueError: Shapes disagree, or a supplier is no row of `pmf`.
        BadInputError: A demand, a variance or a stockout cost is negative or not finite.

    Source:
        Variance: law of total variance for a random number of periods; Hadley and Whitin (1963),
        Analysis of Inventory Systems, section 3-4; its limits: Eppen and Martin (1988), Management
        Science 34(11), 1380-1390. Shortage: Silver, Pyke and Thomas (2017), Inventory and
        Production Management in Supply Chains, 4th edition, chapter 6. The slowest: Rockafellar
        and Uryasev (2000), Journal of Risk 2(3), 21-41 (conditional value at risk). The sum, and
        the evening's stock, are ours.
    """
    stockout_cost = _check(demand, candidates, pmf, rates)
    pmf = _with_nobody(pmf)
    obstacle = _obstacles(candidates, pmf)
    terms = _Terms.of(demand, _filled(candidates, obstacle), pmf, rates)
    cost = terms.costs(stockout_cost[:, None], rates)
    cost = np.where((obstacle == "")[..., None], cost, np.nan)
    total = cost.sum(axis=-1)
    spread = pmf_std(pmf)[candidates.supplier]
    first = first or FirstOrders.not_looked_at(total.shape)
    excess = _excess(total, terms.cover(first.position[:, None]), first.wait_cost)
    place = _best(excess, spread)
    runner_up = _best(_without(total, place), spread)
    blank = np.where(obstacle == "", 0.0, np.nan)
    return SupplierChoice(
        status=_statuses(total, excess, place=place, runner_up=runner_up),
        place=place,
        runner_up=runner_up,
        cost=cost,
        total=total,
        difference=taken_at(cost, place) - taken_at(cost, runner_up),
        obstacle=obstacle,
        base_stock_level=terms.expected + terms.safety_stock + blank,
        safety_stock=terms.safety_stock + blank,
        first=first,
    )


def cost_of_unreliability(
    demand: ItemDemand, candidates: Candidates, pmf: FloatArray, *, rates: CostRates
) -> FloatArray:
    """Computes what it costs to hold the safety stock that only varying lead times ask for.

    Formula: rate x unit cost x z (sqrt((E[L] + R) v + m^2 Var(L)) - sqrt((E[L] + R) v)).

    Args:
        demand: Of items (N).
        candidates: Up to K per item.
        pmf: Lead times of suppliers (V). Shape [V, L + 1].
        rates: Of stock and shortage.

    Returns:
        Currency per period; NaN where a candidate cannot be taken. Shape [N, K].

    Raises:
        ValueError: Shapes disagree, or a supplier is no row of `pmf`.
        BadInputError: A demand, a variance or a stockout cost is negative or not finite.

    Source:
        As `choose_suppliers`; the difference is ours.
    """
    _check(demand, candidates, pmf, rates)
    pmf = _with_nobody(pmf)
    obstacle = _obstacles(candidates, pmf)
    terms = _Terms.of(demand, _filled(candidates, obstacle), pmf, rates)
    interval = pmf_mean(pmf)[candidates.supplier] + candidates.review_period
    steady = terms.safety_factor * np.sqrt(interval * demand.variance[:, None])
    cost = rates.holding_cost_rate * candidates.unit_cost * (terms.safety_stock - steady)
    return np.where(obstacle == "", cost, np.nan)


def slowest_mean(pmf: FloatArray, share: float = SLOWEST) -> FloatArray:
    """Averages the slowest orders of each supplier.

    Formula: the mean of the upper `share` of the distribution; of the period at its edge as much
    as is needed.

    Args:
        pmf: Probabilities. Shape [V, L + 1].
        share: In (0, 1].

    Returns:
        Periods; NaN if the lead time is unknown. Shape [V].

    Source:
        Rockafellar and Uryasev (2002), Journal of Banking and Finance 26, 1443-1471.

    >>> slowest_mean(np.array([[0.0, 0.97, 0.0, 0.03]]))  # (0.03 x 3 + 0.02 x 1) / 0.05
    array([2.2])
    """
    above = np.cumsum(pmf[:, ::-1], axis=1)
    taken = np.diff(np.minimum(above, share), axis=1, prepend=0.0)[:, ::-1]
    return np.asarray(taken @ np.arange(pmf.shape[1]) / taken.sum(axis=1))


@dataclass(frozen=True)
class _Terms:
    """What the costs rest on, of items and candidates; each of shape [N, K].

    Attributes:
        mean: Demand per period.
        unit_cost: Currency per unit.
        order_cost: Currency per order.
        quantity: Units per order.
        overshoot: Units that rounding up to packs adds to the stock.
        expected: Demand over the protection interval.
        sigma: Its standard deviation, with random lead times.
        safety_stock: Units.
        safety_factor: z, of all.
        late_expected: Demand over the interval of a slow order.
        late_sigma: Its standard deviation.
    """

    mean: FloatArray
    unit_cost: FloatArray
    order_cost: FloatArray
    quantity: FloatArray
    overshoot: FloatArray
    expected: FloatArray
    sigma: FloatArray
    safety_stock: FloatArray
    safety_factor: float
    late_expected: FloatArray
    late_sigma: FloatArray

    @classmethod
    def of(
        cls, demand: ItemDemand, candidates: Candidates, pmf: FloatArray, rates: CostRates
    ) -> _Terms:
        mean, variance = demand.mean[:, None], demand.variance[:, None]
        review, pack = candidates.review_period, candidates.pack_size
        lead, spread, slow = (
            values[candidates.supplier]
            for values in (pmf_mean(pmf), pmf_std(pmf), slowest_mean(pmf))
        )
        smallest = np.ceil(np.maximum(candidates.moq, pack) / pack) * pack
        sigma = np.sqrt((lead + review) * variance + mean**2 * spread**2)
        factor = float(special.ndtri(rates.cycle_service_level))
        return cls(
            mean=np.broadcast_to(mean, review.shape),
            unit_cost=candidates.unit_cost,
            order_cost=candidates.order_cost,
            quantity=np.maximum(mean * review, smallest),
            overshoot=np.where(mean > 0, np.maximum(pack - 1, 0) / 2, 0.0),
            expected=mean * (lead + review),
            sigma=sigma,
            safety_stock=factor * sigma,
            safety_factor=factor,
            late_expected=mean * (slow + review),
            late_sigma=np.sqrt((slow + review) * variance),
        )

    def cover(self, position: FloatArray) -> FloatArray:
        """Computes the periods that an order of now covers; 1 without demand. Shape [N, K]."""
        missing = self.expected + self.safety_stock - position
        demand = np.where(self.mean > 0, self.mean, 1.0)
        return np.where(self.mean > 0, np.maximum(missing, self.quantity) / demand, 1.0)

    def costs(self, stockout_cost: FloatArray, rates: CostRates) -> FloatArray:
        """Computes the cost per period by component. Shape [N, K, 5]."""
        orders = self.mean / self.quantity
        cycle = np.where(self.mean > 0, np.maximum(self.quantity - self.mean, 0.0) / 2, 0.0)
        stock = np.maximum(self.safety_stock + cycle + self.overshoot, 0.0)
        level = self.expected + self.safety_stock
        short = units_short(level - self.expected, self.sigma)
        slow = units_short(level - self.late_expected, self.late_sigma)
        risk = rates.risk_aversion * np.maximum(slow - short, 0.0)
        return np.stack(
            [
                self.unit_cost * self.mean,
                self.order_cost * orders,
                rates.holding_cost_rate * self.unit_cost * stock,
                stockout_cost * short * orders,
                stockout_cost * risk * orders,
            ],
            axis=-1,
        )


def units_short(margin: FloatArray, sigma: FloatArray) -> FloatArray:
    """Computes the expected excess of a normal variable over its mean + margin.

    >>> units_short(np.array([0.0, 2.0, -2.0]), np.array([1.0, 0.0, 0.0])).round(4).tolist()
    [0.3989, 0.0, 2.0]
    """
    certain = ~(sigma > 0)
    z = margin / np.where(certain, 1.0, sigma)
    density = np.exp(-(np.minimum(np.abs(z), 40.0) ** 2) / 2) / np.sqrt(2 * np.pi)
    loss = density - z * special.ndtr(-z)
    return np.where(certain, np.maximum(-margin, 0.0), np.maximum(loss, 0.0) * sigma)


def _check(
    demand: ItemDemand, candidates: Candidates, pmf: FloatArray, rates: CostRates
) -> FloatArray:
    """Refuses what cannot be computed with. Returns the stockout cost. Shape [N]."""
    items = demand.mean.shape
    check_shape("demand.variance", demand.variance, items)
    if candidates.supplier.ndim != 2 or candidates.supplier.shape[:1] != items:
        raise ValueError(
            f"candidates.supplier: shape {list(candidates.supplier.shape)}; expected "
            f"[{items[0]}, K]"
        )
    for field in fields(candidates):
        check_shape(
            f"candidates.{field.name}", getattr(candidates, field.name), candidates.supplier.shape
        )
    if ((candidates.supplier < -1) | (candidates.supplier >= len(pmf))).any():
        raise ValueError(f"candidates.supplier: a row lies outside of -1 to {len(pmf) - 1}")
    stockout_cost = np.broadcast_to(np.asarray(rates.stockout_cost, np.float64), items)
    for name, values in (
        ("demand.mean", demand.mean),
        ("demand.variance", demand.variance),
        ("stockout_cost", stockout_cost),
    ):
        wrong = np.flatnonzero(~((values >= 0) & np.isfinite(values)))
        if wrong.size:
            raise BadInputError(
                f"{name}: {wrong.size} values are negative or not finite, the first is "
                f"{values[wrong[0]]:g} in row {wrong[0]}"
            )
    return np.asarray(stockout_cost)


def _obstacles(candidates: Candidates, pmf: FloatArray) -> npt.NDArray[np.str_]:
    """Says why a candidate cannot be taken. Shape [N, K]."""
    known = np.ones(candidates.supplier.shape, dtype=np.bool_)
    for values, least in (
        (candidates.unit_cost, 0.0),
        (candidates.order_cost, 0.0),
        (candidates.moq, 0.0),
        (candidates.review_period, 1.0),
        (candidates.pack_size, np.nextafter(0.0, 1.0)),
    ):
        known &= np.isfinite(values) & (values >= least)
    without = np.isnan(pmf).any(axis=1)[candidates.supplier]
    return np.where(
        candidates.supplier < 0,
        "no_offer",
        np.where(without, "no_lead_time", np.where(known, "", "no_terms")),
    )


def _with_nobody(pmf: FloatArray) -> FloatArray:
    """Appends the lead time of nobody, which the -1 of an empty place finds."""
    return np.pad(pmf, ((0, 1), (0, 0)), constant_values=np.nan)


def _filled(candidates: Candidates, obstacle: npt.NDArray[np.str_]) -> Candidates:
    """Replaces terms that cannot be computed with; their results are not used."""
    terms = {
        field.name: np.where(obstacle == "", getattr(candidates, field.name), 1.0)
        for field in fields(candidates)
        if field.name != "supplier"
    }
    return Candidates(supplier=candidates.supplier, **terms)


def _excess(total: FloatArray, cover: FloatArray, wait_cost: FloatArray) -> FloatArray:
    """Computes what an order of now costs beyond the cheapest, waiting included. Shape [N, K]."""
    least = _least(total)
    # Costs that are equal but for rounding are no premium, however long an order lasts.
    premium = np.where(_equals_least(total), 0.0, total - least) * cover
    return np.asarray(premium + np.where(wait_cost > _TIE * np.abs(least), wait_cost, 0.0))


def _best(cost: FloatArray, spread: FloatArray) -> Int64Array:
    """Finds the cheapest candidate of each item; -1 where there is none. Shape [N]."""
    if not cost.shape[1]:
        return np.full(len(cost), -1)
    # Equal costs are made exactly equal, so that the spread decides between them.
    known = np.where(np.isnan(cost), np.inf, np.where(_equals_least(cost), _least(cost), cost))
    order = np.lexsort((np.nan_to_num(spread), known), axis=1)
    return np.where(np.isfinite(known).any(axis=1), order[:, 0], -1)


def _without(cost: FloatArray, place: Int64Array) -> FloatArray:
    """Takes one candidate of each item out of the choice. Shape [N, K]."""
    return np.where(np.arange(cost.shape[1]) == place[:, None], np.nan, cost)


def _least(cost: FloatArray) -> FloatArray:
    """Returns the least known cost of each item; infinity without one. Shape [N, 1]."""
    known = np.where(np.isnan(cost), np.inf, cost)
    return np.asarray(known.min(axis=1, keepdims=True, initial=np.inf))


def _equals_least(cost: FloatArray) -> BoolArray:
    least = _least(cost)
    bound = np.where(np.isfinite(least), least + _TIE * np.abs(least), -np.inf)
    return np.asarray(np.where(np.isnan(cost), np.inf, cost) <= bound)


def _statuses(
    total: FloatArray, excess: FloatArray, *, place: Int64Array, runner_up: Int64Array
) -> npt.NDArray[np.str_]:
    tied = _equals_least(excess).sum(axis=1) > 1
    cheapest = _equals_least(total)
    dearer = ~np.take_along_axis(np.pad(cheapest, ((0, 0), (0, 1))), place[:, None], axis=1)[:, 0]
    return np.select(
        [place < 0, runner_up < 0, dearer, tied],
        ["no_feasible_supplier", "single_candidate", "sooner", "tie"],
        default="chosen",
    )


def taken_at(values: FloatArray, place: Int64Array) -> FloatArray:
    """Takes the values of one candidate per item; NaN without one.

    Args:
        values: Shape [N, K, C].
        place: Candidate; -1: none. Shape [N].

    Returns:
        Shape [N, C].
    """
    if not values.shape[1]:
        return np.full((len(values), values.shape[2]), np.nan)
    taken = values[np.arange(len(values)), place]
    return np.where((place >= 0)[:, None], taken, np.nan)
