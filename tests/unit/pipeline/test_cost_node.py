"""The comparison of what stock costs on toy models: each way out, and what it leaves behind."""

import json
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from configurations import parse
from evaluation_models import LEVELS, make_eval_set, make_series, save_model, write_examples
from tfx.types import channel_utils, standard_artifacts
from tfx.utils import path_utils

from demandcast.components.storage.model_digest import model_digest
from demandcast.components.storage.tfx_files import TfxFiles
from demandcast.pipeline import cost_judge
from demandcast.pipeline.cost_node import CostJudge
from demandcast.pipeline.cost_verdict import CostVerdict
from demandcast.pipeline.eval_forecasts import forecast_origins, read_origins
from demandcast.schema.config import CostConfig, ReplenishmentConfig
from demandcast.schema.errors import ContractError
from demandcast.schema.periods import date_of

pytestmark = pytest.mark.slow

HORIZON = 7
EXAMPLES = 400
COST = CostConfig(enabled=True, interval=2, min_expected_shortages=1)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Eval examples and toy models, made once; `timid` and `lavish` are right up to their median,
    and above it too low or too high."""
    folder = tmp_path_factory.mktemp("world")
    models = {
        "good": {},
        "timid": {"upper": 0.2},
        "lavish": {"upper": 3.0},
        "not a number": {"factor": float("nan")},
        "shorter": {"horizon": HORIZON - 2},
    }
    eval_set = make_eval_set(examples=EXAMPLES, horizon=HORIZON, stores=4)
    return {
        "examples": write_examples(eval_set, folder / "examples"),
        "eval_set": eval_set,
        **{
            name: save_model(folder / name.replace(" ", "_"), **{"horizon": HORIZON, **arguments})
            for name, arguments in models.items()
        },
    }


def served(model, version="12"):
    artifact = standard_artifacts.Model()
    artifact.uri = model.uri
    artifact.set_string_custom_property("digest", "d1")
    artifact.set_string_custom_property("version", version)
    return artifact


def absent_model():
    model = standard_artifacts.Model()
    model.set_int_custom_property("absent", 1)
    return model


def compare(world, folder, *, model, in_service, cost=COST, tables=None, **replenishment):
    """Runs the executor; returns the verdict and the blessing artifact."""
    blessing = standard_artifacts.ModelBlessing()
    blessing.uri = str(folder / "blessing")
    config = ReplenishmentConfig(tables=tables or {}, paths=200, **replenishment)
    CostJudge.EXECUTOR_SPEC.executor_class().Do(
        {
            "examples": [world["examples"]],
            "model": [world[model]],
            "model_in_service": [
                served(world[in_service]) if isinstance(in_service, str) else in_service
            ],
        },
        {"blessing": [blessing]},
        {
            "cost": cost.model_dump_json(),
            "replenishment": config.model_dump_json(),
            "series": make_series(HORIZON).model_dump_json(),
            "data": '{"snapshot": ""}',
            "terms_fingerprint": "",
            "code_digest": "1",
        },
    )
    file = Path(blessing.uri) / "cost_verdict.json"
    return CostVerdict.model_validate_json(file.read_bytes()), blessing


def assert_blessed(blessing, expected):
    files = {path.name for path in Path(blessing.uri).iterdir()}
    assert files == {"cost_verdict.json", "BLESSED" if expected else "NOT_BLESSED"}
    assert blessing.get_int_custom_property("blessed") == int(expected)


def test_a_model_that_keeps_too_little_for_bad_days_is_refused(world, tmp_path, caplog):
    """Its mean and its median, and with them its WAPE, are those of the model in service."""
    caplog.set_level(logging.INFO, "demandcast")
    verdict, blessing = compare(world, tmp_path, model="timid", in_service="good")
    assert_blessed(blessing, False)
    assert verdict.outcome == "worse"
    assert verdict.low > 0.02
    assert verdict.stockout_cost > verdict.stockout_cost_in_service
    assert verdict.holding_cost < verdict.holding_cost_in_service
    reason = blessing.get_string_custom_property("reason")
    assert reason == verdict.reason
    assert reason.startswith("stock costs ")
    assert "more than that of version 12 on " in reason
    assert f"cost check: not passed; {reason}" in caplog.messages


def test_a_model_that_keeps_too_much_is_refused(world, tmp_path):
    verdict, blessing = compare(world, tmp_path, model="lavish", in_service="good")
    assert_blessed(blessing, False)
    assert verdict.holding_cost > verdict.holding_cost_in_service


def test_a_better_model_passes(world, tmp_path):
    verdict, blessing = compare(world, tmp_path, model="good", in_service="timid")
    assert_blessed(blessing, True)
    assert verdict.outcome == "within"
    assert verdict.high < 0
    assert " less than that of version 12 " in verdict.reason


def test_the_same_model_again_passes_with_no_difference_at_all(world, tmp_path):
    verdict, blessing = compare(world, tmp_path, model="good", in_service="good")
    assert_blessed(blessing, True)
    assert (verdict.increase, verdict.low, verdict.high) == (0, 0, 0)
    assert verdict.examples == EXAMPLES
    assert verdict.series == verdict.intervals


def test_few_intervals_are_reported_and_not_judged(world, tmp_path):
    many = COST.model_copy(update={"min_expected_shortages": 100})
    verdict, blessing = compare(world, tmp_path, model="timid", in_service="good", cost=many)
    assert_blessed(blessing, True)
    assert verdict.outcome == "unjudged"
    assert verdict.increase > 0.02
    assert verdict.expected_shortages == pytest.approx(0.05 * verdict.intervals)


def test_intervals_that_nobody_knows_do_not_count(world, tmp_path):
    verdict, _ = compare(world, tmp_path, model="good", in_service="good")
    eval_set = world["eval_set"]
    known = (eval_set.future_observed_mask == 1) & (eval_set.future_in_stock_fraction == 1)
    assert verdict.intervals == known[:, : COST.interval].all(axis=1).sum()


def test_the_limits_decide(world, tmp_path):
    lax = COST.model_copy(update={"max_cost_increase": 5.0})
    verdict, blessing = compare(world, tmp_path, model="timid", in_service="good", cost=lax)
    assert_blessed(blessing, True)
    assert verdict.allowed == 5


def test_without_a_model_in_service_a_model_passes(world, tmp_path):
    verdict, blessing = compare(world, tmp_path, model="timid", in_service=absent_model())
    assert_blessed(blessing, True)
    assert verdict.reason == "no model in service: the cost of stock was not judged"


def test_a_model_of_another_kind_in_service_is_no_measure(world, tmp_path):
    verdict, blessing = compare(world, tmp_path, model="good", in_service="shorter")
    assert_blessed(blessing, True)
    assert verdict.outcome == "unjudged"
    assert verdict.reason.startswith("the model in service answers {'mean': [5]")


def test_forecasts_that_are_no_numbers(world, tmp_path):
    verdict, blessing = compare(world, tmp_path / "new", model="not a number", in_service="good")
    assert_blessed(blessing, False)
    assert verdict.reason == "on the eval split a forecast is not a number"
    verdict, blessing = compare(world, tmp_path / "old", model="good", in_service="not a number")
    assert_blessed(blessing, True)
    assert verdict.reason.startswith("on the eval split a forecast is not a number, by the model")


def test_a_blessing_says_of_which_model_and_against_which(world, tmp_path):
    _, blessing = compare(world, tmp_path, model="good", in_service="timid")
    folder = path_utils.serving_model_path(world["good"].uri)
    assert blessing.get_string_custom_property("model_digest") == model_digest(folder, TfxFiles())
    assert blessing.get_string_custom_property("baseline_digest") == "d1"


def write_terms(folder, rows, days=1):
    """Terms of items, and a supplier that delivers after so many days."""
    folder.mkdir(exist_ok=True)
    pl.DataFrame(rows).write_csv(folder / "terms.csv")
    pl.DataFrame([{"supplier": "s", "quoted_lead_time_days": days}]).write_csv(
        folder / "suppliers.csv"
    )
    return {
        "supply_terms": {"path": str(folder / "terms.csv")},
        "suppliers": {"path": str(folder / "suppliers.csv")},
    }


def term(index, **changes):
    return {"item": f"item_{index}", "supplier": "s", "unit_cost": 1.0, **changes}


def test_terms_come_from_the_supply_tables(world, tmp_path):
    """The first hundred items alone have terms, and an interval of three days."""
    tables = write_terms(tmp_path, [term(index, review_period=2) for index in range(100)])
    verdict, _ = compare(world, tmp_path, model="timid", in_service="good", tables=tables)
    eval_set = world["eval_set"]
    known = (eval_set.future_observed_mask == 1) & (eval_set.future_in_stock_fraction == 1)
    assert verdict.intervals == known[:100, :3].all(axis=1).sum()
    assert verdict.outcome == "worse"


def test_dear_items_decide(world, tmp_path):
    """The model is wrong where demand is high; there a unit costs next to nothing."""
    busy = world["eval_set"].mean.mean(axis=1) > 10
    rows = [term(index, unit_cost=1e-9 if one else 1.0) for index, one in enumerate(busy)]
    everywhere, _ = compare(world, tmp_path / "a", model="timid", in_service="good")
    tables = write_terms(tmp_path / "b", rows)
    slow, _ = compare(world, tmp_path / "b", model="timid", in_service="good", tables=tables)
    assert slow.stockout_cost < 0.1 * everywhere.stockout_cost


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (
            [term(0, review_period=9)],
            f"{EXAMPLES - 1} have no usable terms of supply; 1 are longer than the forecast of 7 "
            "periods",
        ),
        (
            [term(index, review_period=9) for index in range(EXAMPLES)],
            f"{EXAMPLES} are longer than the forecast of {HORIZON} periods",
        ),
    ],
)
def test_nothing_to_cost_is_refused_with_what_is_missing(world, tmp_path, rows, words):
    tables = write_terms(tmp_path, rows)
    verdict, blessing = compare(world, tmp_path, model="good", in_service="good", tables=tables)
    assert_blessed(blessing, False)
    assert verdict.reason == f"no interval of the eval split can be costed: {words}"


def test_sales_that_nobody_recorded_cannot_be_costed(world, tmp_path):
    nothing = np.zeros((EXAMPLES, HORIZON), np.float32)
    blind = replace(world["eval_set"], future_observed_mask=nothing)
    unknown = {**world, "examples": write_examples(blind, tmp_path / "examples")}
    verdict, blessing = compare(unknown, tmp_path, model="good", in_service="good")
    assert_blessed(blessing, False)
    assert f"{EXAMPLES} have a period that is not recorded or not fully in" in verdict.reason


def test_terms_of_other_series_stop_the_run(world, tmp_path):
    tables = write_terms(tmp_path, [{"colour": "red", "supplier": "s", "unit_cost": 1.0}])
    with pytest.raises(ContractError, match="no column of the series key"):
        compare(world, tmp_path, model="good", in_service="good", tables=tables)


def test_origins_are_read_in_step_with_their_forecasts(world):
    series = make_series(HORIZON)
    split = Path(world["examples"].uri) / "Split-eval"
    origins = read_origins(str(split), series)
    order = [int(key.removeprefix("item_")) for key in origins.keys["item"]]
    eval_set = world["eval_set"]
    rows = np.array(order)[origins.happened.series_index]
    assert sorted(order) == list(range(EXAMPLES))
    assert np.array_equal(origins.happened.actual, eval_set.future_target[rows])
    assert np.array_equal(origins.happened.known, eval_set.future_observed_mask[rows] == 1)
    in_stock = eval_set.future_in_stock_fraction[rows] == 1
    assert np.array_equal(origins.happened.in_stock, in_stock)
    assert (origins.first_cutoff, origins.keys.height) == (date_of(20_000), EXAMPLES)
    folder = path_utils.serving_model_path(world["timid"].uri)
    found = forecast_origins(folder, origins, series)
    median = eval_set.quantiles[rows][..., [LEVELS.index(0.5)]]
    pressed = 0.2 * np.maximum(eval_set.quantiles[rows] - median, 0)
    expected = np.minimum(eval_set.quantiles[rows], median) + pressed
    assert np.allclose(found.quantiles, expected, atol=1e-5)
    assert np.allclose(found.mean, eval_set.mean[rows])


def test_of_many_examples_a_part_is_looked_at(world, tmp_path, monkeypatch):
    monkeypatch.setattr("demandcast.pipeline.eval_forecasts._MOST_EXAMPLES", 50)
    verdict, _ = compare(world, tmp_path, model="good", in_service="timid")
    assert verdict.examples == 50


def test_both_models_are_asked_for_the_same_examples_once(world, tmp_path, monkeypatch):
    asked = []
    ask = cost_judge.forecast_origins

    def count(folder, origins, series):
        asked.append((Path(folder).parent.name, id(origins)))
        return ask(folder, origins, series)

    monkeypatch.setattr(cost_judge, "forecast_origins", count)
    compare(world, tmp_path, model="good", in_service="timid")
    assert [name for name, _ in asked] == ["good", "timid"]
    assert len({origins for _, origins in asked}) == 1


def node(**changes):
    """The component of a configuration with changes."""
    channel = channel_utils.as_channel
    return CostJudge(
        examples=channel([standard_artifacts.Examples()]),
        model=channel([standard_artifacts.Model()]),
        model_in_service=channel([standard_artifacts.Model()]),
        config=parse(**changes),
        terms_fingerprint="f",
        code_digest="d",
    )


@pytest.mark.parametrize(
    ("changes", "again"),
    [
        ({"gate.cost": {"interval": 3}}, True),
        ({"replenishment.service": {"target": 0.9}}, True),
        ({"replenishment.paths": 300}, True),
        ({"forecast.horizon": 14}, True),
        ({"gate.change": {"min_slice_examples": 7}}, False),
        ({"replenishment.budget": 7.0}, False),
        ({"replenishment.tables": {"inventory": {"path": "stock.csv"}}}, False),
        # Without terms of supply nobody asks for their currency.
        ({"replenishment.currency": "EUR"}, False),
        ({"forecast.context_length": 35}, False),
        ({"training.epochs": 3}, False),
    ],
)
def test_a_change_runs_it_again_only_if_it_matters(changes, again):
    before, after = node().exec_properties, node(**changes).exec_properties
    assert (before != after) is again


def test_with_terms_of_supply_their_settings_matter():
    tables = {"supply_terms": {"path": "terms.csv"}, "suppliers": {"path": "suppliers.csv"}}
    with_terms = {"replenishment.tables": tables}
    before = node(**with_terms).exec_properties
    kept = json.loads(before["replenishment"])["tables"]
    assert kept["supply_terms"]["path"] == "terms.csv"
    assert kept["suppliers"]["path"] == "suppliers.csv"
    after = node(**with_terms, **{"replenishment.currency": "EUR"}).exec_properties
    assert before != after
