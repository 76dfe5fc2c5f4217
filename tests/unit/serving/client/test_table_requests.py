"""Requests from tables: equal to those made by hand, and what is refused before any is sent."""

import dataclasses
import datetime
import tracemalloc

import numpy as np
import pytest
from serving_models import HORIZON, LEVELS
from serving_tables import CUTOFF, KINDS, SPEC, fake_signature, make_tables, requests_by_hand

from demandcast.schema.errors import ContractError
from demandcast.serving.client.table_requests import plan_table
from demandcast.serving.signatures import Signature, TensorSpec


def plan(history, future=None, *, cutoff=None, size=64, signature=None, **spec):
    return plan_table(
        (history, future),
        spec=dataclasses.replace(SPEC, **spec),
        signature=signature or fake_signature(),
        cutoff=cutoff,
        series_per_request=size,
    )


def check_equal(request, expected):
    assert set(request) == set(expected)
    for name, array in expected.items():
        assert request[name].dtype == array.dtype, name
        np.testing.assert_array_equal(request[name], array, err_msg=name)


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("seed", range(8))
def test_requests_are_those_made_by_hand(kind, seed):
    stores = ("b", "a", "ü", "aa")[: seed % 4 + 1]
    history, future = make_tables(stores=stores, seed=seed)
    keys, expected = requests_by_hand(history, future)
    made = plan(KINDS[kind](history), KINDS[kind](future))
    assert made.keys.values[0].tolist() == keys
    assert len(made.windows) == 1
    check_equal(made.request(0), expected)


def test_weeks():
    # CUTOFF, a Tuesday, begins one.
    history, future = make_tables(step_days=7)
    _, expected = requests_by_hand(history, future, step_days=7)
    check_equal(plan(history, future, frequency="W-TUE").request(0), expected)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_several_requests_hold_what_one_does(size):
    stores = tuple("abcdefg")
    history, future = make_tables(stores=stores, seed=3)
    _, whole = requests_by_hand(history, future)
    made = plan(history, future, size=size)
    assert [window.end - window.begin for window in made.windows] == [
        min(size, 7 - begin) for begin in range(0, 7, size)
    ]
    for number, window in enumerate(made.windows):
        request = made.request(number)
        # A request is as wide as its own longest history.
        width = request["target"].shape[1]
        series = slice(window.begin, window.end)
        np.testing.assert_array_equal(request["target"], whole["target"][series, -width:])
        np.testing.assert_array_equal(request["store"], whole["store"][series])
        np.testing.assert_array_equal(request["price"], whole["price"][series, -width - HORIZON :])
        assert (
            request["observed_mask"][:, 0].any()
            or width == 1
            or not whole["observed_mask"][series, -width].any()
        )


def small(**columns):
    """Two days of one store, and the plan of three."""
    days = [CUTOFF - datetime.timedelta(days=1), CUTOFF]
    ahead = [CUTOFF + datetime.timedelta(days=step) for step in range(1, HORIZON + 1)]
    history = {
        "store": ["s", "s"],
        "timestamp": days,
        "target": [3.0, 4.0],
        "price": [1.0, 2.0],
        "promotion": ["x", "y"],
        "weather": [5.0, 6.0],
        **columns,
    }
    future = {
        "store": ["s"] * HORIZON,
        "timestamp": ahead,
        "price": [7.0] * HORIZON,
        "promotion": ["z"] * HORIZON,
    }
    return history, future


def test_observed_and_in_stock_columns():
    history, future = small(seen=[0, 1], stock=[1.0, 0.25])
    request = plan(history, future, observed="seen", in_stock_fraction="stock").request(0)
    assert request["target"].tolist() == [[0.0, 4.0]]
    assert request["observed_mask"].tolist() == [[0.0, 1.0]]
    assert request["in_stock_fraction"].tolist() == [[1.0, 0.25]]


@pytest.mark.parametrize(("meaning", "mask"), [("unknown", [1, 0, 0, 1]), ("zero", [1, 1, 1, 1])])
def test_periods_without_a_row(meaning, mask):
    first = CUTOFF - datetime.timedelta(days=3)
    history, future = small(timestamp=[first, CUTOFF])
    request = plan(history, future, missing_period=meaning).request(0)
    assert request["target"].tolist() == [[3.0, 0.0, 0.0, 4.0]]
    assert request["observed_mask"].tolist() == [mask]
    np.testing.assert_array_equal(request["weather"], [[5.0, np.nan, np.nan, 6.0]])
    assert request["promotion"].tolist() == [[b"x", b"", b"", b"y", b"z", b"z", b"z"]]


def test_zero_is_not_said_of_the_time_before_a_series():
    days = [CUTOFF - datetime.timedelta(days=3), CUTOFF, CUTOFF]
    history = {
        "store": ["a", "a", "b"],
        "timestamp": days,
        "target": [1.0, 2.0, 3.0],
        "price": [1.0] * 3,
        "promotion": ["x"] * 3,
        "weather": [0.0] * 3,
    }
    _, future = small()
    both = {name: list(values) * 2 for name, values in future.items()}
    both["store"] = ["a"] * HORIZON + ["b"] * HORIZON
    request = plan(history, both, missing_period="zero").request(0)
    assert request["observed_mask"].tolist() == [[1, 1, 1, 1], [0, 0, 0, 1]]


def test_only_the_newest_periods():
    history, future = small()
    request = plan(history, future, history_periods=1).request(0)
    assert request["target"].tolist() == [[4.0]]
    assert request["price"].tolist() == [[2.0, 7.0, 7.0, 7.0]]
    assert request["cutoff"].tolist() == [(CUTOFF - datetime.date(1970, 1, 1)).days]


@pytest.mark.parametrize("kind", [datetime.date, datetime.datetime])
def test_an_earlier_cutoff_sees_nothing_after_it(kind):
    history, future = small()
    earlier = kind(2026, 6, 29)
    future["timestamp"] = [day - datetime.timedelta(days=1) for day in future["timestamp"]]
    request = plan(history, future, cutoff=earlier).request(0)
    assert request["target"].tolist() == [[3.0]]
    assert request["weather"].tolist() == [[5.0]]
    assert request["price"].tolist() == [[1.0, 7.0, 7.0, 7.0]]


def test_a_later_cutoff_leaves_a_gap():
    history, future = small()
    later = CUTOFF + datetime.timedelta(days=1)
    future["timestamp"] = [day + datetime.timedelta(days=1) for day in future["timestamp"]]
    request = plan(history, future, cutoff=later).request(0)
    assert request["observed_mask"].tolist() == [[1, 1, 0]]


def test_a_series_without_a_history():
    history, future = small()
    new = {name: list(values) * 2 for name, values in future.items()}
    new["store"] = ["s"] * HORIZON + ["a new one"] * HORIZON
    request = plan(history, new).request(0)
    assert request["store"].tolist() == [b"a new one", b"s"]
    assert request["observed_mask"].tolist() == [[0, 0], [1, 1]]
    assert request["price"][0, 2:].tolist() == [7.0] * HORIZON


def attribute_signature():
    signature = fake_signature()
    kind = TensorSpec("DT_STRING", (None,))
    return Signature({**signature.inputs, "category": kind}, signature.outputs)


def test_attributes():
    history, future = small(category=["dairy", None])
    request = plan(history, future, signature=attribute_signature()).request(0)
    assert request["category"].tolist() == [b"dairy"]
    new = {name: list(values) * 2 for name, values in future.items()}
    new["store"] = ["s"] * HORIZON + ["a"] * HORIZON
    new["category"] = ["other"] * HORIZON + ["drinks"] * HORIZON
    request = plan(history, new, signature=attribute_signature()).request(0)
    assert request["category"].tolist() == [b"drinks", b"dairy"]


def test_the_key_of_several_columns():
    signature = fake_signature()
    inputs = {**signature.inputs, "item": TensorSpec("DT_STRING", (None,))}
    history, future = small(item=[10, 9])
    history["timestamp"] = [CUTOFF, CUTOFF]
    both = {name: list(values) * 2 for name, values in future.items()}
    both["item"] = [9] * HORIZON + [10] * HORIZON
    made = plan(
        history, both, signature=Signature(inputs, signature.outputs), series_key=("store", "item")
    )
    request = made.request(0)
    # Numbers in a key are text, and sorted as such.
    assert request["item"].tolist() == [b"10", b"9"]
    assert request["target"].tolist() == [[3.0], [4.0]]
    assert made.keys.name(0) == "store=s, item=10"


def changed(**columns):
    history, _ = small()
    return {"history": {**history, **columns}}


def planned(**columns):
    _, future = small()
    return {"future": {**future, **columns}}


NEXT = [CUTOFF + datetime.timedelta(days=step) for step in range(1, HORIZON + 1)]


@pytest.mark.parametrize(
    ("tables", "options", "message"),
    [
        (
            changed(store=["s", None]),
            {},
            "history: column 'store' is a part of the series key, and empty: 1 rows, first: 1",
        ),
        (
            changed(timestamp=[CUTOFF, CUTOFF]),
            {},
            "history: a series has a period twice: 1 rows, first: store=s at 2026-06-30",
        ),
        (
            changed(target=[1.0, np.inf]),
            {},
            "history: column 'target' is infinite: 1 rows, first: store=s (row 1)",
        ),
        (
            changed(target=[-1.0, -2.0]),
            {},
            "history: column 'target' is negative: 2 rows, first: store=s (row 0) | "
            "store=s (row 1)",
        ),
        (
            changed(price=[1.0, np.inf]),
            {},
            "history: column 'price' is infinite: 1 rows, first: 1",
        ),
        (
            changed(target=["3", "4"]),
            {},
            "history: column 'target' must hold numbers; its type is <U1",
        ),
        (
            changed(seen=[1, 2]),
            {"observed": "seen"},
            "history: column 'seen' is neither 0 nor 1: 1 rows, first: store=s (row 1)",
        ),
        (
            changed(stock=[1.0, None]),
            {"in_stock_fraction": "stock"},
            "history: column 'stock' is not between 0 and 1: 1 rows, first: store=s (row 1)",
        ),
        (
            {},
            {"frequency": "W-MON"},
            "history: column 'timestamp' is not the start of a period of W-MON: first: 2026-06-30",
        ),
        (
            {},
            {"cutoff": CUTOFF, "frequency": "W-TUE"},
            "history: column 'timestamp' is not the start of a period of W-TUE: first: 2026-06-29",
        ),
        (
            {},
            {"target": "units", "observed": "seen"},
            "history: no column ['units', 'seen']; there are ['store', 'timestamp', 'target', "
            "'price', 'promotion', 'weather']",
        ),
        (
            {"future": {"store": ["s"], "date": NEXT[:1]}},
            {"known_future": ("price",)},
            "future: no column ['timestamp', 'price']; there are ['store', 'date']",
        ),
        (
            {"future": None},
            {"known_future": ("price",)},
            "future: the model wants ['price'] ahead, and no table is given",
        ),
        (
            planned(timestamp=[CUTOFF, *NEXT[:2]]),
            {},
            "future: 1 of 1 series do not have each of the 3 periods from 2026-07-01 to "
            "2026-07-03: store=s has 2",
        ),
        (
            planned(store=["s", "s", "t"]),
            {},
            "future: 2 of 2 series do not have each of the 3 periods from 2026-07-01 to "
            "2026-07-03: store=s has 2 | store=t has 1",
        ),
        (
            planned(timestamp=[NEXT[0], NEXT[0], NEXT[1]]),
            {},
            "future: a series has a period twice: 1 rows, first: store=s at 2026-07-01",
        ),
        (
            {},
            {"quantile_levels": (0.1, 0.5)},
            "quantile_levels: 2 are given, [0.1, 0.5]; the model answers 3",
        ),
        (
            {},
            {"series_key": ("store", "price")},
            "series_key: ['price'] are no inputs of the model; one value per series have ['store']",
        ),
    ],
)
def test_what_is_refused(tables, options, message):
    history, future = small()
    tables = {"history": history, "future": future, **tables}
    with pytest.raises(ContractError) as caught:
        plan(tables["history"], tables["future"], **options)
    assert str(caught.value) == message


def test_attributes_that_change():
    history, future = small(category=["dairy", "drinks"])
    with pytest.raises(ContractError) as caught:
        plan(history, future, signature=attribute_signature())
    assert str(caught.value) == (
        "history: column 'category' must be constant for a series: 1 have several: store=s"
    )


def test_attributes_of_a_series_without_a_history():
    history, future = small(category=["dairy", "dairy"])
    new = {name: list(values) * 2 for name, values in future.items()}
    new["store"] = ["s"] * HORIZON + ["a"] * HORIZON
    with pytest.raises(ContractError, match=r"no column 'category', which .*: 1 series, first: st"):
        plan(history, new, signature=attribute_signature())


def test_a_cutoff_beside_the_grid():
    history, future = make_tables(step_days=7)
    with pytest.raises(ContractError, match="cutoff: 2026-06-29 is not the start of a period of W"):
        plan(history, future, frequency="W-TUE", cutoff=CUTOFF - datetime.timedelta(days=1))


def test_an_empty_history():
    empty = {name: np.array([], dtype=object) for name in small()[0]}
    _, future = small()
    with pytest.raises(ContractError, match="the table is empty, so there is no last period"):
        plan(empty, future)
    request = plan(empty, future, cutoff=CUTOFF).request(0)
    assert request["observed_mask"].tolist() == [[0.0]]
    nothing = plan(empty, {name: values[:0] for name, values in future.items()}, cutoff=CUTOFF)
    assert nothing.windows == ()
    table = nothing.table([])
    assert list(table) == ["store", "cutoff", "step", "timestamp", "mean", "q0.1", "q0.5", "q0.9"]
    assert {len(column) for column in table.values()} == {0}


@pytest.mark.parametrize(
    ("signature", "message"),
    [
        (Signature({"examples": TensorSpec("DT_STRING", (None,))}, {}), "the model has no ['cut"),
        (
            Signature(
                fake_signature().inputs,
                {
                    "mean": TensorSpec("DT_FLOAT", (None, None)),
                    "quantiles": TensorSpec("DT_FLOAT", (None, None, len(LEVELS))),
                },
            ),
            "the model does not say its horizon: 'mean' is DT_FLOAT [?, ?]",
        ),
        (
            Signature(
                {**fake_signature().inputs, "size": TensorSpec("DT_FLOAT", (None,))},
                fake_signature().outputs,
            ),
            "the model wants 'size' as DT_FLOAT; attributes of a series are text",
        ),
    ],
)
def test_models_that_are_no_such_models(signature, message):
    history, future = small(size=[1.0, 1.0])
    with pytest.raises(ContractError) as caught:
        plan(history, future, signature=signature)
    assert str(caught.value).startswith(message)


def test_one_request_is_in_memory_at_a_time():
    """2,000 series of 100 days: a request of 10 takes a two-hundredth of all."""
    stores, periods = 2000, 100
    days = np.datetime64(CUTOFF) - np.arange(periods)
    ahead = np.datetime64(CUTOFF) + np.arange(1, HORIZON + 1)
    names = np.array([f"s{number}" for number in range(stores)])
    history = {
        "store": np.repeat(names, periods),
        "timestamp": np.tile(days, stores),
        "target": np.ones(stores * periods, np.float32),
        "price": np.ones(stores * periods, np.float32),
        "promotion": np.full(stores * periods, "x"),
        "weather": np.ones(stores * periods, np.float32),
    }
    future = {
        "store": np.repeat(names, HORIZON),
        "timestamp": np.tile(ahead, stores),
        "price": np.ones(stores * HORIZON, np.float32),
        "promotion": np.full(stores * HORIZON, "x"),
    }
    made = plan(history, future, size=10)
    tracemalloc.start()
    try:
        for number in range(len(made.windows)):
            made.request(number)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Six inputs of at most 8 bytes a cell, and what is selected for each.
    assert peak < 8 * 10 * (periods + HORIZON) * 6 * 4
