"""The reason of a choice, in words."""

import numpy as np
from supplier_offers import PMF, candidates_of, demand_of, first_of

from demandcast.components.replenishment.supplier_choice import CostRates, choose_suppliers
from demandcast.components.replenishment.supplier_words import choice_table

QUIET = CostRates(holding_cost_rate=0.0, stockout_cost=0.0)


def test_the_table_gives_the_reason():
    candidates = candidates_of(
        [[0, 1], [0, -1], [2, -1], [0, 0]], unit_cost=[[10.0, 12.5], [1.0, 1.0], [1, 1], [1, 1]]
    )
    choice = choose_suppliers(demand_of([4.0] * 4, [9.0] * 4), candidates, PMF, rates=QUIET)
    table = choice_table(
        choice, candidates, items=["i", "j", "k", "m"], suppliers=["near", "far", "new"]
    )
    assert table["supplier"].to_list() == ["near", "near", None, "near"]
    assert table["runner_up"].to_list() == ["far", None, None, "near"]
    assert table["difference"].to_list() == [-10.0, None, None, 0.0]
    assert table["reason"].to_list() == [
        "chosen: 10.00 per period less than far: purchase -10.00",
        "chosen: the only candidate",
        "none: no candidate has a lead time and complete terms",
        "chosen: costs as much as near",
    ]


def test_the_reason_names_what_speaks_against_the_choice_too():
    candidates = candidates_of([[0, 0]], unit_cost=[[10.0, 9.0]], order_cost=[[1.0, 1e9 + 0.07]])
    choice = choose_suppliers(demand_of([4.0], [9.0]), candidates, PMF, rates=QUIET)
    table = choice_table(choice, candidates, items=["i"], suppliers=["a", "b", "c"])
    assert table["reason"].to_list() == [
        "chosen: 999999995.07 per period less than a: purchase +4.00, ordering -999999999.07"
    ]


def test_who_is_sooner_is_chosen_for_what_it_avoids():
    candidates = candidates_of([[0, 0]] * 2, unit_cost=[[10.0, 10.25]] * 2)
    first = first_of([[False, True], [True, True]], [[100.0, 0.5]] * 2, [4.0, 4.0])
    demand = demand_of([4.0] * 2, [0.0] * 2)
    choice = choose_suppliers(demand, candidates, PMF, rates=QUIET, first=first)
    table = choice_table(choice, candidates, items=["i", "j"], suppliers=["a", "b", "c"])
    assert table["status"].to_list() == ["sooner"] * 2
    avoids = "which avoids shortage worth 99.50 for 1.00 per period more"
    assert table["reason"].to_list() == [
        f"a instead of a: takes orders today, {avoids}",
        f"a instead of a: delivers sooner, {avoids}",
    ]
    assert table["wait_cost"].to_list() == [0.5] * 2
    np.testing.assert_allclose(table["wait_saved"], 100 - 0.5)
