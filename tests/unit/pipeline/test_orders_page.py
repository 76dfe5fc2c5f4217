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
    assert "Held back by the budget" in html


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
