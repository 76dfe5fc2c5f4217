"""What a simulated stock lives in: supply, costs, how it begins; checked and spread over series.

The order of events of a period k is that of all replenishment:

    evening of k - 1     if k is a review day, an order is decided from the inventory position
    before k opens       what is due arrives; with a lead time of 0 also the order just placed
    while k is open      demand, met from stock; the rest is lost or waits
    evening of k         what has expired is written off; costs are charged on what is left
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from demandcast.schema.errors import BadInputError

__all__ = [
    "BoolArray",
    "FloatArray",
    "IntArray",
    "OpeningStock",
    "PreparedScenario",
    "StockCosts",
    "StockScenario",
    "StockSupply",
    "UnmetDemand",
    "checked_demand",
    "ROUNDING",
    "packs_down",
    "packs_up",
    "prepare",
]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]

ROUNDING = 1e-9
"""Share of a series' largest demand below which units are an error of rounding."""


class UnmetDemand(enum.StrEnum):
    """What becomes of demand that stock cannot meet."""

    LOST = "lost"
    BACKORDERED = "backordered"


@dataclass(frozen=True, kw_only=True)
class StockSupply:
    """How stock is replenished and how long it keeps.

    Attributes:
        lead_time: Periods from order to arrival, whole, at least 0: the order placed before
            period k opens arrives before period k + lead_time opens. One number, one for each
            series [N], or one for each period in which an order may be placed and series [T, N];
            orders may overtake each other.
        supplier: Column of `lead_time` of each series, which then is of shape [T, suppliers] or
            [suppliers]; None: its columns are series. Shape [N].
        review: When an order may be placed. Whole numbers, one or [N]: periods between order
            decisions, the first before period 0, and so on after the last. Truth values [T, N]:
            whether an order may be placed before the period opens.
        pack_size: Units per pack; 0: any quantity. One number or [N].
        moq: Smallest order, units; raised to whole packs. One number or [N].
        storage_capacity: Units. Orders are cut so that the inventory position never exceeds it:
            all fits even if nothing is sold until it arrives. Packs are cut to whole ones, and an
            order that would fall below `moq` is not placed. One number or [N].
        shelf_life: Periods in which a unit can be sold, the one before which it arrives first;
            what is left in the evening of the last is written off. Oldest units are sold first.
            `math.inf`: does not expire. One number or [N].
    """

    lead_time: npt.ArrayLike = 0
    supplier: npt.ArrayLike | None = None
    review: npt.ArrayLike = 1
    pack_size: npt.ArrayLike = 0.0
    moq: npt.ArrayLike = 0.0
    storage_capacity: npt.ArrayLike = np.inf
    shelf_life: npt.ArrayLike = np.inf


@dataclass(frozen=True, kw_only=True)
class StockCosts:
    """What stock costs; each one number or [N], at least 0.

    Attributes:
        holding_cost: Currency per unit and period, on the stock of the evening.
        stockout_cost: Currency per unit short: once for each unit lost, or for each unit that
            waits and each evening.
        order_cost: Currency per order, however large.
        unit_cost: Currency per unit ordered. Leave it at 0 where `stockout_cost` is the margin of
            a lost sale; with it, a lost sale costs what the sale would have brought.
        waste_cost: Currency per unit written off, besides its unit cost.
    """

    holding_cost: npt.ArrayLike = 0.0
    stockout_cost: npt.ArrayLike = 0.0
    order_cost: npt.ArrayLike = 0.0
    unit_cost: npt.ArrayLike = 0.0
    waste_cost: npt.ArrayLike = 0.0


@dataclass(frozen=True, kw_only=True)
class OpeningStock:
    """What there is before the order of period 0 is decided.

    Attributes:
        on_hand: Units; as fresh as if they had arrived before period 0. One number or [N].
        due: Units that arrive before period d opens, d = 0 first. Shape [D, N], or None.
        backorders: Units that customers wait for; 0 where unmet demand is lost. One number or [N].
    """

    on_hand: npt.ArrayLike = 0.0
    due: npt.ArrayLike | None = None
    backorders: npt.ArrayLike = 0.0


@dataclass(frozen=True, kw_only=True)
class StockScenario:
    """All that is the same for the policies that are compared, except demand.

    Attributes:
        supply: Lead times, reviews, limits of orders, shelf life.
        costs: Of stock, shortage, orders and waste.
        unmet_demand: Whether unmet demand is lost or waits.
        opening: What there is before period 0.
        warm_up: First periods that are simulated but not counted.
    """

    supply: StockSupply = field(default_factory=StockSupply)
    costs: StockCosts = field(default_factory=StockCosts)
    unmet_demand: UnmetDemand = UnmetDemand.LOST
    opening: OpeningStock = field(default_factory=OpeningStock)
    warm_up: int = 0


@dataclass(frozen=True)
class PreparedScenario:
    """A scenario, checked, with the arrays of each series; most are views.

    Attributes:
        demand: Units per period. Shape [T, N].
        lead_time: Periods. Shape [T, N], [T, suppliers], or with one row more where the lead
            time is known after the last period.
        supplier: Column of each series in `lead_time`, or None.
        reviewed: Shape [T, N] or [T + 1, N].
        pack_size: Units; 0: any quantity. Shape [N].
        smallest_order: Units, in whole packs. Shape [N].
        storage_capacity: Units. Shape [N].
        shelf_life: Periods; infinite where nothing expires before the end. Shape [N].
        on_hand: Units in the beginning. Shape [N].
        due: Units that arrive. Shape [D, N], D at least 1 and beyond the longest lead time.
        backorders: Units in the beginning. Shape [N].
        rounding: Units that do not count as such. Shape [N].
    """

    demand: FloatArray
    lead_time: IntArray
    supplier: IntArray | None
    reviewed: BoolArray
    pack_size: FloatArray
    smallest_order: FloatArray
    storage_capacity: FloatArray
    shelf_life: FloatArray
    on_hand: FloatArray
    due: FloatArray
    backorders: FloatArray
    rounding: FloatArray

    def lead_times_of(self, period: int) -> IntArray:
        """Returns the lead times of orders placed before a period. Shape [N]."""
        row = self.lead_time[period]
        return row if self.supplier is None else row[self.supplier]

    def opens_anew(self, period: int) -> BoolArray:
        """Marks the series whose order of this review arrives at once; none if unknown.

        After the last period this tells whether a cycle ends there. Shape [N].
        """
        if period >= min(len(self.reviewed), len(self.lead_time)):
            return np.zeros(self.demand.shape[1], dtype=np.bool_)
        return self.reviewed[period] & (self.lead_times_of(period) == 0)


def checked_demand(demand: npt.ArrayLike) -> FloatArray:
    """Refuses demand that cannot be simulated.

    Args:
        demand: Units per period, may be fractional. Shape [T, N].

    Returns:
        The demand as floating-point numbers.

    Raises:
        BadInputError: It does not have two axes, has no period or no series, or a value is
            missing, infinite or negative; the message tells the first.
    """
    values = np.asarray(demand, dtype=np.float64)
    if values.ndim != 2 or not values.size:
        raise BadInputError(
            f"demand: shape {list(values.shape)}; expected periods and series [T, N], each "
            "at least 1"
        )
    _refuse("demand", values, ~(np.isfinite(values) & (values >= 0)), "a finite number from 0 on")
    return values


def prepare(demand: npt.ArrayLike, scenario: StockScenario) -> PreparedScenario:
    """Checks a scenario and spreads it over the series of a demand.

    Args:
        demand: Units per period. Shape [T, N].
        scenario: What the stock lives in.

    Raises:
        BadInputError: A value or a shape is wrong; the message gives it and what is allowed.
    """
    values = checked_demand(demand)
    supply, opening, shape = scenario.supply, scenario.opening, values.shape
    if not 0 <= scenario.warm_up < shape[0]:
        raise BadInputError(
            f"warm_up: got {scenario.warm_up}; expected 0 to {shape[0] - 1}, fewer than the "
            "periods of demand"
        )
    supplier = _suppliers(supply, shape[1])
    lead_time = _lead_times(supply, shape)
    pack_size = _of_series("pack_size", supply.pack_size, shape[1])
    owed = _of_series("backorders", opening.backorders, shape[1])
    if scenario.unmet_demand is UnmetDemand.LOST and owed.any():
        raise BadInputError("backorders: got some in the opening stock; unmet demand is lost here")
    return PreparedScenario(
        demand=values,
        lead_time=lead_time,
        supplier=supplier,
        reviewed=_reviewed(supply.review, shape),
        pack_size=pack_size,
        smallest_order=packs_up(_of_series("moq", supply.moq, shape[1]), pack_size),
        storage_capacity=_of_series(
            "storage_capacity", supply.storage_capacity, shape[1], infinite=np.inf
        ),
        shelf_life=_shelf_lives(supply, shape),
        on_hand=_of_series("on_hand", opening.on_hand, shape[1]),
        due=_due(opening.due, shape[1], rows=int(lead_time.max()) + 1),
        backorders=owed,
        rounding=ROUNDING * values.max(axis=0),
    )


def packs_up(units: FloatArray, pack_size: FloatArray) -> FloatArray:
    """Raises units to whole packs; a pack size of 0 leaves them as they are.

    Args:
        units: Shape [N].
        pack_size: Units. Shape [N].

    >>> packs_up(np.array([7.0, 12.0, 7.5]), np.array([6.0, 6.0, 0.0]))
    array([12. , 12. ,  7.5])
    """
    # A little less, so that what rounding put above a whole pack does not open another.
    return _in_packs(np.ceil, units, pack_size, nudge=-ROUNDING)


def packs_down(units: FloatArray, pack_size: FloatArray) -> FloatArray:
    """Cuts units to whole packs; a pack size of 0 leaves them as they are.

    Args:
        units: Shape [N].
        pack_size: Units. Shape [N].

    >>> packs_down(np.array([7.0, 12.0, 7.5]), np.array([6.0, 6.0, 0.0]))
    array([ 6. , 12. ,  7.5])
    """
    return _in_packs(np.floor, units, pack_size, nudge=ROUNDING)


def _in_packs(
    rounded: Callable[[FloatArray], FloatArray],
    units: FloatArray,
    pack_size: FloatArray,
    *,
    nudge: float,
) -> FloatArray:
    """Rounds units to whole packs where there are packs."""
    if not pack_size.any():
        return units
    pack = np.where(pack_size > 0, pack_size, 1.0)
    return np.where(pack_size > 0, rounded(units / pack + nudge) * pack, units)


def _refuse(name: str, values: npt.NDArray[np.float64], wrong: BoolArray, allowed: str) -> None:
    """Refuses values; the message gives the first, its place and how many there are."""
    if wrong.any():
        first = tuple(int(index) for index in np.argwhere(wrong)[0])
        raise BadInputError(
            f"{name}: got {values[first]} at {list(first)} and {int(wrong.sum())} such values in "
            f"all; expected {allowed}"
        )


def _of_series(
    name: str, values: npt.ArrayLike, series: int, *, infinite: float = -np.inf
) -> FloatArray:
    """Spreads one number or one of each series; `infinite` is a value allowed besides."""
    given = np.asarray(values, dtype=np.float64)
    if given.shape not in ((), (1,), (series,)):
        raise BadInputError(
            f"{name}: shape {list(given.shape)}; expected one number or one for each of "
            f"{series} series"
        )
    wrong = ~((np.isfinite(given) & (given >= 0)) | (given == infinite))
    _refuse(name, given, wrong, "a finite number from 0 on")
    return np.broadcast_to(given, (series,))


def _whole(name: str, values: npt.ArrayLike, *, least: int) -> IntArray:
    """Refuses what is not a whole number from `least` on."""
    given = np.asarray(values)
    if given.dtype == np.bool_ or not np.issubdtype(given.dtype, np.number):
        raise BadInputError(f"{name}: got values of type {given.dtype}; expected whole numbers")
    numbers = given.astype(np.float64)
    wrong = ~(np.isfinite(numbers) & (numbers >= least) & (numbers == np.floor(numbers)))
    _refuse(name, numbers, wrong, f"whole numbers from {least} on")
    return given.astype(np.int64)


def _suppliers(supply: StockSupply, series: int) -> IntArray | None:
    """Checks which column of the lead times is whose."""
    if supply.supplier is None:
        return None
    columns = _whole("supplier", supply.supplier, least=0)
    count = np.atleast_1d(np.asarray(supply.lead_time)).shape[-1]
    if columns.shape != (series,) or columns.max() >= count:
        raise BadInputError(
            f"supplier: shape {list(columns.shape)}, highest {columns.max()}; expected one for "
            f"each of {series} series, below {count}, the columns of lead_time"
        )
    return columns


def _lead_times(supply: StockSupply, shape: tuple[int, ...]) -> IntArray:
    """Spreads lead times over periods, and over series where they are not of suppliers."""
    given = _whole("lead_time", supply.lead_time, least=0)
    periods, series = shape
    columns = series if supply.supplier is None else np.atleast_1d(given).shape[-1]
    if given.ndim < 2 and given.shape in ((), (1,), (columns,)):
        return np.broadcast_to(given, (periods + 1, columns))
    if given.shape in ((periods, columns), (periods, 1)):
        return np.broadcast_to(given, (periods, columns))
    raise BadInputError(
        f"lead_time: shape {list(given.shape)}; expected one number, [{columns}] or "
        f"[{periods}, {columns}]"
    )


def _reviewed(review: npt.ArrayLike, shape: tuple[int, ...]) -> BoolArray:
    """Spreads review periods or a calendar over periods and series."""
    periods, series = shape
    given = np.asarray(review)
    if given.dtype == np.bool_:
        if given.shape not in ((periods, series), (periods, 1)):
            raise BadInputError(
                f"review: shape {list(given.shape)}; expected a calendar [{periods}, {series}]"
            )
        return np.broadcast_to(given, shape)
    between = _whole("review", given, least=1)
    if between.shape not in ((), (1,), (series,)):
        raise BadInputError(
            f"review: shape {list(between.shape)}; expected one review period or one for each "
            f"of {series} series"
        )
    days = np.arange(periods + 1)[:, None] % between == 0
    return np.broadcast_to(days, (periods + 1, series))


def _shelf_lives(supply: StockSupply, shape: tuple[int, ...]) -> FloatArray:
    """Spreads shelf lives; what outlives the simulation does not expire."""
    lives = _of_series("shelf_life", supply.shelf_life, shape[1], infinite=np.inf)
    finite = np.isfinite(lives)
    _whole("shelf_life", np.where(finite, lives, 1.0), least=1)
    return np.where(lives <= shape[0], lives, np.inf)


def _due(due: npt.ArrayLike | None, series: int, *, rows: int) -> FloatArray:
    """Makes the table of what arrives, long enough for the longest lead time."""
    if due is None:
        return np.zeros((rows, series))
    given = np.asarray(due, dtype=np.float64)
    if given.ndim != 2 or given.shape[1] != series:
        raise BadInputError(f"due: shape {list(given.shape)}; expected [D, {series}]")
    _refuse("due", given, ~(np.isfinite(given) & (given >= 0)), "a finite number from 0 on")
    table = np.zeros((max(rows, len(given)), series))
    table[: len(given)] = given
    return table
