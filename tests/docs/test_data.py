"""The table of docs/data.md is described, read and counted as the page says."""

from docs_pages import blocks
from examples_tables import check_purely

from demandcast.components.examples.counting import counts_to_json
from demandcast.pipeline.cli.results import show_transactions
from demandcast.pipeline.reports import ArtifactReport, RunReport, StageReport
from demandcast.schema.config import parse_config
from demandcast.schema.periods import date_of

PAGE = "docs/data.md"


def test_the_rules_take_what_the_page_says(tmp_path, capsys):
    (configuration,) = [block.text for block in blocks("yaml") if str(block).startswith(PAGE)]
    table, counted = [block.text for block in blocks("text") if str(block).startswith(PAGE)]
    (tmp_path / "till.csv").write_text(table)
    config = parse_config(configuration)
    data = config.data.model_copy(update={"sales": str(tmp_path / "till.csv")})
    partitions, report, _, _ = check_purely(data, config.forecast)
    assert report.violations == ()
    counts = counts_to_json(report.lines)
    outputs = {"examples": ArtifactReport("", {"transactions": counts})}
    stage = StageReport("SeriesExampleGen", "run", "", 0.0, 0, outputs)
    show_transactions(RunReport("", "", "succeeded", 0.0, (stage,), "", "", ""))
    assert capsys.readouterr().out.strip() == counted.strip()
    found = {
        (partition.series["article"][code], date_of(period).isoformat()): units
        for partition in partitions
        for code, period, units in partition.sales.select("#series", "#period", "#target").rows()
    }
    assert found == {
        ("10001", "2026-07-02"): 2,
        ("10001", "2026-07-04"): 3,
        ("10002", "2026-07-03"): 6,  # Half past midnight in London.
    }
