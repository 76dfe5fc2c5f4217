"""What came of each trial, on disk."""

import pytest

from demandcast.components.tuning.results import TrialReport

pytestmark = pytest.mark.slow


def trial(name, score=0.5):
    return TrialReport(trial=name, status="completed", score=score, seconds=1, epochs=1, values={})


@pytest.fixture
def journal(tmp_path):
    from demandcast.components.tuning.journal import Journal

    return Journal(str(tmp_path / "search"))


def test_an_empty_journal_has_no_trials(journal):
    assert journal.all() == ()
    assert journal.read("000") is None


def test_trials_come_back_in_the_order_of_their_names(journal):
    for name in ("010", "002"):
        journal.write(trial(name))
    assert journal.read("010") == trial("010")
    assert journal.all() == (trial("002"), trial("010"))


def test_a_trial_that_runs_again_replaces_what_it_was(journal, tmp_path):
    journal.write(trial("000"))
    journal.write(trial("000", score=0.25))
    assert journal.all() == (trial("000", score=0.25),)
    assert [path.name for path in (tmp_path / "search" / "trial_000").iterdir()] == ["report.json"]
