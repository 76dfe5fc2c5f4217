"""The harness of `make faults` itself, on the shared tiny run: it sees what is let through."""

import numpy as np
import polars as pl
import pytest
from faults.model_faults import MODEL_FAULTS
from faults.outcome import CONTINUITY, GATE
from faults.world import World, write_table

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def world(trained, tmp_path):
    """The folder of the shared run, which is as it was after the test."""
    world = World(trained.config_file.parent, tmp_path / "kept", tmp_path / "models")
    world.keep()
    # Models are altered in place, where metadata do not see it: their verdict must be new.
    world.overrides = ("gate.change.min_slice_examples=17",)
    yield world
    world.restore()


def prepare(name, world):
    (kind,) = (kind for kind in MODEL_FAULTS if kind.name == name)
    kind.prepare(world, np.random.default_rng(3))


@pytest.mark.parametrize("name", ["quantiles cross", "NaN among the weights"])
def test_a_bad_model_is_stopped_by_the_gate(world, name):
    prepare(name, world)
    outcome = world.attempt()
    assert not outcome.pushed
    assert outcome.stopped_by == GATE
    assert outcome.exit_code == 4


def test_what_gets_through_is_seen(world):
    prepare("quantiles cross", world)
    floors = (
        "{coverage_tolerance: 1, coverage_tolerance_per_slice: 1, max_absolute_bias: null, "
        "wape_skill: -9, weighted_quantile_loss_skill: -9}"
    )
    change = "{max_relative_loss_increase: 9, max_unproven_loss_increase: 9}"
    world.overrides = (f"gate.floors={floors}", f"gate.change={change}")
    outcome = world.attempt()
    assert outcome.pushed
    assert outcome.stopped_by is None


def test_bad_data_is_stopped_before_a_training(world):
    sales = pl.read_parquet(world.tables / "sales.parquet")
    write_table(sales.with_columns(pl.col("sales") * 12), world.tables / "sales.parquet")
    outcome = world.attempt()
    assert not outcome.pushed
    assert outcome.stopped_by == CONTINUITY
    assert outcome.exit_code == 3
