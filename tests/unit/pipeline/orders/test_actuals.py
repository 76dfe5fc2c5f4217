import datetime

import polars as pl
import pytest
from order_folders import CUTOFF, KEY, OrdersWorld

from demandcast.pipeline.orders.actuals import actuals_of_file, actuals_of_sales
from demandcast.schema.config import ColumnsConfig, DataConfig, parse_config, resolve_paths
from demandcast.schema.errors import BadInputError, ContractError
from demandcast.schema.periods import period_of

PERIOD = period_of(CUTOFF, "D")


def sale(day, sales, item="item_001", **others):
    date = CUTOFF + datetime.timedelta(days=day)
    row = {"store": "store_001", "item": item, "date": date, "sales": sales}
    return row | {"in_stock_fraction": 1.0} | others


@pytest.fixture
def shop(tmp_path):
    return OrdersWorld(tmp_path)


def rows(actuals):
    return actuals.table.sort("item", "#period").select("item", "#period", "#demand", "#censored")


def test_sales_after_the_cutoff_are_demand(shop):
    shop.write_sales([sale(-1, 9.0), sale(0, 9.0), sale(1, 3.0), sale(2, 0.0), sale(2, 5.0, "b")])
    found = actuals_of_sales(shop.config, after=PERIOD)
    assert rows(found).rows() == [
        ("b", PERIOD + 2, 5.0, False),
        ("item_001", PERIOD + 1, 3.0, False),
        ("item_001", PERIOD + 2, 0.0, False),
    ]
    assert found.last_period == PERIOD + 2
    assert dict(found.table.schema)["#period"] == pl.Int64


def test_where_it_ran_out_sales_are_the_least_that_demand_was(shop):
    stockout = sale(2, 1.0, in_stock_fraction=0.5)
    unknown = sale(3, 1.0, in_stock_fraction=None)
    shop.write_sales([sale(1, 3.0), stockout, unknown])
    found = rows(actuals_of_sales(shop.config, after=PERIOD))
    assert found["#censored"].to_list() == [False, True, False]


def test_a_sale_that_is_not_known_is_none(shop):
    shop.write_sales([sale(1, 3.0), sale(2, None), sale(3, 1.0)])
    assert rows(actuals_of_sales(shop.config, after=PERIOD))["#demand"].to_list() == [3, None, 1]


def test_nothing_may_have_been_sold_since(shop):
    shop.write_sales([sale(-1, 9.0), sale(0, 9.0)])
    found = actuals_of_sales(shop.config, after=PERIOD)
    assert (found.table.height, found.last_period) == (0, PERIOD)


def test_weeks_are_periods(shop):
    text = shop.config_file.read_text().replace("frequency: D", "frequency: W-MON")
    config = resolve_paths(parse_config(text), shop.root)
    first = datetime.date(2026, 7, 6)
    shop.write_sales([sale((first - CUTOFF).days + 7 * week, 7.0) for week in range(3)])
    after = period_of(first, "W-MON")
    found = actuals_of_sales(config, after=after)
    assert found.table["#period"].to_list() == [after + 1, after + 2]


def test_lines_of_a_till_are_added_up(shop):
    columns = ColumnsConfig(series_key=KEY, timestamp="date", target="sales")
    data = DataConfig(sales=shop.config.data.sales, columns=columns, transactions={})
    config = shop.config.model_copy(update={"data": data})
    lines = [sale(0, 4.0), sale(1, 2.0), sale(1, 1.0), sale(2, 5.0), sale(3, 1.0), sale(4, 1.0)]
    shop.write_sales([{name: row[name] for name in (*KEY, "date", "sales")} for row in lines])
    found = rows(actuals_of_sales(config, after=PERIOD))
    assert found["#demand"].to_list()[:2] == [3.0, 5.0]


def test_sales_that_break_their_contract_are_refused(shop):
    shop.write_sales([sale(1, 3.0), sale(1, 3.0)])
    with pytest.raises(ContractError, match="duplicate key"):
        actuals_of_sales(shop.config, after=PERIOD)
    shop.write_sales([sale(1, -3.0)])
    with pytest.raises(ContractError, match="sales"):
        actuals_of_sales(shop.config, after=PERIOD)


def test_rows_with_too_few_values_are_refused(shop):
    (shop.root / "sales.csv").write_text(
        "store,item,date,sales,in_stock_fraction\ns,i,2026-07-01,3,1\ns,i,2026-07-02\n"
    )
    values = shop.config.model_dump(mode="json")
    values["data"]["sales"] = str(shop.root / "sales.csv")
    config = type(shop.config).model_validate(values)
    with pytest.raises(ContractError, match=r"row 2 has 3 values; expected 5 \(1 such rows\)"):
        actuals_of_sales(config, after=PERIOD)


def of_file(path):
    return actuals_of_file(path, series_key=KEY, frequency="D")


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_file_of_demand_is_added_up_by_series_and_period(tmp_path, suffix):
    path = tmp_path / f"demand{suffix}"
    table = pl.DataFrame(
        {
            "further": [1, 2, 3],
            "item": ["007", "007", "b"],
            "store": ["1", "1", "1"],
            "timestamp": [CUTOFF, CUTOFF, CUTOFF + datetime.timedelta(days=2)],
            "demand": [1.5, 2.0, 0.0],
        }
    )
    table.write_csv(path) if suffix == ".csv" else table.write_parquet(path)
    found = of_file(path)
    assert rows(found).rows() == [("007", PERIOD, 3.5, False), ("b", PERIOD + 2, 0.0, False)]
    assert found.last_period == PERIOD + 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("store,item,timestamp\n", r"no column \['demand'\]"),
        ("store,item,timestamp,demand\n", "has no rows"),
        ("store,item,timestamp,demand\ns,i,soon,1\n", "row 1: column 'timestamp': got 'soon'"),
        ("store,item,timestamp,demand\ns,i,,1\n", "column 'timestamp': got None"),
        ("store,item,timestamp,demand\ns,i,2026-07-01,x\n", "'demand': got 'x'; allowed: units"),
        ("store,item,timestamp,demand\ns,i,2026-07-01,-1\n", "'demand': got '-1'"),
        ("store,item,timestamp,demand\ns,i,2026-07-01,\n", "'demand': got None"),
    ],
)
def test_values_that_cannot_be_used_are_named_with_their_row(tmp_path, text, message):
    path = tmp_path / "demand.csv"
    path.write_text(text)
    with pytest.raises(ContractError, match=message):
        of_file(path)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(BadInputError, match="cannot be read"):
        of_file(tmp_path / "demand.csv")
    with pytest.raises(BadInputError, match=r"must end in \.csv or \.parquet"):
        of_file(tmp_path / "demand.xlsx")
