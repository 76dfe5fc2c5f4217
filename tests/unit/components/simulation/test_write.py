import csv
import datetime
import logging
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from demandcast.components.simulation import preset, read_simulation, write_sample_data
from demandcast.components.simulation.chain import simulate_chain, simulate_store
from demandcast.components.simulation.dictionary import TABLES
from demandcast.schema.config import load_config
from demandcast.schema.errors import BadInputError

KEY = ["store", "item"]


def read(files):
    return {name: pl.read_parquet(getattr(files, name)) for name in TABLES}


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    config = preset("tiny", new_share=0.25, discontinued_share=0.25, lumpy_share=0.125)
    return read(write_sample_data(folder, config))


@pytest.fixture(scope="module")
def weekly(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weekly")
    config = preset("tiny", frequency="W-WED", periods=80, horizon=6)
    return read(write_sample_data(folder, config))


@pytest.fixture(params=["D", "W-WED"])
def either(request, tables, weekly):
    return tables if request.param == "D" else weekly


def joined(tables):
    rows = tables["sales"].join(tables["true_demand"], on=[*KEY, "date"], validate="1:1")
    rows = rows.join(tables["inventory"], on=[*KEY, "date"], validate="1:1")
    assert len(rows) == len(tables["sales"])
    return rows.sort(*KEY, "date")


def test_columns_are_those_of_the_dictionary(either):
    assert {name: table.columns for name, table in either.items()} == {
        name: list(text.columns) for name, text in TABLES.items()
    }


def test_types(tables):
    assert tables["sales"].schema == {
        "store": pl.String,
        "item": pl.String,
        "date": pl.Date,
        "sales": pl.Int32,
        "price": pl.Float64,
        "promotion": pl.String,
        "category_promoted": pl.Float64,
        "category_discount": pl.Float64,
        "in_stock_fraction": pl.Float64,
        "temperature": pl.Float64,
        "rain": pl.Float64,
    }


def test_rows_are_whole_and_in_order(either):
    sales = either["sales"]
    keys = sales.select(*KEY, "date")
    assert keys.equals(keys.sort(*KEY, "date"))
    assert keys.is_unique().all()
    for name, table in either.items():
        columns = table.drop("received") if name == "lead_times" else table
        assert columns.null_count().sum_horizontal().item() == 0


def test_stock_balance_holds_in_every_row(either):
    rows = joined(either).with_columns(before=pl.col("on_hand").shift(1, fill_value=0).over(KEY))
    balance = rows["before"] + rows["received"] - rows["sales"]
    assert (rows["on_hand"] == balance).all()
    assert (rows["on_hand"] >= 0).all()
    assert (rows["on_order"] >= 0).all()


def test_sales_are_demand_censored_by_stock(either):
    rows = joined(either)
    assert (rows["sales"] <= rows["demand"]).all()
    full = rows.filter(pl.col("in_stock_fraction") == 1)
    assert (full["sales"] == full["demand"]).all()
    assert rows["in_stock_fraction"].is_between(0, 1).all()
    lost = rows.filter(pl.col("sales") < pl.col("demand"))
    assert len(lost) > 0
    assert (lost["in_stock_fraction"] < 1).all()


def test_daily_shelf_is_empty_where_the_fraction_says_so(tables):
    rows = joined(tables)
    assert ((rows["in_stock_fraction"] < 1) == (rows["on_hand"] == 0)).all()


def test_every_series_is_without_gaps(either):
    step = 1 if len(either["sales"]) > 5000 else 7
    gaps = (
        either["sales"]
        .with_columns(gap=(pl.col("date") - pl.col("date").shift(1).over(KEY)).dt.total_days())
        .get_column("gap")
        .drop_nulls()
    )
    assert gaps.unique().to_list() == [step]


def test_received_is_what_was_ordered_and_the_opening_stock(tables):
    orders = (
        tables["lead_times"]
        .group_by(*KEY, pl.col("received").alias("date"))
        .agg(pl.col("quantity").sum())
    )
    rows = joined(tables).join(orders, on=[*KEY, "date"], how="left").sort(*KEY, "date")
    rows = rows.with_columns(pl.col("quantity").fill_null(0))
    opening = pl.col("date") == pl.col("date").min().over(KEY)
    assert (rows.filter(~opening)["received"] == rows.filter(~opening)["quantity"]).all()
    assert (rows.filter(opening)["received"] > 0).all()


def test_on_order_is_what_is_on_its_way_at_the_end(tables):
    last = tables["sales"]["date"].max()
    open_lines = tables["lead_times"].filter(pl.col("received").is_null())
    expected = open_lines.group_by(KEY).agg(pl.col("quantity").sum()).sort(KEY)
    found = tables["inventory"].filter((pl.col("date") == last) & (pl.col("on_order") > 0))
    assert found.select(*KEY).sort(KEY).equals(expected.select(*KEY))
    assert found.sort(KEY)["on_order"].to_list() == expected["quantity"].to_list()


def test_orders_obey_the_terms(either):
    lines = either["lead_times"].join(either["supply_terms"], on="item")
    assert (lines["supplier"] == lines["supplier_right"]).all()
    assert (lines["quantity"] % lines["pack_size"] == 0).all()
    assert (lines["quantity"] >= lines["moq"]).all()
    assert ((lines["received"] > lines["ordered"]).drop_nulls()).all()
    assert set(either["suppliers"]["supplier"]) >= set(lines["supplier"])


def test_orders_come_on_review_days(tables):
    lines = tables["lead_times"].join(tables["supply_terms"], on="item")
    phase = lines.select(
        "store",
        "supplier",
        phase=pl.col("ordered").to_physical() % pl.col("review_period"),
    ).unique()
    assert phase.select("store", "supplier").is_unique().all()


def test_future_follows_the_last_sale(either):
    sales, future = either["sales"], either["future"]
    last = sales["date"].max()
    alive = sales.filter(pl.col("date") == last).select(KEY)
    assert future.select(KEY).unique().sort(KEY).equals(alive.sort(KEY))
    counts = future.group_by(KEY).len()["len"].unique().to_list()
    step = 7 if counts == [6] else 1
    assert counts == [6 if step == 7 else 28]
    assert future["date"].min() == last + datetime.timedelta(days=step)


def test_calendar_reaches_a_year_beyond_the_plan(either):
    calendar = either["calendar"]
    assert calendar["date"].min() == either["sales"]["date"].min()
    assert (calendar["date"].max() - either["future"]["date"].max()).days >= 364
    assert calendar["date"].is_unique().all()
    assert calendar.filter(pl.col("holiday") == "")["date"].len() > len(calendar) / 2


def test_new_and_discontinued_items(tables):
    sales = tables["sales"]
    span = sales.group_by("item").agg(
        first=pl.col("date").min(), last=pl.col("date").max(), stores=pl.col("store").n_unique()
    )
    assert (span["first"] > sales["date"].min()).sum() == 2
    assert (span["last"] < sales["date"].max()).sum() == 2
    assert (span["stores"] == 3).all()


def test_weekly_rows_start_on_the_weekday(weekly):
    for name in ("sales", "future", "true_demand", "inventory", "calendar"):
        assert (weekly[name]["date"].dt.weekday() == 3).all(), name


def test_a_week_is_made_of_its_days(tmp_path):
    """Same seed, same lengths in days: the demand of a week is that of its seven days."""
    same = {"start": datetime.date(2024, 1, 1), "new_share": 0, "discontinued_share": 0}
    daily = {"periods": 70, "horizon": 14}
    days = read(write_sample_data(tmp_path / "d", preset("tiny", **same, **daily)))
    weeks = read(
        write_sample_data(
            tmp_path / "w", preset("tiny", frequency="W-MON", periods=10, horizon=2, **same)
        )
    )
    summed = (
        days["true_demand"]
        .group_by_dynamic("date", every="1w", group_by=KEY)
        .agg(pl.col("demand").sum().cast(pl.Int32))
    )
    assert weeks["true_demand"].equals(summed.select(weeks["true_demand"].columns))
    rain = (
        days["sales"].group_by_dynamic("date", every="1w", group_by=KEY).agg(pl.col("rain").sum())
    )
    assert weeks["sales"]["rain"].to_list() == pytest.approx(rain["rain"].to_list(), abs=0.05)


def test_same_seed_same_bytes_and_another_seed_other_data(tmp_path):
    files = [
        write_sample_data(tmp_path / name, preset("tiny", periods=60, seed=seed))
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    for name in [*TABLES, "readme", "simulation"]:
        first, second, _ = (getattr(each, name).read_bytes() for each in files)
        assert first == second, name
    assert files[0].sales.read_bytes() != files[2].sales.read_bytes()


def test_chunks_change_no_data(tmp_path):
    whole, parts = (
        read(write_sample_data(tmp_path / str(chunk), preset("tiny", stores=5, chunk_stores=chunk)))
        for chunk in (5, 2)
    )
    for name, table in whole.items():
        assert table.equals(parts[name]), name


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"frequency": "W-MON"},
        {"horizon": 0},
        {"intermittent_share": 1.0, "lumpy_share": 0.0},
        {"lumpy_share": 1.0, "intermittent_share": 0.0},
        {"new_share": 1.0, "discontinued_share": 0.0},
        {"new_share": 0.0, "discontinued_share": 1.0},
        {"supply": {"suppliers": 1}},
        {"promotions": {"share": 0.0}},
    ],
)
def test_one_store_one_item_one_period(tmp_path, changes):
    files = write_sample_data(tmp_path, preset("tiny", stores=1, items=1, periods=1, **changes))
    tables = read(files)
    assert len(tables["sales"]) == len(tables["true_demand"]) == len(tables["inventory"]) == 1
    assert files.rows["future"] == (
        0 if changes.get("discontinued_share") == 1.0 else changes.get("horizon", 28)
    )
    assert files.rows == {name: len(table) for name, table in tables.items()}


def test_all_intermittent(tmp_path):
    rows = read(write_sample_data(tmp_path, preset("tiny", intermittent_share=1.0, lumpy_share=0)))
    assert (rows["true_demand"]["demand"] == 0).mean() > 0.5


def test_no_demand_at_all_is_lost_with_ample_stock(tmp_path):
    config = preset("tiny", supply={"safety_factor": 10.0, "forecast_error": 0.0})
    rows = joined(read(write_sample_data(tmp_path, config)))
    assert rows["sales"].sum() / rows["demand"].sum() > 0.995


def test_csv_holds_the_same_values(tmp_path, tables):
    config = preset("tiny", periods=50)
    parquet = read(write_sample_data(tmp_path / "parquet", config))
    files = write_sample_data(tmp_path / "csv", config.model_copy(update={"format": "csv"}))
    for name, expected in parquet.items():
        path = getattr(files, name)
        assert path.name == f"{name}.csv"
        found = pl.read_csv(path, schema=expected.schema)
        assert found.equals(expected), name
    with files.lead_times.open(newline="") as lines:
        assert next(csv.reader(lines)) == parquet["lead_times"].columns


def test_folder_holds_the_files_and_nothing_else(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    files = write_sample_data(tmp_path, preset("tiny", periods=5))
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {
        "notes.txt",
        "README.txt",
        "simulation.json",
        *(f"{name}.parquet" for name in TABLES),
    }
    text = files.readme.read_text()
    for name, table in TABLES.items():
        assert f"{name}.parquet  ({files.rows[name]:,} rows)" in text
        assert all(meaning in text for meaning in table.columns.values())
    assert '"periods": 5' in text


@pytest.mark.parametrize(
    "changes", [{}, {"frequency": "W-WED", "periods": 20}, {"promotions": {"share": 0.25}}]
)
def test_configuration_is_read_back(tmp_path, changes):
    config = preset("tiny", **changes)
    files = write_sample_data(tmp_path, config)
    assert files.simulation == tmp_path / "simulation.json"
    assert read_simulation(tmp_path) == config


def test_the_chain_is_made_again_from_its_files(tmp_path):
    files = write_sample_data(tmp_path, preset("tiny", seed=8, new_share=0, discontinued_share=0))
    chain = simulate_chain(read_simulation(tmp_path))
    demand = pl.read_parquet(files.true_demand)
    for store, name in enumerate(chain.stores.names):
        written = demand.filter(pl.col("store") == name)["demand"].to_numpy()
        assert (written.reshape(8, -1) == simulate_store(chain, store).demand).all()


def test_configuration_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BadInputError, match=r"simulation\.json: cannot be read: No such file"):
        read_simulation(tmp_path)


@pytest.mark.parametrize("text", ["{", '{"stores": 0}', '{"shops": 3}'])
def test_configuration_that_is_none_is_refused(tmp_path, text):
    (tmp_path / "simulation.json").write_text(text)
    with pytest.raises(BadInputError, match=r"simulation\.json: not a configuration"):
        read_simulation(tmp_path)


def test_failure_leaves_the_old_files(tmp_path, monkeypatch):
    old = write_sample_data(tmp_path, preset("tiny", periods=5)).sales.read_bytes()

    def broken(*_):
        raise MemoryError("no more")

    monkeypatch.setattr("demandcast.components.simulation.write.store_tables", broken)
    with pytest.raises(MemoryError):
        write_sample_data(tmp_path, preset("tiny", periods=6))
    assert (tmp_path / "sales.parquet").read_bytes() == old
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_folder_that_is_a_file_is_refused(tmp_path):
    path = tmp_path / "taken"
    path.write_text("")
    with pytest.raises(BadInputError, match="taken: not a folder that can be written"):
        write_sample_data(path, preset("tiny", periods=1))


def test_progress_is_logged_with_numbers(tmp_path, caplog):
    with caplog.at_level(logging.INFO, logger="demandcast"):
        write_sample_data(tmp_path, preset("tiny", stores=25, items=2, periods=3, chunk_stores=1))
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0] == "3 of 25 stores, 18 rows of sales"
    assert len(lines) <= 11
    assert lines[-1].startswith("wrote 150 rows of sales to ")


def test_items_table_does_not_tell_the_pattern(tables):
    assert tables["items"].columns == ["item", "category", "brand", "base_price"]


def test_quickstart_configuration_fits_the_files(tables):
    path = Path(__file__).parents[4] / "examples" / "quickstart.yaml"
    config = load_config(path)
    columns = config.data.columns
    sales = set(tables["sales"].columns)
    calendar, items = set(tables["calendar"].columns), set(tables["items"].columns)
    stores, future = set(tables["stores"].columns), set(tables["future"].columns)
    assert {*columns.series_key, columns.timestamp, columns.target} <= sales
    assert columns.availability is not None
    assert columns.availability.column in sales
    assert set(columns.static) <= items | stores
    assert set(columns.known_future.names) <= (sales & future) | calendar
    assert set(columns.observed_past.names) <= sales - future
    names = {Path(table.path).name for table in (*config.data.static_tables, config.data.calendar)}
    assert names == {"items.parquet", "stores.parquet", "calendar.parquet"}
    assert Path(config.data.sales).parent.name == "sample-data"
    supply = {Path(path) for path in config.replenishment.tables.paths.values()}
    assert {path.parent.name for path in supply} == {"sample-data"}
    assert {path.stem for path in supply} <= set(tables)
    assert config.forecast.horizon == preset("quickstart").horizon
    assert np.all(np.array(config.features.lags) < preset("quickstart").periods)


def test_the_same_tables_in_the_other_format_go(tmp_path):
    sizes = {"stores": 1, "items": 2, "periods": 60}
    write_sample_data(tmp_path, preset("tiny", format="csv", **sizes))
    (tmp_path / "mine.csv").write_text("a")
    write_sample_data(tmp_path, preset("tiny", **sizes))
    tables = {f"{name}.parquet" for name in TABLES}
    assert {file.name for file in tmp_path.iterdir()} == {
        *tables,
        "README.txt",
        "simulation.json",
        "mine.csv",
    }
    write_sample_data(tmp_path, preset("tiny", format="csv", **sizes))
    assert not list(tmp_path.glob("*.parquet"))
