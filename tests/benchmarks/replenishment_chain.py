"""Orders on the simulated chain, beside one who knows the distribution of its demand.

    python tests/benchmarks/replenishment_chain.py --workspace /tmp/chain

Writes the quick start's sample data, trains on them up to 2024-12-17, and simulates the 84 days
after the first 28 that the model has not seen, on the true demand, in whole units instead of packs.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

CONFIG = Path(__file__).parents[2] / "examples" / "quickstart.yaml"
TRAINED_UNTIL = "2024-12-17"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workspace", required=True, help="folder for data, artifacts, results")
    parser.add_argument("--paths", type=int, default=500, help="sample paths of a decision")
    options = parser.parse_args()
    workspace = Path(options.workspace).resolve()
    data = workspace / "sample-data"
    demandcast("sample-data", str(data), "--preset", "quickstart")
    names = ("inventory", "supply_terms", "suppliers", "lead_times")
    tables = [f"{name}: {{path: {data / name}.parquet}}" for name in names]
    static = (("items", "item"), ("stores", "store"))
    attributes = [f"{{path: {data / name}.parquet, on: [{key}]}}" for name, key in static]
    sales = ("sales", "future")
    overrides = [
        f"workspace={workspace}",
        *(f"data.{name}={data / name}.parquet" for name in sales),
        f"data.calendar.path={data}/calendar.parquet",
        f"data.static_tables=[{', '.join(attributes)}]",
        f"replenishment.tables={{{', '.join(tables)}}}",
        "replenishment.enabled=false",
        f"replenishment.paths={options.paths}",
    ]
    common = ["--config", str(CONFIG), *(word for one in overrides for word in ("--set", one))]
    demandcast("run", *common, "--set", f"sampling.end={TRAINED_UNTIL}")
    demandcast("simulate", *common, "--sample-data", str(data), "--without-lots")


def demandcast(*arguments: str) -> None:
    """Runs a command, or ends as it did."""
    program = str(Path(sys.executable).with_name("demandcast"))
    done = subprocess.run([program, *arguments], check=False)
    if done.returncode:
        sys.exit(done.returncode)


if __name__ == "__main__":
    main()
