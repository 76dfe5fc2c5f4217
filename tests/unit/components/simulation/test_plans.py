import numpy as np
import pytest

from demandcast.components.simulation.config import PromotionsConfig
from demandcast.components.simulation.plans import (
    PROMOTIONS,
    Campaigns,
    ChainPrices,
    StorePlan,
    category_pressure,
    simulate_campaigns,
    simulate_regular_prices,
    simulate_store_plan,
    week_numbers,
)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
def test_share_of_promoted_weeks(share):
    campaigns = simulate_campaigns(PromotionsConfig(share=share), items=400, weeks=500, seed=2)
    assert (campaigns.kind > 0).mean() == pytest.approx(share, abs=0.01)


def test_campaigns_last_one_or_two_weeks():
    campaigns = simulate_campaigns(PromotionsConfig(share=0.3), items=200, weeks=300, seed=2)
    runs = campaigns.kind > 0
    age = np.arange(300) - campaigns.first_week
    assert set(age[runs].tolist()) == {0, 1}
    # A second week repeats the first.
    second = runs & (age == 1)
    assert (campaigns.kind[second] == np.roll(campaigns.kind, 1, axis=1)[second]).all()
    assert (campaigns.depth[second] == np.roll(campaigns.depth, 1, axis=1)[second]).all()


def test_only_price_cuts_cut_prices():
    campaigns = simulate_campaigns(PromotionsConfig(share=0.5), items=100, weeks=100, seed=2)
    cuts = np.isin(campaigns.kind, [PROMOTIONS.index("discount"), PROMOTIONS.index("flyer")])
    assert (campaigns.depth[cuts] >= 0.1).all()
    assert (campaigns.depth[~cuts] == 0).all()


def test_regular_prices_start_at_the_base_and_follow_inflation():
    base = np.full(3000, 2.0)
    prices = simulate_regular_prices(base, weeks=520, seed=3).regular
    assert (prices[:, 0] == 2.0).all()
    assert np.log(prices[:, -1] / 2.0).mean() == pytest.approx(0.02 * 10, abs=0.02)
    changes = (np.diff(prices, axis=1) != 0).sum(axis=1)
    assert set(changes.tolist()) == {19, 20}  # once in 26 weeks


def store_plan(*, store_share, seed=1):
    campaigns = Campaigns(
        kind=np.array([[0, 1, 1, 2, 3, 0]]),
        depth=np.array([[0.0, 0.25, 0.25, 0.0, 0.4, 0.0]]),
        first_week=np.array([[0, 1, 1, 3, 4, 0]]),
    )
    return simulate_store_plan(
        campaigns,
        ChainPrices(base=np.array([3.9]), regular=np.full((1, 6), 4.0)),
        store_share=store_share,
        price_factor=1.05,
        weeks=np.repeat(np.arange(6), 2),
        draws=np.random.default_rng(seed),
    )


def test_store_plan_of_a_store_that_takes_part():
    plan = store_plan(store_share=1.0)
    assert plan.promotion[0, ::2].tolist() == [0, 1, 1, 2, 3, 0]
    assert plan.price[0, ::2] == pytest.approx([4.2, 3.15, 3.15, 4.2, 2.52, 4.2])
    assert (plan.price[0, ::2] == plan.price[0, 1::2]).all()
    assert plan.regular == pytest.approx(np.full((1, 12), 4.2))
    assert plan.reference == pytest.approx([3.9 * 1.05])


def test_store_that_does_not_take_part_has_regular_prices():
    plan = store_plan(store_share=0.0)
    assert (plan.promotion == 0).all()
    assert (plan.price == plan.regular).all()


def test_a_store_takes_part_in_whole_campaigns():
    plans = [store_plan(store_share=0.5, seed=seed).promotion[0] for seed in range(200)]
    assert all(plan[2] == plan[4] for plan in plans)
    assert np.mean([plan[2] > 0 for plan in plans]) == pytest.approx(0.5, abs=0.12)


def test_weeks_start_on_monday():
    sunday = 3  # 1970-01-04
    assert week_numbers(np.arange(sunday, sunday + 9)).tolist() == [0, *[1] * 7, 2]


def plan_of(promotion, price):
    price = np.array(price, float)
    return StorePlan(
        reference=np.full(len(price), 2.0),
        regular=np.full(price.shape, 2.0),
        price=price,
        promotion=np.array(promotion),
    )


def test_pressure_is_of_the_category_and_weighted_by_usual_sales():
    plan = plan_of([[0, 3], [2, 0], [1, 1]], [[2.0, 1.0], [2.0, 2.0], [1.5, 1.5]])
    usual = np.array([[3.0, 3.0], [1.0, 1.0], [5.0, 5.0]])
    promoted, cut = category_pressure(plan, usual=usual, category=np.array([4, 4, 7]))
    # A display cuts no price.
    np.testing.assert_allclose(promoted, [[1 / 4, 3 / 4], [1 / 4, 3 / 4], [1.0, 1.0]])
    np.testing.assert_allclose(cut, [[0.0, 0.5 * 3 / 4], [0.0, 0.5 * 3 / 4], [0.25, 0.25]])


def test_pressure_of_what_is_not_sold_is_none():
    plan = plan_of([[3, 3], [0, 0]], [[1.0, 1.0], [2.0, 2.0]])
    usual = np.array([[0.0, 0.0], [0.0, 2.0]])
    promoted, cut = category_pressure(plan, usual=usual, category=np.array([0, 0]))
    assert promoted.tolist() == cut.tolist() == [[0.0, 0.0], [0.0, 0.0]]
