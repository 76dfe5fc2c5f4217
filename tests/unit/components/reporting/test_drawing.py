import collections
import functools
import math
import re
from dataclasses import fields, replace
from html.parser import HTMLParser

import pytest
from proposal_tables import (
    FACTS,
    KEYS,
    blocked_row,
    projection,
    projections,
    proposal_row,
    proposals,
)
from reporting_pages import (
    HOSTILE,
    LEVELS,
    bare_page,
    data,
    drawn,
    full_page,
    orders,
    scored,
    slice_row,
)
from simulation_facts import POLICIES, facts, policy_values
from transfer_pages import transfer_row, transfers, warehouse_row

from demandcast.components.replenishment.proposal_summary import summarise_proposals
from demandcast.components.reporting import drawing
from demandcast.components.reporting.drawing import (
    PARTS,
    draw_orders_page,
    draw_page,
    draw_simulation_page,
    draw_transfers_page,
)
from demandcast.components.reporting.page import Change, Changes, Headline, RunPage
from demandcast.components.reporting.page_judged import (
    Check,
    CoverageLevel,
    CoveragePart,
    ForecastsPart,
    GatePart,
    SlicesPart,
)
from demandcast.components.reporting.page_orders import OrdersPart
from demandcast.components.reporting.page_trained import TrainingPart, TuningPart
from demandcast.pipeline.simulation_page import simulation_part
from demandcast.schema.stock_projections import StockProjections

# Drawing charts takes a second; most tests are about what stands around them.
NO_CHARTS = drawing._Drawn("", collections.defaultdict(str), "")
VOID = {"meta", "link", "br", "img", "hr", "input"}


class Outline(HTMLParser):
    """Checks that elements are nested; collects ids, anchors, text and what is loaded."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.anchors, self.loads, self.words = [], [], [], [], []
        self.tags = []

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.tags.append((tag, values))
        if "id" in values:
            self.ids.append(values["id"])
        if tag == "a":
            self.anchors.append(values["href"])
        self.loads += [values[name] for name in ("src", "srcset", "data") if name in values]
        if tag == "link":
            self.loads.append(values["href"])
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        if self.open and self.open[-1] not in ("script", "style"):
            self.words.append(text)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def outline_of(html):
    found = Outline()
    found.feed(html)
    assert found.open == []
    return found


def outline(page):
    return outline_of(draw_page(page))


@pytest.fixture
def no_charts(monkeypatch):
    monkeypatch.setattr(drawing, "_draw_charts", lambda page: NO_CHARTS)


@functools.cache
def full_html():
    return draw_page(full_page())


def test_every_part_is_a_field_of_the_page():
    assert set(PARTS) < {field.name for field in fields(RunPage)}


def test_a_full_page_has_every_part_and_each_anchor_leads_somewhere():
    found = outline_of(full_html())
    assert [name for name in found.ids if name in PARTS] == list(PARTS)
    assert {f"#{name}" for name in PARTS} <= set(found.anchors)
    assert {anchor.removeprefix("#") for anchor in found.anchors} <= set(found.ids)
    assert len(found.ids) == len(set(found.ids))
    assert "Pushed as version 8" in found.text
    assert found.text.count("Pushed as version 8") == 2  # Title and headline.


def test_what_a_reader_asked_for_is_there(no_charts):
    page = full_page()
    small = replace(page.slices.slices[0], too_small=True)
    splits = (replace(page.data.splits[0], first="2023-01-02", last="2025-01-14"),)
    page = full_page(
        slices=replace(page.slices, slices=(small, *page.slices.slices[1:])),
        data=replace(page.data, age_days=1, splits=splits),
    )
    text = outline(page).text
    assert "What the words mean" in text
    assert text.count("too few") == 1 + 1  # The caption says what it means.
    assert "1 day before the run" in text
    assert "2025-01-14" in text


def test_nothing_is_loaded_from_elsewhere():
    html = full_html()
    assert outline_of(html).loads == ["data:,"]
    style = re.search(r"<style>(.*?)</style>", html, re.S).group(1)
    assert "url(" not in style
    assert "@import" not in style
    assert html.count("<script") == 3
    assert len(html) < 3_000_000


def test_a_page_without_charts_needs_no_script():
    html = draw_page(bare_page())
    assert "<script" not in html
    assert len(html) < 60_000


def test_parts_that_the_run_did_not_reach_say_so():
    found = outline(bare_page("The run ended in Trainer."))
    for name in PARTS:
        if name not in ("tuning", "backtest"):
            assert name in found.ids
    assert found.text.count("The run ended in Trainer.") >= 8
    assert "No stage was started." in found.text
    assert not {"tuning", "backtest"} & set(found.ids)


def test_parts_that_the_run_did_not_reach_come_last(no_charts):
    page = full_page(gate=None, training=None, absent={"gate": "x", "training": "y"})
    order = [name for name in outline(page).ids if name in PARTS]
    assert order[-2:] == ["gate", "training"]
    assert order[:2] == ["orders", "slices"]


@pytest.mark.parametrize("name", [part for part in PARTS if part not in ("stages", "lineage")])
def test_each_part_may_be_missing(name, no_charts):
    found = outline(full_page(**{name: None}, absent={name: "It is gone."}))
    if name in ("tuning", "backtest"):
        assert name not in found.ids
    else:
        assert "It is gone." in found.text


def test_names_are_shown_and_not_run():
    page = full_page(
        pipeline=HOSTILE,
        headline=Headline("bad", HOSTILE, (HOSTILE, HOSTILE), (HOSTILE,)),
        slices=SlicesPart(slice_row("overall", 0.2), (slice_row(f"category={HOSTILE}", 0.3),)),
        forecasts=ForecastsPart(
            sampled=1,
            of=None,
            scored=1,
            quantile_levels=LEVELS,
            period_days=7,
            forecasts=(drawn(series=scored(HOSTILE)),),
            worst=(scored(HOSTILE),),
            heaviest=(scored(HOSTILE),),
        ),
        data=replace(data(), anomalies=(HOSTILE,)),
        changes=Changes(HOSTILE, HOSTILE, configuration=(Change(HOSTILE, HOSTILE, HOSTILE),)),
        gate=GatePart(False, HOSTILE, (Check(HOSTILE, 1.0, remark=HOSTILE),), (HOSTILE,)),
    )
    html = draw_page(page)
    assert "<script>alert" not in html
    found = outline_of(html)
    assert sum(tag == "script" for tag, _ in found.tags) == 3
    assert "<script>alert('x')</script>" in found.text


def test_what_is_not_a_number_is_a_dash():
    nothing = dict.fromkeys(slice_row("x", 1.0).metrics, math.nan)
    page = full_page(
        gate=GatePart(False, "", (Check("A", math.nan), Check("B", None, low=None))),
        slices=SlicesPart(
            slice_row("overall", math.nan, metrics=nothing),
            (slice_row("a", None), slice_row("b", math.inf, metrics={}, in_service={})),
        ),
        forecasts=ForecastsPart(
            sampled=1,
            of=1,
            scored=0,
            quantile_levels=LEVELS,
            period_days=1,
            forecasts=(
                drawn(actual=(None,) * 4, past=(None,) * 14, series=scored(score=math.nan)),
                drawn(quantiles=((math.nan,) * 7,) * 4),
            ),
        ),
        coverage=CoveragePart(
            (CoverageLevel(0.5, None, math.nan),), 0, False, ((0.8, None, None),)
        ),
        training=TrainingPart(
            curves={"val_weighted_quantile_loss": (math.nan, None)},
            best_epoch=None,
            validation_loss=None,
            naive_loss=None,
            series=0,
            parameters=0,
        ),
        tuning=TuningPart("loss", "time", None, {}, ()),
    )
    found = outline(page)
    assert "nan" not in found.text.lower()
    assert "None" not in found.text
    assert "\N{EM DASH}" in found.text


def test_without_slices_the_overall_row_stands_alone(no_charts):
    found = outline(full_page(slices=SlicesPart(slice_row("overall", 0.2), ())))
    assert "There is only one slice." not in found.text  # The heaviest series is told.
    assert "overall" in found.text


def test_hundreds_of_slices_are_folded_after_the_worst(no_charts):
    slices = tuple(slice_row(f"item=i{row:04d}", 1 - row / 1000) for row in range(500))
    page = full_page(slices=SlicesPart(slice_row("overall", 0.2), slices))
    html = draw_page(page)
    assert "470 more slices" in html
    before, _, after = html.partition("470 more slices")
    assert "i0029" in before
    assert "i0030" not in before
    assert "i0499" in after
    assert len(html) < 3_000_000


def test_a_run_with_many_steps_shows_their_metrics():
    text = outline_of(full_html()).text
    assert "1 to 7" in text
    assert "8 to 28" in text
    assert "20.0 to 40.0 %" in text
    # A count is no share.
    assert "37,800" not in text


def test_tables_have_headers_and_charts_have_names():
    found = outline_of(full_html())
    headers = [values for tag, values in found.tags if tag == "th"]
    assert headers
    assert all(values.get("scope") in ("row", "col") for values in headers)
    figures = [values for tag, values in found.tags if tag == "figure"]
    # Projected stock, suppliers and risk, lead times and punctuality; four forecasts, coverage,
    # training, trials and two of the backtest.
    assert len(figures) == (6 + 2 + 2) + 4 + 1 + 1 + 1 + 2
    assert all(values["aria-label"] for values in figures)


@pytest.mark.parametrize("retrain", [True, False])
@pytest.mark.usefixtures("no_charts")
def test_a_backtest_of_other_models_is_said_to_be_one(retrain):
    part = replace(full_page().backtest, retrain=retrain)
    text = " ".join(outline(full_page(backtest=part)).text.split())
    assert ("of the pipeline, not of this model" in text) == retrain
    assert ("the data of 2026-04-01" in text) == retrain


def test_a_backtest_says_what_the_model_had_seen():
    text = outline_of(full_html()).text
    assert "had seen these cutoffs in training, so its scores there flatter it: 2026-01-01." in text


def test_a_sample_is_called_one(no_charts):
    assert "1,000 of 50,000 examples" in outline(full_page()).text
    everything = replace(full_page().forecasts, of=1000)
    assert "1,000 examples" in outline(full_page(forecasts=everything)).text


def orders_of(*rows, stock=(), facts=FACTS):
    summary = summarise_proposals(proposals(*rows), facts, series_key=KEYS)
    return OrdersPart(summary, StockProjections(period_days=1, projections=stock))


@functools.cache
def orders_html():
    return draw_orders_page(orders(), "market")


def test_the_page_of_orders_needs_nothing_from_elsewhere():
    html = orders_html()
    found = outline_of(html)
    assert found.loads == ["data:,"]
    assert html.count("<script") == 3
    assert len(html) < 3_000_000
    assert {anchor.removeprefix("#") for anchor in found.anchors} <= set(found.ids)
    assert len(found.ids) == len(set(found.ids))


def test_the_page_of_orders_and_the_section_of_a_run_say_the_same():
    alone, section = outline_of(orders_html()), outline_of(full_html())
    for words in (
        "Held back: no money or units left",
        "The riskiest",
        "By category",
        "Protection interval",
    ):
        assert words in alone.text
        assert words in section.text
    assert "What is to be ordered?" in section.text
    start = alone.text.index("Order value")
    assert alone.text[start : start + 200] in section.text


def test_exceptions_come_first():
    text = outline_of(orders_html()).text
    heads = ["Exceptions", "The riskiest", "Projected stock", "The most overstocked", "By store"]
    places = [text.rindex(head) for head in heads]
    assert places == sorted(places)


def test_a_page_without_orders_has_no_words_about_them(no_charts):
    text = outline(full_page(orders=None, absent={"orders": "It is off."})).text
    assert "Protection interval" not in text
    assert "What is to be ordered?" not in text
    assert "It is off." in text


def test_a_page_of_an_empty_table_says_so():
    html = draw_orders_page(orders_of())
    assert "The table of proposals has no line" in outline_of(html).text
    assert "<script" not in html


def test_a_page_without_exceptions_says_so():
    text = outline_of(draw_orders_page(orders_of(proposal_row(stockout_probability=0.0)))).text
    assert "No exception: every series has a proposal" in text
    assert "No line is likely to run out" in text
    assert "No stock stands above its base-stock level." in text


def test_what_is_not_known_of_an_order_is_a_dash():
    rows = [
        blocked_row("invalid", on_hand=None),
        proposal_row(
            item="odd",
            supplier=None,
            due_date=None,
            expected_stockout_cost=math.nan,
            cover_periods=None,
            excess_units=3.0,
        ),
    ]
    facts = FACTS.model_copy(update={"currency": "", "budget": None})
    stock = (projection(due_date=None, interval_end=None),)
    found = outline_of(draw_orders_page(orders_of(*rows, stock=stock, facts=facts)))
    assert "nan" not in found.text.lower()
    assert "None" not in found.text
    assert "\N{EM DASH}" in found.text


def test_names_of_orders_are_shown_and_not_run():
    rows = [
        proposal_row(
            store=HOSTILE, supplier=HOSTILE, reason=HOSTILE, excess_units=1.0, status="held_back"
        ),
        proposal_row(item=HOSTILE),
    ]
    stock = (projection(series={"store": HOSTILE, "item": HOSTILE}, reason=HOSTILE),)
    facts = FACTS.model_copy(update={"currency": HOSTILE})
    html = draw_orders_page(orders_of(*rows, stock=stock, facts=facts), HOSTILE)
    assert "<script>alert" not in html
    found = outline_of(html)
    assert sum(tag == "script" for tag, _ in found.tags) == 3
    assert "<script>alert('x')</script>" in found.text


def test_cover_beyond_the_forecast_is_at_least_that():
    row = proposal_row(excess_units=5.0, cover_periods=28.0)
    text = outline_of(draw_orders_page(orders_of(row))).text.replace("\xa0", " ")
    assert "≥ 28" in text
    assert "≥ 18" in text


def test_cells_sort_by_their_numbers():
    found = outline_of(orders_html())
    values = [
        attributes["data-value"] for tag, attributes in found.tags if "data-value" in attributes
    ]
    assert len(values) > 100
    assert all(value == "" or math.isfinite(float(value)) for value in values)


def test_pictures_of_stock_are_named_after_their_series():
    found = outline_of(orders_html())
    names = [values["aria-label"] for tag, values in found.tags if tag == "figure"]
    assert names[:6] == [
        f"Projected stock of {', '.join(one.series.values())}" for one in projections().projections
    ]


@functools.cache
def simulation_html():
    return draw_simulation_page(simulation_part(facts()), "market")


def test_the_page_of_a_simulation_needs_nothing_from_elsewhere():
    html = simulation_html()
    found = outline_of(html)
    assert found.loads == ["data:,"]
    assert html.count("<script") == 3
    assert len(html) < 3_000_000
    assert {anchor.removeprefix("#") for anchor in found.anchors} <= set(found.ids)
    assert len(found.ids) == len(set(found.ids))


def test_the_page_of_a_simulation_answers_first_and_says_what_it_rests_on():
    text = outline_of(simulation_html()).text.replace("\xa0", " ")
    heads = [
        "Our orders would have cost 17,550 EUR, 10.0 % less than by the textbook",
        "What would our orders have cost?",
        "Cost of our orders",
        "Cost against service",
        "At a target of 98 %",
        "At a target of 95 %",
        "At a target of 90 %",
        "What this rests on",
        "Order of events",
    ]
    places = [text.rindex(head) for head in heads]
    assert places == sorted(places)


def test_each_policy_has_a_row_at_each_target():
    row = r'<tr[^>]*><th scope="row">(.*?)</th>(.*?)</tr>'
    rows = [
        (name, [re.sub(r"<[^>]*>", " ", cell).split() for cell in cells.split("</td>")[:-1]])
        for name, cells in re.findall(row, simulation_html(), re.DOTALL)
    ]
    assert len(rows) == 3 * len(POLICIES)
    first = dict(rows[: len(POLICIES)])
    # The highest target comes first: 10,000 x 1.98 is the textbook's cost at 98 %.
    assert first["demandcast"] == [
        ["97.0", "%", "96.0", "to", "98.0", "%"],
        ["98.5", "%"],
        ["12.5"],
        ["380"],
        ["8,910"],
        ["4,455"],
        ["2,228"],
        ["2,228"],
        ["17,820"],
        ["0.900", "0.850", "to", "0.950"],
    ]
    assert first["perfect foresight"][-2:] == [["3,960"], ["0.200"]]


def test_the_chart_has_a_point_for_each_policy_and_target():
    part = simulation_part(facts())
    plots = drawing._simulation_plots(part)
    points = [one.data_source.data for one in plots["cost_service"].select(name="points")]
    assert len(points) == len(POLICIES)
    assert sum(len(one["cost"]) for one in points) == 3 * len(POLICIES)
    targets = {one["policy"][0]: one["target"] for one in points}
    assert targets["demandcast"] == ["90.0%", "95.0%", "98.0%"]
    assert targets["perfect foresight"] == ["no target"] * 3
    found = outline_of(simulation_html())
    names = [values["aria-label"] for tag, values in found.tags if tag == "figure"]
    assert names == ["Cost against service"]
    assert found.text.count("(circle)") == 1


def test_a_simulation_without_rows_says_so():
    html = draw_simulation_page(simulation_part(facts(policies=[])))
    text = outline_of(html).text
    assert "Our orders were not simulated" in text
    assert "The table of policies has no row." in text
    assert "<script" not in html


def test_what_is_not_known_of_a_policy_is_a_dash():
    names = [name for name in policy_values("x", 0.9, 1.0) if name not in ("policy", "target")]
    rows = [policy_values("demandcast", 0.9, 1.0, **dict.fromkeys(names))]
    text = outline_of(draw_simulation_page(simulation_part(facts(policies=rows)))).text
    assert "nan" not in text.lower()
    assert "None" not in text
    assert "\N{EM DASH}" in text


def test_names_of_a_simulation_are_shown_and_not_run():
    rows = [policy_values("demandcast", 0.9, 1.0), policy_values(HOSTILE, 0.9, 1.0)]
    values = facts(
        policies=rows,
        currency=HOSTILE,
        demand=HOSTILE,
        model=HOSTILE,
        left_out={HOSTILE: 1},
        reference=HOSTILE,
    )
    html = draw_simulation_page(simulation_part(values), HOSTILE)
    assert "<script>alert" not in html
    found = outline_of(html)
    assert sum(tag == "script" for tag, _ in found.tags) == 3
    assert "<script>alert('x')</script>" in found.text


def test_the_page_of_an_allocation_needs_no_script_and_nothing_from_elsewhere():
    html = draw_transfers_page(transfers(), "market")
    found = outline_of(html)
    assert found.loads == ["data:,"]
    assert "<script" not in html
    assert {anchor.removeprefix("#") for anchor in found.anchors} <= set(found.ids)
    assert len(found.ids) == len(set(found.ids))


def test_the_page_of_an_allocation_says_who_gets_what_and_what_stays():
    text = outline_of(draw_transfers_page(transfers(), "market")).text.replace("\xa0", " ")
    heads = [
        "allocation from the evening of 2026-06-30",
        "2 units stay at the warehouses.",
        "Who gets what, and why?",
        "s2/milk covered",
        "s1/milk sent w 6 9 3 12",
        "What stays at the warehouses?",
        "w milk 8 6 2 1 what is left is less than a pack",
        "What do the statuses mean?",
        "sent: 1",
    ]
    places = [text.find(head) for head in heads]
    assert -1 not in places, heads[places.index(-1)]
    assert places == sorted(places)


def test_long_tables_of_an_allocation_are_cut_and_say_so():
    part = transfers(rows=(transfer_row(),) * 201, warehouses=(warehouse_row(),) * 1_201)
    html = draw_transfers_page(part)
    assert html.count("s1/milk") == 200
    text = outline_of(html).text
    assert "The first 200 of 201 rows; allocation.csv has all." in text
    assert "The first 200 of 1,201 rows; warehouses.csv has all." in text


def test_an_allocation_of_nothing_is_a_page():
    text = outline_of(draw_transfers_page(transfers(rows=(), warehouses=(), counts={}))).text
    for words in ("Nothing is sent", "There is no series.", "The supply has no row."):
        assert words in text


def test_names_of_an_allocation_are_shown_and_not_run():
    row = transfer_row(series=HOSTILE, warehouse=HOSTILE, reason=HOSTILE)
    stays = warehouse_row(warehouse=HOSTILE, item=HOSTILE, reason=HOSTILE)
    part = transfers(rows=(row,), warehouses=(stays,), currency=HOSTILE, cutoff=HOSTILE)
    html = draw_transfers_page(part, HOSTILE)
    assert "<script" not in html
    assert "<script>alert('x')</script>" in outline_of(html).text
