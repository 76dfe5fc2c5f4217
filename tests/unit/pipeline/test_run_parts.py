import json

import pytest
from proposal_tables import chain_summary, projections
from run_folders import BACKTEST, TRIALS, write_run

from demandcast.components.replenishment.projection_picks import write_projections
from demandcast.components.replenishment.proposal_summary import write_summary
from demandcast.pipeline import run_parts
from demandcast.pipeline.run_files import read_run


@pytest.fixture
def run(tmp_path):
    return read_run(write_run(tmp_path, "r1"))


def test_training_is_read(run):
    part = run_parts.training_part(run)
    assert part.curves["val_weighted_quantile_loss"] == (0.5, 0.3)
    assert (part.best_epoch, part.naive_loss, part.seconds) == (2, 0.7, 1.5)


def test_training_from_the_cache_took_no_time(tmp_path):
    folder = write_run(tmp_path, "r1")
    values = json.loads((folder / "run.json").read_text())
    for stage in values["stages"]:
        stage["status"] = "cached"
    (folder / "run.json").write_text(json.dumps(values))
    assert run_parts.training_part(read_run(folder)).seconds is None


def test_forecasts_are_read_with_the_size_of_the_split(run):
    part = run_parts.forecasts_part(run)
    assert (part.sampled, part.of, part.scored, part.period_days) == (100, 380, 90, 7)
    (one,) = part.forecasts
    assert one.series.name == "s1, <b>milk</b>"
    assert one.quantiles == ((1.0, 2.0, 3.0), (2.0, 3.0, 4.0))
    assert one.past == (None, 3.0)


def test_coverage_joins_sample_and_verdict(run):
    part = run_parts.coverage_part(run)
    assert part.sampled
    assert part.periods == 200
    assert [(one.level, one.below) for one in part.levels] == [(0.1, 0.09)]
    assert part.intervals == ((0.8, 0.79, 0.6),)


def test_coverage_needs_no_sample(run):
    (run.artifact("Evaluator", "evaluation") / "forecast_examples.json").unlink()
    part = run_parts.coverage_part(run)
    assert (part.levels, part.intervals) == ((), ((0.8, 0.79, 0.6),))


def test_trials_are_read(tmp_path):
    folder = write_run(tmp_path, "r1")
    values = json.loads((folder / "run.json").read_text())
    tuner = tmp_path / "tuner"
    tuner.mkdir()
    (tuner / "trials.json").write_text(json.dumps(TRIALS))
    outputs = {"tuner_results": {"uri": str(tuner), "properties": {}}}
    values["stages"].append({**values["stages"][-1], "name": "Tuner", "outputs": outputs})
    (folder / "run.json").write_text(json.dumps(values))
    part = run_parts.tuning_part(read_run(folder))
    assert part.best == {"units": "64", "learning_rate": "0.001235"}
    assert [trial.score for trial in part.trials] == [0.2, None]
    assert part.resumed == 1


def test_orders_are_read(tmp_path):
    folder = write_run(tmp_path, "r1")
    values = json.loads((folder / "run.json").read_text())
    proposed = tmp_path / "proposals"
    proposed.mkdir()
    write_summary(chain_summary(2, 10), proposed)
    write_projections(projections(), proposed)
    outputs = {"proposals": {"uri": str(proposed), "properties": {}}}
    values["stages"].append({**values["stages"][-1], "name": "Replenisher", "outputs": outputs})
    (folder / "run.json").write_text(json.dumps(values))
    part = run_parts.orders_part(read_run(folder))
    assert part.summary == chain_summary(2, 10)
    assert part.stock == projections()


def write_backtest(run, name, **changes):
    folder = run.folder.parent.parent / "backtests" / name
    folder.mkdir(parents=True)
    (folder / "backtest.json").write_text(json.dumps({**BACKTEST, "backtest_id": name, **changes}))


@pytest.mark.parametrize(
    ("model", "found"), [({"version": 7, "digest": "d" * 64}, True), ({"digest": "other"}, False)]
)
def test_a_backtest_of_this_model_is_shown(run, model, found):
    write_backtest(run, "b1", model=model, retrain=False)
    part = run_parts.backtest_part(run)
    assert (part is not None) == found
    if part:
        assert part.rows[0].metrics["weighted_quantile_loss"] == 0.2
        assert "examples" not in part.rows[0].metrics


@pytest.mark.parametrize(
    ("created", "found"),
    [("2026-04-01T09:30:04+00:00", False), ("2026-04-01T09:30:05+00:00", True)],
)
def test_a_backtest_of_the_pipeline_is_shown_if_it_is_not_older_than_the_run(run, created, found):
    write_backtest(run, "b1", created=created)
    part = run_parts.backtest_part(run)
    assert (part is not None) == found
    assert part is None or part.retrain


def test_a_run_that_does_not_say_when_it_began_shows_no_backtest_of_the_pipeline(tmp_path):
    run = read_run(write_run(tmp_path, "r1", started=None))
    write_backtest(run, "b1", created="2027-01-01T00:00:00+00:00")
    assert run_parts.backtest_part(run) is None


def test_a_backtest_of_this_model_goes_before_a_newer_one_of_the_pipeline(run):
    write_backtest(run, "b1", model={"version": 7, "digest": "d" * 64}, retrain=False)
    write_backtest(run, "b2", created="2027-01-01T00:00:00+00:00")
    assert run_parts.backtest_part(run).name == "b1"


@pytest.mark.parametrize(
    "read",
    [
        run_parts.training_part,
        run_parts.forecasts_part,
        run_parts.coverage_part,
        run_parts.tuning_part,
        run_parts.backtest_part,
        run_parts.orders_part,
    ],
)
def test_a_run_that_got_nowhere_has_no_parts(tmp_path, read):
    assert read(read_run(write_run(tmp_path, "r1", failed_in="SeriesExampleGen"))) is None
