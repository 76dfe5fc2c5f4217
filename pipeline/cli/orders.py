"""`demandcast orders`: people look at proposed orders, decide about them, and send them off."""

from __future__ import annotations

import contextlib
import dataclasses
import getpass
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from demandcast.pipeline.cli.options import (
    config_options,
    examples,
    json_option,
    load,
    print_json,
    progress,
    quiet_option,
)
from demandcast.schema.errors import BadInputError

if TYPE_CHECKING:
    import polars as pl

    from demandcast.components.replenishment.audit_chain import AuditEntry
    from demandcast.pipeline.orders.actuals import Actuals
    from demandcast.pipeline.orders.desk import Desk
    from demandcast.schema.config import RunConfig

__all__ = ["orders_group"]

F = TypeVar("F", bound=Callable[..., Any])

_LATEST = "latest"
_proposal_option = click.option(
    "--proposal",
    default=_LATEST,
    show_default=True,
    metavar="ID",
    help="The proposal: its identity, the beginning of it, or 'latest'.",
)
_user_option = click.option(
    "--user",
    metavar="NAME",
    help="Who decides, for the log; if not given, who is logged in. Nobody checks it.",
)
_supplier_option = click.option("--supplier", metavar="NAME", help="Only lines of this supplier.")
_SERIES_HELP = (
    "SERIES are the parts of a key joined by '/', such as store_001/item_002; or give --file, or "
    "choose lines with --supplier and --all-below."
)


def _filter_options(function: F) -> F:
    """Adds the options by which lines are chosen to look at."""
    for name, what in (
        ("--state", "proposed, approved, rejected, changed, exported; or waiting: for a person"),
        ("--risk", "low, medium, high or critical"),
        ("--status", "as in the table: order, reduced, held_back, infeasible, ..."),
    ):
        function = click.option(
            name, multiple=True, metavar="WORD", help=f"Only lines so: {what}; may be repeated."
        )(function)
    return _supplier_option(function)


def _choice_options(function: F) -> F:
    """Adds what approve and reject choose lines by, and who says so."""
    for option in (
        click.option("--dry-run", is_flag=True, help="Only say what would be decided."),
        _user_option,
        click.option(
            "--all-below",
            type=click.FloatRange(min=0),
            metavar="VALUE",
            help="All lines that cost less than this.",
        ),
        click.option("--supplier", metavar="NAME", help="All lines of this supplier."),
        _file_option,
        _proposal_option,
    ):
        function = option(function)
    return function


_file_option = click.option(
    "--file",
    "key_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A text file with a SERIES per line.",
)


@click.group(
    "orders",
    epilog=examples(
        "demandcast orders list --config demand.yaml --state waiting",
        "demandcast orders review --config demand.yaml --output review.xlsx",
        "demandcast orders review --config demand.yaml --apply review.xlsx --user anna",
        "demandcast orders export --config demand.yaml --output orders.csv --user anna",
        "demandcast orders score --config demand.yaml",
    ),
)
def orders_group() -> None:
    """Look at proposed orders, decide about them, export them, and see later who was right.

    'demandcast replenish' proposes orders. Lines above a value or a risk (the section
    replenishment.approval) are exported only if a person approved or changed them; the others as
    proposed, unless rejected. Each decision is a line of an audit log that only grows.
    """


@orders_group.command(
    "list",
    epilog=examples(
        "demandcast orders list --config demand.yaml",
        "demandcast orders list --config demand.yaml --state waiting --supplier north",
        "demandcast orders list --config demand.yaml --risk critical --limit 0 --json",
    ),
)
@config_options
@_proposal_option
@_filter_options
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=50,
    show_default=True,
    help="First lines to show; 0 shows all.",
)
@json_option
def list_command(
    *,
    config_file: Path,
    overrides: Sequence[str],
    proposal: str,
    limit: int,
    as_json: bool,
    **filters: Any,
) -> None:
    """List the lines of a proposal and what was decided about each, exceptions first.

    Columns: what was proposed, what is to be ordered now (0 after a reject), its value, the state,
    and who decided. An asterisk marks lines that wait for a person.
    """
    from demandcast.pipeline.cli.order_texts import book_rows, book_table
    from demandcast.pipeline.orders.choosing import filter_book

    desk = _desk(load(config_file, overrides), proposal)
    lines = filter_book(desk.book, **filters)
    shown = lines.head(limit or lines.height)
    if as_json:
        facts = desk.proposal.facts.model_dump(mode="json")
        print_json({"proposal": facts, "lines": book_rows(shown, desk.series_key)})
    elif lines.height:
        click.echo(book_table(shown, desk.series_key))
        if lines.height > shown.height:
            click.echo(f"\n{lines.height - shown.height} more lines; --limit 0 shows all")
    else:
        click.echo(f"no such line in proposal {desk.proposal.facts.proposal_id}")


@orders_group.command(
    "review",
    epilog=examples(
        "demandcast orders review --config demand.yaml --output review.xlsx --state waiting",
        "demandcast orders review --config demand.yaml --apply review.xlsx --user anna",
    ),
)
@config_options
@_proposal_option
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
@_filter_options
@_user_option
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
    reject and change). Only rows with something there count. If any row cannot be granted, none
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

    desk = _desk(config, proposal)
    lines = filter_book(desk.book, **filters)
    table = review_table(lines, desk.basis, series_key=desk.series_key)
    write_review_file(Path(str(output)), table, series_key=desk.series_key)
    if not quiet:
        click.echo(f"{output}: {lines.height} lines of proposal {desk.proposal.facts.proposal_id}")


@orders_group.command(
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
@_choice_options
@click.option("--reason", default="", help="Why; may be left out.")
@quiet_option
@json_option
def approve_command(**options: Any) -> None:
    """Approves lines."""
    _decide_chosen("approve", **options)


@orders_group.command(
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
@_choice_options
@click.option("--reason", required=True, help="Why.")
@quiet_option
@json_option
def reject_command(**options: Any) -> None:
    """Rejects lines."""
    _decide_chosen("reject", **options)


@orders_group.command(
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
@_proposal_option
@_file_option
@click.option("--quantity", type=float, required=True, help="Units to order on each line, above 0.")
@click.option(
    "--force", is_flag=True, help="Although it is no whole pack, or less than the least order."
)
@click.option("--reason", required=True, help="Why.")
@_user_option
@click.option("--dry-run", is_flag=True, help="Only say what would be decided.")
@quiet_option
@json_option
def change_command(
    *, series: tuple[str, ...], key_file: Path | None, quantity: float, force: bool, **options: Any
) -> None:
    """Order another quantity on lines; who changes a line, approves it.

    The quantity must be whole packs and at least the least order, where the terms of supply name
    them. A line for which nothing could be computed, or that is infeasible, can be changed too.
    SERIES are the parts of a key joined by '/', such as store_001/item_002; or give --file.
    """
    names = _names(series, key_file)
    if not names:
        raise BadInputError("name the SERIES to change, or give --file")

    def choose(desk: Desk) -> pl.DataFrame:
        from demandcast.pipeline.orders.desk import find_series

        return find_series(desk, names)

    _decide("change", choose, quantity=quantity, forced=force, **options)


@orders_group.command(
    "export",
    epilog=examples(
        "demandcast orders export --config demand.yaml --output orders.csv --user anna",
        "demandcast orders export --config demand.yaml --output orders.json --skip-waiting",
        "demandcast orders export --config demand.yaml --output orders.csv --again",
    ),
)
@config_options
@_proposal_option
@click.option(
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The file of purchase orders, .csv or .json; it must not be there yet.",
)
@click.option(
    "--skip-waiting", is_flag=True, help="Leave lines that wait for a person for a later export."
)
@click.option(
    "--again",
    is_flag=False,
    flag_value=_LATEST,
    metavar="[EXPORT]",
    help="Write the file of an earlier export again, byte for byte; the last one if not named.",
)
@_user_option
@quiet_option
@json_option
def export_command(  # noqa: PLR0913 - one per option
    *,
    config_file: Path,
    overrides: Sequence[str],
    proposal: str,
    output: Path,
    skip_waiting: bool,
    again: str | None,
    user: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Write purchase orders, one per supplier and day: what is agreed to and not exported yet.

    Each line is exported once. If lines wait for a person, nothing is exported and they are
    listed, unless --skip-waiting is given. docs/orders.md describes both formats.
    """
    from demandcast.pipeline.orders.audit_file import utc_now
    from demandcast.pipeline.orders.exports import export_again, export_orders

    config = load(config_file, overrides)
    with _log_shown(quiet=quiet):
        if again is not None:
            found = export_again(config, proposal, output, export_id=again)
        else:
            found = export_orders(
                config,
                proposal,
                output,
                user=_user(user),
                waiting="skip" if skip_waiting else "refuse",
                now=utc_now,
            )
    if as_json:
        print_json(dataclasses.asdict(found))
    elif not quiet:
        left = f"; {len(found.waiting)} lines wait for a person" if found.waiting else ""
        click.echo(
            f"{found.file}: export {found.export_id}, {found.purchase_orders} purchase orders, "
            f"{found.lines} lines, value {found.value:,.2f}{left}"
        )


@orders_group.command(
    "log",
    epilog=examples(
        "demandcast orders log --config demand.yaml",
        "demandcast orders log --config demand.yaml --user anna --action change --json",
        "demandcast orders log --config demand.yaml --verify",
    ),
)
@config_options
@click.option("--proposal", metavar="ID", help="Only entries about this proposal, in full.")
@click.option("--user", metavar="NAME", help="Only what this user did.")
@click.option(
    "--action",
    type=click.Choice(["approve", "reject", "change", "export", "set_aside"]),
    help="Only entries of this kind.",
)
@click.option("--series", metavar="SERIES", help="Only what is about this series.")
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=50,
    show_default=True,
    help="Newest entries to show; 0 shows all.",
)
@click.option(
    "--verify", is_flag=True, help="Only check the chain; ends with 3 if it is broken or torn."
)
@json_option
def log_command(
    *,
    config_file: Path,
    overrides: Sequence[str],
    limit: int,
    verify: bool,
    as_json: bool,
    **filters: Any,
) -> None:
    """Show who decided what, when and why, and check that nothing in the log was changed.

    Each line of the log holds the SHA-256 of the line before. Keep the last digest, which --verify
    prints, somewhere else: only that shows that the end was cut off, or all of it written anew.
    """
    from demandcast.pipeline.cli.order_texts import log_rows, log_table
    from demandcast.pipeline.orders.audit_file import read_audit_log
    from demandcast.pipeline.orders.choosing import filter_log
    from demandcast.pipeline.orders.desk import audit_log_file

    path = audit_log_file(load(config_file, overrides))
    chain = read_audit_log(path)
    if verify:
        _say_verified(chain, path, as_json=as_json)
        return
    entries = filter_log(chain.entries, **filters)
    shown = entries[-limit:] if limit else entries
    if as_json:
        print_json(log_rows(shown))
    elif shown:
        click.echo(log_table(shown))
        if len(entries) > len(shown):
            click.echo(f"\n{len(entries) - len(shown)} older entries; --limit 0 shows all")
    else:
        click.echo(f"no such entry in {path}")
    for what in _complaints(chain):
        click.echo(f"warning: {path}: {what}", err=True)


@orders_group.command(
    "score",
    epilog=examples(
        "demandcast orders score --config demand.yaml",
        "demandcast orders score --config demand.yaml --proposal 20261120 --actuals demand.csv",
    ),
)
@config_options
@_proposal_option
@click.option(
    "--actuals",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Demand since: series key, timestamp, demand; .csv or .parquet. Otherwise the sales "
    "of the configuration.",
)
@json_option
def score_command(
    *,
    config_file: Path,
    overrides: Sequence[str],
    proposal: str,
    actuals: Path | None,
    as_json: bool,
) -> None:
    """Compare what people ordered with what was proposed, by what was demanded since.

    For each line that was rejected or changed: units short and left over at the end of the
    protection interval, and their cost, as proposed and as ordered; then totals by user. Where
    sales are cut short by an empty shelf, demand is at least what was sold, and marked.
    """
    from demandcast.components.replenishment.override_scores import totals_by_user
    from demandcast.pipeline.cli.order_texts import score_table, totals_table
    from demandcast.pipeline.orders.scoring import score_proposal

    config = load(config_file, overrides)
    desk = _desk(config, proposal)
    scores = score_proposal(config, desk, lambda cutoff: _actuals(config, desk, actuals, cutoff))
    totals = totals_by_user(scores)
    if as_json:
        print_json({"overrides": scores.to_dicts(), "users": totals.to_dicts()})
    elif scores.height:
        click.echo(score_table(scores, desk.series_key))
        click.echo("\n" + totals_table(totals))
    else:
        click.echo(f"nobody overruled proposal {desk.proposal.facts.proposal_id}")


def _actuals(config: RunConfig, desk: Desk, file: Path | None, cutoff: int) -> Actuals:
    from demandcast.pipeline.orders.actuals import actuals_of_file, actuals_of_sales

    if file is None:
        return actuals_of_sales(config, after=cutoff)
    return actuals_of_file(file, series_key=desk.series_key, frequency=config.forecast.frequency)


def _desk(config: RunConfig, proposal: str) -> Desk:
    """Opens a proposal to look at; says if there is a newer one."""
    from demandcast.pipeline.orders.desk import open_desk

    with _log_shown(quiet=False):
        desk = open_desk(config, proposal)
    _say_if_old(desk)
    return desk


def _say_if_old(desk: Desk) -> None:
    if not desk.proposal.newest:
        click.echo(
            f"warning: proposal {desk.proposal.facts.proposal_id} is not the newest one", err=True
        )


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
    asking: Any,
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

    with _log_shown(quiet=quiet):
        entries: list[AuditEntry]
        if dry_run:
            entries = try_deciding(config, proposal, asking)
        else:
            entries = decide(config, proposal, asking, user=_user(user), now=utc_now)
    if as_json:
        print_json(log_rows(entries))
    elif not quiet:
        click.echo(decided_text(entries, verb="would be" if dry_run else "was"))


def _user(given: str | None) -> str:
    """Who acts: as given, or whom the operating system has logged in."""
    if given is not None:
        return given
    try:
        return getpass.getuser()
    except (OSError, KeyError) as error:
        raise BadInputError("--user: the system does not say who is logged in; give it") from error


def _complaints(chain: Any) -> list[str]:
    found = []
    if chain.broken:
        found.append(chain.broken)
    if chain.torn:
        found.append(f"its last {len(chain.torn)} bytes were cut short by a crash")
    return found


def _say_verified(chain: Any, path: Path, *, as_json: bool) -> None:
    from demandcast.schema.errors import AnomalyError

    complaints = _complaints(chain)
    if as_json:
        values = {"entries": len(chain.entries), "head": chain.head, "complaints": complaints}
        print_json({"file": str(path), "whole": not complaints, **values})
    elif not complaints:
        click.echo(f"{path}: {len(chain.entries)} entries, unbroken; last digest {chain.head}")
    if complaints:
        raise AnomalyError(f"{path}: {'; '.join(complaints)}")


@contextlib.contextmanager
def _log_shown(*, quiet: bool) -> Iterator[None]:
    """Shows warnings of the log's keeper on standard error."""
    with progress(quiet=quiet) as console, console.following("demandcast"):
        yield
