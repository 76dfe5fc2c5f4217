"""Tables that should not get through: each arrives some weeks later, with something wrong."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import polars as pl

from faults.outcome import CONTINUITY, CONTRACT, GATE, SCHEMA, Kind
from faults.world import World, write_table

__all__ = ["DATA_FAULTS", "alter_sales"]

_KEYS = ("store", "item")
_UNITS = pl.col("sales")

Alter = Callable[[pl.DataFrame, np.random.Generator], pl.DataFrame]


def alter_sales(name: str) -> Alter:
    """Finds what a kind does to the sales, for tests of it."""
    return _SALES[name][1]


def _newest(table: pl.DataFrame, days: int) -> pl.Expr:
    """The rows of the last days."""
    return pl.col("date") > table["date"].max() - pl.duration(days=days)


def _one(table: pl.DataFrame, column: str, generator: np.random.Generator) -> str:
    return str(generator.choice(table[column].unique().sort().to_numpy()))


def _where(rows: pl.Expr, value: pl.Expr) -> pl.Expr:
    """Sales with other values in some rows."""
    return pl.when(rows).then(value).otherwise(_UNITS).alias("sales")


def _shuffled_in_time(table: pl.DataFrame, generator: np.random.Generator) -> pl.DataFrame:
    seed = int(generator.integers(1 << 30))
    return table.with_columns(_UNITS.shuffle(seed=seed).over(_KEYS))


def _shuffled_across_series(table: pl.DataFrame, generator: np.random.Generator) -> pl.DataFrame:
    """Within each day: totals by day stay what they were."""
    seed = int(generator.integers(1 << 30))
    return table.with_columns(_UNITS.shuffle(seed=seed).over("date"))


def _newest_mixed_up(table: pl.DataFrame, generator: np.random.Generator) -> pl.DataFrame:
    """The same, in the newest two weeks only."""
    mixed = _shuffled_across_series(table, generator)["sales"]
    return table.with_columns(_where(_newest(table, 14), mixed))


def _frozen(table: pl.DataFrame, generator: np.random.Generator) -> pl.DataFrame:
    """Each series repeats one value for the newest days."""
    days = int(generator.integers(10, 22))
    table = table.sort(*_KEYS, "date")
    last = _UNITS.filter(~_newest(table, days)).last().over(_KEYS)
    return table.with_columns(_where(_newest(table, days), last.fill_null(0)))


def _doubled(table: pl.DataFrame, generator: np.random.Generator) -> pl.DataFrame:
    del generator
    return table.with_columns(_UNITS * 2)


def _newest_doubled(table: pl.DataFrame, generator: np.random.Generator) -> pl.DataFrame:
    days = int(generator.integers(7, 22))
    return table.with_columns(_where(_newest(table, days), _UNITS * 2))


def _shifted(table: pl.DataFrame, generator: np.random.Generator) -> pl.DataFrame:
    """Sales stand some days too late; prices and promotions stay where they are."""
    days = int(generator.choice([1, 2, 3, 7]))
    return table.sort(*_KEYS, "date").with_columns(_UNITS.shift(days).over(_KEYS)).drop_nulls()


def _all_dates_shifted(table: pl.DataFrame, generator: np.random.Generator) -> pl.DataFrame:
    days = int(generator.choice([-7, -1, 1, 7]))
    return table.with_columns(pl.col("date").dt.offset_by(f"{days}d"))


def _swapped(table: pl.DataFrame, generator: np.random.Generator) -> pl.DataFrame:
    del generator
    return table.rename({"sales": "price", "price": "sales"})


def _other_unit(table: pl.DataFrame, generator: np.random.Generator) -> pl.DataFrame:
    """Cases instead of pieces, or the other way round, in all rows."""
    factor = float(generator.choice([1 / 12, 1 / 6, 6.0, 12.0]))
    return table.with_columns(_UNITS * factor)


def _other_unit_of_late(table: pl.DataFrame, generator: np.random.Generator) -> pl.DataFrame:
    factor = float(generator.choice([1 / 12, 1 / 6, 6.0, 12.0]))
    days = int(generator.integers(7, 22))
    return table.with_columns(_where(_newest(table, days), _UNITS * factor))


def _one_store_in_other_unit(table: pl.DataFrame, generator: np.random.Generator) -> pl.DataFrame:
    rows = (pl.col("store") == _one(table, "store", generator)) & _newest(table, 14)
    return table.with_columns(_where(rows, _UNITS * 12))


def _store_missing(table: pl.DataFrame, generator: np.random.Generator) -> pl.DataFrame:
    return table.filter(pl.col("store") != _one(table, "store", generator))


def _stores_silent(table: pl.DataFrame, generator: np.random.Generator) -> pl.DataFrame:
    """Half of the stores sent nothing of the newest two weeks."""
    stores = generator.permutation(table["store"].unique().sort().to_numpy())
    silent = pl.col("store").is_in(stores[: len(stores) // 2].tolist())
    return table.filter(~(silent & _newest(table, 14)))


def _zeros_of_late(table: pl.DataFrame, generator: np.random.Generator) -> pl.DataFrame:
    """The tills failed, and the feed says 0."""
    days = int(generator.integers(4, 15))
    return table.with_columns(_where(_newest(table, days), pl.lit(0)))


def _rows_twice(table: pl.DataFrame, generator: np.random.Generator) -> pl.DataFrame:
    share = float(generator.choice([0.01, 1.0]))
    seed = int(generator.integers(1 << 30))
    return pl.concat([table, table.sample(fraction=share, seed=seed)])


def _store_twice(table: pl.DataFrame, generator: np.random.Generator) -> pl.DataFrame:
    """Two stores have the sales of one."""
    stores = generator.permutation(table["store"].unique().sort().to_numpy())
    one, other = str(stores[0]), str(stores[1])
    copy = table.filter(pl.col("store") == one).with_columns(store=pl.lit(other))
    return pl.concat([table.filter(pl.col("store") != other), copy.select(table.columns)])


def _old_week_again(table: pl.DataFrame, generator: np.random.Generator) -> pl.DataFrame:
    """The newest one or two weeks are those before them, delivered again under new dates."""
    days = int(generator.choice([7, 14]))
    kept = table.filter(~_newest(table, days))
    again = kept.filter(_newest(kept, days))
    return pl.concat([kept, again.with_columns(pl.col("date").dt.offset_by(f"{days}d"))])


def _copied_into_the_plan(table: pl.DataFrame, generator: np.random.Generator) -> pl.DataFrame:
    """What is called the planned price is the sale of the day, a little changed."""
    scale = float(generator.uniform(0.5, 2.0))
    return table.with_columns(price=_UNITS * scale + 1.0)


def _text(table: pl.DataFrame, generator: np.random.Generator) -> pl.DataFrame:
    # "n/a" and its like are no text but a missing value: `components/examples/parsing.py`.
    words = generator.choice(["twelve", "1.234,5 pcs", "#REF!"])
    row = int(generator.integers(len(table)))
    number = _UNITS.cast(pl.Utf8)
    here = pl.int_range(pl.len()) == row
    return table.with_columns(sales=pl.when(here).then(pl.lit(str(words))).otherwise(number))


def _column_missing(table: pl.DataFrame, generator: np.random.Generator) -> pl.DataFrame:
    return table.drop(str(generator.choice(["sales", "date", "price", "in_stock_fraction"])))


def _never_in_stock(table: pl.DataFrame, generator: np.random.Generator) -> pl.DataFrame:
    """Availability is 0 everywhere in the weeks that judge, so nothing counts there."""
    del generator
    rows = _newest(table, 28)
    availability = pl.when(rows).then(0.0).otherwise(pl.col("in_stock_fraction"))
    return table.with_columns(in_stock_fraction=availability)


def _other_words(table: pl.DataFrame, generator: np.random.Generator) -> pl.DataFrame:
    """Promotions have the words of another system."""
    prefix = str(generator.choice(["PROMO_", "x-", "Aktion "]))
    return table.with_columns(promotion=pl.lit(prefix) + pl.col("promotion"))


_SALES: dict[str, tuple[str, Alter]] = {
    "targets shuffled in time": (CONTINUITY, _shuffled_in_time),
    "targets shuffled across series": (CONTINUITY, _shuffled_across_series),
    "newest weeks: series mixed up": (CONTINUITY, _newest_mixed_up),
    "newest weeks: frozen": (CONTINUITY, _frozen),
    "targets doubled": (CONTINUITY, _doubled),
    "newest weeks: doubled": (CONTINUITY, _newest_doubled),
    "targets some days too late": (CONTINUITY, _shifted),
    "all dates shifted": (CONTINUITY, _all_dates_shifted),
    "price and target swapped": (CONTINUITY, _swapped),
    "another unit": (CONTINUITY, _other_unit),
    "newest weeks: another unit": (CONTINUITY, _other_unit_of_late),
    "newest weeks: another unit in one store": (CONTINUITY, _one_store_in_other_unit),
    "a store is missing": (CONTINUITY, _store_missing),
    "newest weeks: half of the stores silent": (CONTINUITY, _stores_silent),
    "newest weeks: zeros": (CONTINUITY, _zeros_of_late),
    "rows delivered twice": (CONTRACT, _rows_twice),
    "one store's sales under two names": (CONTINUITY, _store_twice),
    "newest weeks: old weeks again": (CONTINUITY, _old_week_again),
    "target copied into the plan": (CONTINUITY, _copied_into_the_plan),
    "text among the numbers": (CONTRACT, _text),
    "a column is missing": (CONTRACT, _column_missing),
    "newest weeks: never in stock": (GATE, _never_in_stock),
    "promotions in other words": (SCHEMA, _other_words),
}


def _deliver(alter: Alter, world: World, generator: np.random.Generator) -> None:
    weeks = int(generator.integers(1, 5))
    world.deliver(weeks, lambda table: alter(table, generator))


def _old_table(world: World, generator: np.random.Generator) -> None:
    """The table of some weeks ago, once more."""
    weeks = -int(generator.integers(1, 5))
    world.deliver(weeks, lambda table: table)


def _unknown_categories(world: World, generator: np.random.Generator) -> None:
    """The items' table names categories that nobody has seen."""
    world.deliver(1, lambda table: table)
    items = pl.read_parquet(world.tables / "items.parquet")
    suffix = int(generator.integers(100))
    changed = items.with_columns(category=pl.col("category") + f"_{suffix}")
    write_table(changed, world.tables / "items.parquet")


DATA_FAULTS: tuple[Kind, ...] = (
    *(
        Kind(name, good=False, must_stop=check, prepare=partial(_deliver, alter))
        for name, (check, alter) in _SALES.items()
    ),
    Kind("the table ends earlier", good=False, must_stop=CONTINUITY, prepare=_old_table),
    Kind("unknown categories", good=False, must_stop=SCHEMA, prepare=_unknown_categories),
)
"""All kinds of bad tables."""
