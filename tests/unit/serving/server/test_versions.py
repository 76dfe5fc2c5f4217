"""The watch over the serving directory, with a loader that needs no TensorFlow."""

import logging
import shutil
import threading

import pytest
from serving_fakes import BROKEN, FakeLoader, write_version
from serving_models import eventually

from demandcast.serving.errors import RequestError
from demandcast.serving.server.config import ModelConfig, VersionPolicy
from demandcast.serving.server.versions import ModelVersions, WatchLimits, find_versions
from demandcast.serving.version_status import VersionState, VersionStatus

AVAILABLE, LOADING, END = VersionState.AVAILABLE, VersionState.LOADING, VersionState.END


def watcher(directory, load, *, policy=None, **options):
    model = ModelConfig(name="m", base_path=directory, policy=policy or VersionPolicy())
    return ModelVersions(model, load, limits=WatchLimits(**options))


def status(version, state, error=""):
    return VersionStatus(version, state, error)


def test_finds_numbered_folders_with_a_model(tmp_path):
    for version in ("1", "0020"):
        write_version(tmp_path, version)
    for name in ("3.tmp", ".4", "-5", "6a", "\u0667", str(2**63), "9" * 30):
        write_version(tmp_path, name)
    (tmp_path / "8").mkdir()
    (tmp_path / "9").touch()
    (tmp_path / "10" / "saved_model.pb").mkdir(parents=True)
    assert find_versions(tmp_path) == {1: tmp_path / "1", 20: tmp_path / "0020"}


def test_no_directory_is_no_version(tmp_path):
    assert find_versions(tmp_path / "none") == {}


def test_nothing_is_in_service_at_first(tmp_path):
    versions = watcher(tmp_path / "none", FakeLoader())
    versions.poll()
    assert versions.statuses() == []
    with pytest.raises(RequestError, match=r"Servable not found for request: Latest\(m\)") as error:
        versions.get()
    assert error.value.status == "NOT_FOUND"


def test_the_newest_wins_and_only_it_is_loaded(tmp_path):
    for version in (2, 10, 9):
        write_version(tmp_path, version)
    load = FakeLoader()
    versions = watcher(tmp_path, load)
    versions.poll()
    versions.poll()
    assert load.loads == [10]
    assert versions.get().version == versions.get(10).version == 10
    assert versions.statuses() == [status(10, AVAILABLE)]
    with pytest.raises(RequestError, match=r"Specific\(m, 9\)"):
        versions.get(9)


def test_an_older_one_that_appears_later_is_left_alone(tmp_path):
    write_version(tmp_path, 5)
    load = FakeLoader()
    versions = watcher(tmp_path, load)
    versions.poll()
    write_version(tmp_path, 4)
    versions.poll()
    assert load.loads == [5]


def test_the_old_one_serves_while_the_new_one_loads(tmp_path):
    write_version(tmp_path, 1)
    load = FakeLoader()
    versions = watcher(tmp_path, load)
    versions.poll()
    write_version(tmp_path, 2)
    seen = []
    load.during = lambda version: seen.append((versions.get().version, versions.statuses()))
    versions.poll()
    assert seen == [(1, [status(1, AVAILABLE), status(2, LOADING)])]
    assert versions.statuses() == [status(2, AVAILABLE)]


def test_a_broken_one_is_reported_once_and_the_good_one_stays(tmp_path, caplog):
    write_version(tmp_path, 1)
    load = FakeLoader()
    versions = watcher(tmp_path, load)
    versions.poll()
    write_version(tmp_path, 2, "broken")
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            versions.poll()
    assert load.loads == [1, 2]
    assert versions.get().version == 1
    assert versions.statuses() == [status(1, AVAILABLE), status(2, END, BROKEN)]
    assert caplog.messages == [f"Cannot load m version 2 (version 1 stays): {BROKEN}"]


def test_a_broken_newest_does_not_keep_a_good_older_one_from_starting(tmp_path):
    write_version(tmp_path, 1)
    write_version(tmp_path, 2, "broken")
    versions = watcher(tmp_path, FakeLoader())
    versions.poll()
    assert versions.statuses() == [status(1, AVAILABLE), status(2, END, BROKEN)]


def test_a_broken_one_that_is_mended_is_loaded_at_once(tmp_path):
    write_version(tmp_path, 1, "broken")
    load = FakeLoader()
    versions = watcher(tmp_path, load)
    versions.poll()
    assert versions.statuses() == [status(1, END, BROKEN)]
    write_version(tmp_path, 1, "good again")
    versions.poll()
    assert versions.statuses() == [status(1, AVAILABLE)]


@pytest.mark.parametrize(("retries", "loads"), [(0, 1), (2, 3)])
def test_attempts_at_an_unchanged_version_end(tmp_path, retries, loads):
    write_version(tmp_path, 1, "broken")
    load = FakeLoader()
    versions = watcher(tmp_path, load, load_retries=retries, load_retry_seconds=0)
    for _ in range(6):
        versions.poll()
    assert load.loads == [1] * loads


def test_a_newer_good_one_ends_the_report_of_the_broken_one(tmp_path):
    write_version(tmp_path, 1, "broken")
    versions = watcher(tmp_path, FakeLoader())
    versions.poll()
    write_version(tmp_path, 2)
    versions.poll()
    assert versions.statuses() == [status(2, AVAILABLE)]


def test_a_broken_one_that_is_removed_is_forgotten(tmp_path):
    write_version(tmp_path, 1)
    write_version(tmp_path, 2, "broken")
    versions = watcher(tmp_path, FakeLoader())
    versions.poll()
    shutil.rmtree(tmp_path / "2")
    versions.poll()
    assert versions.statuses() == [status(1, AVAILABLE)]


def test_removing_the_newest_is_a_way_back(tmp_path):
    write_version(tmp_path, 1)
    write_version(tmp_path, 2)
    versions = watcher(tmp_path, FakeLoader())
    versions.poll()
    shutil.rmtree(tmp_path / "2")
    versions.poll()
    assert versions.statuses() == [status(1, AVAILABLE)]


def test_an_emptied_directory_changes_nothing(tmp_path, caplog):
    write_version(tmp_path, 1)
    versions = watcher(tmp_path, FakeLoader())
    versions.poll()
    shutil.rmtree(tmp_path)
    versions.poll()
    versions.poll()
    assert versions.statuses() == [status(1, AVAILABLE)]
    assert [message for message in caplog.messages if "is empty; version 1 stays" in message] == [
        f"{tmp_path} is empty; version 1 stays"
    ]


def test_the_watch_outlives_an_unreadable_directory(tmp_path, monkeypatch, caplog):
    unreadable = threading.Event()
    unreadable.set()
    looks = []

    def look(directory):
        looks.append(directory)
        if unreadable.is_set():
            raise PermissionError("no entry")
        return find_versions(directory)

    monkeypatch.setattr("demandcast.serving.server.versions.find_versions", look)
    write_version(tmp_path, 1)
    versions = watcher(tmp_path, FakeLoader(), poll_seconds=0.01)
    versions.start()
    eventually(lambda: len(looks) > 2)
    unreadable.clear()
    eventually(lambda: versions.statuses() == [status(1, AVAILABLE)])
    versions.stop(5)
    assert caplog.messages.count(f"Cannot read {tmp_path}: no entry") == 1


def test_says_when_a_version_comes_into_service(tmp_path):
    write_version(tmp_path, 1, "broken")
    told = []
    model = ModelConfig(base_path=tmp_path)
    versions = ModelVersions(model, FakeLoader(), on_available=lambda: told.append(1))
    versions.poll()
    assert not told
    write_version(tmp_path, 2)
    versions.poll()
    versions.poll()
    assert told == [1]


def test_a_rename_from_aside_is_one_step(tmp_path):
    write_version(tmp_path, ".aside")
    versions = watcher(tmp_path, FakeLoader())
    versions.poll()
    assert versions.statuses() == []
    (tmp_path / ".aside").rename(tmp_path / "1")
    versions.poll()
    assert versions.get().version == 1


def test_says_what_it_waits_for_and_which_version_serves(tmp_path, caplog):
    versions = watcher(tmp_path, FakeLoader())
    with caplog.at_level(logging.INFO, "demandcast.serving"):
        versions.poll()
        versions.poll()
        write_version(tmp_path, 7)
        versions.poll()
    waiting, loading, serving = caplog.messages
    assert waiting == f"Waiting for a first version of m in {tmp_path}"
    assert loading == "Loading m version 7"
    assert serving.startswith("Serving version 7 of m, loaded in ")


def served(versions):
    return [found.version for found in versions.statuses() if found.state is AVAILABLE]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (VersionPolicy(), [4]),
        (VersionPolicy(count=2), [2, 4]),
        (VersionPolicy(count=9), [1, 2, 4]),
        (VersionPolicy(kind="all"), [1, 2, 4]),
        (VersionPolicy(kind="specific", versions=(1, 3, 4)), [1, 4]),
    ],
    ids=str,
)
def test_which_versions_a_policy_wants(tmp_path, policy, expected):
    for version in (1, 2, 4):
        write_version(tmp_path, version)
    write_version(tmp_path, 3, "broken")
    versions = watcher(tmp_path, FakeLoader(), policy=policy)
    versions.poll()
    versions.poll()
    assert served(versions) == sorted(versions.available()) == expected
    assert versions.get().version == expected[-1]


def test_latest_two_move_on_with_a_third(tmp_path):
    for version in (1, 2):
        write_version(tmp_path, version)
    load = FakeLoader()
    versions = watcher(tmp_path, load, policy=VersionPolicy(count=2))
    versions.poll()
    assert load.loads == [2, 1]
    write_version(tmp_path, 3)
    load.during = lambda version: seen.append(served(versions))
    seen = []
    versions.poll()
    assert (seen, served(versions)) == ([[1, 2]], [2, 3])


def test_all_lets_go_of_what_is_removed(tmp_path):
    for version in (1, 2, 3):
        write_version(tmp_path, version)
    versions = watcher(tmp_path, FakeLoader(), policy=VersionPolicy(kind="all"))
    versions.poll()
    shutil.rmtree(tmp_path / "2")
    versions.poll()
    assert served(versions) == [1, 3]


def test_a_specific_version_that_is_not_there_changes_nothing(tmp_path):
    write_version(tmp_path, 1)
    versions = watcher(tmp_path, FakeLoader())
    versions.poll()
    versions.reconfigure(
        ModelConfig(
            name="m", base_path=tmp_path, policy=VersionPolicy(kind="specific", versions=(9,))
        )
    )
    versions.poll()
    assert served(versions) == [1]
    write_version(tmp_path, 9)
    versions.poll()
    assert served(versions) == [9]


def test_a_policy_on_hold_loads_and_lets_go_of_nothing(tmp_path):
    for version in (1, 2):
        write_version(tmp_path, version)
    versions = watcher(tmp_path, FakeLoader())
    versions.poll()
    only_first = ModelConfig(
        name="m", base_path=tmp_path, policy=VersionPolicy(kind="specific", versions=(1,))
    )
    versions.reconfigure(only_first, hold=True)
    versions.poll()
    assert (served(versions), sorted(versions.available())) == ([1, 2], [1])
    versions.reconfigure(versions.previous)
    versions.poll()
    assert served(versions) == [2]
    versions.reconfigure(only_first)
    versions.poll()
    assert served(versions) == [1]


def test_a_policy_that_changes_during_a_load_decides_at_the_next_look(tmp_path):
    write_version(tmp_path, 1)
    load = FakeLoader()
    versions = watcher(tmp_path, load)
    versions.poll()
    write_version(tmp_path, 2)
    load.during = lambda version: versions.reconfigure(
        ModelConfig(name="m", base_path=tmp_path, policy=VersionPolicy(kind="all"))
    )
    versions.poll()
    versions.poll()
    assert served(versions) == [1, 2]


def test_settling_waits_for_a_look_since_the_last_change(tmp_path):
    write_version(tmp_path, 1)
    versions = watcher(tmp_path, FakeLoader(), poll_seconds=60)
    assert not versions.settle(0.01)
    versions.start()
    assert versions.settle(10)
    assert served(versions) == [1]
    write_version(tmp_path, 2)
    versions.reconfigure(versions.model)
    assert versions.settle(10)
    assert served(versions) == [2]
    versions.stop(5)


def test_labels(tmp_path):
    for version in (1, 2):
        write_version(tmp_path, version)
    versions = watcher(tmp_path, FakeLoader(), policy=VersionPolicy(kind="all"))
    versions.poll()
    versions.set_labels({"stable": 1, "gone": 7})
    assert versions.get(label="stable").version == 1
    with pytest.raises(RequestError, match="Unrecognized servable version label: canary") as error:
        versions.get(label="canary")
    assert error.value.status == "INVALID_ARGUMENT"
    with pytest.raises(RequestError, match=r"Specific\(m, 7\)") as error:
        versions.get(label="gone")
    assert error.value.status == "NOT_FOUND"
