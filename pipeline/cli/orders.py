"""`demandcast orders`: people look at proposed orders, decide about them, and send them off."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
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
from demandcast.pipeline.cli.order_decisions import (
    approve_command,
    change_command,
    reject_command,
    review_command,
)
from demandcast.pipeline.cli.order_options import (
    LATEST,
    filter_options,
    log_shown,
    opened_desk,
    proposal_option,
    user_name,
    user_option,
)
from demandcast.pipeline.cli.order_scores import score_command
from demandcast.schema.errors import AnomalyError

if TYPE_CHECKING:
    from demandcast.components.replenishment.audit_chain import AuditChain

__all__ = ["orders_group"]


@click.group(
    "orders",
    epilog=examples(
        "demandcast orders list --config demand.yaml --state waiting",
        "demandcast orders review --config demand.yaml --output review.xlsx",
        "demandcast orders review --config demand.yaml --apply review.xlsx --user anna",
        "demandcast orders export --config demand.yaml --output orders.csv --user anna",
        "demandcast orders score --all --config demand.yaml",
    ),
)
def orders_group() -> None:
    """Look at proposed orders, decide about them, export them, and see later who was right.

    'demandcast replenish' proposes orders. Lines above a value or a risk (the section
    replenishment.approval) are exported only if a person approved them, whether or not one
    changed them; the others as they stand, unless rejected. Each decision is a line of an audit
    log that only grows.
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
@proposal_option
@filter_options
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
    from demandcast.pipeline.orders.words import counted

    desk = opened_desk(load(config_file, overrides), proposal)
    lines = filter_book(desk.book, **filters)
    shown = lines.head(limit or lines.height)
    if as_json:
        facts = desk.proposal.facts.model_dump(mode="json")
        print_json({"proposal": facts, "lines": book_rows(shown, desk.series_key)})
    elif lines.height:
        click.echo(book_table(shown, desk.series_key))
        if lines.height > shown.height:
            more = counted(lines.height - shown.height, "more line")
            click.echo(f"\n{more}; --limit 0 shows all")
    else:
        click.echo(f"no such line in proposal {desk.proposal.facts.proposal_id}")


for _command in (review_command, approve_command, reject_command, change_command, score_command):
    orders_group.add_command(_command)


@orders_group.command(
    "export",
    epilog=examples(
        "demandcast orders export --config demand.yaml --output orders.csv --user anna",
        "demandcast orders export --config demand.yaml --output orders.json --skip-waiting",
        "demandcast orders export --config demand.yaml --output orders.csv --again",
    ),
)
@config_options
@proposal_option
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
    flag_value=LATEST,
    metavar="[EXPORT]",
    help="Write the file of an earlier export again, byte for byte; the last one if not named.",
)
@click.option(
    "--order-twice",
    is_flag=True,
    help="Export also lines that another proposal has ordered from the same supplier for the same "
    "day, of which the open orders say nothing.",
)
@user_option
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
    order_twice: bool,
    user: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Write purchase orders, one per supplier and day: what is agreed to and not exported yet.

    Each line is exported once. If lines wait for a person, nothing is exported and they are
    listed, unless --skip-waiting is given. Lines that another proposal has ordered already, such
    as one of an hour ago, are left out and listed, unless this one saw them in the open orders or
    --order-twice is given. docs/orders.md describes both formats.
    """
    from demandcast.pipeline.cli.order_texts import exported_text
    from demandcast.pipeline.orders.audit_file import utc_now
    from demandcast.pipeline.orders.export_lines import Leave
    from demandcast.pipeline.orders.exports import export_again, export_orders

    config = load(config_file, overrides)
    with log_shown(quiet=quiet):
        if again is not None:
            found = export_again(config, proposal, output, export_id=again)
        else:
            found = export_orders(
                config,
                proposal,
                output,
                user=user_name(user),
                leave=Leave(
                    waiting="skip" if skip_waiting else "refuse",
                    ordered_before="order" if order_twice else "skip",
                ),
                now=utc_now,
            )
    if as_json:
        print_json(dataclasses.asdict(found))
    elif not quiet:
        click.echo(exported_text(found))
    for name in found.ordered_before:
        click.echo(f"warning: left out, --order-twice orders it once more: {name}", err=True)


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
    from demandcast.pipeline.orders.words import counted

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
            older = counted(len(entries) - len(shown), "older entry", plural="older entries")
            click.echo(f"\n{older}; --limit 0 shows all")
    else:
        click.echo(f"no such entry in {path}")
    for what in _complaints(chain):
        click.echo(f"warning: {path}: {what}", err=True)


def _complaints(chain: AuditChain) -> list[str]:
    found = []
    if chain.broken:
        found.append(chain.broken)
    if chain.torn:
        found.append(f"its last {len(chain.torn):,} bytes were cut short by a crash")
    return found


def _say_verified(chain: AuditChain, path: Path, *, as_json: bool) -> None:
    from demandcast.pipeline.orders.words import counted

    complaints = _complaints(chain)
    if as_json:
        values = {"entries": len(chain.entries), "head": chain.head, "complaints": complaints}
        print_json({"file": str(path), "whole": not complaints, **values})
    elif not complaints:
        entries = counted(len(chain.entries), "entry", plural="entries")
        click.echo(f"{path}: {entries}, unbroken; last digest {chain.head}")
    if complaints:
        raise AnomalyError(f"{path}: {'; '.join(complaints)}")
