"""Tries to put bad data and bad models into service, and good ones: `make faults`.

    PYTHONPATH=tests/faults python -m faults --folder build/faults --repeat 3

Exit code 1 if something bad was pushed, or more than 2 % of the good was refused.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from faults.data_faults import DATA_FAULTS
from faults.outcome import Kind, Outcome
from faults.table import Result, met, table_text
from faults.world import World, prepare


def main() -> None:
    """Runs the kinds that the command line names."""
    options = _arguments()
    begin = time.monotonic()
    kinds = _chosen(options.kinds)
    _say(f"{len(kinds)} kinds; a good model is trained and put into service first")
    world = prepare(Path(options.folder).resolve())
    _say(f"prepared in {time.monotonic() - begin:.0f} s")
    results = _try_all(world, kinds, repeat=options.repeat, seed=options.seed)
    text = table_text(results)
    print(f"\n{text}\n\n{(time.monotonic() - begin) / 60:.0f} minutes.")
    Path(options.folder, "faults.md").write_text(f"{text}\n")
    sys.exit(0 if met(results) else 1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", default="build/faults", help="emptied, then used; the table")
    parser.add_argument("--repeat", type=int, default=3, help="attempts of each bad kind")
    parser.add_argument("--seed", type=int, default=17, help="of what the attempts draw")
    parser.add_argument(
        "--kinds", nargs="*", default=[], help="only kinds whose name holds one of these words"
    )
    return parser.parse_args()


def _chosen(words: Sequence[str]) -> list[Kind]:
    """Lists the kinds to be tried: all, or those whose name holds a word."""
    from faults.good import GOOD
    from faults.model_faults import MODEL_FAULTS

    kinds = (*DATA_FAULTS, *MODEL_FAULTS, *GOOD)
    found = [kind for kind in kinds if not words or any(word in kind.name for word in words)]
    if not found:
        sys.exit("no such kind; there are:\n" + "\n".join(f"  {kind.name}" for kind in kinds))
    return found


def _try_all(world: World, kinds: Sequence[Kind], *, repeat: int, seed: int) -> list[Result]:
    """Makes all attempts; says after each what became of it and how long the rest takes."""
    counts = [kind.repeats or repeat for kind in kinds]
    total, done, begin = sum(counts), 0, time.monotonic()
    results = []
    for position, (kind, count) in enumerate(zip(kinds, counts, strict=True)):
        outcomes: list[Outcome] = []
        for attempt in range(count):
            world.restore()
            # Each attempt draws for itself, so that a kind alone repeats what it did among all.
            kind.prepare(world, np.random.default_rng([seed, attempt, *kind.name.encode()]))
            outcomes.append(world.attempt())
            done += 1
            left = (time.monotonic() - begin) / done * (total - done) / 60
            what = "pushed" if outcomes[-1].pushed else outcomes[-1].stopped_by or "not pushed"
            _say(
                f"[{done:3}/{total}] {kind.name}: {what} ({outcomes[-1].seconds:.0f} s); "
                f"{left:.0f} min left"
            )
        results.append(Result(kinds[position], tuple(outcomes)))
    world.restore()
    return results


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
