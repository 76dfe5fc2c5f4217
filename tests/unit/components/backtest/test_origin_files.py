"""Parts of an origins table, written in any order and twice, joined to a file per cutoff."""

import numpy as np
import polars as pl
import pytest
from origins_world import origin_row, origins_frame_of, spec

from demandcast.schema.errors import ContractError

pytestmark = pytest.mark.slow


def part(day, *stores, **changes):
    """A batch: the rows of some series at one cutoff."""
    return origins_frame_of(
        [origin_row(store, day, step, actual=1.0, **changes) for store in stores for step in (1, 2)]
    )


@pytest.fixture
def parts(tmp_path):
    from demandcast.components.backtest.origin_files import OriginParts

    (tmp_path / "parts").mkdir()
    (tmp_path / "joined").mkdir()
    return OriginParts(str(tmp_path / "parts"), spec())


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_each_cutoff_gets_one_sorted_file(parts, tmp_path):
    written = [part(7, "d"), part(0, "c", "a"), part(7, "b"), part(0, "b")]
    for frame in written:
        parts.write(frame)
    assert parts.join(tmp_path / "joined") == 10
    assert set(files(tmp_path / "joined")) == {"2024-01-01.parquet", "2024-01-08.parquet"}
    first, second = (
        pl.read_parquet(tmp_path / "joined" / f"2024-01-{day}.parquet") for day in ("01", "08")
    )
    assert first.equals(part(0, "a", "b", "c"))
    assert second.equals(part(7, "b", "d"))
    assert files(tmp_path / "parts") == {}


def test_the_order_of_the_parts_does_not_show(parts, tmp_path):
    frames = [part(day, store) for day in (0, 7) for store in "abcdef"]
    contents = []
    for seed in (1, 2):
        for at in np.random.default_rng(seed).permutation(len(frames)):
            parts.write(frames[at])
        parts.join(tmp_path / "joined")
        contents.append(files(tmp_path / "joined"))
    assert contents[0] == contents[1]


def test_a_part_that_is_written_again_counts_once(parts, tmp_path):
    """As after a retry of a bundle."""
    for frame in (part(0, "a", "b"), part(0, "a", "b"), part(0, "c")):
        parts.write(frame)
    assert parts.join(tmp_path / "joined") == 6


def test_without_parts_there_are_no_files(parts, tmp_path):
    assert parts.join(tmp_path / "joined") == 0
    assert files(tmp_path / "joined") == {}


def test_a_forecast_that_breaks_the_contract_is_refused(parts, tmp_path):
    parts.write(part(0, "a"))
    parts.write(part(0, "b", **{"q0.5": float("nan")}))
    with pytest.raises(ContractError, match=r"NaN or infinite in 'q0\.5': 2 rows, first: store=b"):
        parts.join(tmp_path / "joined")
    assert files(tmp_path / "joined") == {}
