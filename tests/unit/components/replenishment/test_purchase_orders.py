import csv
import io
import json
from pathlib import Path

import jsonschema
import polars as pl
import pytest
from order_folders import KEY, make_book, make_proposals

from demandcast.components.replenishment.purchase_orders import (
    EXPORT_FORMATS,
    ExportFacts,
    export_content,
    logged_lines,
    number_lines,
    recorded_lines,
)
from demandcast.schema.errors import ContractError

SCHEMA = Path(__file__).parents[4] / "schema" / "purchase_orders.schema.json"
FACTS = ExportFacts(
    export_id="p-E1",
    proposal_id="p",
    cutoff="2026-06-30",
    moment="2026-07-01T08:00:00+00:00",
    user="anna",
    currency="EUR",
    audit_head="0" * 64,
)


def numbered(lines=None):
    book = make_book() if lines is None else lines
    return number_lines(book.filter(pl.col("final_quantity") > 0), "p-E1", series_key=KEY)


def content(form, lines=None, proposals=None):
    proposals = make_proposals() if proposals is None else proposals
    lines = numbered() if lines is None else lines
    return export_content(lines, proposals, FACTS, series_key=KEY, form=form)


def test_an_order_has_the_lines_of_one_supplier_and_day():
    columns = ("item", "quantity", "purchase_order", "purchase_order_line")
    rows = numbered().select(columns).rows()
    assert rows == [
        ("item_001", 480.0, "p-E1-001", 1),
        ("item_003", 36.0, "p-E1-001", 2),
        ("item_002", 24.0, "p-E1-002", 1),  # Of the south, on Wednesday.
        ("item_004", 12.0, "p-E1-003", 1),  # On Thursday.
    ]


def test_lines_without_a_day_have_an_order_of_their_own():
    book = make_book().with_columns(
        order_date=pl.when(pl.col("item") == "item_003").then(None).otherwise("order_date")
    )
    orders = dict(numbered(book).select("item", "purchase_order").rows())
    assert orders["item_001"] == "p-E1-001"
    assert orders["item_003"] == "p-E1-002"


def test_the_log_keeps_what_the_file_is_made_from():
    lines = logged_lines(numbered(), series_key=KEY)
    assert json.loads(json.dumps(lines)) == lines
    assert recorded_lines(lines, series_key=KEY).equals(numbered())
    assert recorded_lines([], series_key=KEY).schema == numbered().schema
    assert lines[0] == {
        "key": ["store_001", "item_001"],
        "supplier": "north",
        "order_day": "2026-07-01",
        "on_order": 0.0,
        "quantity": 480.0,
        "purchase_order": "p-E1-001",
        "purchase_order_line": 1,
    }


def test_the_cutoff_stands_for_a_day_that_was_not_computed():
    unknown = [{"item": "x", "order_date": None, "on_order": None}]
    (line,) = logged_lines(numbered(make_book(proposals=make_proposals(unknown))), series_key=KEY)
    assert (line["order_day"], line["on_order"]) == ("2026-06-30", 0.0)


def test_csv_is_as_documented():
    text = content("csv").decode("utf-8")
    assert text.splitlines(keepends=True)[0] == (
        "purchase_order,purchase_order_line,supplier,store,item,quantity,unit_cost,order_date,"
        "due_date,currency\r\n"
    )
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert rows[1] == {
        "purchase_order": "p-E1-001",
        "purchase_order_line": "2",
        "supplier": "north",
        "store": "store_001",
        "item": "item_003",
        "quantity": "36",
        "unit_cost": "2.5",
        "order_date": "2026-07-01",
        "due_date": "2026-07-04",
        "currency": "EUR",
    }


def test_names_reach_the_other_system_as_they_are():
    odd = [{"item": "007"}, {"item": '=1+1, "x"'}, {"item": "Käse"}]
    book = make_book(proposals=make_proposals(odd), terms=None)
    text = content("csv", numbered(book), make_proposals(odd)).decode("utf-8")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["item"] for row in rows] == ["007", '=1+1, "x"', "Käse"]


def validator():
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(
        schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )


def test_json_keeps_the_published_schema():
    values = json.loads(content("json"))
    validator().validate(values)
    assert values["series_key"] == ["store", "item"]
    assert [len(order["lines"]) for order in values["purchase_orders"]] == [2, 1, 1]
    assert values["purchase_orders"][0]["lines"][0] == {
        "line": 1,
        "key": {"store": "store_001", "item": "item_001"},
        "quantity": 480,
        "unit_cost": 2.5,
        "due_date": "2026-07-04",
    }
    assert b'"quantity": 480,' in content("json")


def test_what_is_not_known_is_null_and_keeps_the_schema():
    unknown = {"order_date": None, "due_date": None, "unit_cost": None, "item": "x"}
    proposals = make_proposals([unknown])
    lines = numbered(make_book(proposals=proposals, terms=None))
    values = json.loads(content("json", lines, proposals))
    validator().validate(values)
    assert values["purchase_orders"][0]["order_date"] is None
    assert values["purchase_orders"][0]["lines"][0]["unit_cost"] is None


@pytest.mark.parametrize(
    "change",
    [
        lambda values: values.pop("audit_head"),
        lambda values: values.update(format_version=2),
        lambda values: values.update(purchase_orders=[]),
        lambda values: values["purchase_orders"][0]["lines"][0].update(quantity=0),
        lambda values: values["purchase_orders"][0].update(supplier=None),
        lambda values: values.update(further=1),
    ],
)
def test_the_schema_refuses_what_is_no_export(change):
    values = json.loads(content("json"))
    change(values)
    assert not validator().is_valid(values)


@pytest.mark.parametrize("form", EXPORT_FORMATS)
def test_the_same_lines_give_the_same_bytes(form):
    again = recorded_lines(logged_lines(numbered(), series_key=KEY), series_key=KEY)
    assert content(form, again) == content(form)


def test_a_key_cannot_be_called_as_a_column_of_an_export():
    proposals = make_proposals([], series_key=("purchase_order",))
    with pytest.raises(ContractError, match=r"\['purchase_order'\] are columns of an export"):
        number_lines(proposals, "E", series_key=("purchase_order",))
