"""Files appear when they are complete, and only then; both formats hold the same rows."""

import datetime

import polars as pl
import pyarrow as pa
import pyarrow.parquet
import pytest

from demandcast.components.inference.writing import FORMATS, open_forecast_files


def frame_of(*numbers):
    return pl.DataFrame(
        {
            "store": [f"s{number}, north" for number in numbers],
            "cutoff": [datetime.date(2024, 5, 1)] * len(numbers),
            "step": list(range(1, len(numbers) + 1)),
            "mean": [number + 1 / 3 for number in numbers],
        },
        schema={"store": pl.String, "cutoff": pl.Date, "step": pl.Int32, "mean": pl.Float32},
    )


PARTS = (frame_of(1, 2, 3), frame_of(4), frame_of(5, 6))
WHOLE = pl.concat(PARTS)


def write(output, *, formats=FORMATS, parts=PARTS):
    with open_forecast_files(output, formats) as writer:
        for part in parts:
            writer.write(part)


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_batches_are_appended(tmp_path):
    write(tmp_path / "deep" / "today")
    assert names_in(tmp_path / "deep") == ["today.csv", "today.parquet"]
    assert pl.read_parquet(tmp_path / "deep" / "today.parquet").equals(WHOLE)


def test_both_formats_hold_the_same(tmp_path):
    write(tmp_path / "today")
    text = pl.read_csv(tmp_path / "today.csv", schema=WHOLE.schema)
    assert text.drop("mean").equals(WHOLE.drop("mean"))
    assert text["mean"].to_list() == pytest.approx(WHOLE["mean"].to_list(), abs=5e-5)
    assert (tmp_path / "today.csv").read_text().count("store,cutoff,step,mean") == 1


def test_texts_are_plain_strings_in_parquet(tmp_path):
    write(tmp_path / "today", formats=["parquet"])
    schema = pa.parquet.read_schema(tmp_path / "today.parquet")
    assert schema.types == [pa.string(), pa.date32(), pa.int32(), pa.float32()]


@pytest.mark.parametrize("name", FORMATS)
def test_only_what_was_asked_for(tmp_path, name):
    write(tmp_path / "today", formats=[name])
    assert names_in(tmp_path) == [f"today.{name}"]


def test_a_name_with_dots_keeps_them(tmp_path):
    write(tmp_path / "forecast.2024.05", formats=["csv"])
    assert names_in(tmp_path) == ["forecast.2024.05.csv"]


def test_nothing_is_there_before_the_end(tmp_path):
    with open_forecast_files(tmp_path / "today", FORMATS) as writer:
        writer.write(PARTS[0])
        assert names_in(tmp_path) == [".today.csv.part", ".today.parquet.part"]
    assert names_in(tmp_path) == ["today.csv", "today.parquet"]


@pytest.mark.parametrize("written", [0, 1, 2])
def test_an_error_leaves_nothing(tmp_path, written):
    def fail():
        with open_forecast_files(tmp_path / "today", FORMATS) as writer:
            for part in PARTS[:written]:
                writer.write(part)
            raise ValueError("out of memory")

    with pytest.raises(ValueError, match="out of memory"):
        fail()
    assert names_in(tmp_path) == []


def test_an_error_keeps_the_files_of_before(tmp_path):
    write(tmp_path / "today")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def fail():
        with open_forecast_files(tmp_path / "today", FORMATS) as writer:
            writer.write(frame_of(9))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_files_of_before_are_replaced(tmp_path):
    write(tmp_path / "today")
    write(tmp_path / "today", parts=PARTS[1:2])
    assert pl.read_parquet(tmp_path / "today.parquet").equals(PARTS[1])
    assert pl.read_csv(tmp_path / "today.csv").height == 1


def test_the_handles_are_closed_after_an_error(tmp_path):
    writers = []

    def fail():
        with open_forecast_files(tmp_path / "today", FORMATS) as writer:
            writers.append(writer)
            writer.write(PARTS[0])
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        fail()
    assert writers[0]._csv.closed
    assert not writers[0]._parquet.is_open
