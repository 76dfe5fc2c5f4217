import datetime
import math
from collections import Counter

import numpy as np
import polars as pl
import pytest
from examples_oracle import slow_example
from examples_tables import COLUMNS, check_purely, examples_of, make_data, row, write_rows
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from demandcast.components.examples import features
from demandcast.components.examples.splits import SplitPlan, plan_latest, plan_splits
from demandcast.components.metrics.baselines import naive_scales, seasonal_naive
from demandcast.components.metrics.classification import demand_class
from demandcast.schema.config import (
    AvailabilityConfig,
    CalendarConfig,
    ForecastConfig,
    SamplingConfig,
    TableConfig,
)
from demandcast.schema.periods import periods_of

MONDAY = datetime.date(2024, 1, 1)
DAY_ZERO = datetime.date(1970, 1, 1)
PROPERTY = settings(
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def period(day, frequency="D"):
    days = (MONDAY - DAY_ZERO).days + day
    return int(periods_of(np.array(days), frequency))


def plan(*days, frequency="D", **rules):
    return SplitPlan("eval", tuple(period(day, frequency) for day in days), **rules)


def date(day):
    return (MONDAY + datetime.timedelta(days=day)).isoformat()


def same(found, expected):
    """Equal as float32; NaN equals NaN."""
    if any(isinstance(value, bytes) for value in expected):
        return found == expected
    return np.array_equal(
        np.array(found, np.float32), np.array(expected, np.float32), equal_nan=True
    )


VALUES = st.none() | st.sampled_from([0.0, 1.0, 2.5, 1e6])


@st.composite
def tables(draw, step):
    """Series with gaps, unknown targets, stockouts, missing covariates."""
    rows = []
    for store, item in draw(
        st.lists(
            st.tuples(st.integers(1, 3), st.sampled_from("ab")), unique=True, min_size=1, max_size=4
        )
    ):
        start = draw(st.integers(0, 12))
        steps = draw(st.lists(st.integers(0, 25), unique=True, min_size=1, max_size=20))
        rows += [
            row(
                (start + k) * step,
                draw(VALUES),
                store=store,
                item=item,
                price=draw(VALUES),
                event=draw(st.sampled_from([None, "xmas", "sale"])),
                weather=draw(VALUES),
                in_stock=draw(st.none() | st.sampled_from([0.0, 0.5, 1.0])),
            )
            for k in steps
        ]
    if all(item["target"] is None for item in rows):
        rows[0]["target"] = 3.0
    return draw(st.permutations(rows))


@PROPERTY
@given(
    data=st.data(),
    frequency=st.sampled_from(["D", "W-MON"]),
    cutoffs=st.lists(st.integers(0, 40), unique=True, min_size=1, max_size=3),
    horizon=st.integers(1, 5),
    max_history=st.integers(2, 40),
    missing_period=st.sampled_from(["unknown", "zero"]),
    block_rows=st.sampled_from([2, 1000]),
)
def test_examples_equal_a_slow_loop_over_series(  # noqa: PLR0917
    tmp_path, data, frequency, cutoffs, horizon, max_history, missing_period, block_rows
):
    step = 1 if frequency == "D" else 7
    rows = data.draw(tables(step))
    forecast = ForecastConfig(frequency=frequency, horizon=horizon)
    config = make_data(write_rows(tmp_path / "sales.parquet", rows), missing_period=missing_period)
    days = [cutoff * step for cutoff in cutoffs]
    found = examples_of(
        config,
        forecast,
        [plan(*days, frequency=frequency)],
        max_history=max_history,
        block_rows=block_rows,
    )
    last = max(item["date"] for item in rows if item["target"] is not None)
    expected = {}
    for key in {(item["store"], item["item"]) for item in rows}:
        of_series = [item for item in rows if (item["store"], item["item"]) == key]
        for day in days:
            example = slow_example(
                of_series,
                MONDAY + datetime.timedelta(days=day),
                forecast,
                max_history=max_history,
                zero_until=last if missing_period == "zero" else None,
            )
            if example is not None:
                expected["eval", (str(key[0]), key[1]), date(day)] = example
    assert set(found) == set(expected)
    for place, example in expected.items():
        for name, values in example.items():
            assert same(found[place][name], values), (place, name)


@PROPERTY
@given(
    data=st.data(),
    frequency=st.sampled_from(["D", "W-MON"]),
    cutoff=st.integers(3, 30),
    horizon=st.integers(1, 5),
    missing_period=st.sampled_from(["unknown", "zero"]),
)
def test_no_example_sees_past_its_cutoff(
    tmp_path, data, frequency, cutoff, horizon, missing_period
):
    """Whatever happens after the cutoff, the history and what is derived from it stay."""
    step = 1 if frequency == "D" else 7
    rows = data.draw(tables(step))
    forecast = ForecastConfig(frequency=frequency, horizon=horizon)
    day = MONDAY + datetime.timedelta(days=cutoff * step)
    other = [
        item
        if item["date"] <= day
        else item | {"target": data.draw(VALUES), "weather": data.draw(VALUES), "in_stock": 0.25}
        for item in rows
    ]
    other = [item for item in other if item["date"] <= day or data.draw(st.booleans())]
    other.append(row(400 * step, 9.0, item="new"))  # Keeps a target in the table.
    results = []
    for name, table in (("one", rows), ("two", other)):
        config = make_data(
            write_rows(tmp_path / f"{name}.parquet", table), missing_period=missing_period
        )
        found = examples_of(config, forecast, [plan(cutoff * step, frequency=frequency)])
        results.append(found)
    one, two = results
    last = max(item["date"] for item in rows if item["target"] is not None)
    if missing_period == "zero" and last < day:
        return  # The span of the data itself, which zeros fill, ends before the cutoff.
    assert set(one) == set(two)
    later = {"future_target", "future_observed_mask", "future_in_stock_fraction"}
    for place in one:
        length = len(one[place]["target"])
        for feature in set(one[place]) - later:
            first, second = one[place][feature], two[place][feature]
            if feature in ("price", "event"):  # Known ahead, by their very role.
                first, second = first[:length], second[:length]
            assert same(first, second), feature


@PROPERTY
@given(data=st.data(), horizon=st.integers(1, 4), cutoffs=st.integers(1, 2))
def test_each_split_ends_before_the_next_begins(tmp_path, data, horizon, cutoffs):
    """No label of training or validation lies in a horizon of evaluation."""
    rows = data.draw(tables(1))
    sampling = SamplingConfig(eval_cutoffs=cutoffs)
    forecast = ForecastConfig(horizon=horizon)
    config = make_data(write_rows(tmp_path / "sales.parquet", rows))
    newest = max(item["date"] for item in rows if item["target"] is not None)
    plans = plan_splits(period((newest - MONDAY).days), forecast, sampling)
    ends = {"train": [], "validation": [], "eval": []}
    starts = {"train": [], "validation": [], "eval": []}
    for (split, _, cutoff), example in examples_of(config, forecast, plans).items():
        assert len(example["future_target"]) == horizon
        starts[split].append(datetime.date.fromisoformat(cutoff))
        ends[split].append(starts[split][-1] + datetime.timedelta(days=horizon))
    for before, after in (("train", "validation"), ("train", "eval"), ("validation", "eval")):
        if ends[before] and starts[after]:
            assert max(ends[before]) <= min(starts[after])


def test_statistics_come_from_the_history(tmp_path):
    rows = [row(day, float(day % 7 + day // 7)) for day in range(30)]
    data = make_data(write_rows(tmp_path / "sales.parquet", rows))
    forecast = ForecastConfig(horizon=7)
    (example,) = examples_of(data, forecast, [plan(20)]).values()
    history = np.array([[item["target"] for item in rows[:21]]])
    mask = np.ones_like(history)
    scale, rms = naive_scales(history, mask, season=7)
    assert (
        example["naive_forecast"] == seasonal_naive(history, mask, season=7, horizon=7)[0].tolist()
    )
    assert example["naive_scale"] == pytest.approx(scale)
    assert example["naive_rms_scale"] == pytest.approx(rms)
    assert example["demand_class"] == [demand_class(history, mask)[0].encode()]


def test_static_columns_are_text(tmp_path):
    rows = [row(0), row(0, item="b", category=None)]
    found = examples_of(
        make_data(write_rows(tmp_path / "s.csv", rows)), ForecastConfig(), [plan(0)]
    )
    a, b = found["eval", ("1", "a"), date(0)], found["eval", ("1", "b"), date(0)]
    assert (a["store"], a["item"], a["category"]) == ([b"1"], [b"a"], [b"food"])
    assert b["category"] == [b""]


def test_csv_and_parquet_give_the_same_examples(tmp_path):
    rng = np.random.default_rng(7)
    rows = [
        row(
            int(day),
            round(float(rng.gamma(2)), 2),
            item=item,
            price=None if rng.random() < 0.2 else round(float(rng.random()), 3),
            event=["", "x", None][int(rng.integers(3))],
            in_stock=float(rng.integers(0, 2)),
        )
        for item in "abc"
        for day in rng.choice(40, 25, replace=False)
    ]
    plans = [plan(20, 30)]
    results = [
        examples_of(make_data(write_rows(tmp_path / name, rows)), ForecastConfig(horizon=5), plans)
        for name in ("s.csv", "s.parquet")
    ]
    assert repr(results[0]) == repr(results[1])  # NaN is not equal to itself.
    assert len(results[0]) == 3 * 2


def test_the_order_of_rows_and_files_does_not_matter(tmp_path):
    rows = [row(day, float(day), item=item) for item in "abcd" for day in range(20)]
    plans, forecast = [plan(10)], ForecastConfig(horizon=3)
    one = examples_of(make_data(write_rows(tmp_path / "all.csv", rows)), forecast, plans)
    shuffled = [rows[i] for i in np.random.default_rng(3).permutation(len(rows))]
    for number, part in enumerate(np.array_split(np.arange(len(rows)), 3)):
        write_rows(tmp_path / f"part{number}.csv", [shuffled[i] for i in part])
    two = examples_of(make_data(tmp_path / "part*.csv"), forecast, plans, block_rows=7)
    assert one == two


# Edge series.


def example(tmp_path, rows, day, horizon=2, **rules):
    data = make_data(write_rows(tmp_path / "sales.csv", rows), **rules)
    found = examples_of(data, ForecastConfig(horizon=horizon), [plan(day)])
    return next(iter(found.values())) if found else None


def test_a_series_of_length_one(tmp_path):
    found = example(tmp_path, [row(0, 5.0)], 0)
    assert (found["target"], found["observed_mask"]) == ([5.0], [1.0])
    assert found["future_observed_mask"] == [0.0, 0.0]
    assert len(found["price"]) == 1 + 2
    assert math.isnan(found["price"][2])
    assert found["naive_scale"] == [5.0]


def test_an_all_zero_series(tmp_path):
    found = example(tmp_path, [row(day, 0.0) for day in range(9)], 6)
    assert found["target"] == [0.0] * 7
    assert found["demand_class"] == [b"no_demand"]
    assert found["naive_scale"][0] > 0
    assert found["naive_forecast"] == [0.0, 0.0]


@pytest.mark.parametrize(("policy", "mask"), [("unknown", 0.0), ("zero", 1.0)])
def test_gaps(tmp_path, policy, mask):
    rows = [row(0, 5.0), row(3, 2.0), row(6, 1.0)]
    found = example(tmp_path, rows, 4, missing_period=policy)
    assert found["target"] == [5.0, 0.0, 0.0, 2.0, 0.0]
    assert found["observed_mask"] == [1.0, mask, mask, 1.0, mask]
    assert found["in_stock_fraction"] == [1.0] * 5
    assert found["future_observed_mask"] == [mask, 1.0]


def test_a_row_without_a_target_is_unknown_even_where_gaps_are_zero(tmp_path):
    rows = [row(0, 5.0), row(1, None), row(3, 2.0)]
    found = example(tmp_path, rows, 3, missing_period="zero")
    assert found["observed_mask"] == [1.0, 0.0, 1.0, 1.0]


def test_zeros_reach_the_newest_period_of_the_table_and_no_further(tmp_path):
    rows = [row(0, 5.0), row(4, 1.0, item="b")]
    data = make_data(write_rows(tmp_path / "s.csv", rows), missing_period="zero")
    found = examples_of(data, ForecastConfig(horizon=4), [plan(2)])
    assert found["eval", ("1", "a"), date(2)]["observed_mask"] == [1.0, 1.0, 1.0]
    assert found["eval", ("1", "a"), date(2)]["future_observed_mask"] == [1.0, 1.0, 0.0, 0.0]


def test_all_stocked_out(tmp_path):
    rows = [row(day, 0.0, in_stock=0.0) for day in range(6)]
    found = example(tmp_path, rows, 3)
    assert found["in_stock_fraction"] == [0.0] * 4
    assert found["observed_mask"] == [1.0] * 4
    assert found["future_in_stock_fraction"] == [0.0, 0.0]


def test_in_stock_is_one_where_not_observed(tmp_path):
    found = example(tmp_path, [row(0), row(1, None, in_stock=0.0), row(2, in_stock=None)], 2)
    assert found["in_stock_fraction"] == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("kind", "value", "fraction"),
    [
        ("in_stock_fraction", 0.25, 0.25),
        ("stockout_flag", True, 0.0),
        ("stockout_flag", False, 1.0),
        ("stockout_hours", 4, 0.75),
        ("on_hand", 0, 0.0),
        ("on_hand", -3, 0.0),
        ("on_hand", 7, 1.0),
    ],
)
def test_kinds_of_availability(tmp_path, kind, value, fraction):
    availability = AvailabilityConfig(column="in_stock", kind=kind, opening_hours=16)
    frame = [row(0, in_stock=value), row(1, in_stock=value)]
    schema = {"in_stock": pl.Boolean if isinstance(value, bool) else pl.Float64}
    data = make_data(
        write_rows(tmp_path / "s.csv", frame, **schema),
        columns=COLUMNS.model_copy(update={"availability": availability}),
    )
    found = examples_of(data, ForecastConfig(horizon=1), [plan(0)])
    assert found["eval", ("1", "a"), date(0)]["in_stock_fraction"] == [fraction]


def test_without_availability_all_is_in_stock(tmp_path):
    data = make_data(
        write_rows(tmp_path / "s.csv", [row(0)]),
        columns=COLUMNS.model_copy(update={"availability": None}),
    )
    found = examples_of(data, ForecastConfig(horizon=1), [plan(0)])
    assert found["eval", ("1", "a"), date(0)]["in_stock_fraction"] == [1.0]


def test_new_and_discontinued_series(tmp_path):
    rows = [row(day) for day in range(30)]
    rows += [row(day, item="new") for day in range(22, 30)]
    rows += [row(day, item="gone") for day in range(10)]
    data = make_data(write_rows(tmp_path / "s.csv", rows))
    forecast = ForecastConfig(horizon=5)
    plans = plan_splits(period(29), forecast, SamplingConfig())
    found = examples_of(data, forecast, plans)
    splits = {
        item: {place[0] for place in found if place[1][1] == item} for item in ("new", "gone")
    }
    assert splits["new"] == {"eval"}  # Train ends at 14, validation at 19, eval at 24.
    assert splits["gone"] == {"train"}  # Nothing to score after its end.
    latest = examples_of(data, forecast, plan_latest(period(29)))
    assert {series for _, (_, series), _ in latest} == {"a", "new"}  # Nobody plans for the other.
    planned = make_data(write_rows(tmp_path / "s.csv", [*rows, row(30, None, item="gone")]))
    latest = examples_of(planned, forecast, plan_latest(period(29)))
    gone = latest["latest", ("1", "gone"), date(29)]
    assert gone["observed_mask"] == [1.0] * 10 + [0.0] * 20
    assert "future_target" not in gone


def test_minimum_history_counts_recorded_periods(tmp_path):
    rows = [row(0), row(5), row(6), row(8)]
    data = make_data(write_rows(tmp_path / "s.csv", rows))
    forecast = ForecastConfig(horizon=2)
    assert examples_of(data, forecast, [plan(6, min_history=3)])
    assert not examples_of(data, forecast, [plan(6, min_history=4)])
    assert not examples_of(data, forecast, [plan(5, min_history=3)])


@pytest.mark.parametrize(
    ("rules", "counted"),
    [
        ({"min_demand": 7.0}, {"a"}),
        ({"min_demand": 7.5}, set()),
        ({"min_demand": 3.0}, {"a", "b"}),
        ({"min_demand_periods": 3}, {"b"}),
        ({"min_demand_periods": 2}, {"a", "b"}),
        ({"min_demand_periods": 2, "min_demand": 4.0}, {"a"}),
    ],
)
def test_minimum_demand_looks_at_the_history_alone(tmp_path, rules, counted):
    """Demand after the cutoff must not choose the series, or the choice would know the answer."""
    units = {"a": [3, 0, 4, 0, 100, 100], "b": [1, 1, 0, 1, 100, 100]}
    rows = [
        row(day, float(sold), item=item) for item in "ab" for day, sold in enumerate(units[item])
    ]
    data = make_data(write_rows(tmp_path / "s.csv", rows))
    left_out = Counter()
    found = examples_of(data, ForecastConfig(horizon=2), [plan(3, **rules)], left_out=left_out)
    assert {key[1] for _, key, _ in found} == counted
    assert left_out == {"eval": 2 - len(counted)}


def test_minimum_demand_looks_no_further_back_than_the_history(tmp_path):
    rows = [row(day, float(day == 0)) for day in range(6)]
    data = make_data(write_rows(tmp_path / "s.csv", rows))
    wanted = [plan(3, min_demand=1.0)]
    assert examples_of(data, ForecastConfig(horizon=2), wanted, max_history=4)
    assert not examples_of(data, ForecastConfig(horizon=2), wanted, max_history=3)


def test_minimum_future(tmp_path):
    data = make_data(write_rows(tmp_path / "s.csv", [row(0), row(3)]))
    forecast = ForecastConfig(horizon=2)
    assert examples_of(data, forecast, [plan(1, min_future=1)])
    assert not examples_of(data, forecast, [plan(0, min_future=1)])
    assert not examples_of(data, forecast, [plan(3, min_future=1)])


def test_history_is_cut_to_its_longest(tmp_path):
    rows = [row(day, float(day)) for day in range(20)]
    data = make_data(write_rows(tmp_path / "s.csv", rows))
    found = examples_of(data, ForecastConfig(horizon=2), [plan(9)], max_history=4)
    assert found["eval", ("1", "a"), date(9)]["target"] == [6.0, 7.0, 8.0, 9.0]


def test_huge_values_stay_finite(tmp_path):
    found = example(tmp_path, [row(day, 1e30) for day in range(9)], 6)
    assert np.isfinite(found["naive_scale"]).all()
    assert found["target"] == [np.float32(1e30)] * 7


# Policies.


@pytest.mark.parametrize(
    ("rules", "rows", "expected"),
    [
        ({"duplicates": "sum"}, [(0, 2.0), (0, 3.0), (1, 1.0)], [5.0, 1.0]),
        ({"duplicates": "keep_last"}, [(0, 2.0), (0, 3.0), (1, 1.0)], [3.0, 1.0]),
        ({"negative_target": "clip"}, [(0, 2.0), (1, -3.0)], [2.0, 0.0]),
        ({"negative_target": "clip", "duplicates": "sum"}, [(0, 5.0), (0, -3.0)], [5.0]),
        ({"negative_target": "net", "duplicates": "sum"}, [(0, 5.0), (0, -3.0)], [2.0]),
        ({"negative_target": "net", "duplicates": "sum"}, [(0, 5.0), (0, -8.0)], [0.0]),
        ({"negative_target": "net"}, [(0, 5.0), (0, -3.0), (1, -1.0)], [2.0, 0.0]),
        ({"duplicates": "sum"}, [(0, None), (0, 3.0), (1, 1.0)], [3.0, 1.0]),
    ],
)
def test_policies(tmp_path, rules, rows, expected):
    rows = [row(day, target) for day, target in rows]
    found = example(tmp_path, rows, len(expected) - 1, **rules)
    assert found["target"] == expected
    assert found["observed_mask"] == [1.0] * len(expected)


def test_net_still_refuses_duplicates_without_a_return(tmp_path):
    data = make_data(
        write_rows(tmp_path / "s.csv", [row(0, 5.0), row(0, 3.0)]), negative_target="net"
    )
    _, report, _, _ = check_purely(data, ForecastConfig())
    assert [item.problem for item in report.violations] == ["duplicate key"]


def test_a_sum_is_as_censored_as_its_parts_and_keeps_the_last_covariates(tmp_path):
    rows = [row(0, 2.0, in_stock=0.25, price=1.0), row(0, 3.0, price=None), row(0, 1.0, price=4.0)]
    found = example(tmp_path, rows, 0, duplicates="sum")
    assert found["in_stock_fraction"] == [0.25]
    assert found["price"][0] == 4.0


# Joins and the future.


def test_future_rows_fill_the_horizon_and_sales_win(tmp_path):
    sales = write_rows(tmp_path / "s.csv", [row(0, price=1.0), row(1, price=None, event="x")])
    ahead = [
        {"store": 1, "item": "a", "date": MONDAY + datetime.timedelta(days=day), "price": 9.0 + day}
        | {"event": "sale"}
        for day in (0, 1, 2, 4)
    ]
    ahead.append(ahead[0] | {"item": "never sold"})
    future = write_rows(tmp_path / "f.csv", ahead)
    data = make_data(sales, future=str(future))
    found = examples_of(data, ForecastConfig(horizon=3), plan_latest(period(1)))
    (latest,) = found.values()
    assert same(latest["price"], [1.0, 10.0, 11.0, math.nan, 13.0])
    assert latest["event"] == [b"sale", b"x", b"sale", b"", b"sale"]
    assert latest["target"] == [1.0, 1.0]
    _, report, _, _ = check_purely(data, ForecastConfig())
    assert report.future_series_unknown == 1


def test_sales_rows_without_a_target_after_the_last_are_future_covariates(tmp_path):
    rows = [row(0), row(1), row(2, None, price=7.0, event="sale"), row(3, None, price=8.0)]
    data = make_data(write_rows(tmp_path / "s.csv", rows))
    _, report, _, _ = check_purely(data, ForecastConfig())
    assert report.newest == period(1)
    (latest,) = examples_of(data, ForecastConfig(horizon=2), plan_latest(report.newest)).values()
    assert latest["price"] == [2.0, 2.0, 7.0, 8.0]
    assert latest["target"] == [1.0, 1.0]


def test_joined_tables_give_attributes_and_covariates(tmp_path):
    rows = [row(day, item=item) for item in "ab" for day in (0, 2)]
    for item in rows:
        del item["category"], item["event"], item["weather"]
    (tmp_path / "stores.csv").write_text("store,region\n1,north\n")
    (tmp_path / "items.csv").write_text("item,category\na,food\nb,toys\n")
    (tmp_path / "days.csv").write_text(
        "date,region,event,weather\n"
        + "".join(f"{date(day)},north,{'e' if day == 1 else ''},{day}\n" for day in range(4))
        + "".join(f"{date(day)},south,wrong,99\n" for day in range(4))
    )
    data = make_data(
        write_rows(tmp_path / "s.csv", rows),
        static_tables=(
            TableConfig(path=f"{tmp_path}/stores.csv", on=("store",)),
            TableConfig(path=f"{tmp_path}/items.csv", on=("item",)),
        ),
        calendar=CalendarConfig(path=f"{tmp_path}/days.csv", on=("date", "region")),
    )
    found = examples_of(data, ForecastConfig(horizon=2), [plan(2)])
    b = found["eval", ("1", "b"), date(2)]
    assert b["category"] == [b"toys"]
    # The calendar also knows the gap, and the future as far as it reaches.
    assert b["event"] == [b"", b"e", b"", b"", b""]
    assert b["weather"] == [0.0, 1.0, 2.0]
    assert "region" not in b


@pytest.mark.parametrize("missing", ["unknown", "zero"])
def test_a_calendar_of_holidays_alone_leaves_other_dates_empty(tmp_path, missing):
    rows = [row(day) for day in (0, 2)]
    for item in rows:
        del item["event"], item["weather"]
    (tmp_path / "days.csv").write_text(f"date,event,weather\n{date(1)},x,7\n{date(3)},y,8\n")
    calendar = CalendarConfig(path=f"{tmp_path}/days.csv", on=("date",), missing_date="empty")
    path = write_rows(tmp_path / "s.csv", rows)
    data = make_data(path, calendar=calendar, missing_period=missing)
    (example,) = examples_of(data, ForecastConfig(horizon=2), [plan(2)]).values()
    assert example["event"] == [b"", b"x", b"", b"y", b""]
    assert [str(value) for value in example["weather"]] == ["nan", "7.0", "nan"]


def test_chunks_do_not_change_the_examples(tmp_path, monkeypatch):
    rows = [row(day, float(day), item=item) for item in "abcdefg" for day in range(12)]
    data = make_data(write_rows(tmp_path / "s.csv", rows))
    plans, forecast = [plan(5, 8)], ForecastConfig(horizon=3)
    whole = examples_of(data, forecast, plans)
    monkeypatch.setattr(features, "_CELLS_AT_A_TIME", 20)
    assert examples_of(data, forecast, plans) == whole
