import contextlib
import datetime
import doctest
import importlib.metadata
import io
import json
from pathlib import Path

import pytest

from demandcast.pipeline import training_run
from demandcast.pipeline.console import Console
from demandcast.pipeline.lock import RunningError, run_lock
from demandcast.pipeline.training_run import RunOptions, run
from demandcast.schema.config import RetentionConfig, parse_config, resolve_paths
from demandcast.schema.config.example import example_yaml
from demandcast.schema.errors import AnomalyError, BadInputError, ContractError


@pytest.fixture
def config(tmp_path):
    return resolve_paths(parse_config(example_yaml()), tmp_path)


@pytest.fixture
def fake_dag(monkeypatch, config):
    """Puts a pipeline of two tiny stages in the place of the real one."""
    from pipeline_fakes import make_pipeline

    from demandcast.pipeline import dag

    made = []

    def use(text):
        def fake(config, surroundings, *, until, enable_cache):
            made.append((until, enable_cache))
            folder = Path(config.workspace) / config.name
            return make_pipeline(folder, text, enable_cache=enable_cache)

        monkeypatch.setattr(dag, "make_pipeline", fake)
        look = classmethod(lambda cls, config: cls("of the data", None, "none"))
        monkeypatch.setattr(dag.Surroundings, "look", look)
        return made

    return use


def test_examples_in_docstrings_are_true():
    assert doctest.testmod(training_run).failed == 0


def test_two_runs_of_one_pipeline_are_kept_apart(config):
    folder = Path(config.workspace) / config.name
    with (
        run_lock(folder, run_id="first"),
        pytest.raises(RunningError, match=r"run first .* has been working in"),
    ):
        run(config, Console(io.StringIO()))


@pytest.mark.slow
def test_a_run_is_reported_and_logged_and_keeps_the_screen_clean(config, fake_dag, capfd):
    made = fake_dag("abc")
    screen = io.StringIO()
    report = run(config, Console(screen), RunOptions(until="gate", use_cache=False))
    assert made == [("gate", False)]
    assert [stage.status for stage in report.stages] == ["run", "run"]
    assert (report.status, report.exit_code, report.until) == ("succeeded", 0, "gate")
    assert report.data_fingerprint == "of the data"
    assert report.config == config.model_dump(mode="json")
    assert len(report.code_digests["Trainer"]) == 64
    assert report.toolchain["tfx"] == importlib.metadata.version("tfx")
    assert report.run_id.startswith(
        f"{datetime.datetime.fromisoformat(report.started):%Y%m%d-%H%M%S}"
    )
    assert report.started <= report.stages[0].started <= report.finished
    assert json.loads(Path(report.log).with_name("run.json").read_text()) == json.loads(
        report.to_json()
    )
    assert capfd.readouterr() == ("", "")
    text = screen.getvalue()
    assert "[1/2] Source" in text
    assert "wrote 3 characters" in text
    assert "library" not in text
    log = Path(report.log).read_text()
    for part in ("a library logs this", "wrote 3 characters"):
        assert part in log


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "kept"),
    [
        (RunOptions(), True),
        (RunOptions(until="gate", use_cache=False), True),  # It makes no trials.
        (RunOptions(until="training", use_cache=False), False),
        (RunOptions(use_cache=False), False),
    ],
    ids=str,
)
def test_only_a_run_without_cache_forgets_earlier_trials(config, fake_dag, options, kept):
    fake_dag("abc")
    trial = Path(config.workspace) / config.name / "tuning" / "search" / "trial_000"
    trial.mkdir(parents=True)
    run(config, Console(io.StringIO()), options)
    assert trial.exists() == kept


@pytest.mark.slow
def test_a_run_in_progress_can_be_read(config, fake_dag, monkeypatch):
    """Each state of the file is kept as it is written."""
    from demandcast.pipeline import reports

    seen = []
    write = reports.write_report

    def watch(report, path):
        write(report, path)
        values = json.loads(path.read_text())
        seen.append((values["status"], [stage["status"] for stage in values["stages"]]))

    monkeypatch.setattr(reports, "write_report", watch)
    fake_dag("abc")
    run(config, Console(io.StringIO()))
    assert seen == [
        ("running", []),
        ("running", []),
        ("running", ["running"]),
        ("running", ["run"]),
        ("running", ["run", "running"]),
        ("running", ["run", "run"]),
        ("succeeded", ["run", "run"]),
    ]


@pytest.mark.slow
def test_data_that_is_not_there_is_reported_too(config):
    with pytest.raises(ContractError) as caught:
        run(config, Console(io.StringIO()))
    values = json.loads(Path(caught.value.log_file).with_name("run.json").read_text())
    assert (values["status"], values["exit_code"], values["stages"]) == ("failed", 2, [])
    assert values["error"].startswith("ContractError: ")
    assert values["data_fingerprint"] is None
    assert values["config"]["name"] == config.name
    assert values["started"] <= values["finished"]


@pytest.mark.slow
def test_an_interrupt_is_reported(config, fake_dag, monkeypatch):
    from pipeline_fakes import _GateExecutor

    def interrupt(*arguments):
        raise KeyboardInterrupt

    fake_dag("abc")
    monkeypatch.setattr(_GateExecutor, "Do", interrupt)
    with pytest.raises(KeyboardInterrupt) as caught:
        run(config, Console(io.StringIO()))
    values = json.loads(Path(caught.value.log_file).with_name("run.json").read_text())
    assert (values["status"], values["exit_code"]) == ("interrupted", 130)
    assert [stage["status"] for stage in values["stages"]] == ["run", "failed"]


@pytest.mark.slow
@pytest.mark.parametrize("text", ["abc", "anomaly"])
def test_every_run_leaves_its_page(config, fake_dag, text):
    fake_dag(text)
    with contextlib.suppress(AnomalyError):
        run(config, Console(io.StringIO()))
    (page,) = Path(config.workspace, config.name, "runs").glob("*/report.html")
    assert ("Refused: the data contradicts the schema" in page.read_text()) == (text == "anomaly")


@pytest.mark.slow
def test_a_page_that_cannot_be_drawn_changes_nothing_but_a_line(config, fake_dag, monkeypatch):
    def fail(folder):
        raise ZeroDivisionError("no ink")

    fake_dag("abc")
    monkeypatch.setattr("demandcast.pipeline.run_page.write_run_page", fail)
    screen = io.StringIO()
    report = run(config, Console(screen))
    assert (report.status, report.exit_code) == ("succeeded", 0)
    assert "warning: the report was not drawn: no ink" in screen.getvalue()
    assert "ZeroDivisionError: no ink" in Path(report.log).read_text()


@pytest.mark.slow
def test_orders_are_kept_and_reported(config, fake_dag, monkeypatch):
    said = {"proposed": 1, "finding": "2 worth 3.00", "folder": "/orders/p-1"}
    seen = []

    def keep(config, report):
        seen.append((config, [stage.name for stage in report.stages]))
        return said

    fake_dag("text")
    monkeypatch.setattr(training_run, "keep_orders", keep)
    report = run(config, Console(io.StringIO()))
    assert report.orders == said
    assert seen == [(config, ["Source", "Gate"])]
    assert json.loads(Path(report.log).with_name("run.json").read_text())["orders"] == said


def test_orders_that_cannot_be_kept_fail_the_run_and_keep_its_results(
    config, fake_dag, monkeypatch
):
    def fail(config, report):
        raise BadInputError("orders: cannot be made: Permission denied")

    fake_dag("text")
    monkeypatch.setattr(training_run, "keep_orders", fail)
    with pytest.raises(BadInputError, match="Permission denied") as raised:
        run(config, Console(io.StringIO()))
    values = json.loads(Path(raised.value.log_file).with_name("run.json").read_text())
    assert (values["status"], values["exit_code"], values["orders"]) == ("failed", 2, None)
    assert len(values["stages"]) == 2


def test_a_second_run_is_cached(config, fake_dag):
    fake_dag("abc")
    run(config, Console(io.StringIO()))
    report = run(config, Console(io.StringIO()))
    assert [stage.status for stage in report.stages] == ["cached", "cached"]


@pytest.mark.slow
@pytest.mark.parametrize(("text", "kind"), [("anomaly", AnomalyError), ("bug", ZeroDivisionError)])
def test_what_stops_a_run_is_reported_logged_and_raised(config, fake_dag, text, kind):
    fake_dag(text)
    screen = io.StringIO()
    with pytest.raises(kind) as caught:
        run(config, Console(screen))
    log = Path(caught.value.log_file)
    assert "Traceback (most recent call last)" in log.read_text()
    assert "Traceback" not in screen.getvalue()
    values = json.loads(log.with_name("run.json").read_text())
    assert (values["status"], values["exit_code"]) == ("failed", 3 if text == "anomaly" else 1)
    assert values["error"] == f"{kind.__name__}: {caught.value}"
    assert [stage["status"] for stage in values["stages"]] == ["run", "failed"]
    assert "failed" in screen.getvalue()


@pytest.mark.slow
def test_a_successful_run_makes_room_and_the_cache_notices(config, fake_dag):
    """Of three runs two are kept; the first one's result is made anew, not taken from the cache."""
    config = config.model_copy(update={"retention": RetentionConfig(runs=2)})
    outputs = {}
    for text in ("abc", "abcd", "abcde"):
        fake_dag(text)
        report = run(config, Console(io.StringIO()))
        outputs[text] = Path(report.artifact("Source", "examples").uri)
    assert [path.exists() for path in outputs.values()] == [False, True, True]
    # As if the files had come back: the state alone must keep the cache from using them.
    outputs["abc"].mkdir(parents=True)
    fake_dag("abc")
    again = run(config, Console(io.StringIO()))
    assert [stage.status for stage in again.stages] == ["run", "run"]
    fake_dag("abcde")
    kept = run(config, Console(io.StringIO()))
    assert [stage.status for stage in kept.stages] == ["cached", "cached"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "kind", "kept"), [("anomaly", AnomalyError, False), ("bug", ZeroDivisionError, True)]
)
def test_a_run_that_was_stopped_on_purpose_makes_room_too(config, fake_dag, text, kind, kept):
    config = config.model_copy(update={"retention": RetentionConfig(runs=1)})
    fake_dag("abc")
    before = Path(run(config, Console(io.StringIO())).artifact("Source", "examples").uri)
    fake_dag(text)
    with pytest.raises(kind):
        run(config, Console(io.StringIO()))
    assert before.exists() == kept


@pytest.mark.slow
def test_trouble_with_old_runs_does_not_hide_what_stopped_this_one(config, fake_dag, monkeypatch):
    monkeypatch.setattr(training_run, "plan_pruning", None)
    fake_dag("anomaly")
    screen = io.StringIO()
    with pytest.raises(AnomalyError):
        run(config, Console(screen))
    assert "retention: nothing more was removed" in screen.getvalue()


@pytest.mark.slow
def test_trouble_with_old_runs_is_no_trouble_of_this_one(config, fake_dag, monkeypatch):
    def fail(*arguments, **options):
        raise PermissionError("not yours")

    monkeypatch.setattr(training_run, "plan_pruning", fail)
    fake_dag("abc")
    screen = io.StringIO()
    report = run(config, Console(screen))
    assert report.exit_code == 0
    assert "retention: nothing more was removed: not yours" in screen.getvalue()


@pytest.mark.slow
def test_validation_alone_removes_nothing(config, fake_dag, monkeypatch):
    monkeypatch.setattr(training_run, "plan_pruning", None)
    fake_dag("abc")
    screen = io.StringIO()
    assert run(config, Console(screen), RunOptions(until="gate")).exit_code == 0
    assert "retention" not in screen.getvalue()
