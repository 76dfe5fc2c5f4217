"""What the page of an allocation says first."""

from transfer_pages import transfer_row, transfers

from demandcast.components.reporting.page_transfers import (
    ROWS_SHOWN,
    transfer_figures,
    transfer_headline,
)
from demandcast.schema.transfer_table import TRANSFER_STATUSES


def plain(text):
    return text.replace("\xa0", " ")


def test_all_that_is_worth_bringing_is_good_news():
    found = transfer_headline(transfers())
    assert (found.tone, plain(found.title)) == ("good", "1 transfer avoids 12.00 EUR")
    assert found.reasons == ("2 units stay at the warehouses.",)


def test_who_would_take_more_is_counted():
    counts = {"sent": 1, "reduced": 1_000, "held_back": 200}
    found = transfer_headline(transfers(counts=counts, rows=(transfer_row(),) * 2))
    assert (found.tone, plain(found.title)) == ("plain", "2 transfers avoid 12.00 EUR")
    assert found.reasons[-1] == "1,200 series would take more."


def test_nothing_is_sent():
    found = transfer_headline(transfers(rows=(transfer_row(warehouse=""),)))
    assert (found.tone, found.title) == ("plain", "Nothing is sent")


def test_figures():
    values = {figure.title: plain(figure.value) for figure in transfer_figures(transfers())}
    assert values == {
        "Sent": "6",
        "Left over": "2",
        "Avoided": "12.00 EUR",
        "Transport": "0.60 EUR",
    }


def test_statuses_that_there_are_with_their_meaning_in_their_order():
    part = transfers(counts={"covered": 3, "sent": 1, "invalid": 0})
    assert part.statuses() == (
        ("sent", 1, TRANSFER_STATUSES["sent"]),
        ("covered", 3, TRANSFER_STATUSES["covered"]),
    )
    assert ROWS_SHOWN >= 100
