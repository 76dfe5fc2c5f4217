import re

import pytest
from proposal_tables import chain_summary, projections

from demandcast.components.replenishment.projection_picks import write_projections
from demandcast.components.replenishment.proposal_summary import write_summary
from demandcast.pipeline import orders_page
from demandcast.pipeline.orders_page import read_orders_part, write_orders_page


@pytest.fixture
def folder(tmp_path):
    write_summary(chain_summary(2, 10), tmp_path)
    write_projections(projections(), tmp_path)
    return tmp_path


def test_the_page_stands_beside_the_table(folder):
    file = write_orders_page(folder, "market")
    assert file == folder / "proposals.html"
    html = file.read_text(encoding="utf-8")
    assert "market" in html
    assert "Held back: no money or units left" in html


def test_the_page_appears_whole_or_not_at_all(folder, monkeypatch):
    before = write_orders_page(folder, "market").read_text(encoding="utf-8")

    def fail(part, title):
        raise ValueError("no")

    monkeypatch.setattr(orders_page, "draw_orders_page", fail)
    with pytest.raises(ValueError, match="no"):
        write_orders_page(folder, "other")
    assert (folder / "proposals.html").read_text(encoding="utf-8") == before
    assert len(list(folder.iterdir())) == 3


@pytest.mark.parametrize("name", ["proposal_summary.json", "proposal_projections.json"])
def test_missing_and_damaged_files_are_told(folder, name):
    (folder / name).write_text("{")
    with pytest.raises(ValueError, match="JSON"):
        read_orders_part(folder)
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=name):
        read_orders_part(folder)


SCORECARD = """\
supplier,deliveries,lead_time_mean,lead_time_p50,lead_time_p90,lead_time_p95,quoted_lead_time,\
on_time_share,mean_days_late,outliers
007,12,2.5,2,4,5,3,0.75,1.5,1
new,0,,,,,,,,0
"""


def test_the_scorecard_of_suppliers_is_shown(folder):
    assert read_orders_part(folder).suppliers is None
    (folder / "supplier_scorecard.csv").write_text(SCORECARD, encoding="utf-8")
    found = read_orders_part(folder).suppliers
    assert found.period == "days"
    first, new = found.rows
    assert (first.name, first.deliveries, first.p95, first.on_time_share) == ("007", 12, 5, 0.75)
    assert new.mean is None
    html = write_orders_page(folder, "market").read_text(encoding="utf-8")
    assert "Lead times of suppliers" in html


WHOLE = """\
supplier,deliveries,open_orders,lead_time_mean,lead_time_std,lead_time_p50,lead_time_p90,\
lead_time_p95,quoted_lead_time,on_time_share,mean_days_late,in_full_share,trend_per_year,\
trend_standard_error,trend_distinguishable,outliers,cost_of_unreliability
007,12,2,2.5,1.5,2,4,5,3,,,0.8,2.5,0.5,true,2,41.25
"""


def test_the_table_of_suppliers_has_trend_outliers_and_cost(folder):
    (folder / "supplier_scorecard.csv").write_text(WHOLE, encoding="utf-8")
    far = "supplier,ordered,lead_time,lines\n007,2026-01-02,21,1\n007,2026-02-02,19,1\n"
    (folder / "supplier_outliers.csv").write_text(far, encoding="utf-8")
    (row,) = read_orders_part(folder).suppliers.rows
    assert row.far_lead_times == (21, 19)
    assert (row.trend, row.trend_error, row.trend_shows, row.cost) == (2.5, 0.5, True, 41.25)
    html = write_orders_page(folder, "market").read_text(encoding="utf-8")
    (table,) = re.findall(r'<table class="sorts scorecard">.*?</table>', html, re.DOTALL)
    words = re.sub(r"<[^>]+>", " ", table).split()
    cells = words[words.index("007") :]
    expected = "007 12 2 open 2.5 ± 1.5 4 3 — 80 % ↑ 2.5 ± 0.5 2 41.25"
    assert cells == expected.replace(" %", "\xa0%").replace("\xa0", " ").split()


def test_a_chart_with_nothing_to_draw_has_no_caption(folder):
    (folder / "supplier_scorecard.csv").write_text(WHOLE, encoding="utf-8")
    html = write_orders_page(folder, "market").read_text(encoding="utf-8")
    assert "Ring: a delivery far from the others." in html
    assert "Triangle: late ones are later than a week." not in html
