"""Each effect is recovered from the drawn demand by its textbook estimator."""

import dataclasses

import numpy as np
import pytest

from demandcast.components.simulation.assortment import (
    CATEGORIES,
    FORMATS,
    LUMPY,
    simulate_items,
)
from demandcast.components.simulation.calendar import weekday_of
from demandcast.components.simulation.chain import simulate_chain, simulate_store
from demandcast.components.simulation.config import SimulationConfig
from demandcast.components.simulation.demand import cannibalise, draw_demand
from demandcast.components.simulation.plans import PROMOTIONS

QUIET_EFFECTS = {
    "weekly": 0,
    "yearly": 0,
    "holiday": 0,
    "weather": 0,
    "trend_spread": 0,
    "level_spread": 0,
    "price_elasticity_spread": 0,
}
ALL_REGULAR = {"intermittent_share": 0, "lumpy_share": 0, "new_share": 0, "discontinued_share": 0}
SETTINGS = {"stores": 4, "items": 30, "periods": 728, "seed": 11, "horizon": 0} | ALL_REGULAR


def simulate(*, effects=None, promotions=None, **settings):
    """Returns the chain, and its stores stacked: promotion, price, regular price, demand."""
    config = SimulationConfig(
        **{**SETTINGS, **settings},
        effects={**QUIET_EFFECTS, **(effects or {})},
        promotions={"cannibalisation": 0, **(promotions or {})},
    )
    chain = simulate_chain(config)
    stores = [simulate_store(chain, store) for store in range(config.stores)]
    length = chain.history_days

    def stack(name):
        return np.concatenate([getattr(each.plan, name)[:, :length] for each in stores])

    demand = np.concatenate([each.demand for each in stores]).astype(float)
    mean = np.concatenate([each.mean[:, :length] for each in stores])
    return chain, {
        "promotion": stack("promotion"),
        "price": stack("price"),
        "regular": stack("regular"),
        "demand": demand,
        "mean": mean,
    }


def test_display_lifts_demand_by_the_configured_factor():
    _, data = simulate(
        effects={"price_elasticity": 0}, promotions={"display_lift": 1.7, "share": 0.3}
    )
    display = data["promotion"] == PROMOTIONS.index("display")
    none = data["promotion"] == 0
    # Ratio of sums over series that have both, weighted by the days with a display.
    base = (data["demand"] * none).sum(axis=1) / none.sum(axis=1)
    expected = (base[:, None] * display).sum()
    assert (data["demand"] * display).sum() / expected == pytest.approx(1.7, rel=0.02)


def test_flyer_lifts_beyond_its_price():
    _, data = simulate(
        effects={"price_elasticity": -2.0}, promotions={"flyer_lift": 1.6, "share": 0.3}
    )
    flyer = data["promotion"] == PROMOTIONS.index("flyer")
    none = data["promotion"] == 0
    price_effect = data["price"] ** -2.0
    base = (data["demand"] * none).sum(axis=1) / (price_effect * none).sum(axis=1)
    expected = (base[:, None] * price_effect * flyer).sum()
    assert (data["demand"] * flyer).sum() / expected == pytest.approx(1.6, rel=0.02)


@pytest.mark.parametrize("elasticity", [0.0, -1.2, -2.5])
def test_elasticity_is_recovered_by_regression(elasticity):
    chain, data = simulate(
        effects={"price_elasticity": elasticity},
        promotions={"discount_lift": 1, "flyer_lift": 1, "display_lift": 1, "share": 0.3},
        stores=12,
    )
    # Log of the demand of an item in all stores, on log price, with a mean for each item.
    items = chain.config.items
    demand = data["demand"].reshape(12, items, -1).sum(axis=0)
    price = data["price"].reshape(12, items, -1)
    same_price = np.ptp(price / price[:, :, :1], axis=0) < 0.02  # all stores take part, or none
    x = np.log(price[0])
    y = np.log(np.maximum(demand, 1))
    x = x - (x * same_price).sum(axis=1, keepdims=True) / same_price.sum(axis=1, keepdims=True)
    y = y - (y * same_price).sum(axis=1, keepdims=True) / same_price.sum(axis=1, keepdims=True)
    slope = (x * y * same_price).sum() / (x * x * same_price).sum()
    assert slope == pytest.approx(elasticity, abs=0.05)


def test_weekly_profile_is_recovered():
    chain, data = simulate(
        effects={"weekly": 1.0, "dispersion": 0}, promotions={"share": 0}, stores=1, items=80
    )
    weekday = weekday_of(chain.calendar.days[: chain.history_days])
    by_day = np.stack([data["demand"][:, weekday == day].mean(axis=1) for day in range(7)], axis=1)
    level = data["demand"].mean(axis=1)
    store = int(chain.stores.format[0])
    for category in range(len(CATEGORIES)):
        members = chain.items.category == category
        observed = by_day[members].sum(axis=0) / level[members].sum()
        expected = np.exp(_profile(store, category))
        assert observed == pytest.approx(expected / expected.mean(), rel=0.05)


def _profile(store_format, category):
    """The week as the tables of formats and categories state it, written out once more."""
    week = np.array(FORMATS[store_format].week)
    week[5:] += CATEGORIES[category].weekend
    return week - week.mean()


def test_yearly_wave_is_recovered():
    chain, data = simulate(effects={"yearly": 1.0}, promotions={"share": 0}, periods=1461)
    angle = 2 * np.pi * chain.calendar.days[: chain.history_days] / 365.2425
    for number, category in enumerate(CATEGORIES):
        members = np.tile(chain.items.category == number, chain.config.stores)
        total = data["demand"][members].sum(axis=0)
        price = (data["price"] ** -1.8)[members].sum(axis=0)
        ratio = np.log(total / total.mean()) - np.log(price / price.mean())
        # Amplitude of the first harmonic of log demand.
        amplitude = 2 * np.abs(np.mean(ratio * np.exp(1j * angle)))
        assert amplitude == pytest.approx(category.yearly, abs=0.035)


def test_christmas_moves_snacks_more_than_household_goods():
    chain, data = simulate(effects={"holiday": 1.0}, promotions={"share": 0}, items=80, stores=8)
    calendar, length = chain.calendar, chain.history_days
    eve = calendar.holidays[:length] == "Christmas Eve"
    assert eve.sum() == 2
    observed, expected = {}, {}
    for name, festive in (("snacks", 1.6), ("household", 0.3)):
        members = np.tile([CATEGORIES[each].name == name for each in chain.items.category], 8)
        demand = data["demand"][members].sum(axis=0)
        observed[name] = demand[eve].mean() / demand.mean()
        effect = np.exp(festive * calendar.gain + calendar.loss)[:length]
        expected[name] = effect[eve].mean() / effect.mean()
    assert observed == pytest.approx(expected, rel=0.1)
    assert observed["snacks"] > 1.3 * observed["household"]


def test_warm_days_sell_beverages():
    chain, data = simulate(effects={"weather": 1.0}, promotions={"share": 0}, stores=4, items=80)
    number = [each.name for each in CATEGORIES].index("beverages")
    members = chain.items.category == number
    slopes = []
    for store in range(4):
        rows = data["demand"][store * 80 : (store + 1) * 80][members].sum(axis=0)
        temperature = chain.weather.temperature[store % 4][: len(rows)]
        dry = chain.weather.rain[store % 4][: len(rows)] == 0
        slopes.append(np.polyfit(temperature[dry] / 10, np.log(rows[dry]), 1)[0])
    assert np.mean(slopes) == pytest.approx(CATEGORIES[number].warmth, abs=0.03)


def test_cannibalisation_moves_the_configured_share_of_the_extra_volume():
    rng = np.random.default_rng(5)
    quiet = rng.uniform(1, 10, (40, 50))
    promoted = rng.random((40, 50)) < 0.08
    uplift = np.where(promoted, 1.4, 1.0)
    category = np.arange(40) % 4
    result = cannibalise(quiet, uplift, promoted=promoted, category=category, share=0.4)
    for number in range(4):
        members = category == number
        extra = np.where(promoted, quiet * 0.4, 0)[members].sum(axis=0)
        change = (result - quiet)[members].sum(axis=0)
        assert change == pytest.approx(0.6 * extra)
    assert result[promoted] == pytest.approx(1.4 * quiet[promoted])
    assert (result >= 0).all()


def test_configured_cannibalisation_reaches_the_mean_demand():
    alone, taken, twice = (
        simulate(promotions={"cannibalisation": share}, items=80)[1] for share in (0.0, 0.05, 0.1)
    )
    promoted = alone["promotion"] > 0
    assert (alone["mean"][promoted] == twice["mean"][promoted]).all()
    # So small a share seldom meets the bound of a half: the loss is in proportion.
    loss, double = (alone["mean"] - each["mean"] for each in (taken, twice))
    assert (loss >= 0).all()
    assert loss.sum() > 0.002 * alone["mean"].sum()
    assert double.sum() / loss.sum() == pytest.approx(2.0, rel=0.05)


def test_cannibalisation_takes_at_most_half():
    result = cannibalise(
        np.array([[100.0], [2.0], [5.0]]),
        np.array([[3.0], [1.0], [1.0]]),
        promoted=np.array([[True], [False], [False]]),
        category=np.array([0, 0, 1]),
        share=1.0,
    )
    assert result.tolist() == [[300.0], [1.0], [5.0]]


def test_cannibalisation_without_anybody_else():
    result = cannibalise(
        np.array([[10.0]]),
        np.array([[2.0]]),
        promoted=np.array([[True]]),
        category=np.array([0]),
        share=0.5,
    )
    assert result.tolist() == [[20.0]]


def test_regular_demand_is_negative_binomial():
    items = _items(3, dispersion=[0.0, 0.2, 1.0])
    mean = np.full((3, 200_000), 6.0)
    demand = draw_demand(mean, items, np.random.default_rng(8))
    assert demand.mean(axis=1) == pytest.approx([6.0] * 3, rel=0.01)
    variance = [6.0, 6.0 + 0.2 * 36, 6.0 + 36]
    assert demand.var(axis=1) == pytest.approx(variance, rel=0.03)
    # P(0) of the negative binomial is (1 + a m) ^ (-1 / a).
    zero = [np.exp(-6.0), (1 + 0.2 * 6) ** (-1 / 0.2), 1 / 7]
    assert (demand == 0).mean(axis=1) == pytest.approx(zero, abs=0.003)


def test_lumpy_demand_is_rare_varied_and_has_the_exact_mean():
    items = dataclasses.replace(
        _items(1, dispersion=[0.0]), pattern=np.array([LUMPY]), lump=np.array([8.0])
    )
    demand = draw_demand(np.full((1, 200_000), 1.6), items, np.random.default_rng(8))[0]
    assert demand.mean() == pytest.approx(1.6, rel=0.02)
    assert (demand > 0).mean() == pytest.approx(1 - np.exp(-1.6 / 8), abs=0.005)
    sizes = demand[demand > 0]
    assert (sizes.std() / sizes.mean()) ** 2 > 0.49  # the boundary of lumpy demand
    assert 200_000 / len(sizes) > 1.32


def _items(count, *, dispersion):
    items = simulate_items(SimulationConfig(items=count, intermittent_share=0, lumpy_share=0))
    return dataclasses.replace(items, dispersion=np.array(dispersion))


def test_intermittent_items_are_intermittent_everywhere():
    _, data = simulate(intermittent_share=1.0, stores=6, promotions={"share": 0})
    demand = data["demand"]
    interval = demand.shape[1] / (demand > 0).sum(axis=1)
    sizes = [row[row > 0] for row in demand]
    variation = np.array([(row.std() / row.mean()) ** 2 for row in sizes])
    assert (interval > 1.32).mean() > 0.98
    assert (variation < 0.49).mean() > 0.98


def test_new_items_start_slowly_and_gone_items_stop():
    chain, data = simulate(items=200, stores=1, new_share=0.5, discontinued_share=0.5)
    items, mean, demand = chain.items, data["mean"], data["demand"]
    day = np.arange(chain.history_days)
    outside = (day < items.launch[:, None]) | (day >= items.end[:, None])
    assert (mean[outside] == 0).all()
    assert (demand[outside] == 0).all()
    assert (mean[~outside] > 0).all()
    early = (items.launch > 0) & (items.launch < chain.history_days - 150)
    first = mean[early, items.launch[early]]
    later = mean[early, items.launch[early] + 140]
    # Prices and promotions differ, so only on average: 1 - 0.7 on the first day.
    assert np.median(first / later) == pytest.approx(0.3, abs=0.06)
    assert (mean[items.launch == 0, 0] > 0).all()
