"""From lines of sales to a row per series and period.

    lines --repeated_lines--> --pairs--> --returns--> --add up--> rows

Each step is columnar; the one that looks sequential, finding the sale that a
line takes back, is the matching of parentheses: sales open, cancellations close.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.components.examples.blocks import CODE, PERIOD, TARGET
from demandcast.components.examples.moments import MICROSECONDS_PER_DAY
from demandcast.components.examples.readers import SOURCE
from demandcast.components.examples.report import LineCount
from demandcast.schema.config import TransactionsConfig

__all__ = ["LINE", "MOMENT", "PAIR", "add_up", "find_pairs", "rows_of_lines", "settle", "weight_of"]

LINE = "#line"
"""Hash of the columns that make a line."""

PAIR = "#pair"
"""Hash of the columns that a sale and what takes it back share; null where one is missing."""

MOMENT = "#moment"
"""Microseconds since 1970-01-01 on the shop's clock."""

_WEIGHT = "w:"
_PLACE = 1000  # After the rules that look at one line at a time.


def weight_of(name: str) -> str:
    """Names the column with the units that a covariate's value stands for.

    >>> weight_of("price")
    'w:price'
    """
    return f"{_WEIGHT}{name}"


def rows_of_lines(
    lines: pl.DataFrame, rules: TransactionsConfig
) -> tuple[pl.DataFrame, tuple[LineCount, ...]]:
    """Makes a row per series and period from all lines of some series.

    Args:
        lines: Lines, or what `add_up` made of them in their blocks, in any order.
        rules: What to do with lines that take back sales.

    Returns:
        Rows by series and period, and what each rule took.
    """
    counts: tuple[LineCount, ...] = ()
    if rules.needs_lines:
        lines, counts = settle(lines, rules)
    rows = add_up(lines)
    rows = rows.select(name for name in rows.columns if not name.startswith(_WEIGHT))
    rows = rows.with_columns(pl.col("^c:.*$").cast(pl.Float32))
    if rules.returns == "net":
        beyond = rows[TARGET].filter(rows[TARGET] < 0)
        rule = "returns beyond the sales of their period (rows, set to 0)"
        counts += (LineCount(_PLACE + 5, rule, len(beyond), float(beyond.sum())),)
        rows = rows.with_columns(pl.col(TARGET).clip(lower_bound=0.0))
    demand = "demand (rows of a series and period)"
    counts += (LineCount(_PLACE + 6, demand, len(rows), float(rows[TARGET].sum())),)
    return rows, counts


def settle(
    lines: pl.DataFrame, rules: TransactionsConfig
) -> tuple[pl.DataFrame, tuple[LineCount, ...]]:
    """Leaves out lines that are no demand, and counts them.

    Args:
        lines: `CODE`, `PERIOD`, `SOURCE`, `TARGET` (negative where a sale is taken back), and
            the columns by which the rules compare lines.
        rules: The rules.
    """
    counts: list[LineCount] = []

    def count(place: int, rule: str, taken: pl.DataFrame) -> None:
        units = float(taken[TARGET].sum())
        counts.append(LineCount(_PLACE + place, rule, len(taken), units))

    if rules.repeated_lines == "drop":
        lines = lines.sort(SOURCE)
        first = lines.select(pl.struct(CODE, PERIOD, TARGET, LINE).is_first_distinct()).to_series()
        count(0, "repeated lines", lines.filter(~first))
        lines = lines.filter(first)
    if rules.pairs is not None:
        paired = find_pairs(lines, within_days=rules.pairs.within_days)
        days = f"{rules.pairs.within_days:g} day{'' if rules.pairs.within_days == 1 else 's'}"
        both = lines.filter(paired)
        count(1, f"sales taken back within {days}", both.filter(pl.col(TARGET) > 0))
        count(2, f"what took them back within {days}", both.filter(pl.col(TARGET) < 0))
        lines = lines.filter(~paired)
    returned = lines[TARGET] < 0
    word = "ignored" if rules.returns == "ignore" else "subtracted"
    count(3, f"returns {word}", lines.filter(returned))
    count(4, "sales", lines.filter(~returned))
    if rules.returns == "ignore":
        lines = lines.filter(~returned)
    return lines.drop(LINE, PAIR, MOMENT, strict=False), tuple(counts)


def add_up(lines: pl.DataFrame) -> pl.DataFrame:
    """Adds up the lines of each series and period; sums may be added up again.

    Units add up; a covariate is its mean over units sold, with their number beside it.

    Returns:
        One row per series and period, in this order; `SOURCE` is that of the first line.
    """
    merged = [pl.col(SOURCE).min(), pl.col(TARGET).sum()]
    for column in lines.columns:
        if column.startswith(_WEIGHT):
            name = column.removeprefix(_WEIGHT)
            value, weight = pl.col(f"c:{name}"), pl.col(column)
            mean = (value * weight).sum() / weight.sum()
            merged += [
                pl.when(weight.sum() > 0).then(mean).alias(f"c:{name}"),
                weight.sum(),
            ]
    rows = lines.group_by(CODE, PERIOD).agg(merged).sort(CODE, PERIOD)
    return rows.select(name for name in lines.columns if name in rows.columns)


def find_pairs(lines: pl.DataFrame, *, within_days: float) -> npt.NDArray[np.bool_]:
    """Finds each sale that is taken back, and the line that does so.

    A line takes back the latest earlier sale of the same series, the same absolute quantity and
    the same `PAIR` that no other has taken back; unless too much time has passed.

    Args:
        lines: `CODE`, `TARGET`, `PAIR`, `MOMENT`, `SOURCE`.
        within_days: Longest time between the two, days of 24 hours.

    Returns:
        True for both lines of a pair. Shape [lines].
    """
    place = pl.Series("#place", np.arange(len(lines)))
    key = [CODE, "#amount", PAIR]
    candidates = (
        lines.select(CODE, TARGET, PAIR, MOMENT, SOURCE, pl.col(TARGET).abs().alias("#amount"))
        .with_columns(place)
        .filter(pl.col(PAIR).is_not_null() & (pl.col("#amount") > 0))
    )
    taken_back = candidates.filter(pl.col(TARGET) < 0).select(key).unique()
    candidates = candidates.join(taken_back, on=key, how="semi").with_columns(
        (pl.col(TARGET) < 0).alias("#closes")
    )
    # At the same moment a sale comes before what takes it back.
    ordered = candidates.sort(*key, MOMENT, "#closes", SOURCE).with_columns(
        pl.struct(key).rle_id().alias("#group")
    )
    closes = ordered["#closes"].to_numpy()
    depth = np.cumsum(np.where(closes, -1, 1)) + closes  # Of a pair both have the same.
    ordered = ordered.with_columns(pl.Series("#depth", depth))
    ordered = ordered.sort("#group", "#depth", maintain_order=True)
    found = np.zeros(len(lines), np.bool_)
    at = ordered["#place"].to_numpy()
    closes, moment = ordered["#closes"].to_numpy(), ordered[MOMENT].to_numpy()
    group, depth = ordered["#group"].to_numpy(), ordered["#depth"].to_numpy()
    together = (group[1:] == group[:-1]) & (depth[1:] == depth[:-1]) & closes[1:] & ~closes[:-1]
    together &= moment[1:] - moment[:-1] <= within_days * MICROSECONDS_PER_DAY
    found[at[1:][together]] = True
    found[at[:-1][together]] = True
    return found
