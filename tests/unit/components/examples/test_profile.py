"""Profiles of small tables, counted by hand and by a slow loop."""

import numpy as np
import pytest
from examples_tables import COLUMNS, MONDAY_PERIOD, check_purely, make_data, row, write_rows

from demandcast.components.examples.profile import count_partition, profile_of
from demandcast.components.examples.report import (
    SAMPLED_SERIES,
    Report,
    merge_reports,
    report_from_json,
    report_to_json,
)
from demandcast.schema.config import ForecastConfig
from demandcast.schema.data_profile import BLOCK


def counted(path, rows, *, partitions=3, frequency="D"):
    """Report with the counts of all partitions, once written and read."""
    data = make_data(write_rows(path / "sales.parquet", rows))
    found, _, _, _ = check_purely(data, ForecastConfig(frequency=frequency), partitions=partitions)
    parts = [
        Report(counts=count_partition(p, key=COLUMNS.series_key, known=("price", "absent")))
        for p in found
    ]
    return report_from_json(report_to_json(merge_reports(parts)))


def profiled(path, rows, **options):
    return profile_of(counted(path, rows, **options).counts, frequency="D")


def test_counts_by_period(tmp_path):
    profile = profiled(
        tmp_path,
        [
            row(0, 2.0),
            row(1, 2.0),  # Repeats.
            row(3, 0.0),  # Day 2 has no record of any series.
            row(4, 0.0),  # 0 after 0 is no sign of a frozen feed.
            row(0, 5.0, item="b"),
            row(1, None, item="b"),
            row(2, None, item="b"),
            row(3, 5.0, item="b"),  # Not the period after.
            row(4, 5.0, item="b"),
        ],
    )
    assert profile.first == MONDAY_PERIOD
    assert profile.last == MONDAY_PERIOD + 4
    assert profile.recorded == (2, 1, 0, 2, 2)
    assert profile.selling == (2, 1, 0, 1, 1)
    assert profile.total == (2 + 5, 2, 0, 0 + 5, 0 + 5)
    assert profile.repeated == (0, 1, 0, 0, 1)


def test_blocks_of_each_series_add_up(tmp_path):
    rows = [row(day, 1.0 + day % 3, item=item) for item in "abc" for day in range(2 * BLOCK)]
    profile = profiled(tmp_path, rows)
    assert len(profile.sample) == 3
    for blocks in profile.sample.values():
        days = np.arange(2 * BLOCK)
        number = (MONDAY_PERIOD + days) // BLOCK
        expected = {int(n): float((1.0 + days % 3)[number == n].sum()) for n in np.unique(number)}
        assert blocks == expected


def test_partitions_change_nothing(tmp_path):
    rng = np.random.default_rng(8)
    rows = [row(d, float(rng.integers(0, 9)), item=f"i{i}") for i in range(30) for d in range(9)]
    one, many = (profiled(tmp_path, rows, partitions=n) for n in (1, 7))
    assert one.model_copy(update={"correlation": {}}) == many.model_copy(update={"correlation": {}})
    # Sums of floats in another order.
    assert one.correlation["price"] == many.correlation["price"]


def test_a_sample_of_many_series_is_the_same_whatever_the_partitions(tmp_path):
    rows = [row(0, 1.0, item=f"i{i}") for i in range(2 * SAMPLED_SERIES)]
    one, many = (profiled(tmp_path, rows, partitions=n) for n in (1, 9))
    assert len(one.sample) == SAMPLED_SERIES
    assert one.sample == many.sample
    # A series that joins pushes at most one other out.
    more = profiled(tmp_path, [*rows, row(0, 1.0, item="new")])
    assert len(one.sample.keys() & more.sample.keys()) >= SAMPLED_SERIES - 1


def test_correlation_is_that_of_numpy(tmp_path):
    rng = np.random.default_rng(4)
    x, y = rng.normal(1000, 3, 200), rng.poisson(20, 200).astype(float)
    rows = [row(d, t, price=p) for d, (t, p) in enumerate(zip(y, x, strict=True))]
    found = profiled(tmp_path, rows).correlation
    assert found == {"price": pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-6)}


def test_a_copy_of_the_sales_has_correlation_1_and_a_constant_none(tmp_path):
    rows = [row(d, float(d), price=d * 3.0 + 1) for d in range(9)]
    assert profiled(tmp_path, rows).correlation["price"] == pytest.approx(1.0)
    rows = [row(d, float(d), price=2.5) for d in range(9)]
    assert profiled(tmp_path, rows).correlation == {"price": None}
    rows = [row(d, float(d), price=None) for d in range(9)]
    assert profiled(tmp_path, rows).correlation == {"price": None}


def test_one_row_has_a_profile(tmp_path):
    profile = profiled(tmp_path, [row(5, 4.0)])
    assert (profile.total, profile.recorded, profile.repeated) == ((4.0,), (1,), (0,))


def test_counts_survive_a_dictionary_without_any():
    empty = report_from_json(report_to_json(Report()))
    assert empty.counts == Report().counts
