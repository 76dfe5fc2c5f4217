"""The scoring in Beam: batches of several cutoffs, added up by cutoff and slice."""

import json
import logging
from dataclasses import dataclass

import numpy as np
import pytest

from demandcast.components.backtest.scoring import Scored, score, sums_from_json
from demandcast.schema.config import ForecastConfig

pytestmark = pytest.mark.slow

HORIZON = 2
FORECAST = ForecastConfig(horizon=HORIZON, quantile_levels=(0.1, 0.5, 0.9))


@dataclass
class Batch:
    """As the ingestion builds them; the examples are JSON here."""

    cutoff_day: int
    examples: list[bytes]


def load():
    """A model that always says 1, 2 and 3."""

    def forecast(examples):
        quantiles = np.tile([1.0, 2.0, 3.0], (len(examples), HORIZON, 1))
        return quantiles, quantiles[..., 1]

    return forecast


def decode(examples, *, horizon, slices):
    """Two numbers each: what was sold before the cutoff and after it, and a store."""
    before, after, store = zip(*map(json.loads, examples), strict=True)
    ones = np.ones((len(examples), horizon))
    assert slices == ("demand_class", "store")
    return Scored(
        target=np.array(before)[:, None],
        observed_mask=ones[:, :1],
        in_stock_fraction=ones[:, :1],
        actual=np.array(after)[:, None] * ones,
        actual_observed_mask=ones,
        actual_in_stock_fraction=ones,
        seasonal_naive=np.array(before)[:, None] * ones,
        naive_scale=ones[:, 0],
        naive_rms_scale=ones[:, 0],
        slices={"demand_class": np.array(["smooth"] * len(store)), "store": np.array(store)},
    )


def batch(day, *examples):
    return Batch(day, [json.dumps(example).encode() for example in examples])


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Scores batches in Beam; examples are decoded as above."""
    import apache_beam as beam

    from demandcast.components.backtest import transforms
    from demandcast.components.examples.run import IN_MEMORY_ARGS

    monkeypatch.setattr(transforms, "decode_examples", decode)

    def run(*batches, expected=10):
        scoring = transforms.Scoring(FORECAST, ("store",), expected)
        file = tmp_path / "sums.json"
        with beam.Pipeline(argv=list(IN_MEMORY_ARGS)) as pipeline:
            result = pipeline | beam.Create(batches) | transforms.ScoreExamples(scoring, load)
            _ = result | beam.Map(file.write_text)
        return sums_from_json(file.read_text())

    return run


def test_batches_are_added_up_by_cutoff_and_slice(run):
    one, two, three = [3.0, 4.0, "s1"], [5.0, 9.0, "s2"], [0.0, 1.0, "s1"]
    found = run(batch(100, one), batch(100, two, three), batch(107, three))
    assert set(found) == {100, 107}
    assert set(found[100]) == {"overall", "demand_class=smooth", "store=s1", "store=s2"}
    assert set(found[107]) == {"overall", "demand_class=smooth", "store=s1"}
    together = [json.dumps(example).encode() for example in (one, two, three)]
    expected = score(
        decode(together, horizon=HORIZON, slices=("demand_class", "store")),
        *load()(together),
        quantile_levels=FORECAST.quantile_levels,
        frequency="D",
    )
    for name, total in expected.items():
        np.testing.assert_allclose(found[100][name], total)


def test_without_an_example_there_are_no_sums(run):
    assert run() == {}


def test_it_says_how_far_it_is_and_how_long_it_takes(run, monkeypatch, caplog):
    from demandcast.components.backtest import transforms

    monkeypatch.setattr(transforms, "_SECONDS_BETWEEN_LINES", 0.0)
    with caplog.at_level(logging.INFO, logger="demandcast"):
        run(batch(100, [3.0, 4.0, "s1"], [3.0, 4.0, "s1"]), expected=2)
    assert [record.getMessage() for record in caplog.records] == [
        "2 of at most 2 examples scored, 0 s left"
    ]
