"""`simulate` on forecasts that are made up: what it decides before, and what it reports after."""

import dataclasses
import datetime
import io
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
import replenishment_world as supply_world
from rolling_world import demand_of, origins_of, without

from demandcast.pipeline.console import Console
from demandcast.schema.config import load_config
from demandcast.schema.errors import BadInputError, ConfigurationError

pytestmark = pytest.mark.slow

SERIES = sorted(supply_world.DEMAND)
PERIODS = 60
SEEN = datetime.date(2026, 1, 31)
SEEN_DAY = (SEEN - datetime.date(1970, 1, 1)).days


@pytest.fixture
def pretended(monkeypatch):
    """Replaces tables, model, forecasts and sales; tests change what they say, and what was asked.

    What is forecast is demand uniform on 0 to 10; the model has seen all until `SEEN`, 60 days
    before the newest.
    """
    from demandcast.pipeline import simulate as module

    demand = demand_of(PERIODS, len(SERIES))
    keys = pl.DataFrame(SERIES, schema=list(supply_world.KEYS), orient="row")
    world = SimpleNamespace(
        newest=SEEN_DAY + PERIODS, seen_until=SEEN, drop=(), cutoffs=None, models=[]
    )

    def model(*arguments):
        world.models.append(arguments[1:])
        return SimpleNamespace(digest="0123", seen_until=world.seen_until)

    def forecast(config, console, *, model, cutoffs, folder):
        world.cutoffs = cutoffs
        return folder

    def origins(table, series):
        found = origins_of(demand, cutoffs=[cutoff - SEEN_DAY for cutoff in world.cutoffs])
        found = dataclasses.replace(found, keys=keys, cutoff_days=found.cutoff_days + SEEN_DAY)
        for cutoff, place in world.drop:
            found = without(found, cutoff, place)
        return found

    def sales(config, origins, *, until, folder):
        assert until == world.newest
        places = keys.with_row_index().join(origins.keys, on=keys.columns)["index"].to_numpy()
        before = demand_of(200, len(SERIES), seed=2)
        return np.concatenate([before, demand])[:, places]

    monkeypatch.setattr(module.Tables, "check", lambda *_: SimpleNamespace(newest=world.newest))
    monkeypatch.setattr(module, "model_in_service", model)
    monkeypatch.setattr(module, "model_of_run", model)
    monkeypatch.setattr(module, "forecast_origins", forecast)
    monkeypatch.setattr(module, "read_origins", origins)
    monkeypatch.setattr(module, "_sales", sales)
    return world


@pytest.fixture
def simulated(pretended, tmp_path):
    """Simulates with the tables of `replenishment_world`, some of them in another form."""
    from demandcast.pipeline.simulate import SimulateOptions, simulate

    def run(options=None, *, replenishment=None, **tables):
        config = load_config(
            supply_world.write_world(tmp_path, replenishment=replenishment, **tables)
        )
        wanted = SimulateOptions(**{"targets": (0.9,)} | (options or {}))
        return simulate(config, Console(io.StringIO()), wanted)

    return run


def row(found, policy, target=0.9):
    (one,) = found.table.filter(
        (pl.col("policy") == policy) & (pl.col("target") == target)
    ).to_dicts()
    return one


def test_policies_are_simulated_for_each_target(simulated):
    found = simulated({"targets": (0.8, 0.95)})
    for policy in ("demandcast", "textbook", "eoq", "last_year", "perfect_foresight"):
        targets = found.table.filter(pl.col("policy") == policy)["target"].to_list()
        assert targets == [0.8, 0.95], policy
    assert found.table["cycles"].n_unique() == 1
    for target in (0.8, 0.95):
        foresight = row(found, "perfect_foresight", target)
        assert foresight["fill_rate"] == 1.0
        at_target = found.table.filter(pl.col("target") == target)["operating_cost"]
        assert foresight["operating_cost"] == at_target.min()
        assert row(found, "textbook", target)["operating_cost_ratio"] == pytest.approx(1.0)


def test_a_policy_without_a_target_is_priced_by_it(simulated):
    """h R target / (1 - target) a unit short: 9 times as much at 90 % as at 50 %."""
    found = simulated({"targets": (0.5, 0.9)})
    low, high = (row(found, "last_year", target) for target in (0.5, 0.9))
    assert high["stockout_cost"] == pytest.approx(9 * low["stockout_cost"])
    assert high["holding_cost"] == pytest.approx(low["holding_cost"])


def test_a_stockout_cost_that_the_terms_give_is_the_same_at_each_target(simulated):
    terms = supply_world.terms(stockout_cost=5.0)
    found = simulated({"targets": (0.5, 0.9)}, supply_terms=terms)
    low, high = (row(found, "last_year", target) for target in (0.5, 0.9))
    assert high["stockout_cost"] == pytest.approx(low["stockout_cost"])


def test_a_quarter_of_the_unseen_cutoffs_teaches(simulated, pretended):
    found = simulated()
    assert pretended.cutoffs == tuple(range(SEEN_DAY, SEEN_DAY + PERIODS))
    assert (found.teaching, found.cutoffs) == (15, 45)
    # Cutoff 15 days after the last seen day: its order is placed before the day after.
    assert found.first == "2026-02-16"
    assert found.last == "2026-04-01"
    # Reviews every day, two days of lead time: two intervals of 3 days.
    assert found.warm_up == 6
    assert found.lead_times == 2.0


@pytest.mark.parametrize(
    ("start", "teaching", "first"),
    [
        (SEEN, 0, "2026-02-01"),
        (datetime.date(2026, 2, 10), 10, "2026-02-11"),
        (datetime.date(2020, 1, 1), 0, "2026-02-01"),
    ],
)
def test_the_first_decision_is_on_the_evening_that_is_asked_for(simulated, start, teaching, first):
    found = simulated({"start": start})
    assert (found.teaching, found.first) == (teaching, first)
    assert found.teaching + found.cutoffs == PERIODS


def test_between_two_cutoffs_a_start_waits_for_the_next(simulated):
    found = simulated(
        {"start": datetime.date(2026, 2, 2)}, supply_terms=supply_world.terms(review_period=7)
    )
    assert (found.teaching, found.first) == (1, "2026-02-08")


@pytest.mark.parametrize("start", [datetime.date(2026, 3, 31), datetime.date(2027, 1, 1)])
def test_a_start_without_decisions_after_it_is_refused(simulated, start):
    words = rf"--start: got {start}; the cutoffs are from 2026-01-31 to 2026-03-31"
    with pytest.raises(BadInputError, match=words):
        simulated({"start": start})


@pytest.mark.parametrize("left", [0, 1, 2])
def test_a_model_that_has_seen_everything_is_refused(simulated, pretended, left):
    pretended.newest = SEEN_DAY + left
    words = rf"seen the data until 2026-01-31, which leaves {left} cutoffs 1 periods apart; .*"
    with pytest.raises(BadInputError, match=words + r"--set sampling\.end=DATE"):
        simulated()
    assert pretended.cutoffs is None


def test_a_model_that_does_not_say_what_it_has_seen_is_refused(simulated, pretended):
    pretended.seen_until = None
    with pytest.raises(BadInputError, match="may be hindsight: train one anew"):
        simulated()


def test_without_terms_nothing_is_forecast(simulated, pretended):
    with pytest.raises(ConfigurationError, match=r"tables\.supply_terms must be given"):
        simulated(supply_terms=None)
    assert pretended.cutoffs is None


@pytest.mark.parametrize(("run_id", "asked"), [(None, ()), ("latest", ("latest",))])
def test_the_model_is_the_one_in_service_or_of_a_run(simulated, pretended, run_id, asked):
    assert simulated({"run_id": run_id}).model == "0123"
    assert pretended.models == [asked]


@pytest.mark.parametrize(
    ("terms", "suppliers", "stride"),
    [
        ({}, {}, 1),
        ({"review_period": 6}, {}, 6),
        ({"review_period": 6, "changes": {"007": {"review_period": 4}}}, {}, 2),
        # A row that says nothing is reviewed every period.
        ({"review_period": 6, "changes": {"007": {"review_period": None}}}, {}, 1),
        ({"review_period": 6, "order_days": "mon"}, {}, 1),
        ({"review_period": 6}, {"order_days": "mon thu"}, 1),
    ],
)
def test_cutoffs_are_as_far_apart_as_all_reviews_allow(
    simulated, pretended, terms, suppliers, stride
):
    changes = terms.pop("changes", None) if terms else None
    simulated(
        supply_terms=supply_world.terms(changes, **terms),
        suppliers=supply_world.suppliers(**suppliers),
    )
    assert set(np.diff(pretended.cutoffs)) == {stride}


def test_series_without_a_forecast_at_each_decision_are_left_out_and_counted(simulated, pretended):
    pretended.drop = ((20, 0), (30, 3))
    assert simulated().left_out == {"no_forecast": 2}
    found = simulated(supply_terms=supply_world.terms(items=["007", "008"]))
    assert found.left_out == {"no_forecast": 2, "no_terms": 2}
    assert found.series == set(found.table["series"]).pop() == 2


def test_a_forecast_that_is_missing_before_the_first_decision_is_none_that_is_needed(
    simulated, pretended
):
    pretended.drop = ((3, 0),)
    found = simulated()
    assert (found.left_out, found.series) == ({}, len(SERIES))


def test_where_no_series_is_always_forecast_it_says_what_helps(simulated, pretended):
    pretended.drop = tuple((20, place) for place in range(len(SERIES)))
    with pytest.raises(BadInputError, match=r"no series has a forecast at each cutoff: start lat"):
        simulated()


def test_demand_that_is_known_takes_the_place_of_sales(simulated, tmp_path):
    file = tmp_path / "asked.csv"
    pl.DataFrame(
        {"store": ["a"], "item": ["007"], "date": ["2026-03-01"], "demand": [1]}
    ).write_csv(file)
    found = simulated({"demand": file})
    assert found.demand == "asked.csv"
    # One unit in all: whoever holds any stock meets it.
    assert row(found, "perfect_foresight")["fill_rate"] == 1.0
    assert row(found, "last_year")["stockout_cost"] == 0.0
    assert simulated().demand == ""
    assert row(simulated(), "last_year")["stockout_cost"] > 0.0


def test_a_folder_without_sample_data_is_refused_before_any_work(simulated, pretended, tmp_path):
    with pytest.raises(BadInputError, match=r"--sample-data: .* has no true_demand; "):
        simulated({"sample_data": tmp_path})
    assert pretended.models == []


def test_lots_are_ordered_whole_unless_nobody_wants_them(simulated):
    terms = supply_world.terms(pack_size=50.0, moq=100.0)
    packs = simulated(supply_terms=terms)
    loose = simulated({"whole_lots": False}, supply_terms=terms)
    assert (packs.whole_lots, loose.whole_lots) == (True, False)
    more, less = row(packs, "demandcast"), row(loose, "demandcast")
    assert more["mean_on_hand"] > 2 * less["mean_on_hand"]
    assert more["orders"] < less["orders"]


def test_the_same_seed_finds_the_same(simulated):
    deliveries = supply_world.deliveries("north", [1, 2, 3, 4] * 10)
    first = simulated(lead_times=deliveries).table
    assert first.equals(simulated(lead_times=deliveries).table)
    other = simulated({"seed": 4}, lead_times=deliveries).table
    assert not first["operating_cost"].equals(other["operating_cost"])


@pytest.mark.parametrize("measure", ["fill_rate", "cost"])
@pytest.mark.parametrize("unmet", ["lost", "backordered"])
def test_the_configuration_says_what_is_aimed_at(simulated, measure, unmet):
    section = {"service": {"measure": measure}, "unmet_demand": unmet}
    found = simulated(replenishment=section)
    assert (found.measure, found.unmet_demand) == (measure, unmet)
    assert row(found, "demandcast")["fill_rate"] > 0.8


def test_no_file_is_left_behind(simulated, tmp_path, monkeypatch):
    (tmp_path / "aside").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "aside"))
    monkeypatch.setattr("tempfile.tempdir", None)
    simulated()
    assert list((tmp_path / "aside").iterdir()) == []
