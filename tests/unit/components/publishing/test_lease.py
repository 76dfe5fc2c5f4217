import json
import logging
import threading
import time

import pytest
from publishing_files import RemoteFiles

from demandcast.components.publishing import lease as lease_module
from demandcast.components.publishing.lease import LOCK_FILE, Lease, leased
from demandcast.schema.errors import ServingError

SERVING = "mem://serving"


@pytest.fixture
def files(tmp_path):
    return RemoteFiles(tmp_path)


def hold(files, *, patience=10.0):
    return leased(SERVING, files, patience=patience)


@pytest.fixture
def hasty(monkeypatch):
    """Locks are given up after 0.4 s."""
    monkeypatch.setattr(lease_module, "ABANDONED_SECONDS", 0.4)
    monkeypatch.setattr(lease_module, "BEAT_SECONDS", 0.1)


def test_one_holds_it_and_gives_it_back(files, tmp_path):
    with hold(files) as lease:
        lease.check()
        assert set(json.loads((tmp_path / "serving" / LOCK_FILE).read_text())) == {"holder", "beat"}
    assert list((tmp_path / "serving").iterdir()) == []


def test_others_wait_until_it_is_given_back(files, caplog):
    events = []

    def change():
        with hold(files):
            events.append("second")

    with hold(files), caplog.at_level(logging.INFO, "demandcast"):
        second = threading.Thread(target=change)
        second.start()
        time.sleep(0.2)
        events.append("first")
    second.join()
    assert events == ["first", "second"]
    assert "another push or rollback works in mem://serving" in caplog.text


def test_whoever_waits_too_long_is_told(files):
    with (
        hold(files),
        pytest.raises(ServingError, match="has been working here for 0 s"),
        hold(files, patience=0.1),
    ):
        pass


@pytest.mark.usefixtures("hasty")
def test_a_holder_that_lives_is_never_taken_over(files):
    """It writes the file anew four times as often as others would need to give it up."""
    with (
        hold(files),
        pytest.raises(ServingError, match="has been working"),
        hold(files, patience=1.5),
    ):
        pass
    with hold(files) as lease:
        time.sleep(1.0)
        lease.check()


@pytest.mark.usefixtures("hasty")
def test_one_that_ended_without_giving_back_is_taken_over(files, caplog):
    assert Lease(SERVING, files).take()
    begin = time.monotonic()
    with hold(files) as lease:
        lease.check()
    assert time.monotonic() - begin >= 0.4
    assert "ended without giving it back" in caplog.text


@pytest.mark.usefixtures("hasty")
def test_one_that_was_taken_over_finds_out_and_takes_nothing_away(files):
    slept = Lease(SERVING, files)
    assert slept.take()
    with hold(files) as lease:
        with pytest.raises(ServingError, match="took it over"):
            slept.check()
        with pytest.raises(ServingError, match="took it over"):
            slept.renew()
        slept.give_back()
        lease.check()


def test_of_many_that_come_at_once_one_holds_it_at_a_time(files):
    inside, most, done = [], [], []

    def change():
        with hold(files, patience=60) as lease:
            inside.append(1)
            most.append(len(inside))
            lease.check()
            inside.pop()
            done.append(1)

    threads = [threading.Thread(target=change) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(done), max(most)) == (8, 1)


def test_a_failed_change_gives_it_back(files):
    with pytest.raises(ZeroDivisionError), hold(files):
        raise ZeroDivisionError
    with hold(files, patience=0):
        pass


def test_a_renewal_that_was_done_although_it_failed_costs_nothing(files):
    """The answer was lost; what is there is still of this holder."""
    replace = files.replace

    def lose_the_answer(path, content, generation):
        replace(path, content, generation)
        raise OSError("the answer was lost")

    with hold(files) as lease:
        files.replace = lose_the_answer
        with pytest.raises(OSError, match="lost"):
            lease.renew()
        files.replace = replace
        lease.check()
        lease.renew()
        lease.check()
    with hold(files, patience=0):
        pass


@pytest.mark.usefixtures("hasty")
def test_a_renewal_that_fails_once_does_not_end_the_others(files, caplog):
    """Whatever the library raises."""
    replace, failures = files.replace, []

    def fail_once(path, content, generation):
        if not failures:
            failures.append(path)
            raise RuntimeError("out of order")
        return replace(path, content, generation)

    with hold(files) as lease:
        files.replace = fail_once
        time.sleep(1.0)
        lease.check()
        with (
            pytest.raises(ServingError, match="has been working"),
            hold(RemoteFiles(files._root), patience=1.0),
        ):
            pass
    assert "cannot be renewed (out of order)" in caplog.text


def test_a_lock_that_cannot_be_removed_does_not_undo_a_push(files, caplog):
    def fail(path, generation):
        raise RuntimeError("out of order")

    with hold(files):
        files.remove = fail
    assert "cannot be removed (out of order)" in caplog.text
