import dataclasses
import errno
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from demandcast.pipeline import lock
from demandcast.pipeline.cli.main import invoke
from demandcast.pipeline.lock import LOCK_FILE, Holder, RunningError, run_lock, running_run
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


FORK = """
import os, sys, time
from pathlib import Path
from demandcast.pipeline.lock import run_lock
with run_lock(Path(sys.argv[1]), run_id="theirs"):
    child = os.fork()
    if child:
        print(child, flush=True)
    time.sleep(60)
"""


def test_a_second_run_is_refused_and_told_who_is_first(tmp_path):
    with (
        run_lock(tmp_path, run_id="first"),
        pytest.raises(
            RunningError, match=rf"run first \(pid {os.getpid()} on .* has been working in"
        ),
        run_lock(tmp_path, run_id="second"),
    ):
        pass


@pytest.mark.parametrize("work", ["a rollback", "a pruning"])
def test_what_is_no_run_is_not_called_one(tmp_path, work):
    with run_lock(tmp_path, work=work):
        with (
            pytest.raises(RunningError) as caught,
            run_lock(tmp_path, run_id="second"),
        ):
            pass
        since = json.loads((tmp_path / LOCK_FILE).read_text())["since"]
        assert running_run(tmp_path) is None
    process = f"(pid {os.getpid()} on {socket.gethostname()})"
    expected = f"{work} {process} has been working in {tmp_path} since {since}; wait until it ends"
    assert str(caught.value).startswith(expected)


def test_what_is_no_run_and_was_killed_is_not_called_one_either(tmp_path):
    with run_lock(tmp_path, work="a rollback"):
        content = (tmp_path / LOCK_FILE).read_text()
    (tmp_path / LOCK_FILE).write_text(content)
    with run_lock(tmp_path, run_id="mine") as left:
        assert str(left).startswith(f"a rollback (pid {os.getpid()} on ")


def test_after_the_first_the_second_may(tmp_path):
    for run_id in ("first", "second"):
        with run_lock(tmp_path / "new", run_id=run_id):
            held = json.loads((tmp_path / "new" / LOCK_FILE).read_text())
            assert (held["pid"], held["run_id"]) == (os.getpid(), run_id)
    assert (tmp_path / "new" / LOCK_FILE).read_text() == ""


def test_other_folders_are_free(tmp_path):
    with run_lock(tmp_path / "a", run_id="a"), run_lock(tmp_path / "b", run_id="b"):
        pass


def test_a_failed_run_gives_the_lock_back(tmp_path):
    with pytest.raises(ZeroDivisionError), run_lock(tmp_path, run_id="first"):
        raise ZeroDivisionError
    with run_lock(tmp_path, run_id="second"):
        pass


def test_a_lock_that_was_given_back_tells_the_next_run_nothing(tmp_path):
    for run_id in ("first", "second"):
        with run_lock(tmp_path, run_id=run_id) as left:
            assert left is None


@pytest.mark.parametrize(
    ("changes", "end"),
    [
        ({"pid": 999999999}, "its process is gone"),
        ({"ticks": 1}, "its pid belongs to another process now"),
        ({"boot": "another"}, "the machine was started again since"),
        ({"host": "elsewhere"}, ""),
        ({}, ""),
    ],
)
def test_a_lock_that_was_not_given_back_is_taken_over_and_says_why(tmp_path, changes, end):
    dead = dataclasses.replace(Holder.present("dead"), **changes)
    (tmp_path / LOCK_FILE).write_text(json.dumps(dataclasses.asdict(dead)))
    assert running_run(tmp_path) is None
    with run_lock(tmp_path, run_id="mine") as left:
        assert left == dead
        assert left.end() == end
        assert running_run(tmp_path) == "mine"


def test_a_lock_file_of_an_earlier_release_is_no_hindrance(tmp_path):
    (tmp_path / LOCK_FILE).write_text('{"pid": 999999999, "run_id": "dead"}')
    with run_lock(tmp_path, run_id="mine") as left:
        assert left is None


def test_the_holder_of_the_release_before_is_a_run(tmp_path):
    values = dataclasses.asdict(Holder.present("dead"))
    del values["work"]
    (tmp_path / LOCK_FILE).write_text(json.dumps(values))
    with run_lock(tmp_path, run_id="mine") as left:
        assert str(left).startswith("run dead (pid ")


def test_a_zombie_is_gone(tmp_path):
    """Its pid is still taken, until somebody asks for its end."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        while Path(f"/proc/{process.pid}/stat").read_text().split()[2] != "Z":
            time.sleep(0.01)
        assert dataclasses.replace(Holder.present("x"), pid=process.pid).end() == (
            "its process is gone"
        )


def test_a_lock_that_outlives_its_process_names_the_way_out(tmp_path):
    """A forked child shares the lock of its parent, and holds it when the parent is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", FORK, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        child = int(process.stdout.readline())
        process.kill()
        process.wait()
        with (
            pytest.raises(RunningError, match="its process is gone, but a process that it began"),
            run_lock(tmp_path, run_id="mine"),
        ):
            pass
        os.kill(child, signal.SIGKILL)
    with run_lock(tmp_path, run_id="mine"):
        pass


def test_whoever_only_looks_keeps_no_run_out(tmp_path):
    with run_lock(tmp_path, run_id="dead"):
        content = (tmp_path / LOCK_FILE).read_text()
    path = tmp_path / LOCK_FILE
    path.write_text(content)
    with path.open("rb") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        threading.Timer(0.1, fcntl.flock, [looking, fcntl.LOCK_UN]).start()
        with run_lock(tmp_path, run_id="mine"):
            pass


def test_a_disk_without_locks_is_bad_input(tmp_path, monkeypatch):
    def fail(file, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", fail)
    with (
        pytest.raises(BadInputError, match="cannot be locked: No locks available"),
        run_lock(tmp_path, run_id="mine"),
    ):
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
            pytest.raises(
                RunningError,
                match=f"run theirs .pid {process.pid} on .*stop it with 'kill {process.pid}'",
            ),
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
            pytest.raises(RunningError, match="another process is working"),
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


def test_the_lock_of_a_file_that_was_removed_keeps_nobody_out(tmp_path, monkeypatch):
    """A pruning removes the folder while another process waits for its lock."""
    take, removed = lock._take, []

    def pruned_meanwhile(file, path):
        if not removed:
            removed.append(path)
            path.unlink()
        take(file, path)

    monkeypatch.setattr(lock, "_take", pruned_meanwhile)
    with run_lock(tmp_path, run_id="a"):
        assert running_run(tmp_path) == "a"
        with pytest.raises(RunningError), run_lock(tmp_path, run_id="b"):
            pass
