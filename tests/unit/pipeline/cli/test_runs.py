import json

import pytest
from history_world import World, stages_of

from demandcast.pipeline import retention
from demandcast.pipeline.cli.main import invoke
from demandcast.pipeline.lock import run_lock

OLD, NEW = "20261119-093000-000", "20261120-093000-000"


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


@pytest.fixture
def runs(world, capsys):
    """Runs `demandcast runs ...`; returns exit code, standard output and standard error."""

    def call(*arguments):
        code = invoke(["runs", *arguments, "--config", str(world.config_file)])
        return (code, *capsys.readouterr())

    return call


def test_an_empty_history_is_said(world, runs):
    assert runs("list") == (0, f"no runs in {world.folder}\n", "")
    assert runs("list", "--json") == (0, "[]\n", "")


def test_the_list_has_a_row_for_each_run(world, runs):
    world.report(OLD)
    world.report(NEW, verdict=None, push=None, data=None, status="failed", error="KeyError: x")
    world.run_folder("20261121-093000-000")
    world.push("one", OLD)
    code, out, err = runs("list")
    assert (code, err) == (0, "")
    header, *rows, note = out.splitlines()
    assert header.split("  ")[0] == "run"
    assert [row.split()[0] for row in rows] == ["20261121-093000-000", NEW, OLD]
    assert "died while loading *" in rows[0]
    assert "failed before the first stage" in rows[1]
    assert " ".join(rows[2].split()) == (
        f"{OLD} pushed as version 7 2026-11-20 09:30 1 min 15 s 1,234 2025-03-11 - 0.2500 - "
        "in service"
    )
    assert note.startswith("* run.json is missing")


def test_the_list_is_cut_and_says_so(world, runs):
    for run_id in (OLD, NEW):
        world.report(run_id)
    _, out, _ = runs("list", "--limit", "1")
    assert out.splitlines()[-1] == "1 older runs; --limit 0 shows all"
    assert OLD not in out
    _, out, _ = runs("list", "--limit", "0")
    assert "older" not in out


def test_the_list_for_scripts(world, runs):
    world.report(NEW)
    (row,) = json.loads(runs("list", "--json")[1])
    assert row == {
        "run_id": NEW,
        "started": "2026-11-20T09:30:00+00:00",
        "outcome": "pushed as version 7",
        "seconds": 75.0,
        "rows": 1234,
        "last": "2025-03-11",
        "metrics": {"weighted_quantile_loss": None, "wape": 0.25, "bias": None},
        "in_service": False,
        "note": "",
    }


def test_a_run_in_full(world, runs):
    writer = world.store()
    examples = writer.stage(OLD, "SeriesExampleGen", outputs=["examples"])
    writer.stage(NEW, "SeriesExampleGen", state="CACHED", outputs=examples)
    config = world.config.model_dump(mode="json")
    config["training"]["epochs"] = 3
    world.report(NEW, stages=stages_of(("SeriesExampleGen", "cached")), config=config)
    code, out, err = runs("show", "latest")
    assert (code, err) == (0, "")
    assert f"run        {NEW}" in out
    assert "1,234 rows of 8 series from 2023-01-02 to 2025-03-11" in out
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "data fingerprint " + "ab" * 32 in lines
    assert "code of forecasting cdcdcdcdcdcd" in lines
    assert "Push: pushed as version 7" in out
    (stage,) = [line for line in out.splitlines() if line.startswith("SeriesExampleGen  cached")]
    assert stage.split()[-1] == OLD
    assert "training.epochs" in out
    assert "training.batch_size" not in out
    place = writer.uri(examples["examples"]).relative_to(world.folder / "artifacts")
    assert f"{OLD}  {place}" in out

    values = json.loads(runs("show", NEW, "--json")[1])
    assert (values["outcome"], values["source"]) == ("pushed as version 7", "run.json")
    (output,) = values["lineage"][0]["outputs"]["examples"]
    assert (output["made_by_run"], output["live"]) == (OLD, True)


def test_a_run_is_shown_without_a_store(world, runs):
    world.report(NEW, config={"of": {"another": "release"}})
    code, out, err = runs("show", "latest")
    assert code == 0
    assert err.startswith("without lineage: ")
    assert "of.another" in out


def test_a_run_that_died_is_shown(world, runs):
    world.report(
        NEW, status="running", verdict=None, push=None, model=None, data_fingerprint=None, config={}
    )
    _, out, _ = runs("show", "latest")
    assert "outcome    died after Pusher" in out
    assert "data fingerprint -" in [" ".join(line.split()) for line in out.splitlines()]


def test_the_page_of_a_run_is_named_if_it_is_there(world, runs):
    world.report(NEW)
    assert "report.html" not in runs("show", "latest")[1]
    (world.run_folder(NEW) / "report.html").write_text("")
    assert f"{NEW}/report.html" in runs("show", "latest")[1]


def test_an_unknown_run_is_bad_input(runs):
    code, _, err = runs("show", "1999")
    assert code == 2
    assert err.startswith("error: run '1999': no such run; allowed: a run id or its beginning")


def test_two_runs_side_by_side(world, runs):
    world.report(OLD)
    overall = {"name": "overall", "candidate": {"wape": 0.2}, "in_service": {}}
    world.report(
        NEW,
        config={"forecast": {"horizon": 14}, "training": {"epochs": 5}},
        data_fingerprint="00" * 32,
        verdict={"blessed": True, "reasons": [], "comparison": "", "slices": [overall]},
    )
    code, out, _ = runs("compare", OLD, "latest")
    assert code == 0
    lines = [line.split() for line in out.splitlines()]
    assert ["forecast.horizon", "7", "14"] in lines
    assert ["fingerprint", "abababababab", "000000000000"] in lines
    assert ["wape", "0.2500", "0.2000", "-0.0500"] in lines
    assert "code: same" in out
    assert "libraries: same" in out
    found = json.loads(runs("compare", OLD, "latest", "--json")[1])
    assert found["config"] == {"forecast.horizon": [7, 14]}


def test_what_was_not_recorded_is_not_called_the_same(world, runs):
    for run_id in (OLD, NEW):
        world.report(run_id, data_fingerprint=None, config={}, code_digests={}, toolchain={})
    _, out, _ = runs("compare", OLD, NEW)
    for part in ("configuration", "code", "libraries"):
        assert f"{part}: not recorded" in out


@pytest.fixture
def two_whole_runs(world):
    """A whole run that `--set retention.runs=1` would not keep, and one after it."""
    writer = world.store()
    models = [writer.stage(run_id, "Trainer")["out"] for run_id in (OLD, NEW)]
    return [writer.uri(model) for model in models]


def test_what_would_go_is_said(two_whole_runs, runs):
    first, _ = two_whole_runs
    code, out, err = runs("prune", "--dry-run", "--set", "retention.runs=1")
    assert (code, err) == (0, "")
    assert out == f"{first}\nwould remove the artifacts of 1 run: less than 1 MiB\n"
    assert first.exists()


def test_what_is_old_goes(two_whole_runs, runs):
    first, second = two_whole_runs
    _, out, _ = runs("prune", "--set", "retention.runs=1")
    assert out == "removed the artifacts of 1 run: less than 1 MiB\n"
    assert (first.exists(), second.exists()) == (False, True)
    assert runs("prune", "--set", "retention.runs=1") == (0, "nothing to remove\n", "")
    assert runs("prune", "--quiet") == (0, "", "")


def test_what_went_for_scripts(two_whole_runs, runs):
    values = json.loads(runs("prune", "--set", "retention.runs=1", "--json")[1])
    assert values["removed"] is True
    assert values["runs"] == [OLD]
    assert values["artifacts"] == [str(two_whole_runs[0])]
    assert values["size"] == 1000


def test_a_run_is_kept_out_by_a_pruning_and_told_so(world, two_whole_runs, runs, monkeypatch):
    def begin_a_run(*args, **options):
        with run_lock(world.folder, run_id=NEW):
            pass

    monkeypatch.setattr(retention, "plan_pruning", begin_a_run)
    code, _, err = runs("prune")
    assert code == 2
    assert "error: a pruning (pid " in err
    assert all(path.exists() for path in two_whole_runs)


def test_nothing_goes_during_a_run_but_it_can_be_said(world, two_whole_runs, runs):
    with run_lock(world.folder, run_id=NEW):
        code, _, err = runs("prune", "--set", "retention.runs=1")
        assert code == 2
        assert f"run {NEW} (pid " in err
        assert runs("prune", "--set", "retention.runs=1", "--dry-run")[0] == 0
    assert all(path.exists() for path in two_whole_runs)
