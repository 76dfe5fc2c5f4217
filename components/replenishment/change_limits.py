"""How much a person may order instead of what was proposed: what is refused, what is doubted.

A limit can be overruled by who insists and says why; only a quantity that nobody can mean cannot.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from demandcast.components.replenishment.approvals import SAME_UNITS, number_text
from demandcast.components.replenishment.order_book import series_text

__all__ = ["MOST_UNITS", "change_doubts", "change_refusals", "with_supply_left"]

MOST_UNITS = 1e9
"""Units that no line may have, whoever insists."""

_REFUSED_TIMES, _DOUBTED_TIMES = 100, 3
"""How often what is proposed, and what is needed until the next order is there."""

_QUANTITY, _LEFT = pl.col("#quantity"), pl.col("#supply_left")


def change_refusals() -> Iterator[tuple[pl.Expr, pl.Expr]]:
    """Yields the limits of a `#quantity` above 0: whether it breaks each, and what is allowed.

    Both are expressions of the columns of an order book and of `with_supply_left`.
    """
    pack, moq = pl.col("pack_size").fill_null(0.0), pl.col("moq").fill_null(0.0)
    packs = _QUANTITY / pack
    # Packs may be fractions such as 0.1, of which no float is a whole multiple.
    broken = (pack > 0) & ((packs - packs.round(0)).abs() > SAME_UNITS)
    yield broken, pl.format("whole packs of {}, or --force", number_text(pl.col("pack_size")))
    least = pl.format("at least {}, the least order, or --force", number_text(pl.col("moq")))
    yield moq - _QUANTITY > SAME_UNITS, least
    room = pl.col("storage_room")
    fitting = pl.format("at most {}, for which there is room, or --force", number_text(room))
    yield _QUANTITY - room > SAME_UNITS, fitting
    had = pl.format("at most {}, which the supplier has left, or --force", number_text(_LEFT))
    yield _QUANTITY - _LEFT > SAME_UNITS, had
    most = _REFUSED_TIMES * pl.max_horizontal(_usual(), pack, moq)
    text = f"at most {{}}, {_REFUSED_TIMES} times what is proposed or needed, or --force"
    yield (_usual() > 0) & (_QUANTITY - most > SAME_UNITS), pl.format(text, number_text(most))


def _usual() -> pl.Expr:
    """Units that are usual: proposed, wanted, or needed over the protection interval."""
    names = ("order_quantity", "wanted_quantity", "expected_demand", "demand_at_target")
    return pl.max_horizontal(pl.col(name).fill_null(0.0) for name in names)


def with_supply_left(
    changes: pl.DataFrame, book: pl.DataFrame, *, series_key: Sequence[str]
) -> pl.DataFrame:
    """Adds what the supplier has left for each change: `#supply_left`, units; null: any.

    Lines of the same terms share what the supplier has. A change that takes no more than its line
    had takes nothing from the others.

    Args:
        changes: Requests that set a `#quantity`, with the columns of their lines.
        book: The order book before them.
        series_key: Columns of the key.
    """
    asked = changes.select(*series_key, _QUANTITY).unique(list(series_key), keep="first")
    taken = pl.coalesce("#quantity", "final_quantity")
    left = pl.col("available_units") - taken.sum().over("terms_row") + taken
    lines = book.join(asked, on=list(series_key), how="left", maintain_order="left").select(
        *series_key,
        pl.when(pl.col("available_units").is_not_null() & pl.col("terms_row").is_not_null())
        .then(pl.max_horizontal(left.clip(0.0), "final_quantity"))
        .alias("#supply_left"),
    )
    return changes.join(lines, on=list(series_key), how="left", maintain_order="left")


def change_doubts(changes: pl.DataFrame, *, series_key: Sequence[str]) -> list[str]:
    """Words quantities that are many times what is proposed and what is asked for.

    Args:
        changes: Requests that set a `#quantity`, with the columns of their lines.
        series_key: Columns of the key.

    Returns:
        A sentence for each.
    """
    found = changes.filter((_usual() > 0) & (_QUANTITY / _usual() > _DOUBTED_TIMES))
    words = found.select(
        pl.format(
            "{}: {} units are {} times the {} that are proposed or needed until the next order is "
            "there",
            series_text(series_key),
            number_text(_QUANTITY),
            number_text((_QUANTITY / _usual()).round(1)),
            number_text(_usual()),
        )
    )
    return words.to_series().to_list()
