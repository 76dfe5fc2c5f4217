"""How results of a run are shown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from demandcast.pipeline.console import duration_text, memory_text
from demandcast.pipeline.places import PAGE_FILE
from demandcast.pipeline.reports import RunReport, StageReport
from demandcast.schema.artifact_names import FINDING_OUTPUT

__all__ = [
    "show_continuity",
    "show_places",
    "show_stages",
    "show_transactions",
    "show_verdict",
    "table_text",
]


def table_text(header: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """Lays out a table; the first columns are aligned left, the others right.

    >>> print(table_text(["stage", "time"], [["Trainer", "61 s"], ["Pusher", "1 s"]]))
    stage    time
    Trainer  61 s
    Pusher    1 s
    """
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def show_stages(report: RunReport) -> None:
    """Prints time and peak memory of each stage."""
    rows = [_stage_row(stage) for stage in report.stages]
    peak = max((stage.peak_memory_bytes for stage in report.stages), default=0)
    rows.append(["whole run", "", duration_text(report.seconds), memory_text(peak)])
    click.echo(table_text(["stage", "", "time", "peak memory"], rows, left=2))


def show_transactions(report: RunReport) -> None:
    """Prints what the rules of transactions did with the lines of sales, if there are any."""
    examples = report.artifact("SeriesExampleGen", "examples")
    counts = json.loads(str(examples.properties.get("transactions", "[]"))) if examples else []
    if counts:
        rows = [[item["rule"], f"{item['lines']:,}", f"{item['units']:,.10g}"] for item in counts]
        click.echo("\n" + table_text(["lines of sales", "lines", "units"], rows))


def show_continuity(report: RunReport) -> None:
    """Prints with which earlier data this one was compared, if that was looked at."""
    finding = report.artifact("DataContinuity", FINDING_OUTPUT)
    if finding is None:
        return
    words = Path(finding.uri).read_text(encoding="utf-8").strip()
    click.echo(f"{words[:1].upper()}{words[1:].rstrip('.')}.")


def show_verdict(report: RunReport) -> None:
    """Prints what the gate and the other checks decided, why, and what was pushed."""
    if report.verdict is None:
        return
    from demandcast.components.evaluation.verdict import Verdict, format_verdict

    click.echo("\n" + format_verdict(Verdict.model_validate(report.verdict)))
    for name, found, key in (
        ("Cost check", report.cost, "reason"),
        ("Infrastructure check", report.infrastructure, "reason"),
        ("Push", report.push, "reason"),
        ("Smoke test", report.smoke_test, "finding"),
        ("Orders", report.orders, "finding"),
    ):
        if found:
            click.echo(f"\n{name}: {found[key]}")


def show_places(report: RunReport) -> None:
    """Prints where things lie."""
    page = Path(report.log).with_name(PAGE_FILE)
    places = [
        *([["report", str(page)]] if page.exists() else []),
        ["artifacts", report.artifacts],
        ["log", report.log],
        ["serving", report.serving_directory],
    ]
    click.echo("\n" + "\n".join(f"{name:<10} {path}" for name, path in places))


def _stage_row(stage: StageReport) -> list[str]:
    memory = memory_text(stage.peak_memory_bytes) if stage.status == "run" else "-"
    return [stage.name, stage.status, duration_text(stage.seconds), memory]
