"""The page of a run, opened in a browser."""

from pathlib import Path

import pytest
from browser import find_chromium, opened
from reporting_pages import HOSTILE, bare_page, full_page, orders, slice_row
from simulation_facts import facts

from demandcast.components.reporting.drawing import (
    PARTS,
    draw_orders_page,
    draw_page,
    draw_simulation_page,
)
from demandcast.components.reporting.page import Headline
from demandcast.components.reporting.page_judged import SlicesPart
from demandcast.pipeline.run_page import gather_page
from demandcast.pipeline.simulation_page import simulation_part

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

WIDTHS = (1280, 390)
CHARTS = """() => {
  const canvases = root => [...root.querySelectorAll("*")].flatMap(one => [
    ...(one.tagName === "CANVAS" ? [one] : []),
    ...(one.shadowRoot ? canvases(one.shadowRoot) : []),
  ]);
  const area = figure => Math.max(0, ...canvases(figure).map(one => one.width * one.height));
  return [...document.querySelectorAll("figure")].map(area);
}"""


@pytest.fixture
def file_of(tmp_path):
    def write(page):
        file = tmp_path / "report.html"
        file.write_text(draw_page(page), encoding="utf-8")
        return file

    return write


def check(file, width, **options):
    """Opens a page; nothing may be wrong with it. Returns the areas of its charts."""
    with opened(file, width=width, **options) as (page, complaints, requests):
        assert complaints == []
        assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        return page.evaluate(CHARTS)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("dark", [False, True])
def test_a_full_page_is_drawn_without_a_complaint(file_of, width, dark):
    areas = check(file_of(full_page()), width, dark=dark)
    assert len(areas) == 9 + 10
    assert min(areas) > 10_000


@pytest.mark.parametrize("width", WIDTHS)
def test_a_page_of_nothing_is_readable(file_of, width):
    assert check(file_of(bare_page("x" * 500)), width) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_hostile_and_long_names_neither_run_nor_overflow(file_of, width):
    long = "category=" + "x" * 300
    page = full_page(
        pipeline="p" * 300,
        headline=Headline("bad", "y" * 200, (HOSTILE, "z" * 500)),
        slices=SlicesPart(slice_row("overall", 0.1), (slice_row(long, 0.2), slice_row(HOSTILE, 1))),
    )
    check(file_of(page), width)


def test_a_dark_screen_changes_the_ink_of_charts(file_of):
    with opened(file_of(full_page()), width=1280, dark=True) as (page, _, _):
        colours = page.evaluate(
            "[...Bokeh.documents[0].roots()[0].references()]"
            ".filter(m => m.type === 'LinearAxis').map(m => m.major_label_text_color)"
        )
        assert set(colours) == {"#a3aeb9"}
        page.emulate_media(color_scheme="light")
        page.wait_for_function("document.documentElement.dataset.charts === 'light'")


@pytest.fixture
def orders_file(tmp_path):
    file = tmp_path / "proposals.html"
    file.write_text(draw_orders_page(orders(), "market"), encoding="utf-8")
    return file


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("dark", [False, True])
def test_a_page_of_orders_is_drawn_without_a_complaint(orders_file, width, dark):
    areas = check(orders_file, width, dark=dark)
    assert len(areas) == 10
    assert min(areas) > 10_000


@pytest.mark.parametrize("width", [1200, 800])
def test_reasons_are_seen_whole(orders_file, width):
    with opened(orders_file, width=width) as (page, _, _):
        wider = page.evaluate(
            "[...document.querySelectorAll('.scroll:has(.reasons), .scroll:has(.scorecard)')]"
            ".map(frame => frame.scrollWidth - frame.clientWidth)"
        )
        assert len(wider) > 3
        assert max(wider) <= 0


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("dark", [False, True])
def test_a_page_of_a_simulation_is_drawn_without_a_complaint(tmp_path, width, dark):
    file = tmp_path / "simulation.html"
    file.write_text(draw_simulation_page(simulation_part(facts()), "market"), encoding="utf-8")
    (area,) = check(file, width, dark=dark)
    assert area > 10_000


def test_a_click_on_a_heading_sorts_its_table(orders_file):
    with opened(orders_file, width=1280) as (page, complaints, _):
        heading = page.locator("#orders-riskiest + .scroll th", has_text="On hand")
        column = "cells => cells.map(cell => Number(cell.dataset.value))"
        cells = "#orders-riskiest + .scroll tbody td:nth-child(6)"
        heading.get_by_role("button").click()
        falling = page.eval_on_selector_all(cells, column)
        assert falling == sorted(falling, reverse=True)
        assert heading.get_attribute("aria-sort") == "descending"
        heading.get_by_role("button").click()
        assert page.eval_on_selector_all(cells, column) == sorted(falling)
        assert heading.get_attribute("aria-sort") == "ascending"
        assert len(set(falling)) > 2
        assert complaints == []


def test_without_a_browser_the_tests_are_skipped_but_fail_under_ci(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no browser"):
        find_chromium()
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no browser"):
        find_chromium()


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_of_a_real_run_has_every_part(trained, width):
    file = Path(trained.report.log).with_name("report.html")
    page = gather_page(file.parent)
    absent = {name for name in PARTS if getattr(page, name) is None}
    # Other tests may have made a backtest since.
    assert absent - {"backtest"} == {"changes", "orders", "tuning"}
    assert page.absent["changes"] == "This is the first run of the pipeline."
    assert page.headline.title == f"Pushed as version {trained.report.push['pushed_version']}"
    assert file.stat().st_size < 3_000_000
    areas = check(file, width)
    assert len(areas) == len(page.forecasts.forecasts) + 2


def test_the_examples_of_a_real_run_are_those_of_its_evaluation(trained):
    page = gather_page(Path(trained.report.log).parent)
    overall = trained.report.verdict["slices"][0]["candidate"]
    assert page.forecasts.sampled == page.forecasts.of
    assert page.coverage.periods == overall["periods"]
    # The sample is the whole split: coverage by level gives that of the interval, bounds included.
    levels = {round(one.level, 3): one for one in page.coverage.levels}
    inside = levels[0.9].at_or_below - levels[0.1].below
    assert inside == pytest.approx(overall["coverage_80"], abs=1e-4)
