import math
from dataclasses import replace

import pytest
from reporting_pages import bare_page, full_page, slice_row

from demandcast.components.reporting.answers import answers, figures
from demandcast.components.reporting.page import Changes, MetricChange
from demandcast.components.reporting.page_judged import SlicesPart


def texts(page):
    return {
        answer.part: answer.text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{MINUS SIGN}", "-")
        for answer in answers(page)
    }


def test_a_full_run_answers_every_question():
    told = texts(full_page())
    assert told["slices"].startswith(
        "In the slice demand_class=lumpy: quantile loss 0.900, overall 0.210; 40 of 40 examples."
    )
    assert told["slices"].endswith("store_1, item_1, with 2.0 % of the loss.")
    assert told["coverage"] == (
        "As sure as it says: demand came out 79.0 % in the 80 % interval and 90.0 % in the 90 % "
        "interval."
    )
    assert told["data"] == (
        "295,700 rows of 400 series, 2023-01-02 to 2025-03-11. No contradiction to the schema."
    )
    # 0.25 to 0.2 is 20 % less.
    assert told["changes"] == (
        "Since 20260301-093005-123: the data (1) and the configuration (2). "
        "Quantile loss -20.0 %, to 0.200."
    )


def test_a_run_that_got_nowhere_says_why():
    told = texts(bare_page("It ended in Trainer."))
    assert set(told.values()) == {"It ended in Trainer."}
    assert figures(bare_page()) == ()


def test_nothing_changed_is_an_answer():
    page = full_page(
        changes=Changes("before", "x", metrics=(MetricChange("weighted_quantile_loss", 0, 1),))
    )
    assert texts(page)["changes"] == "Neither data nor configuration nor code since before."


def test_slices_without_examples_are_not_the_worst():
    slices = SlicesPart(
        slice_row("overall", 0.2), (slice_row("a", 0.9, examples=0), slice_row("b", 0.3))
    )
    assert texts(full_page(slices=slices))["slices"].startswith("In the slice b:")


@pytest.mark.parametrize(
    ("intervals", "named"),
    [
        ((None, None), "a"),
        (((0.1, 1.7), (0.4, 0.6)), "b"),
        (((0.8, 1.0), (0.4, 0.6)), "a"),
        ((None, (0.4, 0.6)), "a"),
    ],
)
def test_the_worst_slice_is_the_worst_beyond_doubt(intervals, named):
    slices = tuple(
        slice_row(name, loss, intervals={"weighted_quantile_loss": interval})
        for name, loss, interval in zip("ab", (0.9, 0.5), intervals, strict=True)
    )
    page = full_page(slices=replace(full_page().slices, slices=slices))
    assert texts(page)["slices"].startswith(f"In the slice {named}:")


def test_figures_say_which_way_the_bias_goes():
    notes = {}
    for bias in (0.1, -0.1, 0.0, -0.0004, math.nan):
        row = slice_row("overall", 0.2)
        page = full_page(slices=SlicesPart(replace(row, metrics={**row.metrics, "bias": bias}), ()))
        notes[bias] = next(figure.note for figure in figures(page) if figure.title == "Bias")
    assert [*notes.values()] == [
        "the mean forecasts too much",
        "the mean forecasts too little",
        "balanced",
        "balanced",
        "of the mean, as a share of demand",
    ]


def test_a_model_worse_than_seasonal_naive_is_said_to_be():
    row = slice_row("overall", 0.2)
    worse = replace(row, metrics={**row.metrics, "weighted_quantile_loss_skill": -0.25})
    first = figures(full_page(slices=SlicesPart(worse, ())))[0]
    assert first.note.replace("\N{NO-BREAK SPACE}", " ") == "25 % higher than seasonal naive"


@pytest.mark.parametrize(
    ("inside", "strictly", "words"),
    [
        (0.79, 0.60, "As sure as it says"),
        (0.76, 0.60, "A little too sure"),
        (0.70, 0.60, "Too sure"),
        (0.95, 0.80, "As sure as it says"),  # Demand often lies on the bounds.
        (0.95, 0.85, "Less sure than it could be"),
        (None, None, "The quantile levels bound no"),
    ],
)
def test_what_the_intervals_promise_is_said_in_words(inside, strictly, words):
    page = full_page()
    part = replace(page.coverage, intervals=((0.8, inside, strictly),))
    assert texts(replace(page, coverage=part))["coverage"].startswith(words)
