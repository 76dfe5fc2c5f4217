"""What should get through: other seeds, new weeks, other series to be judged by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow as tf

from faults.outcome import Kind
from faults.world import World

__all__ = ["GOOD"]

_SEEDS = 5
_SHARE_OF_SERIES = 0.75


def _unchanged(world: World, generator: np.random.Generator) -> None:
    del world, generator


def _new_weeks(world: World, generator: np.random.Generator) -> None:
    weeks = int(generator.integers(1, 7))
    world.deliver(weeks, lambda table: table)
    world.overrides = (f"training.seed={int(generator.integers(1000))}",)


def _other_seed(world: World, generator: np.random.Generator) -> None:
    seed = int(generator.integers(_SEEDS))

    def make() -> None:
        world.overrides = (f"training.seed={100 + seed}",)

    model = world.stored_model(f"seed_{seed}", make)
    world.replace_candidate(model)


def _other_series(world: World, generator: np.random.Generator) -> None:
    """A model of another seed, judged by three quarters of the series."""
    _other_seed(world, generator)
    folder = world.artifact("SeriesExampleGen", "examples") / "Split-eval"
    records = {file: _records(file) for file in sorted(folder.glob("*.gz"))}
    keys = sorted({_series(record) for part in records.values() for record in part})
    count = round(_SHARE_OF_SERIES * len(keys))
    drawn = {keys[i] for i in generator.choice(len(keys), size=count, replace=False)}
    for file, part in records.items():
        file.unlink()
        with tf.io.TFRecordWriter(str(file), options="GZIP") as writer:
            for record in part:
                if _series(record) in drawn:
                    writer.write(record)


def _records(file: Path) -> list[bytes]:
    return list(tf.data.TFRecordDataset(str(file), compression_type="GZIP").as_numpy_iterator())


def _series(record: bytes) -> tuple[bytes, bytes]:
    features = tf.train.Example.FromString(record).features.feature
    return features["store"].bytes_list.value[0], features["item"].bytes_list.value[0]


GOOD: tuple[Kind, ...] = (
    Kind("nothing changed", good=True, must_stop="", prepare=_unchanged, repeats=1),
    Kind("new weeks, trained anew", good=True, must_stop="", prepare=_new_weeks, repeats=6),
    Kind("another seed", good=True, must_stop="", prepare=_other_seed, repeats=3),
    Kind(
        "another seed, judged by 3/4 of the series",
        good=True,
        must_stop="",
        prepare=_other_series,
        repeats=40,
    ),
)
"""All kinds of good tables and models; 50 attempts."""
