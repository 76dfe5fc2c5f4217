"""Files of the prediction log: sample, rotation, crash, a full disk, a slow one."""

import signal
import subprocess
import sys
import threading
import time

import pytest
from serving_models import eventually
from small_disk import small_disk

from demandcast.serving.server.config import PredictionLogConfig
from demandcast.serving.server.prediction_log import PredictionLog, recover_files
from demandcast.serving.server.records import encode_record, read_records


@pytest.fixture
def make(tmp_path):
    made = []

    def make(name="demand", *, seed=1, start=True, **options):
        log = PredictionLog(
            name, PredictionLogConfig(**{"directory": tmp_path} | options), seed=seed
        )
        if start:
            log.start()
            made.append(log)
        return log

    yield make
    for log in made:
        log.close(10)


def offer(log, *records):
    for record in records:
        log.offer(lambda record=record: record)


def files(directory, suffix=".tfrecord"):
    return sorted(directory.glob(f"*{suffix}"))


def kept(directory):
    return [record for path in files(directory) for record in read_records(path)]


def numbered(count):
    return [b"%d" % number for number in range(count)]


def test_what_is_offered_is_kept_in_its_order(make, tmp_path):
    log = make()
    offer(log, *numbered(100))
    log.close(10)
    assert kept(tmp_path) == numbered(100)
    assert (log.written, log.dropped, files(tmp_path, ".open")) == (100, 0, [])


def test_without_a_request_there_is_no_file(make, tmp_path):
    make().close(10)
    assert list(tmp_path.iterdir()) == []


def test_the_directory_is_made(make, tmp_path):
    log = make(directory=tmp_path / "a" / "b")
    offer(log, b"x")
    log.close(10)
    assert kept(tmp_path / "a" / "b") == [b"x"]
    with pytest.raises(OSError, match="exists"):
        make(directory=files(tmp_path / "a" / "b")[0])


def test_a_log_without_a_directory():
    with pytest.raises(ValueError, match="needs a directory"):
        PredictionLog("m", PredictionLogConfig())


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 1.0])
def test_sampling_keeps_its_share(make, tmp_path, rate):
    log = make(sampling_rate=rate, max_waiting=10_000)
    offer(log, *numbered(4000))
    log.close(10)
    # Five standard deviations of a binomial share around its mean.
    spread = 5 * (4000 * rate * (1 - rate)) ** 0.5
    assert abs(len(kept(tmp_path)) - 4000 * rate) <= spread
    assert (log.written, log.dropped) == (len(kept(tmp_path)), 0)


def test_the_sample_is_chance_of_its_own(make, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        log = make(name, seed=seed, sampling_rate=0.5, directory=tmp_path / name)
        offer(log, *numbered(100))
        log.close(10)
    assert kept(tmp_path / "a") == kept(tmp_path / "b") != kept(tmp_path / "c")


def test_a_file_that_is_large_enough_is_closed(make, tmp_path):
    log = make(max_file_bytes=100)
    offer(log, *[b"x" * 34] * 5)  # 34 + 16 bytes each: two make a file.
    log.close(10)
    assert [path.stat().st_size for path in files(tmp_path)] == [100, 100, 50]


def test_a_file_that_is_old_enough_is_closed_without_another_request(make, tmp_path):
    log = make(max_file_seconds=0.2)
    offer(log, b"x")
    eventually(lambda: kept(tmp_path) == [b"x"])
    assert log.written == 1


def test_the_oldest_files_go_when_all_are_too_large(make, tmp_path):
    log = make(max_file_bytes=1, max_total_bytes=100)
    for number in range(6):
        offer(log, b"%d" % number * 34)  # 50 bytes, and a file, each.
        eventually(lambda number=number: log.written == number + 1)
        time.sleep(0.01)  # Files are as old as their last write.
    log.close(10)
    assert [record[:1] for record in kept(tmp_path)] == [b"4", b"5"]


def test_the_newest_file_stays_however_large(make, tmp_path):
    log = make(max_file_bytes=1, max_total_bytes=1)
    offer(log, b"x" * 1000)
    log.close(10)
    assert len(files(tmp_path)) == 1


@pytest.mark.parametrize("name", ["a/b", "../up", "a b%", "ü", "a*", "[a]", "a-b"])
def test_any_name_is_a_file_in_the_directory(make, tmp_path, name):
    log = make(name, directory=tmp_path / "logs")
    offer(log, b"x")
    log.close(10)
    assert kept(tmp_path / "logs") == [b"x"]
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]
    assert recover_files(tmp_path / "logs", name) == []


def leftover(directory, name, content):
    path = directory / f"{name}-20260101T000000Z-0123abcd-0001.open"
    path.write_bytes(content)
    return path


def test_what_a_crash_left_is_cut_and_named(tmp_path):
    whole = encode_record(b"a") + encode_record(b"b")
    path = leftover(tmp_path, "demand", whole + encode_record(b"c")[:-1])
    assert recover_files(tmp_path, "demand") == [path.with_suffix(".tfrecord")]
    assert path.with_suffix(".tfrecord").read_bytes() == whole
    assert not path.exists()


def test_a_leftover_without_a_whole_record_is_removed(tmp_path):
    leftover(tmp_path, "demand", encode_record(b"a")[:-1])
    assert recover_files(tmp_path, "demand") == []
    assert list(tmp_path.iterdir()) == []


def test_files_of_others_are_left_alone(make, tmp_path):
    """A model whose name only begins so, and files that are none of ours."""
    others = [
        leftover(tmp_path, "demand-eu", encode_record(b"a")),
        leftover(tmp_path, "demand%2Feu", encode_record(b"a")),
        tmp_path / "demand-notes.open",
        tmp_path / "demand-x.tfrecord",
    ]
    for path in others[2:]:
        path.write_bytes(b"x" * 100)
    assert recover_files(tmp_path, "demand") == []
    log = make(max_file_bytes=1, max_total_bytes=1)
    offer(log, b"1", b"2")
    log.close(10)
    assert all(path.exists() for path in others)


def test_a_file_that_is_being_written_is_left_alone(make, tmp_path):
    """A second log of the same model and process: a reload gave it other bounds."""
    first = make()
    offer(first, b"1")
    eventually(lambda: files(tmp_path, ".open"))
    second = make(max_file_bytes=1000)
    offer(second, b"2")
    second.close(10)
    assert kept(tmp_path) == [b"2"]
    offer(first, b"3")
    first.close(10)
    assert sorted(kept(tmp_path)) == [b"1", b"2", b"3"]
    assert (first.written, second.written) == (2, 1)


PROGRAM = """
import sys, time
from pathlib import Path
from demandcast.serving.server.config import PredictionLogConfig
from demandcast.serving.server.prediction_log import PredictionLog
log = PredictionLog("demand", PredictionLogConfig(directory=Path(sys.argv[1])))
log.start()
for number in range(10**9):
    log.offer(lambda number=number: b"%d" % number * 100)
    if log.written:
        print(log.written, flush=True)
        time.sleep(0.01)
    time.sleep(0.0001)
"""


def test_a_process_that_is_killed_loses_nothing_that_was_counted(make, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    counted = int(process.stdout.readline())
    # While it lives, its file is its own.
    assert recover_files(tmp_path, "demand") == []
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert files(tmp_path) == []
    log = make()  # The next start mends.
    offer(log, b"next")
    log.close(10)
    found = kept(tmp_path)
    assert len(found) - 1 >= counted > 0
    assert found == [b"%d" % number * 100 for number in range(len(found) - 1)] + [b"next"]


class Disk:
    """Stands between a log and its file; fails or waits as it is told to."""

    def __init__(self, monkeypatch, log):
        self.full, self.gate = False, threading.Event()
        self.gate.set()
        self.log, self.open = log, log._open_file
        monkeypatch.setattr(log, "_open_file", self.open_file)

    def open_file(self):
        file = self.open()
        self.log._file = _Through(file, self)
        return self.log._file


class _Through:
    def __init__(self, file, disk):
        self.file, self.disk = file, disk

    def write(self, data):
        self.disk.gate.wait(30)
        if self.disk.full:
            self.file.write(data[:5])
            raise OSError(28, "No space left on device")
        return self.file.write(data)

    def __getattr__(self, name):
        return getattr(self.file, name)


def test_a_disk_that_fails_loses_what_it_must_and_counts_it(make, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("demandcast.serving.server.prediction_log._REST_SECONDS", 0.2)
    log = make(start=False)
    disk = Disk(monkeypatch, log)
    log.start()
    offer(log, b"1", b"2")
    eventually(lambda: log._records == 2)
    disk.full = True
    offer(log, b"3", b"4")
    eventually(lambda: log.dropped == 2)
    assert kept(tmp_path) == [b"1", b"2"]
    disk.full = False
    time.sleep(0.3)
    offer(log, b"5")
    log.close(10)
    assert (kept(tmp_path), log.written, log.dropped) == ([b"1", b"2", b"5"], 3, 2)
    (message,) = caplog.messages
    assert "No space left on device; requests are answered, 1 records are lost" in message


def test_a_full_disk(make, tmp_path, monkeypatch):
    """A real one: what it took is whole and counted, what it did not is counted too."""
    monkeypatch.setattr("demandcast.serving.server.prediction_log._REST_SECONDS", 0.1)
    (tmp_path / "disk").mkdir()
    with small_disk(tmp_path / "disk", mebibytes=1) as folder:
        log = make(directory=folder, max_file_bytes=100_000, max_waiting=10_000)
        offer(log, *[b"%03d" % number * 1000 for number in range(600)])  # 1.8 MB
        eventually(lambda: log.dropped > 0)
        eventually(log._waiting.empty)
        for path in files(folder)[:3]:
            path.unlink()
        time.sleep(0.2)
        offer(log, b"after")
        eventually(log._waiting.empty)
        log.close(10)
        assert kept(folder)[-1] == b"after"
        assert log.written + log.dropped == 601
        assert log.written == len(kept(folder)) + 3 * 34  # 34 records of 3,016 bytes a file
        assert files(folder, ".open") == []


def test_a_slow_disk_drops_and_counts(make, tmp_path, monkeypatch):
    log = make(start=False, max_waiting=10)
    disk = Disk(monkeypatch, log)
    disk.gate.clear()
    log.start()
    offer(log, b"first")
    eventually(lambda: log._records == 1)
    begin = time.process_time()
    offer(log, *numbered(1000))
    assert time.process_time() - begin < 1
    assert log.dropped == 1000 - 10
    disk.gate.set()
    log.close(10)
    assert kept(tmp_path) == [b"first", *numbered(10)]
    assert log.written == 11


def test_a_disk_that_hangs_does_not_keep_the_server_from_stopping(make, monkeypatch, caplog):
    log = make(start=False, max_waiting=10)
    disk = Disk(monkeypatch, log)
    disk.gate.clear()
    log.start()
    offer(log, b"first")
    eventually(lambda: log._records == 1)
    offer(log, *numbered(10))
    log.close(0.1)
    assert log.dropped == 10
    assert caplog.messages == ["Prediction log: the disk is too slow, 10 records are lost"]
    disk.gate.set()


def test_a_record_that_cannot_be_made_does_not_end_the_log(make, tmp_path, caplog):
    log = make()
    offer(log, b"1")
    log.offer(lambda: bytes("ü", "ascii"))
    offer(log, b"2")
    log.close(10)
    assert (kept(tmp_path), log.written, log.dropped) == ([b"1", b"2"], 2, 1)
    assert caplog.messages == ["Prediction log: a record could not be made"]


def test_closing_twice(make, tmp_path):
    log = make()
    offer(log, b"1")
    log.close(10)
    log.close(10)
    assert kept(tmp_path) == [b"1"]
