import gzip

import polars as pl
import pyarrow as pa
import pytest

from demandcast.components.examples.readers import (
    SOURCE,
    plan_reading,
    read_blocks,
    read_header,
    row_of,
)


def read(paths, columns, block_rows=1000):
    malformed = []
    blocks = [
        block
        for task in plan_reading([str(path) for path in paths], table="sales")
        for block in read_blocks(task, columns, block_rows=block_rows, malformed=malformed)
    ]
    return blocks, malformed


@pytest.mark.parametrize("block_rows", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_blocks_have_their_size_and_know_their_rows(tmp_path, suffix, block_rows):
    frame = pl.DataFrame({"x": range(10), "y": range(10, 20)})
    path = tmp_path / f"t.{suffix}"
    if suffix == "csv":
        frame.write_csv(path)
    else:
        frame.write_parquet(path, row_group_size=4)
    blocks, _ = read([path], ["y"], block_rows)
    assert all(len(block) <= block_rows for block in blocks)
    whole = pl.concat(blocks)
    assert whole.columns == ["y", SOURCE]
    assert whole["y"].cast(pl.Int64).to_list() == list(range(10, 20))
    assert [row_of(source) for source in whole[SOURCE]] == [(0, row) for row in range(1, 11)]


def test_csv_stays_text_and_empty_is_missing(tmp_path):
    (tmp_path / "t.csv").write_text('a,b\n007,NA\n,"x,\ny"\n')
    (block,), _ = read([tmp_path / "t.csv"], ["a", "b"])
    assert block["a"].to_list() == ["007", None]
    assert block["b"].to_list() == ["NA", "x,\ny"]


def test_rows_of_several_files_sort_in_reading_order(tmp_path):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("x\n1\n2\n")
    blocks, _ = read([tmp_path / "a.csv", tmp_path / "b.csv"], ["x"])
    sources = pl.concat(blocks)[SOURCE]
    assert sources.is_sorted()
    assert [row_of(source) for source in sources] == [(0, 1), (0, 2), (1, 1), (1, 2)]


def test_malformed_lines_are_named_and_do_not_shift_the_others(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n3\n5,6\n7,8,9\n10,11\n")
    blocks, malformed = read([tmp_path / "t.csv"], ["a"])
    whole = pl.concat(blocks)
    assert [(line.row, line.expected_values, line.values) for line in malformed] == [
        (2, 2, 1),
        (4, 2, 3),
    ]
    assert whole["a"].to_list() == ["1", "5", "10"]
    assert [row_of(source)[1] for source in whole[SOURCE]] == [1, 3, 5]


def test_a_header_without_rows_is_an_empty_table(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n")
    pl.DataFrame({"a": []}).write_parquet(tmp_path / "t.parquet")
    for name in ("t.csv", "t.parquet"):
        assert read([tmp_path / name], ["a"]) == ([], [])


def test_reads_headers(tmp_path):
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"a,b\n1,2\n"))
    pl.DataFrame({"x": [1], "y": [2]}).write_parquet(tmp_path / "t.parquet")
    assert read_header(str(tmp_path / "t.csv.gz"), table="sales") == ("a", "b")
    assert read_header(str(tmp_path / "t.parquet"), table="sales") == ("x", "y")


def test_a_damaged_parquet_file_raises(tmp_path):
    (tmp_path / "t.parquet").write_bytes(b"no parquet at all")
    with pytest.raises(pa.ArrowInvalid):
        read_header(str(tmp_path / "t.parquet"), table="sales")
