"""Which cutoffs a model has not seen; forecasts at them are in `tests/integration`."""

import datetime
import io
from types import SimpleNamespace

import pytest
from supply_world import supply_config

from demandcast.pipeline import unseen_origins
from demandcast.pipeline.chosen_model import ChosenModel
from demandcast.pipeline.console import Console
from demandcast.schema.periods import period_of

pytestmark = pytest.mark.slow

LAST = datetime.date(2026, 6, 30)


@pytest.fixture
def look(tmp_path, monkeypatch):
    """Looks for cutoffs in a year of days, with a horizon of 14."""
    last = period_of(LAST, "D")
    tables = SimpleNamespace(oldest=last - 364, last=last)
    monkeypatch.setattr(unseen_origins.Tables, "check", lambda config, console: tables)

    def look(seen_until):
        model = ChosenModel("folder", 7, "run", "digest", seen_until)
        console = Console(io.StringIO(), quiet=True)
        found = unseen_origins.Unseen.look(supply_config(tmp_path), console, model)
        return [last - cutoff for cutoff in found.cutoffs], found

    return look


def test_cutoffs_are_a_week_apart_and_their_horizons_are_known(look):
    days_before, _ = look(LAST - datetime.timedelta(days=30))
    assert days_before == [28, 21, 14]


@pytest.mark.parametrize("seen_until", [LAST, LAST - datetime.timedelta(days=13), None])
def test_a_model_that_has_seen_it_all_teaches_nothing_and_says_why(look, caplog, seen_until):
    days_before, unseen = look(seen_until)
    assert days_before == []
    assert "nothing to calibrate by" in caplog.text
    assert unseen.forecast(None, None, model=None, folder=None) is None
