"""Tables of terms for the cost of stock: read without any stock, and digested by content."""

import polars as pl
import pytest

from demandcast.components.replenishment.supply_columns import PLACE
from demandcast.pipeline.supply_files import read_terms_tables, terms_fingerprint
from demandcast.schema.config import ReplenishmentTablesConfig
from demandcast.schema.errors import ContractError

KEY = ("store", "item")


@pytest.fixture
def folder(tmp_path):
    """Terms, suppliers and deliveries of a snapshot."""
    (tmp_path / "s1").mkdir()
    for name, text in {
        "terms": "sku,supplier,unit_cost\n007,s,2.5\n",
        "suppliers": "supplier,quoted_lead_time_days\ns,3\n",
        "deliveries": "supplier,ordered,received\ns,2024-01-01,2024-01-04\n",
    }.items():
        (tmp_path / "s1" / f"{name}.csv").write_text(text)
    return tmp_path


def tables(folder, **names):
    given = {name: {"path": f"{folder}/{{snapshot}}/{file}.csv"} for name, file in names.items()}
    if "supply_terms" in given:
        given["supply_terms"]["columns"] = {"item": "sku"}
    return ReplenishmentTablesConfig(**given)


ALL = {"supply_terms": "terms", "suppliers": "suppliers", "lead_times": "deliveries"}


def test_terms_are_read_with_our_names_and_keys_keep_their_zeros(folder):
    found, deliveries = read_terms_tables(tables(folder, **ALL), series_key=KEY, snapshot="s1")
    row = {"item": "007", "supplier": "s", "unit_cost": "2.5", PLACE: "line 2"}
    assert found.supply_terms.to_dicts() == [row]
    assert found.suppliers["supplier"].to_list() == ["s"]
    assert deliveries["received"].to_list() == ["2024-01-04"]
    assert found.inventory.is_empty()
    assert found.open_orders is None


def test_what_is_not_given_is_not_there(folder):
    found, deliveries = read_terms_tables(
        tables(folder, supply_terms="terms"), series_key=KEY, snapshot="s1"
    )
    assert (found.suppliers, deliveries) == (None, None)


def test_a_missing_file_is_named(folder):
    with pytest.raises(ContractError, match=r"supply_terms: no file matches .*none\.csv"):
        read_terms_tables(tables(folder, supply_terms="none"), series_key=KEY, snapshot="s1")
    with pytest.raises(ContractError, match=r"supply_terms: no file matches .*none\.csv"):
        terms_fingerprint(tables(folder, supply_terms="none"), snapshot="s1")


@pytest.mark.parametrize("file", ["terms", "suppliers", "deliveries"])
def test_other_content_of_any_table_is_another_digest(folder, file):
    before = terms_fingerprint(tables(folder, **ALL), snapshot="s1")
    assert before == terms_fingerprint(tables(folder, **ALL), snapshot="s1")
    (folder / "s1" / f"{file}.csv").write_text("x\n1\n")
    assert terms_fingerprint(tables(folder, **ALL), snapshot="s1") != before


def test_stock_is_no_part_of_the_terms(folder):
    given = tables(folder, **ALL)
    with_stock = given.model_copy(update={"inventory": given.suppliers})
    before = terms_fingerprint(given, snapshot="s1")
    assert terms_fingerprint(with_stock, snapshot="s1") == before


def test_without_terms_there_is_no_digest_and_no_path(folder):
    given = tables(folder, suppliers="suppliers")
    assert terms_fingerprint(given, snapshot="s1") == ""
    assert given.terms_paths == {}
    assert isinstance(
        read_terms_tables(given, series_key=KEY, snapshot="s1")[0].supply_terms, pl.DataFrame
    )
