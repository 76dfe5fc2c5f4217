import logging
import subprocess
import sys
import threading
import time

import pytest

from demandcast.components.publishing.exclusive import exclusively
from demandcast.schema.errors import ServingError

HOLD = """
import sys
from demandcast.components.publishing.exclusive import exclusively
with exclusively(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_changes_of_one_directory_come_one_after_the_other(tmp_path, caplog):
    """Without the lock the second would begin while the first sleeps."""
    events = []

    def change(name):
        with exclusively(str(tmp_path / "serving")):
            events.append(f"{name} begins")
            time.sleep(0.3)
            events.append(f"{name} ends")

    first = threading.Thread(target=change, args=("first",))
    first.start()
    while not events:
        time.sleep(0.01)
    with caplog.at_level(logging.INFO, "demandcast"):
        change("second")
    first.join()
    assert events == ["first begins", "first ends", "second begins", "second ends"]
    assert "another push or rollback works in" in caplog.text


def test_whoever_waits_too_long_is_told(tmp_path):
    with (
        exclusively(str(tmp_path)),
        pytest.raises(ServingError, match="has been working here for 0 s"),
        exclusively(str(tmp_path), patience=0.2),
    ):
        pass


def test_other_directories_are_free_and_nothing_is_left_behind(tmp_path):
    with exclusively(str(tmp_path / "a")), exclusively(str(tmp_path / "b")):
        pass
    assert list((tmp_path / "a").iterdir()) == []


def test_a_killed_process_holds_nothing(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(ServingError), exclusively(str(tmp_path), patience=0):
            pass
        process.kill()
    with exclusively(str(tmp_path), patience=0):
        pass


def test_an_object_store_has_no_locks(tmp_path):
    with exclusively("mem://serving"), exclusively("mem://serving", patience=0):
        pass


def test_a_failed_change_gives_the_directory_back(tmp_path):
    with pytest.raises(ZeroDivisionError), exclusively(str(tmp_path)):
        raise ZeroDivisionError
    with exclusively(str(tmp_path), patience=0):
        pass
