"""TFRecord files: whole, damaged at each of their bytes, and cut off at each."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demandcast.serving.server.records import (
    RecordError,
    encode_record,
    read_records,
    whole_part,
)

RECORDS = [b"first", b"", b"the third one"]
FRAME = 8 + 4 + 4  # Length and its check, and the check of the bytes.


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "records"
    path.write_bytes(b"".join(map(encode_record, RECORDS)))
    return path


def ends():
    """Where each record ends."""
    return [sum(FRAME + len(r) for r in RECORDS[: n + 1]) for n in range(len(RECORDS))]


def test_there_and_back(path):
    assert list(read_records(path)) == RECORDS
    assert path.stat().st_size == ends()[-1] == 3 * FRAME + 5 + 0 + 13
    assert whole_part(path) == (3, ends()[-1])


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_any_bytes_there_and_back(tmp_path_factory, records):
    path = tmp_path_factory.mktemp("any") / "records"
    path.write_bytes(b"".join(map(encode_record, records)))
    assert list(read_records(path)) == records
    assert whole_part(path) == (len(records), path.stat().st_size)


@pytest.mark.parametrize(("at_most", "expected"), [(0, 0), (2, 2), (3, 3), (9, 3), (None, 3)])
def test_reads_at_most(path, at_most, expected):
    assert list(read_records(path, at_most=at_most)) == RECORDS[:expected]


def test_an_empty_file_has_no_record(tmp_path):
    (tmp_path / "empty").touch()
    assert list(read_records(tmp_path / "empty")) == []
    assert whole_part(tmp_path / "empty") == (0, 0)


@pytest.mark.parametrize("bit", [0, 7])
def test_a_damaged_byte_is_found_wherever_it_is(path, bit):
    good = path.read_bytes()
    for place in range(len(good)):
        damaged = bytearray(good)
        damaged[place] ^= 1 << bit
        path.write_bytes(damaged)
        number = sum(end <= place for end in ends())
        begin = [0, *ends()][number]
        read = []
        with pytest.raises(RecordError, match=f"record {number} at byte {begin} is damaged"):
            read.extend(iter_into(read, path))
        assert read == RECORDS[:number]
        assert whole_part(path) == (number, begin)


@pytest.mark.parametrize("keep", range(ends()[-1]))
def test_a_file_that_is_cut_off_keeps_what_is_whole(path, keep):
    path.write_bytes(path.read_bytes()[:keep])
    number = sum(end <= keep for end in ends())
    begin = [0, *ends()][number]
    assert whole_part(path) == (number, begin)
    read = []
    if keep == begin:
        assert list(read_records(path)) == RECORDS[:number]
    else:
        with pytest.raises(RecordError, match=f"{path}: record {number} at byte {begin}"):
            iter_into(read, path)
        assert read == RECORDS[:number]


def iter_into(read, path):
    """Reads one by one, so that what came before the damage is seen."""
    for record in read_records(path):
        read.append(record)
    return ()


def test_a_length_that_no_record_has_is_damage(tmp_path):
    """Its check is right; nobody shall try to read so much."""
    path = tmp_path / "records"
    length = struct.pack("<Q", 2**40)
    path.write_bytes(length + encode_record(length)[-4:] + b"x" * 100)
    with pytest.raises(RecordError, match="record 0 at byte 0 is damaged"):
        list(read_records(path))
    assert whole_part(path) == (0, 0)


@pytest.mark.slow
def test_tensorflow_reads_what_is_written(path):
    import tensorflow as tf

    found = [record.numpy() for record in tf.data.TFRecordDataset(str(path))]
    assert found == RECORDS


@pytest.mark.slow
def test_reads_what_tensorflow_writes(tmp_path):
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(tmp_path / "records")) as writer:
        for record in RECORDS:
            writer.write(record)
    assert list(read_records(tmp_path / "records")) == RECORDS
    ours = b"".join(map(encode_record, RECORDS))
    assert (tmp_path / "records").read_bytes() == ours
