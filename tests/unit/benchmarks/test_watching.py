import sys

import pytest
from watching import StageClock, watch_run


def stage(name, status):
    return {"name": name, "status": status}


def test_a_stage_takes_the_cpu_time_between_its_start_and_its_end():
    clock = StageClock()
    clock.look([], 5.0)
    clock.look([stage("A", "running")], 6.0)
    clock.look([stage("A", "run"), stage("B", "running")], 10.0)
    clock.look([stage("A", "run"), stage("B", "run")], 10.5)
    assert clock.seconds == {"A": 4.0, "B": 0.5}


def test_a_stage_that_is_over_before_it_is_seen_takes_nothing():
    clock = StageClock()
    clock.look([stage("A", "cached")], 6.0)
    assert clock.seconds == {"A": 0.0}


SCRIPT = """
import json, pathlib, time
file = pathlib.Path({folder!r}, "1", "run.json")
file.parent.mkdir()
def say(*stages):
    aside = file.with_suffix(".new")
    aside.write_text(json.dumps({{"stages": [dict(name=n, status=s) for n, s in stages]}}))
    aside.replace(file)
    time.sleep(0.15)
say(("A", "running"))
while time.process_time() < 0.6: pass
say(("A", "run"), ("B", "running"))
say(("A", "run"), ("B", "run"))
"""


def test_a_run_is_watched_until_its_last_word(tmp_path):
    report, seconds = watch_run(
        [sys.executable, "-c", SCRIPT.format(folder=str(tmp_path))], tmp_path
    )
    assert [one["status"] for one in report["stages"]] == ["run", "run"]
    assert 0.3 < seconds["A"] <= 0.7
    assert seconds["B"] < 0.2


def test_a_run_that_fails_ends_the_benchmark(tmp_path):
    with pytest.raises(SystemExit, match="exit code 3"):
        watch_run([sys.executable, "-c", "raise SystemExit(3)"], tmp_path)
