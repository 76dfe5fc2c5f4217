"""Times ingestion, from tables to written examples: rows per second, CPU time, peak memory.

    python tests/benchmarks/ingest.py examples/freshretailnet.yaml --sales /path/to/sales.parquet

Imports are not counted: a pipeline pays them once.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

from demandcast.components.examples.ingestion import Ingestion
from demandcast.components.examples.run import split_lines, write_splits
from demandcast.components.examples.tables import open_tables
from demandcast.schema.config import load_config


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", help="configuration of a run")
    parser.add_argument("--sales", help="sales table to read instead of the configured one")
    parser.add_argument("--output", help="folder to keep the examples in")
    options = parser.parse_args()
    config = load_config(options.config)
    data = config.data
    if options.sales:
        data = data.model_copy(update={"sales": options.sales})
    imported = _peak_bytes()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.output or temporary
        wall, cpu = time.perf_counter(), _cpu_seconds()
        ingestion = Ingestion(
            data, config.forecast, config.sampling, config.beam, open_tables(data)
        )
        report = write_splits(ingestion, folder)
        wall, cpu = time.perf_counter() - wall, _cpu_seconds() - cpu
        written = sum(path.stat().st_size for path in Path(folder).rglob("*.gz"))
    result = {
        "rows": report.rows,
        "series": report.series,
        "splits": split_lines(ingestion, report),
        "wall_seconds": round(wall, 1),
        "cpu_seconds": round(cpu, 1),
        "rows_per_second": round(report.rows / wall),
        "rows_per_cpu_second": round(report.rows / cpu),
        "peak_gib": round(_peak_bytes() / 2**30, 2),
        "peak_gib_after_imports": round(imported / 2**30, 2),
        "written_mib": round(written / 2**20, 1),
    }
    sys.stdout.write(json.dumps(result, indent=2) + "\n")


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime + children.ru_utime + children.ru_stime


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
