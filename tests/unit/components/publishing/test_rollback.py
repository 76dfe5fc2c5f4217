import datetime

import pytest
from publishing_files import LocalFiles, RemoteFiles, SimulatedCrashError, write_model

from demandcast.components.publishing.pointer import (
    POINTER_FILE,
    Rollback,
    read_history,
    read_pointer,
)
from demandcast.components.publishing.push import ModelToPush, push_model
from demandcast.components.publishing.rollback import RollbackRequest, default_target, roll_back
from demandcast.schema.errors import BadInputError, ServingError

START = datetime.datetime.fromtimestamp(1_700_000_000, datetime.UTC)
FIRST, SECOND, THIRD, COPY = (1_700_000_000 + 3600 * hour for hour in range(4))
NOW = START + datetime.timedelta(hours=3)


@pytest.fixture
def serving(tmp_path):
    """Three models pushed an hour apart."""
    for hour, content in enumerate(("one", "two", "three")):
        model = ModelToPush(
            folder=write_model(tmp_path / content, content),
            run_id=f"run-{content}",
            metrics={"wape": 0.1 * (hour + 1)},
        )
        now = START + datetime.timedelta(hours=hour)
        push_model(model, str(tmp_path / "serving"), files=LocalFiles(), now=now)
    return tmp_path / "serving"


def roll(serving, to=None, *, files=None, now=NOW):
    request = RollbackRequest(to, by="eve", reason="too many returns")
    return roll_back(request, str(serving), files=files or LocalFiles(), now=now)


def versions(serving):
    return sorted(path.name for path in serving.iterdir() if path.is_dir())


def content(folder):
    return (folder / "saved_model.pb").read_text()


def test_the_version_before_becomes_the_newest(serving):
    pointer = roll(serving)
    assert pointer.version == COPY
    assert versions(serving) == [str(number) for number in (FIRST, SECOND, THIRD, COPY)]
    assert content(serving / str(COPY)) == "saved_model.pb two"
    assert LocalFiles().files_below(str(serving / str(COPY))) == LocalFiles().files_below(
        str(serving / str(SECOND))
    )


def test_the_pointer_says_who_and_why_and_keeps_the_model_s_past(serving):
    before = read_pointer(str(serving), LocalFiles())
    pointer = roll(serving)
    assert read_pointer(str(serving), LocalFiles()) == pointer
    assert pointer.rollback == Rollback(SECOND, THIRD, by="eve", reason="too many returns")
    assert (pointer.run_id, pointer.metrics) == ("run-two", {"wape": 0.2})
    assert pointer.time == "2023-11-15T01:13:20+00:00"
    assert read_history(str(serving), LocalFiles())[-2:] == (before, pointer)


def test_any_earlier_version_may_be_named(serving):
    assert roll(serving, FIRST).rollback.to_version == FIRST
    assert content(serving / str(COPY)) == "saved_model.pb one"


def test_a_rollback_is_undone_by_another(serving):
    roll(serving)
    pointer = roll(serving)
    assert pointer.rollback.to_version == THIRD
    assert content(serving / str(pointer.version)) == "saved_model.pb three"
    assert pointer.version == COPY + 1


def test_a_rolled_back_version_can_be_left_for_an_earlier_one(serving):
    roll(serving)
    assert roll(serving, FIRST).rollback == Rollback(FIRST, COPY, "eve", "too many returns")


def test_the_default_passes_over_what_is_gone_and_copies_of_the_present_model(serving):
    LocalFiles().remove_folder(str(serving / str(SECOND)))
    assert roll(serving).rollback.to_version == FIRST
    history = read_history(str(serving), LocalFiles())
    assert default_target(history, str(serving), LocalFiles()) == THIRD
    LocalFiles().remove_folder(str(serving / str(THIRD)))
    assert default_target(history, str(serving), LocalFiles()) is None
    assert default_target((), str(serving), LocalFiles()) is None


@pytest.mark.parametrize(
    ("version", "message"),
    [
        (7, rf"version 7: is not there in .*; allowed: \[{FIRST}, {SECOND}, {THIRD}\]"),
        (THIRD, rf"version {THIRD}: is in service already"),
    ],
)
def test_unknown_and_present_versions_are_refused(serving, version, message):
    with pytest.raises(BadInputError, match=message):
        roll(serving, version)
    assert versions(serving) == [str(number) for number in (FIRST, SECOND, THIRD)]


def test_a_version_removed_by_hand_is_named_as_such(serving):
    LocalFiles().remove_folder(str(serving / str(FIRST)))
    with pytest.raises(BadInputError, match="was in service, but its folder is gone"):
        roll(serving, FIRST)


def test_a_copy_of_the_model_in_service_is_refused(serving):
    roll(serving)
    with pytest.raises(BadInputError, match=f"same model as version {COPY}, which is in service"):
        roll(serving, SECOND)


def test_a_version_that_never_served_is_refused(serving):
    write_model(serving / str(THIRD + 5), "interrupted push")
    with pytest.raises(BadInputError, match="never was in service"):
        roll(serving, THIRD + 5)


def test_a_version_placed_by_hand_before_the_first_push_may_serve(serving):
    write_model(serving / "7", "by hand")
    pointer = roll(serving, 7)
    assert (pointer.run_id, pointer.metrics) == ("", {})
    assert content(serving / str(COPY)) == "saved_model.pb by hand"


@pytest.mark.parametrize("name", ["saved_model.pb", "variables/variables.index"])
def test_broken_versions_are_refused(serving, name):
    (serving / str(SECOND) / name).unlink()
    with pytest.raises(BadInputError, match=f"{SECOND}: is broken"):
        roll(serving, SECOND)
    assert read_pointer(str(serving), LocalFiles()).version == THIRD


def test_a_changed_file_is_a_broken_version(serving):
    (serving / str(SECOND) / "variables/variables.index").write_text("flipped")
    with pytest.raises(BadInputError, match="its files are not those that were pushed on 2023"):
        roll(serving)


def test_without_another_version_there_is_no_way_back(tmp_path):
    model = ModelToPush(write_model(tmp_path / "a"), "run-1", {})
    push_model(model, str(tmp_path / "serving"), files=LocalFiles(), now=START)
    with pytest.raises(BadInputError, match="no other model that was in service is still there"):
        roll(tmp_path / "serving")


@pytest.mark.parametrize("made", [True, False])
def test_without_a_pointer_there_is_nothing_to_leave(serving, tmp_path, made):
    (serving / POINTER_FILE).unlink()
    with pytest.raises(ServingError, match="no model is in service"):
        roll(serving if made else tmp_path / "nowhere", FIRST)


def test_a_version_in_service_that_was_removed_by_hand_can_be_left(serving):
    LocalFiles().remove_folder(str(serving / str(THIRD)))
    assert roll(serving).rollback == Rollback(SECOND, THIRD, "eve", "too many returns")


@pytest.mark.parametrize("break_at", range(9))
def test_a_crash_at_any_point_is_made_good_by_saying_it_again(serving, break_at):
    """4 copies, rename of the folder; write and rename of the history, and of the pointer."""
    before = read_pointer(str(serving), LocalFiles())
    with pytest.raises(SimulatedCrashError):
        roll(serving, files=LocalFiles(break_at))
    assert read_pointer(str(serving), LocalFiles()) == before
    later = NOW + datetime.timedelta(hours=1)
    pointer = roll(serving, now=later)
    # The whole copy of the first attempt is taken up; a half one made room for a new one.
    assert pointer.version == (COPY if break_at > 4 else COPY + 3600)
    assert versions(serving) == [str(number) for number in (FIRST, SECOND, THIRD, pointer.version)]


def test_a_rollback_makes_nine_changes_so_that_the_crash_test_covers_all(serving):
    files = LocalFiles()
    roll(serving, files=files)
    kinds = [kind for kind, _ in files.changes]
    assert kinds == ["copy"] * 4 + ["rename"] + ["write", "rename"] * 2


def test_in_an_object_store_nothing_is_renamed_but_the_two_files(serving, tmp_path):
    files = RemoteFiles(tmp_path)
    pointer = roll("mem://serving", files=files)
    assert pointer.uri == f"mem://serving/{COPY}"
    copied = [path for kind, path in files.changes if kind == "copy"]
    assert copied[-1] == str(serving / str(COPY) / "saved_model.pb")
