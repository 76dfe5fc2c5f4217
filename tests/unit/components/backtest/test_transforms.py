"""The scoring in Beam: batches of several cutoffs, added up by cutoff and slice, and kept."""

import json
import logging
from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest
from origins_world import spec

from demandcast.components.backtest.scoring import Scored, score, sums_from_json
from demandcast.schema.config import ForecastConfig
from demandcast.schema.origin_arrays import read_origins

pytestmark = pytest.mark.slow

HORIZON = 2
FORECAST = ForecastConfig(horizon=HORIZON, quantile_levels=(0.1, 0.5, 0.9))


@dataclass
class Batch:
    """As the ingestion builds them; the examples are JSON here."""

    keys: pl.DataFrame
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
    assert slices in (("demand_class", "store"), ("demand_class",))
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
    keys = pl.DataFrame({"store": [example[2] for example in examples]})
    keys = keys.with_columns(item=pl.int_range(pl.len()).cast(pl.String))
    return Batch(keys, day, [json.dumps(example).encode() for example in examples])


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Scores batches in Beam; examples are decoded as above."""
    import apache_beam as beam

    from demandcast.components.backtest import transforms
    from demandcast.components.examples.run import IN_MEMORY_ARGS

    monkeypatch.setattr(transforms, "decode_examples", decode)

    def run(*batches, transform="ScoreExamples", slices=("store",), expected=10, **options):
        scoring = transforms.Scoring(FORECAST, slices, expected)
        file = tmp_path / "result"
        with beam.Pipeline(argv=list(IN_MEMORY_ARGS)) as pipeline:
            consumer = getattr(transforms, transform)(scoring, load, **options)
            result = pipeline | beam.Create(batches) | consumer
            _ = result | beam.Map(file.write_text)
        return file.read_text()

    return run


@pytest.fixture
def parts(tmp_path):
    """Parts of an origins table in a folder of their own."""
    from demandcast.components.backtest.origin_files import OriginParts

    (tmp_path / "parts").mkdir()
    (tmp_path / "origins").mkdir()
    return OriginParts(str(tmp_path / "parts"), spec(HORIZON))


def test_batches_are_added_up_by_cutoff_and_slice(run):
    one, two, three = [3.0, 4.0, "s1"], [5.0, 9.0, "s2"], [0.0, 1.0, "s1"]
    found = sums_from_json(run(batch(100, one), batch(100, two, three), batch(107, three)))
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
    assert sums_from_json(run()) == {}


def test_it_says_how_far_it_is_and_how_long_it_takes(run, monkeypatch, caplog):
    from demandcast.components.backtest import transforms

    monkeypatch.setattr(transforms, "_SECONDS_BETWEEN_LINES", 0.0)
    with caplog.at_level(logging.INFO, logger="demandcast"):
        run(batch(100, [3.0, 4.0, "s1"], [3.0, 4.0, "s1"]), expected=2)
    assert [record.getMessage() for record in caplog.records] == [
        "2 of at most 2 examples scored, 0 s left"
    ]


ONE, TWO, THREE = [3.0, 4.0, "s1"], [5.0, 9.0, "s2"], [0.0, 1.0, "s3"]


def test_what_is_scored_is_kept_and_scored_the_same(run, parts, tmp_path):
    batches = [batch(107, THREE), batch(100, ONE, TWO)]
    assert sums_from_json(run(*batches, parts=parts)).keys() == {100, 107}
    assert run(*batches) == run(*batches, parts=parts)
    parts.join(tmp_path / "origins")
    found = read_origins(tmp_path / "origins", spec(HORIZON))
    assert found.cutoff_days.tolist() == [100, 107]
    assert found.keys["store"].to_list() == ["s1", "s2", "s3"]
    assert found.actual.tolist() == [[4, 4], [9, 9], [1, 1]]
    assert found.quantiles.tolist() == [[[1, 2, 3]] * HORIZON] * 3
    assert set(found.demand_class) == {"smooth"}


def test_forecasts_are_kept_without_scores(run, parts, tmp_path):
    """No simple forecast is made, and no column is sliced by."""
    batches = [batch(107, THREE), batch(100, ONE, TWO)]
    assert run(*batches, transform="KeepForecasts", slices=(), parts=parts) == "3"
    parts.join(tmp_path / "origins")
    kept = (tmp_path / "origins").iterdir()
    contents = {path.name: path.read_bytes() for path in kept}
    run(*batches, parts=parts)
    parts.join(tmp_path / "origins")
    assert contents == {path.name: path.read_bytes() for path in (tmp_path / "origins").iterdir()}
    assert len(contents) == 2


def test_no_examples_keep_no_forecasts(run, parts):
    assert run(transform="KeepForecasts", parts=parts) == "0"


def test_keeping_says_how_far_it_is(run, parts, monkeypatch, caplog):
    from demandcast.components.backtest import transforms

    monkeypatch.setattr(transforms, "_SECONDS_BETWEEN_LINES", 0.0)
    with caplog.at_level(logging.INFO, logger="demandcast"):
        run(batch(100, ONE), transform="KeepForecasts", expected=1, parts=parts)
    assert "1 of at most 1 examples forecast, 0 s left" in caplog.messages
