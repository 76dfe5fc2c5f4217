import json

import pytest

from demandcast.pipeline.reports import (
    ArtifactReport,
    RunRecord,
    RunReport,
    StageReport,
    read_report,
    write_report,
)

STAGE = StageReport(
    name="Trainer",
    status="run",
    started="2026-11-20T09:30:00+00:00",
    seconds=1.5,
    peak_memory_bytes=10,
    outputs={"model": ArtifactReport("/artifacts/model", {"absent": 0})},
)
REPORT = RunReport(
    pipeline="quickstart",
    run_id="one",
    status="succeeded",
    seconds=2.0,
    stages=(STAGE,),
    log="/log",
    artifacts="/artifacts",
    serving_directory="/serving",
)


def test_stages_and_artifacts_are_found_by_name():
    assert REPORT.stage("Trainer") is STAGE
    assert REPORT.stage("Pusher") is None
    assert REPORT.artifact("Trainer", "model").uri == "/artifacts/model"
    assert REPORT.artifact("Trainer", "other") is None
    assert REPORT.artifact("Pusher", "model") is None


def test_a_run_without_verdict_is_not_blessed():
    assert not REPORT.blessed
    assert RunReport(**{**vars(REPORT), "verdict": {"blessed": True}}).blessed
    assert not RunReport(**{**vars(REPORT), "verdict": {"blessed": False}}).blessed


def test_the_file_holds_everything_and_nothing_is_left_aside(tmp_path):
    write_report(REPORT, tmp_path / "run.json")
    values = json.loads((tmp_path / "run.json").read_text())
    assert set(values) == set(vars(REPORT))
    assert values["stages"][0]["outputs"]["model"] == {
        "uri": "/artifacts/model",
        "properties": {"absent": 0},
    }
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_a_record_keeps_the_file_up_to_date(tmp_path):
    record = RunRecord(REPORT, tmp_path / "run.json")
    assert json.loads((tmp_path / "run.json").read_text())["exit_code"] is None
    record.update(exit_code=4, data={"rows": 3})
    values = json.loads((tmp_path / "run.json").read_text())
    assert (values["exit_code"], values["data"], values["run_id"]) == (4, {"rows": 3}, "one")
    assert record.report.exit_code == 4
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_what_is_written_is_read(tmp_path):
    report = RunReport(**{**vars(REPORT), "verdict": {"blessed": True}, "data": {"rows": 3}})
    write_report(report, tmp_path / "run.json")
    assert read_report(tmp_path / "run.json") == report


def test_reports_of_other_releases_are_read(tmp_path):
    path = tmp_path / "run.json"
    write_report(REPORT, path)
    values = json.loads(path.read_text())
    for key in ("config", "model", "started"):
        del values[key]
    values["stages"][0]["signed_by"] = "someone"
    path.write_text(json.dumps({**values, "signed_by": "someone"}))
    assert read_report(path) == REPORT


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"stages": 3}', '{"stages": [{}]}', "null"])
def test_a_damaged_report_is_named(tmp_path, text):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(ValueError, match=r"run\.json: not the report of a run"):
        read_report(tmp_path / "run.json")


def test_a_missing_report_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_report(tmp_path / "run.json")
