"""The choice of suppliers as a table, with its reason in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from demandcast.components.replenishment.supplier_choice import (
    COMPONENTS,
    Candidates,
    SupplierChoice,
    taken_at,
)

__all__ = ["choice_table"]

_NOW = "#now"
"""Where the choice takes an order now and the runner-up does not."""


def choice_table(
    choice: SupplierChoice,
    candidates: Candidates,
    *,
    items: Sequence[str],
    suppliers: Sequence[str],
) -> pl.DataFrame:
    """Tabulates the choice with its reason in words.

    Args:
        choice: Of items (N).
        candidates: From which it was made.
        items: Names. Length N.
        suppliers: Names of the rows of the lead times. Length V.

    Returns:
        `item`, `status`, `supplier`, `runner_up`, `cost_per_period`, `difference`, `wait_cost`
        (of the choice) and `wait_saved` (what waiting for the runner-up would cost more), and
        `reason`, such as "chosen: 12.40 per period less than S2: purchase -20.00, holding +7.60";
        null where there is none. N rows.
    """
    names = np.array([*suppliers, ""], dtype=np.str_)
    # Place -1 finds an empty place, and its supplier -1 the empty name.
    offered = np.pad(candidates.supplier, ((0, 0), (0, 1)), constant_values=-1)
    every = np.arange(len(items))
    chosen, other = (names[offered[every, place]] for place in (choice.place, choice.runner_up))
    first = np.stack([choice.first.wait_cost, choice.first.takes_orders], axis=-1)
    own, others = (taken_at(first, at) for at in (choice.place, choice.runner_up))
    table = pl.DataFrame(
        {
            "item": list(items),
            "status": choice.status.tolist(),
            "supplier": chosen.tolist(),
            "runner_up": other.tolist(),
            "cost_per_period": taken_at(choice.total[..., None], choice.place)[:, 0],
            "difference": choice.difference.sum(axis=1),
            "wait_cost": own[:, 0],
            "wait_saved": others[:, 0] - own[:, 0],
            _NOW: (own[:, 1] == 1) & (others[:, 1] == 0),
            **{name: choice.difference[:, at] for at, name in enumerate(COMPONENTS)},
        },
        schema_overrides={"supplier": pl.String, "runner_up": pl.String},
    ).with_columns(pl.col(pl.Float64).fill_nan(None), pl.col(pl.String).replace("", None))
    return table.with_columns(reason=_reason()).drop(*COMPONENTS, _NOW)


def _reason() -> pl.Expr:
    """Puts the reason into words."""
    parts = [
        pl.when(pl.col(name).abs() >= 0.005).then(
            pl.format(
                f"{name} {{}}{{}}",
                pl.when(pl.col(name) < 0).then(pl.lit("-")).otherwise(pl.lit("+")),
                _money(pl.col(name).abs()),
            )
        )
        for name in COMPONENTS
    ]
    less = pl.format(
        "{} per period less than {}", _money(pl.col("difference").abs()), pl.col("runner_up")
    )
    detail = pl.concat_str(parts, separator=", ", ignore_nulls=True)
    status = pl.col("status")
    return (
        pl.when(status == "no_feasible_supplier")
        .then(pl.lit("none: no candidate has a lead time and complete terms"))
        .when(status == "single_candidate")
        .then(pl.lit("chosen: the only candidate"))
        .when(status == "sooner")
        .then(_sooner())
        .when(status == "tie")
        .then(pl.format("chosen: costs as much as {}", pl.col("runner_up")))
        .when(detail == "")
        .then(pl.format("chosen: {}", less))
        .otherwise(pl.format("chosen: {}: {}", less, detail))
    )


def _sooner() -> pl.Expr:
    """Says why the dearer is chosen."""
    return pl.format(
        "{} instead of {}: {}, which avoids shortage worth {} for {} per period more",
        "supplier",
        "runner_up",
        pl.when(_NOW).then(pl.lit("takes orders today")).otherwise(pl.lit("delivers sooner")),
        _money(pl.col("wait_saved")),
        _money(pl.col("difference")),
    )


def _money(value: pl.Expr) -> pl.Expr:
    """Writes an amount with two decimals."""
    cents = (value * 100).round().cast(pl.Int64, strict=False)  # Null beyond what it can hold.
    short = pl.format("{}.{}", cents // 100, (cents % 100).cast(pl.String).str.zfill(2))
    return pl.coalesce(short, value.cast(pl.String))
