"""Static attributes of series, to group proposals by: from static tables and the sales.

Each attribute is that of the first table that has it, as in ingestion: static tables, then sales.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

import polars as pl
import pyarrow as pa

from demandcast.components.examples.files import list_files
from demandcast.components.examples.parsing import parse_text
from demandcast.components.examples.readers import (
    SOURCE,
    plan_reading,
    read_blocks,
    read_header,
)
from demandcast.components.examples.roles import SALES, table_paths
from demandcast.pipeline.supply_files import read_static_tables
from demandcast.schema.config import DataConfig, RunConfig
from demandcast.schema.errors import ContractError

__all__ = ["read_attributes"]

logger = logging.getLogger(__name__)

_BLOCK_ROWS = 1 << 18
"""Rows in memory at a time; of each block only the distinct combinations are kept."""


def read_attributes(config: RunConfig, series: pl.DataFrame) -> pl.DataFrame:
    """Looks up the attributes of series, to group them by.

    Static tables come first; what they do not have is looked for in the sales. Sales that cannot
    be read are said and passed over: forecasts may come from elsewhere.

    Args:
        config: The run.
        series: Key columns as text, one row per series.

    Returns:
        The series with the static columns that these tables hold; null without a row.

    Raises:
        BadInputError: A file of a static table is not there or cannot be read.
    """
    static, tables = config.data.columns.static, config.data.static_tables
    found = read_static_tables(config, series)
    # Another static table may be joined by a column of the sales.
    named = dict.fromkeys([*static, *(key for table in tables for key in table.on)])
    wanted = [name for name in named if name not in found.columns]
    if not set(static) & set(wanted):
        return found
    try:
        own = _first_values(config.data, series.columns, wanted)
    except (ContractError, OSError, pa.ArrowInvalid) as error:
        said = str(error).splitlines()[0]
        logger.warning("proposals are not grouped by %s: %s", ", ".join(wanted), said)
        return found
    own = own.select(one for one in own if one.name not in wanted or one.null_count() < len(one))
    found = found.join(own, on=series.columns, how="left", maintain_order="left")
    found = read_static_tables(config, found)
    return found.select(*series.columns, *(name for name in static if name in found.columns))


def _first_values(data: DataConfig, keys: Sequence[str], wanted: Sequence[str]) -> pl.DataFrame:
    """Takes the first value of each attribute in the sales, series by series."""
    nothing = pl.DataFrame(schema=dict.fromkeys([*keys, *wanted], pl.String))
    rows = pl.concat([nothing, *_combinations(data, keys, wanted)], how="diagonal")
    values = [pl.col(name).drop_nulls().first() for name in wanted]
    return rows.group_by(keys, maintain_order=True).agg(values)


def _combinations(
    data: DataConfig, keys: Sequence[str], wanted: Sequence[str]
) -> Iterator[pl.DataFrame]:
    """Reads the distinct combinations of key and attributes, each once per task of reading."""
    files = list_files(table_paths(data)[SALES], table=SALES)
    headers = [read_header(path, table=SALES) for path in files]
    for task in plan_reading(files, table=SALES):
        columns = [name for name in (*keys, *wanted) if name in headers[task.file]]
        if not set(keys) < set(columns):
            continue
        seen = pl.DataFrame(schema=dict.fromkeys(columns, pl.String))
        for block in read_blocks(task, columns, block_rows=_BLOCK_ROWS, malformed=[]):
            rows = block.drop(SOURCE).unique(maintain_order=True)
            texts = rows.select(parse_text(rows[name]) for name in columns)
            seen = pl.concat([seen, texts]).unique(maintain_order=True)
        yield seen
