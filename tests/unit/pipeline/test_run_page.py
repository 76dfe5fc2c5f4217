import json
import shutil

import pytest
from run_folders import CONFIG, STAGES, write_run

from demandcast.pipeline import run_page
from demandcast.pipeline.run_page import gather_page, write_run_page
from demandcast.schema.errors import BadInputError

JUDGED = ("gate", "slices", "forecasts", "coverage")


def test_a_whole_run_has_every_part(tmp_path):
    write_run(tmp_path, "1", config={**CONFIG, "training": {"epochs": 4}}, data_fingerprint="e")
    page = gather_page(write_run(tmp_path, "2"))
    for name in (*JUDGED, "training", "data", "changes"):
        assert getattr(page, name) is not None, name
    assert set(page.absent) == {"tuning", "backtest", "orders"}
    off = "The run proposed no orders: replenishment.enabled is off."
    assert page.absent["orders"] == off
    assert [(one.name, one.before, one.after) for one in page.changes.configuration] == [
        ("training.epochs", "4", "5")
    ]
    assert [one.name for one in page.changes.data] == ["fingerprint"]
    assert page.changes.outcome == "pushed as version 7"
    assert page.started == "2026-04-01 09:30:05 UTC"
    facts = dict(page.lineage.facts)
    assert facts["Fingerprint of the data"] == "f" * 64
    assert "epochs: 5" in page.lineage.configuration


@pytest.mark.parametrize("stage", STAGES)
def test_a_run_that_failed_in_any_stage_has_a_page(tmp_path, stage):
    file = write_run_page(write_run(tmp_path, "1", failed_in=stage))
    html = file.read_text()
    assert f"Failed in {stage}" in html
    assert "division by &lt;zero&gt;" in html
    missing = gather_page(file.parent).absent
    assert ("gate" in missing) == (STAGES.index(stage) <= STAGES.index("Evaluator"))
    assert ("training" in missing) == (STAGES.index(stage) <= STAGES.index("Trainer"))


def test_a_run_without_a_model_in_service_says_that_it_proposed_nothing(tmp_path):
    orders = {"proposed": 0, "finding": "nothing is forecast: no model is in service"}
    folder = write_run(tmp_path, "r1", orders=orders)
    values = json.loads((folder / "run.json").read_text())
    outputs = {"proposals": {"uri": str(tmp_path / "empty"), "properties": orders}}
    values["stages"].append(values["stages"][-1] | {"name": "Replenisher", "outputs": outputs})
    (folder / "run.json").write_text(json.dumps(values))
    page = gather_page(folder)
    assert page.orders is None
    why = "The run proposed no orders: nothing is forecast: no model is in service."
    assert page.absent["orders"] == why


def test_a_run_that_did_not_get_to_its_orders_says_where_it_ended(tmp_path):
    config = {**CONFIG, "replenishment": {"enabled": True}}
    page = gather_page(write_run(tmp_path, "1", failed_in="Trainer", config=config))
    assert page.absent["orders"] == "The run did not get here: it ended in Trainer."


def test_a_run_of_an_older_version_has_a_page(tmp_path):
    folder = write_run(tmp_path, "1")
    values = json.loads((folder / "run.json").read_text())
    for name in ("config", "data", "data_fingerprint", "code_digests", "model", "started", "until"):
        del values[name]
    (folder / "run.json").write_text(json.dumps(values))
    page = gather_page(folder)
    assert {check.passed for check in page.gate.checks} == {None}
    assert page.lineage.configuration == ""
    assert "Pushed as version 7" in write_run_page(folder).read_text()


def test_artifacts_that_were_removed_leave_their_part_out(tmp_path):
    folder = write_run(tmp_path, "1")
    shutil.rmtree(tmp_path / "demand" / "artifacts")
    page = gather_page(folder)
    assert page.gate is not None  # The verdict is in run.json.
    assert page.training is None
    assert page.absent["training"].startswith("The files of this part are gone: ")
    assert "training.json" in page.absent["training"]


def test_damaged_files_leave_their_part_out(tmp_path):
    folder = write_run(tmp_path, "1")
    (file,) = (tmp_path / "demand" / "artifacts").rglob("training.json")
    file.write_text("{")
    page = gather_page(folder)
    assert page.absent["training"].startswith("This part cannot be shown: JSONDecodeError")
    assert page.gate is not None


def test_the_page_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    folder = write_run(tmp_path, "1")
    output = tmp_path / "elsewhere.html"
    assert write_run_page(folder, output) == output
    assert not (folder / "report.html").exists()
    before = output.read_text()

    def fail(page):
        raise ValueError("no")

    monkeypatch.setattr(run_page, "draw_page", fail)
    with pytest.raises(ValueError, match="no"):
        write_run_page(folder, output)
    assert output.read_text() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["demand", "elsewhere.html"]


def test_a_folder_without_a_run_is_bad_input(tmp_path):
    with pytest.raises(BadInputError):
        gather_page(tmp_path)
