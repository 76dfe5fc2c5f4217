import doctest

import numpy as np
import pytest

from demandcast.components.evaluation import example_forecasts
from demandcast.components.evaluation.example_forecasts import (
    Example,
    choose_examples,
    sample_records,
)
from demandcast.components.metrics.quantile import pinball_loss
from demandcast.schema.config.data import CovariatesConfig
from demandcast.schema.config.forecast import ForecastConfig
from demandcast.schema.config.series import SeriesSpec

LEVELS = (0.1, 0.5, 0.9)
HORIZON = 3


def spec(**changes):
    values = {"context_length": 4, "horizon": HORIZON, "quantile_levels": LEVELS, **changes}
    return SeriesSpec(
        series_key=("store", "item"),
        static=("store", "item", "category"),
        known_future=CovariatesConfig(),
        observed_past=CovariatesConfig(),
        forecast=ForecastConfig(**values),
    )


def example(name, *, past=(10.0,) * 8, future=(10.0,) * HORIZON, **changes):
    values = {
        "series": {"store": "s1", "item": name, "category": "dairy"},
        "cutoff": 20,  # 1970-01-21
        "demand_class": "smooth",
        "target": np.array(past),
        "observed_mask": np.ones(len(past)),
        "in_stock_fraction": np.ones(len(past)),
        "future_target": np.array(future),
        "future_observed_mask": np.ones(len(future)),
        "future_in_stock_fraction": np.ones(len(future)),
    }
    return Example(**values | changes)


def flat(*offsets):
    """Quantile forecasts that miss 10 by an offset of each example, all levels equal."""
    quantiles = np.stack([np.full((HORIZON, len(LEVELS)), 10.0 + offset) for offset in offsets])
    return quantiles, quantiles[..., 1]


def test_examples_in_docstrings_are_true():
    assert doctest.testmod(example_forecasts).failed == 0


def test_the_score_is_twice_the_pinball_loss_as_a_share_of_the_mean_sale():
    one = example("a", past=(0.0, 40.0, 20.0, 20.0))
    found = choose_examples([one], *flat(3.0), spec())
    # Over-forecast by 3: L_q = (1 - q) 3, mean over q of 0.9, 0.5, 0.1 is 0.5; 2 * 1.5 / 20.
    assert found.worst[0].score == pytest.approx(2 * 1.5 / 20)
    loss = pinball_loss(
        [one.future_target], flat(3.0)[0], quantile_levels=LEVELS, scored_mask=np.ones((1, 3))
    )
    assert found.worst[0].score == pytest.approx(2 * loss.mean() / 20)
    assert found.worst[0].bias == 3.0
    assert found.worst[0].loss_share == 1.0


def test_good_median_heaviest_and_worst_are_taken_each_once():
    names = [f"{number:03d}" for number in range(100)]
    many = [example(name) for name in names]
    heavy = example("heavy", past=(1000.0,) * 8)
    found = choose_examples([*many, heavy, heavy], *flat(*range(100), 200, 300), spec())
    by_place = {}
    for one in found.examples:
        by_place.setdefault(one.place, []).append(one.score.series["item"])
    # 98 are left for the first four: round(0.05 * 97) = 5, 15, 44, 53.
    assert by_place == {
        "good": ["005", "015"],
        "median": ["044", "053"],
        "heaviest": ["heavy", "heavy"],
        "worst": ["099", "098"],
    }
    assert [one.series["item"] for one in found.heaviest[:3]] == ["heavy", "heavy", "099"]
    assert [one.series["item"] for one in found.worst[:2]] == ["099", "098"]
    assert len(found.worst) == len(found.heaviest) == 10
    shares = [one.loss_share for one in found.heaviest]
    total = sum(range(100)) + 200 + 300
    assert shares[0] == pytest.approx(300 / total, rel=1e-3)


def test_a_forecast_is_laid_out_with_the_tail_of_its_history():
    one = example(
        "a",
        past=(1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0),
        observed_mask=np.array([1.0] * 7 + [0.0]),
        future_in_stock_fraction=np.array([1.0, 0.25, 1.0]),
        future_observed_mask=np.array([1.0, 1.0, 0.0]),
    )
    (drawn,) = choose_examples([one], *flat(0.0), spec()).examples
    # The tail: the larger of the context, 4, and two horizons, 6.
    assert drawn.past == (3.0, 4.0, 5.0, 6.0, 7.0, None)
    assert drawn.past_timestamps[0] == "1970-01-16"
    assert drawn.past_timestamps[-1] == "1970-01-21"
    assert drawn.timestamps == ("1970-01-22", "1970-01-23", "1970-01-24")
    assert drawn.actual == (10.0, 10.0, None)
    assert drawn.in_stock == (1.0, 0.25, 1.0)
    assert drawn.quantiles == ((10.0, 10.0, 10.0),) * 3
    assert drawn.score.series == {"store": "s1", "item": "a"}


def test_weeks_are_weeks():
    one = example("a", cutoff=18)  # A Monday.
    weekly = spec(frequency="W-MON")
    (drawn,) = choose_examples([one], *flat(0.0), weekly).examples
    assert drawn.timestamps == ("1970-01-26", "1970-02-02", "1970-02-09")


def test_a_level_is_covered_from_both_sides():
    examples = [example("a", future=(8.0, 10.0, 12.0))]
    found = choose_examples(examples, *flat(0.0), spec())
    assert [(one.level, one.below, one.at_or_below) for one in found.levels] == [
        (level, pytest.approx(1 / 3, abs=1e-5), pytest.approx(2 / 3, abs=1e-5)) for level in LEVELS
    ]
    assert found.periods == 3


@pytest.mark.parametrize(
    "one",
    [
        example("all zero", past=(0.0,) * 8),
        example("never in stock", in_stock_fraction=np.zeros(8)),
        example("never recorded", observed_mask=np.zeros(8)),
        example("no period counts", future_in_stock_fraction=np.zeros(HORIZON)),
    ],
    ids=lambda one: one.series["item"],
)
def test_series_without_a_score_are_counted_and_left_out(one):
    found = choose_examples([one, example("good")], *flat(1.0, 1.0), spec())
    assert (found.sampled, found.scored) == (2, 1)
    assert [score.series["item"] for score in found.worst] == ["good"]


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_few_series_are_shown_once_each(count):
    found = choose_examples(
        [example(str(row)) for row in range(count)], *flat(*range(count)), spec()
    )
    assert len(found.examples) == count
    assert found.examples[-1].place == "worst"


def test_histories_of_length_one_and_huge_values_are_drawn():
    huge = example("huge", past=(1e12,), future=(1e12,) * HORIZON)
    (drawn,) = choose_examples([huge], *flat(0.0), spec()).examples
    assert drawn.past == (1e12,)
    assert np.isfinite(drawn.score.score)


def test_a_forecast_that_is_not_a_number_has_no_score():
    found = choose_examples([example("a")], *flat(np.nan), spec())
    assert (found.scored, found.worst, found.examples) == (0, (), ())


def test_no_example_at_all():
    found = choose_examples([], *(np.zeros((0, 3, 3)), np.zeros((0, 3))), spec())
    assert found.sampled == 0
    assert found.levels == ()


def test_the_sample_is_bounded_and_reads_whole_shards_only_until_it_is_full():
    shards = [[f"{shard}-{row}".encode() for row in range(30)] for shard in range(10)]
    read = []

    def reading():
        for shard in shards:
            read.append(shard)
            yield shard

    sample = sample_records(reading(), 50)
    assert len(sample) == len(set(sample)) == 50
    assert len(read) <= 3
    assert {record[:1] for record in sample} == {b"0", b"1"}


def test_the_sample_does_not_depend_on_the_order_within_a_shard():
    shard = [str(row).encode() for row in range(200)]
    shuffled = list(np.random.default_rng(3).permutation(shard))
    assert set(sample_records([shard], 20)) == set(
        sample_records([[bytes(one) for one in shuffled]], 20)
    )
