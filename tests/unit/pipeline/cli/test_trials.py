"""The table of trials."""

import pytest

from demandcast.components.tuning.results import SearchReport, TrialReport
from demandcast.pipeline.cli.trials import show_search
from demandcast.pipeline.reports import ArtifactReport, RunReport, StageReport
from demandcast.schema.artifact_names import TRIALS_FILE


def trial(number, score=None, **changes):
    return TrialReport(
        trial=f"{number:03d}",
        status="failed" if score is None else "completed",
        score=score,
        seconds=12.34,
        epochs=7,
        values={"network.units": 8 * number, "training.learning_rate": 0.00123456},
        **changes,
    )


def report_of(folder, *trials, **changes):
    search = SearchReport(
        objective="val_weighted_quantile_loss",
        direction="min",
        algorithm="random",
        budget_seconds=90,
        max_trials=20,
        best=trials[0].values,
        trials=trials,
        **({"stopped_by": "time", "seconds": 91.0, "resumed_trials": 0} | changes),
    )
    (folder / TRIALS_FILE).write_text(search.model_dump_json())
    tuner = StageReport(
        "Tuner", "cached", "", 0.1, 0, {"tuner_results": ArtifactReport(str(folder))}
    )
    return RunReport("demand", "one", "succeeded", 1.0, (tuner,), "log", "artifacts", "serving")


def test_the_best_trials_and_the_untuned_one(tmp_path, capsys):
    scores = [0.9, 0.5, None, 0.2, 0.4, 0.3, 0.6]
    trials = [trial(number, score) for number, score in enumerate(scores)]
    show_search(report_of(tmp_path, *trials))
    blank, headline, blank_too, header, *rows = capsys.readouterr().out.splitlines()
    assert (blank, blank_too) == ("", "")
    assert headline == "Search: 7 trials, 1 failed, in 1 min 31 s; ended by: time."
    assert header.split() == ["trial", "loss", "time", "epochs", "units", "learning_rate"]
    assert rows[0].split() == ["4", "0.2000", "12.3", "s", "7", "24", "0.001235"]
    assert [row.split()[0] for row in rows] == ["4", "6", "5", "2", "7", "1"]
    assert rows[-1].split()[:3] == ["1", "(untuned)", "0.9000"]


def test_what_was_cut_short_kept_or_failed_is_said(tmp_path, capsys):
    trials = (trial(0), trial(1, 0.5, cut_short=True))
    show_search(report_of(tmp_path, *trials, resumed_trials=1, stopped_by="trials"))
    text = capsys.readouterr().out
    assert "2 trials, 1 of them kept from before, 1 failed" in text
    assert "2 (cut short)  0.5000" in text
    assert "1 (untuned)    failed" in text


@pytest.mark.parametrize("stages", [(), (StageReport("Tuner", "failed", "", 0.1, 0),)])
def test_without_results_nothing_is_said(capsys, stages):
    show_search(RunReport("demand", "one", "failed", 1.0, stages, "log", "artifacts", "serving"))
    assert capsys.readouterr().out == ""
