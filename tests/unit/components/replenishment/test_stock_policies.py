import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demandcast.components.replenishment.stock_policies import (
    BaseStockPolicy,
    OrderUpToPolicy,
    ReorderPointPolicy,
    StockState,
)
from demandcast.schema.errors import BadInputError

units = st.integers(0, 50)


def stock(on_hand, on_order=0.0, backorders=0.0):
    return StockState(
        *(np.array([value], dtype=np.float64) for value in (on_hand, on_order, backorders))
    )


def ordered(policy, state, period=0):
    return float(policy(period, state)[0])


def test_the_position_is_on_hand_and_on_order_without_backorders():
    assert stock(5, 3, 2).inventory_position == 5 + 3 - 2


@given(units, units, units, units)
def test_base_stock_raises_the_position_to_its_level(level, on_hand, on_order, backorders):
    state = stock(on_hand, on_order, backorders)
    order = ordered(BaseStockPolicy(np.array([float(level)])), state)
    assert state.inventory_position + order == max(level, on_hand + on_order - backorders)


@given(units, units)
def test_a_reorder_point_at_the_level_is_base_stock(level, on_hand):
    both = np.array([float(level)])
    policy = OrderUpToPolicy(both, both)
    assert ordered(policy, stock(on_hand)) == ordered(BaseStockPolicy(both), stock(on_hand))


@given(units, st.integers(1, 9), units)
def test_lots_bring_the_position_above_the_reorder_point_and_not_one_more(point, lot, on_hand):
    policy = ReorderPointPolicy(np.array([float(point)]), np.array([float(lot)]))
    order = ordered(policy, stock(on_hand))
    assert order % lot == 0
    assert on_hand + order > point
    assert order == 0 or on_hand + order - lot <= point


def test_above_the_reorder_point_nothing_is_ordered():
    assert ordered(OrderUpToPolicy(np.array([3.0]), np.array([9.0])), stock(4)) == 0
    assert ordered(ReorderPointPolicy(np.array([3.0]), np.array([9.0])), stock(4)) == 0


def test_a_lot_of_0_orders_nothing():
    assert ordered(ReorderPointPolicy(np.array([3.0]), np.array([0.0])), stock(0)) == 0


def test_levels_may_be_of_each_period_or_of_all():
    by_period = BaseStockPolicy(np.array([[1.0], [2.0]]))
    assert [ordered(by_period, stock(0), period) for period in (0, 1)] == [1.0, 2.0]
    with pytest.raises(BadInputError, match="2 periods; period 2 of the demand has no level"):
        by_period(2, stock(0))
    for_all = BaseStockPolicy(np.array(7.0))
    assert ordered(for_all, stock(0), 99) == 7.0
