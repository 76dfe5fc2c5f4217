import logging
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from publishing_files import RemoteFiles

from demandcast.components.publishing import exclusive
from demandcast.components.publishing.exclusive import exclusively, is_of_one_machine
from demandcast.components.publishing.lease import LOCK_FILE
from demandcast.components.storage.files import LocalFiles
from demandcast.schema.errors import ServingError

FILES = LocalFiles()
NFS = 0x6969
HOLD = """
import sys
from demandcast.components.publishing.exclusive import exclusively
from demandcast.components.storage.files import LocalFiles
with exclusively(sys.argv[1], LocalFiles()):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_changes_of_one_directory_come_one_after_the_other(tmp_path, caplog):
    """Without the lock the second would begin while the first sleeps."""
    events = []

    def change(name):
        with exclusively(str(tmp_path / "serving"), FILES):
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
        exclusively(str(tmp_path), FILES),
        pytest.raises(ServingError, match="has been working here for 0 s"),
        exclusively(str(tmp_path), FILES, patience=0.2),
    ):
        pass


def test_other_directories_are_free_and_nothing_is_left_behind(tmp_path):
    with exclusively(str(tmp_path / "a"), FILES), exclusively(str(tmp_path / "b"), FILES):
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
        with pytest.raises(ServingError), exclusively(str(tmp_path), FILES, patience=0):
            pass
        process.kill()
    with exclusively(str(tmp_path), FILES, patience=0):
        pass


def test_an_object_store_is_held_by_a_lease(tmp_path):
    files = RemoteFiles(tmp_path)
    with exclusively("mem://serving", files) as hold:
        assert (tmp_path / "serving" / LOCK_FILE).exists()
        hold.check()
        with pytest.raises(ServingError), exclusively("mem://serving", files, patience=0):
            pass
    assert not (tmp_path / "serving" / LOCK_FILE).exists()


def test_a_disk_that_machines_share_is_held_by_a_lease_too(tmp_path, monkeypatch):
    """Its locks may reach one machine only."""
    monkeypatch.setattr(exclusive, "_filesystem", lambda path: NFS)
    serving = tmp_path / "serving"
    with exclusively(str(serving), FILES):
        assert [path.name for path in serving.iterdir()] == [LOCK_FILE]
    assert list(serving.iterdir()) == []


def test_the_number_is_that_of_the_type_that_stat_names(tmp_path):
    """GNU's stat as oracle."""
    said = subprocess.run(
        ["stat", "--file-system", "--format", "%t", str(tmp_path)],
        check=True,
        capture_output=True,
        text=True,
    )
    assert exclusive._filesystem(tmp_path) == int(said.stdout, 16)
    assert exclusive._filesystem(Path("/proc")) == 0x9FA0  # PROC_SUPER_MAGIC


def test_what_is_not_known_is_not_of_one_machine(tmp_path):
    assert not is_of_one_machine(tmp_path / "none")
    assert not is_of_one_machine(Path("/proc"))


def test_a_failed_change_gives_the_directory_back(tmp_path):
    with pytest.raises(ZeroDivisionError), exclusively(str(tmp_path), FILES):
        raise ZeroDivisionError
    with exclusively(str(tmp_path), FILES, patience=0):
        pass
