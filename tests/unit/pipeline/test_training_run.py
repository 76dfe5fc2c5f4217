import doctest
import io
import json
from pathlib import Path

import pytest

from demandcast.pipeline import training_run
from demandcast.pipeline.console import Console
from demandcast.pipeline.lock import RunningError, run_lock
from demandcast.pipeline.training_run import RunOptions, run
from demandcast.schema.config import parse_config, resolve_paths
from demandcast.schema.config.example import example_yaml
from demandcast.schema.errors import AnomalyError


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
        monkeypatch.setattr(dag.Surroundings, "look", classmethod(lambda cls, config: None))
        return made

    return use


def test_examples_in_docstrings_are_true():
    assert doctest.testmod(training_run).failed == 0


def test_two_runs_of_one_pipeline_are_kept_apart(config):
    folder = Path(config.workspace) / config.name
    with (
        run_lock(folder, run_id="first"),
        pytest.raises(RunningError, match=r"run first .* is working in"),
    ):
        run(config, Console(io.StringIO()))


@pytest.mark.slow
def test_a_run_is_reported_and_logged_and_keeps_the_screen_clean(config, fake_dag, capfd):
    made = fake_dag("abc")
    screen = io.StringIO()
    report = run(config, Console(screen), RunOptions(until="gate", use_cache=False))
    assert made == [("gate", False)]
    assert [stage.status for stage in report.stages] == ["run", "run"]
    assert report.status == "succeeded"
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
    assert values["status"] == "failed"
    assert values["error"] == f"{kind.__name__}: {caught.value}"
    assert [stage["status"] for stage in values["stages"]] == ["run", "failed"]
    assert "failed" in screen.getvalue()
