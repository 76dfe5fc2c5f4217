import numpy as np

from demandcast.components.simulation import aggregation


def test_sums_means_and_ends():
    values = np.arange(28.0).reshape(2, 14)
    assert aggregation.period_sums(values, 7).tolist() == [[21, 70], [119, 168]]
    assert aggregation.period_means(values, 7).tolist() == [[3, 10], [17, 24]]
    assert aggregation.period_ends(values, 7).tolist() == [[6, 13], [20, 27]]


def test_a_day_stays_as_it_is():
    values = np.array([[0.5, 1.0, 0.0]])
    for function in (
        aggregation.period_sums,
        aggregation.period_means,
        aggregation.period_ends,
        aggregation.mean_fractions,
        aggregation.main_promotions,
    ):
        assert function(values, 1).tolist() == values.tolist()


def test_fraction_is_1_only_if_every_day_was():
    days = np.ones((3, 7))
    days[1, 3] = 0.999
    days[2] = 0.0
    assert aggregation.mean_fractions(days, 7).tolist() == [[1.0], [0.999], [0.0]]


def test_promotion_of_most_days_and_ties():
    weeks = np.array([[0, 0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 3, 3, 3], [2, 2, 2, 2, 2, 0, 0]])
    assert aggregation.main_promotions(weeks, 7).tolist() == [[0], [3], [2]]


def test_names_are_joined():
    names = np.array(["", "", "A", "B", "", "", "", "", "C"])
    assert aggregation.join_names(names, 3) == ["A", "B", "C"]
    assert aggregation.join_names(names[:6], 6) == ["A, B"]
    assert aggregation.join_names(names[:0], 7) == []
