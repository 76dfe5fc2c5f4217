"""The search, over a training that takes no time: which trials, until when, and after a kill."""

import json
import logging
import math

import pytest
from tuning_fakes import SPACE, FakeTraining, Killed, bowl, make_tuner, scores, tuning

from demandcast.schema.config import NetworkConfig, TrainingConfig

pytestmark = pytest.mark.slow

ALGORITHMS = ("bayesian", "random", "hyperband")
UNTUNED = {"network.units": 64, "network.dropout": 0.1, "training.learning_rate": 2e-3}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "search"


def searched(folder, training, config, **kwargs):
    """Runs a search to its end and summarises it."""
    tuner = make_tuner(folder, training, config, **kwargs)
    tuner.search()
    return tuner.summary()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_untuned_values_are_the_first_trial_so_the_best_is_never_worse(folder, algorithm):
    training = FakeTraining()
    report = searched(folder, training, tuning(algorithm=algorithm))
    assert report.trials[0].values == UNTUNED
    assert training.calls[0][0] == NetworkConfig()
    assert report.trials[0].score == bowl(NetworkConfig(), TrainingConfig())
    assert report.best == report.best_first[0].values
    assert report.best_first[0].score <= report.trials[0].score
    assert report.stopped_by == "trials"
    assert [trial.trial for trial in report.trials] == [f"{number:03d}" for number in range(6)]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_trials_train_with_their_values_and_the_rest_as_configured(folder, algorithm):
    training = FakeTraining()
    report = searched(folder, training, tuning(algorithm=algorithm))
    for trial, (network, learning) in zip(report.trials, training.calls, strict=True):
        assert trial.values["network.units"] == network.units
        assert trial.values["network.units"] in SPACE["network"]["units"]
        assert trial.values["network.dropout"] == network.dropout
        assert 0 <= network.dropout <= 0.4
        assert trial.values["training.learning_rate"] == learning.learning_rate
        assert 1e-4 <= learning.learning_rate <= 1e-1
        assert (network.layers, learning.batch_size) == (1, 512)
        assert set(trial.values) == set(UNTUNED)  # Nothing of KerasTuner's own.
    if algorithm != "hyperband":
        assert len({json.dumps(trial.values) for trial in report.trials}) == 6


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_same_seed_searches_the_same_and_another_does_not(tmp_path, algorithm):
    one, two, other = (
        searched(tmp_path / str(number), FakeTraining(), tuning(algorithm=algorithm, seed=seed))
        for number, seed in enumerate((0, 0, 1))
    )
    assert one == two
    assert one.trials[0] == other.trials[0]
    assert one.trials[1].values != other.trials[1].values


def test_hyperband_tries_briefly_first_and_longer_what_was_good(folder):
    report = searched(
        folder, FakeTraining(), tuning(algorithm="hyperband", max_trials=14), epochs=9
    )
    # 9 epochs and a factor of 3: nine trials of one epoch, the best three of them for three, the
    # best one for nine. The untuned values come before, whole.
    assert [trial.epochs for trial in report.trials] == [9, *[1] * 9, *[3] * 3, 9]
    short = report.trials[1:10]
    best = sorted(short, key=lambda trial: trial.score)[:3]
    assert [trial.values for trial in report.trials[10:13]] == [trial.values for trial in best]


def test_epochs_and_windows_of_a_trial_may_be_fewer(folder):
    training = FakeTraining()
    searched(folder, training, tuning(epochs=2, windows_per_series=3, max_trials=2), epochs=20)
    assert {(each.epochs, each.windows_per_series) for _, each in training.calls} == {(2, 3)}


def test_a_trial_that_meets_the_end_of_the_time_is_cut_short_and_scored(folder):
    report = searched(folder, FakeTraining(), tuning(max_seconds=9.5))
    # Trials of 4 epochs of 1 s: two whole ones, and 1.5 s of a third.
    assert [trial.epochs for trial in report.trials] == [4, 4, 2]
    assert [trial.seconds for trial in report.trials] == pytest.approx([4, 4, 1.5])
    assert [trial.cut_short for trial in report.trials] == [False, False, True]
    assert report.trials[2].status == "completed"
    assert report.trials[2].score is not None
    assert report.stopped_by == "time"
    assert report.seconds == pytest.approx(9.5)


def test_one_trial_runs_however_short_the_time(folder):
    report = searched(folder, FakeTraining(), tuning(max_seconds=1e-9))
    (trial,) = report.trials
    assert (trial.epochs, trial.status, trial.cut_short) == (1, "completed", True)
    assert (report.best, report.stopped_by) == (UNTUNED, "time")


def test_no_trial_begins_that_could_not_end_an_epoch(folder):
    report = searched(folder, FakeTraining(), tuning(max_seconds=8.5))
    assert [trial.epochs for trial in report.trials] == [4, 4]  # 0.5 s are left, an epoch takes 1.
    assert (report.stopped_by, report.seconds) == ("time", 8)


def test_a_training_s_own_limit_is_no_cut(folder):
    """The Trainer will stop there, too."""
    from demandcast.components.tuning.budget import Budget
    from demandcast.components.tuning.search import Search, open_search

    training, config = FakeTraining(), tuning(max_trials=1, max_seconds=100)
    limited = TrainingConfig(epochs=50, max_minutes=0.5)
    tuner = open_search(
        Search(config, NetworkConfig(), limited),
        training,
        budget=Budget(100, clock=training.clock),
        folder=str(folder),
    )
    tuner.search()
    (trial,) = tuner.summary().trials
    assert (trial.seconds, trial.cut_short) == (30, False)


@pytest.mark.parametrize("bad", [None, math.inf])
def test_a_trial_without_a_finite_loss_fails_and_the_search_goes_on(folder, bad):
    def loss(network, training):
        return bad if network.units == 64 else bowl(network, training)

    report = searched(folder, FakeTraining(loss), tuning(algorithm="random", seed=1))
    failed = [trial for trial in report.trials if trial.status == "failed"]
    assert failed[0].values == UNTUNED
    assert [trial.score for trial in failed] == [None] * len(failed)
    assert {trial.values["network.units"] for trial in failed} == {64}
    assert len(report.trials) == 6
    assert report.best["network.units"] != 64


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_if_every_trial_fails_the_untuned_values_are_best(folder, algorithm, caplog):
    with caplog.at_level(logging.INFO, logger="demandcast"):
        report = searched(
            folder, FakeTraining(lambda *_: None), tuning(algorithm=algorithm, max_trials=5)
        )
    assert [trial.status for trial in report.trials] == ["failed"] * 5
    assert report.best == UNTUNED
    assert "no trial has a finite loss" in caplog.text


def test_too_little_memory_fails_the_trial_and_a_bug_the_search(folder):
    import keras_tuner
    import tensorflow as tf

    def loss(network, training):
        if network.units == 64:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM")
        raise TypeError("a bug")

    training = FakeTraining(loss)
    with pytest.raises(keras_tuner.errors.FatalError, match="a bug") as raised:
        searched(folder, training, tuning(algorithm="random", seed=1))
    assert isinstance(raised.value.__cause__, TypeError)
    assert {network.units for network, _ in training.calls[:-1]} == {64}
    assert training.calls[-1][0].units != 64


def test_a_space_of_two_choices_ends_after_two_trials(folder):
    space = {"network": {"units": [64, 32]}, "training": {}}
    report = searched(folder, FakeTraining(), tuning(space=space, algorithm="random"))
    assert [trial.values["network.units"] for trial in report.trials] == [64, 32]
    assert report.stopped_by == "search space exhausted"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("kill_at", [0, 3])
def test_a_killed_search_goes_on_as_if_nothing_had_happened(tmp_path, algorithm, kill_at):
    config = tuning(algorithm=algorithm, max_trials=8)
    whole = searched(tmp_path / "whole", FakeTraining(), config)
    with pytest.raises(Killed):
        searched(tmp_path / "killed", FakeTraining(kill_at=kill_at), config)
    training = FakeTraining()
    resumed = searched(tmp_path / "killed", training, config)
    assert resumed.resumed_trials == kill_at
    assert len(training.calls) == 8 - kill_at
    assert resumed.trials == whole.trials
    assert resumed.best == whole.best
    assert resumed.seconds == whole.seconds  # What was spent before the kill counts.


def test_a_kill_between_two_files_loses_at_most_a_trial(folder):
    """KerasTuner writes a trial's file and its own in turn; here its own is one trial older."""
    config = tuning(algorithm="random")
    with pytest.raises(Killed):
        searched(folder, FakeTraining(kill_at=2), config)
    older = (folder / "oracle.json").read_text()
    with pytest.raises(Killed):
        searched(folder, FakeTraining(kill_at=2), config)
    assert older != (folder / "oracle.json").read_text()
    (folder / "oracle.json").write_text(older)
    training = FakeTraining()
    resumed = searched(folder, training, config)
    assert resumed.resumed_trials == 4
    assert [trial.trial for trial in resumed.trials] == [f"{number:03d}" for number in range(6)]
    assert None not in scores(make_tuner(folder, FakeTraining(), config))


def test_files_are_never_half_written(folder):
    searched(folder, FakeTraining(), tuning(max_trials=2))
    assert not list(folder.rglob("*.new"))
    assert (folder / "trial_001" / "trial.json").stat().st_size


@pytest.mark.parametrize("file", ["oracle.json", "trial_001/trial.json", "trial_001/report.json"])
@pytest.mark.parametrize("text", ["", "{}", '{"ongoing_trials": {"tuner0": "007"}}'])
def test_a_search_that_cannot_be_read_begins_anew(folder, caplog, file, text):
    first = searched(folder, FakeTraining(), tuning(max_trials=2))
    (folder / file).write_text(text)
    report = searched(folder, FakeTraining(), tuning(max_trials=2))
    assert "cannot be read and begins anew" in caplog.text
    assert report == first  # The time of what is put aside does not count.
    assert (folder.with_name("search.damaged-1") / file).read_text() == text


def test_every_damaged_search_is_kept(folder):
    for text in ("one", "two"):
        searched(folder, FakeTraining(), tuning(max_trials=1))
        (folder / "oracle.json").write_text(text)
    searched(folder, FakeTraining(), tuning(max_trials=1))
    kept = [folder.with_name(f"search.damaged-{number}") / "oracle.json" for number in (1, 2)]
    assert [file.read_text() for file in kept] == ["one", "two"]


@pytest.mark.parametrize("part", ["search_space", "make_oracle"])
def test_a_bug_before_the_search_is_read_leaves_its_trials_alone(folder, monkeypatch, part):
    from demandcast.components.tuning import search

    def bug(*_, **__):
        raise ValueError("a bug")

    first = searched(folder, FakeTraining(), tuning(max_trials=2))
    with monkeypatch.context() as patch:
        patch.setattr(search, part, bug)
        with pytest.raises(ValueError, match="a bug"):
            make_tuner(folder, FakeTraining(), tuning(max_trials=2))
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    training = FakeTraining()
    assert searched(folder, training, tuning(max_trials=2)).trials == first.trials
    assert training.calls == []


def test_a_search_whose_state_is_gone_begins_anew(folder, caplog):
    first = searched(folder, FakeTraining(), tuning(max_trials=2))
    (folder / "oracle.json").unlink()
    assert searched(folder, FakeTraining(), tuning(max_trials=2)) == first
    assert "cannot be read and begins anew" in caplog.text


def test_a_trial_without_its_result_runs_again(folder):
    first = searched(folder, FakeTraining(), tuning(max_trials=2))
    (folder / "trial_001" / "report.json").unlink()
    training = FakeTraining()
    assert searched(folder, training, tuning(max_trials=2)).trials == first.trials
    assert len(training.calls) == 1


def test_a_finished_search_answers_at_once(folder):
    config = tuning(max_seconds=9.5)
    first = searched(folder, FakeTraining(), config)
    training = FakeTraining()
    again = searched(folder, training, config)
    assert training.calls == []
    assert again == first.model_copy(update={"resumed_trials": 3})


def test_with_more_time_it_goes_on_with_the_trial_that_was_cut_short(folder):
    before = searched(folder, FakeTraining(), tuning(max_seconds=9.5))
    training = FakeTraining()
    after = searched(folder, training, tuning(max_seconds=17.5))
    assert after.trials[:2] == before.trials[:2]
    assert after.trials[2].values == before.trials[2].values
    assert [trial.epochs for trial in after.trials] == [4, 4, 4, 4]
    assert after.resumed_trials == 2
    assert len(training.calls) == 2


def test_with_more_trials_allowed_it_goes_on(folder):
    searched(folder, FakeTraining(), tuning(algorithm="random", max_trials=3))
    training = FakeTraining()
    after = searched(folder, training, tuning(algorithm="random", max_trials=12))
    assert (after.resumed_trials, len(training.calls), len(after.trials)) == (3, 9, 12)


def test_each_trial_says_a_line_with_the_time_that_is_left(folder, caplog):
    with caplog.at_level(logging.INFO, logger="demandcast"):
        searched(folder, FakeTraining(), tuning(max_trials=2, max_seconds=60))
    lines = [record.getMessage() for record in caplog.records]
    score = f"{bowl(NetworkConfig(), TrainingConfig()):.4f}"
    assert lines[0] == (
        "bayesian search, first with the values as they are: at most 2 trials, 60 s left"
    )
    assert lines[1] == (
        f"trial 1 of 2: {score} after 4 epochs, 4 s (units 64, dropout 0.1, learning_rate 0.002); "
        f"best {score} of trial 1; 56 s left"
    )
    assert lines[2].startswith("trial 2 of 2: ")
    assert len(lines) == 3


def test_what_a_training_says_is_thinned_out(folder, caplog):
    said = logging.getLogger("demandcast.components.forecasting.training")

    def loss(network, training):
        for epoch in range(50):
            said.info("epoch %d", epoch)
        return bowl(network, training)

    with caplog.at_level(logging.INFO, logger="demandcast"):
        searched(folder, FakeTraining(loss), tuning(max_trials=2))
        said.info("after the search")
    assert "epoch" not in "".join(
        record.getMessage() for record in caplog.records if record.name == said.name
    )
    assert "after the search" in caplog.text


def test_the_best_values_are_what_tfx_writes_for_the_trainer(folder):
    tuner = make_tuner(folder, FakeTraining(), tuning(algorithm="hyperband"))
    tuner.search()
    config = tuner.get_best_hyperparameters()[0].get_config()
    assert config["values"] == tuner.summary().best
    assert json.loads(json.dumps(config))["values"] == config["values"]
