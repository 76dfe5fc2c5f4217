"""Lead times of suppliers fitted to history: by hand, against slow loops, on edges."""

import datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demandcast.components.replenishment.delivery_history import HistorySettings
from demandcast.components.replenishment.lead_time_distributions import pmf_quantiles
from demandcast.components.replenishment.lead_times import QUANTILE_LEVELS, fit_lead_times
from demandcast.schema.errors import BadInputError

START = datetime.date(2025, 1, 1)
AS_OF = 1000


def history(rows, **more):
    """Order lines of (supplier, day of order, lead time or None), days after the start."""

    def date(number):
        return None if number is None else START + datetime.timedelta(days=int(number))

    return pl.DataFrame(
        {
            "supplier": pl.Series([row[0] for row in rows], dtype=pl.String),
            "ordered": pl.Series([date(row[1]) for row in rows], dtype=pl.Date),
            "received": pl.Series(
                [date(None if row[2] is None else row[1] + row[2]) for row in rows], dtype=pl.Date
            ),
            **more,
        }
    )


def fit(rows, *, as_of=AS_OF, quoted=None, half_life=None, borrowed=None, **more):
    settings_ = HistorySettings("D", "before_opening", START + datetime.timedelta(days=as_of))
    return fit_lead_times(
        history(rows, **more), settings_, quoted=quoted, half_life=half_life, borrowed=borrowed
    )


def test_alone_each_supplier_has_the_shares_of_its_deliveries():
    rows = [("a", 0, 1), ("a", 1, 1), ("a", 2, 3), ("a", 3, 3), ("b", 0, 2)]
    found = fit(rows, borrowed=0.0)
    np.testing.assert_allclose(found.pmf, [[0, 1 / 2, 0, 1 / 2], [0, 0, 1, 0]])
    np.testing.assert_allclose(found.mean, [2, 2])
    np.testing.assert_allclose(found.std, [1, 0])
    np.testing.assert_array_equal(found.quantiles, [[1, 3, 3], [2, 2, 2]])
    assert found.deliveries.tolist() == [4, 1]
    assert found.own_weight.tolist() == [1, 1]
    assert found.status.tolist() == ["fitted", "fitted"]


def test_few_deliveries_lean_on_the_common_distribution():
    rows = [("a", 0, 1), ("a", 1, 1), ("a", 2, 1), ("b", 0, 2)]
    found = fit(rows, borrowed=3.0)
    weights = np.array([3 / 6, 1 / 4])
    own = np.array([[0, 1, 0], [0, 0, 1]])
    pooled = weights @ own / weights.sum()
    np.testing.assert_allclose(found.own_weight, weights)
    np.testing.assert_allclose(found.pooled_pmf, pooled)
    np.testing.assert_allclose(found.pmf, weights[:, None] * own + (1 - weights)[:, None] * pooled)


def test_the_mixture_is_the_posterior_mean_of_a_dirichlet():
    # Counts + k x base, over their sum: the textbook update of a conjugate prior.
    found = fit([("a", day, 1 + day % 3) for day in range(9)] + [("b", 0, 4)], borrowed=2.0)
    counts = np.array([0, 3, 3, 3, 0])
    expected = (counts + 2.0 * found.pooled_pmf) / (9 + 2.0)
    np.testing.assert_allclose(found.pmf[0], expected)


def test_equal_suppliers_share_one_distribution_and_different_ones_do_not():
    same = [(name, day, 2 + day % 2) for name in "abc" for day in range(20)]
    found = fit(same)
    assert found.borrowed == 1000
    np.testing.assert_allclose(found.pmf, np.tile([0, 0, 0.5, 0.5], (3, 1)))
    apart = [(name, day, 10 * at + day % 2) for at, name in enumerate("abc") for day in range(20)]
    assert (fit(apart).own_weight > 0.99).all()


def test_lines_of_an_order_share_its_weight():
    rows = [("a", 0, 2), ("a", 0, 2), ("a", 0, 6), ("a", 0, None), ("a", 5, 6)]
    found = fit([*rows, ("b", 0, 1)], as_of=100, borrowed=1.0)
    # Two orders, of one three quarters: (7/4)^2 / (1 + 9/16).
    worth = (7 / 4) ** 2 / (1 + 9 / 16)
    assert found.own_weight[0] == pytest.approx(worth / (worth + 1))
    alone = fit(rows, as_of=100, borrowed=0.0)
    hazard = (1 / 2) / 2, (1 / 4 + 1) / (1 / 4 + 1 + 1 / 4)
    np.testing.assert_allclose(
        alone.pmf[0, [2, 6]], [hazard[0], (1 - hazard[0]) * hazard[1]], rtol=1e-12
    )
    assert alone.deliveries.tolist() == [3]


def test_open_orders_make_lead_times_longer():
    rows = [("a", day, 2) for day in range(0, 40, 4)]
    waiting = [("a", AS_OF - 9, None), ("a", AS_OF - 8, None)]
    found = fit(rows + waiting)
    assert found.open_orders.tolist() == [2]
    assert found.mean[0] > fit(rows).mean[0]
    # 10 of 12 at 2; the others at the longest, 9 days old and there tomorrow at the earliest.
    np.testing.assert_allclose(found.pmf[0, [2, 10]], [10 / 12, 2 / 12])


def test_censoring_recovers_what_the_newest_orders_hide():
    # Orders of the last days: only the fast ones have arrived. True mean: 10.5.
    rng = np.random.default_rng(3)
    rows = [("a", day, rng.integers(1, 21)) for day in range(20, 60) for _ in range(60)]
    found = fit(rows, as_of=60)
    arrived = [lead_time for _, day, lead_time in rows if day + lead_time <= 60]
    truth = np.mean([lead_time for _, _, lead_time in rows])
    assert abs(np.mean(arrived) - truth) > 0.8
    assert found.mean[0] == pytest.approx(truth, abs=0.4)


def test_old_orders_fade():
    rows = [("a", AS_OF - 100, 2), ("a", AS_OF - 50, 4)]
    found = fit(rows, half_life=50.0)
    np.testing.assert_allclose(found.pmf[0, [2, 4]], [0.25 / 0.75, 0.5 / 0.75])
    assert found.deliveries.tolist() == [2]


def test_a_supplier_whose_deliveries_fade_leans_more_on_others():
    rows = [("a", 0, 2), ("a", 900, 4), ("b", 990, 3), ("b", 995, 3)]
    faded, plain = fit(rows, half_life=30.0, borrowed=2.0), fit(rows, borrowed=2.0)
    assert faded.own_weight[0] == pytest.approx(1 / 3)  # The old one is worth nothing.
    assert plain.own_weight[0] == pytest.approx(2 / 4)


def test_without_deliveries_the_quote_counts_and_without_both_nothing():
    quoted = pl.DataFrame({"supplier": ["b", "c", "a"], "quoted_lead_time": [5, None, 9]})
    found = fit([("a", 0, 2), ("b", AS_OF - 1, None), ("d", AS_OF, None)], quoted=quoted)
    assert found.keys["supplier"].to_list() == ["a", "b", "c", "d"]
    assert found.status.tolist() == ["fitted", "quoted", "no_lead_time", "no_lead_time"]
    np.testing.assert_array_equal(found.pmf[1], [0, 0, 0, 0, 0, 1])
    assert np.isnan(found.pmf[2:]).all()
    np.testing.assert_array_equal(found.mean, [2, 5, np.nan, np.nan])
    np.testing.assert_array_equal(found.quantiles[2], [np.nan] * 3)
    assert found.pooled_pmf.shape == (6,)


def test_nothing_at_all_is_no_suppliers():
    found = fit([])
    assert found.pmf.shape == (0, 1)
    assert found.quantiles.shape == (0, 3)
    assert found.status.shape == (0,)
    assert np.isnan(found.pooled_pmf).all()


def test_only_quotes_need_no_history():
    found = fit([], quoted=pl.DataFrame({"supplier": ["a"], "quoted_lead_time": [0]}))
    np.testing.assert_array_equal(found.pmf, [[1.0]])
    assert found.status.tolist() == ["quoted"]


def test_punctuality_counts_open_orders_whose_day_is_over():
    dates = [START + datetime.timedelta(days=number) for number in (4, 4, 9, 9, 5000)]
    rows = [("a", 0, 4), ("a", 1, 5), ("a", 2, 17), ("a", 3, None), ("a", 4, None)]
    found = fit(rows, promised=pl.Series(dates), quoted=None, as_of=100)
    # On time; 2 late; 10 late; open and overdue; open and not due.
    assert found.punctuality.judged.tolist() == [4]
    np.testing.assert_allclose(found.punctuality.on_time_share, [1 / 4])
    np.testing.assert_allclose(found.punctuality.mean_days_late, [(2 + 10) / 2])


def test_punctuality_against_a_quote_is_the_share_of_lead_times_up_to_it():
    quoted = pl.DataFrame({"supplier": ["a"], "quoted_lead_time": [3]})
    found = fit([("a", day, lead) for day, lead in enumerate([1, 3, 4, 8])], quoted=quoted)
    np.testing.assert_allclose(found.punctuality.on_time_share, [2 / 4])
    np.testing.assert_allclose(found.punctuality.mean_days_late, [(1 + 5) / 2])


def test_without_promise_or_quote_nobody_is_late():
    found = fit([("a", 0, 4)])
    assert found.punctuality.judged.tolist() == [0]
    assert np.isnan([found.punctuality.on_time_share[0], found.punctuality.mean_days_late[0]]).all()


def test_outliers_are_marked_and_stay():
    rows = [("a", day, 5 + day % 2) for day in range(9)] + [("a", 20, 90), ("b", 0, 90)]
    found = fit(rows, borrowed=0.0)
    assert found.outliers.count.tolist() == [1, 0]
    assert found.outliers.deliveries.to_dicts() == [
        {
            "supplier": "a",
            "ordered": START + datetime.timedelta(days=20),
            "lead_time": 90,
            "lines": 1,
        }
    ]
    assert found.pmf[0, 90] == pytest.approx(1 / 10)


def test_an_open_order_is_no_outlier():
    found = fit([("a", day, 5) for day in range(9)] + [("a", 500, None)])
    assert found.outliers.count.tolist() == [0]


def test_trend_does_not_fall_because_the_newest_slow_orders_are_open():
    # Lead times swing between 1 and 40 without any trend; the newest slow ones are missing.
    rows = [("a", day, 1 if day % 4 else 40) for day in range(0, 400, 5)]
    found = fit(rows, as_of=400)
    late = [row for row in rows if row[1] + row[2] <= 400]
    assert found.deliveries.tolist() == [len(late)]
    assert abs(found.trend.slope[0]) < found.trend.standard_error[0]


def test_one_outlier_makes_no_trend():
    rows = [("a", day, 5 + day % 2) for day in range(0, 200, 3)] + [("a", 201, 400)]
    assert not fit(rows).trend.distinguishable[0]


def test_a_supplier_that_grows_slower_is_found():
    rows = [("a", day, 5 + day // 100) for day in range(0, 800, 10)]
    trend = fit(rows).trend
    assert trend.distinguishable[0]
    assert trend.slope[0] == pytest.approx(3.65, abs=0.2)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from("abcd"),
            st.integers(0, 300),
            st.one_of(st.none(), st.integers(0, 60)),
        ),
        max_size=40,
    ),
    borrowed=st.one_of(st.none(), st.floats(0, 50)),
    half_life=st.one_of(st.none(), st.floats(1, 1000)),
)
def test_every_supplier_has_a_distribution_or_says_that_it_has_none(rows, borrowed, half_life):
    found = fit(rows, as_of=300, borrowed=borrowed, half_life=half_life)
    fitted = found.status == "fitted"
    assert set(found.status.tolist()) <= {"fitted", "no_lead_time"}
    assert found.keys["supplier"].to_list() == sorted({row[0] for row in rows})
    np.testing.assert_allclose(found.pmf[fitted].sum(axis=1), 1)
    assert (found.pmf[fitted] >= 0).all()
    assert np.isnan(found.pmf[~fitted]).all()
    assert ((found.deliveries > 0) == fitted).all()
    assert ((found.own_weight >= 0) & (found.own_weight <= 1)).all()
    np.testing.assert_array_equal(found.quantiles, pmf_quantiles(found.pmf, QUANTILE_LEVELS))
    assert (np.diff(found.quantiles[fitted], axis=1) >= 0).all()


def test_suppliers_do_not_depend_on_each_other_if_nothing_is_borrowed():
    rng = np.random.default_rng(8)
    rows = [
        ("abc"[rng.integers(3)], int(rng.integers(900)), int(rng.integers(90))) for _ in range(99)
    ]
    together = fit(rows, borrowed=0.0)
    for at, name in enumerate("abc"):
        alone = fit([row for row in rows if row[0] == name], borrowed=0.0)
        np.testing.assert_allclose(together.pmf[at, : alone.pmf.shape[1]], alone.pmf[0])
        np.testing.assert_allclose(together.trend.slope[at], alone.trend.slope[0])
        assert together.outliers.count[at] == alone.outliers.count[0]


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ({"half_life": 0.0}, "half_life: got 0.0"),
        ({"half_life": np.nan}, "half_life: got nan"),
        ({"borrowed": -1.0}, "borrowed: got -1.0"),
        ({"borrowed": np.inf}, "borrowed: got inf"),
    ],
)
def test_weights_that_cannot_be_meant_are_refused(weights, words):
    with pytest.raises(BadInputError, match=words):
        fit([("a", 0, 1)], **weights)
