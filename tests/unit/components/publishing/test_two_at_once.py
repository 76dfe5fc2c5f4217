"""Two pushes to one serving directory at once, with no lock of the operating system between them.

The first one falls asleep before one of its changes, for so long that the second takes the
directory over; then it wakes and goes on. Each change of a push is tried.
"""

import datetime
import threading

import pytest
from publishing_files import write_model

from demandcast.components.publishing import exclusive, lease
from demandcast.components.publishing.pointer import read_history, read_pointer
from demandcast.components.publishing.push import ModelToPush, is_complete, push_model, versions_in
from demandcast.components.storage.files import LocalFiles, join
from demandcast.components.storage.gcs_files import GcsFiles
from demandcast.components.storage.model_digest import model_digest
from demandcast.schema.errors import ServingError

NOW = datetime.datetime.fromtimestamp(1_700_000_000, datetime.UTC)
MOST_CHANGES = 40


def sleepy(base):
    """Files whose change number `sleep_at` waits until it is woken."""

    class Sleepy(base):
        def __init__(self, sleep_at):
            super().__init__()
            self.sleep_at = sleep_at
            self.asleep, self.wake = threading.Event(), threading.Event()
            self.count = 0

    def sleeping(name):
        change = getattr(base, name)

        def act(self, *args):
            self.count += 1
            if self.count == self.sleep_at:
                self.asleep.set()
                assert self.wake.wait(60)
            return change(self, *args)

        return act

    for name in ("write", "copy", "rename", "remove_folder", "replace", "remove", "make"):
        if hasattr(base, name):
            setattr(Sleepy, name, sleeping(name))
    return Sleepy


@pytest.fixture(
    params=["gs", "shared disk", pytest.param("shared disk, TFX", marks=pytest.mark.slow)]
)
def place(request, tmp_path, monkeypatch):
    """A serving directory, and the class of its files."""
    monkeypatch.setattr(lease, "ABANDONED_SECONDS", 0.05)
    monkeypatch.setattr(lease, "BEAT_SECONDS", 60.0)  # Who sleeps writes nothing.
    if request.param == "gs":
        request.getfixturevalue("gcs")
        return "gs://bucket/serving", GcsFiles
    monkeypatch.setattr(exclusive, "is_of_one_machine", lambda path: False)
    monkeypatch.setattr(exclusive, "_take", lambda *args: True)
    if request.param == "shared disk":
        return str(tmp_path / "serving"), LocalFiles
    from demandcast.components.storage.tfx_files import TfxFiles

    return str(tmp_path / "serving"), TfxFiles


def push(folder, serving, files, now):
    model = ModelToPush(folder=folder, run_id=folder, metrics={})
    return push_model(model, serving, files=files, now=now)


def push_until_asleep(folder, serving, files, said):
    """Pushes in a thread until it sleeps or has ended; what came of it goes into `said`."""

    def push_slowly():
        try:
            said.append(push(folder, serving, files, NOW))
        except ServingError as error:
            said.append(error)

    thread = threading.Thread(target=push_slowly)
    thread.start()
    while thread.is_alive() and not files.asleep.wait(0.01):
        pass
    return thread


def check_whole(serving, files):
    """What serves, and what served, is whole; the pointer names the newest version."""
    pointer = read_pointer(serving, files)
    history = read_history(serving, files)
    assert history[-1] == pointer
    assert len({pointer.version for pointer in history}) == len(history)
    for past in history:
        assert model_digest(join(serving, str(past.version)), files) == past.digest
    complete = [
        version
        for version in versions_in(serving, files)
        if is_complete(join(serving, str(version)), files)
    ]
    assert pointer.version == max(complete)


@pytest.mark.parametrize("later", [NOW + datetime.timedelta(hours=1), NOW], ids=["hour", "second"])
@pytest.mark.parametrize("before", [None, -1, 1], ids=["first of all", "one in service", "ahead"])
def test_whoever_sleeps_is_refused_and_damages_nothing(place, tmp_path, before, later):
    """In the same second, and where a clock ran a day ahead, both would choose one number."""
    folder, base = place
    models = [write_model(tmp_path / name, name) for name in ("old", "slow", "fast")]
    outcomes = []
    for sleep_at in range(1, MOST_CHANGES):
        serving = f"{folder}-{sleep_at}"
        if before is not None:
            push(models[0], serving, base(), NOW + datetime.timedelta(days=before))
        slow = sleepy(base)(sleep_at)
        said = []
        thread = push_until_asleep(models[1], serving, slow, said)
        if not slow.asleep.is_set():
            break
        fast = push(models[2], serving, base(), later)
        slow.wake.set()
        thread.join()
        assert fast.pushed
        check_whole(serving, base())
        refused = isinstance(said[0], ServingError)
        newest = fast if refused else max(fast, said[0], key=lambda done: done.pointer.version)
        assert read_pointer(serving, base()) == newest.pointer
        outcomes.append(refused)
    # Asleep before it took the directory it was the later one; after its commit, the earlier one.
    first, last = outcomes.index(True), len(outcomes) - outcomes[::-1].index(True)
    assert all(outcomes[first:last])
    assert last - first >= 5  # Four copies and the pointer, at least.


@pytest.mark.parametrize("before", [False, True], ids=["first of all", "one in service"])
def test_a_version_that_the_next_one_takes_up_stays(place, tmp_path, before):
    """Both push the same model; the second finds the first one's whole copy without a pointer."""
    folder, base = place
    old, same = write_model(tmp_path / "old", "old"), write_model(tmp_path / "same", "same")
    for sleep_at in range(1, MOST_CHANGES):
        serving = f"{folder}-{sleep_at}"
        if before:
            push(old, serving, base(), NOW - datetime.timedelta(days=1))
        slow = sleepy(base)(sleep_at)
        thread = push_until_asleep(same, serving, slow, [])
        if not slow.asleep.is_set():
            break
        push(same, serving, base(), NOW)
        slow.wake.set()
        thread.join()
        check_whole(serving, base())
        assert read_pointer(serving, base()).digest == model_digest(same, base())


def test_of_many_pushes_at_once_each_is_in_the_history(place, tmp_path, monkeypatch):
    serving, base = place
    results = []

    def push_one(number):
        moment = NOW + datetime.timedelta(seconds=number)
        model = write_model(tmp_path / str(number), str(number))
        results.append(push(model, serving, base(), moment))

    monkeypatch.setattr(lease, "ABANDONED_SECONDS", 60.0)
    threads = [threading.Thread(target=push_one, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check_whole(serving, base())
    pushed = sorted(result.pointer.version for result in results)
    assert sorted(pointer.version for pointer in read_history(serving, base())) == pushed
    assert len(set(pushed)) == 6
