"""Demand, offers of suppliers and their first orders, as the choice of suppliers takes them."""

import numpy as np

from demandcast.components.replenishment.supplier_choice import (
    Candidates,
    FirstOrders,
    ItemDemand,
)

# Two days; one or five days; nobody knows.
PMF = np.array([[0, 0, 1, 0, 0, 0], [0, 0.5, 0, 0, 0, 0.5], [np.nan] * 6])


def demand_of(mean, variance):
    return ItemDemand(np.array(mean, float), np.array(variance, float))


def candidates_of(supplier, **terms):
    places = np.array(supplier)
    values = {
        "unit_cost": 10.0,
        "order_cost": 5.0,
        "review_period": 1.0,
        "moq": 0.0,
        "pack_size": 1.0,
    } | terms
    return Candidates(
        places, **{name: np.broadcast_to(value, places.shape) for name, value in values.items()}
    )


def first_of(takes_orders, wait_cost, position):
    return FirstOrders(
        np.array(takes_orders, bool), np.array(wait_cost, float), np.array(position, float)
    )
