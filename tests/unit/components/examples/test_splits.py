import dataclasses

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demandcast.components.examples.splits import (
    members_of,
    plan_backtest,
    plan_latest,
    plan_splits,
    rolling_cutoffs,
)
from demandcast.schema.config import ForecastConfig, SamplingConfig, ValidationConfig

SAMPLINGS = st.builds(
    SamplingConfig,
    eval_cutoffs=st.integers(1, 5),
    eval_stride=st.none() | st.integers(1, 40),
    validation=st.builds(
        ValidationConfig,
        kind=st.sampled_from(["later_cutoffs", "held_out_series"]),
        cutoffs=st.integers(1, 4),
        fraction=st.floats(0.05, 0.95),
    ),
)


def test_cutoffs_of_later_validation():
    sampling = SamplingConfig(eval_cutoffs=2, eval_stride=3, validation=ValidationConfig(cutoffs=2))
    train, validation, evaluation = plan_splits(100, ForecastConfig(horizon=7), sampling)
    assert evaluation.cutoffs == (100 - 7, 100 - 7 - 3)
    assert validation.cutoffs == (90 - 7, 90 - 7 - 7)
    assert train.cutoffs == (76 - 7,)


def test_cutoffs_of_held_out_series():
    sampling = SamplingConfig(validation=ValidationConfig(kind="held_out_series"))
    train, validation, evaluation = plan_splits(100, ForecastConfig(horizon=7), sampling)
    assert evaluation.cutoffs == (93,)
    assert train.cutoffs == validation.cutoffs == (86,)


@given(last=st.integers(-1000, 30_000), horizon=st.integers(1, 60), sampling=SAMPLINGS)
def test_no_horizon_reaches_into_the_next_split(last, horizon, sampling):
    train, validation, evaluation = plan_splits(last, ForecastConfig(horizon=horizon), sampling)
    assert max(evaluation.cutoffs) + horizon == last
    assert max(validation.cutoffs) + horizon <= min(evaluation.cutoffs)
    if sampling.validation.kind == "later_cutoffs":
        assert max(train.cutoffs) + horizon <= min(validation.cutoffs)
    assert max(train.cutoffs) + horizon <= min(evaluation.cutoffs)
    assert len(evaluation.cutoffs) == sampling.eval_cutoffs


@given(fraction=st.floats(0.05, 0.95))
def test_each_series_trains_or_validates_and_all_are_evaluated(fraction):
    keys = pl.DataFrame({"item": [str(number) for number in range(200)]})
    rules = ValidationConfig(kind="held_out_series", fraction=fraction)
    plans = plan_splits(100, ForecastConfig(horizon=7), SamplingConfig(validation=rules))
    train, validation, evaluation = (members_of(plan, keys) for plan in plans)
    assert (train != validation).all()
    assert evaluation.all()


@given(last=st.integers(-1000, 30_000), horizon=st.integers(1, 60), stride=st.integers(1, 40))
def test_a_backtest_has_the_examples_of_an_evaluation(last, horizon, stride):
    sampling = SamplingConfig(eval_cutoffs=3, eval_stride=stride, min_history=9)
    *_, evaluation = plan_splits(last, ForecastConfig(horizon=horizon), sampling)
    cutoffs = rolling_cutoffs(last, horizon=horizon, stride=stride, count=3)
    (backtest,) = plan_backtest(cutoffs, sampling)
    assert (backtest.name, evaluation.name) == ("backtest", "eval")
    assert dataclasses.replace(backtest, name="eval") == evaluation


def test_later_cutoffs_use_all_series_everywhere():
    keys = pl.DataFrame({"item": ["a", "b"]})
    plans = plan_splits(100, ForecastConfig(horizon=7), SamplingConfig())
    assert all(members_of(plan, keys).all() for plan in plans)


@pytest.mark.parametrize("minimum", [1, 30])
def test_minimum_history_holds_for_the_splits_but_not_for_a_forecast(minimum):
    sampling = SamplingConfig(min_history=minimum, min_demand=2.5, min_demand_periods=3)
    plans = plan_splits(100, ForecastConfig(horizon=7), sampling)
    assert {plan.min_history for plan in plans} == {minimum}
    assert {(plan.min_demand, plan.min_demand_periods) for plan in plans} == {(2.5, 3)}
    assert [plan.min_future for plan in plans] == [0, 1, 1]
    (latest,) = plan_latest(100)
    assert (latest.cutoffs, latest.min_history, latest.labels) == ((100,), 1, False)
    assert (latest.min_demand, latest.min_demand_periods) == (0, 0)
