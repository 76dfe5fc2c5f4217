import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
import textwrap

import pytest

from demandcast.components.replenishment.audit_chain import AuditEntry, read_chain
from demandcast.pipeline.orders import audit_file
from demandcast.pipeline.orders.audit_file import audit_writer, read_audit_log, trusted
from demandcast.schema.errors import AnomalyError, BadInputError

WORKER = """
import sys
from pathlib import Path
from demandcast.components.replenishment.audit_chain import AuditEntry
from demandcast.pipeline.orders.audit_file import audit_writer
path, name = Path(sys.argv[1]), sys.argv[2]
for number in range(25):
    with audit_writer(path, user=name) as writer:
        writer.append([AuditEntry("approve", "now", name, "p", reason=str(number))] * 2)
"""


def entry(reason="", user="anna"):
    return AuditEntry("approve", "2026-07-01T08:00:00+00:00", user, "p", reason=reason)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "orders" / "audit.jsonl"


def write(path, *batches):
    for batch in batches:
        with audit_writer(path, user="anna", now=lambda: "now") as writer:
            writer.append(batch)


def start(path, name, program=WORKER):
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(program), str(path), name])


def test_a_log_is_made_and_grows(path):
    assert read_audit_log(path).entries == ()
    write(path, [entry("one")], [entry("two"), entry("three")], [])
    chain = read_audit_log(path)
    assert [found.reason for found in chain.entries] == ["one", "two", "three"]
    assert [(found.part, found.parts) for found in chain.entries] == [(1, 1), (1, 2), (2, 2)]
    assert (chain.torn, chain.broken) == (b"", "")
    assert [json.loads(line)["sequence"] for line in path.read_text().splitlines()] == [1, 2, 3]


def test_a_writer_knows_what_it_added(path):
    with audit_writer(path, user="anna") as writer:
        writer.append([entry("one")])
        writer.append([entry("two")])
        assert writer.chain == read_chain(path.read_bytes())


def test_two_processes_at_once_lose_nothing(path):
    workers = [start(path, name) for name in ("anna", "ben")]
    assert [worker.wait(120) for worker in workers] == [0, 0]
    chain = read_audit_log(path)
    assert (chain.broken, chain.torn) == ("", b"")
    for name in ("anna", "ben"):
        reasons = [found.reason for found in chain.entries if found.user == name]
        assert reasons == [str(number) for number in range(25) for _ in range(2)]


def test_a_killed_process_gives_the_lock_back_and_loses_no_line(path):
    program = WORKER.replace("range(25)", "range(10**9)")
    worker = start(path, "anna", program)
    while len(read_audit_log(path).entries) < 4:
        assert worker.poll() is None
    worker.send_signal(signal.SIGKILL)
    worker.wait(60)
    write(path, [entry("after")])
    chain = read_audit_log(path)
    assert (chain.broken, chain.torn) == ("", b"")
    assert chain.entries[-1].reason == "after"


@pytest.mark.parametrize("rest", [b'{"sequence": 2, "acti', b"\x00" * 50, b"odd\n"])
def test_what_a_crash_left_is_reported_and_set_aside(path, rest, caplog):
    write(path, [entry("one")])
    before = path.read_bytes()
    path.write_bytes(before + rest)
    chain = trusted(read_audit_log(path), path)
    assert ([found.reason for found in chain.entries], chain.torn) == (["one"], rest)
    assert f"its last {len(rest)} bytes were cut short by a crash" in caplog.text
    assert path.read_bytes() == before + rest  # Who only looks changes nothing.

    write(path, [entry("two")])
    assert path.read_bytes().startswith(before)
    chain = read_audit_log(path)
    note = chain.entries[1]
    assert [found.action for found in chain.entries] == ["approve", "set_aside", "approve"]
    assert (path.parent / note.details["file"]).read_bytes() == rest
    assert note.details["bytes"] == len(rest)
    assert note.user == "anna"
    assert str(path.parent / note.details["file"]) in caplog.text


def test_half_of_what_counts_together_is_set_aside_too(path):
    write(path, [entry("one")], [entry("two"), entry("three")])
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1])
    write(path, [])
    chain = read_audit_log(path)
    assert [found.reason for found in chain.entries] == ["one", ""]
    assert (path.parent / chain.entries[1].details["file"]).read_bytes() == lines[1]


def test_nothing_is_added_to_a_broken_log(path):
    write(path, [entry("one")], [entry("two")])
    broken = path.read_bytes().replace(b"one", b"eno")
    path.write_bytes(broken)
    with pytest.raises(AnomalyError, match="line 2 does not follow"):
        write(path, [entry("three")])
    assert path.read_bytes() == broken
    assert read_audit_log(path).broken


def test_a_full_disk_decides_nothing(path, monkeypatch):
    write(path, [entry("one")])
    before = path.read_bytes()

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    with audit_writer(path, user="anna") as writer:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            with pytest.raises(BadInputError, match=r"No space left.*; nothing was decided"):
                writer.append([entry("two")])
        writer.append([entry("three")])
    assert path.read_bytes().startswith(before)
    assert [found.reason for found in read_audit_log(path).entries] == ["one", "three"]


def test_whoever_comes_second_waits_and_then_says_so(path, monkeypatch):
    monkeypatch.setattr(audit_file, "_PATIENCE_SECONDS", 0.1)
    write(path, [entry("one")])
    with path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(BadInputError, match="another process has been deciding"):
            write(path, [entry("two")])
    with path.open("rb") as reader:  # Those who look do not keep each other out.
        fcntl.flock(reader, fcntl.LOCK_SH)
        assert len(read_audit_log(path).entries) == 1


def test_a_place_that_cannot_be_used_is_named(path, monkeypatch):
    path.mkdir(parents=True)
    with pytest.raises(BadInputError, match="cannot be written: Is a directory"):
        write(path, [entry()])
    with pytest.raises(BadInputError, match="cannot be read: Is a directory"):
        read_audit_log(path)
    path.rmdir()

    def refuse(file, kind):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(BadInputError, match="cannot be locked: No locks available"):
        write(path, [entry()])


def test_every_line_is_on_the_disk_before_anybody_is_told(path, monkeypatch):
    flushed = []
    real = os.fsync

    def fsync(descriptor):
        real(descriptor)
        flushed.append(os.fstat(descriptor).st_size)

    monkeypatch.setattr(os, "fsync", fsync)
    write(path, [entry("one")])
    assert flushed[-1] == path.stat().st_size
