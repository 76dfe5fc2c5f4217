import numpy as np
import pytest

from demandcast.components.replenishment.stock_scenario import (
    OpeningStock,
    StockScenario,
    StockSupply,
    UnmetDemand,
    checked_demand,
    packs_down,
    packs_up,
    prepare,
)
from demandcast.schema.errors import BadInputError

DEMAND = np.ones((4, 3))


def prepared(**supply):
    return prepare(DEMAND, StockScenario(supply=StockSupply(**supply)))


def test_what_is_not_said_does_not_limit():
    scenario = StockScenario()
    assert scenario.unmet_demand is UnmetDemand.LOST
    assert scenario.warm_up == 0
    world = prepare(DEMAND, scenario)
    assert world.lead_time.tolist() == [[0] * 3] * 5
    assert world.reviewed.all()
    assert world.storage_capacity.tolist() == world.shelf_life.tolist() == [np.inf] * 3
    assert world.due.tolist() == [[0.0] * 3]


def test_lead_times_of_suppliers_go_to_their_series():
    world = prepared(lead_time=[[1, 5], [2, 6], [3, 7], [4, 8]], supplier=[1, 0, 1])
    assert world.lead_times_of(2).tolist() == [7, 3, 7]
    assert len(world.due) == 9
    assert prepared(lead_time=[1, 5], supplier=[1, 0, 1]).lead_times_of(0).tolist() == [5, 1, 5]


def test_review_periods_of_series_begin_with_period_0():
    world = prepared(review=[1, 2, 3])
    assert world.reviewed.astype(int).tolist() == [
        [1, 1, 1],
        [1, 0, 0],
        [1, 1, 0],
        [1, 0, 1],
        [1, 1, 0],
    ]


def test_only_an_order_without_lead_time_comes_right_after_the_last_period():
    assert prepared(lead_time=[0, 1, 0], review=[2, 2, 3]).opens_anew(4).tolist() == [
        True,
        False,
        False,
    ]


def test_what_outlives_the_simulation_does_not_expire():
    assert prepared(shelf_life=[1, 4, 5]).shelf_life.tolist() == [1.0, 4.0, np.inf]


def test_the_smallest_order_is_in_whole_packs():
    assert prepared(moq=7.0, pack_size=[0.0, 6.0, 7.0]).smallest_order.tolist() == [7, 12, 7]


def test_what_is_due_may_reach_beyond_the_lead_time():
    due = np.arange(9.0).reshape(3, 3)
    world = prepare(DEMAND, StockScenario(opening=OpeningStock(due=due)))
    assert world.due.tolist() == due.tolist()


def test_packs_forgive_rounding():
    units = np.array([0.1 * 3])
    assert packs_up(units, np.array([0.1])) == pytest.approx(0.3)
    assert packs_down(np.array([0.3]), np.array([0.1])) == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("demand", "message"),
    [
        ([1.0, 2.0], r"shape \[2\]"),
        (np.ones((0, 3)), r"shape \[0, 3\]"),
        ([[1.0, -2.0], [-1.0, 0.0]], r"got -2.0 at \[0, 1\] and 2 such values in all"),
        ([[np.nan]], r"got nan at \[0, 0\]"),
        ([[np.inf]], "got inf"),
    ],
)
def test_demand_that_is_none_is_refused(demand, message):
    with pytest.raises(BadInputError, match=f"demand: {message}"):
        checked_demand(demand)


@pytest.mark.parametrize(
    ("name", "wrong", "message"),
    [
        ("lead_time", -1, "got -1.0 at"),
        ("lead_time", 1.5, "whole numbers from 0 on"),
        ("lead_time", np.nan, "got nan"),
        ("lead_time", True, "type bool"),
        ("lead_time", np.ones((3, 3), int), r"shape \[3, 3\]; expected one number, \[3\] or"),
        ("review", 0, "whole numbers from 1 on"),
        ("review", [1, 2], r"shape \[2\]"),
        ("review", np.ones((3, 3), bool), r"shape \[3, 3\]; expected a calendar \[4, 3\]"),
        ("pack_size", -1.0, "got -1.0"),
        ("pack_size", np.inf, "got inf"),
        ("moq", [1.0, np.nan, 1.0], r"got nan at \[1\]"),
        ("moq", [1.0, 2.0], r"shape \[2\]; expected one number or one for each of 3 series"),
        ("storage_capacity", np.nan, "got nan"),
        ("shelf_life", 0, "whole numbers from 1 on"),
        ("shelf_life", 1.5, "whole numbers from 1 on"),
    ],
)
def test_terms_that_are_wrong_are_refused(name, wrong, message):
    with pytest.raises(BadInputError, match=f"{name}: .*{message}"):
        prepared(**{name: wrong})


@pytest.mark.parametrize("supplier", [[0, 1], [0, 1, 2], [-1, 0, 0]])
def test_suppliers_that_are_none_are_refused(supplier):
    with pytest.raises(BadInputError, match="supplier: "):
        prepared(lead_time=[1, 2], supplier=supplier)


@pytest.mark.parametrize(
    ("opening", "message"),
    [
        ({"on_hand": -1.0}, "on_hand: got -1.0"),
        ({"due": [1.0, 2.0, 3.0]}, r"due: shape \[3\]; expected \[D, 3\]"),
        ({"due": [[1.0, np.nan, 3.0]]}, r"due: got nan at \[0, 1\]"),
        ({"backorders": 1.0}, "unmet demand is lost here"),
    ],
)
def test_an_opening_that_is_wrong_is_refused(opening, message):
    with pytest.raises(BadInputError, match=message):
        prepare(DEMAND, StockScenario(opening=OpeningStock(**opening)))


@pytest.mark.parametrize("warm_up", [-1, 4])
def test_a_warm_up_that_leaves_nothing_is_refused(warm_up):
    with pytest.raises(BadInputError, match=f"warm_up: got {warm_up}; expected 0 to 3"):
        prepare(DEMAND, StockScenario(warm_up=warm_up))
