"""Writes the sample data: some stores at a time, aside, then renamed; reads what made them."""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from pydantic import ValidationError

from demandcast.components.simulation.chain import (
    Chain,
    simulate_chain,
    simulate_stock,
    simulate_store,
)
from demandcast.components.simulation.config import SimulationConfig
from demandcast.components.simulation.dictionary import TABLES, readme_text
from demandcast.components.simulation.tables import chain_tables, store_tables
from demandcast.schema.errors import BadInputError

__all__ = ["README", "SIMULATION", "SampleFiles", "read_simulation", "write_sample_data"]

README = "README.txt"
"""Name of the data dictionary."""

SIMULATION = "simulation.json"
"""Name of the configuration that made the data."""

_LOGGER = logging.getLogger(__name__)
_ROW_GROUP = 262_144
_REPORTS = 10  # Lines of progress at most.


@dataclass(frozen=True)
class SampleFiles:
    """Where the sample data lie; the data dictionary says what is in them.

    Attributes:
        rows: Number of rows by table.
    """

    folder: Path
    sales: Path
    calendar: Path
    items: Path
    stores: Path
    future: Path
    true_demand: Path
    inventory: Path
    suppliers: Path
    supply_terms: Path
    lead_times: Path
    readme: Path
    simulation: Path
    rows: Mapping[str, int]


def write_sample_data(folder: Path, config: SimulationConfig) -> SampleFiles:
    """Simulates a chain and writes its tables into a folder.

    Files of the same names are replaced, once all of them are complete, and the same tables in
    the other format removed, so that no pattern such as `sales.*` finds two of them; others stay.

    Args:
        folder: Created if it does not exist.
        config: Size, seed and effects.

    Raises:
        BadInputError: The folder cannot be created or written.
    """
    began = time.monotonic()
    ending = config.format
    try:
        folder.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=".sample-data-", dir=folder))
    except OSError as error:
        raise BadInputError(
            f"{folder}: not a folder that can be written: {error.strerror or error}"
        ) from error
    try:
        rows = _write_tables(aside, config)
        parameters = config.model_dump_json(indent=2)
        (aside / SIMULATION).write_text(f"{parameters}\n", encoding="utf-8")
        text = readme_text(rows, ending=ending, parameters=parameters, file=SIMULATION)
        (aside / README).write_text(text, encoding="utf-8")
        # All of them aside, not each by `write_whole`: the tables belong together. The dictionary
        # goes last: whoever sees it sees the tables that it describes.
        for name in [*(f"{table}.{ending}" for table in TABLES), SIMULATION, README]:
            (aside / name).replace(folder / name)
        _remove_other_format(folder, ending)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    seconds = time.monotonic() - began
    _LOGGER.info("wrote %s rows of sales to %s in %.1f s", f"{rows['sales']:,}", folder, seconds)
    paths = {name: folder / f"{name}.{ending}" for name in TABLES}
    own = {"readme": folder / README, "simulation": folder / SIMULATION}
    return SampleFiles(folder=folder, rows=rows, **own, **paths)


def read_simulation(folder: Path) -> SimulationConfig:
    """Reads the configuration that sample data were made with.

    `simulate_chain` makes the same chain of it, and so the same demand.

    Args:
        folder: Where `write_sample_data` wrote.

    Raises:
        BadInputError: The file is not there, or is not a configuration.
    """
    path = folder / SIMULATION
    try:
        return SimulationConfig.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInputError(
            f"{path}: cannot be read: {error.strerror or error}; 'demandcast sample-data' "
            "writes it beside the tables"
        ) from error
    except ValidationError as error:
        raise BadInputError(f"{path}: not a configuration of sample data: {error}") from error


def _remove_other_format(folder: Path, ending: str) -> None:
    """Removes the tables that an earlier call wrote in another format."""
    for other in {"parquet", "csv"} - {ending}:
        old = [folder / f"{table}.{other}" for table in TABLES]
        for file in filter(Path.is_file, old):
            file.unlink()
            _LOGGER.info("removed %s, of earlier sample data in another format", file.name)


def _write_tables(folder: Path, config: SimulationConfig) -> dict[str, int]:
    """Writes all tables and returns their numbers of rows."""
    chain = simulate_chain(config)
    with ExitStack() as stack:
        writers = {
            name: stack.enter_context(_TableWriter(folder / f"{name}.{config.format}"))
            for name in TABLES
        }
        for name, table in chain_tables(chain).items():
            writers[name].write(table)
        reported, step = 0, -(-config.stores // _REPORTS)
        for done, tables in _chunks(chain):
            for name, table in tables.items():
                writers[name].write(table)
            if done - reported >= step and done < config.stores:
                reported = done
                sales = f"{writers['sales'].rows:,}"
                _LOGGER.info("%d of %d stores, %s rows of sales", done, config.stores, sales)
        return {name: writer.rows for name, writer in writers.items()}


def _chunks(chain: Chain) -> Iterator[tuple[int, dict[str, pa.Table]]]:
    """Simulates some stores at a time; gives the number of stores done and their tables."""
    config = chain.config
    for start in range(0, config.stores, config.chunk_stores):
        stores = range(start, min(start + config.chunk_stores, config.stores))
        days = [simulate_store(chain, store) for store in stores]
        stock = simulate_stock(chain, stores, days)
        yield stores.stop, store_tables(chain, stores, days, stock)


class _TableWriter:
    """Appends tables to one Parquet or CSV file, by its ending."""

    def __init__(self, path: Path) -> None:
        self.rows = 0
        self._path = path
        self._file: pa.parquet.ParquetWriter | pa.csv.CSVWriter | None = None

    def __enter__(self) -> _TableWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, table: pa.Table) -> None:
        """Appends rows; all tables of a file have the same columns."""
        if self._path.suffix == ".csv":
            self._file = self._file or pa.csv.CSVWriter(str(self._path), table.schema)
            self._file.write_table(table)
        else:
            self._file = self._file or pa.parquet.ParquetWriter(
                str(self._path), table.schema, compression="zstd"
            )
            self._file.write_table(table, row_group_size=_ROW_GROUP)
        self.rows += table.num_rows
