import datetime
import doctest
import errno

import pytest
from publishing_files import LocalFiles, RemoteFiles, SimulatedCrashError, write_model

from demandcast.components.publishing import lease
from demandcast.components.publishing import push as module
from demandcast.components.publishing.pointer import read_pointer
from demandcast.components.publishing.push import Judged, ModelToPush, next_version, push_model
from demandcast.components.publishing.rollback import RollbackRequest, roll_back
from demandcast.components.storage.model_digest import model_digest
from demandcast.schema.errors import ServingError

NOW = datetime.datetime.fromtimestamp(1_700_000_000, datetime.UTC)
LATER = NOW + datetime.timedelta(hours=1)


def push(folder, serving, files=None, now=NOW, run_id="run-1", judged=None):
    model = ModelToPush(folder=folder, run_id=run_id, metrics={"wape": 0.5}, judged=judged)
    return push_model(model, str(serving), files=files or LocalFiles(), now=now)


def versions(serving):
    return sorted(p.name for p in serving.iterdir() if p.is_dir())


def test_examples_in_docstrings_are_true():
    assert doctest.testmod(module).failed == 0


def test_version_numbers_increase_strictly_whatever_the_clock_says():
    assert next_version([], NOW) == 1_700_000_000
    assert next_version([1_700_000_000], NOW) == 1_700_000_000 + 1
    assert next_version([5, 1_700_000_007, 9], NOW) == 1_700_000_007 + 1


def test_a_model_is_copied_whole_and_pointed_at(tmp_path):
    source = write_model(tmp_path / "model")
    serving = tmp_path / "serving"
    result = push(source, serving)
    assert result.pushed
    assert result.reason == "pushed as version 1700000000"
    assert versions(serving) == ["1700000000"]
    files = LocalFiles()
    assert files.files_below(str(serving / "1700000000")) == files.files_below(source)
    pointer = read_pointer(str(serving), files)
    assert pointer == result.pointer
    assert (pointer.run_id, pointer.metrics) == ("run-1", {"wape": 0.5})
    assert pointer.uri == str(serving / "1700000000")
    assert pointer.time == "2023-11-14T22:13:20+00:00"


def test_the_model_in_service_is_not_pushed_again(tmp_path):
    serving = tmp_path / "serving"
    first = push(write_model(tmp_path / "a"), serving)
    second = push(write_model(tmp_path / "b"), serving, now=LATER, run_id="run-2")
    assert not second.pushed
    assert second.reason == "this model is already in service as version 1700000000"
    assert second.pointer == first.pointer
    assert versions(serving) == ["1700000000"]


def test_another_model_becomes_a_newer_version(tmp_path):
    serving = tmp_path / "serving"
    push(write_model(tmp_path / "a"), serving)
    result = push(write_model(tmp_path / "b", "better"), serving)  # In the same second.
    assert result.pushed
    assert versions(serving) == ["1700000000", "1700000001"]
    assert read_pointer(str(serving), LocalFiles()).version == 1700000001


def test_a_model_whose_folder_was_deleted_is_pushed_again(tmp_path):
    serving = tmp_path / "serving"
    source = write_model(tmp_path / "a")
    push(source, serving)
    LocalFiles().remove_folder(str(serving / "1700000000"))
    assert push(source, serving, now=LATER).pushed


def test_going_back_to_an_older_model_is_a_new_version(tmp_path):
    serving = tmp_path / "serving"
    old = write_model(tmp_path / "a")
    push(old, serving)
    push(write_model(tmp_path / "b", "better"), serving)
    result = push(old, serving)
    assert result.pushed
    assert result.pointer.version == 1700000002


@pytest.mark.parametrize("break_at", range(9))
def test_a_crash_at_any_point_is_made_good_by_the_next_push(tmp_path, break_at):
    """4 copies, rename of the folder; write aside and put in place the history, and the pointer."""
    serving = tmp_path / "serving"
    old = push(write_model(tmp_path / "a"), serving).pointer
    source = write_model(tmp_path / "b", "better")
    with pytest.raises(SimulatedCrashError):
        push(source, serving, LocalFiles(break_at), now=LATER)
    assert read_pointer(str(serving), LocalFiles()) == old
    for name in versions(serving):  # A server sees whole versions only.
        if name.isdecimal():
            assert (serving / name / "saved_model.pb").exists()
            assert (serving / name / "variables/variables.index").exists()
    result = push(source, serving, now=LATER)
    assert result.pushed
    assert versions(serving) == ["1700000000", str(1_700_000_000 + 3600)]
    assert read_pointer(str(serving), LocalFiles()) == result.pointer


def test_a_push_makes_nine_changes_so_that_the_crash_test_covers_all(tmp_path):
    push(write_model(tmp_path / "a"), tmp_path / "serving")
    files = LocalFiles()
    push(write_model(tmp_path / "b", "better"), tmp_path / "serving", files)
    kinds = [kind for kind, _ in files.changes]
    assert kinds == ["copy"] * 4 + ["rename"] + ["write", "make"] + ["write", "rename"]


def test_in_an_object_store_saved_model_comes_last_and_nothing_is_renamed(tmp_path):
    files = RemoteFiles(tmp_path)
    result = push(write_model(tmp_path / "a"), "mem://serving", files)
    copied = [path for kind, path in files.changes if kind == "copy"]
    assert copied[-1] == str(tmp_path / "serving/1700000000/saved_model.pb")
    assert len(copied) == 4
    assert result.pointer.uri == "mem://serving/1700000000"


@pytest.mark.parametrize("break_at", range(11))
def test_an_interrupted_push_to_an_object_store_is_made_good(tmp_path, break_at, monkeypatch):
    """The changes that the test below counts."""
    monkeypatch.setattr(lease, "ABANDONED_SECONDS", 0.05)
    old = push(write_model(tmp_path / "a"), "mem://serving", RemoteFiles(tmp_path)).pointer
    source = write_model(tmp_path / "b", "better")
    with pytest.raises(SimulatedCrashError):
        push(source, "mem://serving", RemoteFiles(tmp_path, break_at), now=LATER)
    assert read_pointer("mem://serving", RemoteFiles(tmp_path)) == old
    result = push(source, "mem://serving", RemoteFiles(tmp_path), now=LATER)
    assert result.pushed
    # A number that was claimed and not filled is lost; nobody else may get it.
    assert result.pointer.version - 1_700_003_600 in (0, 1)
    numbers = [name for name in versions(tmp_path / "serving") if name.isdecimal()]
    assert numbers == ["1700000000", str(result.pointer.version)]


def test_a_push_to_an_object_store_makes_eleven_changes(tmp_path):
    push(write_model(tmp_path / "a"), "mem://serving", RemoteFiles(tmp_path))
    files = RemoteFiles(tmp_path)
    push(write_model(tmp_path / "b", "better"), "mem://serving", files)
    kinds = [kind for kind, _ in files.changes]
    forget, claim = ["remove"], ["write", "make"]
    assert kinds == forget + claim + ["copy"] * 4 + ["write", "make"] + ["write", "rename"]


def test_what_an_interrupted_push_left_goes_even_if_there_is_nothing_to_push(tmp_path):
    serving = tmp_path / "serving"
    source = write_model(tmp_path / "a")
    push(source, serving)
    write_model(serving / ".pushing-1700000005", "half")
    assert not push(source, serving, now=LATER).pushed
    assert versions(serving) == ["1700000000"]


def test_a_copy_that_fails_leaves_no_half_model_on_a_full_disk(tmp_path):
    class FullDisk(LocalFiles):
        def copy(self, source, target):
            super().copy(source, target)
            if source.endswith("variables.index"):
                raise OSError(errno.ENOSPC, "No space left on device", target)

    serving = tmp_path / "serving"
    with pytest.raises(OSError, match="No space left"):
        push(write_model(tmp_path / "a"), serving, FullDisk())
    assert list(serving.iterdir()) == []


def test_folders_of_others_are_left_alone(tmp_path):
    serving = tmp_path / "serving"
    write_model(serving / "7", "by hand")
    (serving / "notes").mkdir()
    push(write_model(tmp_path / "a"), serving)
    assert versions(serving) == ["1700000000", "7", "notes"]


def test_a_folder_without_model_is_never_pushed(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError):
        push(str(tmp_path / "empty"), tmp_path / "serving")
    assert not (tmp_path / "serving").exists()


def test_a_model_that_was_rolled_back_is_not_pushed_again(tmp_path):
    serving = tmp_path / "serving"
    push(write_model(tmp_path / "a"), serving)
    worse = write_model(tmp_path / "b", "worse")
    push(worse, serving, now=LATER)
    request = RollbackRequest(None, by="eve", reason="too many returns")
    back = roll_back(request, str(serving), files=LocalFiles(), now=LATER)
    result = push(worse, serving, now=LATER)
    assert (result.pushed, result.serves) == (False, False)
    assert result.pointer == back
    assert result.reason == (
        "this model was taken out of service by the rollback of 2023-11-14T23:13:20+00:00 "
        "(too many returns); 'demandcast rollback --to 1700003600' would put it back"
    )
    assert push(write_model(tmp_path / "c", "other"), serving, now=LATER).pushed


def test_without_a_pointer_a_model_that_was_rolled_back_may_be_pushed(tmp_path):
    serving = tmp_path / "serving"
    push(write_model(tmp_path / "a"), serving)
    worse = write_model(tmp_path / "b", "worse")
    push(worse, serving)
    roll_back(RollbackRequest(None, by="eve"), str(serving), files=LocalFiles(), now=LATER)
    (serving / "in_service.json").unlink()
    assert push(worse, serving).pushed


def test_files_changed_since_their_evaluation_are_not_pushed(tmp_path):
    source, serving = write_model(tmp_path / "a"), tmp_path / "serving"
    judged = Judged(model_digest(source, LocalFiles()), baseline_digest="")
    write_model(tmp_path / "a", "another content")
    with pytest.raises(ServingError, match=r"not the files that were evaluated.*--no-cache"):
        push(source, serving, judged=judged)
    assert not serving.exists()


def test_a_blessing_holds_against_the_model_in_service_it_was_given_against(tmp_path):
    serving = tmp_path / "serving"
    first = push(write_model(tmp_path / "a"), serving).pointer.digest
    source = write_model(tmp_path / "b", "better")
    digest = model_digest(source, LocalFiles())
    for baseline in ("", "f" * 64):
        with pytest.raises(ServingError, match="another model was put into service since"):
            push(source, serving, judged=Judged(digest, baseline))
    assert versions(serving) == ["1700000000"]
    assert push(source, serving, judged=Judged(digest, first)).pushed


def test_what_serves_already_needs_no_comparison(tmp_path):
    """A run that was killed behind its push says the same again."""
    serving = tmp_path / "serving"
    source = write_model(tmp_path / "a")
    judged = Judged(model_digest(source, LocalFiles()), baseline_digest="")
    assert push(source, serving, judged=judged).pushed
    assert not push(source, serving, judged=judged).pushed
