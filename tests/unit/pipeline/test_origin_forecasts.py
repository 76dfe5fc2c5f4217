"""The files of an origins table appear whole or not at all; integration forecasts in earnest."""

import io
from types import SimpleNamespace

import pytest
from configurations import parse
from origins_world import origin_row, origins_frame_of, spec

from demandcast.pipeline.console import Console
from demandcast.schema.errors import BadInputError, ContractError
from demandcast.schema.origin_arrays import read_origins

pytestmark = pytest.mark.slow


def config(**changes):
    values = {
        "data.columns.series_key": ["store", "item"],
        "forecast.horizon": 2,
        "forecast.quantile_levels": [0.1, 0.5, 0.9],
        "features.lags": [7],
    }
    return parse(**values | changes)


def frame(day, mean=1.0):
    return origins_frame_of([origin_row("a", day, step, actual=1.0, mean=mean) for step in (1, 2)])


def fill(config, folder, *days, mean=1.0):
    """Keeps forecasts as two passes over the tables do, a cutoff each."""
    from demandcast.pipeline.origin_forecasts import open_origins

    with open_origins(config, folder) as origins:
        for day in days:
            origins.parts.write(frame(day, mean))
            origins.join()


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_each_pass_adds_its_cutoffs(tmp_path):
    fill(config(), tmp_path / "new", 0, 7)
    assert names(tmp_path / "new") == ["origins"]
    assert names(tmp_path / "new" / "origins") == ["2024-01-01.parquet", "2024-01-08.parquet"]


def test_an_earlier_table_is_replaced_as_a_whole(tmp_path):
    fill(config(), tmp_path, 0, 7)
    fill(config(), tmp_path, 14, mean=5.0)
    assert names(tmp_path) == ["origins"]
    assert read_origins(tmp_path / "origins", spec()).mean.tolist() == [[5.0, 5.0]]


def test_nothing_stays_of_an_attempt_that_fails(tmp_path):
    broken = (0, "no day")
    with pytest.raises(TypeError):
        fill(config(), tmp_path / "new", *broken)
    assert not (tmp_path / "new").exists()
    fill(config(), tmp_path / "old", 7)
    with pytest.raises(TypeError):
        fill(config(), tmp_path / "old", *broken)
    assert names(tmp_path / "old") == ["origins"]
    assert names(tmp_path / "old" / "origins") == ["2024-01-08.parquet"]


def test_what_a_killed_command_left_is_removed(tmp_path):
    left = tmp_path / ".origins.part" / "joined"
    left.mkdir(parents=True)
    (left / "2023-01-01.parquet").write_text("half")
    fill(config(), tmp_path, 0)
    assert names(tmp_path) == ["origins"]
    assert names(tmp_path / "origins") == ["2024-01-01.parquet"]


def test_workers_on_other_machines_leave_their_parts_where_they_reach(tmp_path):
    from demandcast.pipeline.origin_forecasts import open_origins

    elsewhere = config(**{"beam.args": [f"--temp_location={tmp_path}/shared"]})
    with open_origins(elsewhere, tmp_path / "here") as origins:
        assert origins.parts.folder.startswith(f"{tmp_path}/shared/")
        origins.parts.write(frame(0))
        origins.join()
    assert names(tmp_path / "shared") == []
    assert names(tmp_path / "here" / "origins") == ["2024-01-01.parquet"]


def test_a_key_that_the_table_needs_for_itself_is_refused_before_any_work(tmp_path):
    with pytest.raises(BadInputError, match="rename the key column 'actual'"):
        fill(config(**{"data.columns.series_key": ["actual"]}), tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.fixture
def world(monkeypatch, tmp_path):
    """The module with the tables and the model replaced."""
    from demandcast.pipeline import origin_forecasts as module

    def check_data(data, forecast, sampling, beam):
        return SimpleNamespace(oldest=19000, newest=19800, series=5)

    asked = SimpleNamespace(module=module, ingestion=None, frames=[frame(0), frame(7)])

    def feed_examples(ingestion, consumer):
        asked.ingestion = ingestion
        for one in asked.frames:
            consumer._parts.write(one)
        return str(len(asked.frames))

    monkeypatch.setattr(module, "check_data", check_data)
    monkeypatch.setattr(module, "feed_examples", feed_examples)
    monkeypatch.setattr(module, "open_tables", lambda data: None)
    monkeypatch.setattr(module.Predictor, "check_fit", lambda folder, series: None)

    def start(*cutoffs):
        return module.forecast_origins(
            config(),
            Console(io.StringIO()),
            model=SimpleNamespace(folder="/models/7"),
            cutoffs=cutoffs,
            folder=tmp_path / "out",
        )

    asked.start = start
    return asked


def test_forecasts_at_cutoffs_come_as_a_table(world, tmp_path):
    assert world.start(19723, 19730) == tmp_path / "out" / "origins"
    assert (world.ingestion.backtest_cutoffs, world.ingestion.looks_ahead) == (
        (19723, 19730),
        False,
    )
    found = read_origins(tmp_path / "out" / "origins", spec())
    assert found.cutoff_days.tolist() == [19723, 19730]


@pytest.mark.parametrize(("newest", "ahead"), [(19798, False), (19799, True)])
def test_a_horizon_beyond_the_newest_period_asks_for_plans(world, newest, ahead):
    """The newest period is 19800, and the horizon has two."""
    world.start(19700, newest)
    assert world.ingestion.looks_ahead is ahead


def test_no_forecast_is_said(world, tmp_path):
    world.frames = []
    with pytest.raises(BadInputError, match="nothing to forecast: no series has"):
        world.start(19723)
    assert not (tmp_path / "out").exists()


def test_what_a_worker_refuses_is_said_in_its_words(world, monkeypatch):
    def feed_examples(*_):
        raise RuntimeError("a bundle failed") from ContractError(
            "sales: 3 rows [while running 'x']"
        )

    monkeypatch.setattr(world.module, "feed_examples", feed_examples)
    with pytest.raises(ContractError, match=r"^sales: 3 rows$"):
        world.start(19723)


def test_other_errors_stay_what_they_are(world, monkeypatch):
    def feed_examples(*_):
        raise RuntimeError("a bundle failed")

    monkeypatch.setattr(world.module, "feed_examples", feed_examples)
    with pytest.raises(RuntimeError, match="a bundle failed"):
        world.start(19723)
