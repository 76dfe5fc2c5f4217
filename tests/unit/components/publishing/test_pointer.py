import datetime
import doctest
import json

import pytest
from publishing_files import LocalFiles, SimulatedCrashError

from demandcast.components.publishing import pointer as module
from demandcast.components.publishing.pointer import (
    NO_POINTER,
    POINTER_FILE,
    Pointer,
    pointer_digest,
    read_pointer,
    utc_text,
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


def test_examples_in_docstrings_are_true():
    assert doctest.testmod(module).failed == 0


def test_what_is_written_is_read(tmp_path):
    files = LocalFiles()
    write_pointer(POINTER, str(tmp_path), files)
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
    write_pointer(POINTER, str(tmp_path), LocalFiles())
    newer = Pointer(1800000000, "u", "run-2", "cd" * 32)
    with pytest.raises(SimulatedCrashError):
        write_pointer(newer, str(tmp_path), LocalFiles(break_at=1))  # Before the rename.
    assert read_pointer(str(tmp_path), LocalFiles()) == POINTER


def test_the_digest_follows_the_model_and_not_the_metrics(tmp_path):
    files = LocalFiles()
    digests = []
    for pointer in (
        POINTER,
        Pointer(POINTER.version, "moved", "run-9", POINTER.digest, {"wape": 1.0}, "later"),
        Pointer(POINTER.version, POINTER.uri, POINTER.run_id, "cd" * 32),
        Pointer(POINTER.version + 1, POINTER.uri, POINTER.run_id, POINTER.digest),
    ):
        write_pointer(pointer, str(tmp_path), files)
        digests.append(pointer_digest(str(tmp_path), files))
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


def test_times_are_written_in_utc():
    zone = datetime.timezone(datetime.timedelta(hours=2))
    moment = datetime.datetime(2026, 1, 1, 1, 0, tzinfo=zone)
    assert utc_text(moment) == "2025-12-31T23:00:00+00:00"
