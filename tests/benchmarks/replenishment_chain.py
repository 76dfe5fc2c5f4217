"""Orders on the simulated chain, beside one who knows the distribution of its demand.

    python tests/benchmarks/replenishment_chain.py --workspace /tmp/chain

Writes sample data, trains on them up to some months before they end, and simulates what the model
has not seen, on the true demand, in whole units instead of packs. `standard` is a chain of 1,000
series and three years, with a model that is trained for ten minutes; `quickstart` has the 400
series and the short training of `make run`. `--trained` leaves out data and training.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CONFIG = Path(__file__).parents[2] / "examples" / "quickstart.yaml"


@dataclass(frozen=True)
class Chain:
    """Sample data, and how a model is trained on them.

    Attributes:
        trained_until: Last day that the model sees.
        training: Further configuration of the run.
    """

    trained_until: str
    training: tuple[str, ...] = ()


CHAINS = {
    "standard": Chain(
        trained_until="2024-11-14",
        training=(
            "sampling.max_history=1000",
            "features.moving_averages=[7,28,91,364]",
            # No store and no item has a number of its own: two winters of twenty series are learnt
            # by heart.
            "features.vocabulary.min_count=60",
            "network.units=96",
            "network.dropout=0.05",
            "training.epochs=24",
            "training.windows_per_series=24",
            "training.batch_size=128",
            # As many as epochs: the learning rate shall have fallen before training ends.
            "training.patience=24",
        ),
    ),
    "quickstart": Chain(trained_until="2024-12-17"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workspace", required=True, help="folder for data, artifacts, results")
    parser.add_argument("--preset", default="standard", choices=tuple(CHAINS), help="which chain")
    parser.add_argument("--paths", type=int, default=500, help="sample paths of a decision")
    parser.add_argument("--trained", action="store_true", help="the workspace has a model already")
    options = parser.parse_args()
    workspace = Path(options.workspace).resolve()
    data, chain = workspace / "sample-data", CHAINS[options.preset]
    common = common_options(workspace, options.preset, paths=options.paths)
    if not options.trained:
        demandcast("sample-data", str(data), "--preset", options.preset)
        demandcast("run", *common, "--set", f"sampling.end={chain.trained_until}")
    demandcast("simulate", *common, "--sample-data", str(data), "--without-lots")


def common_options(workspace: Path, preset: str, *, paths: int = 500) -> list[str]:
    """Options that all commands on a chain share."""
    common = ["--config", str(CONFIG)]
    data = workspace / "sample-data"
    for override in (*overrides(workspace, data, paths=paths), *CHAINS[preset].training):
        common += ["--set", override]
    return common


def overrides(workspace: Path, data: Path, *, paths: int) -> list[str]:
    """Points the configuration of the quick start to other data."""
    static = (("items", "item"), ("stores", "store"))
    attributes = [f"{{path: {data / name}.parquet, on: [{key}]}}" for name, key in static]
    supply = ("inventory", "supply_terms", "suppliers", "lead_times")
    tables = [f"{name}: {{path: {data / name}.parquet}}" for name in supply]
    return [
        f"workspace={workspace}",
        *(f"data.{name}={data / name}.parquet" for name in ("sales", "future")),
        f"data.calendar.path={data}/calendar.parquet",
        f"data.static_tables=[{', '.join(attributes)}]",
        f"replenishment.tables={{{', '.join(tables)}}}",
        "replenishment.enabled=false",
        f"replenishment.paths={paths}",
    ]


def demandcast(*arguments: str) -> None:
    """Runs a command, or ends as it did."""
    program = str(Path(sys.executable).with_name("demandcast"))
    done = subprocess.run([program, *arguments], check=False)
    if done.returncode:
        sys.exit(done.returncode)


if __name__ == "__main__":
    main()
