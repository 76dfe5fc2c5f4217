"""The table of a backtest, from rows with chosen numbers."""

import pytest

from demandcast.components.backtest.result import ALL, Backtest, BacktestModel, BacktestRow
from demandcast.components.backtest.scoring import FORECASTERS
from demandcast.pipeline.cli.backtest_table import backtest_text


def row(cutoff, name, forecaster, loss, examples=10):
    return BacktestRow(
        cutoff=cutoff,
        slice=name,
        forecaster=forecaster,
        examples=examples,
        weighted_quantile_loss=loss,
        wape=None if loss is None else 2 * loss,
        bias=0.01,
        mase=0.7,
        rmsse=0.8,
        coverage_80=0.81 if forecaster == "demandcast" else None,
        coverage_90=None,
    )


def rows_of(cutoff, name, loss):
    """The model has a loss, the others one of 0.5."""
    return [row(cutoff, name, one, loss if one == "demandcast" else 0.5) for one in FORECASTERS]


def found(rows, cutoffs=("2024-05-01", "2024-05-08"), **changes):
    values = {
        "backtest_id": "b",
        "created": "2024-06-01T00:00:00+00:00",
        "pipeline": "demand",
        "model": BacktestModel(version=7, digest="d", run_id="r1", seen_until="2024-05-08"),
        "retrain": False,
        "models": {},
        "cutoffs": cutoffs,
        "seen_cutoffs": (),
        "horizon": 7,
        "frequency": "D",
        "seconds": 1.0,
        "rows": tuple(rows),
    }
    return Backtest(**values | changes)


def line_of(text, start):
    (line,) = [line for line in text.splitlines() if line.startswith(start)]
    return line.split()


def test_each_forecaster_has_its_line_and_its_skill():
    text = backtest_text(found(rows_of(ALL, "overall", 0.2)))
    expected = ["10", "0.2000", "0.6000", "0.4000", "0.6000", "0.0100", "0.7000", "0.8000"]
    assert line_of(text, "demandcast")[1:] == [*expected, "0.8100", "-"]
    assert line_of(text, "seasonal_naive")[3] == "0.0000"
    assert line_of(text, "croston")[-2:] == ["-", "-"]


def test_what_is_shown_as_zero_has_no_sign():
    rows = rows_of(ALL, "overall", 0.2)
    rows[FORECASTERS.index("demandcast")] = rows[0].model_copy(update={"bias": -0.00001})
    assert line_of(backtest_text(found(rows)), "demandcast")[6] == "0.0000"


def test_cutoffs_have_lines_and_hindsight_is_marked():
    rows = rows_of(ALL, "overall", 0.2) + rows_of("2024-05-01", "overall", 0.1)
    text = backtest_text(found(rows, seen_cutoffs=("2024-05-01",)))
    assert "1 of 2 cutoffs are hindsight (*): the model has seen the data until 2024-05-08." in text
    assert line_of(text, "2024-05-01*")[2:4] == ["0.1000", "0.8000"]
    assert line_of(text, "2024-05-08")[1:3] == ["0", "-"]  # Nothing was scored there.


def test_the_newest_cutoffs_are_shown():
    cutoffs = tuple(f"2024-05-{day:02d}" for day in range(1, 16))
    text = backtest_text(found(rows_of(ALL, "overall", 0.2), cutoffs))
    assert "2024-05-03" not in text
    assert "2024-05-04" in text
    assert "... and 3 earlier cutoffs in metrics.csv" in text


def test_the_slices_where_the_model_saves_least_come_first():
    losses = {"a": 0.4, "b": 0.6, "c": 0.1, "d": None, "e": 0.2, "f": 0.3, "g": 0.05}
    rows = rows_of(ALL, "overall", 0.2)
    for name, loss in losses.items():
        rows += rows_of(ALL, f"store={name}", loss)
    text = backtest_text(found(rows))
    shown = [line.split()[0] for line in text.splitlines() if line.startswith("store=")]
    assert shown == ["store=b", "store=a", "store=f", "store=e", "store=c"]
    assert line_of(text, "store=b")[3] == "-0.2000"


@pytest.mark.parametrize(
    ("changes", "heading"),
    [
        ({}, "Version 7, at 2 cutoffs, 2024-05-01 to 2024-05-08, 7 days each."),
        ({"frequency": "W-MON"}, "Version 7, at 2 cutoffs, 2024-05-01 to 2024-05-08, 7 weeks"),
        ({"cutoffs": ("2024-05-01",)}, "Version 7, at cutoff 2024-05-01, 7 days each."),
        ({"model": None, "retrain": True}, "Models trained on the data up to each cutoff, at 2"),
        (
            {"model": BacktestModel(version=None, digest="d", run_id="r1", seen_until=None)},
            "The model of run r1, at 2 cutoffs",
        ),
    ],
)
def test_the_heading_says_what_was_scored(changes, heading):
    assert backtest_text(found(rows_of(ALL, "overall", 0.2), **changes)).startswith(heading)


def test_a_model_that_does_not_say_what_it_has_seen():
    model = BacktestModel(version=7, digest="d", run_id=None, seen_until=None)
    text = backtest_text(
        found(rows_of(ALL, "overall", 0.2), model=model, seen_cutoffs=("2024-05-01", "2024-05-08"))
    )
    assert "2 of 2 cutoffs are hindsight (*): the model does not say what it has seen." in text
