import pytest
from run_folders import write_run

from demandcast.pipeline.run_files import previous_run, read_run
from demandcast.schema.errors import BadInputError


def test_a_run_gives_stages_and_artifacts(tmp_path):
    run = read_run(write_run(tmp_path, "r1"))
    assert run.report.run_id == "r1"
    assert run.artifact("Trainer", "model_run").name == "Trainer"
    assert run.artifact("Trainer", "nothing") is None
    assert run.artifact("Tuner", "tuner_results") is None
    assert run.artifact_json("Trainer", "model_run", "training.json")["best_epoch"] == 2
    assert run.artifact_json("Tuner", "tuner_results", "trials.json") is None


@pytest.mark.parametrize("content", [None, "{", ""])
def test_a_missing_or_damaged_run_is_bad_input(tmp_path, content):
    if content is not None:
        (tmp_path / "run.json").write_text(content)
    with pytest.raises(BadInputError, match=r"run\.json: cannot be read"):
        read_run(tmp_path)


def test_the_run_before_is_the_newest_earlier_one_that_was_to_push(tmp_path):
    write_run(tmp_path, "1")
    write_run(tmp_path, "2", until="gate")
    write_run(tmp_path, "3", status="running")
    damaged = write_run(tmp_path, "4")
    (damaged / "run.json").write_text("{")
    now = read_run(write_run(tmp_path, "5"))
    write_run(tmp_path, "6")
    assert previous_run(now).report.run_id == "1"
    assert previous_run(read_run(tmp_path / "demand" / "runs" / "1")) is None


def test_failed_runs_are_compared_with_as_well(tmp_path):
    write_run(tmp_path, "1")
    write_run(tmp_path, "2", failed_in="Trainer")
    assert previous_run(read_run(write_run(tmp_path, "3"))).report.run_id == "2"
