"""`demandcast orders review, approve, reject, change`: people decide about order lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from demandcast.pipeline.cli.options import (
    config_options,
    examples,
    json_option,
    load,
    print_json,
    quiet_option,
)
from demandcast.pipeline.cli.order_options import (
    choice_options,
    file_option,
    filter_options,
    log_shown,
    opened_desk,
    proposal_option,
    user_name,
    user_option,
)
from demandcast.schema.errors import BadInputError

if TYPE_CHECKING:
    import polars as pl

    from demandcast.pipeline.orders.desk import Asking, Desk
    from demandcast.schema.config import RunConfig

__all__ = ["approve_command", "change_command", "reject_command", "review_command"]

_SERIES_HELP = (
    "SERIES are the parts of a key joined by '/', such as store_001/item_002; or give --file, or "
    "choose lines with --supplier and --all-below."
)


@click.command(
    "review",
    epilog=examples(
        "demandcast orders review --config demand.yaml --output review.xlsx --state waiting",
        "demandcast orders review --config demand.yaml --apply review.xlsx --user anna",
    ),
)
@config_options
@proposal_option
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a review here, .xlsx or .csv; it must not be there yet.",
)
@click.option(
    "--apply",
    "applied",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Decide what this review says.",
)
@filter_options
@user_option
@click.option("--dry-run", is_flag=True, help="With --apply: only say what would be decided.")
@quiet_option
def review_command(  # noqa: PLR0913 - one per option
    *,
    config_file: Path,
    overrides: Sequence[str],
    proposal: str,
    output: Path | None,
    applied: Path | None,
    user: str | None,
    dry_run: bool,
    quiet: bool,
    **filters: Any,
) -> None:
    """Write lines into a file for a spreadsheet, or decide what comes back in one.

    Fill in the columns decision (approve, reject, change), quantity (for change) and reason (for
    reject and change). To approve another quantity in one go, write approve, the quantity and a
    reason. Only rows with something there count. If any row cannot be granted, none
    is: each is named with its row, column, value and what is allowed. A file written before the
    proposals changed, or about lines that somebody has decided since, is refused.
    """
    if (output is None) == (applied is None):
        raise BadInputError("give either --output FILE, to write a review, or --apply FILE")
    config = load(config_file, overrides)
    if applied is not None:
        if any(filters.values()):
            raise BadInputError("--apply takes the lines of the file; leave filters out")
        _apply(config, proposal, applied, user=user, dry_run=dry_run, quiet=quiet)
        return
    from demandcast.components.replenishment.review_rows import review_table
    from demandcast.pipeline.orders.choosing import filter_book
    from demandcast.pipeline.orders.review_files import write_review_file
    from demandcast.pipeline.orders.words import counted

    desk = opened_desk(config, proposal)
    lines = filter_book(desk.book, **filters)
    table = review_table(lines, desk.basis, series_key=desk.series_key)
    write_review_file(Path(str(output)), table, series_key=desk.series_key)
    if not quiet:
        count = counted(lines.height, "line")
        click.echo(f"{output}: {count} of proposal {desk.proposal.facts.proposal_id}")


@click.command(
    "approve",
    help="Agree to lines, as proposed or as somebody changed them.\n\n"
    f"{_SERIES_HELP} Those choose lines that wait for a person. A rejected line that is approved "
    "is ordered as proposed.",
    epilog=examples(
        "demandcast orders approve store_001/item_002 --config demand.yaml --user anna",
        "demandcast orders approve --all-below 2000 --config demand.yaml --user anna",
        "demandcast orders approve --supplier north --config demand.yaml --dry-run",
    ),
)
@click.argument("series", nargs=-1)
@config_options
@choice_options
@click.option("--reason", default="", help="Why; may be left out.")
@quiet_option
@json_option
def approve_command(**options: Any) -> None:
    """Approves lines."""
    _decide_chosen("approve", **options)


@click.command(
    "reject",
    help="Order nothing on lines.\n\n"
    f"{_SERIES_HELP} Those choose lines with an order that nobody has decided about.",
    epilog=examples(
        "demandcast orders reject store_001/item_002 --config demand.yaml --user anna "
        "--reason 'delisted from August on'",
        "demandcast orders reject --file keys.txt --config demand.yaml --reason 'stocktaking'",
    ),
)
@click.argument("series", nargs=-1)
@config_options
@choice_options
@click.option("--reason", required=True, help="Why.")
@quiet_option
@json_option
def reject_command(**options: Any) -> None:
    """Rejects lines."""
    _decide_chosen("reject", **options)


@click.command(
    "change",
    epilog=examples(
        "demandcast orders change store_001/item_002 --quantity 48 --config demand.yaml "
        "--user anna --reason 'street festival on Saturday'",
        "demandcast orders change store_001/item_002 --quantity 50 --force --config demand.yaml "
        "--reason 'the supplier breaks a pack for us'",
    ),
)
@click.argument("series", nargs=-1)
@config_options
@proposal_option
@file_option
@click.option("--quantity", type=float, required=True, help="Units to order on each line, above 0.")
@click.option(
    "--force",
    is_flag=True,
    help="Although it breaks a pack or the least order, or is more than fits, than the supplier "
    "has, or than a hundred times the usual.",
)
@click.option("--reason", required=True, help="Why.")
@user_option
@click.option("--dry-run", is_flag=True, help="Only say what would be decided.")
@quiet_option
@json_option
def change_command(
    *, series: tuple[str, ...], key_file: Path | None, quantity: float, force: bool, **options: Any
) -> None:
    """Order another quantity on lines; above a threshold somebody must approve the change.

    The quantity must be whole packs, at least the least order, and no more than fits or the
    supplier has, as far as the terms of supply say so. A line for which nothing could be
    computed, or that is infeasible, can be changed too. SERIES are the parts of a key joined by
    '/', such as store_001/item_002; or give --file.
    """
    names = _names(series, key_file)
    if not names:
        raise BadInputError("name the SERIES to change, or give --file")

    def choose(desk: Desk) -> pl.DataFrame:
        from demandcast.pipeline.orders.desk import find_series

        return find_series(desk, names)

    _decide("change", choose, quantity=quantity, forced=force, **options)


def _apply(
    config: RunConfig, proposal: str, file: Path, *, user: str | None, dry_run: bool, quiet: bool
) -> None:
    from demandcast.components.replenishment.review_rows import read_review
    from demandcast.pipeline.orders.review_files import read_review_file

    table = read_review_file(file)

    def asking(desk: Desk) -> tuple[pl.DataFrame, pl.DataFrame]:
        return read_review(table, desk.book, desk.basis, series_key=desk.series_key)

    _carry_out(config, proposal, asking, user=user, dry_run=dry_run, quiet=quiet)


def _decide_chosen(
    action: str,
    *,
    series: tuple[str, ...],
    key_file: Path | None,
    supplier: str | None,
    all_below: float | None,
    **options: Any,
) -> None:
    """Decides about named lines, or about those that options choose."""
    names = _names(series, key_file)
    by_option = supplier is not None or all_below is not None
    if bool(names) == by_option:
        raise BadInputError(
            f"name the SERIES to {action} (or give --file), or choose them with --supplier and "
            "--all-below; one of both"
        )

    def choose(desk: Desk) -> pl.DataFrame:
        from demandcast.pipeline.orders.choosing import choose_lines
        from demandcast.pipeline.orders.desk import find_series

        if names:
            return find_series(desk, names)
        lines = choose_lines(desk.book, action, supplier=supplier, below=all_below)
        return lines.select(desk.series_key)

    _decide(action, choose, quantity=None, forced=False, **options)


def _names(series: tuple[str, ...], key_file: Path | None) -> list[str]:
    if key_file is None:
        return list(series)
    try:
        lines = key_file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"--file: {key_file}: cannot be read: {error}") from error
    return [*series, *(line.strip() for line in lines if line.strip())]


def _decide(  # noqa: PLR0913 - one per option
    action: str,
    choose: Callable[[Desk], pl.DataFrame],
    *,
    config_file: Path,
    overrides: Sequence[str],
    proposal: str,
    quantity: float | None,
    forced: bool,
    reason: str,
    user: str | None,
    dry_run: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    from demandcast.components.replenishment.decision_requests import (
        REFUSAL_SCHEMA,
        make_requests,
    )

    def asking(desk: Desk) -> tuple[pl.DataFrame, pl.DataFrame]:
        import polars as pl

        requests = make_requests(
            choose(desk), action, quantity=quantity, reason=reason, forced=forced
        )
        return requests, pl.DataFrame(schema=REFUSAL_SCHEMA)

    config = load(config_file, overrides)
    _carry_out(config, proposal, asking, user=user, dry_run=dry_run, quiet=quiet, as_json=as_json)


def _carry_out(  # noqa: PLR0913 - one per option
    config: RunConfig,
    proposal: str,
    asking: Asking,
    *,
    user: str | None,
    dry_run: bool,
    quiet: bool,
    as_json: bool = False,
) -> None:
    """Decides, and says what was decided."""
    from demandcast.pipeline.cli.order_texts import decided_text, log_rows
    from demandcast.pipeline.orders.audit_file import utc_now
    from demandcast.pipeline.orders.desk import decide, try_deciding

    with log_shown(quiet=quiet):
        if dry_run:
            entries = try_deciding(config, proposal, asking, user=user_name(user))
        else:
            entries = decide(config, proposal, asking, user=user_name(user), now=utc_now)
    if as_json:
        print_json(log_rows(entries))
    elif not quiet:
        click.echo(decided_text(entries, verb="would be" if dry_run else "was"))
