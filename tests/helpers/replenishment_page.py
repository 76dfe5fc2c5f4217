"""Parts of docs/replenishment.md that are written from the code, and the shop of its example."""

from __future__ import annotations

import re
from pathlib import Path

from docs_pages import ROOT, Block, blocks

from demandcast.components.replenishment.supply_columns import TABLES, Column
from demandcast.schema.config.replenishment import ReplenishmentTablesConfig

__all__ = ["PAGE", "blocks_below", "page_blocks", "rows_below", "supply_tables_markdown"]

PAGE = "docs/replenishment.md"


def supply_tables_markdown() -> str:
    """Writes the part of the page that lists our names of the columns, table by table."""
    return "\n".join(_table(name, columns) for name, columns in TABLES.items())


def _table(name: str, columns: dict[str, Column]) -> str:
    described = ReplenishmentTablesConfig.model_fields[name].description
    rows = [
        f"| `{column}` | {'yes' if one.required else ''} | {one.allowed} | {one.meaning} |"
        for column, one in columns.items()
    ]
    head = ["| column | needed | allowed | meaning |", "|---|---|---|---|"]
    return "\n".join([f"### `{name}`", "", str(described), "", *head, *rows, ""])


def page_blocks(*languages: str) -> list[Block]:
    """The blocks of the page in some languages."""
    return [block for block in blocks(*languages) if block.page == PAGE]


def blocks_below(heading: str) -> list[Block]:
    """The shell and text blocks between a heading of the second level and the next one."""
    text = Path(ROOT / PAGE).read_text(encoding="utf-8")
    before, part = text.split(f"\n## {heading}\n")
    first = before.count("\n") + 1
    last = first + part.split("\n## ")[0].count("\n") + 1
    return [block for block in page_blocks("sh", "text") if first < block.line <= last]


def rows_below(heading: str) -> list[list[str]]:
    """The cells of the rows of the first table below a heading, without its head."""
    text = Path(ROOT / PAGE).read_text(encoding="utf-8")
    part = re.split(rf"^#+ {re.escape(heading)}$", text, flags=re.MULTILINE)[1]
    (table,) = re.findall(r"\A(?:(?!\|).*\n)*((?:\|.*\n)+)", part)
    return [[cell.strip() for cell in row[1:-1].split("|")] for row in table.splitlines()[2:]]
