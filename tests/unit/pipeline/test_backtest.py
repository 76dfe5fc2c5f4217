"""What a backtest asks of the other parts, which are replaced; integration tests the whole."""

import datetime
import io
from dataclasses import replace
from types import SimpleNamespace

import pytest
from configurations import parse

from demandcast.pipeline.console import Console
from demandcast.schema.errors import BadInputError, DemandcastError
from demandcast.schema.periods import period_of

pytestmark = pytest.mark.slow

FIRST, LAST = datetime.date(2024, 1, 1), datetime.date(2024, 6, 30)
SEEN = datetime.date(2024, 6, 9)


def config(tmp_path, **changes):
    values = {"forecast.horizon": 7, "features.lags": [7], **changes}
    return parse(**values).model_copy(update={"workspace": str(tmp_path)})


@pytest.fixture
def world(monkeypatch, tmp_path):
    """The module with all that reads, trains and scores replaced; keeps what was asked."""
    from demandcast.pipeline import backtest as module
    from demandcast.pipeline import origin_forecasts
    from demandcast.pipeline.model_choice import ChosenModel

    model = ChosenModel("/models/7", 7, "run", "digest", SEEN)
    asked = SimpleNamespace(module=module, model=model, scored=[], trained=[], config=None)
    asked.looked_ahead, asked.consumers = [], []

    def check_data(data, forecast, sampling, beam):
        days = [period_of(day, forecast.frequency) for day in (FIRST, LAST)]
        return SimpleNamespace(oldest=days[0], newest=days[1], series=5)

    def feed_examples(ingestion, consumer):
        asked.scored.append(ingestion.backtest_cutoffs)
        asked.looked_ahead.append(ingestion.looks_ahead)
        asked.consumers.append(consumer)
        return "{}" if asked.model is None else '{"19000": {"overall": [[0], [0], [0], [0]]}}'

    def run(config, console, options):
        assert options.until == "training"
        asked.trained.append(config)
        return SimpleNamespace(run_id=f"run of {config.name}")

    def model_of_run(config, run_id):
        day = datetime.date.fromisoformat(config.name) + asked.late
        return replace(model, version=None, run_id=run_id, seen_until=day)

    asked.late = datetime.timedelta(0)
    monkeypatch.setattr(origin_forecasts, "check_data", check_data)
    monkeypatch.setattr(origin_forecasts, "feed_examples", feed_examples)
    monkeypatch.setattr(origin_forecasts, "open_tables", lambda data: None)
    monkeypatch.setattr(module, "run", run)
    monkeypatch.setattr(module, "model_of_run", model_of_run)
    monkeypatch.setattr(module, "model_in_service", lambda config: model)
    monkeypatch.setattr(module.Predictor, "check_fit", lambda folder, series: None)
    monkeypatch.setattr(module, "make_rows", lambda sums: ())
    asked.screen = io.StringIO()

    def start(changes=None, **options):
        asked.config = config(tmp_path, **changes or {})
        return module.backtest(
            asked.config, Console(asked.screen), module.BacktestOptions(**options)
        )

    asked.start = start
    return asked


def test_by_default_all_that_the_model_has_not_seen(world, tmp_path):
    found, folder = world.start()
    assert found.cutoffs == ("2024-06-09", "2024-06-16", "2024-06-23")
    assert found.seen_cutoffs == ()
    assert [len(cutoffs) for cutoffs in world.scored] == [3]  # One pass over the tables.
    assert folder == tmp_path / "test" / "backtests" / found.backtest_id
    assert (folder / "backtest.json").exists()


def test_cutoffs_end_where_the_splits_end(world):
    found, _ = world.start({"sampling.end": "2024-06-25"})
    assert found.cutoffs == ("2024-06-11", "2024-06-18")


def test_the_stride_is_that_of_evaluation_unless_said(world):
    assert world.start({"sampling.eval_stride": 14})[0].cutoffs == ("2024-06-09", "2024-06-23")
    assert world.start({"sampling.eval_stride": 14}, stride=6)[0].cutoffs == (
        "2024-06-11",
        "2024-06-17",
        "2024-06-23",
    )


def test_seen_cutoffs_are_marked_if_they_are_allowed(world, tmp_path):
    found, folder = world.start(count=5, allow_seen=True, output=tmp_path / "out")
    assert found.seen_cutoffs == ("2024-05-26", "2024-06-02")
    assert folder == tmp_path / "out"


def test_weekly_cutoffs_start_weeks(world):
    changes = {"forecast.frequency": "W-MON", "forecast.horizon": 2, "features.lags": []}
    found, _ = world.start(changes)
    assert found.cutoffs == ("2024-06-10",)  # Monday; the model has seen the week of the 3rd.


def test_each_cutoff_gets_its_model(world):
    found, _ = world.start({"sampling.eval_cutoffs": 3}, retrain=True, count=2)
    assert [config.name for config in world.trained] == ["2024-06-16", "2024-06-23"]
    ends = [config.sampling.end for config in world.trained]
    assert ends == [datetime.date(2024, 6, 23), datetime.date(2024, 6, 30)]
    assert {config.sampling.eval_cutoffs for config in world.trained} == {1}
    assert {config.workspace for config in world.trained} == {
        f"{world.config.workspace}/test/backtests/retrained"
    }
    assert [len(cutoffs) for cutoffs in world.scored] == [1, 1]
    assert (found.model, found.seen_cutoffs) == (None, ())
    assert {date: model.run_id for date, model in found.models.items()} == {
        "2024-06-16": "run of 2024-06-16",
        "2024-06-23": "run of 2024-06-23",
    }
    said = world.screen.getvalue()
    assert "cutoff 1 of 2: 2024-06-16" in said
    assert "cutoff 1 of 2 done, " in said


def test_training_and_validation_need_room_before_a_cutoff(world):
    """The history has 182 days: the first cutoff lies two horizons after the first day."""
    with pytest.raises(BadInputError, match="23 fit between 2024-01-15 and 2024-06-23"):
        world.start(retrain=True, count=99)
    with pytest.raises(BadInputError, match="25 fit between 2024-01-02 and 2024-06-23"):
        world.start({"sampling.min_history": 2}, allow_seen=True, count=99)


def test_a_model_that_saw_more_than_its_cutoff_stops_the_backtest(world):
    world.late = datetime.timedelta(days=1)
    with pytest.raises(DemandcastError, match="training did not end at its cutoff"):
        world.start(retrain=True)


def test_nothing_to_score_is_said(world, monkeypatch, tmp_path):
    monkeypatch.setattr(world.module, "feed_model", lambda *_, **__: "{}")
    with pytest.raises(BadInputError, match="nothing to score: no series has"):
        world.start()
    with pytest.raises(BadInputError, match="nothing to score: no series has"):
        world.start(forecasts=True, output=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_fewer_recorded_periods_give_later_cutoffs(world):
    found, _ = world.start(recorded=2)
    assert found.cutoffs == ("2024-06-14", "2024-06-21", "2024-06-28")
    assert world.start(recorded=7)[0].cutoffs == world.start()[0].cutoffs
    assert world.looked_ahead == [True, False, False]
    with pytest.raises(BadInputError, match="--recorded: got 8; at most the horizon of 7 periods"):
        world.start(recorded=8)


def test_what_came_after_the_end_is_no_reason_to_look_ahead(world):
    """`sampling.end` hides what the tables have; the horizon ends before the newest period."""
    found, _ = world.start({"sampling.end": "2024-06-20"}, recorded=2)
    assert found.cutoffs[-1] == "2024-06-18"
    assert world.looked_ahead == [False]


def test_forecasts_are_kept_only_if_asked(world, tmp_path):
    found, folder = world.start()
    assert found.origins is None
    assert not (folder / "origins").exists()
    found, folder = world.start(forecasts=True, output=tmp_path / "out")
    assert found.origins == "origins"
    assert sorted(path.name for path in folder.iterdir()) == [
        "backtest.json",
        "metrics.csv",
        "origins",
    ]


def test_models_of_their_own_share_a_table(world, tmp_path):
    found, folder = world.start(retrain=True, count=2, forecasts=True, output=tmp_path / "out")
    assert found.origins == "origins"
    places = {consumer._parts.folder for consumer in world.consumers}
    assert len(world.consumers) == 2
    assert len(places) == 1
    assert (folder / "origins").is_dir()
