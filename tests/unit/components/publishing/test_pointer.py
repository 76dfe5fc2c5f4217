import datetime
import doctest
import json

import pytest
from publishing_files import LocalFiles, SimulatedCrashError

from demandcast.components.publishing import pointer as module
from demandcast.components.publishing.pointer import (
    HISTORY_FILE,
    NO_POINTER,
    POINTER_FILE,
    Pointer,
    Rollback,
    pointer_digest,
    read_history,
    read_pointer,
    utc_text,
    withdrawn,
    write_pointer,
)
from demandcast.schema.errors import ServingError

POINTER = Pointer(
    version=1700000000,
    uri="/srv/serving/1700000000",
    run_id="run-1",
    digest="ab" * 32,
    metrics={"wape": 0.25, "bias": -0.5},
    time="2026-11-20T09:30:00+00:00",
)


def write(pointer, folder, files):
    write_pointer(pointer, str(folder), files, before=read_pointer(str(folder), files))


def test_examples_in_docstrings_are_true():
    assert doctest.testmod(module).failed == 0


def test_what_is_written_is_read(tmp_path):
    files = LocalFiles()
    write(POINTER, tmp_path, files)
    assert read_pointer(str(tmp_path), files) == POINTER
    assert [p.name for p in tmp_path.iterdir()] == [POINTER_FILE]


def test_the_keys_are_those_that_others_read():
    assert sorted(json.loads(POINTER.to_json())) == [
        "digest",
        "metrics",
        "run_id",
        "time",
        "uri",
        "version",
    ]


def test_metrics_that_json_cannot_hold_are_left_out():
    text = Pointer(
        1, "u", "r", "d", {"nan": float("nan"), "inf": float("inf"), "ok": 1.5}
    ).to_json()
    assert json.loads(text)["metrics"] == {"ok": 1.5}


def test_keys_of_later_versions_are_ignored():
    text = json.dumps({**json.loads(POINTER.to_json()), "signed_by": "someone"})
    assert Pointer.from_json(text, source="x") == POINTER


def test_no_file_is_no_pointer(tmp_path):
    assert read_pointer(str(tmp_path / "none"), LocalFiles()) is None
    assert pointer_digest(str(tmp_path / "none"), LocalFiles()) == NO_POINTER


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": "x"}', "\x00", "null"])
def test_an_unreadable_pointer_is_named(tmp_path, text):
    (tmp_path / POINTER_FILE).write_text(text)
    with pytest.raises(ServingError, match=r"in_service\.json: not a pointer.*expected JSON with"):
        read_pointer(str(tmp_path), LocalFiles())


def test_a_crash_while_writing_leaves_the_old_pointer(tmp_path):
    write(POINTER, tmp_path, LocalFiles())
    newer = Pointer(1800000000, "u", "run-2", "cd" * 32)
    with pytest.raises(SimulatedCrashError):
        write(newer, tmp_path, LocalFiles(break_at=1))  # Before the rename.
    assert read_pointer(str(tmp_path), LocalFiles()) == POINTER


@pytest.mark.parametrize("before", [None, Pointer(1600000000, "u", "run-0", "ef" * 32)])
def test_a_change_that_began_before_another_one_is_refused(tmp_path, before):
    write(POINTER, tmp_path, LocalFiles())
    newer = Pointer(1800000000, "u", "run-2", "cd" * 32)
    with pytest.raises(ServingError, match="put into service at the same time; run again"):
        write_pointer(newer, str(tmp_path), LocalFiles(), before=before)
    assert read_history(str(tmp_path), LocalFiles()) == (POINTER,)


@pytest.fixture
def pointers():
    """Three pointers; the last came by a rollback from the second to the first."""
    return (
        POINTER,
        Pointer(1700000001, "u", "run-2", "cd" * 32, time="2026-11-21T09:30:00+00:00"),
        Pointer(
            1700000002,
            "u",
            "run-1",
            "ab" * 32,
            rollback=Rollback(1700000000, 1700000001, "eve", ""),
        ),
    )


def test_the_history_holds_every_pointer_oldest_first(tmp_path, pointers):
    files = LocalFiles()
    for count, pointer in enumerate(pointers, start=1):
        write(pointer, tmp_path, files)
        assert read_history(str(tmp_path), files) == pointers[:count]
    assert read_pointer(str(tmp_path), files) == pointers[-1]
    lines = (tmp_path / HISTORY_FILE).read_text().splitlines()
    assert [json.loads(line)["version"] for line in lines] == [1700000000, 1700000001]
    assert "rollback" not in json.loads(lines[0])


def test_nothing_pushed_has_no_history(tmp_path):
    assert read_history(str(tmp_path), LocalFiles()) == ()


@pytest.mark.parametrize("break_at", range(4))
def test_no_crash_loses_or_doubles_a_pointer(tmp_path, pointers, break_at):
    """Changes of the second write: aside and rename of the history, then of the pointer."""
    write(pointers[0], tmp_path, LocalFiles())
    with pytest.raises(SimulatedCrashError):
        write(pointers[1], tmp_path, LocalFiles(break_at))
    assert read_history(str(tmp_path), LocalFiles()) == pointers[:1]
    write(pointers[1], tmp_path, LocalFiles())
    assert read_history(str(tmp_path), LocalFiles()) == pointers[:2]


def test_a_damaged_line_of_the_history_is_passed_over(tmp_path, pointers, caplog):
    for pointer in pointers[:2]:
        write(pointer, tmp_path, LocalFiles())
    history = tmp_path / HISTORY_FILE
    history.write_text("edited by hand\n" + history.read_text())
    assert read_history(str(tmp_path), LocalFiles()) == pointers[:2]
    assert "in_service.history.jsonl, line 1: not a pointer" in caplog.text


def test_without_its_pointer_a_directory_still_has_a_history(tmp_path, pointers):
    for pointer in pointers[:2]:
        write(pointer, tmp_path, LocalFiles())
    (tmp_path / POINTER_FILE).unlink()
    assert read_history(str(tmp_path), LocalFiles()) == pointers[:1]


def test_a_model_is_withdrawn_from_its_rollback_until_it_is_put_back(pointers):
    assert withdrawn(()) == {}
    assert withdrawn(pointers[:2]) == {}
    assert withdrawn(pointers) == {"cd" * 32: pointers[2]}
    forward = Pointer(
        1700000003, "u", "run-2", "cd" * 32, rollback=Rollback(1700000001, 1700000002, "eve", "")
    )
    assert withdrawn((*pointers, forward)) == {"ab" * 32: forward}


def test_a_rollback_from_a_version_that_the_history_does_not_know_withdraws_nothing(pointers):
    assert withdrawn(pointers[2:]) == {}


def test_the_digest_follows_the_model_and_not_the_metrics(tmp_path):
    files = LocalFiles()
    digests = []
    for pointer in (
        POINTER,
        Pointer(POINTER.version, "moved", "run-9", POINTER.digest, {"wape": 1.0}, "later"),
        Pointer(POINTER.version, POINTER.uri, POINTER.run_id, "cd" * 32),
        Pointer(POINTER.version + 1, POINTER.uri, POINTER.run_id, POINTER.digest),
    ):
        write(pointer, tmp_path, files)
        digests.append(pointer_digest(str(tmp_path), files))
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


def test_times_are_written_in_utc():
    zone = datetime.timezone(datetime.timedelta(hours=2))
    moment = datetime.datetime(2026, 1, 1, 1, 0, tzinfo=zone)
    assert utc_text(moment) == "2025-12-31T23:00:00+00:00"
