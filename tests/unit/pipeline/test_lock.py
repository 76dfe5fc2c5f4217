import json
import os
import subprocess
import sys

import pytest

from demandcast.pipeline.cli.main import invoke
from demandcast.pipeline.lock import LOCK_FILE, RunningError, run_lock, running_run
from demandcast.schema.config.example import example_yaml
from demandcast.schema.errors import BadInputError

HOLD = """
import sys
from pathlib import Path
from demandcast.pipeline.lock import run_lock
with run_lock(Path(sys.argv[1]), run_id="theirs"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_run_is_refused_and_told_who_is_first(tmp_path):
    with (
        run_lock(tmp_path, run_id="first"),
        pytest.raises(RunningError, match=rf"run first \(pid {os.getpid()}\) is working in"),
        run_lock(tmp_path, run_id="second"),
    ):
        pass


def test_after_the_first_the_second_may(tmp_path):
    for run_id in ("first", "second"):
        with run_lock(tmp_path / "new", run_id=run_id):
            held = json.loads((tmp_path / "new" / LOCK_FILE).read_text())
            assert held == {"pid": os.getpid(), "run_id": run_id}
    assert (tmp_path / "new" / LOCK_FILE).read_text() == ""


def test_other_folders_are_free(tmp_path):
    with run_lock(tmp_path / "a", run_id="a"), run_lock(tmp_path / "b", run_id="b"):
        pass


def test_a_failed_run_gives_the_lock_back(tmp_path):
    with pytest.raises(ZeroDivisionError), run_lock(tmp_path, run_id="first"):
        raise ZeroDivisionError
    with run_lock(tmp_path, run_id="second"):
        pass


def test_a_file_of_a_dead_process_is_stale(tmp_path):
    (tmp_path / LOCK_FILE).write_text('{"pid": 999999999, "run_id": "dead"}')
    with run_lock(tmp_path, run_id="mine"):
        pass


def test_another_process_is_kept_out_until_it_is_killed(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout.readline() == "held\n"
        with (
            pytest.raises(RunningError, match=f"run theirs .pid {process.pid}."),
            run_lock(tmp_path, run_id="mine"),
        ):
            pass
        process.kill()
    with run_lock(tmp_path, run_id="mine"):
        pass


def test_the_holder_of_a_lock_is_known_while_it_lives(tmp_path):
    assert running_run(tmp_path) is None
    with run_lock(tmp_path, run_id="mine"):
        assert running_run(tmp_path) == "mine"
    assert running_run(tmp_path) is None
    (tmp_path / LOCK_FILE).write_text('{"pid": 999999999, "run_id": "dead"}')
    assert running_run(tmp_path) is None


def test_an_unreadable_holder_is_nobody(tmp_path):
    with run_lock(tmp_path, run_id="mine"):
        (tmp_path / LOCK_FILE).write_text("not json")
        assert running_run(tmp_path) is None


def test_an_unreadable_lock_file_still_says_something(tmp_path):
    with run_lock(tmp_path, run_id="first"):
        (tmp_path / LOCK_FILE).write_text("not json")
        with (
            pytest.raises(RunningError, match="another run is working"),
            run_lock(tmp_path, run_id="second"),
        ):
            pass


@pytest.mark.parametrize("folder", ["file/demand", "/proc/x/demand"])
def test_a_workspace_that_cannot_be_written_is_bad_input(tmp_path, folder):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(BadInputError, match=r"workspace: .*/demand cannot be made or written: "),
        run_lock(tmp_path / folder, run_id="mine"),
    ):
        pass


@pytest.mark.parametrize("command", [["run"], ["validate"], ["forecast", "--output", "out/today"]])
def test_commands_name_such_a_workspace(tmp_path, monkeypatch, capsys, command):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demand.yaml").write_text(example_yaml())
    (tmp_path / "sales.csv").write_text("")
    options = ["--config", "demand.yaml", "--set", "workspace=sales.csv"]
    assert invoke([command[0], *options, *command[1:]]) == 2
    assert capsys.readouterr().err.startswith("error: workspace: ")
