import gzip
import io
import struct

import google_crc32c

from demandcast.components.examples.records import frame_records, gzip_stream


def test_the_layout_of_a_record():
    data = frame_records([b"hello"])
    assert len(data) == 8 + 4 + 5 + 4
    assert struct.unpack("<Q", data[:8]) == (5,)
    assert data[12:17] == b"hello"
    # Unmasking as record_writer.h says gives the plain CRC-32C.
    (masked,) = struct.unpack("<I", data[17:])
    rotated = (masked - 0xA282EAD8) & 0xFFFFFFFF
    assert ((rotated >> 17) | (rotated << 15)) & 0xFFFFFFFF == google_crc32c.value(b"hello")


def test_known_bytes():
    # An empty record, as tf.io.TFRecordWriter writes it.
    assert frame_records([b""]).hex() == "000000000000000029039807d8ea82a2"
    assert frame_records([]) == b""


def test_the_same_content_gives_the_same_file():
    files = []
    for _ in range(2):
        raw = io.BytesIO()
        with gzip_stream(raw) as stream:
            stream.write(b"abc" * 100)
        files.append(raw.getvalue())
    assert files[0] == files[1]
    assert gzip.decompress(files[0]) == b"abc" * 100
