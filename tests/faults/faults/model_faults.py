"""Models that should not get through, made of the good one; the tables are good."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import tensorflow as tf

from faults.outcome import GATE, Kind
from faults.saved_models import Answers, alter_answers, alter_weights
from faults.world import LATER_WEEKS, World

__all__ = ["MODEL_FAULTS"]

Alter = Callable[[Answers, np.random.Generator], Answers]


def _both(answers: Answers, change: Callable[[tf.Tensor], tf.Tensor]) -> Answers:
    """Changes quantiles and mean alike; the change is given [B, H, Q + 1]."""
    together = tf.concat([answers["quantiles"], answers["mean"][..., None]], axis=-1)
    changed = change(together)
    return {"quantiles": changed[..., :-1], "mean": changed[..., -1]}


def _median(answers: Answers) -> tf.Tensor:
    """The level in the middle. Shape [B, H, 1]."""
    middle = answers["quantiles"].shape[-1] // 2
    return answers["quantiles"][..., middle : middle + 1]


def _stretched(answers: Answers, factor: float) -> Answers:
    """Quantiles nearer to the median, or farther from it."""
    middle = _median(answers)
    quantiles = tf.nn.relu(middle + (answers["quantiles"] - middle) * factor)
    return {"quantiles": quantiles, "mean": answers["mean"]}


def _zeros(answers: Answers, generator: np.random.Generator) -> Answers:
    del generator
    return _both(answers, tf.zeros_like)


def _constant(answers: Answers, generator: np.random.Generator) -> Answers:
    value = float(generator.uniform(1, 12))
    return _both(answers, lambda units: tf.fill(tf.shape(units), value))


def _crossing(answers: Answers, generator: np.random.Generator) -> Answers:
    """Quantiles in the wrong order."""
    del generator
    return {"quantiles": tf.reverse(answers["quantiles"], [-1]), "mean": answers["mean"]}


def _over_confident(answers: Answers, generator: np.random.Generator) -> Answers:
    return _stretched(answers, float(generator.uniform(0.15, 0.4)))


def _too_wide(answers: Answers, generator: np.random.Generator) -> Answers:
    return _stretched(answers, float(generator.uniform(3, 6)))


def _too_high(answers: Answers, generator: np.random.Generator) -> Answers:
    factor = float(generator.uniform(1.25, 2))
    return _both(answers, lambda units: units * factor)


def _too_low(answers: Answers, generator: np.random.Generator) -> Answers:
    factor = float(generator.uniform(0.4, 0.75))
    return _both(answers, lambda units: units * factor)


def _other_unit(answers: Answers, generator: np.random.Generator) -> Answers:
    factor = float(generator.choice([1 / 12, 1 / 6, 6, 12]))
    return _both(answers, lambda units: units * factor)


def _of_other_series(answers: Answers, generator: np.random.Generator) -> Answers:
    """Each series is given the forecast of another one of its batch."""
    offset = int(generator.integers(1, 20))
    return _both(answers, lambda units: tf.roll(units, offset, axis=0))


def _steps_late(answers: Answers, generator: np.random.Generator) -> Answers:
    """The forecast of a step is that of some steps before."""
    steps = int(generator.integers(2, 6))
    return _both(answers, lambda units: tf.roll(units, steps, axis=1))


def _frozen(answers: Answers, generator: np.random.Generator) -> Answers:
    """Every step is forecast as one of them is."""
    step = int(generator.integers(0, 14))
    return _both(answers, lambda u: tf.repeat(u[:, step : step + 1], u.shape[1], axis=1))


def _later_steps_gone(answers: Answers, generator: np.random.Generator) -> Answers:
    """The second week is forecast as 0."""
    del generator
    return _both(answers, lambda u: tf.concat([u[:, :7], tf.zeros_like(u[:, 7:])], axis=1))


def _not_numbers(answers: Answers, generator: np.random.Generator) -> Answers:
    """One series of a batch has no numbers."""
    del generator

    def first_row(units: tf.Tensor) -> tf.Tensor:
        row = tf.range(tf.shape(units)[0])[:, None, None]
        return tf.where(row == 0, tf.constant(np.nan, units.dtype), units)

    return _both(answers, first_row)


def _infinite(answers: Answers, generator: np.random.Generator) -> Answers:
    """The largest forecasts are infinite."""
    limit = float(generator.uniform(30, 60))
    return _both(answers, lambda u: tf.where(u > limit, tf.constant(np.inf, u.dtype), u))


def _negative(answers: Answers, generator: np.random.Generator) -> Answers:
    offset = float(generator.uniform(4, 10))
    return _both(answers, lambda units: units - offset)


def _mean_of_its_own(answers: Answers, generator: np.random.Generator) -> Answers:
    """The mean is far from the quantiles, which are good."""
    factor = float(generator.choice([0.3, 3.0]))
    return {"quantiles": answers["quantiles"], "mean": answers["mean"] * factor}


def _noisy(answers: Answers, generator: np.random.Generator) -> Answers:
    """Each forecast is multiplied by noise of its own."""
    spread = float(generator.uniform(0.4, 0.8))
    seed = int(generator.integers(1 << 30))

    def with_noise(units: tf.Tensor) -> tf.Tensor:
        shape = tf.shape(units[..., :1])
        noise = tf.random.stateless_normal(shape, seed=[seed, 1], stddev=spread)
        return units * tf.exp(noise)

    return _both(answers, with_noise)


_ANSWERS: dict[str, Alter] = {
    "forecast is zero": _zeros,
    "forecast is one constant": _constant,
    "quantiles cross": _crossing,
    "intervals over-confident": _over_confident,
    "intervals far too wide": _too_wide,
    "forecast too high": _too_high,
    "forecast too low": _too_low,
    "forecast in another unit": _other_unit,
    "forecast of another series": _of_other_series,
    "forecast some steps late": _steps_late,
    "forecast of one step for all": _frozen,
    "second week is zero": _later_steps_gone,
    "NaN for some series": _not_numbers,
    "infinite forecasts": _infinite,
    "negative forecasts": _negative,
    "mean far from the quantiles": _mean_of_its_own,
    "noise on the forecast": _noisy,
}


def _answer(alter: Alter, world: World, generator: np.random.Generator) -> None:
    world.alter_candidate(
        lambda folder: alter_answers(folder, lambda answers: alter(answers, generator))
    )


def _nan_weights(world: World, generator: np.random.Generator) -> None:
    share = float(generator.choice([0.001, 0.1, 1.0]))

    def with_nan(values: np.ndarray) -> np.ndarray:
        holes = generator.random(values.shape) < share
        holes.flat[0] = True
        return np.where(holes, np.nan, values).astype(values.dtype)

    world.alter_candidate(lambda folder: alter_weights(folder, with_nan))


def _mixed_weights(world: World, generator: np.random.Generator) -> None:
    def permuted(values: np.ndarray) -> np.ndarray:
        return generator.permuted(values.ravel()).reshape(values.shape)

    world.alter_candidate(lambda folder: alter_weights(folder, permuted))


def _zero_weights(world: World, generator: np.random.Generator) -> None:
    del generator
    world.alter_candidate(lambda folder: alter_weights(folder, np.zeros_like))


def _other_horizon(world: World, generator: np.random.Generator) -> None:
    """The answers are some steps short."""
    steps = int(generator.integers(1, 13))
    world.alter_candidate(
        lambda folder: alter_answers(folder, lambda a: _both(a, lambda units: units[:, :steps]))
    )


def _trained_on_the_future(world: World, generator: np.random.Generator) -> None:
    """A good model, trained on tables that go on for weeks after what judges it begins."""
    weeks = int(generator.integers(3, LATER_WEEKS))
    model = world.stored_model(f"weeks_{weeks}", lambda: world.deliver(weeks, lambda table: table))
    world.replace_candidate(model)


def _says_it_saw_the_future(world: World, generator: np.random.Generator) -> None:
    """The good model, which says that it has seen more than it may."""
    days = int(generator.integers(1, 15))

    def later(folder: Path) -> None:
        file = folder / "assets.extra" / "training.json"
        values = json.loads(file.read_text())
        seen = datetime.date.fromisoformat(values["seen_until"])
        values["seen_until"] = str(seen + datetime.timedelta(days=days))
        file.write_text(json.dumps(values))

    world.alter_candidate(later)


MODEL_FAULTS: tuple[Kind, ...] = tuple(
    Kind(name, good=False, must_stop=GATE, prepare=prepare)
    for name, prepare in {
        **{name: partial(_answer, alter) for name, alter in _ANSWERS.items()},
        "NaN among the weights": _nan_weights,
        "weights never trained": _mixed_weights,
        "weights are zero": _zero_weights,
        "another horizon": _other_horizon,
        "trained on the future": _trained_on_the_future,
        "says it saw the future": _says_it_saw_the_future,
    }.items()
)
"""All kinds of bad models."""
