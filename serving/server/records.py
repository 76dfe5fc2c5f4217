"""TFRecord files without TensorFlow: what warm-up reads and the prediction log writes.

    length uint64 │ masked CRC of it │ bytes │ masked CRC of them      all little-endian

Source: https://www.tensorflow.org/tutorials/load_data/tfrecord, "TFRecords format details".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import google_crc32c

__all__ = ["RecordError", "encode_record", "read_records", "whole_part"]

_LENGTH = struct.Struct("<Q")
_CHECK = struct.Struct("<I")
_HEAD = _LENGTH.size + _CHECK.size
_MASK_DELTA = 0xA282EAD8
_LARGEST = 2**31
"""Bytes of one record; a length beyond it is damage."""


class RecordError(ValueError):
    """A file is damaged; the message says where."""


def encode_record(data: bytes) -> bytes:
    """Wraps the bytes of one record.

    >>> encode_record(b"a").hex()
    '01000000000000000175de4161786ee428'
    """
    length = _LENGTH.pack(len(data))
    return b"".join((length, _masked_crc(length), data, _masked_crc(data)))


def read_records(path: Path, *, at_most: int | None = None) -> Iterator[bytes]:
    """Reads the records of a file.

    Args:
        path: The file.
        at_most: Records after which it stops.

    Raises:
        RecordError: The file is damaged, or ends within a record.
    """
    with path.open("rb") as file:
        place = number = 0
        while at_most is None or number < at_most:
            head = file.read(_HEAD)
            if not head:
                return
            length = _length(head)
            if length is None:
                raise RecordError(f"{path}: record {number} at byte {place} is damaged")
            body = file.read(length + _CHECK.size)
            data = body[:length]
            if len(body) != length + _CHECK.size or _masked_crc(data) != body[length:]:
                raise RecordError(f"{path}: record {number} at byte {place} is damaged or cut off")
            yield data
            place += _HEAD + len(body)
            number += 1


def whole_part(path: Path) -> tuple[int, int]:
    """Whole records at the begin of a file, and their bytes: what a crash left of it."""
    place = number = 0
    with path.open("rb") as file:
        while (length := _length(file.read(_HEAD))) is not None:
            body = file.read(length + _CHECK.size)
            if len(body) != length + _CHECK.size or _masked_crc(body[:length]) != body[length:]:
                break
            place += _HEAD + len(body)
            number += 1
    return number, place


def _length(head: bytes) -> int | None:
    """The length that a head states; None if it is damaged or not all there."""
    if len(head) != _HEAD or _masked_crc(head[: _LENGTH.size]) != head[_LENGTH.size :]:
        return None
    (length,) = _LENGTH.unpack_from(head)
    return int(length) if length <= _LARGEST else None


def _masked_crc(data: bytes) -> bytes:
    crc = google_crc32c.value(data)
    return _CHECK.pack((((crc >> 15) | (crc << 17)) + _MASK_DELTA) & 0xFFFFFFFF)
