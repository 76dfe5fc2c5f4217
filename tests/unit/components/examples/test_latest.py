import datetime

import pytest
from examples_tables import make_data, row, write_rows

from demandcast.schema.config import BeamConfig, ForecastConfig, SamplingConfig
from demandcast.schema.errors import ContractError

pytestmark = pytest.mark.slow

BEAM = BeamConfig(partitions=3)
ROWS = [row(day, float(day), item=item) for item in "abcd" for day in range(10)]
AHEAD = [row(day, None, item=item, price=5.0) for item in "abcd" for day in range(10, 13)]


def write(tmp_path, rows, horizon=3, cutoff=None, **sampling):
    from demandcast.components.examples.latest import latest_ingestion, write_latest_examples

    data = make_data(write_rows(tmp_path / "sales.csv", rows))
    ingestion = latest_ingestion(
        data, ForecastConfig(horizon=horizon), SamplingConfig(**sampling), BEAM, cutoff=cutoff
    )
    return write_latest_examples(ingestion, str(tmp_path / "out"))


def rows_of(latest):
    import tensorflow as tf

    from demandcast.components.examples.latest import EXAMPLE

    for batch in latest.batches():
        for item in batch.to_pylist():
            yield item, tf.train.Example.FromString(item[EXAMPLE]).features.feature


def test_one_example_per_series_with_its_key(tmp_path):
    latest = write(tmp_path, ROWS + AHEAD)
    found = {(item["store"], item["item"]): (item, feature) for item, feature in rows_of(latest)}
    assert sorted(found) == [("1", item) for item in "abcd"]
    assert latest.count == 4
    item, feature = found["1", "c"]
    assert item["cutoff"] == datetime.date(2024, 1, 10)
    assert feature["item"].bytes_list.value[:] == [b"c"]
    assert feature["target"].float_list.value[:] == [float(day) for day in range(10)]
    assert feature["price"].float_list.value[:] == [2.0] * 10 + [5.0] * 3
    assert "future_target" not in feature


def test_a_given_cutoff_hides_what_came_later(tmp_path):
    latest = write(tmp_path, ROWS, cutoff=datetime.date(2024, 1, 5))
    for item, feature in rows_of(latest):
        assert item["cutoff"] == datetime.date(2024, 1, 5)
        assert feature["target"].float_list.value[:] == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_missing_future_covariates_come_as_one_error(tmp_path):
    with pytest.raises(ContractError) as caught:
        write(tmp_path, ROWS + AHEAD[:5], horizon=3)  # All of a; two days of b.
    assert (
        "columns 'event', 'price': 3 of 4 series, from 2024-01-11 to 2024-01-13, such as "
        "store=1, item=b" in str(caught.value)
    )
    assert list((tmp_path / "out").rglob("*.arrow")) == []


def test_a_series_that_has_ended_gets_no_forecast_and_is_counted(tmp_path):
    """Item d was last sold 4 days before the others; nobody plans its price."""
    over = [*ROWS[:-4], *(line for line in AHEAD if line["item"] != "d")]
    latest = write(tmp_path, over)
    assert sorted(item["item"] for item, _ in rows_of(latest)) == ["a", "b", "c"]
    assert (latest.count, latest.ended) == (3, 1)


def test_a_series_with_a_plan_and_without_a_history_has_not_ended(tmp_path):
    """Item d was last sold before the periods that are looked at."""
    rows = [line for line in ROWS if line["item"] != "d"] + [row(0, 1.0, item="d")]
    latest = write(tmp_path, [*rows, *AHEAD], max_history=8)
    assert (latest.count, latest.ended, latest.silent) == (3, 0, 1)


def test_where_all_have_ended_the_message_says_so(tmp_path):
    rows = [row(day, item="a") for day in (0, 1, 2, 20, 21, 22)]
    with pytest.raises(ContractError, match="no series goes on at the cutoff"):
        write(tmp_path, rows, cutoff=datetime.date(2024, 1, 10))


def test_a_series_without_a_plan_that_was_sold_of_late_is_missed(tmp_path):
    over = [*ROWS[:-2], *(line for line in AHEAD if line["item"] != "d")]
    with pytest.raises(ContractError, match=r"1 of 4 series, .* such as store=1, item=d"):
        write(tmp_path, over)


def test_broken_contracts_stop_a_forecast_too(tmp_path):
    with pytest.raises(ContractError, match="duplicate key"):
        write(tmp_path, [*ROWS, *AHEAD, ROWS[0]])


def test_a_cutoff_before_the_first_sale_is_refused(tmp_path):
    with pytest.raises(ContractError, match=r"before the first sale; expected 2024-01-01 or later"):
        write(tmp_path, ROWS + AHEAD, cutoff=datetime.date(2023, 12, 31))


def test_a_cutoff_after_the_newest_sale_is_refused(tmp_path):
    with pytest.raises(ContractError, match=r"expected 2024-01-10 or earlier; nothing was"):
        write(tmp_path, ROWS + AHEAD, cutoff=datetime.date(2024, 1, 11))
    assert list((tmp_path / "out").rglob("*.arrow")) == []
