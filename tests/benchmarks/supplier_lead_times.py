"""Fits lead times to the SCMS delivery history and checks them on later orders.

    python tests/benchmarks/supplier_lead_times.py \
        --history /path/to/SCMS_Delivery_History_Dataset.csv.zip

An order starts when it is sent to the vendor. What comes from the programme's own depots has no
such date ("N/A - From RDC"); `--depots` lets these start when the quote is first sent to the
client. Lines without any date ("Pre-PQ Process", "Date Not Captured") are left out and counted.

The fit sees what was known on the cutoff: orders until then, and those of their deliveries that
had arrived. It is scored on later orders, without those of the last year of the file: of them
only the fast ones are in it. Beside it: the vendor alone, with fading history, a normal
distribution of the vendor's mean and deviation, and the common distribution.
"""

from __future__ import annotations

import argparse
import datetime
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import special

from demandcast.components.replenishment.delivery_history import (
    DeliveryHistory,
    HistorySettings,
    RefusedLines,
    collect_deliveries,
)
from demandcast.components.replenishment.lead_time_distributions import pmf_quantiles
from demandcast.components.replenishment.lead_times import (
    QUANTILE_LEVELS,
    LeadTimes,
    fit_lead_times,
)
from demandcast.components.replenishment.supplier_scorecard import supplier_scorecard

__all__ = ["main", "read_history"]

Array = npt.NDArray[np.float64]

DEPOT = "N/A - From RDC"
QUOTE_SENT, ORDER_SENT = "PQ First Sent to Client Date", "PO Sent to Vendor Date"
SCHEDULED, DELIVERED = "Scheduled Delivery Date", "Delivered to Client Date"
SETTLED = datetime.timedelta(days=365)
VENDORS_SHOWN = 15


@dataclass(frozen=True)
class Later:
    """Deliveries after the cutoff (B) of vendors with a fit.

    Attributes:
        vendor: Row of the fit. Shape [B].
        lead_time: Periods. Shape [B].
        weight: Share of its order. Shape [B].
    """

    vendor: npt.NDArray[np.int64]
    lead_time: npt.NDArray[np.int64]
    weight: Array


def main() -> None:
    """Reads, fits, scores and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_AsWritten)
    parser.add_argument("--history", required=True, type=Path, help="the zipped CSV file")
    parser.add_argument("--frequency", default="D", help="D, or W-MON to W-SUN")
    parser.add_argument("--fitted-share", default=0.6, type=float, help="share of the order dates")
    parser.add_argument("--half-life", default=365.0, type=float, help="days, of the fading fit")
    parser.add_argument("--depots", action="store_true", help="with deliveries from the depots")
    options = parser.parse_args()
    lines = read_history(options.history, depots=options.depots)
    cutoff = lines["ordered"].quantile(options.fitted_share, interpolation="lower")
    settings = HistorySettings(options.frequency, "after_close", as_of=_date(cutoff))
    period = settings.days_per_period
    fits = {
        "ours": fit_lead_times(lines, settings),
        "vendor alone": fit_lead_times(lines, settings, borrowed=0.0),
        f"ours, half-life {options.half_life:.0f} days": fit_lead_times(
            lines, settings, half_life=options.half_life / period
        ),
    }
    fit = fits["ours"]
    later, history = _later(lines, settings, fit)
    _print_setting(lines, fit, later, history)
    quantiles = {name: one.quantiles for name, one in fits.items()}
    quantiles["normal"] = _normal_quantiles(collect_deliveries(lines, settings))
    quantiles["common"] = np.broadcast_to(
        pmf_quantiles(fit.pooled_pmf[None], QUANTILE_LEVELS), fit.quantiles.shape
    )
    _print_scores("all vendors", later, quantiles)
    few = fit.deliveries[later.vendor] < 10
    _print_scores(
        "vendors with fewer than 10 deliveries until the cutoff", _of(later, few), quantiles
    )
    _print_scores("the other vendors", _of(later, ~few), quantiles)
    _print_vendors(fit, later)
    _print_scorecard(fit)


def read_history(path: Path, *, depots: bool) -> pl.DataFrame:
    """Reads the file and names its columns as the fit does.

    Args:
        path: The zip, with one CSV file whose lines end with a carriage return.
        depots: Whether deliveries from depots are kept, from the day of the quote.

    Returns:
        `supplier`, `ordered`, `received`, `promised`, `quantity`; null in `ordered` where the
        file has a text instead of a date.
    """
    with zipfile.ZipFile(path) as archive:
        raw = archive.read(archive.namelist()[0])
    raw = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    table = pl.read_csv(io.BytesIO(raw), infer_schema=False, encoding="utf8-lossy")
    from_depot = pl.col(ORDER_SENT) == DEPOT
    if not depots:
        table = table.filter(~from_depot)
    sent = pl.when(from_depot).then(pl.col(QUOTE_SENT)).otherwise(pl.col(ORDER_SENT))
    return table.select(
        supplier=pl.col("Vendor"),
        ordered=sent.str.to_date("%m/%d/%y", strict=False),
        received=pl.col(DELIVERED).str.to_date("%d-%b-%y", strict=False),
        promised=pl.col(SCHEDULED).str.to_date("%d-%b-%y", strict=False),
        quantity=pl.col("Line Item Quantity").cast(pl.Int64),
    )


class _AsWritten(argparse.RawDescriptionHelpFormatter, argparse.ArgumentDefaultsHelpFormatter):
    """Keeps the lines of the description, and says defaults."""


def _date(value: object) -> datetime.date:
    """Takes the date of what polars calls a quantile of dates."""
    if isinstance(value, datetime.datetime):
        return value.date()
    if isinstance(value, datetime.date):
        return value
    raise TypeError(f"no date: {value!r}")


def _later(
    lines: pl.DataFrame, settings: HistorySettings, fit: LeadTimes
) -> tuple[Later, DeliveryHistory]:
    """Collects the deliveries of orders after the cutoff, but for the last year's."""
    end = _date(lines["received"].max())
    these = lines.filter(
        (pl.col("ordered") > settings.as_of) & (pl.col("ordered") <= end - SETTLED)
    )
    history = collect_deliveries(
        these, HistorySettings(settings.frequency, settings.order_moment, as_of=end)
    )
    rows = {name: row for row, name in enumerate(fit.keys["supplier"])}
    vendor = np.array([rows[name] for name in history.keys["supplier"]], np.int64)
    place = vendor[history.supplier]
    known = fit.status[place] == "fitted"
    return Later(place[known], history.lead_time[known], history.share[known]), history


def _of(later: Later, these: npt.NDArray[np.bool_]) -> Later:
    return Later(later.vendor[these], later.lead_time[these], later.weight[these])


def _normal_quantiles(history: DeliveryHistory) -> Array:
    """Fits a normal distribution to what has arrived of each vendor; not below 0. Shape [V, Q]."""
    count = len(history.keys)
    weights = history.share * history.arrived
    total = np.bincount(history.supplier, weights, count)
    with np.errstate(invalid="ignore"):
        mean = np.bincount(history.supplier, weights * history.lead_time, count) / total
        away = (history.lead_time - mean[history.supplier]) ** 2
        std = np.sqrt(np.bincount(history.supplier, weights * away, count) / total)
    factors = special.ndtri(QUANTILE_LEVELS)
    return np.asarray(np.maximum(mean[:, None] + std[:, None] * factors, 0.0))


def _print_setting(
    lines: pl.DataFrame, fit: LeadTimes, later: Later, history: DeliveryHistory
) -> None:
    undated = int(lines["ordered"].null_count())
    print(f"{len(lines):,} order lines, {undated:,} of them without an order date")
    print(
        f"fitted as of {fit.settings.as_of}: {fit.deliveries.sum():,} deliveries of "
        f"{(fit.deliveries > 0).sum()} vendors, {fit.open_orders.sum():,} open, "
        f"{fit.abandoned.sum()} abandoned; the common distribution counts for "
        f"{fit.borrowed:.2f} orders"
    )
    unknown = len(history.lead_time) - len(later.lead_time)
    print(
        f"scored on {len(later.lead_time):,} later deliveries of "
        f"{len(np.unique(later.vendor))} vendors; {unknown:,} deliveries of vendors without a "
        "history are left out"
    )
    _print_refused("refused until the cutoff", fit.refused)
    _print_refused("refused after it", history.refused)


def _print_refused(title: str, refused: tuple[RefusedLines, ...]) -> None:
    for one in refused:
        print(f"{title}: {one.count} lines, {one.problem}; {'; '.join(one.rows[:2])}")


def _print_scores(title: str, later: Later, quantiles: dict[str, Array]) -> None:
    """Prints shares at or below each quantile, and pinball losses; orders weigh the same."""
    print(f"\n{title}: {len(later.lead_time):,} deliveries, {later.weight.sum():,.0f} orders\n")
    if not len(later.lead_time):
        return
    names = [f"p{100 * level:.0f}" for level in QUANTILE_LEVELS]
    heads = [f"at or below {name}" for name in names] + [f"loss {name}" for name in names]
    print(f"| fit | {' | '.join(heads)} | mean loss |")
    print("|---" * (len(heads) + 2) + "|")
    actual = later.lead_time[:, None]
    for name, values in quantiles.items():
        forecast = values[later.vendor]
        levels = np.array(QUANTILE_LEVELS)
        missed = actual - forecast
        loss = np.maximum(levels * missed, (levels - 1) * missed)
        share = np.average(actual <= forecast, axis=0, weights=later.weight)
        loss = np.average(loss, axis=0, weights=later.weight)
        shown = [f"{one:.3f}" for one in share] + [f"{one:.2f}" for one in loss]
        print(f"| {name} | {' | '.join(shown)} | {loss.mean():.2f} |")


def _print_vendors(fit: LeadTimes, later: Later) -> None:
    """Prints the coverage of the vendors with most later orders."""
    print("\n| vendor | fitted | later | p50, p90, p95 | at or below p50 | p90 | p95 |")
    print("|---|---|---|---|---|---|---|")
    count = len(fit.keys)
    total = np.bincount(later.vendor, later.weight, count)
    inside = later.lead_time[:, None] <= fit.quantiles[later.vendor]
    for row in np.argsort(-total, kind="stable")[:VENDORS_SHOWN]:
        these = later.vendor == row
        if not these.any():
            break
        share = np.average(inside[these], axis=0, weights=later.weight[these])
        print(
            f"| {fit.keys['supplier'][int(row)][:36]} | {fit.deliveries[row]} | {these.sum()} "
            f"| {', '.join(f'{value:.0f}' for value in fit.quantiles[row])} "
            f"| {' | '.join(f'{value:.2f}' for value in share)} |"
        )


def _print_scorecard(fit: LeadTimes) -> None:
    columns = {
        "deliveries": "deliveries",
        "lead_time_mean": "mean",
        "lead_time_std": "std",
        "lead_time_p90": "p90",
        "on_time_share": "on time",
        "mean_days_late": "days late",
        "trend_per_year": "trend/year",
        "trend_standard_error": "s.e.",
        "trend_distinguishable": "seen",
        "outliers": "outliers",
    }
    table = supplier_scorecard(fit).head(VENDORS_SHOWN)
    print(f"\nscorecard as of {fit.settings.as_of}\n\n| vendor | {' | '.join(columns.values())} |")
    print("|---" * (len(columns) + 1) + "|")
    for row in table.iter_rows(named=True):
        values = [row[name] for name in columns]
        shown = [f"{value:.2f}" if isinstance(value, float) else str(value) for value in values]
        print(f"| {row['supplier'][:36]} | {' | '.join(shown)} |")


if __name__ == "__main__":
    main()
