"""Lead times fitted from the history of suppliers.

    order lines -> deliveries -> distribution of its own, open orders as right-censored
                                 + common distribution of all suppliers, by credibility
                              -> punctuality, trend, outliers

Outliers stay in the distribution, for what has happened can happen again; they are marked so
that somebody looks.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.components.metrics.arrays import FloatArray, ratio
from demandcast.components.replenishment.delivery_history import (
    DeliveryHistory,
    HistorySettings,
    RefusedLines,
    collect_deliveries,
)
from demandcast.components.replenishment.lead_time_distributions import (
    pmf_mean,
    pmf_quantiles,
    pmf_std,
    point_masses,
)
from demandcast.components.replenishment.lead_time_statistics import (
    Trend,
    credibility_constant,
    effective_count,
    fences,
    fit_trend,
    kaplan_meier,
)
from demandcast.components.replenishment.order_crossing import Overtaken, count_overtaken
from demandcast.schema.errors import BadInputError
from demandcast.schema.periods import date_of

__all__ = [
    "QUANTILE_LEVELS",
    "LeadTimes",
    "Outliers",
    "Punctuality",
    "fit_deliveries",
    "fit_lead_times",
]

Int64Array = npt.NDArray[np.int64]

QUANTILE_LEVELS = (0.5, 0.9, 0.95)
"""Levels of the quantiles of a fit."""


@dataclass(frozen=True)
class Punctuality:
    """How a supplier keeps to the promised day, or to its quoted lead time.

    Attributes:
        judged: Deliveries with such a day that have arrived or should have. Shape [V].
        on_time_share: Share of them that arrived by then. Shape [V].
        mean_days_late: Of those that arrived late, days. NaN if none did. Shape [V].
    """

    judged: Int64Array
    on_time_share: FloatArray
    mean_days_late: FloatArray


@dataclass(frozen=True)
class Outliers:
    """Lead times far from the others of their supplier.

    Attributes:
        count: How many. Shape [V].
        lower_fence: A lead time below it is one, periods. Shape [V].
        upper_fence: A lead time above it is one, periods. Shape [V].
        deliveries: Each of them: the columns of the supplier, `ordered`, `lead_time`, `lines`.
    """

    count: Int64Array
    lower_fence: FloatArray
    upper_fence: FloatArray
    deliveries: pl.DataFrame


@dataclass(frozen=True)
class LeadTimes:
    """Lead times of suppliers (V).

    Attributes:
        settings: How the history was read.
        keys: One row per supplier, sorted. V rows.
        status: `fitted` to deliveries, `quoted` without any, or `no_lead_time`. Shape [V].
        pmf: Probability of each lead time from 0 to the longest, periods; a row of NaN without a
            lead time. Shape [V, L + 1].
        mean: Periods. Shape [V].
        std: Periods. Shape [V].
        quantiles: At `QUANTILE_LEVELS`, periods. Shape [V, 3].
        deliveries: How many arrived. Shape [V].
        open_orders: How many are open, without the abandoned. Shape [V].
        abandoned: Orders open for too long to be believed; not in the fit. Shape [V].
        quoted: Quoted lead time, periods; NaN without one. Shape [V].
        own_weight: Share of a supplier's own history in its distribution. Shape [V].
        pooled_pmf: The common distribution; NaN without any delivery. Shape [L + 1].
        borrowed: Orders that the common distribution counts for, k.
        punctuality: Against promises.
        trend: By the date of the order.
        outliers: Far from the others.
        in_full_share: Share of received lines with the whole quantity. Shape [V].
        refused: Lines that could not be used.
        overtaken: Orders that a later one arrived before, of all suppliers.
    """

    settings: HistorySettings
    keys: pl.DataFrame
    status: npt.NDArray[np.str_]
    pmf: FloatArray
    mean: FloatArray
    std: FloatArray
    quantiles: FloatArray
    deliveries: Int64Array
    open_orders: Int64Array
    abandoned: Int64Array
    quoted: FloatArray
    own_weight: FloatArray
    pooled_pmf: FloatArray
    borrowed: float
    punctuality: Punctuality
    trend: Trend
    outliers: Outliers
    in_full_share: FloatArray
    refused: tuple[RefusedLines, ...]
    overtaken: Overtaken = field(default_factory=Overtaken)


def fit_lead_times(
    lines: pl.DataFrame,
    settings: HistorySettings,
    *,
    quoted: pl.DataFrame | None = None,
    half_life: float | None = None,
    borrowed: float | None = None,
) -> LeadTimes:
    """Fits the lead times of all suppliers to their order lines.

    Args:
        lines: Order lines, as `collect_deliveries` takes them.
        settings: How to read them.
        quoted: Quoted lead times, as `collect_deliveries` takes them.
        half_life: Periods after which an order counts half in the distributions; None: all count
            the same. Punctuality, trend and outliers never fade.
        borrowed: Orders that the common distribution counts for; None: estimated. 0: each
            supplier stands alone.

    Returns:
        The lead times; every supplier of either table has a row and a status.

    Raises:
        ContractError: A table breaks its contract.
        BadInputError: `half_life` is not above 0, or `borrowed` is below 0.

    >>> import datetime
    >>> monday = datetime.date(2026, 1, 5)
    >>> days = [monday + datetime.timedelta(days) for days in (2, 2, 3)]
    >>> lines = pl.DataFrame({"supplier": ["a", "b", "b"], "ordered": [monday] * 3})
    >>> fit = fit_lead_times(
    ...     lines.with_columns(received=pl.Series(days)),
    ...     HistorySettings("D", "after_close", as_of=datetime.date(2026, 1, 31)),
    ...     borrowed=0.0,
    ... )
    >>> fit.pmf
    array([[0. , 1. , 0. ],
           [0. , 0.5, 0.5]])
    """
    history = collect_deliveries(lines, settings, quoted=quoted)
    return fit_deliveries(history, half_life=half_life, borrowed=borrowed)


def fit_deliveries(
    history: DeliveryHistory, *, half_life: float | None = None, borrowed: float | None = None
) -> LeadTimes:
    """Fits lead times to deliveries.

    Formula: pmf_v = w_v own_v + (1 - w_v) pooled, w_v = n_v / (n_v + k): the mean of a Dirichlet
    posterior with n_v orders (effective ones, if they fade) and a prior worth k of them.
    pooled = sum w_v own_v / sum w_v. own_v by Kaplan and Meier.

    Args:
        history: Deliveries of all suppliers.
        half_life: As in `fit_lead_times`.
        borrowed: As in `fit_lead_times`.

    Returns:
        The lead times.

    Raises:
        BadInputError: `half_life` is not above 0, or `borrowed` is below 0.

    Source:
        Ferguson (1973), Annals of Statistics 1, 209-230 (posterior of a Dirichlet process);
        Bühlmann and Gisler (2005), A Course in Credibility Theory, sections 4.4 and 4.8 (weight,
        common mean, estimate of k).
    """
    _check_weights(half_life, borrowed)
    mixed = _mixed(history, history.share * _recency(history, half_life), borrowed)
    quantiles = pmf_quantiles(mixed.pmf, QUANTILE_LEVELS)
    outliers = _outliers(history)
    return LeadTimes(
        settings=history.settings,
        keys=history.keys,
        status=mixed.status,
        pmf=mixed.pmf,
        mean=pmf_mean(mixed.pmf),
        std=pmf_std(mixed.pmf),
        quantiles=quantiles,
        deliveries=_counts(history, history.arrived),
        open_orders=_counts(history, ~history.arrived),
        abandoned=history.abandoned,
        quoted=history.quoted,
        own_weight=mixed.own_weight,
        pooled_pmf=mixed.pooled,
        borrowed=mixed.borrowed,
        punctuality=_punctuality(history),
        trend=_trend(history, outliers, settled_after=quantiles[:, -1]),
        outliers=outliers,
        in_full_share=history.in_full_share,
        refused=history.refused,
        overtaken=count_overtaken(history, mixed.pmf),
    )


@dataclass(frozen=True)
class _Mixed:
    """Distributions of suppliers, in part common; as in `LeadTimes`."""

    status: npt.NDArray[np.str_]
    pmf: FloatArray
    own_weight: FloatArray
    pooled: FloatArray
    borrowed: float


def _mixed(history: DeliveryHistory, weights: FloatArray, borrowed: float | None) -> _Mixed:
    """Mixes each supplier's own distribution with the common one."""
    arrived, suppliers = history.arrived, len(history.keys)
    supplier = history.supplier[arrived]
    if borrowed is None:
        share, lead_time = history.share[arrived], history.lead_time[arrived]
        borrowed = credibility_constant(lead_time, share, supplier, suppliers)
    worth = _effective_orders(history, weights)
    own_weight = np.nan_to_num(ratio(worth, worth + borrowed))
    own = _own_distributions(history, weights)
    pooled = _pooled(own, own_weight)
    mixed = own_weight[:, None] * own + (1 - own_weight[:, None]) * pooled
    status, pmf = _with_quotes(mixed, worth > 0, history.quoted)
    pooled = np.pad(pooled, (0, pmf.shape[1] - len(pooled)))
    return _Mixed(status, pmf, own_weight, pooled, borrowed)


def _check_weights(half_life: float | None, borrowed: float | None) -> None:
    if half_life is not None and not half_life > 0:
        raise BadInputError(f"half_life: got {half_life}; it must be above 0 periods")
    if borrowed is not None and not 0 <= borrowed < np.inf:
        raise BadInputError(f"borrowed: got {borrowed}; it must be 0 orders or more")


def _recency(history: DeliveryHistory, half_life: float | None) -> FloatArray:
    """Weighs each delivery by the age of its order. Shape [B]."""
    if half_life is None:
        return np.ones(len(history.ordered))
    age = (_last_day(history) - history.ordered) / history.settings.days_per_period
    return np.asarray(0.5 ** (age / half_life))


def _effective_orders(history: DeliveryHistory, weights: FloatArray) -> FloatArray:
    """Counts the orders of which something has arrived, by what they are worth. Shape [V]."""
    orders, first = np.unique(history.order, return_index=True)
    together = np.bincount(history.order, weights * history.arrived, len(orders)).astype(np.float64)
    return effective_count(together, history.supplier[first], len(history.keys))


def _own_distributions(history: DeliveryHistory, weights: FloatArray) -> FloatArray:
    """Estimates each supplier's distribution from its own history. Shape [V, L + 1]."""
    shape = len(history.keys), int(history.lead_time.max(initial=0)) + 1
    place = history.supplier * shape[1] + history.lead_time
    arrived, still_open = (
        np.bincount(place[these], weights[these], shape[0] * shape[1]).astype(np.float64)
        for these in (history.arrived, ~history.arrived)
    )
    return kaplan_meier(arrived.reshape(shape), still_open.reshape(shape))


def _pooled(own: FloatArray, own_weight: FloatArray) -> FloatArray:
    """Averages the suppliers by their credibility; NaN without any delivery. Shape [L + 1]."""
    seen = own_weight > 0
    return ratio(own_weight[seen] @ own[seen], np.broadcast_to(own_weight.sum(), own.shape[1]))


def _with_quotes(
    fitted: FloatArray, has_deliveries: npt.NDArray[np.bool_], quoted: FloatArray
) -> tuple[npt.NDArray[np.str_], FloatArray]:
    """Takes the quoted lead time of a supplier without deliveries."""
    from_quote = ~has_deliveries & ~np.isnan(quoted)
    quotes = point_masses(np.where(from_quote, quoted, np.nan))
    width = max(fitted.shape[1], quotes.shape[1])
    fitted, quotes = (
        np.pad(each, ((0, 0), (0, width - each.shape[1]))) for each in (fitted, quotes)
    )
    pmf = np.where(from_quote[:, None], quotes, fitted)
    pmf[~has_deliveries & ~from_quote] = np.nan
    status = np.where(has_deliveries, "fitted", np.where(from_quote, "quoted", "no_lead_time"))
    return status, pmf


def _punctuality(history: DeliveryHistory) -> Punctuality:
    """Judges what has arrived, and what has not though its day is over."""
    late = history.days_late > 0
    known = ~np.isnan(history.days_late)
    judged = _counts(history, known & (history.arrived | late))
    on_time = _counts(history, known & history.arrived & ~late)
    late = late & history.arrived
    days = np.bincount(history.supplier[late], history.days_late[late], len(history.keys))
    return Punctuality(judged, ratio(on_time, judged), ratio(days, _counts(history, late)))


def _outliers(history: DeliveryHistory) -> Outliers:
    arrived = history.arrived
    low, high = fences(history.lead_time[arrived], history.supplier[arrived], len(history.keys))
    far = (history.lead_time < low[history.supplier]) | (history.lead_time > high[history.supplier])
    far &= arrived
    rows = history.keys[history.supplier[far]].with_columns(
        ordered=pl.Series(history.ordered[far].astype(np.int32)).cast(pl.Date),
        lead_time=pl.Series(history.lead_time[far]),
        lines=pl.Series(history.lines[far]),
    )
    return Outliers(_counts(history, far), low, high, rows)


def _trend(history: DeliveryHistory, outliers: Outliers, *, settled_after: FloatArray) -> Trend:
    """Fits the trend to orders of which nearly all have arrived.

    Of the newest orders only the fast ones have: with them lead times would seem to fall.
    """
    age = (_last_day(history) - history.ordered) / history.settings.days_per_period
    these = history.arrived & (age >= settled_after[history.supplier])
    supplier = history.supplier[these]
    bounds = outliers.lower_fence[supplier], outliers.upper_fence[supplier]
    winsorised = np.clip(history.lead_time[these].astype(np.float64), *bounds)
    return fit_trend(history.ordered[these], winsorised, supplier, len(history.keys))


def _counts(history: DeliveryHistory, these: npt.NDArray[np.bool_]) -> Int64Array:
    counts = np.bincount(history.supplier[these], minlength=len(history.keys))
    return counts.astype(np.int64)


def _last_day(history: DeliveryHistory) -> int:
    return (history.settings.as_of - date_of(0)).days
